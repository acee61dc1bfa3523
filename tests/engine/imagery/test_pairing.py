import struct
import zlib

import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import PairingError
from bandbridge.engine.api.jobs import ScanPairs
from bandbridge.engine.imagery.pairing import (
    SAME_FILE,
    SAME_NAME,
    SAME_SCENE_WORD,
    pair_folders,
    pair_names,
    read_pair_table,
    scan_pair_images,
    scan_pairs,
)

# As published data sets and cameras name their files; {} is a number.
CONVENTIONS = {
    "RGB-NIR Scene": ("country/{:04}_rgb.tiff", "country/{:04}_nir.tiff"),
    "SUN RGB-D, Kinect": ("kv1com_image/{:04}.jpg", "kv1com_depth/{:04}.png"),
    "SUN RGB-D, task": ("TI_image/{:04}.jpg", "TI_depth/{:04}.png"),
    "DIML": (
        "indoor/color/in_00_160126_{:06}_c.png",
        "indoor/depth_filled/in_00_160126_{:06}_depth_filled.png",
    ),
    "SEN12MS": (
        "ROIs1158_spring/s2_1/ROIs1158_spring_s2_1_p{}.tif",
        "ROIs1158_spring/s1_1/ROIs1158_spring_s1_1_p{}.tif",
    ),
    "FLIR ADAS 1": ("train/RGB/FLIR_{:05}.jpg", "train/thermal_8_bit/FLIR_{:05}.jpeg"),
    "DJI Mavic 3M": ("DJI_20230615_{:04}_D.JPG", "DJI_20230615_{:04}_MS_NIR.TIF"),
    "KAIST": ("set00/V000/visible/I{:05}.jpg", "set00/V000/lwir/I{:05}.jpg"),
    "NYU export": ("{:04}_c.png", "{:04}_d.png"),
    "thermal camera": ("IMG_{:04}_V.jpg", "IMG_{:04}_T.jpg"),
    "word first": ("rgb-{:04}.png", "thermal-{:04}.png"),
    "a folder a scene": ("scene{}/rgb.png", "scene{}/nir.png"),
    "BigEarthNet": ("S2A_MSIL2A_20170613T101031_{}_48", "S1A_IW_GRDH_1SDV_20170613T165043_33UUP_{}_48"),
    "BigEarthNet 2": (
        "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP/S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_{}_57",
        "S1A_IW_GRDH_1SDV_20170613T165043/S1A_IW_GRDH_1SDV_20170613T165043_33UUP_{}_57",
    ),
    "no word on the RGB side": ("{:04}.png", "{:04}_depth.png"),
}
NUMBERS = range(1, 31)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("same_folder", [False, True])
def test_known_conventions_pair_completely(convention, same_folder):
    rgb, sensor = ([pattern.format(number) for number in NUMBERS] for pattern in CONVENTIONS[convention])
    together = [*rgb, *sensor]
    pairing = (
        pair_names(together, together, same_folder=True) if same_folder else pair_names(rgb, sensor, same_folder=False)
    )
    assert [pair[1:] for pair in pairing.pairs] == list(zip(rgb, sensor, strict=True))
    assert pairing.rule == SAME_SCENE_WORD
    assert len(pairing.pairs) == len(NUMBERS)
    assert pairing.findings == ()


def test_eurosat_pairs_by_the_same_name():
    rgb = [f"Forest/Forest_{number}.jpg" for number in NUMBERS]
    sensor = [name.replace(".jpg", ".tif") for name in rgb]
    pairing = pair_names(rgb, sensor, same_folder=False)
    assert pairing.rule == SAME_NAME
    assert [pair[0] for pair in pairing.pairs] == [f"Forest/Forest_{number}" for number in NUMBERS]


