"""The benchmarks by name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.benchmark.clips import METHODS as CLIP_METHODS
from bandbridge.engine.benchmark.clips import MadeUpClips, batch_share, clip_loop_speed, clip_reading
from bandbridge.engine.benchmark.epoch import epoch_ratio
from bandbridge.engine.benchmark.folder import folder_rates
from bandbridge.engine.benchmark.loop import loop_speeds, trained_methods
from bandbridge.engine.benchmark.made_up import MadeUp
from bandbridge.engine.benchmark.measure import Measurement
from bandbridge.engine.benchmark.reading import decode_rates
from bandbridge.engine.benchmark.scene import scene_rates
from bandbridge.engine.worker.compute import choose_device

SIZES = (("test_resnet", 64, 256), ("test_resnet", 128, 128), ("resnet18", 128, 64))
"""Networks, sides of images in pixels, and numbers of images."""


def _each_size() -> Iterator[MadeUp]:
    device = choose_device("auto")
    return (MadeUp(name, size, images, device) for name, size, images in SIZES)


def _epochs(control: Control) -> list[Measurement]:
    return [epoch_ratio("socket", made_up) for made_up in _each_size()]


def _loops(control: Control) -> list[Measurement]:
    return [
        measurement
        for made_up in _each_size()
        for method in trained_methods()
        for measurement in loop_speeds(method, made_up, control)
    ]


def _video(control: Control) -> list[Measurement]:
    made_up = MadeUpClips(choose_device("auto"))
    loops = [clip_loop_speed(method, made_up, control) for method in CLIP_METHODS]
    return [*loops, batch_share(made_up, control), *clip_reading()]


def _window(what: str) -> list[Measurement]:
    """Measurements of the window, made in a process of its own so that the engine stays free of Qt."""
    command = [sys.executable, "-m", "bandbridge.gui.benchmark", what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UsageError(
            f"The measurement '{what}' could not be made.",
            done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "The window did not start.",
            "A screen is needed, or the variable QT_QPA_PLATFORM set to offscreen.",
        )
    return [Measurement(**row) for row in json.loads(done.stdout.strip().splitlines()[-1])]


BENCHMARKS: Mapping[str, Callable[[Control], list[Measurement]]] = {
    "epoch": _epochs,
    "loop": _loops,
    "folder": lambda control: folder_rates(),
    "reading": lambda control: decode_rates(),
    "scene": lambda control: scene_rates(),
    "video": _video,
    "window-start": lambda control: _window("window-start"),
    "window-latency": lambda control: _window("window-latency"),
}
"""Name -> what makes its measurements."""


def run(names: Sequence[str], emit: Callable[[Event], None], control: Control) -> list[Measurement]:
    """Make the named measurements, or all.

    Raises:
        UsageError: A name is unknown, or a measurement cannot be made here.
    """
    for name in names:
        if name not in BENCHMARKS:
            raise UsageError(f"There is no benchmark '{name}'.", "", f"Choose from: {', '.join(BENCHMARKS)}.")
    chosen = list(names) or list(BENCHMARKS)
    found: list[Measurement] = []
    for number, name in enumerate(chosen):
        control.check()
        emit(Progress(title=f"Measuring {name}", done=number, total=len(chosen), unit="benchmark"))
        found += BENCHMARKS[name](control)
    return found
