import numpy as np
import pytest
from bandbridge.engine.imagery.picture import picture


@pytest.mark.parametrize("bands", [1, 2, 3, 13])
def test_any_number_of_bands_becomes_a_colour_picture(bands):
    values = np.random.default_rng(0).normal(-12, 3, (bands, 40, 80)).astype(np.float32)
    shown = picture(values, size_px=20)
    assert shown.shape == (10, 20, 3)
    assert shown.dtype == np.uint8
    assert (np.ptp(shown, axis=2) == 0).all() == (bands < 3)


def test_missing_values_are_black_and_do_not_darken_their_neighbours():
    values = np.full((1, 40, 40), 1000, np.float32)
    values[:, :, :20] = np.nan
    shown = picture(values, low=(0,), high=(1000,), size_px=13)
    assert (shown[:, :6] == 0).all()
    assert (shown[:, 7:] == 255).all()
    assert not picture(np.full((1, 8, 8), np.nan, np.float32)).any()


def test_limits_are_black_and_white():
    shown = picture(np.array([[[0, 50, 100, 150]]], np.float32), low=(0,), high=(100,))
    assert shown[0, :, 0].tolist() == [0, 128, 255, 255]


def test_a_flat_image_is_no_reason_to_fail():
    assert picture(np.full((3, 8, 8), 7, np.float32)).shape == (8, 8, 3)


def test_a_picture_is_shown_on_the_curve_of_its_stretch():
    values = np.array([[[1, 10, 100]]], np.float32)
    levels = picture(values, low=(1.0,), high=(100.0,), curve="log")
    assert levels[0, :, 0].tolist() == [0, 128, 255]
