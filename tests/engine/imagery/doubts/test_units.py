"""Units: combinations known from practice are named, what nature does within one unit is not."""

import numpy as np
import pytest
from bandbridge.engine.imagery.doubts.glimpse import Glimpse, take_glimpse
from bandbridge.engine.imagery.doubts.units import odd_units
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import Image

MANY = 20


def images(prefix: str, dtype: str, middle: float, spread: float, count: int = MANY, least: float = -1e9):
    """Images around a middle that itself differs by a tenth from image to image."""
    found: dict[str, Glimpse] = {}
    for number in range(count):
        random = np.random.default_rng(number)
        values = middle * random.uniform(0.9, 1.1) + spread * random.normal(size=(1, 24, 24))
        values = np.maximum(values, least).astype(dtype).astype(np.float32)
        header = ImageHeader(path=None, width=24, height=24, bands=1, dtype=dtype)
        found[f"{prefix}{number}"] = take_glimpse(Image(header=header, bands=(1,), values=values))
    return found


EIGHT_BIT = {
    f"odd{number}": take_glimpse(
        Image(
            header=ImageHeader(path=None, width=24, height=24, bands=1, dtype="uint16"),
            bands=(1,),
            # One of them holds a bright spot on an even ground, so that it uses few levels.
            values=np.random.default_rng(number)
            .permutation(255 * np.linspace(0, 1, 576) ** (1 if number else 40))
            .reshape(1, 24, 24)
            .astype("f4"),
        )
    )
    for number in range(5)
}


@pytest.mark.parametrize(
    ("usual", "odd", "words"),
    [
        (images("", "uint16", 7600, 200), EIGHT_BIT, "8-bit pictures"),
        (images("", "float32", 0.08, 0.02, least=0), images("odd", "float32", -11, 2, 5), "decibels"),
        (images("", "float32", -11, 2), images("odd", "float32", 0.08, 0.02, 5, least=0), "linear values"),
        (images("", "float32", 290, 4), images("odd", "float32", 17, 4, 5), "degrees Celsius"),
        (images("", "uint16", 3000, 500, least=0), images("odd", "uint16", 3, 0.8, 5, least=1), "values about"),
        (images("", "float32", 0.2, 0.05, least=0), images("odd", "float32", 2000, 500, 5, least=0), "values about"),
    ],
    ids=["8 bits among 14", "dB among linear", "linear among dB", "Celsius among kelvins", "metres", "reflectance"],
)
def test_other_units_are_named(usual, odd, words):
    found = odd_units(usual | odd)
    assert found is not None
    assert set(found.names) == set(odd)
    assert words in found.theirs


@pytest.mark.parametrize(
    "together",
    [
        images("water", "uint16", 40, 8) | images("land", "uint16", 2500, 300),
        images("water", "uint16", 250, 20) | images("forest", "uint16", 3200, 400),
        images("winter", "float32", -12, 3) | images("summer", "float32", 22, 4),
        images("calm sea", "float32", -24, 2) | images("town", "float32", -4, 3),
        images("dark", "uint8", 20, 4) | images("bright", "uint8", 200, 12),
    ],
    ids=["water and land, short-wave", "water and land, near infrared", "winter and summer", "radar", "8 bits"],
)
def test_what_nature_does_is_not(together):
    assert odd_units(together) is None


def stretched(prefix: str, count: int) -> dict[str, Glimpse]:
    """8-bit pictures from 0 to 255 in files of 16 bits."""
    found: dict[str, Glimpse] = {}
    for number in range(count):
        values = np.random.default_rng(number).normal(size=(24, 24))
        values = np.rint(255 * (values - values.min()) / np.ptp(values))[None].astype("f4")
        header = ImageHeader(path=None, width=24, height=24, bands=1, dtype="uint16")
        found[f"{prefix}{number}"] = take_glimpse(Image(header=header, bands=(1,), values=values))
    return found


def test_stretched_pictures_stand_out_though_some_places_are_dark():
    """Water in near infrared lies within eight bits, but does not fill them."""
    water = images("water", "uint16", 180, 15, 6) | images("coast", "uint16", 600, 250, 6, least=60)
    land = images("land", "uint16", 2800, 500)
    found = odd_units(water | land | stretched("odd", 5))
    assert found is not None
    assert set(found.names) == {f"odd{number}" for number in range(5)}
    assert odd_units(water | land) is None


def test_one_image_or_none_has_no_company():
    assert odd_units({}) is None
    assert odd_units(images("", "uint8", 100, 9, 1)) is None
