"""Looking on while a method trains: events for the window, curves for the record, checkpoints for a restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.events import (
    LABEL_FREE,
    CheckpointSaved,
    EpochEnd,
    Event,
    Gap,
    SamplePrediction,
    Samples,
)
from bandbridge.engine.api.reports import Alarm, AlarmKind
from bandbridge.engine.api.run_files import EPOCHS_FILE, GAP_FILE, losses_file
from bandbridge.engine.methods.ground import Ground, Survey
from bandbridge.engine.training.checkpoint import Position, save_checkpoint
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Objective, Stage
from bandbridge.engine.validation.alarms import collapse_alarm, worse_alarm
from bandbridge.engine.validation.label_free import pair_measures, reliability, target_measures
from bandbridge.engine.validation.modality_gap import FEWEST_PAIRS, GapMeter
from bandbridge.engine.worker.bridge_sight import BridgeSight
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.step_report import StepReport
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

SAVE_EVERY_S = 120.0
SAVE_SHARE = 100.0
MOST_MAP_POINTS = 400
QUIET_LOOKS = 2
"""An alarm that does not hold at so many epochs in a row is withdrawn; one alone would make it flicker."""


class Gallery:
    """The few images shown while training.

    Args:
        items: Pictures with their index in the target bank or in the pairs' bank.
        class_names: Of the probabilities.
        sight: Looks through the translator, if the method has one.
    """

    def __init__(
        self,
        items: Sequence[tuple[SamplePrediction, int]],
        class_names: tuple[str, ...],
        sight: BridgeSight | None = None,
    ) -> None:
        self._items = items
        self._class_names = class_names
        self._sight = sight

    def show(self, step: int, ground: Ground, survey: Survey) -> Samples:
        """The strip with what the model at hand makes of it."""
        shown: list[SamplePrediction] = []
        held_out = {int(index): row for row, index in enumerate(ground.held_out_pairs)}
        for kind, bank, logits in (
            ("target", ground.target, survey.logits),
            ("pair", ground.pairs, survey.pair_logits),
        ):
            chosen = [(item, index) for item, index in self._items if item.kind == kind]
            if bank is None or logits is None or not chosen:
                continue
            indices = np.array([index for _, index in chosen], np.int64)
            bridged = self._sight.show(bank, indices) if self._sight is not None else None
            rows = indices if kind == "target" else np.array([held_out[index] for _, index in chosen], np.int64)
            probabilities = logits[torch.from_numpy(rows)].softmax(dim=1).cpu().numpy()  # (B, K)
            for place, (item, _) in enumerate(chosen):
                shown.append(
                    replace(
                        item,
                        after=probabilities[place],
                        translated=None if bridged is None else bridged[0][place],
                        bridged=None if bridged is None else bridged[1][place],
                    )
                )
        return Samples(step=step, class_names=self._class_names, items=tuple(shown))


class GapWatch:
    """Measures the modality gap on held-out pairs.

    Args:
        ground: Models and images; its survey is that of the untouched model.
        control: Looked at while the RGB features are computed.
    """

    def __init__(self, ground: Ground, control: Control) -> None:
        self._ground = ground
        chosen = ground.held_out_pairs
        self._rgb = [
            feature_pass(member.source, member.rgb, control, chosen=chosen, precision=ground.precision)
            for member in ground.members
            if member.rgb is not None
        ]
        with torch.no_grad():
            logits = [member.head(rgb) for member, rgb in zip(ground.members, self._rgb, strict=True)]
        self.rgb_logits = self._mix(logits)  # (P, K)
        survey = ground.survey
        assert survey is not None
        assert survey.pair_features is not None
        self._meter = GapMeter(_array(self._mix(self._rgb)), _array(survey.pair_features))

    @staticmethod
    def possible(ground: Ground) -> bool:
        """Whether there are enough held-out pairs to measure anything."""
        return len(ground.held_out_pairs) >= FEWEST_PAIRS

    def _mix(self, parts: Sequence[Tensor]) -> Tensor:
        weights = self._ground.mixing().detach()
        mixed: Tensor = weights[0] * parts[0]
        for weight, part in zip(weights[1:], parts[1:], strict=True):
            mixed = mixed + weight * part
        return mixed

    def evidence(self, survey: Survey) -> dict[str, float]:
        """The label-free measures of the held-out pairs."""
        assert survey.pair_features is not None
        assert survey.pair_logits is not None
        return pair_measures(self.rgb_logits, survey.pair_logits, self._mix(self._rgb), survey.pair_features)

    def measure(self, survey: Survey, step: int) -> Gap:
        """The gap at a step."""
        assert survey.pair_features is not None
        rgb, sensor = _array(self._mix(self._rgb)), _array(survey.pair_features)
        target = _array(survey.features[:MOST_MAP_POINTS])
        return Gap(
            step=step,
            measures=self._meter.measure(rgb, sensor),
            rgb_points=self._meter.place(rgb),
            sensor_points=self._meter.place(sensor),
            target_points=self._meter.place(target),
        )


class Evidence:
    """What speaks for and against a model without labels, always against the untouched one.

    Args:
        untouched: What the untouched model makes of all images.
        gap: Knows the RGB side of the held-out pairs, or None without enough pairs.
        class_names: Of the logits.
        sight: Looks through the translator, if the method has one.
    """

    def __init__(
        self, untouched: Survey, gap: GapWatch | None, class_names: Sequence[str], sight: BridgeSight | None = None
    ) -> None:
        self._sight = sight
        self._untouched_logits = untouched.logits
        self._untouched_pairs = None if untouched.pair_logits is None else untouched.pair_logits.argmax(dim=1)
        self._gap = gap
        self._class_names = class_names

    def measure(self, survey: Survey) -> dict[str, float]:
        """Those measures of `events.LABEL_FREE` that can be had, in its order."""
        found = target_measures(survey.logits, self._untouched_logits)
        if self._gap is not None:
            found |= self._gap.evidence(survey)
        found["reliability"] = reliability(found.get("partner_margin", 0.0), found["information"])
        if self._sight is not None:
            found |= self._sight.likeness()
        return {name: found[name] for name in LABEL_FREE if name in found}

    def alarms(self, survey: Survey, step: int) -> tuple[Alarm, ...]:
        """Every alarm that holds for the model at hand, whatever was before."""
        given, untouched = survey.logits.argmax(dim=1), self._untouched_logits.argmax(dim=1)
        pairs, worse = None, None
        if self._gap is not None and survey.pair_logits is not None and self._untouched_pairs is not None:
            pairs = self._gap.rgb_logits.argmax(dim=1), survey.pair_logits.argmax(dim=1)
            worse = worse_alarm(pairs[0], self._untouched_pairs, pairs[1], step=step)
        collapse = collapse_alarm(given, untouched, self._class_names, step=step, pairs=pairs)
        return tuple(alarm for alarm in (collapse, worse) if alarm is not None)


def _array(features: Tensor) -> NDArray[np.float64]:
    return np.asarray(features.double().cpu().numpy())


@dataclass(frozen=True, slots=True)
class Onlooker:
    """What is looked at whenever an epoch begins.

    Attributes:
        gallery: The images to show.
        gap: Measures the gap, or None without enough pairs.
        evidence: Measures what needs no labels.
        class_names: Of the predictions.
    """

    gallery: Gallery
    gap: GapWatch | None
    evidence: Evidence
    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlace:
    """A stage's place in its run.

    Attributes:
        number: From 0.
        names: Of all stages.
        steps: Its steps in all.
        steps_per_epoch: Steps in an epoch.
        steps_before: Steps of the stages before it.
        first_step: Where it goes on; 0 from the start.
    """

    number: int = 0
    names: tuple[str, ...] = ("Adapting",)
    steps: int
    steps_per_epoch: int
    steps_before: int = 0
    first_step: int = 0

    @property
    def last(self) -> bool:
        """Whether no stage follows."""
        return self.number == len(self.names) - 1

    @property
    def losses_file(self) -> str:
        """Where its curves are kept."""
        return losses_file(self.number, len(self.names))


class StageWatcher:
    """Tells the window, writes the record and saves checkpoints; it never changes the training.

    Steps are counted over all stages wherever they are told or written down.

    Args:
        stage: Being trained.
        place: Its place among the method's stages.
        folder: Where the record goes.
        emit: Takes events.
        control: For the time spent paused.
        device: Where it computes.
        device_words: For people.
        doing: What is being done, for people, where there is one stage.
    """

    def __init__(
        self,
        *,
        stage: Stage,
        place: StagePlace,
        folder: RunFolder,
        emit: Callable[[Event], None],
        control: Control,
        device: torch.device,
        device_words: str,
        doing: str,
    ) -> None:
        self._stage = stage
        self._place = place
        self._folder = folder
        self._emit = emit
        several = len(place.names) > 1
        self.report = StepReport(
            stage=stage,
            title=f"Stage {place.number + 1} of {len(place.names)}: {stage.name}"
            if several
            else f"{doing} ({stage.name})",
            emit=emit,
            control=control,
            steps=place.steps,
            steps_per_epoch=place.steps_per_epoch,
            device_words=device_words,
            first_step=place.first_step,
            every_step=device.type == "cpu",
            number=place.number,
            stages=place.names,
            steps_before=place.steps_before,
        )
        self._saved = self.report.now()
        self._saving_s = 0.0

    def epoch_began(self, epoch: int, step: int) -> None:
        """Look at what was learned so far."""
        raise NotImplementedError

    def stepped(self, step: int, objectives: Sequence[Objective], images: int) -> None:
        """Take the losses of a step."""
        if self.report.take(step, objectives, images):
            self._record_losses()

    def _record_losses(self) -> None:
        self._folder.append(self._place.losses_file, self.report.columns, self.report.unrecorded())

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """Save at the ends of epochs and inside epochs that take minutes, but never so often that it slows training.

        Writing takes at most a hundredth of the time: where epochs are shorter than that, some go unsaved.
        """
        since = self.report.now() - self._saved
        if (epoch_ended and since >= SAVE_SHARE * self._saving_s) or since >= SAVE_EVERY_S:
            self.save(step, optimisers)

    def save(self, step: int, optimisers: Mapping[str, Optimizer]) -> None:
        """Write the checkpoint, and the losses up to it."""
        began = self.report.now()
        self._record_losses()
        position = Position(self._place.number, step)
        save_checkpoint(self._folder.checkpoint, self._stage.modules(), optimisers, position, self._folder.fingerprint)
        self._saved = self.report.now()
        self._saving_s = self._saved - began
        self._emit(CheckpointSaved(step=self._place.steps_before + step, path=str(self._folder.checkpoint)))


class RunWatcher(StageWatcher):
    """Watches a stage of an adaptation, and after every epoch what the model makes of all images.

    Args:
        stage: Being trained.
        place: Its place among the method's stages.
        ground: Models and images.
        folder: Where the record goes.
        emit: Takes events.
        control: For the time spent paused.
        onlooker: What to look at.
        device_words: For people.
    """

    def __init__(
        self,
        *,
        stage: Stage,
        place: StagePlace,
        ground: Ground,
        folder: RunFolder,
        emit: Callable[[Event], None],
        control: Control,
        onlooker: Onlooker,
        device_words: str,
    ) -> None:
        super().__init__(
            stage=stage,
            place=place,
            folder=folder,
            emit=emit,
            control=control,
            device=ground.target.device,
            device_words=device_words,
            doing="Adapting",
        )
        self._ground = ground
        self._look = onlooker
        self._standing: dict[AlarmKind, Alarm] = {}
        self._quiet: Counter[AlarmKind] = Counter()

    def epoch_began(self, epoch: int, step: int) -> None:
        """Report what the model makes of all images."""
        survey = self._ground.survey
        assert survey is not None
        step += self._place.steps_before
        look = self._look
        probabilities = survey.probabilities.cpu().numpy()  # (N, K)
        counts = np.bincount(probabilities.argmax(axis=1), minlength=len(look.class_names))
        label_free = look.evidence.measure(survey)
        agreement = label_free.get("agreement")
        end = EpochEnd(
            step=step,
            epoch=epoch,
            predicted_counts=dict(zip(look.class_names, counts.tolist(), strict=True)),
            mean_confidence=float(probabilities.max(axis=1).mean()),
            held_out_agreement=agreement,
            label_free=label_free,
        )
        self._emit(end)
        self._folder.append(
            EPOCHS_FILE,
            ("step", "epoch", "mean_confidence", "held_out_agreement", *LABEL_FREE, *look.class_names),
            [
                (
                    step,
                    epoch,
                    end.mean_confidence,
                    "" if agreement is None else agreement,
                    *(label_free.get(name, "") for name in LABEL_FREE),
                    *counts.tolist(),
                )
            ],
        )
        if look.gap is not None:
            gap = look.gap.measure(survey, step)
            self._emit(gap)
            self._folder.append(GAP_FILE, ("step", *gap.measures), [(step, *gap.measures.values())])
        self._emit(look.gallery.show(step, self._ground, survey))
        self._sound(look.evidence.alarms(survey, step), step, looks=QUIET_LOOKS)

    def settle_alarms(self, alarms: Sequence[Alarm], step: int) -> None:
        """Tell which alarms hold for the finished model; all others are withdrawn."""
        self._sound(alarms, step, looks=1)

    def _sound(self, alarms: Sequence[Alarm], step: int, *, looks: int) -> None:
        """Tell an alarm when it begins to hold, and withdraw it when it has not held for some looks in a row."""
        for alarm in alarms:
            if alarm.kind not in self._standing:
                self._emit(alarm)
            self._standing[alarm.kind] = alarm
            self._quiet[alarm.kind] = 0
        for kind in sorted(self._standing.keys() - {alarm.kind for alarm in alarms}):
            self._quiet[kind] += 1
            if self._quiet[kind] >= looks:
                self._emit(replace(self._standing.pop(kind), step=step, standing=False))
