"""Ctrl+C (and SIGTERM) as a request to the job at work instead of an end in the middle of something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from bandbridge.engine.api.control import Command


class Interrupts:
    """While entered, turns interrupts into commands for `Control`.

    Once asks to stop and keep (where the job can), twice to stop, once more ends the program where it stands.

    Args:
        keeps: Whether the job can keep what it has learned so far.
        tell: Says a sentence to the person.
    """

    def __init__(self, *, keeps: bool, tell: Callable[[str], None]) -> None:
        self._commands: list[Command] = ["stop_keep", "stop"] if keeps else ["stop"]
        self._tell = tell
        self._pressed = 0
        self._answered = 0
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
        """The next command, or None; for `Control`."""
        if self._answered >= min(self._pressed, len(self._commands)):
            return None
        command = self._commands[self._answered]
        self._answered += 1
        if command == "stop_keep":
            self._tell("Stopping and keeping what has been learned. Press Ctrl+C again to stop at once.")
        return command

    def _heard(self, number: int, frame: FrameType | None) -> None:
        # Only counts: a handler that writes could interrupt a write. `poll` speaks within a step.
        self._pressed += 1
        if self._pressed > len(self._commands):
            raise KeyboardInterrupt
