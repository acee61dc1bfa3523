"""Looking on while clips are learned from: what the validation clips say, and the signs of MNF + CSC."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.events import ClipSignsSeen, EpochEnd, Event
from bandbridge.engine.api.run_files import EPOCHS_FILE
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.mnf_csc import RobustStudent
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.worker.clip_data import ClipData
from bandbridge.engine.worker.clip_scores import measure_clips
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import StagePlace, StageWatcher
from numpy.typing import NDArray
from torch import Tensor

EPOCH_COLUMNS = ("step", "stage", "epoch", "mean_confidence", "accuracy", "balanced_accuracy", "tagging_map")


class ClipWatcher(StageWatcher):
    """Watches a stage of a distillation.

    Args:
        stage: Being trained.
        place: Its place among the method's stages.
        ground: Networks and clips.
        data: Clips with the labels of all splits, which the ground does not have.
        folder: Where the record goes.
        emit: Takes events.
        control: For the time spent paused.
        device_words: For people.
    """

    def __init__(
        self,
        *,
        stage: Stage,
        place: StagePlace,
        ground: ClipGround,
        data: ClipData,
        folder: RunFolder,
        emit: Callable[[Event], None],
        control: Control,
        device_words: str,
    ) -> None:
        super().__init__(
            stage=stage,
            place=place,
            folder=folder,
            emit=emit,
            control=control,
            device=ground.bank.device,
            device_words=device_words,
            doing="Learning",
        )
        self._ground = ground
        self._data = data

    def epoch_began(self, epoch: int, step: int) -> None:
        """Report what the network at hand makes of the validation clips."""
        step += self._place.steps_before
        survey, names = self._ground.survey, self._data.class_names
        if survey is not None:
            chances = self._ground.chances(survey.logits).cpu().numpy()  # (V, K)
            labels = self._data.labels[survey.indices]
            scores = measure_clips(chances, labels, names, tags=self._data.tags)
            assert scores is not None
            counts = np.bincount(chances.argmax(axis=1), minlength=len(names))
            end = EpochEnd(
                step=step,
                epoch=epoch,
                predicted_counts=dict(zip(names, counts.tolist(), strict=True)),
                mean_confidence=float(chances.max(axis=1).mean()),
                held_out_agreement=None,
                measured=scores.measures,
            )
            self._emit(end)
            facts = {"mean_confidence": end.mean_confidence, **scores.measures}
            row = (step, self._stage.name, epoch, *(facts.get(name, "") for name in EPOCH_COLUMNS[3:]))
            self._folder.append(EPOCHS_FILE, EPOCH_COLUMNS, [row])
        if isinstance(self._stage, RobustStudent):
            self._tell_signs(self._stage, step)

    def _tell_signs(self, stage: RobustStudent, step: int) -> None:
        signs = stage.signs
        mask, temperature, correspondence = signs.mask.cpu(), signs.temperature.cpu(), signs.correspondence.cpu()
        met = torch.nonzero(correspondence.isfinite()).flatten()
        if len(met) == 0:
            return
        self._emit(
            ClipSignsSeen(
                step=step,
                files=tuple(self._data.clips.names[index] for index in met.tolist()),
                mask=_known(mask[met]),
                temperature=_known(temperature[met]),
                correspondence=correspondence[met].numpy(),
            )
        )


def _known(values: Tensor) -> NDArray[np.float32] | None:
    """None where there are none."""
    return None if bool(values.isnan().all()) else values.numpy()
