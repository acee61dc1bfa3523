"""Exposure: what is cut off or blank is named, one saturated band of a colour picture is not."""

import numpy as np
from bandbridge.engine.imagery.doubts.exposure import exposure_findings
from bandbridge.engine.imagery.doubts.glimpse import Glimpse, take_glimpse
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.sensors.stretch import Stretch


def glimpse(values: np.ndarray, dtype: str) -> Glimpse:
    header = ImageHeader(path=None, width=values.shape[2], height=values.shape[1], bands=len(values), dtype=dtype)
    return take_glimpse(Image(header=header, bands=(1,), values=values.astype(np.float32)))


def found(values: np.ndarray, dtype: str, stretch: Stretch | None = None) -> list[str]:
    return [finding.kind for finding in exposure_findings({"a": glimpse(values, dtype)}, stretch)]


def test_ends_of_the_range():
    ramp = np.linspace(1, 254, 4000).reshape(1, 40, 100)
    cut = ramp.copy()
    cut[:, :12] = 0
    assert found(ramp, "uint8") == []
    assert found(cut, "uint8") == ["clipped"]
    assert found(np.where(cut == 0, 16383, cut), "uint16") == ["clipped"], "14 bits in 16"
    assert found(np.where(cut == 0, 5000, cut), "uint16") == [], "a plain bright field"
    assert found(cut, "float32") == [], "numbers without ends"
    assert found(np.concatenate([cut, ramp, ramp]), "uint8") == [], "one band of three"
    assert found(np.zeros((1, 9, 9)), "uint8") == ["constant"]


def test_beyond_the_common_stretch():
    stretch = Stretch((100.0,), (200.0,), (0.5,), (0.2,))
    ramp = np.linspace(0, 10, 4000).reshape(1, 40, 100)
    assert found(ramp + 300, "uint16", stretch) == ["beyond-stretch"]
    assert found(ramp + 20, "uint16", stretch) == ["beyond-stretch"]
    assert found(ramp + 210, "uint16", stretch) == [], "the brightest image of a folder is just beyond, by nature"
