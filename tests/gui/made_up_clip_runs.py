"""Runs on clips nobody made: the events of one, and its folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import CompareConfig, DistillConfig
from bandbridge.engine.api.events import ClipSignsSeen, EpochEnd, Event, Losses, TrainingStarted
from bandbridge.engine.api.reports import (
    ClipScores,
    ComparedMethod,
    ComparedRun,
    CompareReport,
    DistillReport,
    RunState,
    Scores,
    Spread,
)
from bandbridge.engine.worker.run_folder import as_plain
from bandbridge.gui.project import Project, RunEntry
from bandbridge.gui.video_choices import VideoChoices

CLASSES = ("rain", "sparks")
CONFUSION = ((9, 1), (3, 7))
STEPS = 10


def video_project(*runs: RunEntry, **changes: object) -> Project:
    return Project(kind="video", video=VideoChoices(clips="/clips", **changes), runs=runs)  # type: ignore[arg-type]


def compared(config: CompareConfig, *, tagged: bool = False, completed: int = 4) -> CompareReport:
    """The table of two methods and two seeds, of which the first so many runs are complete; the second is better."""
    key = "tagging_map" if tagged else "accuracy"
    runs = []
    for place, run in enumerate(config.runs()):
        line = ComparedRun(method=run.method, seed=run.seed, folder=run.run, state="waiting")
        if place < completed:
            better = 0.2 * (run.method == config.methods[1])
            line = replace(line, state="completed", values={key: 0.6 + better, "recall_at_1": 0.5})
        runs.append(line)
    methods = []
    for method in config.methods:
        done = [run.values for run in runs if run.method == method and run.state == "completed"]
        means = done[0] if done else {}
        values = {name: Spread(mean=mean, deviation=0.01, runs=len(done)) for name, mean in means.items()}
        state: RunState = "completed" if len(done) == len(config.seeds) else "waiting"
        methods.append(ComparedMethod(method=method, state=state, completed=len(done), runs=2, values=values))
    return CompareReport(
        folder=config.output,
        methods=tuple(methods),
        runs=tuple(runs),
        measures=(key, "recall_at_1"),
        images=20,
        before={key: 0.5},
    )


def signs(step: int, clips: int = 8) -> ClipSignsSeen:
    """The first clip goes together best, the last worst."""
    return ClipSignsSeen(
        step=step,
        files=tuple(f"rain/{number}.mp4" for number in range(clips)),
        mask=np.linspace(0.9, 0.1, clips, dtype=np.float32),
        temperature=np.linspace(1.0, 0.2, clips, dtype=np.float32),
        correspondence=np.linspace(0.8, -0.1, clips, dtype=np.float32),
    )


def events() -> Iterator[Event]:
    """A teacher's two epochs and a student's two."""
    stages = ("Teacher", "Student")
    for number, stage in enumerate(stages):
        before = number * 2 * STEPS
        yield TrainingStarted(
            stage=stage,
            steps=2 * STEPS,
            steps_per_epoch=STEPS,
            device="CPU",
            terms=("cross-entropy",),
            number=number,
            stages=stages,
            steps_before=before,
        )
        for epoch in range(3):
            step = before + epoch * STEPS
            if epoch:
                steps = np.arange(step - STEPS + 1, step + 1)
                values = {"total": np.full(STEPS, 1.0 / step, np.float32)}
                yield Losses(steps=steps, values=values, images_per_second=9.0, memory_mb=100.0)
            yield EpochEnd(
                step=step,
                epoch=epoch,
                predicted_counts={"rain": 1, "sparks": 1},
                mean_confidence=0.5,
                held_out_agreement=None,
                measured={"accuracy": 0.5 + 0.1 * epoch, "balanced_accuracy": 0.5},
            )
            if number and epoch:
                yield signs(step)


def scores(confusion: tuple[tuple[int, ...], ...] = CONFUSION) -> ClipScores:
    counts = np.array(confusion, np.int64)
    right = float(np.trace(counts) / counts.sum())
    per_class = {name: float(row[i] / row.sum()) for i, (name, row) in enumerate(zip(CLASSES, counts, strict=True))}
    balanced = sum(per_class.values()) / len(per_class)
    classes = Scores(
        images=int(counts.sum()),
        accuracy=right,
        balanced_accuracy=balanced,
        per_class=per_class,
        confusion=counts,
        class_names=CLASSES,
    )
    measures = {"accuracy": right, "balanced_accuracy": balanced, "recall_at_1": 0.7, "retrieval_map": 0.6}
    return ClipScores(clips=int(counts.sum()), classes=classes, measures=measures)


def report(
    folder: Path, *, seed: int = 0, test: ClipScores | None = None, tags: bool = False, resumed: bool = False
) -> DistillReport:
    return DistillReport(
        run=str(folder),
        model=str(folder / "model.safetensors"),
        method="mnf-csc",
        teacher="picture" if tags else "sound",
        seed=seed,
        tags=tags,
        class_names=CLASSES,
        clips={"train": 40, "validation": 8, "test": 20},
        taught=40,
        splits_drawn=False,
        validation=None,
        test=scores() if test is None else test,
        teacher_validation=None,
        teacher_test=scores(((10, 0), (1, 9))),
        separation={"correspondence": 0.8},
        epochs_done=2,
        steps_done=40,
        seconds=50.0,
        clips_per_second=9.0,
        set_aside=(),
        device="CPU",
        versions={},
        stages=("Teacher", "Student"),
        resumed=resumed,
    )


def write_run(
    folder: Path, *, seed: int = 0, test: ClipScores | None = None, tags: bool = False, resumed: bool = False
) -> RunEntry:
    """A run folder as the engine leaves it."""
    folder.mkdir(parents=True)
    config = DistillConfig(
        clips="/clips",
        run=str(folder),
        seed=seed,
        teacher="picture" if tags else "sound",
        fps=4.0,
        size_px=64,
        width=16,
    )
    facts = {"format": "bandbridge-distillation-1", "state": "completed", "config": as_plain(config)}
    (folder / "run.json").write_text(json.dumps(facts))
    told = report(folder, seed=seed, test=test, tags=tags, resumed=resumed)
    (folder / "report.json").write_text(json.dumps(as_plain(told)))
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "split", "truth", "predicted", "confidence"))
        for truth, row in zip(CLASSES, CONFUSION, strict=True):
            for said, number in zip(CLASSES, row, strict=True):
                for index in range(number):
                    writer.writerow((f"{truth}/{said}{index}.mp4", "test", truth, said, "0.75"))
        writer.writerow(("rain/learned.mp4", "train", "rain", "rain", "0.99"))
    started = f"2026-11-25T10:0{seed}:00"
    return RunEntry(folder=str(folder), method="mnf-csc", seed=seed, started=started, outcome="completed")
