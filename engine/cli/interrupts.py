"""Ctrl+C (and SIGTERM) as a request to the job at work instead of an end in the middle of something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from bandbridge.engine.api.control import Command

_PATIENCE = 2
"""Interrupts before a job that does not look at them is ended."""


class Interrupts:
    """While entered, turns interrupts into a command for `Control`.

    The first asks to stop and keep (where the job can, else to stop), two in a row to stop. Once the job has been
    told, a further one ends the program where it stands; files are written whole or not at all, so nothing breaks.

    Args:
        keeps: Whether the job can keep what it has learned so far.
        tell: Says a sentence to the person.
    """

    def __init__(self, *, keeps: bool, tell: Callable[[str], None]) -> None:
        self._keeps = keeps
        self._tell = tell
        self._heard_times = 0
        self._passed_on = False
        self._former: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def poll(self) -> Command | None:
        """The command, once, or None; for `Control`."""
        if self._passed_on or self._heard_times == 0:
            return None
        self._passed_on = True
        if not self._keeps or self._heard_times > 1:
            return "stop"
        self._tell("Stopping and keeping what has been learned. Press Ctrl+C again to stop at once.")
        return "stop_keep"

    def _heard(self, number: int, frame: FrameType | None) -> None:
        # Only counts: a handler that writes could interrupt a write. `poll` speaks within a step.
        self._heard_times += 1
        if self._passed_on or self._heard_times > _PATIENCE:
            raise KeyboardInterrupt
