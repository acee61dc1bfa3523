"""Likeness of pictures, against values worked out otherwise."""

import numpy as np
import pytest
from bandbridge.engine.validation.translation import psnr, ssim, ssim_map

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.random((2, 3, 24, 20)).astype(np.float32)


def test_a_picture_is_like_itself_and_unlike_its_negative():
    assert ssim(PICTURES, PICTURES) == pytest.approx(1.0, abs=1e-4)
    assert ssim(PICTURES, 1 - PICTURES) < 0
    assert ssim_map(PICTURES, PICTURES).shape == (2, 24, 20)


def test_flat_pictures_differ_by_their_light_alone():
    a, b = np.full((1, 1, 16, 16), 0.2, np.float32), np.full((1, 1, 16, 16), 0.6, np.float32)
    assert ssim(a, b) == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.04 + 0.36 + 1e-4), rel=1e-3)


def test_the_place_of_a_difference_shows():
    other = PICTURES.copy()
    other[:, :, :8, :8] = RANDOM.random((2, 3, 8, 8))
    where = ssim_map(PICTURES, other)
    assert where[:, :4, :4].mean() < 0.6
    assert where[:, 16:, 16:].min() > 0.99


def test_twenty_decibels_are_a_tenth():
    assert psnr(PICTURES * 0, PICTURES * 0 + 0.1) == pytest.approx(20.0)
