import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.jobs import ScanFolder, ScanPairs
from bandbridge.engine.imagery.folder import list_images, rgb_bands, scan_folder
from bandbridge.engine.imagery.pairing import NAMED_PATCH, scan_pairs
from bandbridge.engine.imagery.reader import likely_bytes, load_image, read_header, read_image
from bandbridge.engine.imagery.scenes.scene import open_scene

SIDES = {"B01": 4, "B02": 24, "B03": 24, "B04": 24, "B08": 24, "B8A": 12, "B09": 4, "B11": 12}


@pytest.fixture
def write_patch(write_tiff):
    def write(name, sides=SIDES, seed=0, **profile):
        random = np.random.default_rng(seed)
        return {
            band: write_tiff(f"{name}_{band}.tif", random.integers(0, 9000, (side, side)).astype(np.uint16), **profile)
            for band, side in sides.items()
        }

    return write


def test_a_folder_of_band_files_is_one_image(write_patch, tmp_path):
    files = write_patch("Forest/S2_1_1/S2_1_1")
    (tmp_path / "Forest/S2_1_1/S2_1_1_labels.json").write_text("{}")
    assert list_images(tmp_path) == ("Forest/S2_1_1",)
    header = read_header(tmp_path / "Forest/S2_1_1")
    assert header.band_names == tuple(SIDES), "B8A follows B08, as wavelengths do"
    assert (header.width, header.height, header.bands, header.dtype) == (24, 24, 8, "uint16")
    image = load_image(tmp_path / "Forest/S2_1_1", bands=(4, 3, 2))
    assert image.values.shape == (3, 24, 24)
    for band, values in zip(("B04", "B03", "B02"), image.values, strict=True):
        np.testing.assert_array_equal(values, read_image(files[band])[0])
    assert likely_bytes(tmp_path / "Forest/S2_1_1") > 0
    report = scan_folder(ScanFolder(folder=str(tmp_path)), Control(), lambda event: None)
    assert (report.class_counts, report.band_names) == ({"Forest": 1}, tuple(SIDES))


def test_three_bands_are_read_in_the_order_asked_for(write_patch, tmp_path):
    files = write_patch("p", {"B02": 8, "B03": 8, "B04": 8})
    bands = rgb_bands(None, tmp_path, ["p"])
    for values, band in zip(read_image(tmp_path / "p", bands=bands), ("B04", "B03", "B02"), strict=True):
        np.testing.assert_array_equal(values, read_image(files[band])[0])
    with pytest.raises(ImageError, match="lacks band 8"):
        read_image(tmp_path / "p", bands=(8, 3, 2))


def test_coarse_bands_keep_their_place_on_the_finest_grid(write_tiff, tmp_path):
    ramp = np.tile(np.arange(4, dtype=np.uint16) * 100, (4, 1))
    write_tiff("p_B02.tif", np.zeros((16, 16), np.uint16))
    write_tiff("p_B05.tif", ramp)
    finer = read_image(tmp_path / "p", bands=(2,))[0]
    # Pixel centres of the coarse grid lie at 1.5, 5.5, 9.5, 13.5: bilinear between them, level beyond.
    expected = np.rint(np.interp(np.arange(16), [1.5, 5.5, 9.5, 13.5], [0, 100, 200, 300]))
    np.testing.assert_allclose(finer[3], expected, atol=1)
    assert np.array_equal(finer, np.rint(finer)), "levels are counted as whole numbers"


def test_gaps_of_coarse_bands_stay_gaps_and_tint_nothing(write_tiff, tmp_path):
    coarse = np.full((2, 2), 500, np.float32)
    coarse[0, 0] = -9999
    write_tiff("p_VV.tif", np.zeros((4, 4), np.float32))
    write_tiff("p_VH.tif", coarse, nodata=-9999)
    values = read_image(tmp_path / "p")[1]
    assert np.isnan(values[0, 0])
    assert np.unique(values[~np.isnan(values)]).tolist() == [500]


