"""Runs of two stages: each with its own curves, stopped and resumed in and between them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api import events
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped
from bandbridge.engine.api.jobs import Adapt
from bandbridge.engine.models.model_file import read_sensor_model
from bandbridge.engine.models.translator_file import read_translator
from bandbridge.engine.worker.adapt import adapt
from safetensors import safe_open


def run(config, *, resume=False, emit=None, poll=None):
    said = []

    def take(event):
        said.append(event)
        if emit is not None:
            emit(event)

    return adapt(Adapt(config=config, resume=resume), take, Control(poll)), said


def weights(config):
    with safe_open(str(Path(config.run) / "model.safetensors"), "np") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)


def steps_in(config, name):
    lines = (Path(config.run) / name).read_text().splitlines()
    return [int(line["step"]) for line in csv.DictReader(lines)]


@pytest.fixture
def two_stages(make_config):
    def make(run="run", **changes):
        return make_config(run, method="tgkt", settings={"bridge_epochs": 3}, **changes)

    return make


def stop_in(number, keep):
    """Ask to stop once the given stage has told a loss."""
    seen = {"stage": -1, "told": False}

    def emit(event):
        if isinstance(event, events.TrainingStarted):
            seen["stage"] = event.number
        if isinstance(event, events.EpochEnd) and seen["stage"] == number:
            seen["told"] = True

    return emit, lambda: ("stop_keep" if keep else "stop") if seen["told"] else None


def test_both_stages_are_told_recorded_and_shown(two_stages):
    config = two_stages()
    report, said = run(config)
    started = [event for event in said if isinstance(event, events.TrainingStarted)]
    assert [(event.number, event.stages, event.stage) for event in started] == [
        (0, ("Bridge", "Transfer"), "Bridge"),
        (1, ("Bridge", "Transfer"), "Transfer"),
    ]
    assert started[1].steps_before == started[0].steps
    assert report.steps_done == started[0].steps + started[1].steps
    assert steps_in(config, "losses-1.csv") == list(range(1, started[0].steps + 1))
    assert steps_in(config, "losses-2.csv") == list(range(started[0].steps + 1, report.steps_done + 1))
    fractions = [event.fraction for event in said if isinstance(event, events.Progress) and event.unit == "step"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    strip = [event for event in said if isinstance(event, events.Samples)][-1]
    assert all(item.translated.shape == item.picture.shape for item in strip.items)
    assert all(item.bridged.sum() == pytest.approx(1, abs=1e-4) for item in strip.items)
    assert {"ssim", "psnr"} <= report.label_free_before.keys() & report.label_free_after.keys()
    page = (Path(config.run) / "report.html").read_text()
    assert "Bridge: picture" in page
    assert "Transfer: answers" in page


def test_the_finished_model_needs_no_translator_but_the_translator_is_kept(two_stages):
    config = two_stages()
    run(config)
    model = read_sensor_model(Path(config.run) / "model.safetensors")
    assert model.members[0].adapter == "replicate"
    translator = read_translator(Path(config.run) / "translator.safetensors")
    assert translator.inputs == model.inputs


@pytest.mark.parametrize("number", [0, 1])
def test_a_run_stopped_in_either_stage_goes_on_to_the_same_bits(number, two_stages):
    whole = two_stages("whole")
    run(whole)
    broken = two_stages("broken")
    emit, poll = stop_in(number, keep=False)
    with pytest.raises(Stopped):
        run(broken, emit=emit, poll=poll)
    run(broken, resume=True)
    assert same(weights(whole), weights(broken))
    for name in ("losses-1.csv", "losses-2.csv", "epochs.csv", "gap.csv"):
        assert (Path(whole.run) / name).read_text() == (Path(broken.run) / name).read_text()


def test_keeping_what_the_first_stage_learned_keeps_source_and_translator(two_stages):
    config = two_stages()
    emit, poll = stop_in(0, keep=True)
    report, _ = run(config, emit=emit, poll=poll)
    assert report.stopped_early
    assert read_sensor_model(Path(config.run) / "model.safetensors").members[0].adapter == "u-net"


@pytest.mark.parametrize("method", ["translator-only", "translator-socket"])
def test_methods_that_keep_the_translator_before_the_network_save_both(method, make_config):
    config = make_config(method=method, settings={"bridge_epochs": 2, "translator": "paper"})
    report, _ = run(config)
    model = read_sensor_model(Path(config.run) / "model.safetensors")
    assert model.members[0].adapter == "paper"
    assert "translator" in model.adapter
    assert sum(report.predicted_after.values()) == report.target_images
