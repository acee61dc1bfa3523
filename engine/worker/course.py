"""A run's course: one stage after the other, watched, saved, resumed and stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped
from bandbridge.engine.api.run_files import EPOCHS_FILE, GAP_FILE
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.training.checkpoint import Position, load_checkpoint, read_position
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.training.streams import ImageStream, Stream
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import StagePlace, StageWatcher


@dataclass(slots=True)
class Course:
    """Goes through a method's stages.

    Attributes:
        folder: Where the record goes.
        build: Makes the stages, each when those before it are done.
        names: Of all stages.
        streams: By name.
        epochs: Of stages that do not say how many they want.
        seed: Of the run.
        watch: Gives a stage its watcher.
        counted: The stream whose images count for the speed.
        device: Where to compute.
        precision: Of forward passes.
        control: Looked at every step.
        on_keep: Called when the person stops to keep what was learned: what remains to be done is no longer stopped.
        saw: Streams that any stage learned from.
        stopped_early: Whether the person stopped it to keep what was learned.
        steps_done: Steps of all stages.
        epochs_done: Epochs of the last stage.
        images: Of the counted stream, that went through steps of this sitting.
        training_s: Time these took, in seconds.
        watcher: Of the last stage, None if nothing is trained.
        stage: The last one, None if nothing is trained.
    """

    folder: RunFolder
    build: Callable[[], Iterable[Stage]]
    names: tuple[str, ...]
    streams: Mapping[str, Stream]
    epochs: int
    seed: int
    watch: Callable[[Stage, StagePlace], StageWatcher]
    counted: str
    device: torch.device
    precision: torch.dtype
    control: Control
    on_keep: Callable[[], None]
    saw: set[str] = field(default_factory=set)
    stopped_early: bool = False
    steps_done: int = 0
    epochs_done: int = 0
    images: int = 0
    training_s: float = 0.0
    watcher: StageWatcher | None = None
    stage: Stage | None = None

    def run(self, *, resume: bool) -> None:
        """From the start, or from the last checkpoint, to the end, or to where the person stops it to keep the result.

        Raises:
            Stopped: Without a result to keep.
            BandbridgeError: In words; the last checkpoint is intact.
        """
        start = read_position(self.folder.checkpoint, self.folder.fingerprint) if resume else Position()
        stages = iter(self.build())
        steps_before = 0
        for number, stage in enumerate(stages):
            self.stage = stage
            self.saw.update(stage.streams)
            epochs = stage.schedule.epochs or self.epochs
            steps_per_epoch = self.streams[stage.streams[0]].steps_per_epoch()
            if number >= start.stage:
                place = StagePlace(
                    number=number,
                    names=self.names,
                    steps=epochs * steps_per_epoch,
                    steps_per_epoch=steps_per_epoch,
                    steps_before=steps_before,
                    first_step=start.step if number == start.stage else 0,
                )
                try:
                    self._carry_out(stage, place, epochs, resume=resume and number == start.stage)
                except Stopped as stopped:
                    if not stopped.keep:
                        raise
                    self.stopped_early = True
                    self.on_keep()
                    if isinstance(stages, Generator):
                        stages.close()
                    return
            steps_before += epochs * steps_per_epoch

    def _carry_out(self, stage: Stage, place: StagePlace, epochs: int, *, resume: bool) -> None:
        optimisers = build_optimisers(stage)
        if resume:
            load_checkpoint(self.folder.checkpoint, stage.modules(), optimisers)
            steps = place.steps_before + place.first_step
            self.folder.drop_after(place.losses_file, steps)
            for name in (GAP_FILE, EPOCHS_FILE):  # an epoch that begins here is looked at again
                self.folder.drop_after(name, steps - 1)
        self.watcher = watcher = self.watch(stage, place)
        try:
            train(
                stage,
                self.streams,
                epochs=epochs,
                seed=self.seed,
                optimisers=optimisers,
                watcher=watcher,
                control=self.control,
                first_step=place.first_step,
                precision=self.precision,
                device=self.device,
            )
            if not place.last:  # the next one builds on it
                watcher.save(watcher.report.steps_done, optimisers)
        except Stopped:
            watcher.save(watcher.report.steps_done, optimisers)
            raise
        finally:
            done = watcher.report.steps_done
            self.steps_done = place.steps_before + done
            self.epochs_done = done // place.steps_per_epoch
            if self.counted in stage.streams:
                self.images += (done - place.first_step) * self.streams[self.counted].batch_size
                self.training_s += watcher.report.training_s


def streams_of(ground: Ground, config: RunConfig) -> dict[str, ImageStream]:
    """What a run draws its batches from: target images, and pairs where there are some to train on."""
    augment = str(ground.settings.get("augment", "none"))
    streams = {
        "target": ImageStream(
            "target", ground.target, batch_size=config.batch_size, augment=augment, shift=True, seed=config.seed
        )
    }
    if ground.pairs is not None and len(ground.training_pairs) > 0:
        streams["pairs"] = ImageStream(
            "pairs",
            ground.pairs,
            chosen=ground.training_pairs,
            batch_size=config.batch_size,
            augment=augment,
            shift=False,
            seed=config.seed,
        )
    return streams
