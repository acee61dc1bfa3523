"""What a run has told so far, in bounded memory for a run of any length; knows nothing of widgets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np
from bandbridge.engine.api.events import (
    CheckpointSaved,
    ClipSignsSeen,
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
from bandbridge.gui.curve import Curve, FloatArray

_Item = TypeVar("_Item")
_Steps = TypeVar("_Steps", float, FloatArray)
Part = Literal["status", "losses", "gap", "samples", "epoch", "alarm", "comparison", "signs"]
_MOST_SNAPSHOTS = 48
_MOST_CHECKPOINTS = 400
_MOST_NOTICES = 200


@dataclass(slots=True)
class StageStory:
    """What one stage of a run has told.

    Attributes:
        training: Its facts.
        curves: Loss term -> its curve, over the steps of the whole run.
        measured: Measure of the labelled validation clips -> its curve over the same steps; another stage looks at
            another network.
    """

    training: TrainingStarted
    curves: dict[str, Curve] = field(default_factory=dict)
    measured: dict[str, Curve] = field(default_factory=dict)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in an epoch, at least 1."""
        return max(self.training.steps_per_epoch, 1)

    def epoch_at(self, step: _Steps) -> _Steps:
        """Epochs of this stage done at a step of the run."""
        return (step - self.training.steps_before) / self.steps_per_epoch

    def step_at(self, epoch: float) -> float:
        """The step of the run at which that many epochs of this stage are done."""
        return epoch * self.steps_per_epoch + self.training.steps_before

    def holds(self, step: int) -> bool:
        """Whether a step of the run ends in this stage."""
        return 0 < step - self.training.steps_before <= self.training.steps


