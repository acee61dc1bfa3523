"""Adaptation runs: what they leave behind, what they never look at, and how they take bad input."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from bandbridge.engine.api import events
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import BandbridgeError, ImageError, ModelError, PairingError, Stopped, UsageError
from bandbridge.engine.api.jobs import Adapt
from bandbridge.engine.api.launch import Quit, Submit, start_worker
from bandbridge.engine.api.reports import Alarm
from bandbridge.engine.api.storage import storage_error
from bandbridge.engine.worker.adapt import adapt
from bandbridge.engine.worker.apply import load_model
from bandbridge.engine.worker.gather import _hold_out
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import Evidence
from safetensors import safe_open


def run(config, *, resume=False, poll=None):
    said = []
    report = adapt(Adapt(config=config, resume=resume), said.append, Control(poll))
    return report, said


def weights(folder):
    with safe_open(str(Path(folder) / "model.safetensors"), "np") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)


@pytest.fixture(scope="module")
def finished(ingredients, tmp_path_factory):
    """One SOCKET run to look at."""
    config = RunConfig(
        sources=(str(ingredients / "source.safetensors"),),
        pairs=(PairFolders(rgb=str(ingredients / "pairs/rgb"), sensor=str(ingredients / "pairs/nir")),),
        target=str(ingredients / "target"),
        run=str(tmp_path_factory.mktemp("runs") / "run"),
        method="socket",
        epochs=2,
        batch_size=8,
        held_out=0.4,
        device="cpu",
    )
    return config, *run(config)


def test_trust_in_single_pairs_is_written_down_where_they_are_weighed(finished, make_config):
    assert not (Path(finished[0].run) / "pair_trust.csv").exists()
    config = make_config(settings={"pairs_trust": "mnf-csc"})
    report, _ = run(config)
    with (Path(config.run) / "pair_trust.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == report.pairs_used == 9
    assert {row["pair"] for row in rows} < {str(number) for number in range(15)}
    trust = [float(row["trust"]) for row in rows]
    assert trust == sorted(trust)
    assert trust[0] >= 0.05


def test_a_run_leaves_everything_a_person_needs(finished):
    config, report, _ = finished
    folder = Path(config.run)
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "run.json",
        "losses.csv",
        "gap.csv",
        "epochs.csv",
        "checkpoint.safetensors",
        "model.safetensors",
        "predictions.csv",
        "set_aside.csv",
        "report.json",
        "report.html",
    }
    assert not [name for name in names if name.endswith(".part")]
    assert json.loads((folder / "run.json").read_text())["state"] == "completed"
    rows = list(csv.DictReader((folder / "predictions.csv").read_text().splitlines()))
    assert len(rows) == 15
    right = sum(row["truth"] == row["after"] for row in rows) / 15
    assert report.after.accuracy == pytest.approx(right)
    assert report.pairs_used + report.pairs_held_out == 15
    assert json.loads((folder / "report.json").read_text())["steps_done"] == report.steps_done == 4


def test_events_tell_the_story_in_order(finished):
    _, _, said = finished
    kinds = [type(event) for event in said]
    assert kinds.index(events.TrainingStarted) < kinds.index(events.Losses)
    assert kinds.count(events.EpochEnd) == kinds.count(events.Gap) == kinds.count(events.Samples) == 3
    steps = np.concatenate([event.steps for event in said if isinstance(event, events.Losses)])
    assert steps.tolist() == [1, 2, 3, 4]
    fractions = [e.fraction for e in said if isinstance(e, events.Progress) and e.title.startswith("Adapting")]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_strip_ends_with_what_the_model_kept_says(make_config):
    report, said = run(make_config(method="auto", settings={"try_bridge": False}, epochs=1))
    strip = [event for event in said if isinstance(event, events.Samples)][-1]
    rows = list(csv.DictReader((Path(report.run) / "predictions.csv").read_text().splitlines()))
    kept = {row["file"]: row["after"] for row in rows}
    shown = {item.key: strip.class_names[int(item.after.argmax())] for item in strip.items if item.kind == "target"}
    assert shown == {key: kept[key] for key in shown}
    assert shown


def test_what_needs_no_labels_is_told_every_epoch_and_in_the_end(finished):
    config, report, said = finished
    told = [event.label_free for event in said if isinstance(event, events.EpochEnd)]
    assert list(told[0]) == [name for name in events.LABEL_FREE if name not in ("ssim", "psnr")]
    assert told[0] == report.label_free_before
    assert told[-1] == report.label_free_after
    assert told[0]["changed"] == told[0]["change_divergence"] == 0.0
    assert report.label_free_after["changed"] == report.changed / report.target_images
    rows = list(csv.DictReader((Path(config.run) / "epochs.csv").read_text().splitlines()))
    assert [float(row["density"]) for row in rows] == [measures["density"] for measures in told]


def alarms_in(said):
    return [(event.kind, event.step, event.standing) for event in said if isinstance(event, Alarm)]


def test_a_collapse_is_told_at_once_and_in_the_result(make_config, finished):
    report, said = run(make_config(method="tent", pairs=(), learning_rate=0.5, epochs=4))
    assert alarms_in(said) == [("collapse", 2, True)], "after the first epoch, and once"
    assert [alarm.kind for alarm in report.alarms] == ["collapse"]
    assert "swallowing" in (Path(report.run) / "report.html").read_text()
    _, healthy, said_of_it = finished
    assert healthy.alarms == ()
    assert alarms_in(said_of_it) == []


def test_an_alarm_is_withdrawn_when_the_run_recovers_and_does_not_flicker(make_config, monkeypatch):
    holds = iter((0, 1, 0, 1, 0, 0, 1, 0))  # before training, after six epochs, and for the result

    def alarms(self, survey, step):
        return (Alarm(kind="worse", step=step, what="w", why="", do=""),) if next(holds) else ()

    monkeypatch.setattr(Evidence, "alarms", alarms)
    report, said = run(make_config(method="tent", pairs=(), epochs=6))
    assert alarms_in(said) == [("worse", 2, True), ("worse", 10, False), ("worse", 12, True), ("worse", 12, False)]
    assert report.alarms == ()


def test_labels_do_not_touch_training(make_config, own_target, tmp_path):
    """The same images under other class folders, and without any, give the same weights to the bit."""
    images = sorted(own_target.rglob("*.tif"))
    shuffled, bare = tmp_path / "shuffled", tmp_path / "bare"
    bare.mkdir()
    for number, image in enumerate(images):
        wrong = shuffled / ("Striped", "Bright", "Dark")[number % 3]
        wrong.mkdir(parents=True, exist_ok=True)
        (wrong / f"{image.parent.name}_{image.name}").write_bytes(image.read_bytes())
        (bare / f"{len(images) - number}.tif").write_bytes(image.read_bytes())
    reports = {}
    for folder in (own_target, shuffled, bare):
        reports[folder.name], _ = run(make_config(f"run-{folder.name}", target=str(folder)))
    right, wrong, none = (weights(report.run) for report in reports.values())
    assert same(right, wrong)
    assert same(right, none)
    assert reports["bare"].after is None
    assert reports["target"].after.accuracy != reports["shuffled"].after.accuracy


def test_held_out_pairs_are_never_trained_on(make_config, ingredients, tmp_path):
    """Replacing the held-out pairs' images by others changes the measured gap and no weight."""
    config = make_config("first")
    first, _ = run(config)
    held_out, _ = _hold_out(15, config)
    pairs = Path(shutil.copytree(ingredients / "pairs", tmp_path / "pairs"))
    keys = sorted((path.stem for path in (pairs / "rgb").iterdir()), key=int)
    for index in held_out:
        # mirrored in place: other pixels, the same values
        for path in (pairs / "rgb" / f"{keys[index]}.png", pairs / "nir" / f"{keys[index]}.tif"):
            cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:, ::-1])
    folders = PairFolders(rgb=str(pairs / "rgb"), sensor=str(pairs / "nir"))
    second, _ = run(make_config("second", pairs=(folders,)))
    assert same(weights(first.run), weights(second.run))
    assert first.gap_after != second.gap_after


