from pathlib import Path

import pytest
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.imagery.formats.bands import RGB_BANDS, choose_bands
from bandbridge.engine.imagery.formats.header import ImageHeader


def header(bands, alpha=None):
    return ImageHeader(path=Path("x.tif"), width=4, height=4, bands=bands, dtype="uint16", alpha=alpha)


@pytest.mark.parametrize(
    ("asked", "bands", "alpha", "read"),
    [
        (None, 13, None, tuple(range(1, 14))),
        ((4, 3, 2), 13, None, (4, 3, 2)),
        ((4, 3, 2), 3, None, (1, 2, 3)),
        ((4, 3, 2), 3, 4, (1, 2, 3)),
        ((8,), 1, None, (1,)),
        (RGB_BANDS, 4, None, (1, 2, 3)),
        (None, 3, 4, (1, 2, 3)),
        (None, 3, 1, (2, 3, 4)),
        ((4,), 3, 4, (4,)),
    ],
)
def test_the_band_rule(asked, bands, alpha, read):
    assert choose_bands(asked, header(bands, alpha)) == read


@pytest.mark.parametrize(("asked", "bands", "words"), [(RGB_BANDS, 2, "lacks band 3"), ((8, 9, 11), 2, "8, 9 and 11")])
def test_a_band_that_does_not_exist_is_named(asked, bands, words):
    with pytest.raises(ImageError, match=words) as caught:
        choose_bands(asked, header(bands))
    assert "2 bands" in caught.value.why


@pytest.mark.parametrize("asked", [(), (0,), (1, -1)])
def test_band_numbers_below_one_are_refused(asked):
    with pytest.raises(UsageError):
        choose_bands(asked, header(3))
