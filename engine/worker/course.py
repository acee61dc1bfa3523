"""A run's course: one stage after the other, watched, saved, resumed and stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

import torch
from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped
from bandbridge.engine.api.events import Event
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.table import STAGES, stage_names
from bandbridge.engine.training.checkpoint import Position, load_checkpoint, read_position
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.training.streams import ImageStream
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import Onlooker, RunWatcher, StagePlace


@dataclass(slots=True)
class Course:
    """Goes through a method's stages.

    Attributes:
        config: What was asked.
        info: The method.
        folder: Where the record goes.
        ground: Models and images.
        onlooker: Looks at the model at every epoch.
        device: Where to compute.
        device_words: For people.
        emit: Takes events.
        control: Looked at every step.
        streams: By name.
        stages: Names of all stages.
        saw_pairs: Whether any stage learned from pairs.
        stopped_early: Whether the person stopped it to keep what was learned.
        steps_done: Steps of all stages.
        epochs_done: Epochs of the last stage.
        images: Target images that went through steps of this sitting.
        training_s: Time these took, in seconds.
        watcher: Of the last stage, None if nothing is trained.
    """

    config: RunConfig
    info: MethodInfo
    folder: RunFolder
    ground: Ground
    onlooker: Onlooker
    device: torch.device
    device_words: str
    emit: Callable[[Event], None]
    control: Control
    streams: Mapping[str, ImageStream] = field(init=False)
    stages: tuple[str, ...] = field(init=False)
    saw_pairs: bool = False
    stopped_early: bool = False
    steps_done: int = 0
    epochs_done: int = 0
    images: int = 0
    training_s: float = 0.0
    watcher: RunWatcher | None = None

    def __post_init__(self) -> None:
        self.streams = streams_of(self.ground, self.config)
        self.stages = stage_names(self.info, self.ground)

    def run(self, *, resume: bool) -> None:
        """From the start, or from the last checkpoint, to the end.

        Raises:
            Stopped: Without a result to keep.
            BandbridgeError: In words; the last checkpoint is intact.
        """
        start = read_position(self.folder.checkpoint, self.folder.fingerprint) if resume else Position()
        stages = iter(STAGES[self.config.method](self.ground))
        steps_before = 0
        for number, stage in enumerate(stages):
            self.saw_pairs |= "pairs" in stage.streams
            epochs = stage.schedule.epochs or self.config.epochs
            steps_per_epoch = self.streams[stage.streams[0]].steps_per_epoch()
            if number >= start.stage:
                place = StagePlace(
                    number=number,
                    names=self.stages,
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
                    self.ground.control = Control()  # what remains to be done is the result the person asked for
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
            for name in ("gap.csv", "epochs.csv"):  # an epoch that begins here is looked at again
                self.folder.drop_after(name, steps - 1)
        self.watcher = watcher = RunWatcher(
            stage=stage,
            place=place,
            ground=self.ground,
            folder=self.folder,
            emit=self.emit,
            control=self.control,
            onlooker=self.onlooker,
            device_words=self.device_words,
        )
        try:
            train(
                stage,
                self.streams,
                epochs=epochs,
                seed=self.config.seed,
                optimisers=optimisers,
                watcher=watcher,
                control=self.control,
                first_step=place.first_step,
                precision=self.ground.precision,
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
            if "target" in stage.streams:
                self.images += (done - place.first_step) * self.streams["target"].batch_size
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