class RunStory:
    """Takes the engine's events one by one and holds what a page shows of them.

    Every part has a revision number that grows when the part changed, so that a page redraws only what is new.

    What is looked at once an epoch is told over moments: steps, with one more for every stage before, so that the end
    of a stage and the beginning of the next, which look at different models at the same step, stay apart.

    Args:
        clock: Seconds from any start, for the time spent.

    Attributes:
        progress: The last progress, None before the first.
        fraction: Share of the work done, None if unknown; once training has begun it never falls.
        stages: Number -> stage, of those that have begun; a run gone on with may begin with a later one.
        measures: Gap measure -> its curve over moments.
        agreement: Share of held-out pairs agreed on, over moments.
        confidence: Mean confidence on the target images, over moments.
        label_free: Label-free measure -> its curve over moments.
        signs: What MNF + CSC made of the training clips, epoch by epoch, their steps moments.
        alarms: Those that stand, by their kind.
        snapshots: Positions of features over time, their steps moments: the first, the last, and some between.
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
        self.fraction: float | None = None
        self.stages: dict[int, StageStory] = {}
        self.measures: dict[str, Curve] = {}
        self.agreement = Curve()
        self.confidence = Curve()
        self.label_free: dict[str, Curve] = {}
        self.signs: list[ClipSignsSeen] = []
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
    def stage(self) -> StageStory | None:
        """The stage at work or the last one, None before training."""
        return self.stages[max(self.stages)] if self.stages else None

    @property
    def training(self) -> TrainingStarted | None:
        """The facts of that stage."""
        return self.stage.training if self.stage is not None else None

    @property
    def curves(self) -> dict[str, Curve]:
        """Loss term -> its curve, of that stage."""
        return self.stage.curves if self.stage is not None else {}

    @property
    def epoch(self) -> int:
        """The epoch of the stage at work, from 1; 0 before training."""
        return min(int(self.stage.epoch_at(self._step)) + 1, self.epochs) if self.stage is not None else 0

    @property
    def epochs(self) -> int:
        """Epochs of the stage in all; 0 before training."""
        if self.stage is None or not self.stage.training.steps:
            return 0
        return max(1, round(self.stage.training.steps / self.stage.steps_per_epoch))

    @property
    def boundaries(self) -> list[float]:
        """Moments between the stages that have begun."""
        return [
            stage.training.steps_before + number - 0.5 for number, stage in sorted(self.stages.items()) if number > 0
        ]

    def place(self, moment: float) -> tuple[str, float]:
        """The stage a moment lies in and its epochs done then; the name is "" where there is one stage alone."""
        for number, stage in sorted(self.stages.items(), reverse=True):
            if moment >= stage.training.steps_before + number or number == min(self.stages):
                name = stage.training.stages[number] if len(stage.training.stages) > 1 else ""
                return name, max(stage.epoch_at(moment - number), 0.0)
        return "", 0.0

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
        self.fraction = None
        self._changed("status")

    def recall(self, stages: Sequence[StageStory]) -> None:
        """Take up what an earlier sitting of a run has left, the first stage first."""
        self.stages = {stage.training.number: stage for stage in stages}
        if stages:
            last = stages[-1]
            ends = [float(curve.steps[-1]) for curve in last.curves.values() if len(curve)]
            self._step = round(max(ends, default=last.training.steps_before))
        self._changed("losses")

    def take(self, event: Event) -> None:
        """Account for one event."""
        if self._started_at is None:
            self.begin()
        match event:
            case Progress():
                self._take_progress(event)
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
            case ClipSignsSeen():
                self.signs = _thinned([*self.signs, replace(event, step=self._moment(event.step))], _MOST_SNAPSHOTS)
                self._changed("signs")
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
                self._changed("epoch")
        self._changed("status")

    def _changed(self, part: Part) -> None:
        self._revisions[part] += 1

    def _take_progress(self, event: Progress) -> None:
        self.progress = event
        if self.training is None or event.fraction is None or event.unit == "step":
            self.fraction = event.fraction

    def _start_training(self, event: TrainingStarted) -> None:
        begun = self.stages.get(event.number)
        self.stages = {number: stage for number, stage in self.stages.items() if number < event.number}
        self.stages[event.number] = StageStory(event)
        self._step = step = event.steps_before + event.first_step
        if begun is not None and event.first_step > 0:
            for curve in begun.curves.values():
                curve.cut(step + 1)
            for curve in begun.measured.values():
                curve.cut(step)  # the network is looked at again
            self.stages[event.number].curves, self.stages[event.number].measured = begun.curves, begun.measured
        if event.number == min(self.stages) and self.comparison is None:
            self.fraction = None  # what was read before was another whole
        moment = step + event.number  # at which the model is looked at again
        found = (*self.measures.values(), *self.label_free.values())
        for curve in (*found, self.agreement, self.confidence):
            curve.cut(moment)
        self.signs = [seen for seen in self.signs if seen.step < moment]
        self.snapshots = [gap for gap in self.snapshots if gap.step < moment]
        self.checkpoints = [saved for saved in self.checkpoints if saved <= step]
        self.alarms = {}  # a run gone on with looks again, and tells again what still holds
        for part in ("losses", "gap", "alarm", "signs"):
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
        self.stages, self.measures, self.label_free = {}, {}, {}
        self.agreement, self.confidence = Curve(), Curve()
        self.snapshots, self.checkpoints, self.signs = [], [], []
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
        moment = self._moment(event.step)
        for name, value in event.measures.items():
            _add_one(self.measures.setdefault(name, Curve()), moment, value)
        self.snapshots = _thinned([*self.snapshots, replace(event, step=moment)], _MOST_SNAPSHOTS)
        self._changed("gap")

    def _take_epoch(self, event: EpochEnd) -> None:
        self.epoch_end = event
        if event.step == 0:
            self.first_counts = event.predicted_counts
        self._step = max(self._step, event.step)
        moment = self._moment(event.step)
        _add_one(self.confidence, moment, event.mean_confidence)
        if event.held_out_agreement is not None:
            _add_one(self.agreement, moment, event.held_out_agreement)
        for name, value in event.label_free.items():
            _add_one(self.label_free.setdefault(name, Curve()), moment, value)
        if self.stage is not None:
            for name, value in event.measured.items():
                _add_one(self.stage.measured.setdefault(name, Curve()), event.step, value)
        for part in ("epoch", "gap"):
            self._changed(part)

    def _moment(self, step: int) -> int:
        return step + (self.training.number if self.training is not None else 0)

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