def test_stop_and_keep_gives_a_model_and_stop_does_not(make_config):
    def after(steps, command):
        looks = {"training": 0}

        def poll():
            if looks["training"] >= steps:
                looks["training"] = -(10**9)
                return command
            return None

        return looks, poll

    for command in ("stop_keep", "stop"):
        looks, poll = after(3, command)
        config = make_config(command, epochs=50)
        control = Control(poll)

        def emit(event, looks=looks):
            if isinstance(event, events.Losses):
                looks["training"] += len(event.steps)

        if command == "stop_keep":
            report = adapt(Adapt(config=config), emit, control)
            assert report.stopped_early
            assert 0 < report.steps_done < 100
            assert load_model(config.run).class_names == ("Bright", "Dark", "Striped")
        else:
            with pytest.raises(Stopped):
                adapt(Adapt(config=config), emit, control)
            assert not (Path(config.run) / "model.safetensors").exists()
            assert (Path(config.run) / "checkpoint.safetensors").exists()
        state = json.loads((Path(config.run) / "run.json").read_text())["state"]
        assert state == {"stop_keep": "kept", "stop": "stopped"}[command]


def test_a_killed_worker_leaves_a_checkpoint_from_which_the_same_model_comes(make_config):
    whole, _ = run(make_config("whole", epochs=4))
    config = make_config("killed", epochs=4)
    process, connection = start_worker()
    connection.send(Submit(Adapt(config=config)))
    while not isinstance(event := connection.recv(), events.CheckpointSaved):
        assert not isinstance(event, events.Finished)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    connection.close()
    process.close()
    assert json.loads((Path(config.run) / "run.json").read_text())["state"] == "running"
    again, _ = run(config, resume=True)
    assert same(weights(whole.run), weights(again.run))
    lines = (Path(config.run) / "losses.csv").read_text().splitlines()
    steps = [int(line.split(",")[0]) for line in lines[1:]]
    assert steps == list(range(1, whole.steps_done + 1))
    assert (Path(whole.run) / "losses.csv").read_text().splitlines() == lines


