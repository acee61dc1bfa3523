"""Published data sets and cameras, laid out on the disk as they come: every pair is found."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.errors import PairingError
from bandbridge.engine.imagery.pairing import SAME_NAME, SAME_SCENE_WORD, pair_folders

COUNT = 36


class Layout:
    """Where a data set's files lie.

    Args:
        rgb: Path of an RGB image; {n} is its number.
        sensor: Of its partner.
        folders: The two folders a person would choose; the data set's own one is tried besides.
        beside: Other files for every image; those that are images stay without a partner.
        numbers: From a count to the number in names.
    """

    def __init__(self, rgb, sensor, folders=(".", "."), beside=(), numbers=lambda count: count):
        self.rgb = [rgb.format(n=numbers(count), one=count % 3) for count in range(COUNT)]
        self.sensor = [sensor.format(n=numbers(count), one=count % 3) for count in range(COUNT)]
        self.beside = [name.format(n=numbers(count), one=count % 3) for name in beside for count in range(COUNT)]
        self.folders = folders

    def write(self, root):
        for name in (*self.rgb, *self.sensor, *self.beside, "Thumbs.db", "README.txt", ".DS_Store"):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")


LAYOUTS = {
    "RGB-NIR Scene": Layout("nirscene1/country{one}/{n:04}_rgb.tiff", "nirscene1/country{one}/{n:04}_nir.tiff"),
    "SUN RGB-D for SOCKET": Layout(
        "kv1com_image/{n:05}.jpg", "kv1com_depth/{n:05}.png", ("kv1com_image", "kv1com_depth")
    ),
    "SUN RGB-D, images of the task": Layout("TI_image/{n}.jpg", "TI_depth/{n}.png", ("TI_image", "TI_depth")),
    "SUN RGB-D as published": Layout(
        "kv1/NYUdata/NYU{n:04}/image/NYU{n:04}.jpg",
        "kv1/NYUdata/NYU{n:04}/depth/NYU{n:04}.png",
        beside=("kv1/NYUdata/NYU{n:04}/scene.txt", "kv1/NYUdata/NYU{n:04}/annotation/index.json"),
    ),
    "DIML": Layout(
        "DIML/indoor/scene{one}/color/in_00_160126_{n}_c.png",
        "DIML/indoor/scene{one}/depth_filled/in_00_160126_{n}_depth_filled.png",
        numbers=lambda count: 155_728 + 7 * count,
    ),
    "SEN12MS": Layout(
        "ROIs1158_spring/s2_{one}/ROIs1158_spring_s2_{one}_p{n}.tif",
        "ROIs1158_spring/s1_{one}/ROIs1158_spring_s1_{one}_p{n}.tif",
        beside=("ROIs1158_spring/lc_{one}/ROIs1158_spring_lc_{one}_p{n}.tif",),
        numbers=lambda count: 30 + count,
    ),
    "SEN12MS, an archive a sensor": Layout(
        "ROIs1158_spring_s2/s2_{one}/ROIs1158_spring_s2_{one}_p{n}.tif",
        "ROIs1158_spring_s1/s1_{one}/ROIs1158_spring_s1_{one}_p{n}.tif",
        ("ROIs1158_spring_s2", "ROIs1158_spring_s1"),
    ),
    "FLIR ADAS 1": Layout(
        "FLIR_ADAS_1_3/train/RGB/FLIR_{n:05}.jpg",
        "FLIR_ADAS_1_3/train/thermal_8_bit/FLIR_{n:05}.jpeg",
        ("FLIR_ADAS_1_3/train/RGB", "FLIR_ADAS_1_3/train/thermal_8_bit"),
        beside=("FLIR_ADAS_1_3/train/Annotated_thermal_8_bit.json",),
        numbers=lambda count: 1059 + 2 * count,
    ),
    "FLIR ADAS 1, 16 bit": Layout(
        "train/RGB/FLIR_{n:05}.jpg", "train/thermal_16_bit/FLIR_{n:05}.tiff", ("train/RGB", "train/thermal_16_bit")
    ),
    "DJI Mavic 3M": Layout(
        "DJI_202306151200_001_field/DJI_2023061512{n:04}_{n:04}_D.JPG",
        "DJI_202306151200_001_field/DJI_2023061512{n:04}_{n:04}_MS_NIR.TIF",
        beside=("DJI_202306151200_001_field/DJI_2023061512{n:04}_{n:04}.MRK",),
    ),
    "DJI Mavic 3M, all bands": Layout(
        "DJI_2023061512{n:04}_{n:04}_D.JPG",
        "DJI_2023061512{n:04}_{n:04}_MS_NIR.TIF",
        beside=tuple("DJI_2023061512{n:04}_{n:04}_MS_" + band + ".TIF" for band in ("G", "R", "RE")),
    ),
    "EuroSAT": Layout(
        "EuroSAT/2750/Forest/Forest_{n}.jpg",
        "EuroSATallBands/tif/Forest/Forest_{n}.tif",
        ("EuroSAT/2750", "EuroSATallBands/tif"),
    ),
    "KAIST": Layout("set0{one}/V000/visible/I{n:05}.jpg", "set0{one}/V000/lwir/I{n:05}.jpg"),
    "NYU Depth as exported": Layout("{n:04}_colors.png", "{n:04}_depth.png"),
    "TUM RGB-D": Layout("rgb/{n:06}.png", "depth/{n:06}.png", ("rgb", "depth"), beside=("accelerometer.txt",)),
    "ScanNet": Layout(
        "scene0000_0{one}/color/{n}.jpg", "scene0000_0{one}/depth/{n}.png", beside=("scene0000_0{one}/pose/{n}.txt",)
    ),
    "LLVIP": Layout("visible/train/{n:06}.jpg", "infrared/train/{n:06}.jpg", ("visible", "infrared")),
    "M3FD": Layout("Vis/{n:05}.png", "Ir/{n:05}.png", ("Vis", "Ir")),
    "RoadScene": Layout(
        "crop_LR_visible/FLIR_{n:05}.jpg", "cropinfrared/FLIR_{n:05}.jpg", ("crop_LR_visible", "cropinfrared")
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_pair_of_a_data_set_is_found(name, tmp_path):
    layout = LAYOUTS[name]
    layout.write(tmp_path)
    wanted = set(zip(layout.rgb, layout.sensor, strict=True))
    rgb, sensor = (tmp_path / folder for folder in layout.folders)
    pairing = pair_folders(PairFolders(rgb=str(rgb), sensor=str(sensor)))
    found = {
        tuple((folder / name).relative_to(tmp_path).as_posix() for folder, name in ((rgb, one), (sensor, other)))
        for _, one, other in pairing.pairs
    }
    assert found == wanted
    assert pairing.rule in (SAME_NAME, SAME_SCENE_WORD)
    assert not pairing.ambiguous
    pictures = {file for file in layout.beside if Path(file).suffix.lower() in (".tif", ".png", ".jpg")}
    assert {*pairing.unmatched_rgb, *pairing.unmatched_sensor} == pictures


@pytest.fixture
def flir_2(tmp_path):
    """Two cameras' frames, numbered apart; and the map that brings them together."""
    rgb = [f"video-57kWWRyeqqHs3Byei-frame-{n:06}-b6tuLjNco8MfoBs{n:02}.jpg" for n in range(COUNT)]
    sensor = [f"video-4FRnNpmSmwktFJKjg-frame-{n + 150:06}-L6K8YR8kxa3fYjeN{n:02}.jpg" for n in range(COUNT)]
    for side, names in (("video_rgb_test", rgb), ("video_thermal_test", sensor)):
        (tmp_path / side / "data").mkdir(parents=True)
        for name in names:
            (tmp_path / side / "data" / name).write_bytes(b"")
        (tmp_path / side / "coco.json").write_text("{}")
    (tmp_path / "rgb_to_thermal_vid_map.json").write_text(json.dumps(dict(zip(rgb, reversed(sensor), strict=True))))
    folders = PairFolders(rgb=str(tmp_path / "video_rgb_test"), sensor=str(tmp_path / "video_thermal_test"))
    wanted = [(f"data/{one}", f"data/{other}") for one, other in zip(rgb, reversed(sensor), strict=True)]
    return folders, tmp_path / "rgb_to_thermal_vid_map.json", wanted


