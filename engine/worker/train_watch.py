"""Looking on while a source model is trained: events for the window and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.events import EpochEnd, Event
from bandbridge.engine.methods.supervised import Supervised
from bandbridge.engine.training.stage import Objective
from bandbridge.engine.worker.step_report import StepReport
from torch.optim import Optimizer


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
        report: Of the steps.
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
        self._class_names = class_names
        self.report = StepReport(
            stage=stage,
            title=stage.name,
            emit=emit,
            control=control,
            steps=steps,
            steps_per_epoch=steps_per_epoch,
            device_words=device_words,
            every_step=False,
        )

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
        """Take a step's losses."""
        self.report.take(step, objectives, images)

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """Nothing is saved on the way."""
