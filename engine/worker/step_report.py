"""Reporting the steps of a training: losses, speed and time left, at most some ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import psutil
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.events import Event, Losses, Progress, TrainingStarted
from bandbridge.engine.training.loop import total_of
from bandbridge.engine.training.stage import Objective, Stage

REPORT_EVERY_S = 0.1


class StepReport:
    """Collects losses and tells them when due; begins by telling what will not change any more.

    Args:
        stage: Being trained.
        title: What is being done, for people.
        emit: Takes events.
        control: For the time spent paused.
        steps: Steps in all.
        steps_per_epoch: Steps in an epoch.
        device_words: For people.
        first_step: Where training goes on.
        every_step: Whether every step's losses are read, as costs nothing on a processor, or only the latest when due,
            for reading makes a graphics card wait.
        number: Of the stage, from 0.
        stages: Names of all stages of the run.
        steps_before: Steps of the stages before; what is told counts them in.

    Attributes:
        steps_done: Steps finished so far.
        training_s: Time of the steps reported so far, without pauses, in seconds.
        columns: Heads of `unrecorded`'s rows.
    """

    def __init__(
        self,
        *,
        stage: Stage,
        title: str,
        emit: Callable[[Event], None],
        control: Control,
        steps: int,
        steps_per_epoch: int,
        device_words: str,
        first_step: int = 0,
        every_step: bool = True,
        number: int = 0,
        stages: tuple[str, ...] = ("Adapting",),
        steps_before: int = 0,
    ) -> None:
        self._stage = stage
        self._title = title
        self._emit = emit
        self._control = control
        self._steps = steps
        self._steps_per_epoch = steps_per_epoch
        self._every_step = every_step
        self._steps_before = steps_before
        self._stages_before, self._stages_to_come = number, stages[number + 1 :]
        self.first_step = self.steps_done = first_step
        self.training_s = 0.0
        self.columns = ("step", "total", *stage.terms)
        self._untold: list[tuple[float, ...]] = []
        self._unrecorded: list[tuple[float, ...]] = []
        self._images = 0
        self._process = psutil.Process()
        self._began = self._reported = self.now()
        emit(
            TrainingStarted(
                stage=stage.name,
                steps=steps,
                steps_per_epoch=steps_per_epoch,
                device=device_words,
                terms=stage.terms,
                first_step=first_step,
                number=number,
                stages=stages,
                steps_before=steps_before,
            )
        )

    def now(self) -> float:
        """A clock that stands still while the work is paused, in seconds."""
        return time.perf_counter() - self._control.paused_s

    def take(self, step: int, objectives: Sequence[Objective], images: int) -> bool:
        """Take a step's losses.

        Args:
            step: Steps done.
            objectives: Of this step.
            images: That went through.

        Returns:
            Whether they were told; rows not yet recorded should be now.
        """
        self.steps_done = step
        self._images += images
        due = self.now() - self._reported >= REPORT_EVERY_S or step == self._steps
        if objectives and (self._every_step or due):
            values = {name: term.value.item() for o in objectives for name, term in o.terms.items()}
            total = sum(total_of(objective).item() for objective in objectives)
            row = (self._steps_before + step, total, *(values[name] for name in self._stage.terms))
            self._untold.append(row)
            self._unrecorded.append(row)
        if due:
            self._tell(step)
        return due

    def unrecorded(self) -> list[tuple[float, ...]]:
        """Rows (step, total, terms ...) since the last call, for the record."""
        rows, self._unrecorded = self._unrecorded, []
        return rows

    def _tell(self, step: int) -> None:
        now = self.now()
        table = np.asarray(self._untold, dtype=np.float64).reshape(-1, len(self.columns))
        self._untold.clear()
        self._emit(
            Losses(
                steps=table[:, 0].astype(np.int64),
                values={name: table[:, i + 1].astype(np.float32) for i, name in enumerate(self.columns[1:])},
                images_per_second=self._images / max(now - self._reported, 1e-9),
                memory_mb=self._process.memory_info().rss / 2**20,
            )
        )
        epochs = self._steps // self._steps_per_epoch
        stages = self._stages_before + 1 + len(self._stages_to_come)
        then = f", then {', '.join(self._stages_to_come)}" if self._stages_to_come else ""
        self._emit(
            Progress(
                title=self._title,
                done=step,
                total=self._steps,
                unit="step",
                fraction=(self._stages_before + step / self._steps) / stages,
                seconds_left=(now - self._began) / (step - self.first_step) * (self._steps - step),
                detail=f"Epoch {(step - 1) // self._steps_per_epoch + 1} of {epochs}{then}",
            )
        )
        self._images = 0
        self._reported = now
        self.training_s = now - self._began
