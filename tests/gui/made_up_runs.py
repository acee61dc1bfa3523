"""Runs nobody made: a worker that does nothing, the events of a run, its report and its folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.control import Command
from bandbridge.engine.api.events import (
    CheckpointSaved,
    EpochEnd,
    Event,
    Finished,
    Gap,
    Losses,
    Progress,
    SamplePrediction,
    Samples,
    TrainingStarted,
)
from bandbridge.engine.api.jobs import Job, Thumbnails
from bandbridge.engine.api.reports import AdaptReport, Alarm, Report, Scores, ThumbnailsReport
from bandbridge.engine.worker.run_folder import RUN_FORMAT, as_plain
from bandbridge.gui.project import Project, ProjectModel, RunEntry
from PySide6.QtCore import QObject, Signal

CLASSES = ("field", "forest", "water")
BEFORE = ((4, 6, 0), (0, 10, 0), (1, 5, 4))
AFTER = ((8, 2, 0), (1, 9, 0), (0, 1, 9))
STEPS_PER_EPOCH = 10
ALARM = Alarm(kind="collapse", step=20, what="One class is swallowing the others.", why="It was small.", do="Try less.")


class QuietWorker(QObject):
    """Stands in for a `WorkerThread`: remembers what it is asked, and says what a test lets it say."""

    event = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []
        self.asked: list[tuple[Command, int | None]] = []
        self.busy = False

    def submit(self, job: Job) -> int:
        self.jobs.append(job)
        return len(self.jobs)

    def ask(self, command: Command, number: int | None = None) -> None:
        self.asked.append((command, number))

    def say(self, *events: Event) -> None:
        for event in events:
            self.event.emit(len(self.jobs), event)

    def answer(self, result: Report, number: int | None = None) -> None:
        self.event.emit(number or len(self.jobs), Finished(outcome="completed", result=result))

    def show_pictures(self) -> int:
        """Answer every open request for thumbnails; returns how many pictures that were."""
        shown = 0
        while True:
            number = len(self.jobs)
            job = self.jobs[-1]
            if not isinstance(job, Thumbnails):
                return shown
            shown += len(job.paths)
            self.answer(ThumbnailsReport(pictures=tuple(picture() for _ in job.paths)), number)
            if len(self.jobs) == number:
                return shown


def picture(side: int = 16) -> np.ndarray:
    return np.arange(side * side * 3, dtype=np.uint8).reshape(side, side, 3)


def scores(counts: tuple[tuple[int, ...], ...]) -> Scores:
    confusion = np.array(counts)
    shares = confusion.diagonal() / confusion.sum(axis=1)
    return Scores(
        images=int(confusion.sum()),
        accuracy=float(confusion.trace() / confusion.sum()),
        balanced_accuracy=float(shares.mean()),
        per_class=dict(zip(CLASSES, shares.tolist(), strict=True)),
        confusion=confusion,
        class_names=CLASSES,
    )


def adapt_report(folder: Path | str = "run", **changes: object) -> AdaptReport:
    facts: dict[str, object] = {
        "run": str(folder),
        "model": str(Path(folder) / "model.safetensors"),
        "method": "socket",
        "seed": 0,
        "epochs_done": 15,
        "steps_done": 150,
        "seconds": 193.0,
        "images_per_second": 129.0,
        "before": scores(BEFORE),
        "after": scores(AFTER),
        "gap_before": {"mean_distance": 7.1, "mmd": 0.42, "probe": 0.99},
        "gap_after": {"mean_distance": 1.1, "mmd": 0.08, "probe": float("nan")},
        "predicted_before": dict(zip(CLASSES, np.array(BEFORE).sum(axis=0).tolist(), strict=True)),
        "predicted_after": dict(zip(CLASSES, np.array(AFTER).sum(axis=0).tolist(), strict=True)),
        "mean_confidence_before": 0.52,
        "mean_confidence_after": 0.86,
        "agreement_before": 0.41,
        "agreement_after": 0.74,
        "changed": 12,
        "target_images": 30,
        "pairs_used": 160,
        "pairs_held_out": 40,
        "set_aside": (),
        "mixing": {"source.safetensors": 1.0},
        "adapter": "The band is copied to all 3 channels of the network.",
        "device": "CPU, 2 threads",
        "versions": {"torch": "2.13.0"},
        "label_free_before": {"agreement": 0.41, "reliability": 0.38, "information": -0.7, "changed": 0.0},
        "label_free_after": {"agreement": 0.74, "reliability": 0.71, "information": -1.0, "changed": 0.4},
    }
    return AdaptReport(**(facts | changes))  # type: ignore[arg-type]


def project_model(folder: Path, **changes: object) -> ProjectModel:
    facts: dict[str, object] = {
        "sources": ("/models/source.safetensors",),
        "target": str(folder / "target"),
        "pairs": (PairFolders(rgb="/pairs", sensor="/pairs"),),
        "rgb_bands": (4, 3, 2),
        "sensor_bands": (8,),
    }
    return ProjectModel(Project(**(facts | changes)), folder)  # type: ignore[arg-type]


def write_run(folder: Path, config: RunConfig, report: AdaptReport | None, *, labels: bool = True) -> RunEntry:
    """Write a run folder as the engine does, predictions matching BEFORE and AFTER."""
    folder.mkdir(parents=True)
    facts = {"format": RUN_FORMAT, "state": "completed", "process": None, "problem": "", "config": as_plain(config)}
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "report.html").write_text("<title>Report</title>")
    if report is not None:
        (folder / "report.json").write_text(json.dumps(as_plain(report)))
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "truth", "before", "before_confidence", "after", "after_confidence"))
        writer.writerows(_lines(labels))
    return RunEntry(
        folder=str(folder), method=config.method, seed=config.seed, started="2026-11-21T01:15:00", outcome="completed"
    )


def _lines(labels: bool) -> Iterator[tuple[str, str, str, str, str, str]]:
    number = 0
    for truth, name in enumerate(CLASSES):
        before = [CLASSES[c] for c in range(3) for _ in range(BEFORE[truth][c])]
        after = [CLASSES[c] for c in range(3) for _ in range(AFTER[truth][c])]
        for b, a in zip(before, after, strict=True):
            number += 1
            label = name if labels else ""
            yield f"{name}/{number:03d}.tif", label, b, "0.500000", a, f"{0.4 + number / 100:.6f}"


def losses(start: int, stop: int) -> Losses:
    steps = np.arange(start, stop)
    values = {
        "total": 1 + np.exp(-steps / 50, dtype=np.float32),
        "information": -np.ones(len(steps), dtype=np.float32),
    }
    return Losses(steps=steps, values=values, images_per_second=129.0, memory_mb=912.0)


def gap(step: int) -> Gap:
    points = np.random.default_rng(step).normal(size=(20, 2)).astype(np.float32)
    measures = {"mean_distance": 7.0 - step / 10, "mmd": 0.4, "retrieval": 0.1}
    return Gap(step=step, measures=measures, rgb_points=points, sensor_points=points + 1, target_points=points - 1)


def samples(step: int, *, bridged: bool = False) -> Samples:
    items = tuple(
        SamplePrediction(
            key=f"field/{number}.tif",
            kind="pair" if number == 2 else "target",
            picture=picture(),
            partner=picture() if number == 2 else None,
            before=np.array([0.6, 0.3, 0.1], dtype=np.float32),
            after=np.array([0.1, 0.2, 0.7], dtype=np.float32),
            truth=None if number == 2 else 2,
            translated=picture() if bridged else None,
            bridged=np.array([0.2, 0.5, 0.3], dtype=np.float32) if bridged else None,
        )
        for number in range(3)
    )
    return Samples(step=step, class_names=CLASSES, items=items)


def epoch_end(step: int, counts: tuple[int, int, int] = (10, 12, 8)) -> EpochEnd:
    return EpochEnd(
        step=step,
        epoch=step // STEPS_PER_EPOCH,
        predicted_counts=dict(zip(CLASSES, counts, strict=True)),
        mean_confidence=0.7,
        held_out_agreement=0.6,
        label_free={"agreement": 0.6, "reliability": 0.5 + step / 1000, "information": -0.7},
    )


def training_started(first_step: int = 0) -> TrainingStarted:
    return TrainingStarted(
        stage="SOCKET",
        steps=150,
        steps_per_epoch=STEPS_PER_EPOCH,
        device="CPU, 2 threads",
        terms=("total", "information"),
        first_step=first_step,
    )


def stage_started(number: int, first_step: int = 0) -> TrainingStarted:
    """Of a run with two stages of three epochs each."""
    return TrainingStarted(
        stage=("Bridge", "Transfer")[number],
        steps=3 * STEPS_PER_EPOCH,
        steps_per_epoch=STEPS_PER_EPOCH,
        device="CPU, 2 threads",
        terms=("total", "information"),
        first_step=first_step,
        number=number,
        stages=("Bridge", "Transfer"),
        steps_before=number * 3 * STEPS_PER_EPOCH,
    )


def events_of_a_run(epochs: int = 3) -> Iterator[Event]:
    yield Progress(title="Reading target images", done=3, total=30, unit="image")
    yield training_started()
    for epoch in range(epochs):
        step = epoch * STEPS_PER_EPOCH
        yield epoch_end(step)
        yield gap(step)
        yield samples(step)
        yield losses(step, step + STEPS_PER_EPOCH)
        yield CheckpointSaved(step=step + STEPS_PER_EPOCH, path="run/checkpoint.safetensors")
        yield Progress(
            title="Adapting (SOCKET)", done=step, total=150, unit="step", fraction=step / 150, seconds_left=70.0
        )
