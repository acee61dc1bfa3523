"""The benchmarks by name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.benchmark.epoch import epoch_ratio
from bandbridge.engine.benchmark.measure import Measurement
from bandbridge.engine.benchmark.reading import decode_rates


def _epochs() -> list[Measurement]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sizes = (("test_resnet", 64, 256), ("test_resnet", 128, 128), ("resnet18", 128, 64))
    return [epoch_ratio("socket", name, size, images, device) for name, size, images in sizes]


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


BENCHMARKS: Mapping[str, Callable[[], list[Measurement]]] = {
    "epoch": _epochs,
    "reading": decode_rates,
    "window-start": lambda: _window("window-start"),
    "window-latency": lambda: _window("window-latency"),
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
        found += BENCHMARKS[name]()
    return found