def test_other_bands_of_a_drone_shot_are_counted_not_mixed_in():
    names = [
        f"DJI_{number:04}_{ending}"
        for number in NUMBERS
        for ending in ("D.JPG", "MS_G.TIF", "MS_R.TIF", "MS_RE.TIF", "MS_NIR.TIF")
    ]
    pairing = pair_names(names, names, same_folder=True)
    assert len(pairing.pairs) == len(NUMBERS)
    assert {pair[2][-7:] for pair in pairing.pairs} == {"NIR.TIF"}
    assert len(pairing.unmatched_rgb) + len(pairing.unmatched_sensor) == 3 * len(NUMBERS)


def test_files_with_all_bands_pair_with_themselves():
    names = ["Forest/Forest_1.tif", "Forest/Forest_2.tif", "River/image_3.tif"]
    pairing = pair_names(names, names, same_folder=True)
    assert pairing.rule == SAME_FILE
    assert [pair[1:] for pair in pairing.pairs] == [(name, name) for name in names]


def test_chance_words_do_not_break_up_a_folder_of_whole_files():
    names = [f"{number}.tif" for number in range(50)] + ["7_t.tif"]
    assert pair_names(names, names, same_folder=True).rule == SAME_FILE


def test_the_tile_of_a_sentinel_patch_counts_where_both_sides_name_it():
    rgb = ["S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57", "S2A_MSIL2A_20170613T101031_N9999_R022_T32TNS_26_57"]
    sensor = ["S1A_IW_GRDH_1SDV_20170613T165043_33UUP_26_57", "S1A_IW_GRDH_1SDV_20170613T165043_29UPU_26_57"]
    assert [pair[1:] for pair in pair_names(rgb, sensor, same_folder=False).pairs] == [(rgb[0], sensor[0])]


def test_order_is_never_taken_for_a_pair():
    rgb = [f"photo{number}.png" for number in NUMBERS]
    sensor = [f"heat{number}.png" for number in NUMBERS]
    pairing = pair_names(rgb, sensor, same_folder=False)
    assert pairing.pairs == ()
    assert (len(pairing.unmatched_rgb), len(pairing.unmatched_sensor)) == (30, 30)
    [finding] = pairing.findings
    assert finding.severity == "error"
    assert "photo1.png" in finding.why


def test_images_of_equal_name_in_other_folders_are_no_pair():
    assert pair_names(["day/1.png"], ["night/1.png"], same_folder=False).pairs == ()


def test_flir_2_names_ask_for_a_table():
    rgb = [f"video-57kWWRyeqqHs3Byei-frame-{number:06}-b6tuLjNco8MfoBs3d.jpg" for number in NUMBERS]
    sensor = [f"video-4FRnNpmSmwktFJKjg-frame-{number:06}-L6K8YR8kxa3fYjeN9.jpg" for number in NUMBERS]
    pairing = pair_names(rgb, sensor, same_folder=False)
    assert pairing.pairs == ()
    [finding] = pairing.findings
    assert "FLIR" in finding.why
    assert "CSV" in finding.do


def test_several_candidates_are_listed_not_chosen_from():
    rgb = ["1_rgb.png", "2_rgb.png", "3_rgb.png", "3_rgb.jpg"]
    sensor = ["1_nir.png", "1_swir.png", "2_nir.png", "3_nir.png", "4_nir.png"]
    for pairing in (
        pair_names(rgb, sensor, same_folder=False),
        pair_names(rgb + sensor, rgb + sensor, same_folder=True),
    ):
        assert pairing.pairs == (("2", "2_rgb.png", "2_nir.png"),)
        assert pairing.ambiguous == {
            "1": ("1_rgb.png", "1_nir.png", "1_swir.png"),
            "3": ("3_rgb.png", "3_rgb.jpg", "3_nir.png"),
        }
        assert pairing.unmatched_sensor == ("4_nir.png",)
        assert [finding.kind for finding in pairing.findings] == ["ambiguous", "ambiguous", "unmatched"]
        assert all(finding.do for finding in pairing.findings)


