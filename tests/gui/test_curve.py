import numpy as np
import pytest
from bandbridge.gui.curve import Curve
from hypothesis import given
from hypothesis import strategies as st


def test_long_run_stays_bounded_and_keeps_every_spike():
    curve = Curve(capacity=512)
    values = np.random.default_rng(0).normal(size=100_000)
    values[61_234] = 99.0
    for start in range(0, 100_000, 1_000):
        curve.add(np.arange(start, start + 1_000), values[start : start + 1_000])
    steps, drawn = curve.envelope()
    assert 256 <= len(curve) <= 512
    assert drawn.max() == 99.0
    assert drawn.min() == values.min()
    assert abs(steps[drawn.argmax()] - 61_234) < 100_000 / 256
    assert curve.latest == values[-1]


@given(chunks=st.lists(st.integers(1, 40), min_size=1, max_size=30), capacity=st.integers(4, 64))
def test_means_are_those_of_all_values_however_they_arrive(chunks, capacity):
    curve = Curve(capacity=capacity)
    values = np.cos(np.arange(sum(chunks)) / 7)
    start = 0
    for size in chunks:
        curve.add(np.arange(start, start + size), values[start : start + size])
        start += size
    whole = Curve(capacity=capacity)
    whole.add(np.arange(start), values)
    assert np.allclose(curve.means, whole.means)
    assert np.array_equal(curve.steps, whole.steps)
    # A window over everything, at the middle of an odd number of spans, is the mean of all values.
    if len(curve) % 2 and start % len(curve) == 0:
        assert curve.smoothed(1.0)[1][len(curve) // 2] == pytest.approx(values.mean())


def test_a_part_is_drawn_with_no_more_spans_than_asked_for():
    curve = Curve()
    curve.add(np.arange(1000), np.sin(np.arange(1000) / 3))
    steps, values = curve.envelope(200, 600, most=50)
    assert len(steps) <= 100
    assert steps.min() in (199, 200)
    assert values.max() == np.sin(np.arange(199, 602) / 3).max()
    assert curve.envelope(most=1000)[0].tolist() == list(range(1000))


def test_smoothing_leaves_a_straight_line_alone():
    curve = Curve()
    curve.add(np.arange(100), np.arange(100) * 2.0)
    steps, smooth = curve.smoothed(0.3)
    assert np.allclose(smooth, steps * 2.0)


def test_smoothing_does_not_end_in_the_last_value_alone():
    rng = np.random.default_rng(0)
    curve = Curve()
    curve.add(np.arange(400), np.concatenate((rng.normal(1.0, 0.1, 399), [9.0])))
    _, smooth = curve.smoothed(0.2)
    assert abs(smooth[-1] - 1.0) < 1.0
    assert abs(smooth[0] - 1.0) < 0.2


def test_values_that_are_no_numbers_are_left_out():
    curve = Curve()
    curve.add(np.arange(4), np.array([1.0, np.nan, np.inf, 2.0]))
    assert curve.envelope()[0].tolist() == [0.0, 3.0]
    assert curve.latest == 2.0


def test_cut_goes_back_to_a_checkpoint():
    curve = Curve()
    curve.add(np.arange(50), np.arange(50.0))
    curve.cut(20)
    assert curve.latest == 19.0
    curve.add(np.arange(20, 30), np.zeros(10))
    assert curve.steps.tolist() == list(range(30))
