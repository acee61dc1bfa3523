"""Distillations as a worker carries them out: from clips on the disk to model, gallery and report."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bandbridge.engine.api.config import CompareConfig, DistillConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import BandbridgeError, ClipError, Stopped, UsageError
from bandbridge.engine.api.events import ClipSignsSeen, EpochEnd, Losses, Notice, TrainingStarted
from bandbridge.engine.api.jobs import Compare, Distill, Evaluate, Export, Predict, Retrieve
from bandbridge.engine.api.video_catalogue import video_method_info
from bandbridge.engine.video.clip_model import read_clip_model
from bandbridge.engine.worker.clip_data import gather_clips
from bandbridge.engine.worker.distill import lay_clip_ground
from bandbridge.engine.worker.perform import answer, perform
from safetensors.torch import load_file

from ..video.conftest import tone, write_clip

CLASSES = ("Bright", "Dark", "Striped")
FPS, LENGTH, SIDE = 4, 6, 16


def film(folder: Path, number: int, kind: int, *, wrong: bool = False, mute: bool = False, name: str = "") -> str:
    random = np.random.default_rng(number)
    pictures = random.integers(0, 40, (LENGTH, SIDE, SIDE, 3), dtype=np.uint8) + np.uint8((170, 20, 60)[kind])
    if kind == 2:
        pictures[:, ::4] += 100
    heard = (kind + 1) % 3 if wrong else kind
    wave = None if mute else tone(LENGTH / FPS, (300, 1200, 4000)[heard])
    file = name or f"{CLASSES[kind]}/{number}.avi"
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    write_clip(folder / file, pictures, fps=FPS, wave=wave)
    return file


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """27 clips: of every class five to learn from, two for validation, two for testing; some with wrong sound."""
    folder = tmp_path_factory.mktemp("clips")
    with (folder / "clips.csv").open("w") as file:
        file.write("file,label,split,sound\n")
        for number in range(27):
            place, kind = number // 3, number % 3
            split = "train" if place < 5 else "validation" if place < 7 else "test"
            wrong = split == "train" and place == 4
            name = film(folder, number, kind, wrong=wrong, mute=number == 26)
            sound = "wrong" if wrong else "elsewhere" if place == 8 else "matched"  # the last ones are for testing
            file.write(f"{name},{CLASSES[kind]},{split},{sound}\n")
        (folder / "Dark/broken.avi").write_bytes(b"nothing")
        file.write("Dark/broken.avi,Dark,train,matched\n")
    return folder


@pytest.fixture
def make_config(clips, tmp_path):
    def make(run: str = "run", **changes) -> DistillConfig:
        config = DistillConfig(
            clips=str(clips),
            run=str(tmp_path / run),
            size_px=SIDE,
            window=4,
            width=2,
            epochs=3,
            batch_size=6,
            learning_rate=1e-2,
            device="cpu",
            settings={"teacher_epochs": 3, "teacher_rate": 1e-2},
        )
        return replace(config, **changes)

    return make


def carry_out(config, *, resume=False, control=None, events=None):
    return perform(
        Distill(config=config, resume=resume), (events if events is not None else []).append, control or Control()
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def told_apart(signs, name):
    """Chance that a training clip with its own sound ranks above one with another."""
    values = [(float(row[name]), row["sound"] == "matched") for row in signs if row["split"] == "train"]
    own, other = ([value for value, matched in values if matched is wanted] for wanted in (True, False))
    return np.mean([(o > n) + (o == n) / 2 for o in own for n in other])


def test_a_run_leaves_everything_that_is_promised(make_config):
    events: list[object] = []
    config = make_config()
    report = carry_out(config, events=events)
    run = Path(config.run)
    assert report.clips == {"train": 15, "validation": 6, "test": 6}
    assert report.class_names == CLASSES
    assert [f.file for f in report.set_aside if f.severity == "warning"] == ["Dark/broken.avi"]
    assert report.taught == 15
    said = [event.text for event in events if isinstance(event, Notice)]
    assert any("takes 9 steps" in text for text in said), "three epochs of fifteen clips, six at once"
    for scores in (report.validation, report.test):
        assert scores.clips == 6
        assert set(scores.measures) == {
            "accuracy",
            "balanced_accuracy",
            "recall_at_1",
            "recall_at_5",
            "recall_at_10",
            "retrieval_map",
        }
    assert report.teacher_test.clips == 5, "one test clip has no sound, and the student sees it all the same"
    assert list(report.separation) == ["correspondence", "temperature", "mask"]
    assert all(0 <= value <= 1 for value in report.separation.values())
    assert report.separation_by_sound == {"wrong": report.separation}, "training clips have one kind"
    signs = rows(run / "signs.csv")
    assert len(signs) == 26
    assert sum(row["sound"] == "wrong" for row in signs) == 3
    for name, value in report.separation.items():
        assert value == pytest.approx(told_apart(signs, name), abs=0.02), "values of six digits may tie"
    assert all(-1 <= float(row["correspondence"]) <= 1 for row in signs)
    assert all(float(row["temperature"]) > 0 and 0 < float(row["mask"]) < 1 for row in signs)
    assert len(rows(run / "predictions.csv")) == 27
    assert [row["stage"] for row in rows(run / "epochs.csv")] == ["Teacher"] * 4 + ["Student"] * 4
    assert len(rows(run / "losses-1.csv")) == len(rows(run / "losses-2.csv")) == 9
    assert json.loads((run / "run.json").read_text())["state"] == "completed"
    assert json.loads((run / "report.json").read_text())["test"]["measures"] == pytest.approx(report.test.measures)
    page = (run / "report.html").read_text()
    assert "Picture and sound that go together" in page
    assert "Dark/broken.avi" in page
    started = [e.stage for e in events if isinstance(e, TrainingStarted)]
    assert started == ["Teacher", "Student"]
    assert any(isinstance(e, Losses) for e in events)
    assert [set(e.measured) for e in events if isinstance(e, EpochEnd)] == [{"accuracy", "balanced_accuracy"}] * 8
    signs_seen = [e for e in events if isinstance(e, ClipSignsSeen)]
    assert len(signs_seen) == 3, "before the first epoch no clip has been met"
    assert len(signs_seen[-1].files) == len(signs_seen[-1].temperature) == 15


def test_the_test_clips_change_nothing_that_is_learned(make_config, clips, tmp_path):
    """Neither their pictures nor their labels nor their being there; and no checkpoint is chosen by any split."""
    spoiled = Path(shutil.copytree(clips, tmp_path / "spoiled"))
    lines = (spoiled / "clips.csv").read_text().splitlines()
    kept = [line for line in lines if ",test," not in line]
    for number, line in enumerate(line for line in lines if ",test," in line):
        film(spoiled, 500 + number, number % 3, name=line.split(",")[0])
        kept.append(line.replace(line.split(",")[1] + ",test", ("Dark", "Bright", "Unknown")[number % 3] + ",test"))
    (spoiled / "clips.csv").write_text("\n".join(kept) + "\n")
    report = carry_out(make_config("a"))
    other = carry_out(make_config("b", clips=str(spoiled)))
    first, second = load_file(report.model), load_file(other.model)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert report.test.measures != other.test.measures
    assert any(f.kind == "class" for f in other.set_aside)


@pytest.mark.parametrize("teacher", ["sound", "picture"])
def test_methods_are_told_the_labels_of_training_clips_alone(teacher, make_config):
    """One class a clip, and tags."""
    config = make_config(teacher=teacher)
    data = gather_clips(config, lambda event: None, Control())
    info = video_method_info(config.method)
    settings = info.resolve(config.settings)
    ground, _ = lay_clip_ground(config, info, settings, data, torch.device("cpu"), Control())
    learned = np.flatnonzero([clip.split == "train" for clip in data.listed])
    assert ground.training.tolist() == learned.tolist()
    assert len(learned) == 15
    kinds = [CLASSES.index(data.listed[row].labels[0]) for row in learned]
    known = ground.labels[learned]
    assert (known.argmax(dim=1) if ground.tags else known).tolist() == kinds
    others = np.setdiff1d(np.arange(len(data.listed)), learned)
    assert set(ground.labels[others].flatten().tolist()) == {0.0 if ground.tags else -1}


def test_the_last_state_is_kept_and_no_other(make_config):
    """What the run measured last is what its model gives."""
    config = make_config(method="ce", settings={})
    report = carry_out(config)
    again = perform(Evaluate(model=config.run, folder=config.clips, device="cpu"), lambda event: None, Control())
    assert again.split == "test"
    assert again.scores.measures == pytest.approx(report.test.measures)
    last = rows(Path(config.run) / "epochs.csv")[-1]
    assert float(last["accuracy"]) == pytest.approx(report.validation.measures["accuracy"])


def test_a_stopped_run_goes_on_to_the_same_bits(make_config):
    whole = carry_out(make_config("whole"))
    for stop_at in (5, 14):  # in the teacher's epochs, and in the student's
        looks = iter(range(10**6))
        config = make_config(f"stopped-{stop_at}")
        seen: list[object] = []

        def poll(seen=seen, stop_at=stop_at, looks=looks):
            steps = max((int(e.steps[-1]) for e in seen if isinstance(e, Losses) and len(e.steps)), default=0)
            return "stop" if steps >= stop_at else None

        with pytest.raises(Stopped):
            carry_out(config, control=Control(poll), events=seen)
        assert json.loads((Path(config.run) / "run.json").read_text())["state"] == "stopped"
        report = carry_out(config, resume=True)
        assert report.resumed
        assert "since it went on" in (Path(report.run) / "report.html").read_text()
        first, second = load_file(whole.model), load_file(report.model)
        assert all(torch.equal(first[key], second[key]) for key in first)
        assert len(rows(Path(config.run) / "losses-2.csv")) == 9


def test_a_pause_changes_nothing(make_config):
    whole = carry_out(make_config("whole"))
    commands = iter(["pause", None, None, "resume"])
    told: list[bool] = []
    seen: list[object] = []

    def poll():
        student = any(isinstance(e, TrainingStarted) and e.stage == "Student" for e in seen)
        return next(commands, None) if student else None

    control = Control(poll, on_pause=told.append, wait_s=0.001)
    report = carry_out(make_config("paused"), control=control, events=seen)
    assert told == [True, False]
    assert control.paused_s > 0
    assert (report.steps_done, report.stopped_early) == (whole.steps_done, False)
    first, second = load_file(whole.model), load_file(report.model)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_stop_and_keep_keeps_what_the_student_has_learned(make_config):
    seen: list[object] = []

    def poll():
        student = any(isinstance(e, TrainingStarted) and e.stage == "Student" for e in seen)
        ended = sum(isinstance(e, EpochEnd) for e in seen)
        return "stop_keep" if student and ended >= 6 else None

    finished = answer(Distill(config=make_config(epochs=50)), seen.append, Control(poll))
    assert finished.outcome == "kept"
    assert finished.result.stopped_early
    assert 1 <= finished.result.epochs_done < 50
    assert finished.result.test is not None
    looked = iter((None, None, None, *["stop_keep"] * 1000))
    early = answer(Distill(config=make_config("early")), [].append, Control(lambda: next(looked)))
    assert early.outcome == "stopped", "a teacher alone is no result"


def test_picture_teaches_sound_with_tags(make_config):
    config = make_config(teacher="picture")
    report = carry_out(config)
    assert report.tags
    assert report.clips == {"train": 15, "validation": 6, "test": 5}, "the student cannot hear a clip without sound"
    assert "tagging_map" in report.test.measures
    assert set(report.test.tagging) == set(CLASSES)
    assert read_clip_model(Path(config.run)).inputs.shape == (1, 100, 64)


def test_given_features_of_any_width_teach(make_config, clips, tmp_path):
    random = np.random.default_rng(0)
    for number in range(27):
        place = tmp_path / "features" / CLASSES[number % 3] / f"{number}.npy"
        place.parent.mkdir(parents=True, exist_ok=True)
        if number != 3:
            np.save(place, random.normal(size=(2, 9)) + 3 * (number % 3))
    report = carry_out(make_config(teacher_features=str(tmp_path / "features")))
    assert report.taught == 14
    (lacking,) = (found for found in report.set_aside if found.kind == "features")
    assert "lack 1 of 15 training clips: 'Bright/3.avi'" in lacking.what
    assert report.teacher_test.measures["accuracy"] > 0.5
    from_run = carry_out(make_config("first"))
    reused = make_config("second", method="kd", teacher_features=f"{from_run.run}/teacher_features.h5")
    assert carry_out(reused).taught == 15


def test_clips_are_found_again(make_config, clips):
    config = make_config(method="ce", settings={})
    carry_out(config)

    def find(query, count=4):
        job = Retrieve(run=config.run, query=query, count=count, device="cpu")
        return perform(job, lambda event: None, Control())

    (by_name,) = find("Bright/0.avi").queries
    assert len(by_name.found) == 4
    assert "Bright/0.avi" not in {hit.file for hit in by_name.found}, "a clip does not find itself"
    assert by_name.labels == ("Bright",)
    similarities = [hit.similarity for hit in by_name.found]
    assert similarities == sorted(similarities, reverse=True)
    (by_file,) = find(str(clips / "Bright/0.avi")).queries
    assert [hit.file for hit in by_file.found] == [hit.file for hit in by_name.found], "nor by its path"
    assert [hit.similarity for hit in by_file.found] == pytest.approx(similarities, abs=1e-4)
    whole = find(str(clips), count=2)
    assert len(whole.queries) == 27
    assert [f.file for f in whole.set_aside if f.severity == "warning"] == ["Dark/broken.avi"]
    with pytest.raises(UsageError, match="neither a clip"):
        find("nowhere.mp4")
    with pytest.raises(UsageError, match="at least 1"):
        find("Bright/0.avi", count=0)


def test_predictions_and_exports(make_config, clips, tmp_path):
    config = make_config(method="ce", settings={})
    carry_out(config)
    job = Predict(
        model=config.run, paths=(str(clips / "Dark"), str(clips / "Bright/0.avi")), output=str(tmp_path / "p.csv")
    )
    report = perform(job, lambda event: None, Control())
    assert len(report.predictions) == 10
    assert [f.kind for f in report.set_aside if f.severity == "warning"] == ["unreadable"]
    assert len(rows(tmp_path / "p.csv")) == 10
    for form, name in (("onnx", "s.onnx"), ("safetensors", "s.safetensors")):
        export = Export(source=config.run, format=form, output=str(tmp_path / name))
        written = perform(export, lambda event: None, Control())
        assert written.checked_images > 0
        assert written.largest_difference < 1e-4
        assert written.same_classes
    assert (
        "(N, 3, 4, 16, 16)"
        in perform(
            Export(source=config.run, format="onnx", output=str(tmp_path / "t.onnx")), lambda event: None, Control()
        ).explanation
    )
    kept = perform(
        Predict(model=str(tmp_path / "s.safetensors"), paths=(str(clips / "Dark"),)), lambda event: None, Control()
    )
    assert [p.probabilities for p in kept.predictions] == [p.probabilities for p in report.predictions[:9]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"window": 1}, "window must hold"),
        ({"width": 3}, "even number"),
        ({"method": "nonsense"}, "no method 'nonsense'"),
        ({"method": "ce", "settings": {}, "teacher_features": "x.h5"}, "has no teacher"),
        ({"exclude": tuple(f"{CLASSES[n % 3]}/{n}.avi" for n in range(15))}, "too few clips|fewer than two"),
    ],
)
def test_what_cannot_work_is_refused_in_words(changes, words, make_config):
    config = make_config(**changes)
    with pytest.raises(BandbridgeError, match=words):
        carry_out(config)
    assert not (Path(config.run) / "model.safetensors").exists()


def test_clips_without_any_sound_need_no_teacher(make_config, tmp_path):
    for number in range(12):
        film(tmp_path / "mute", number, number % 3, mute=True)
    with pytest.raises(ClipError, match="knows fewer than two"):
        carry_out(make_config("a", clips=str(tmp_path / "mute")))
    report = carry_out(make_config("b", clips=str(tmp_path / "mute"), method="ce", settings={}))
    assert report.splits_drawn
    assert report.taught == 0


def test_real_clips_are_embedded_found_and_exported(shared_data, make_config, tmp_path):
    """Eleven are enough to read, and not to learn from."""
    source = shared_data("grid_av")
    with (tmp_path / "clips.csv").open("w") as file:
        file.write("file,label,split\n")
        for number, row in enumerate(rows(source / "manifest.csv")):
            (tmp_path / row["file"]).symlink_to(source / "mpg" / row["file"])
            file.write(f"{row['file']},{row['color']},{('train', 'train', 'test')[number % 3]}\n")
    config = make_config(clips=str(tmp_path / "clips.csv"), size_px=32, window=8, epochs=1)
    config = replace(config, settings={"teacher_epochs": 1})
    report = carry_out(config)
    assert report.clips == {"train": 8, "validation": 0, "test": 3}
    assert not [f for f in report.set_aside if f.severity == "warning"]
    found = perform(
        Retrieve(run=config.run, query=str(tmp_path / "lbax4n.mpg"), count=3), lambda event: None, Control()
    )
    assert len(found.queries[0].found) == 3
    exported = perform(
        Export(source=config.run, format="onnx", output=str(tmp_path / "s.onnx")), lambda event: None, Control()
    )
    assert exported.checked_images == 11


def test_methods_for_clips_are_compared_in_one_table(make_config, tmp_path):
    """Runs in processes of their own; with one seed, all have the same teacher."""
    base = replace(make_config(), settings={})
    settings = {method: {"teacher_epochs": 1} for method in ("kd", "mnf-csc")}
    config = CompareConfig(
        base=base, methods=("ce", "kd", "mnf-csc"), seeds=(0,), output=str(tmp_path / "all"), settings=settings
    )
    report = perform(Compare(config=config), lambda event: None, Control())
    assert [entry.state for entry in report.methods] == ["completed"] * 3
    assert {"accuracy", "recall_at_1", "retrieval_map", "temperature_separation", "seconds"} <= set(report.measures)
    values = {run.method: run.values for run in report.runs}
    assert values["kd"]["teacher_accuracy"] == values["mnf-csc"]["teacher_accuracy"]
    assert "temperature_separation" not in values["kd"]
    assert report.images == 6
    assert report.before == {"accuracy": pytest.approx(1 / 3)}, "what guessing reaches on three classes alike"
    page = (tmp_path / "all" / "comparison.html").read_text()
    assert "MNF + CSC" in page
    assert "windows of 4 pictures" in page
    assert "Guessing reaches 33.3" in page
    again = perform(Compare(config=config), lambda event: None, Control())
    assert again.runs == report.runs
    with pytest.raises(UsageError, match="other data or another budget"):
        perform(Compare(config=replace(config, base=replace(base, fps=2.0))), lambda event: None, Control())
