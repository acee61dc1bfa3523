"""What a run has told so far, in bounded memory for a run of any length; knows nothing of widgets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

import numpy as np
from bandbridge.engine.api.events import (
    CheckpointSaved,
    Compared,
    EpochEnd,
    Event,
    Finished,
    Gap,
    Losses,
    Notice,
    Paused,
    Progress,
    Samples,
    TrainingStarted,
)
from bandbridge.engine.api.reports import Alarm, AlarmKind, CompareReport
from bandbridge.gui.curve import Curve

_Item = TypeVar("_Item")
Part = Literal["status", "losses", "gap", "samples", "epoch", "alarm", "comparison"]
_MOST_SNAPSHOTS = 48
_MOST_CHECKPOINTS = 400
_MOST_NOTICES = 200


class RunStory:
    """Takes the engine's events one by one and holds what a page shows of them.

    Every part has a revision number that grows when the part changed, so that a page redraws only what is new.

    Args:
        clock: Seconds from any start, for the time spent.

    Attributes:
        progress: The last progress, None before the first.
        training: The facts of the stage being trained, None before.
        curves: Loss term -> its curve.
        measures: Gap measure -> its curve over steps.
        agreement: Share of held-out pairs agreed on, over steps.
        confidence: Mean confidence on the target images, over steps.
        label_free: Label-free measure -> its curve over steps.
        alarms: Those that stand, by their kind.
        snapshots: Positions of features over time: the first, the last, and some between.
        samples: The last strip of samples.
        epoch_end: The last finished epoch.
        first_counts: Images a class before training; empty while unknown.
        checkpoints: Steps at which a checkpoint was saved, thinned when very many.
        checkpoint: Path of the last checkpoint, "" while there is none.
        notices: The last notices.
        images_per_second: Speed last reported.
        memory_mb: Memory last reported, in MiB.
        paused: Whether the run stands still.
        finished: How the run ended, None while it goes on.
        comparison: The table of a comparison so far, None for a single run.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._revisions: Counter[Part] = Counter()
        self._started_at: float | None = None
        self._paused_at: float | None = None
        self._paused_s = 0.0
        self._ended_at: float | None = None
        self._step = 0
        self.progress: Progress | None = None
        self.training: TrainingStarted | None = None
        self.curves: dict[str, Curve] = {}
        self.measures: dict[str, Curve] = {}
        self.agreement = Curve()
        self.confidence = Curve()
        self.label_free: dict[str, Curve] = {}
        self.alarms: dict[AlarmKind, Alarm] = {}
        self.snapshots: list[Gap] = []
        self.samples: Samples | None = None
        self.epoch_end: EpochEnd | None = None
        self.first_counts: Mapping[str, int] = {}
        self.checkpoints: list[int] = []
        self.checkpoint = ""
        self.notices: list[Notice] = []
        self.images_per_second = 0.0
        self.memory_mb = 0.0
        self.paused = False
        self.finished: Finished | None = None
        self.comparison: CompareReport | None = None

    def revision(self, part: Part) -> int:
        """How often a part has changed."""
        return self._revisions[part]

    @property
    def running(self) -> bool:
        """Whether events have come and the last one has not."""
        return self._started_at is not None and self.finished is None

    @property
    def step(self) -> int:
        """The last step heard of."""
        return self._step

    @property
    def epoch(self) -> int:
        """The epoch at work, from 1; 0 before training."""
        if self.training is None:
            return 0
        return min(self._step // max(self.training.steps_per_epoch, 1) + 1, self.epochs)

    @property
    def epochs(self) -> int:
        """Epochs in all; 0 before training."""
        if self.training is None:
            return 0
        return max(1, round(self.training.steps / max(self.training.steps_per_epoch, 1)))

    @property
    def seconds(self) -> float:
        """Time spent at work, pauses left out, in seconds."""
        if self._started_at is None:
            return 0.0
        until = self._ended_at if self._ended_at is not None else self._paused_at
        return (self._clock() if until is None else until) - self._started_at - self._paused_s

    def begin(self) -> None:
        """The run was asked for, or asked to go on after its end; the clock runs from here."""
        now = self._clock()
        if self._started_at is None:
            self._started_at = now
        elif self._ended_at is not None:
            self._paused_s += now - self._ended_at
        self._ended_at = None
        self.finished = None
        self.progress = None
        self._changed("status")

    def take(self, event: Event) -> None:
        """Account for one event."""
        if self._started_at is None:
            self.begin()
        match event:
            case Progress():
                self.progress = event
            case Notice():
                self.notices = [*self.notices, event][-_MOST_NOTICES:]
            case TrainingStarted():
                self._start_training(event)
            case Losses():
                self._take_losses(event)
            case Gap():
                self._take_gap(event)
            case Samples():
                self.samples = event
                self._changed("samples")
            case EpochEnd():
                self._take_epoch(event)
            case Alarm():
                self._take_alarm(event)
            case Compared():
                self._take_comparison(event.report)
            case CheckpointSaved():
                self.checkpoint = event.path
                self.checkpoints = _thinned([*self.checkpoints, event.step], _MOST_CHECKPOINTS)
                self._changed("losses")
            case Paused():
                self._take_pause(event.paused)
            case Finished():
                self._take_pause(False)
                self._ended_at = self._clock()
                self.finished = event
        self._changed("status")

    def _changed(self, part: Part) -> None:
        self._revisions[part] += 1

    def _start_training(self, event: TrainingStarted) -> None:
        resumed = self.training is not None and self.training.stage == event.stage and event.first_step > 0
        self.training = event
        self._step = event.first_step
        if resumed:
            followed = (*self.measures.values(), *self.label_free.values(), self.agreement, self.confidence)
            for curve in (*self.curves.values(), *followed):
                curve.cut(event.first_step + 1)
            self.snapshots = [gap for gap in self.snapshots if gap.step <= event.first_step]
        else:
            self.curves = {}
        self.alarms = {}  # a run gone on with looks again, and tells again what still holds
        for part in ("losses", "gap", "alarm"):
            self._changed(part)

    def _take_comparison(self, report: CompareReport) -> None:
        """The table as it is now; with the next run, what the last one told gives way."""
        former, self.comparison = self.comparison, report
        self._changed("comparison")
        if former is not None and _at_work(former) == _at_work(report):
            return
        self._forget_run()
        for part in ("losses", "gap", "samples", "epoch", "alarm"):
            self._changed(part)

    def _forget_run(self) -> None:
        self._step = 0
        self.training = None
        self.curves, self.measures, self.label_free = {}, {}, {}
        self.agreement, self.confidence = Curve(), Curve()
        self.snapshots, self.checkpoints = [], []
        self.samples = self.epoch_end = None
        self.first_counts = {}
        self.alarms = {}

    def _take_losses(self, event: Losses) -> None:
        if len(event.steps):  # a method that trains nothing reports its speed alone
            for term, values in event.values.items():
                self.curves.setdefault(term, Curve()).add(event.steps, values)
            self._step = int(event.steps[-1])
        self.images_per_second = event.images_per_second
        self.memory_mb = event.memory_mb
        self._changed("losses")

    def _take_gap(self, event: Gap) -> None:
        for name, value in event.measures.items():
            _add_one(self.measures.setdefault(name, Curve()), event.step, value)
        self.snapshots = _thinned([*self.snapshots, event], _MOST_SNAPSHOTS)
        self._changed("gap")

    def _take_epoch(self, event: EpochEnd) -> None:
        self.epoch_end = event
        if event.step == 0:
            self.first_counts = event.predicted_counts
        self._step = max(self._step, event.step)
        _add_one(self.confidence, event.step, event.mean_confidence)
        if event.held_out_agreement is not None:
            _add_one(self.agreement, event.step, event.held_out_agreement)
        for name, value in event.label_free.items():
            _add_one(self.label_free.setdefault(name, Curve()), event.step, value)
        for part in ("epoch", "gap"):
            self._changed(part)

    def _take_alarm(self, event: Alarm) -> None:
        self.alarms.pop(event.kind, None)
        if event.standing:
            self.alarms[event.kind] = event
        self._changed("alarm")

    def _take_pause(self, paused: bool) -> None:
        if paused and self._paused_at is None:
            self._paused_at = self._clock()
        elif not paused and self._paused_at is not None:
            self._paused_s += self._clock() - self._paused_at
            self._paused_at = None
        self.paused = paused


def _at_work(report: CompareReport) -> str:
    return next((run.folder for run in report.runs if run.state == "running"), "")


def _add_one(curve: Curve, step: int, value: float) -> None:
    curve.add(np.array([step], dtype=np.int64), np.array([value], dtype=np.float64))


def _thinned(items: list[_Item], most: int) -> list[_Item]:
    """Every second of too many items; the first and the last always stay."""
    return items if len(items) <= most else [*items[:-1:2], items[-1]]
