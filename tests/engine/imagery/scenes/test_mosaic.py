"""Work done window by window must leave no trace of the windows."""

import numpy as np
import pytest
from bandbridge.engine.imagery.scenes.mosaic import mosaic, spans
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter


@given(st.integers(1, 3000), st.integers(16, 128), st.integers(0, 16), st.integers(0, 40))
def test_weights_sum_to_one_and_windows_stay_on_the_grid(length, quarter_tile, quarter_overlap, reach):
    tile, overlap = 4 * quarter_tile, 4 * min(quarter_overlap, quarter_tile // 2)
    found = spans(length, tile, overlap, reach)
    total = np.zeros(length)
    for span in found:
        assert span.start % 4 == 0
        assert span.stop - span.start == len(span.weights) <= tile
        total[span.start : span.stop] += span.weights
    assert found[-1].stop == length
    np.testing.assert_allclose(total, 1, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(70, 201), (200, 61), (64, 64), (1, 3)])
def test_what_depends_on_neighbours_within_reach_is_as_in_the_whole(height, width):
    """A blur of 11 pixels whose border treatment differs from what lies beyond a window."""
    image = np.random.default_rng(0).random((2, height, width)).astype(np.float32)
    there = image[0] > 0.3

    def work(rows, columns):
        part = image[:, slice(*rows), slice(*columns)]
        return uniform_filter(part, (0, 11, 11), mode="constant"), there[slice(*rows), slice(*columns)]

    whole = uniform_filter(image, (0, 11, 11), mode="constant")
    tops, strips, present = zip(*mosaic(height, width, work, tile=64, overlap=24, reach=5), strict=True)
    assert list(tops) == np.cumsum([0, *(strip.shape[1] for strip in strips)])[:-1].tolist()
    np.testing.assert_allclose(np.concatenate(strips, axis=1), whole, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate(present), there)


def test_too_small_an_overlap_passes_softly_from_window_to_window():
    """Every window answers with a number of its own, as if nothing agreed: no step may be larger than the wave's."""
    numbers = iter(range(2))

    def work(rows, columns):
        shape = (rows[1] - rows[0], columns[1] - columns[0])
        return np.full((1, *shape), float(next(numbers)), np.float32), np.ones(shape, np.bool_)

    [(_, strip, _)] = mosaic(16, 112, work, tile=64, overlap=16, reach=4)
    assert strip[0, 0, 0] == 0
    assert strip[0, 0, -1] == 1
    assert np.abs(np.diff(strip[0, 0])).max() < 0.25


def test_an_overlap_of_more_than_half_a_tile_is_refused():
    with pytest.raises(ValueError, match="overlap"):
        spans(100, 64, 36, 0)