def test_flir_adas_2_is_refused_with_the_request_for_its_map_and_pairs_by_it(flir_2):
    folders, table, wanted = flir_2
    pairing = pair_folders(folders)
    assert pairing.pairs == ()
    [finding] = pairing.findings
    assert table.name in finding.do
    pairing = pair_folders(replace(folders, table=str(table)))
    assert [pair[1:] for pair in pairing.pairs] == wanted
    assert pairing.findings == pairing.unmatched_rgb == pairing.unmatched_sensor == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[1, 2]", "no map of pairs"),
        ('{"a.jpg": 3}', "no map of pairs"),
        ("{}", "pairs no images"),
        ('{"gone.jpg": "../secret.jpg"}', "pairs no images"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_in_words(content, words, flir_2):
    folders, table, _ = flir_2
    table.write_text(content)
    with pytest.raises(PairingError, match=words) as caught:
        pair_folders(replace(folders, table=str(table)))
    assert caught.value.do


def test_a_name_that_occurs_twice_is_not_chosen_from(flir_2):
    folders, table, wanted = flir_2
    (Path(folders.sensor) / "more").mkdir()
    twice = wanted[0][1]
    (Path(folders.sensor) / "more" / Path(twice).name).write_bytes(b"")
    pairing = pair_folders(replace(folders, table=str(table)))
    assert [pair[1:] for pair in pairing.pairs] == wanted[1:]
    assert Path(twice).name in pairing.findings[0].what