def test_many_images_may_share_a_folder(write_patch, tmp_path):
    for number in range(2):
        write_patch(f"flat/T33_{number}", {"VV": 8, "VH": 8}, seed=number)
    write_patch("flat/L2/LC08_L1_1", {"B10": 4, "B2": 8, "B3": 8, "B4": 8})
    assert list_images(tmp_path) == ("flat/L2/LC08_L1_1", "flat/T33_0", "flat/T33_1")
    assert read_header(tmp_path / "flat/T33_1").band_names == ("VV", "VH")
    assert read_header(tmp_path / "flat/L2/LC08_L1_1").band_names == ("B2", "B3", "B4", "B10")
    assert rgb_bands(None, tmp_path, ["flat/L2/LC08_L1_1"]) == (3, 2, 1)
    with open_scene(tmp_path / "flat/T33_1") as scene:
        assert scene.read((0, 2), (0, 3)).shape == (2, 2, 3)


def test_the_finest_of_several_resolutions_is_taken(write_tiff, tmp_path):
    for name, side in {"B02_10m": 12, "B02_20m": 6, "B05_20m": 6}.items():
        write_tiff(f"T33UUP_2017_{name}.tif", np.zeros((side, side), np.uint16))
    assert list_images(tmp_path) == ("T33UUP_2017",)
    header = read_header(tmp_path / "T33UUP_2017")
    assert (header.width, header.band_names) == (12, ("B02", "B05"))


def test_names_alone_make_no_image_of_pictures(write_tiff, tmp_path):
    for number in ("B01", "B02", "B03"):
        write_tiff(f"site_{number}.tif", np.zeros((3, 8, 8), np.uint8))
    for number in ("B1", "B2"):
        write_tiff(f"field_{number}.tif", np.zeros((8, 8), np.uint8))
    write_tiff("lone_B04.tif", np.zeros((8, 8), np.uint8))
    assert len(list_images(tmp_path)) == 6
    assert all(name.endswith(".tif") for name in list_images(tmp_path))


def test_bands_that_cannot_be_of_one_place_are_refused_in_words(write_tiff, tmp_path):
    write_tiff("p_B02.tif", np.zeros((20, 20), np.uint16))
    write_tiff("p_B03.tif", np.zeros((10, 20), np.uint16))
    with pytest.raises(ImageError, match="do not fit together"):
        read_image(tmp_path / "p")


def test_a_patch_that_lacks_bands_is_set_aside_or_told(write_patch, tmp_path):
    for number in range(3):
        write_patch(f"p{number}", {"B02": 8, "B03": 8, "B04": 8}, seed=number)
    write_patch("p3", {"B02": 8, "B04": 8}, seed=3)
    write_patch("p4", {"B02": 8, "B03": 8, "B05": 8}, seed=4)
    report = scan_folder(ScanFolder(folder=str(tmp_path)), Control(), lambda event: None)
    assert "p3" not in report.files
    [finding] = [finding for finding in report.findings if "same bands" in finding.what]
    assert "B05" in finding.why


def test_real_sentinel_patches_pair_without_a_word(shared_data):
    folder = shared_data("bigearthnet_s1_s2")
    rgb, sensor = folder / "BigEarthNet-S2-Example", folder / "BigEarthNet-S1-Example"
    for one, other in ((rgb, sensor), (folder, folder)):
        job = ScanPairs(folders=PairFolders(rgb=str(one), sensor=str(other)))
        report = scan_pairs(job, Control(), lambda event: None)
        assert (report.rule, len(report.pairs)) == (NAMED_PATCH, 6)
        assert all("S2" in rgb_name and "S1" in sensor_name for _, rgb_name, sensor_name in report.pairs)
        assert report.rgb.chosen_bands == (4, 3, 2), "red, green and blue are known by name"
        assert report.sensor.band_names == ("VV", "VH")
        assert report.rgb.sizes == {"120 x 120": 6}


def test_a_single_patch_may_be_named_by_its_folder(write_patch, tmp_path):
    write_patch("deep/p/p", {"B02": 8, "B03": 8})
    [name] = list_images(tmp_path / "deep" / "p")
    np.testing.assert_array_equal(read_image(tmp_path / "deep" / "p" / name), read_image(tmp_path / "deep" / "p"))
