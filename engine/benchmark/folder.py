"""How fast folders of small images are looked through and checked, and what reading them costs a run's epochs."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from bandbridge.engine.api.cache_folder import FOLDER_VARIABLE, LIMIT_VARIABLE
from bandbridge.engine.api.config import RunConfig, StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import CheckData
from bandbridge.engine.benchmark.made_up import MadeUp
from bandbridge.engine.benchmark.measure import Measurement, of_rounds, seconds
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.folder import list_images, scan_images
from bandbridge.engine.imagery.reading.identity import SETTLED_S
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Objective
from bandbridge.engine.worker.check import check_data
from bandbridge.engine.worker.compute import choose_device
from bandbridge.engine.worker.course import streams_of
from numpy.typing import NDArray
from torch.optim import Optimizer

COUNT = 2000
SIZE = 64
ROUNDS = 3
METHOD = "shot"
ARCHITECTURE = "test_resnet"


def folder_rates(count: int = COUNT) -> list[Measurement]:
    """Files looked through and checked in a second, and images of first and later epochs, beside bare decoding.

    Args:
        count: Images in the folder, PNG of 64 pixels and three bands.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name) / "images", Path(name) / "cache"
        _write(folder, count)
        time.sleep(SETTLED_S + 0.1)  # what was written just now is not kept in the cache
        files = list_images(folder)
        size = f"{count} PNG images of {SIZE} px"

        def rate(work: Callable[[], object]) -> list[float]:
            return [count / seconds(work) for _ in range(ROUNDS)]

        def decode() -> NDArray[np.uint16]:
            return _decode(folder, files)

        with _cache(cache, "0"):
            bare = rate(lambda: [cv2.imread(str(folder / file), cv2.IMREAD_UNCHANGED) for file in files])
            scanned = rate(lambda: _scan(folder, files))
            checked = rate(lambda: check_data(CheckData(target=str(folder)), lambda event: None, Control()))
            read = [seconds(decode) for _ in range(ROUNDS)]
        with _cache(cache, "1"):
            _scan(folder, files)
            again = rate(lambda: _scan(folder, files))
            pixels = decode()
            kept = [seconds(decode) for _ in range(ROUNDS)]
        epochs, batches = _epochs(pixels)
        first, later_first = (
            [count / (reading + epoch) for reading, epoch in zip(times, epochs, strict=True)] for times in (read, kept)
        )
        later = [count / epoch for epoch in epochs]
        share = [getting / epoch for getting, epoch in zip(batches, epochs, strict=True)]
        training = f"training ({METHOD}, {ARCHITECTURE})"
        first_epoch = f"images of a first epoch in a second: reading and {training}"
        return [
            of_rounds("folder/bare", f"{size} decoded bare by OpenCV in a second", bare, "images/s"),
            of_rounds("folder/scan", f"files of {size} looked through in a second", scanned, "files/s"),
            of_rounds("folder/scan-again", "the same once more, from the cache", again, "files/s"),
            of_rounds("folder/check", f"files of {size} checked by the doctor in a second", checked, "files/s"),
            of_rounds("folder/first-epoch", first_epoch, first, "images/s"),
            of_rounds("folder/first-epoch-again", "the same in a later run, from the cache", later_first, "images/s"),
            of_rounds("folder/later-epoch", f"images of a later epoch in a second: {training}", later, "images/s"),
            of_rounds("folder/batches", "share of a later epoch that getting its batches takes", share, "x"),
        ]


def _write(folder: Path, count: int) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    texture = cv2.GaussianBlur(random.integers(0, 256, (SIZE, 8 * SIZE, 3), dtype=np.uint8), (0, 0), 2)
    for number in range(count):
        left = int(random.integers(0, 7 * SIZE))
        picture = cv2.add(texture[:, left : left + SIZE], random.integers(0, 20, (SIZE, SIZE, 3), dtype=np.uint8))
        cv2.imwrite(str(folder / f"{number:06d}.png"), picture)


@contextmanager
def _cache(folder: Path, gigabytes: str) -> Iterator[None]:
    """A cache for this measurement alone."""
    before = {name: os.environ.get(name) for name in (FOLDER_VARIABLE, LIMIT_VARIABLE)}
    os.environ.update({FOLDER_VARIABLE: str(folder), LIMIT_VARIABLE: gigabytes})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _scan(folder: Path, files: Sequence[str]) -> None:
    scan_images(
        folder,
        files,
        bands=None,
        rule=StretchRule(),
        no_data=None,
        control=Control(),
        emit=lambda event: None,
    )


def _decode(folder: Path, files: Sequence[str]) -> NDArray[np.uint16]:
    decoded, _ = decode_images(
        folder,
        files,
        bands=(1, 2, 3),
        stretch=Stretch.eight_bit(3),
        size_px=SIZE,
        no_data=None,
        control=Control(),
        emit=lambda event: None,
    )
    return decoded.pixels


class _Clock:
    """A watcher that notes how long every epoch took, with all that is made anew for it."""

    def __init__(self, made_up: MadeUp) -> None:
        self.epochs_s: list[float] = []
        self._made_up = made_up
        self._since = time.perf_counter()

    def epoch_began(self, epoch: int, step: int) -> None:
        """Nothing."""

    def stepped(self, step: int, objectives: Sequence[Objective], images: int) -> None:
        """Nothing."""

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """At the end of an epoch, note its time."""
        if epoch_ended:
            self._made_up.wait()
            now = time.perf_counter()
            self.epochs_s.append(now - self._since)
            self._since = now


def _epochs(pixels: NDArray[np.uint16]) -> tuple[list[float], list[float]]:
    """Seconds of epochs after the first, and of getting the batches of one."""
    device = choose_device("auto")
    control = Control()
    made_up = MadeUp(ARCHITECTURE, SIZE, len(pixels), device, target=pixels)
    ground = made_up.ground(METHOD, control)
    (stage,) = STAGES[METHOD](ground)
    streams = streams_of(ground, RunConfig(sources=(), target="", run="", method=METHOD))
    clock = _Clock(made_up)
    train(
        stage,
        streams,
        epochs=1 + ROUNDS,
        seed=0,
        optimisers=build_optimisers(stage),
        watcher=clock,
        control=control,
        device=device,
    )
    stream = streams["target"]

    def batches() -> None:
        for step in range(stream.steps_per_epoch()):
            stream.batch(step)
        made_up.wait()

    return clock.epochs_s[1:], [seconds(batches) for _ in range(ROUNDS)]
