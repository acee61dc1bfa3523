import os

import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped, UsageError
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.engine.imagery.folder import list_images, scan_folder


def scan(folder, **fields):
    return scan_folder(ScanFolder(folder=str(folder), **fields), Control(), lambda event: None)


def kinds(report):
    return {(finding.kind, finding.file) for finding in report.findings}


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_images_are_listed_in_natural_order(tmp_path):
    touch(tmp_path, "b/10.PNG", "b/2.png", "a/x.jpeg", "1.tif", "notes.txt", ".hidden.png", ".cache/y.png", "z.npy")
    assert list_images(tmp_path) == ("1.tif", "a/x.jpeg", "b/2.png", "b/10.PNG", "z.npy")
    assert list_images(tmp_path, ["b/2.png", "z.npy"]) == ("1.tif", "a/x.jpeg", "b/10.PNG")


def test_names_that_differ_in_case_or_zeros_keep_one_order(tmp_path):
    touch(tmp_path, "01.png", "1.png", "A.png", "a1.png", "²3.png")
    assert list_images(tmp_path) == list_images(tmp_path)
    assert len(list_images(tmp_path)) == 5


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_are_followed_but_never_round_in_circles(tmp_path):
    touch(tmp_path, "elsewhere/x.png", "images/y.png")
    (tmp_path / "images" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "loop").symlink_to(tmp_path / "images")
    (tmp_path / "images" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "images" / "pipe.png")
    assert list_images(tmp_path / "images") == ("gone.png", "link/x.png", "y.png")
    assert ("unreadable", "gone.png") in kinds(scan(tmp_path / "images"))


def test_a_folder_that_is_none_is_refused_in_words(tmp_path):
    touch(tmp_path, "x.png")
    for name in ("missing", "x.png"):
        with pytest.raises(UsageError, match=name) as caught:
            list_images(tmp_path / name)
        assert caught.value.do


def test_bad_files_are_named_and_set_aside(write_tiff, write_picture, noise, tmp_path):
    for index in range(4):
        write_tiff(f"good{index}.tif", noise((2, 16, 16), np.uint16, 9000, index))
    write_tiff("eight.tif", noise((2, 16, 16)))
    write_tiff("one.tif", noise((1, 16, 16), np.uint16, 9000))
    write_tiff("void.tif", np.zeros((2, 16, 16), np.uint16))
    write_picture("cut.png", noise((16, 16)))
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:80])
    touch(tmp_path, "zero.tif")
    (tmp_path / "folder.png").mkdir()
    report = scan(tmp_path, no_data=0)
    assert report.files == tuple(f"good{index}.tif" for index in range(4))
    assert kinds(report) == {
        ("depth", "eight.tif"),
        ("bands", "one.tif"),
        ("no-data", "void.tif"),
        ("unreadable", "cut.png"),
        ("unreadable", "zero.tif"),
    }
    for finding in report.findings:
        assert finding.severity == "warning"
        assert finding.file in finding.what
        assert str(tmp_path) not in finding.what
        assert finding.why.endswith(".")
        assert finding.do.endswith(".")


def test_files_that_lack_an_asked_band_are_set_aside(write_tiff, noise, tmp_path):
    write_tiff("three.tif", noise((3, 8, 8), np.uint16, 9000))
    write_tiff("two.tif", noise((2, 8, 8), np.uint16, 9000))
    write_tiff("many.tif", noise((13, 8, 8), np.uint16, 9000))
    report = scan(tmp_path, bands=(4, 3, 2))
    assert report.files == ("many.tif", "three.tif")
    assert kinds(report) == {("bands", "two.tif")}
    assert report.bands == {13: 1, 3: 1}


def test_a_reason_all_files_share_is_told_at_once(write_tiff, noise, tmp_path):
    write_tiff("a.tif", noise((2, 8, 8)))
    write_tiff("b.tif", noise((2, 8, 8)))
    error = scan(tmp_path, bands=(4, 3, 2)).findings[-1]
    assert error.severity == "error"
    assert "2 bands, and bands 4, 3 and 2 are asked for" in error.why
    assert "other bands" in error.do
    touch(tmp_path, "empty.tif")
    assert "asked for" not in scan(tmp_path, bands=(4, 3, 2)).findings[-1].why


