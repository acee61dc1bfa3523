import json
from dataclasses import replace

import numpy as np
import pytest
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.imagery.sensors.band_statistics import SAMPLE_SIZE, BandStatistics, percentile
from bandbridge.engine.imagery.sensors.stretch import Stretch, measure_bands
from hypothesis import given
from hypothesis import strategies as st

RULE = StretchRule()
LOG = StretchRule(kind="log")


@given(
    values=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=60),
    percent=st.floats(0, 100, allow_nan=False),
)
def test_percentiles_of_counted_integers_are_exact(values, percent):
    half = len(values) // 2
    statistics, other = (
        BandStatistics(np.array(part, np.float32).reshape(1, 1, -1), "int16", 0)
        for part in (values[:half], values[half:])
    )
    statistics.merge(other)
    assert percentile(*statistics.levels(0), percent) == pytest.approx(np.percentile(values, percent))


def test_a_float_sample_is_uniform_over_many_images():
    # Values rise from image to image: a sample that favoured early or late ones would miss the percentiles.
    images = 40
    made_from = [
        (np.linspace(index, index + 1, 2 * SAMPLE_SIZE // 10, dtype=np.float32).reshape(1, 1, -1), "float32", index)
        for index in range(images)
    ]
    statistics, *others = (BandStatistics(*arguments) for arguments in made_from)
    for other in others:
        statistics.merge(other)
    levels, counts = statistics.levels(0)
    assert len(levels) == SAMPLE_SIZE
    assert counts.sum() == pytest.approx(statistics.values)
    # Threads may finish in any order; the sample must not depend on it.
    last, *before = (BandStatistics(*arguments) for arguments in reversed(made_from))
    for other in before:
        last.merge(other)
    np.testing.assert_array_equal(last.levels(0)[0], levels)
    for percent in (2, 50, 98):
        assert percentile(levels, counts, percent) == pytest.approx(images * percent / 100, abs=images * 0.002)


def test_missing_values_become_zero_and_nothing_leaves_the_range():
    stretch = Stretch((-20.0,), (-10.0,), (0.5,), (0.2,))
    applied = stretch.apply(np.array([[[np.nan, -30, -15, 0]]], np.float32))
    np.testing.assert_array_equal(applied, [[[0, 0, 0.5, 1]]])
    assert applied.dtype == np.float32
    assert stretch.apply(np.zeros((5, 1, 2, 2), np.float32)).shape == (5, 1, 2, 2)


def test_eight_bit_pictures_are_divided_by_255():
    values = np.arange(256, dtype=np.float32).reshape(1, 16, 16).repeat(3, axis=0)
    np.testing.assert_allclose(Stretch.eight_bit(3).apply(values), values / 255)


def test_constant_and_nearly_constant_bands_are_named_and_stay_finite():
    image = np.full((2, 10, 10), 500, np.float32)
    image[1, 0, 0] = 900
    measured = measure_bands(BandStatistics(image, "uint16", 0), (8, 9), RULE)
    assert measured.constant == (8,)
    assert measured.nearly_constant == (9,)
    assert (measured.stretch.low[1], measured.stretch.high[1]) == (500, 900)
    assert np.isfinite(measured.stretch.apply(image)).all()
    assert measured.stretch.std[0] == 1


def test_an_integer_histogram_has_no_comb():
    statistics = BandStatistics(np.arange(1000, dtype=np.float32).reshape(1, 25, 40), "uint16", 0)
    counts = measure_bands(statistics, (1,), RULE).histograms[0].counts
    filled = np.flatnonzero(counts)
    assert np.ptp(counts[filled[1:-1]]) == 0


@pytest.mark.parametrize(
    "fields", [((0,), (0,), (0,), (1,)), ((0,), (1,), (0,), (0,)), ((), (), (), ()), ((0,), (1, 2), (0,), (1,))]
)
def test_a_stretch_that_would_divide_by_zero_cannot_be_made(fields):
    with pytest.raises(ValueError, match="stretch"):
        Stretch(*fields)


def test_a_log_stretch_shows_factors_as_equal_steps_and_measures_what_is_above_zero():
    values = np.repeat([-5, 0, 1, 10, 100, 1000], 50).astype(np.float32).reshape(1, 15, 20)
    measured = measure_bands(BandStatistics(values, "float32", 0), (1,), replace(LOG, low_percent=0, high_percent=100))
    stretch = measured.stretch
    assert (stretch.low, stretch.high, stretch.curve) == ((1.0,), (1000.0,), "log")
    applied = stretch.apply(np.array([[[-5, 0, 1, 10, 100, 1000, 5000, np.nan, np.inf]]], np.float32))
    np.testing.assert_allclose(applied[0, 0], [0, 0, 0, 1 / 3, 2 / 3, 1, 1, 0, 1], atol=1e-6)
    # The mean and spread that standardise are those of stretched values, zeros and negative ones among them.
    shown = stretch.apply(values)
    assert (stretch.mean[0], stretch.std[0]) == pytest.approx((shown.mean(), shown.std()), abs=1e-6)


@given(
    values=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=3, max_size=40),
    ends=st.tuples(st.floats(1e-3, 10), st.floats(11, 1e6)),
)
def test_a_log_stretch_keeps_the_order_within_0_and_1(values, ends):
    stretch = Stretch((ends[0],), (ends[1],), (0.0,), (1.0,), "log")
    shown = stretch.apply(np.sort(np.array(values, np.float32)).reshape(1, 1, -1)).ravel()
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert (np.diff(shown) >= 0).all()


def test_a_fixed_range_is_the_same_for_every_band_and_data_set():
    rule = StretchRule(kind="range", low_value=-10, high_value=40)
    image = np.stack([np.linspace(-30, 20, 100), np.linspace(5, 6, 100)]).astype(np.float32).reshape(2, 10, 10)
    measured = measure_bands(BandStatistics(image, "float32", 0), (1, 2), rule)
    assert (measured.stretch.low, measured.stretch.high) == ((-10.0, -10.0), (40.0, 40.0))
    shown = measured.stretch.apply(image)
    np.testing.assert_allclose(measured.stretch.std, shown.std(axis=(1, 2)), atol=1e-5)
    assert not measured.beyond
    for histogram in measured.histograms:  # both ends can be seen, though no value reaches them
        assert histogram.edges[0] <= -10
        assert histogram.edges[-1] >= 40
    beyond = measure_bands(BandStatistics(image + 1000, "float32", 0), (1, 2), rule)
    assert beyond.beyond == (1, 2)
    assert beyond.stretch.std == (1.0, 1.0)


def test_the_histogram_of_a_log_stretch_has_bins_of_one_factor_and_counts_everything():
    values = np.geomspace(1, 10_000, 10_000).astype(np.float32)
    values[:100] = 0
    image = values.reshape(1, 100, 100)
    histogram = measure_bands(BandStatistics(image, "float32", 0), (1,), LOG).histograms[0]
    assert histogram.counts.sum() == values.size
    assert np.ptp(np.diff(np.log(histogram.edges))) < 1e-6
    assert histogram.curve == "log"
    whole = measure_bands(BandStatistics(np.rint(image), "uint16", 0), (1,), LOG).histograms[0]
    assert whole.counts.sum() == values.size
    assert whole.counts[1:].min() > 0  # no comb where a bin is narrower than one


def test_percentiles_go_with_the_histogram_so_that_a_window_can_move_the_ends():
    values = np.random.default_rng(0).integers(0, 5000, (1, 50, 50)).astype(np.float32)
    histogram = measure_bands(BandStatistics(values, "uint16", 0), (1,), RULE).histograms[0]
    assert histogram.percentiles[[0, 20, 500, 980, 1000]] == pytest.approx(np.percentile(values, [0, 2, 50, 98, 100]))
    assert (histogram.percentiles[20], histogram.percentiles[980]) == (histogram.low, histogram.high)


def test_values_without_a_logarithm_are_told_and_not_stretched():
    decibels = np.linspace(-30, -5, 100).astype(np.float32).reshape(1, 10, 10)
    with pytest.raises(ImageError, match="no value above zero"):
        measure_bands(BandStatistics(decibels, "float32", 0), (1,), LOG)
    with pytest.raises(ValueError, match="above zero"):
        Stretch((0.0,), (1.0,), (0.0,), (1.0,), "log")


@pytest.mark.parametrize(
    "rule",
    [
        StretchRule(kind="range"),
        StretchRule(kind="range", low_value=3, high_value=3),
        StretchRule(kind="range", low_value=0, high_value=float("nan")),
        StretchRule(kind="log", low_percent=98, high_percent=2),
    ],
)
def test_a_range_that_is_none_is_refused(rule):
    with pytest.raises(UsageError, match="stretch"):
        measure_bands(BandStatistics(np.ones((1, 2, 2), np.float32), "float32", 0), (1,), rule)


@pytest.mark.parametrize("curve", ["linear", "log"])
def test_a_stretch_goes_through_json(curve):
    stretch = Stretch((0.1, 2.0), (30.5, 4000.0), (0.4, 0.3), (0.2, 0.1), curve)
    facts = json.loads(json.dumps(stretch.to_json()))
    assert Stretch.from_json(facts) == stretch
    assert ("curve" in facts) == (curve == "log")  # linear ones are written as versions before wrote them
    with pytest.raises(ValueError, match="warp"):
        Stretch.from_json({**facts, "warp": 1})