def test_nothing_but_several_candidates_is_told():
    pairing = pair_names(["1.png"], ["1_nir.png", "1_swir.png"], same_folder=False)
    assert "1_swir.png" in pairing.findings[0].why


def test_the_rule_that_pairs_more_is_taken():
    same = pair_names(["1.png", "2.png"], ["1.tif", "2.tif", "2_nir.tif"], same_folder=False)
    assert (same.rule, len(same.pairs)) == (SAME_NAME, 2)
    mixed = pair_names(["1.png", "2_RGB.png"], ["1.tif", "2_Nir.tif"], same_folder=False)
    assert (mixed.rule, len(mixed.pairs)) == (SAME_SCENE_WORD, 2)


def make_folders(tmp_path, rgb=(), sensor=()):
    for side, names in (("rgb", rgb), ("sensor", sensor)):
        for name in names:
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    return PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "sensor"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_pairs_what_names_cannot(separator, encoding, tmp_path):
    folders = make_folders(tmp_path, ["a/ä 1.png", "b.png", "c.png"], ["x/7.tif", "8.tif", "9.tif"])
    table = tmp_path / "pairs.csv"
    rows = [("scene", "Sensor", " RGB"), ("1", r"x\7.tif", "./a/ä 1.png"), ("", "", ""), ("2", "8.tif", "gone.png")]
    rows += [("3", "9.tif", "b.png"), ("4", "9.tif", "b.png")]
    table.write_text("\r\n".join(separator.join(row) for row in rows), encoding=encoding)
    pairing = read_pair_table(table, folders)
    assert [pair[1:] for pair in pairing.pairs] == [("a/ä 1.png", "x/7.tif"), ("b.png", "9.tif")]
    assert (pairing.unmatched_rgb, pairing.unmatched_sensor) == (("c.png",), ("8.tif",))
    [finding] = pairing.findings
    assert "Row 4" in finding.what
    assert "gone.png" in finding.what
    by_config = pair_folders(PairFolders(rgb=folders.rgb, sensor=folders.sensor, table=str(table)), exclude=["b.png"])
    assert [pair[1] for pair in by_config.pairs] == ["a/ä 1.png"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lacks the columns"),
        (b"colour,heat\n1.png,1.tif\n", "lacks the columns"),
        (b"rgb,sensor\n", "pairs no images"),
        (b"rgb,sensor\n1.png\n", "pairs no images"),
        (b"rgb,sensor\n../secret.png,1.tif\n", "pairs no images"),
        (b"rgb,sensor\n\xff\xfe,1.tif\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(content, words, tmp_path):
    folders = make_folders(tmp_path, ["1.png"], ["1.tif"])
    (tmp_path / "secret.png").write_bytes(b"")
    (tmp_path / "pairs.csv").write_bytes(content)
    with pytest.raises(PairingError, match=words) as caught:
        read_pair_table(tmp_path / "pairs.csv", folders)
    assert caught.value.do


def test_a_missing_table_is_refused_in_words(tmp_path):
    with pytest.raises(PairingError, match="cannot be read"):
        read_pair_table(tmp_path / "none.csv", make_folders(tmp_path, ["1.png"], ["1.tif"]))


def scan(rgb, sensor, emit=lambda event: None, **fields):
    job = ScanPairs(folders=PairFolders(rgb=str(rgb), sensor=str(sensor)), **fields)
    return scan_pairs(job, Control(), emit)


def test_pairs_lose_members_that_cannot_be_used(write_picture, write_tiff, noise, tmp_path):
    for number in range(6):
        write_picture(f"rgb/{number}.png", noise((8, 8, 3), seed=number))
        write_tiff(f"nir/{number}.tif", noise((1, 8, 8), np.uint16, 9000, number))
    write_picture("rgb/0.png", noise((8, 8)))
    (tmp_path / "nir" / "1.tif").write_bytes(b"")
    write_tiff("nir/2.tif", noise((1, 8, 8)))
    (tmp_path / "nir" / "3.tif").unlink()
    told = []
    report = scan(tmp_path / "rgb", tmp_path / "nir", told.append)
    assert [pair[0] for pair in report.pairs] == ["4", "5"]
    assert report.unmatched_rgb == ("3.png",)
    assert {finding.file for finding in report.findings} == {"0.tif", "1.png", "2.png", "3.png"}
    assert [finding.file for finding in report.rgb.findings] == ["0.png"]
    assert {finding.file for finding in report.sensor.findings} == {"1.tif", "2.tif"}
    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_hundred_pairs_with_bad_files_are_paired_without_them(write_picture, noise, tmp_path):
    for number in range(100):
        write_picture(f"rgb/{number:03}.png", noise((8, 8, 3), seed=number))
        write_picture(f"thermal/{number:03}.png", noise((8, 8), np.uint16, 16_000, number))
    for number in range(3):
        (tmp_path / "thermal" / f"{number:03}.png").unlink()
    whole = (tmp_path / "thermal" / "003.png").read_bytes()
    (tmp_path / "thermal" / "003.png").write_bytes(whole[:-20])
    (tmp_path / "thermal" / "004.png").write_bytes(b"")
    write_picture("thermal/005.png", noise((8, 8)))
    size = struct.pack(">II", 60_000, 60_000) + whole[24:29]
    bomb = whole[:16] + size + struct.pack(">I", zlib.crc32(whole[12:16] + size)) + whole[33:]
    (tmp_path / "thermal" / "006.png").write_bytes(bomb)
    report = scan(tmp_path / "rgb", tmp_path / "thermal")
    assert len(report.pairs) == 93
    assert report.unmatched_rgb == ("000.png", "001.png", "002.png")
    assert [finding.file for finding in report.sensor.findings if finding.severity == "warning"] == [
        "003.png",
        "004.png",
        "006.png",
        "005.png",
    ]
    assert any("too large" in finding.what for finding in report.sensor.findings)


def test_one_folder_with_both_kinds_is_scanned_side_by_side(write_tiff, noise, tmp_path):
    for number in range(4):
        write_tiff(f"{number:04}_rgb.tiff", noise((3, 8, 8), seed=number))
        write_tiff(f"{number:04}_nir.tiff", noise((1, 8, 8), np.uint16, 9000, number))
    report = scan(tmp_path, tmp_path)
    assert len(report.pairs) == 4
    assert report.rgb.depths == {"uint8": 4}
    assert report.sensor.depths == {"uint16": 4}
    assert [*report.findings, *report.rgb.findings, *report.sensor.findings] == []


def test_one_folder_of_whole_files_needs_different_bands(write_tiff, noise, tmp_path):
    for number in range(3):
        write_tiff(f"{number}.tif", noise((3, 8, 8), seed=number))
    assert [finding.kind for finding in scan(tmp_path, tmp_path).findings] == ["bands"]


def test_real_eurosat_is_source_and_sensor_at_once(shared_data):
    folder = str(shared_data("eurosat_ms"))
    job = ScanPairs(folders=PairFolders(rgb=folder, sensor=folder), rgb_bands=(4, 3, 2), sensor_bands=(8,))
    scan = scan_pair_images(job, Control(), lambda event: None)
    assert len(scan.report.pairs) == 200
    assert scan.report.rule == SAME_FILE
    assert scan.report.findings == ()
    assert len(scan.rgb_stretch.low) == 3
    assert len(scan.sensor_stretch.low) == 1


def test_real_pairs_are_complete(shared_data):
    jpegs = shared_data("sentinel2_rgb_nir_pairs")
    assert len(scan(jpegs / "rgb", jpegs / "nir").pairs) == 100
    assert len(scan(jpegs, jpegs).pairs) == 100
    road = shared_data("road_rgb_thermal")
    assert len(scan(road / "rgb", road / "thermal").pairs) == 16
