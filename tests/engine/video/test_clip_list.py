"""Which clips there are, with their labels and splits."""

from __future__ import annotations

import json
from collections import Counter

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
        ("", "no column 'file'"),
        ("file,label,split\na.mp4,x,later\n", "none of train, validation, test"),
        ("file,label\na.mp4,x\na.mp4,y\n", "listed twice"),
        ("file,label\n,x\n", "names no file"),
        ("file,label\ngone.mp4,x\n", "There are no clips"),
    ],
)
def test_a_wrong_list_is_refused_by_line(tmp_path, text, words):
    touch(tmp_path, "a.mp4")
    (tmp_path / "clips.csv").write_text(text)
    with pytest.raises(UsageError, match=words):
        find_clips(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="There are no clips"):
        find_clips(tmp_path)
