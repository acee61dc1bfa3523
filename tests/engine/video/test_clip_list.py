"""Which clips there are, with their labels and splits."""

from __future__ import annotations

import json
from collections import Counter

import av
import pytest
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.video.clip_list import TEST, TRAIN, VALIDATION, find_clips


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_class_folders_give_labels_and_splits_are_drawn_alike_for_every_run(tmp_path):
    touch(tmp_path, *(f"{name}/{n}.mp4" for name in ("walk", "run") for n in range(10)), "run/notes.txt", "run/.h.mp4")
    found = find_clips(tmp_path)
    assert found.class_names == ("run", "walk")
    assert found.drawn
    counts = Counter((clip.labels[0], clip.split) for clip in found.clips)
    assert counts == {(n, s): c for n in ("run", "walk") for s, c in ((TRAIN, 6), (VALIDATION, 2), (TEST, 2))}
    assert find_clips(tmp_path) == found


def test_few_clips_of_a_class_leave_one_to_learn_from(tmp_path):
    touch(tmp_path, "a/0.mp4", "b/0.mp4", "b/1.mp4", "c/0.mp4", "c/1.mp4", "c/2.mp4")
    counts = Counter((clip.labels[0], clip.split) for clip in find_clips(tmp_path).clips)
    assert counts == {("a", TRAIN): 1, ("b", TRAIN): 2, ("c", TRAIN): 1, ("c", TEST): 1, ("c", VALIDATION): 1}


def test_split_folders_are_understood(tmp_path):
    touch(tmp_path, "train/walk/0.mp4", "val/walk/1.mp4", "Test/run/2.mp4")
    found = find_clips(tmp_path)
    assert not found.drawn
    assert {(c.file, c.labels, c.split) for c in found.clips} == {
        ("train/walk/0.mp4", ("walk",), TRAIN),
        ("val/walk/1.mp4", ("walk",), VALIDATION),
        ("Test/run/2.mp4", ("run",), TEST),
    }


def test_a_csv_list_gives_labels_splits_and_what_is_known_of_the_sound(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "clips.csv").write_text(
        "File,label,split,sound\na.mp4,dog;bark,Train,matched\nb.mp4,cat,test,silent\ngone.mp4,cat,test,\n"
    )
    found = find_clips(tmp_path)
    assert [(c.file, c.labels, c.split, c.sound) for c in found.clips] == [
        ("a.mp4", ("bark", "dog"), TRAIN, "matched"),
        ("b.mp4", ("cat",), TEST, "silent"),
    ]
    assert found.class_names == ("bark", "cat", "dog")
    assert [f.file for f in found.findings] == ["gone.mp4"]
    assert find_clips(tmp_path / "clips.csv") == found


def test_a_json_list_says_the_same(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    rows = [{"file": "a.mp4", "label": ["dog", "bark"], "split": "train"}, {"file": "b.mp4", "label": "cat"}]
    (tmp_path / "clips.json").write_text(json.dumps(rows))
    assert [(c.labels, c.split) for c in find_clips(tmp_path).clips] == [(("bark", "dog"), TRAIN), (("cat",), TRAIN)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,label\na.mp4,x\n", "no column 'file'"),
        ("file,class,split\na.mp4,x,train\n", "no column 'label'.*columns are: file, class, split"),
        ("", "no column 'file'"),
        ("file,label,split\na.mp4,x,later\n", "none of train, validation, test"),
        ("file,label\na.mp4,x\na.mp4,y\n", "Line 3 .* listed twice"),
        ("file,label,split\na.mp4,x,train\nd/../a.mp4,x,test\n", "Line 3 .*'d/../a.mp4' is the file 'a.mp4'"),
        ("file,label\n,x\n", "names no file"),
        ("file,label\ngone.mp4,x\n", "There are no clips"),
    ],
)
def test_a_wrong_list_is_refused_by_line(tmp_path, text, words):
    touch(tmp_path, "a.mp4")
    (tmp_path / "clips.csv").write_text(text)
    with pytest.raises(UsageError, match=words):
        find_clips(tmp_path)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"file": "a.mp4", "label": {"x": 1}}], r"Entry 1 .*label \{\"x\": 1\} is neither"),
        ([{"file": "a.mp4", "label": ["x", ["y"]]}], "is neither a word"),
        ([{"file": "a.mp4", "label": True}], "label true is neither a word"),
        ([{"file": "a.mp4", "class": "x"}, {"file": "b.mp4"}], "no column 'label'.*: file, class"),
        ([{"path": "a.mp4", "label": "x"}], "no column 'file'"),
        ({"file": "a.mp4"}, "does not hold a list"),
        ([], "There are no clips"),
    ],
)
def test_a_wrong_json_list_is_refused_by_entry(tmp_path, rows, words):
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "clips.json").write_text(json.dumps(rows))
    with pytest.raises(UsageError, match=words):
        find_clips(tmp_path)