def test_the_worker_process_answers_each_job_exactly_once(make_config, tmp_path):
    process, connection = start_worker()
    try:
        for target in (str(tmp_path / "nowhere"), None):
            config = make_config("ok") if target is None else make_config("bad", target=target)
            connection.send(Submit(Adapt(config=config)))
            while not isinstance(event := connection.recv(), events.Finished):
                pass
            assert event.outcome == ("completed" if target is None else "failed")
        assert not connection.poll(0.2)
        connection.send(Quit())
        process.join(20)
        assert process.exitcode == 0
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        connection.close()
        process.close()


def test_a_worker_whose_window_is_gone_ends(make_config):
    process, connection = start_worker()
    connection.send(Submit(Adapt(config=make_config("left", epochs=500))))
    while not isinstance(connection.recv(), events.CheckpointSaved):
        pass
    connection.close()
    began = time.monotonic()
    process.join(30)
    assert process.exitcode == 0, f"still there after {time.monotonic() - began:.0f} s"
    process.close()


def refused(config, kind=BandbridgeError):
    with pytest.raises(kind) as caught:
        run(config)
    error = caught.value
    assert error.what
    assert error.do
    assert not Path(config.run).exists() or not (Path(config.run) / "model.safetensors").exists()
    return str(error)


def test_bad_folders_are_refused_in_words(make_config, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refused(make_config(target=str(tmp_path / "empty")), ImageError)
    assert "nowhere" in refused(make_config(target=str(tmp_path / "nowhere")), UsageError)


def test_a_run_refused_for_its_images_leaves_no_folder_in_the_way(make_config, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(make_config(target=str(tmp_path / "empty")))
    assert not (tmp_path / "run").exists()


def test_damaged_and_odd_files_are_set_aside_by_name_and_the_run_goes_on(make_config, own_target):
    bright = own_target / "Bright"
    (bright / "zero.tif").write_bytes(b"")
    (bright / "cut.png").write_bytes(cv2.imencode(".png", np.full((32, 32), 9, np.uint16))[1].tobytes()[:60])
    cv2.imwrite(str(bright / "eight_bit.png"), np.full((32, 32), 9, np.uint8))
    cv2.imwrite(str(bright / "large.tif"), cv2.resize((9000 + 30000 * scene_like()).astype(np.uint16), (70, 50)))
    report, _ = run(make_config(target=str(own_target)))
    named = {finding.file.split("/")[-1] for finding in report.set_aside if finding.severity == "warning"}
    assert named == {"zero.tif", "cut.png", "eight_bit.png"}
    assert report.target_images == 16
    kinds = {finding.kind for finding in report.set_aside}
    assert {"unreadable", "depth", "size"} <= kinds


def scene_like():
    return np.random.default_rng(0).random((32, 32))


def test_pairs_that_do_not_pair_are_refused_and_loose_ones_listed(make_config, ingredients, tmp_path):
    pairs = Path(shutil.copytree(ingredients / "pairs", tmp_path / "pairs"))
    folders = PairFolders(rgb=str(pairs / "rgb"), sensor=str(pairs / "nir"))
    (pairs / "rgb" / "3.png").rename(pairs / "rgb" / "unknown.png")
    report, _ = run(make_config(pairs=(folders,)))
    assert {finding.file for finding in report.set_aside if finding.kind == "unmatched"} == {"unknown.png", "3.tif"}
    for number, path in enumerate(sorted((pairs / "rgb").iterdir())):
        path.rename(path.with_name(f"other_{number + 500}.png"))
    refused(make_config("second", pairs=(folders,)), PairingError)


def test_too_few_bands_are_named(make_config, ingredients):
    text = refused(make_config(sensor_bands=(1, 2)))
    assert "band" in text
    one_band = str(ingredients / "pairs/nir")
    text = refused(make_config(pairs=(PairFolders(rgb=one_band, sensor=one_band),), rgb_bands=(4, 3, 2)), PairingError)
    assert "0.tif" in text
    assert "band" in text


def test_a_target_of_one_class_and_a_class_of_one_image_run(make_config, own_target):
    for image in list((own_target / "Dark").iterdir())[1:]:
        image.unlink()
    report, _ = run(make_config("one-image", target=str(own_target)))
    assert report.after.confusion.sum() == report.target_images
    report, _ = run(make_config("one-class", target=str(own_target / "Bright")))
    assert report.after is None


def test_class_folders_the_model_does_not_know_are_used_but_not_counted(make_config, own_target):
    (own_target / "Dark").rename(own_target / "Volcano")
    report, _ = run(make_config(target=str(own_target)))
    assert report.target_images == 15
    assert report.after.images == 10
    assert any(finding.kind == "class" and "Volcano" in finding.what for finding in report.set_aside)


def test_class_names_must_fit_the_model(make_config):
    assert "3 classes" in refused(make_config(class_names=("a", "b")), ModelError)


def test_what_cannot_work_is_refused_before_anything_is_read(make_config, ingredients):
    source = str(ingredients / "source.safetensors")
    for changes in (
        {"sources": ()},
        {"sources": (source, source), "method": "shot"},
        {"pairs": ()},
        {"epochs": 0},
        {"batch_size": 1},
        {"held_out": 0.9},
        {"settings": {"no_such": 1}},
        {"method": "magic"},
    ):
        refused(make_config(**changes), UsageError)


def test_two_sources_are_mixed_and_saved_together(make_config, ingredients):
    source = str(ingredients / "source.safetensors")
    report, _ = run(make_config(sources=(source, source)))
    model = load_model(report.run)
    assert len(model.members) == 2
    assert sum(model.mixing.tolist()) == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["source-only", "bn-adapt", "shot"])
def test_every_other_method_runs_without_pairs(method, make_config):
    report, _ = run(make_config(method=method, pairs=()))
    assert report.gap_before == {}
    assert (Path(report.run) / "model.safetensors").exists()
    if method == "source-only":
        assert report.before.confusion.tolist() == report.after.confusion.tolist()
        assert report.changed == 0


def test_a_full_disk_is_told_and_the_checkpoint_kept(make_config, monkeypatch):
    append = RunFolder.append

    def fill_up(self, name, columns, rows):
        if name == "epochs.csv" and self.checkpoint.exists():
            raise storage_error(self.path / name, OSError(errno.ENOSPC, "No space left on device"))
        append(self, name, columns, rows)

    monkeypatch.setattr(RunFolder, "append", fill_up)
    config = make_config()
    assert "no space left" in refused(config)
    monkeypatch.undo()
    report, _ = run(config, resume=True)
    assert report.steps_done == 4
