"""How fast clips are learned from, against bare passes of the student, and how fast they are read."""

from __future__ import annotations

import copy
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import torch
from bandbridge.engine.api.cache_folder import CacheFolder
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.video_catalogue import has_teacher, video_method_info
from bandbridge.engine.benchmark.measure import Measurement, of_rounds, ratios, seconds
from bandbridge.engine.benchmark.race import Race
from bandbridge.engine.imagery.reading.identity import SETTLED_S
from bandbridge.engine.imagery.reading.image_cache import ImageCache
from bandbridge.engine.methods.clip_ground import ClipGround, ClipNetwork
from bandbridge.engine.methods.clip_table import CLIP_STAGES
from bandbridge.engine.sample.film import film
from bandbridge.engine.sample.sounds import SAMPLES_PER_SECOND
from bandbridge.engine.training.clip_streams import ClipStream, FeatureBank, PictureBank
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import Clip, ReadingRule
from bandbridge.engine.video.clip_set import ClipSet, read_clips
from bandbridge.engine.video.layout import laid_out
from bandbridge.engine.video.picture_network import PictureNetwork
from torch import nn
from torch.nn import functional
from torch.optim import Adam

PROMISE = 0.9
METHODS = ("ce", "kd", "mnf-csc")
ROUNDS = 5
CLASSES, CLIPS, BATCH, WINDOW, LENGTH = 10, 64, 16, 16, 24
WIDTH, SIZE_PX = 16, 64
TEACHER_WIDTH = 512
FILMS, FILM_FRAMES, FILM_SIZE = 16, 36, (240, 320)


class MadeUpClips:
    """Random clips, an untrained student, and random features for a teacher.

    Args:
        device: Where to compute.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        random = np.random.default_rng(0)
        pictures = random.integers(0, 256, (CLIPS, LENGTH, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
        clips = [Clip(one, None, LENGTH / 4) for one in pictures]
        names = [str(number) for number in range(CLIPS)]
        cache = ClipCache(ReadingRule(size_px=SIZE_PX))
        clip_set = ClipSet(names, clips, [LENGTH] * CLIPS, [Path(name) for name in names], cache, WINDOW)
        self.bank = PictureBank(clip_set, (0.5,) * 3, (0.25,) * 3, device)
        self._features = random.normal(size=(CLIPS, TEACHER_WIDTH)).astype(np.float32)

    def ground(self, method: str, control: Control) -> ClipGround:
        """Fresh ground for a method, with its default settings."""
        info = video_method_info(method)
        torch.manual_seed(0)
        encoder = PictureNetwork(WIDTH)
        student = laid_out(ClipNetwork(encoder, nn.Linear(encoder.feature_width, CLASSES)), self.device)
        taught = has_teacher(info)
        return ClipGround(
            student,
            self.bank,
            torch.arange(CLIPS) % CLASSES,
            training=np.arange(CLIPS),
            validation=np.zeros(0, np.int64),
            teacher=ClipNetwork(nn.Identity(), nn.Linear(TEACHER_WIDTH, CLASSES)).to(self.device) if taught else None,
            teacher_bank=FeatureBank(self._features, np.ones(CLIPS, np.bool_), self.device) if taught else None,
            settings=info.resolve({}),
            learning_rate=3e-4,
            control=control,
        )

    def stream(self, ground: ClipGround) -> ClipStream:
        """Of the student's windows."""
        augment = str(ground.settings["augment"])
        return ClipStream(
            "clips",
            self.bank,
            chosen=ground.training,
            batch_size=BATCH,
            augment=augment,
            seed=0,
            labels=ground.labels,
        )

    def wait(self) -> None:
        """Until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class BareClipStep:
    """Forward, backward and the optimiser's step of a copy of the student on one batch that is there already.

    Args:
        ground: Whose student is copied.
        made_up: Where the batch comes from.
    """

    def __init__(self, ground: ClipGround, made_up: MadeUpClips) -> None:
        self._student = copy.deepcopy(ground.student).requires_grad_(True).train()
        batch = made_up.stream(ground).batch(0)
        self._windows, self._labels = batch.images, batch.labels
        self._optimiser = Adam(self._student.parameters(), lr=1e-4)

    def __call__(self) -> None:
        """Do it once."""
        self._optimiser.zero_grad(set_to_none=True)
        logits = self._student.head(self._student.encoder(self._windows))
        assert self._labels is not None
        torch.autograd.backward(functional.cross_entropy(logits, self._labels))
        self._optimiser.step()


def clip_loop_speed(method: str, made_up: MadeUpClips, control: Control, *, rounds: int = ROUNDS) -> Measurement:
    """Speed of a method's student stage, in parts of the speed of bare passes of the student alone."""
    ground = made_up.ground(method, control)
    stage = _student_stage(method, ground)
    race = Race(BareClipStep(ground, made_up), made_up.wait)
    train(
        stage,
        {"clips": made_up.stream(ground)},
        epochs=1 + rounds,
        seed=0,
        optimisers=build_optimisers(stage),
        watcher=race,
        control=control,
        device=made_up.device,
    )
    what = (
        f"training steps of {method} (R(2+1)D of width {WIDTH}, {WINDOW} pictures of {SIZE_PX} px, batch {BATCH}), "
        "in parts of the speed of bare passes of the student"
    )
    return of_rounds(f"video/loop/{method}", what, race.speeds, "x", at_least=PROMISE)


