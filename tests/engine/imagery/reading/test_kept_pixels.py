"""Pixels kept from the first pass must be the very ones a second reading would give."""

import numpy as np
import pytest
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.imagery import decoded, survey
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.folder import list_images, scan_images
from bandbridge.engine.imagery.reading.kept_pixels import KeptPixels


@pytest.fixture
def folder(write_tiff, write_picture, noise, tmp_path):
    """Eight and sixteen bits, with and without gaps, several bands, depth maps, decimal numbers."""
    write_picture("a.png", noise((9, 11, 3), np.uint8, 255))
    write_tiff("b.tif", noise((3, 9, 11), np.uint16, 60000), nodata=0)
    write_tiff("c.tif", np.arange(297, dtype=np.int16).reshape(3, 9, 11) - 100)
    write_tiff("d.tif", noise((3, 9, 11), np.float32, 1.0))
    write_tiff("e.tif", noise((3, 9, 11), np.int32, 2**30))
    write_tiff("depth/f_depth.tif", np.tile(np.arange(99, dtype=np.uint16).reshape(1, 9, 11) * 8, (3, 1, 1)))
    write_tiff("g.tif", (np.arange(297, dtype=np.uint16) % 20).reshape(3, 9, 11))
    return tmp_path


def read(folder, name, kept, **settings):
    scan = scan_images(
        folder,
        [name],
        bands=(3, 2, 1),
        rule=StretchRule(),
        no_data=0,
        control=Control(),
        emit=lambda event: None,
        see=kept,
    )
    return decode_images(
        folder,
        [name],
        bands=(3, 2, 1),
        stretch=scan.stretch,
        size_px=8,
        control=Control(),
        emit=lambda event: None,
        kept=kept,
        **({"no_data": 0} | settings),
    )[0]


def test_every_file_is_decoded_once_and_nothing_changes(folder, monkeypatch):
    opened = []
    original = decoded.read_image
    monkeypatch.setattr(decoded, "read_image", lambda path, **how: opened.append(path.name) or original(path, **how))
    for name in list_images(folder):
        once = read(folder, name, KeptPixels())
        assert opened == [], name
        twice = read(folder, name, None)
        assert opened == [once.names[0].rpartition("/")[2]]
        opened.clear()
        assert once.pixels.tobytes() == twice.pixels.tobytes(), name


def test_what_was_read_in_another_way_is_read_again(folder):
    kept = KeptPixels()
    other = read(folder, "g.tif", kept, no_data=7)
    assert other.pixels.tobytes() != read(folder, "g.tif", kept).pixels.tobytes()


def test_no_more_is_kept_than_there_is_room_for(folder):
    kept = KeptPixels(most_bytes=3 * 9 * 11 * 2)
    for name in ("c.tif", "b.tif"):
        image = survey.load_image(folder / name)
        kept.begin(None, None) if name == "c.tif" else None
        kept(name, image)
    assert kept.find("c.tif", None, None) is not None
    assert kept.find("b.tif", None, None) is None
    kept.forget()
    assert kept.find("c.tif", None, None) is None
