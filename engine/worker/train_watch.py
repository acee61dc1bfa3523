"""Looking on while a source model is trained: events for the window and the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import psutil
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.events import EpochEnd, Event, Losses, Progress, TrainingStarted
from bandbridge.engine.methods.supervised import Supervised
from bandbridge.engine.training.loop import total_of
from bandbridge.engine.training.stage import Objective
from torch.optim import Optimizer

REPORT_EVERY_S = 0.1


class TrainWatcher:
    """Tells how a source model's training goes; it saves nothing, for a training this short starts anew.

    Args:
        stage: Being trained.
        emit: Takes events.
        control: For the time spent paused.
        class_names: Of the predictions.
        steps: Steps in all.
        steps_per_epoch: Steps in an epoch.
        device_words: For people.

    Attributes:
        steps_done: Steps finished so far.
    """

    def __init__(
        self,
        *,
        stage: Supervised,
        emit: Callable[[Event], None],
        control: Control,
        class_names: Sequence[str],
        steps: int,
        steps_per_epoch: int,
        device_words: str,
    ) -> None:
        self._stage = stage
        self._emit = emit
        self._control = control
        self._class_names = class_names
        self._steps = steps
        self._steps_per_epoch = steps_per_epoch
        self._process = psutil.Process()
        self._began = self._reported = self._now()
        self._images = 0
        self.steps_done = 0
        emit(
            TrainingStarted(
                stage=stage.name,
                steps=steps,
                steps_per_epoch=steps_per_epoch,
                device=device_words,
                terms=stage.terms,
            )
        )

    def _now(self) -> float:
        return time.perf_counter() - self._control.paused_s

    def epoch_began(self, epoch: int, step: int) -> None:
        """Report what the model makes of the images kept aside."""
        probabilities = self._stage.held_out_probabilities.numpy()  # (M, K)
        if len(probabilities) == 0:
            return
        counts = np.bincount(probabilities.argmax(axis=1), minlength=len(self._class_names))
        self._emit(
            EpochEnd(
                step=step,
                epoch=epoch,
                predicted_counts=dict(zip(self._class_names, counts.tolist(), strict=True)),
                mean_confidence=float(probabilities.max(axis=1).mean()),
                held_out_agreement=None,
            )
        )

    def stepped(self, step: int, objectives: Sequence[Objective], images: int) -> None:
        """Take a step's losses; they are read off the device only when due, the latest one then."""
        self.steps_done = step
        self._images += images
        now = self._now()
        if now - self._reported < REPORT_EVERY_S and step < self._steps:
            return
        values = {name: term.value.item() for o in objectives for name, term in o.terms.items()}
        values["total"] = sum(total_of(objective).item() for objective in objectives)
        self._emit(
            Losses(
                steps=np.array([step]),
                values={name: np.array([value], np.float32) for name, value in values.items()},
                images_per_second=self._images / max(now - self._reported, 1e-9),
                memory_mb=self._process.memory_info().rss / 2**20,
            )
        )
        self._emit(
            Progress(
                title=self._stage.name,
                done=step,
                total=self._steps,
                unit="step",
                fraction=step / self._steps,
                seconds_left=(now - self._began) / step * (self._steps - step),
                detail=f"Epoch {(step - 1) // self._steps_per_epoch + 1} of {self._steps // self._steps_per_epoch}",
            )
        )
        self._images = 0
        self._reported = now

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """Nothing is saved on the way."""
