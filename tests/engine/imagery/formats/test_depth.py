import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.engine.imagery.folder import scan_folder
from bandbridge.engine.imagery.formats.depth import is_turned
from bandbridge.engine.imagery.reader import load_image, read_header
from bandbridge.engine.imagery.scenes.scene import open_scene


def room(farthest=6000, seed=0):
    """(64, 64) millimetres of a sloping wall, with noise and holes."""
    random = np.random.default_rng(seed)
    depth = np.linspace(600, farthest, 64)[None] + random.normal(0, 20, (64, 64))
    depth[random.random((64, 64)) < 0.1] = 0
    return depth.astype(np.uint16)


def turned(depth):
    return depth << 3 | depth >> 13


@pytest.mark.parametrize("farthest", [1500, 6000, 12_000])
def test_depths_of_sun_rgbd_are_turned_back_to_millimetres(farthest, write_picture):
    depth = room(farthest)
    image = load_image(write_picture("kv1com_depth/1.png", turned(depth)))
    assert image.header.bits_turned
    np.testing.assert_array_equal(np.nan_to_num(image.values[0]), depth)


@pytest.mark.parametrize(
    "values",
    [
        room(),
        room() * 4,
        (room() // 24).clip(max=255) * 256,
        (room() // 24).clip(max=255) * 257,
        room() // 16 * 16,
        np.full((64, 64), 800, np.uint16),
        np.zeros((64, 64), np.uint16),
        np.random.default_rng(0).integers(0, 65536, (64, 64)).astype(np.uint16),
    ],
    ids=["mm", "quarter mm", "8 bit shifted", "8 bit scaled", "coarse", "flat", "empty", "any"],
)
def test_other_depths_stay_as_they_are(values, write_picture):
    assert not is_turned(values.astype(np.uint16))
    image = load_image(write_picture("depth/1.png", values.astype(np.uint16)))
    np.testing.assert_array_equal(np.nan_to_num(image.values[0]), values)


def test_zero_is_nothing_where_names_say_so(write_picture, write_tiff):
    depth = room()
    for path in (write_picture("DIML/depth_filled/1.png", depth), write_tiff("2_depth.tif", depth)):
        assert read_header(path).no_data == 0
        assert np.array_equal(np.isnan(load_image(path).values[0]), depth == 0)
        with open_scene(path) as scene:
            assert np.array_equal(np.isnan(scene.read((0, 9), (0, 9))[0]), depth[:9, :9] == 0)
    eight_bit = (depth // 24).astype(np.uint8)
    others = (
        write_picture("nir/1.png", turned(depth)),
        write_picture("depth/8bit.png", eight_bit),
        write_picture("indepth/1.png", turned(depth)),
        write_picture("depth study/nir/1.png", turned(depth)),
        write_picture("depth/a/b/1.png", turned(depth)),
        write_tiff("depth/own.tif", depth, nodata=65535),
    )
    for path in others:
        image = load_image(path)
        assert not np.isnan(image.values).any()
        assert not image.header.bits_turned


def test_a_scan_says_what_was_done_to_depths(write_picture, tmp_path):
    def scan():
        return scan_folder(ScanFolder(folder=str(tmp_path / "depth")), Control(), lambda event: None)

    for number in range(3):
        write_picture(f"depth/{number}.png", turned(room(seed=number)))
    report = scan()
    assert [finding.severity for finding in report.findings] == ["note", "note"]
    assert "3 of 3" in report.findings[1].what
    assert report.no_data_share > 0.05
    assert report.histograms[0].high < 6500, "millimetres"
    write_picture("depth/odd.png", room())
    [mixed] = [finding for finding in scan().findings if finding.severity == "warning"]
    assert "odd.png" in mixed.why
