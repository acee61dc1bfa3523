"""The window and the command line ask for the same run, and get the same model."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders, RunConfig, StretchRule
from bandbridge.engine.api.events import Finished
from bandbridge.engine.api.jobs import Adapt
from bandbridge.engine.cli.arguments import build_parser
from bandbridge.engine.cli.requests import job_of
from bandbridge.gui.project import Project
from bandbridge.gui.run_thread import WorkerThread
from pytestqt.qtbot import QtBot
from safetensors.numpy import load_file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for part, bands in (("rgb", 3), ("nir", 1), ("target", 1)):
        (tmp_path / part).mkdir()
        for number in range(24):
            depth = np.uint8 if part == "rgb" else np.uint16
            values = random.integers(0, np.iinfo(depth).max, (32, 32, bands), dtype=depth)
            cv2.imwrite(str(tmp_path / part / f"{number}.tif"), values)
    return tmp_path


def words_of(data: Path, run: str, *more: str) -> list[str]:
    source = str(files("bandbridge.resources").joinpath("sample", "source_model.safetensors"))
    pairs = ("--pairs", str(data / "rgb"), str(data / "nir"))
    return ["adapt", "--source", source, *pairs, "--target", str(data / "target"), "-o", str(data / run), *more]


def project_of(data: Path, **more: object) -> Project:
    source = str(files("bandbridge.resources").joinpath("sample", "source_model.safetensors"))
    pairs = (PairFolders(rgb=str(data / "rgb"), sensor=str(data / "nir")),)
    return Project(sources=(source,), target=str(data / "target"), pairs=pairs, **more)  # type: ignore[arg-type]


def typed(words: list[str]) -> RunConfig:
    job = job_of(build_parser().parse_args(words))
    assert isinstance(job, Adapt)
    return job.config


def test_the_same_choices_are_the_same_configuration(data: Path) -> None:
    run = str(data / "run")
    assert project_of(data).to_run_config(run) == typed(words_of(data, "run")), "all defaults"
    chosen = project_of(
        data,
        method="shot",
        epochs=7,
        batch_size=16,
        learning_rate=0.01,
        seed=3,
        device="cpu",
        adapter="replicate",
        sensor_bands=(1,),
        rgb_bands=(3, 2, 1),
        no_data=0.0,
        stretch=StretchRule(low_percent=1.0, high_percent=99.0),
        settings={"shot": {"im_weight": 0.5}},
    )
    options = "--method shot --epochs 7 --seed 3 --device cpu --rgb-bands 3,2,1 --sensor-bands 1"
    sets = "batch_size=16 learning_rate=0.01 adapter=replicate no_data=0 stretch_low=1 stretch_high=99 im_weight=0.5"
    words = words_of(data, "run", *options.split(), *(word for one in sets.split() for word in ("--set", one)))
    assert chosen.to_run_config(run) == typed(words)


def test_the_same_configuration_gives_the_same_weights(data: Path, qtbot: QtBot) -> None:
    options = ("--epochs", "1", "--device", "cpu", "--set", "try_bridge=no")
    command = [sys.executable, "-m", "bandbridge.engine.cli.main", *words_of(data, "typed", *options)]
    project = project_of(data, epochs=1, device="cpu", settings={"auto": {"try_bridge": False}})
    thread = WorkerThread()
    finished: list[Finished] = []
    thread.event.connect(lambda _, event: finished.append(event) if isinstance(event, Finished) else None)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as other:
        thread.submit(Adapt(config=project.to_run_config(str(data / "pressed"))))
        qtbot.waitUntil(lambda: bool(finished), timeout=60_000)
        _, errors = other.communicate(timeout=60)
    thread.shutdown()
    assert thread.wait(20_000)
    assert (finished[0].outcome, other.returncode) == ("completed", 0), errors
    (pressed,), (entered,) = (list((data / run).glob("*model*.safetensors")) for run in ("pressed", "typed"))
    ours, theirs = load_file(pressed), load_file(entered)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
