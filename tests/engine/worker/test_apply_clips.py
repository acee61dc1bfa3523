"""Networks for clips applied: what is measured and what never is, what is said of clips, and what is found."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.config import DistillConfig, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, UsageError
from bandbridge.engine.api.jobs import Distill, Evaluate, Predict, Retrieve
from bandbridge.engine.api.reports import DistillReport
from bandbridge.engine.worker.clip_scores import answers
from bandbridge.engine.worker.perform import perform

from .test_distill import CLASSES, SIDE, film

TRAINING = 9


def carry_out(job):
    return perform(job, lambda event: None, Control())


def distilled(clips: Path, run: Path, **changes) -> DistillReport:
    config = DistillConfig(
        clips=str(clips),
        run=str(run),
        method="ce",
        size_px=SIDE,
        window=4,
        width=2,
        epochs=2,
        batch_size=5,
        device="cpu",
    )
    return carry_out(Distill(config=replace(config, **changes)))


def evaluated(model, folder):
    return carry_out(Evaluate(model=str(model), folder=str(folder), device="cpu"))


def write_list(file: Path, rows) -> Path:
    file.write_text("\n".join(["file,label,split", *map(",".join, rows)]) + "\n")
    return file


def noted(report, kind: str) -> list[str]:
    return [finding.what for finding in report.set_aside if finding.kind == kind]


def listed(table: Path, labels: dict[str, str]) -> Path:
    """Nine clips to learn from, three to test, three of a class nobody teaches, two without a label."""
    folder = table.parent
    rows = []
    for number in range(12):
        name = film(folder, number, number % 3)
        rows.append((name, labels[CLASSES[number % 3]], "train" if number < TRAINING else "test"))
    for number, (label, split) in enumerate(
        (("Zebra", "test"), ("Zebra", "test"), ("Zebra", "validation"), ("", "test"), ("", "train"))
    ):
        rows.append((film(folder, 20 + number, 0, name=f"more/{number}.avi"), label, split))
    return write_list(table, rows)


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory) -> tuple[Path, Path, DistillReport]:
    """Clips, a run on them, and its report."""
    place = tmp_path_factory.mktemp("classes")
    (place / "clips").mkdir()
    listed(place / "clips/clips.csv", {name: name for name in CLASSES})
    return place / "clips", place / "run", distilled(place / "clips", place / "run")


@pytest.fixture(scope="module")
def of_tags(tmp_path_factory) -> tuple[Path, Path, DistillReport]:
    """The same with tags, one of them on all clips, of a student that hears."""
    place = tmp_path_factory.mktemp("tags")
    (place / "clips").mkdir()
    listed(place / "clips/tags.csv", {name: f"{name};Film" for name in CLASSES})
    table = place / "clips/tags.csv"
    return table, place / "run", distilled(table, place / "run", teacher="picture")


@pytest.fixture(scope="module")
def by_folders(tmp_path_factory) -> tuple[Path, Path, DistillReport]:
    """Five clips of each class in class folders, splits drawn, one clip left out."""
    place = tmp_path_factory.mktemp("folders")
    for number in range(15):
        film(place / "clips", number, number % 3)
    return place / "clips", place / "run", distilled(place / "clips", place / "run", exclude=("Bright/0.avi",))


def test_clips_of_a_class_never_learned_find_nothing_and_count_so(of_classes):
    clips, run, report = of_classes
    assert report.clips == {"train": TRAINING, "validation": 1, "test": 5}
    for scores in (report.test, evaluated(run, clips).scores):
        assert scores.clips == 5
        assert scores.classes.images == scores.judged == 3
        assert scores.measures["recall_at_10"] == pytest.approx(3 / 5), (
            "nine are searched: what there is to find is found"
        )
        assert scores.measures["retrieval_map"] <= 3 / 5
    assert report.validation.classes is None
    assert report.validation.measures["recall_at_10"] == 0
    assert "accuracy" not in report.validation.measures
    assert len(noted(report, "class")) == 3
    assert "does not count for accuracy" in next(f.why for f in report.set_aside if f.kind == "class")
    assert len(noted(report, "no-label")) == 2


def test_clips_without_any_known_tag_count_as_having_none(of_tags):
    table, run, report = of_tags
    assert report.clips == {"train": TRAINING, "validation": 1, "test": 5}
    assert report.test.measures["recall_at_1"] == pytest.approx(3 / 5), "all others are films"
    assert noted(report, "tag") == [
        f"The clip 'more/{n}.avi' shows 'Zebra', which no training clip does." for n in range(3)
    ]
    again = evaluated(run, table)
    assert again.scores.clips == 5
    assert again.scores.measures == pytest.approx(report.test.measures)
    assert noted(again, "tag") == noted(report, "tag")[:2], "of the clips measured"


@pytest.mark.parametrize("spelled", ["plain", "dots", "link", "list", "model file", "moved"])
def test_a_run_measures_its_own_test_clips_however_they_are_spelled(spelled, of_classes, tmp_path):
    clips, run, report = of_classes
    model, place = run, clips
    if spelled == "dots":
        place = clips / ".." / clips.name
    elif spelled == "link":
        place = tmp_path / "link"
        place.symlink_to(clips, target_is_directory=True)
    elif spelled == "list":
        place = clips / "clips.csv"
    elif spelled == "model file":
        model = run / "model.safetensors"
    elif spelled == "moved":
        moved = Path(shutil.copytree(clips.parent, tmp_path / "moved"))
        place, model = moved / "elsewhere", moved / "run"
        (moved / "clips").rename(place)
        clips.rename(clips.parent / "hidden")
    try:
        again = evaluated(model, place)
    finally:
        if spelled == "moved":
            (clips.parent / "hidden").rename(clips)
    assert again.split == "test"
    assert again.scores.measures == pytest.approx(report.test.measures)
    assert noted(again, "learned") == [f"{TRAINING} clips are not measured: the run has learned from them."]


def test_clips_added_since_and_those_left_out_change_nothing(by_folders, tmp_path):
    """Splits drawn anew over more clips would test some that were learned from."""
    clips, run, report = by_folders
    assert evaluated(run, clips).scores.measures == pytest.approx(report.test.measures)
    added = [clips / film(clips, 100 + number, number % 3) for number in range(12)]
    try:
        again = evaluated(run, clips)
    finally:
        for file in added:
            file.unlink()
    assert again.scores.clips == report.test.clips
    assert again.scores.measures == pytest.approx(report.test.measures)
    assert noted(again, "strange") == ["13 clips are not measured: the run did not take them, or could not."]


def test_what_was_learned_from_is_never_measured(of_classes, tmp_path):
    clips, run, _ = of_classes
    learned = [(str(clips / f"{CLASSES[n % 3]}/{n}.avi"), CLASSES[n % 3], "test") for n in range(TRAINING)]
    with pytest.raises(UsageError, match="nothing to measure") as caught:
        evaluated(run, write_list(tmp_path / "learned.csv", learned))
    assert "has learned from all" in caught.value.why
    new = film(tmp_path, 50, 1)
    report = evaluated(run, write_list(tmp_path / "mixed.csv", [*learned, (new, "Dark", "train")]))
    assert (report.split, report.scores.clips) == ("all", 1)
    assert noted(report, "learned") == [f"{TRAINING} clips are not measured: the run has learned from them."]
    with pytest.raises(UsageError, match="is of a class of this model"):
        evaluated(run, write_list(tmp_path / "strange.csv", [(new, "Zebra", "test")]))


def test_a_clip_of_two_classes_is_neither_right_nor_wrong(of_classes, tmp_path):
    _, run, _ = of_classes
    several = write_list(tmp_path / "two.csv", [(film(tmp_path, 60, 1), "Dark;Bright", "test")])
    with pytest.raises(UsageError, match="has several labels: Bright, Dark"):
        evaluated(run, several)


def test_a_model_alone_says_that_it_knows_no_run(of_classes, tmp_path):
    clips, run, _ = of_classes
    shutil.copy(run / "model.safetensors", tmp_path / "mine.safetensors")
    report = evaluated(tmp_path / "mine.safetensors", clips)
    assert report.split == "test", "as the list says"
    assert "recall_at_1" not in report.scores.measures
    assert len(noted(report, "no-run")) == 1
    assert len(noted(report, "class")) == 2


def test_one_broken_clip_among_those_named_is_named_and_no_more(of_classes, tmp_path):
    clips, run, _ = of_classes
    (tmp_path / "broken.avi").write_bytes(b"nothing")
    good = [clips / "Dark/1.avi", clips / "Bright/0.avi"]

    def predict(*paths):
        return carry_out(Predict(model=str(run), paths=tuple(map(str, paths)), device="cpu"))

    report = predict(good[0], tmp_path / "broken.avi", good[1])
    assert [p.file for p in report.predictions] == list(map(str, good))
    assert noted(report, "unreadable") == [f"The clip '{tmp_path / 'broken.avi'}' cannot be read."]
    with pytest.raises(ClipError):
        predict(tmp_path / "broken.avi")
    shutil.copy(good[0], tmp_path / "good.avi")
    shutil.copy(good[0], tmp_path / "film.unheard")
    of_folder = predict(tmp_path)
    assert [p.file for p in of_folder.predictions] == ["good.avi"]
    assert len(noted(of_folder, "passed-over")) == len(noted(of_folder, "unreadable")) == 1
    of_list = predict(clips / "clips.csv")
    assert [p.file for p in of_list.predictions][:2] == ["Bright/0.avi", "Bright/3.avi"]
    assert len(of_list.predictions) == 17


def test_a_tagger_says_all_tags_as_its_run_does(of_tags, tmp_path):
    table, run, _ = of_tags
    job = Predict(model=str(run), paths=(str(table),), output=str(tmp_path / "p.csv"), device="cpu")
    report = carry_out(job)
    with (run / "predictions.csv").open() as file:
        said = {row["file"]: row["predicted"] for row in csv.DictReader(file)}
    assert report.tags
    assert {p.file: p.class_name for p in report.predictions} == said
    with (tmp_path / "p.csv").open() as file:
        assert {row["file"]: row["tags"] for row in csv.DictReader(file)} == said


def test_a_tag_is_said_if_it_is_as_likely_as_not():
    chances = np.array([0.5, 0.49, 0.9], np.float32)
    assert answers(chances, ("a", "b", "c"), tags=True) == ("a", "c")
    assert answers(chances, ("a", "b", "c"), tags=False) == ("c",)
    assert answers(chances * 0.1, ("a", "b", "c"), tags=True) == ()


def test_training_clips_alone_are_found_and_none_finds_itself(of_classes, tmp_path):
    clips, run, _ = of_classes
    training = {f"{CLASSES[number % 3]}/{number}.avi" for number in range(TRAINING)}

    def found(query) -> set[str]:
        (answer,) = carry_out(Retrieve(run=str(run), query=str(query), count=100, device="cpu")).queries
        return {hit.file for hit in answer.found}

    assert found("more/0.avi") == training
    assert found("Dark/1.avi") == found(clips / "Dark/1.avi") == training - {"Dark/1.avi"}
    assert found(clips / ".." / clips.name / "Dark" / "1.avi") == training - {"Dark/1.avi"}
    film(tmp_path, 77, 1, name="Dark/1.avi")
    assert found(tmp_path / "Dark/1.avi") == training, "another clip of the same name"
    shutil.copy(tmp_path / "Dark/1.avi", tmp_path / "film.unheard")
    of_folder = carry_out(Retrieve(run=str(run), query=str(tmp_path), count=100, device="cpu"))
    assert len(noted(of_folder, "passed-over")) == 1
    assert {hit.file for hit in of_folder.queries[0].found} == training
    assert of_folder.queries[0].labels == ("Dark",)
    of_list = carry_out(Retrieve(run=str(run), query=str(clips / "clips.csv"), count=100, device="cpu"))
    assert {query.file: len(query.found) for query in of_list.queries}["Dark/1.avi"] == TRAINING - 1
    assert of_list.folder == str(clips)


def test_what_is_for_images_is_refused(of_classes):
    clips, run, _ = of_classes
    with pytest.raises(UsageError, match="are for images"):
        carry_out(Predict(model=str(run), paths=(str(clips),), tiles=TileRule()))
    with pytest.raises(UsageError, match="are for images"):
        carry_out(Evaluate(model=str(run), folder=str(clips), bands=(1,)))