def _student_stage(method: str, ground: ClipGround) -> Stage:
    """The last one; what comes before it is a linear layer on made-up features, and is left out."""
    *_, stage = CLIP_STAGES[method](ground)
    return stage


def batch_share(made_up: MadeUpClips, control: Control) -> Measurement:
    """Time of drawing a batch over time of a bare step: what reading costs once clips are in memory."""
    ground = made_up.ground("ce", control)
    stream, bare = made_up.stream(ground), BareClipStep(ground, made_up)
    steps = iter(range(10**6))
    found = ratios(lambda: stream.batch(next(steps)), bare, 2 * ROUNDS)
    return of_rounds("video/batch", "drawing a batch of windows over a bare step on it", found, "x", at_most=0.1)


def clip_reading() -> list[Measurement]:
    """Reading clips, pictures and sound, over decoding every frame of theirs; and from the cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        still = random.integers(0, 256, (*FILM_SIZE, 3), dtype=np.uint8)
        wave = random.normal(0, 0.1, FILM_FRAMES * SAMPLES_PER_SECOND // 12).astype(np.float32)
        files = [f"{number:02d}.mp4" for number in range(FILMS)]
        for number, file in enumerate(files):
            frames = np.stack([np.roll(still, 3 * place + number, axis=1) for place in range(FILM_FRAMES)])
            (folder / file).write_bytes(film(frames, wave, 4))
        caches = [ImageCache(CacheFolder(folder / "cache", limit)) for limit in (0, 10**9)]

        def read(which: int) -> None:
            cache = ClipCache(ReadingRule(), caches[which])
            read_clips(folder, files, cache.rule, WINDOW, emit=lambda event: None, control=Control(), cache=cache)

        def bare() -> None:
            for file in files:
                with av.open(str(folder / file)) as container:
                    for _ in container.decode(video=0):
                        pass

        time.sleep(SETTLED_S + 0.1)  # files just written are not cached yet
        read(1)
        size = f"{FILM_FRAMES} frames of {FILM_SIZE[1]} x {FILM_SIZE[0]} px"
        what = f"reading {FILMS} clips ({size}) with their sound over bare decoding of their frames"
        fresh = [FILMS / seconds(lambda: read(0)) for _ in range(3)]
        kept = [FILMS / seconds(lambda: read(1)) for _ in range(3)]
        return [
            of_rounds("video/reading/ratio", what, ratios(lambda: read(0), bare, ROUNDS), "x"),
            of_rounds("video/reading/rate", "clips read in a second", fresh, "clips/s"),
            of_rounds("video/reading/cached", "clips taken from the cache in a second", kept, "clips/s"),
        ]
