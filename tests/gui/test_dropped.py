"""What is dropped on the window is recognised by its name; folders get the guess a person would make."""

from __future__ import annotations

from pathlib import Path

import pytest
from bandbridge.gui.dropped import guess, is_pair_table, recognise, why_refused
from bandbridge.gui.project import PROJECT_FILE


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_kinds(tmp_path: Path) -> None:
    put(tmp_path, "m.pth.tar", "m.ONNX", "a.tif", "classes.txt", "report.pdf", f"p/{PROJECT_FILE}", "f/a.png")
    kinds = {
        "m.pth.tar": "model",
        "m.ONNX": "model",
        "a.tif": "picture",
        "classes.txt": "list",
        "report.pdf": "refused",
        "p": "project",
        f"p/{PROJECT_FILE}": "project",
        "f": "folder",
        "gone": "refused",
    }
    assert {name: recognise(tmp_path / name).kind for name in kinds} == kinds
    assert "report.pdf" in why_refused(tmp_path / "report.pdf")
    assert "not there" in why_refused(tmp_path / "gone")


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (("rgb/a.png", "nir/a.tif"), ("rgb", "nir", "")),
        (("pairs/rgb/a.png", "pairs/thermal/a.tif", "target/x/a.tif"), ("pairs/rgb", "pairs/thermal", "target")),
        (("pairs/rgb/a.png", "pairs/nir/a.tif", "target_nir/a.tif"), ("pairs/rgb", "pairs/nir", "target_nir")),
        (
            ("labelled_rgb/Water/a.png", "pairs/rgb/a.png", "pairs/sar/a.tif", "target/sar/Water/a.tif"),
            ("pairs/rgb", "pairs/sar", "target/sar"),
        ),
    ],
)
def test_a_parent_of_several(tmp_path: Path, inside: tuple[str, ...], expected: tuple[str, str, str]) -> None:
    put(tmp_path, *inside)
    found = guess(tmp_path, has_rgb=False, has_sensor=False)
    assert found.role == "several"
    assert (found.rgb, found.sensor, found.target) == expected


@pytest.mark.parametrize(
    ("name", "has_rgb", "has_sensor", "role"),
    [
        ("my_rgb_images", False, False, "rgb"),
        ("NIR", True, False, "sensor"),
        ("nir", True, True, "target"),
        ("stuff", True, False, "sensor"),
        ("stuff", True, True, "target"),
        ("target_thermal", False, False, "target"),
        ("paris", False, False, "target"),
    ],
)
def test_a_single_folder(tmp_path: Path, name: str, has_rgb: bool, has_sensor: bool, role: str) -> None:
    put(tmp_path / name, "Forest/a.tif", "River/b.tif")
    assert guess(tmp_path / name, has_rgb=has_rgb, has_sensor=has_sensor).role == role


def test_the_look_into_a_folder_is_bounded(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"class {number}").mkdir()
    assert len(guess(tmp_path, has_rgb=False, has_sensor=False).inside) <= 400


def test_a_list_of_pairs_is_told_from_class_names(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text('"RGB";sensor;note\na;b;c\n')
    (tmp_path / "names.csv").write_text("index,name\n0,Water\n")
    assert is_pair_table(tmp_path / "pairs.csv")
    assert not is_pair_table(tmp_path / "names.csv")


def test_a_folder_of_two_scenes_offers_them(tmp_path: Path) -> None:
    for name in ("coast_rgb.tif", "coast_nir.tif"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(5 << 20)
    found = guess(tmp_path, has_rgb=False, has_sensor=False)
    assert (found.role, found.rgb, found.sensor) == ("several", "coast_rgb.tif", "coast_nir.tif")
    put(tmp_path, "small.tif")
    assert guess(tmp_path, has_rgb=False, has_sensor=False).role == "target", "a folder of images"


def test_clips_are_told_from_images(tmp_path: Path) -> None:
    for name in ("films/rain/1.MP4", "mixed/a.png", "mixed/b/film.mp4", "listed/clips.json", "alone.mkv", "b.divx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    kinds = {name: recognise(tmp_path / name).kind for name in ("films", "mixed", "listed", "alone.mkv", "b.divx")}
    assert kinds == {"films": "clips", "mixed": "folder", "listed": "clips", "alone.mkv": "clip", "b.divx": "clip"}
    (tmp_path / "a.csv").write_text("File;Label;Split\n1.mp4;rain;train\n")
    (tmp_path / "b.json").write_text('[{"file": "1.mp4", "labels": ["rain"]}]')
    (tmp_path / "c.csv").write_text("rgb,sensor\n")
    found = [recognise(tmp_path / name).kind for name in ("a.csv", "b.json", "c.csv")]
    assert found == ["clips", "clips", "list"]