def test_the_facts_of_a_folder(write_tiff, tmp_path):
    for name, side in (("a/1.tif", 8), ("a/2.tif", 8), ("b/3.tif", 16)):
        values = np.arange(side * side, dtype=np.int16).reshape(1, side, side)
        write_tiff(name, values, nodata=0, crs="EPSG:32632")
    report = scan(tmp_path)
    assert report.class_counts == {"a": 2, "b": 1}
    assert report.sizes == {"8 x 8": 2, "16 x 16": 1}
    assert report.depths == {"int16": 3}
    assert report.georeferenced == 3
    assert report.no_data_share == pytest.approx(3 / (64 + 64 + 256))
    assert {finding.kind for finding in report.findings} == {"size", "class-size"}
    assert len(report.histograms) == 1


def test_class_counts_need_every_image_in_a_class_folder(write_tiff, noise, tmp_path):
    write_tiff("a/1.tif", noise((1, 8, 8)))
    assert {finding.kind for finding in scan(tmp_path).findings} == {"class-size", "one-class"}
    write_tiff("2.tif", noise((1, 8, 8)))
    assert scan(tmp_path).class_counts == {}


def test_an_empty_folder_says_what_it_holds_instead(tmp_path):
    touch(tmp_path, "a.webp", "b.webp", "notes.txt")
    report = scan(tmp_path)
    assert report.files == ()
    [finding] = report.findings
    assert (finding.severity, finding.kind) == ("error", "empty")
    assert ".webp (2)" in finding.why


def test_a_folder_without_any_usable_image_is_an_error(tmp_path):
    touch(tmp_path, "a.png", "b.tif")
    report = scan(tmp_path)
    assert [finding.severity for finding in report.findings] == ["warning", "warning", "error"]


def test_constant_bands_duplicates_transparency_and_pages_are_told(write_tiff, write_picture, tmp_path):
    values = np.random.default_rng(0).integers(1, 255, (4, 8, 8)).astype(np.uint8)
    values[0] = 7
    write_tiff("a.tif", values)
    write_tiff("a.tif", values, APPEND_SUBDATASET=True)
    write_picture("a.png", values.transpose(1, 2, 0))
    report = scan(tmp_path)
    assert {finding.kind for finding in report.findings} == {"constant", "duplicate", "transparency", "pages"}
    assert not [finding for finding in scan(tmp_path, bands=(4,)).findings if finding.kind == "transparency"]


def test_a_band_without_any_data_is_an_error_not_a_crash(write_tiff, tmp_path):
    write_tiff("x.tif", np.stack([np.zeros((4, 4)), np.eye(4)]).astype(np.uint8))
    report = scan(tmp_path, no_data=0)
    [finding] = [finding for finding in report.findings if finding.severity == "error"]
    assert finding.kind == "no-data"
    assert "Band 1" in finding.what


def test_excluded_files_are_not_looked_at(tmp_path, write_tiff, noise):
    write_tiff("good.tif", noise((1, 8, 8)))
    touch(tmp_path, "bad.tif")
    assert scan(tmp_path, exclude=("bad.tif",)).findings == ()


def test_a_scan_can_be_stopped_at_every_file(tmp_path, write_tiff, noise):
    for index in range(6):
        write_tiff(f"{index}.tif", noise((1, 8, 8)))
    polls = iter([None, None, "stop"])
    with pytest.raises(Stopped):
        scan_folder(ScanFolder(folder=str(tmp_path)), Control(lambda: next(polls)), lambda event: None)


@pytest.mark.parametrize(
    ("name", "low", "high", "words"),
    [
        ("sar/{}.tif", -25, -3, "in decibels"),
        ("a/{}_VV.tif", -25, 4, "in decibels"),
        ("s1/{}.tif", 0, 0.4, "linear"),
        ("thermal/{}.tif", -25, -3, None),
    ],
)
def test_the_unit_of_radar_images_is_told(name, low, high, words, write_tiff, noise, tmp_path):
    for number in range(3):
        write_tiff(name.format(number), (noise((8, 8), np.float32, 1, number) * (high - low) + low).astype(np.float32))
    said = [finding.what for finding in scan(tmp_path).findings if finding.kind == "radar"]
    assert len(said) == (words is not None)
    assert all(words in what for what in said)


def test_the_real_eurosat_folder(shared_data):
    report = scan(shared_data("eurosat_ms"), bands=(8,))
    assert len(report.files) == report.georeferenced == 200
    assert report.depths == {"uint16": 200}
    assert len(report.class_counts) == 10
    assert report.findings == ()
    assert report.histograms[0].band == 8
    assert report.histograms[0].counts.sum() == 200 * 64 * 64