def test_numbers_and_nothing_are_labels_of_a_json_list(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "clips.json").write_text(json.dumps([{"File": "a.mp4", "Label": 0}, {"file": "b.mp4", "label": None}]))
    assert [clip.labels for clip in find_clips(tmp_path).clips] == [("0",), ()]


def test_clips_outside_the_list_s_folder_are_taken_and_told(tmp_path):
    touch(tmp_path, "in/a.mp4", "out/b.mp4", "out/c.film")
    rows = f"file,label\na.mp4,x\n../out/b.mp4,x\n{(tmp_path / 'out/c.film').as_posix()},y\n"
    (tmp_path / "in/clips.csv").write_text(rows)
    found = find_clips(tmp_path / "in")
    assert len(found.clips) == 3
    (note,) = found.findings
    assert (note.kind, note.severity, note.file) == ("elsewhere", "note", str(tmp_path / "in"))
    assert "'../out/b.mp4'" in note.what
    assert "'a.mp4'" not in note.what


def test_a_file_by_two_names_is_refused(tmp_path):
    touch(tmp_path, "train/x/a.mp4")
    (tmp_path / "test/x").mkdir(parents=True)
    (tmp_path / "test/x/b.mp4").symlink_to(tmp_path / "train/x/a.mp4")
    with pytest.raises(UsageError, match=r"'test/x/b.mp4' and 'train/x/a.mp4' .* are one file"):
        find_clips(tmp_path)
    (tmp_path / "clips.csv").write_text("file,label,split\ntrain/x/a.mp4,x,train\ntest/x/b.mp4,x,test\n")
    with pytest.raises(UsageError, match=r"is the file 'train/x/a.mp4'"):
        find_clips(tmp_path)


def test_linked_folders_are_looked_through_and_circles_left(tmp_path):
    touch(tmp_path, "clips/x/a.mp4", "drive/b.mp4")
    (tmp_path / "clips/y").symlink_to(tmp_path / "drive")
    (tmp_path / "clips/x/round").symlink_to(tmp_path / "clips")
    assert [(clip.file, clip.labels) for clip in find_clips(tmp_path / "clips").clips] == [
        ("x/a.mp4", ("x",)),
        ("y/b.mp4", ("y",)),
    ]


def test_whatever_the_reader_of_videos_names_its_files_is_a_clip(tmp_path):
    """Endings by FFmpeg's own lists, but those of stills, subtitles and descriptions."""
    readers = ("mov", "matroska", "avi", "flv", "h264", "hevc", "m4v", "nut", "gif", "dv", "wav", "aac", "flac", "mp3")
    endings = {ending for name in readers for ending in av.ContainerFormat(name, "r").extensions}
    endings |= {"qt", "divx", "MTS", "WebM"}
    endings -= {"avif", "heic", "heif", "ism", "mks"}
    touch(tmp_path, *(f"x/a.{ending}" for ending in endings))
    assert {clip.file for clip in find_clips(tmp_path).clips} == {f"x/a.{ending}" for ending in endings}


def test_what_was_passed_over_is_told_once_and_texts_are_not(tmp_path):
    touch(tmp_path, "x/a.mp4", "x/a.strange", "y/b.strange", "y/c.dat", "y/none", "README.txt", "f.h5", ".h.dat")
    (tmp_path / "x/gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    found = find_clips(tmp_path)
    assert [clip.file for clip in found.clips] == ["x/a.mp4"]
    link, note = found.findings
    assert (link.kind, link.severity, link.file) == ("missing", "warning", "x/gone.mp4")
    assert (note.kind, note.severity, note.file) == ("passed-over", "note", str(tmp_path))
    assert note.what.endswith(": .strange (2), without ending (1), .dat (1).")


def test_a_folder_of_other_files_is_refused_with_what_is_in_it(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/2.jpg")
    with pytest.raises(UsageError, match=r"There are no clips.*\.jpg \(2\)"):
        find_clips(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="There are no clips"):
        find_clips(tmp_path)
