"""A teacher's features made elsewhere."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.video.teacher_features import feature_findings, read_teacher_features, write_teacher_features

NAMES = ("walk/1.mp4", "walk/2.mp4", "run/1.mp4")


def test_a_dataset_a_clip_with_or_without_ending(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["walk/1"] = np.arange(3.0)
        file["run/1.mp4"] = np.array([[1.0, 2, 3], [3, 4, 5]])
        file["walk/9"] = np.zeros(7)
    table, known = read_teacher_features(tmp_path / "f.h5", NAMES)
    assert known.tolist() == [True, False, True]
    assert table.tolist() == [[0, 1, 2], [0, 0, 0], [2, 3, 4]]


def test_a_table_with_names_in_any_order(tmp_path):
    write_teacher_features(tmp_path / "f.h5", ("run/1.mp4", "walk/2.mp4"), np.array([[5.0], [6.0]], np.float32))
    table, known = read_teacher_features(tmp_path / "f.h5", NAMES)
    assert table.tolist() == [[0], [6], [5]]
    assert known.tolist() == [False, True, True]


def test_clips_that_differ_in_ending_alone_keep_their_own_features(tmp_path):
    names = ("a.mp4", "a.avi")
    write_teacher_features(tmp_path / "f.h5", names, np.array([[5.0], [6.0]], np.float32))
    assert read_teacher_features(tmp_path / "f.h5", names)[0].tolist() == [[5], [6]]


def test_a_folder_of_npy_files(tmp_path):
    (tmp_path / "walk").mkdir()
    np.save(tmp_path / "walk/2.npy", np.ones(4))
    table, known = read_teacher_features(tmp_path, NAMES)
    assert table.shape == (3, 4)
    assert known.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"walk/1": np.zeros(3), "walk/2": np.zeros(4)}, "differ in width"),
        ({"walk/1": np.array([np.nan, 1.0])}, "infinite or missing"),
        ({"other": np.zeros(3)}, "None of them is named like a clip"),
        ({"walk/1": np.zeros((2, 2, 2))}, "cannot be read"),
        ({"walk/1": np.zeros((0, 3))}, "cannot be read"),
        ({"files": ["walk/1", "run/1", "walk/1"], "features": np.ones((3, 2))}, "more than once 'walk/1'"),
        ({"walk/1": np.zeros(0), "run/1": np.zeros(0)}, "vectors of no numbers"),
        ({"files": ["walk/1", "run/1"], "features": np.zeros((2, 0))}, "vectors of no numbers"),
        ({"walk/1": np.zeros(3), "run/1": np.zeros(3)}, "as good as zero"),
        ({"walk/1": np.full(3, 1e-30), "run/1": np.zeros(3)}, "as good as zero"),
        ({"walk/1": np.array([3.0, 1e3]), "run/1": np.array([3.0, 1e3]) * (1 + 1e-7)}, "same for every clip"),
        ({"walk/1": np.array([1e30, 1.0]), "run/1": np.zeros(2)}, "as large as 1e\\+30"),
        ({"walk/1": np.array([1e300, 1.0]), "run/1": np.zeros(2)}, "infinite or missing"),
    ],
)
def test_what_does_not_fit_is_refused(content, words, tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(UsageError, match=words):
        read_teacher_features(tmp_path / "f.h5", NAMES)


def test_a_large_even_part_does_not_hide_what_differs(tmp_path):
    features = np.array([[1e6, 0.1], [1e6, 0.2]], np.float32)
    write_teacher_features(tmp_path / "f.h5", NAMES[:2], features)
    assert read_teacher_features(tmp_path / "f.h5", NAMES)[0][:2].tolist() == features.tolist()


@pytest.mark.parametrize("form", ["table", "datasets", "folder"])
def test_training_clips_without_features_and_features_without_a_clip_are_told_once_each(tmp_path, form):
    place = tmp_path / ("features" if form == "folder" else "f.h5")
    features = {"walk/1": np.array([1.0]), "walk/7": np.array([2.0]), "walk/8": np.array([3.0])}
    if form == "table":
        write_teacher_features(place, tuple(f"{name}.mp4" for name in features), np.stack(list(features.values())))
    elif form == "datasets":
        with h5py.File(place, "w") as file:
            file["walk/1.mp4"] = features.pop("walk/1")
            for name, values in features.items():
                file[name] = values
    else:
        (place / "walk").mkdir(parents=True)
        for name, values in features.items():
            np.save(place / f"{name}.npy", values)
    _, known = read_teacher_features(place, NAMES)
    lacking, unused = feature_findings(place, NAMES, known, training=(0, 1))
    assert (lacking.kind, lacking.severity, lacking.file) == ("features", "warning", str(place))
    assert "lack 1 of 2 training clips: 'walk/2.mp4'" in lacking.what
    assert (unused.kind, unused.severity, unused.file) == ("features-unused", "note", str(place))
    assert unused.what.startswith("2 of")
    assert "walk/7" in unused.what
    assert feature_findings(place, (*NAMES, "walk/7.mp4", "walk/8.mp4"), known, training=(0,)) == ()


def test_no_hdf5_file_is_refused_and_no_code_is_run(tmp_path):
    (tmp_path / "f.h5").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="cannot be read"):
        read_teacher_features(tmp_path / "f.h5", NAMES)
    (tmp_path / "walk").mkdir()
    np.save(tmp_path / "walk/1.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(UsageError, match="cannot be read"):
        read_teacher_features(tmp_path, NAMES)
