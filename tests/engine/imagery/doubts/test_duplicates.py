"""Repeats: one picture saved again is found, two pictures that merely resemble each other are not."""

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped
from bandbridge.engine.imagery.doubts import duplicates
from bandbridge.engine.imagery.doubts.duplicates import Repeat, leaks, repeats
from bandbridge.engine.imagery.doubts.glimpse import Glimpse, take_glimpse
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import Image


def glimpse(values: np.ndarray) -> Glimpse:
    header = ImageHeader(path=None, width=values.shape[1], height=values.shape[0], bands=1, dtype="float32")
    return take_glimpse(Image(header=header, bands=(1,), values=values.astype(np.float32)[None]))


def ground(number: int, roughness: float = 30.0) -> np.ndarray:
    random = np.random.default_rng(number)
    smooth = cv2.resize(random.normal(size=(9, 9)), (64, 64), interpolation=cv2.INTER_CUBIC)
    return 1000 + 200 * smooth + roughness * random.normal(size=(64, 64))


CHANGES = {
    "brightened": lambda picture: 1.5 * picture + 300,
    "made smaller": lambda picture: cv2.resize(picture, (40, 40), interpolation=cv2.INTER_AREA),
    "made larger": lambda picture: cv2.resize(picture, (100, 100), interpolation=cv2.INTER_CUBIC),
    "noisier": lambda picture: picture + np.random.default_rng(0).normal(0, 15, picture.shape),
    "cut by a pixel": lambda picture: picture[1:, 1:],
    "without its edges": lambda picture: picture[3:-3, 3:-3],
    "compressed": lambda picture: cv2.imdecode(
        cv2.imencode(".jpg", np.clip(picture / 8, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 70])[1], 0
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_picture_saved_again_is_known(change):
    pictures = {f"{n}": glimpse(ground(n)) for n in range(20)}
    again = {f"again {n}": glimpse(change(ground(n))) for n in range(20)}
    assert repeats(pictures | again, Control()) == tuple(Repeat(f"again {n}", f"{n}", "alike") for n in range(20))
    assert {(one.name, one.earlier) for one in leaks(again, pictures, Control())} == {
        (f"again {n}", f"{n}") for n in range(20)
    }


def test_the_same_slope_or_the_same_bright_spot_is_not_the_same_picture():
    slope = np.linspace(0, 400, 64)[None]
    spot = np.zeros((64, 64))
    spot[40:44, 20:24] = 4000
    random = np.random.default_rng(0)
    seas = {f"{n} slope": glimpse(slope + random.normal(0, 20, (64, 64))) for n in range(15)}
    seas |= {f"{n} spot": glimpse(spot + random.normal(0, 20, (64, 64))) for n in range(15)}
    assert repeats(seas, Control()) == ()


def test_only_the_surplus_ones_are_named_each_with_the_first():
    same = ground(1)
    pictures = {"a": glimpse(same), "b": glimpse(ground(2)), "c": glimpse(same), "d": glimpse(same)}
    assert repeats(pictures, Control()) == (Repeat("c", "a", "same"), Repeat("d", "a", "same"))


def test_constant_images_are_nobodys_copies():
    black, grey = np.zeros((64, 64)), np.full((64, 64), 40000.1)
    assert repeats({"a": glimpse(black), "b": glimpse(black), "c": glimpse(grey), "d": glimpse(grey)}, Control()) == ()
    assert repeats({}, Control()) == ()
    assert leaks({}, {"a": glimpse(black)}, Control()) == ()


def test_pictures_far_apart_in_a_long_list_are_compared_as_well():
    pictures = {str(n): glimpse(ground(n, 60)) for n in range(150)}
    pictures |= {f"again {n}": glimpse(1.3 * ground(n, 60) + 50) for n in (0, 63, 64, 149)}
    few = duplicates._BLOCK
    assert [(one.name, one.earlier) for one in repeats(pictures, Control())] == [
        (f"again {n}", str(n)) for n in (0, 63, 64, 149)
    ]
    with pytest.raises(Stopped):
        repeats(pictures, Control(lambda: "stop"))
    assert len(pictures) > 2 * few[0]
