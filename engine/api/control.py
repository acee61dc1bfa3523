"""Pause and stop: the source may ask, the token may only be looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from bandbridge.engine.api.errors import Stopped

Command = Literal["pause", "resume", "stop", "stop_keep"]


class Control:
    """Looked at every step, every batch of a pass and every file of a scan.

    Args:
        poll: Returns the next pending command or None; must not block. Called by `check`.
        on_pause: Told True when the work comes to stand still and False when it goes on.
        wait_s: How long to sleep between looks while paused, in seconds.
    """

    def __init__(
        self,
        poll: Callable[[], Command | None] | None = None,
        *,
        on_pause: Callable[[bool], None] = lambda _: None,
        wait_s: float = 0.05,
    ) -> None:
        self._poll = poll
        self._on_pause = on_pause
        self._wait_s = wait_s
        self._paused = False
        self._paused_s = 0.0

    @property
    def paused_s(self) -> float:
        """Seconds spent paused so far, to be left out of speeds and times left."""
        return self._paused_s

    def next_command(self) -> Command | None:
        """The next pending command, for work that another process does and that is told of it there."""
        return self._poll() if self._poll is not None else None

    def check(self) -> None:
        """Honour pending commands; while paused, wait here.

        Raises:
            Stopped: The person asked to stop (with `keep` set for "stop and keep").
        """
        if self._poll is None:
            return
        while True:
            command = self._poll()
            if command == "stop":
                raise Stopped
            if command == "stop_keep":
                raise Stopped(keep=True)
            if command in ("pause", "resume"):
                self._paused = command == "pause"
                self._on_pause(self._paused)
            elif not self._paused:
                return
            else:
                time.sleep(self._wait_s)
                self._paused_s += self._wait_s
