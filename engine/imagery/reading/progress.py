"""Telling how far a pass over many files is, at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from bandbridge.engine.api.events import Event, Progress

_INTERVAL_S = 0.1


class Pace:
    """Counts the files of one pass.

    Args:
        emit: Takes the events.
        title: What is being done, e.g. "Reading target images".
        total: Files in all.
        unit: What a file is.
    """

    def __init__(self, emit: Callable[[Event], None], title: str, total: int, unit: str = "image") -> None:
        self._emit = emit
        self._title = title
        self._total = total
        self._unit = unit
        self._done = 0
        self._started = time.monotonic()
        self._said = -_INTERVAL_S

    def step(self, name: str, count: int = 1) -> None:
        """One more file is done, or several at once."""
        self._done += count
        self._say(name, 0.0)

    def within(self, name: str, share: float) -> None:
        """So much of the present file is done, 0..1."""
        self._say(name, share)

    def _say(self, name: str, share: float) -> None:
        now = time.monotonic() - self._started
        if now - self._said < _INTERVAL_S and self._done < self._total:
            return
        self._said = now
        done = self._done + share
        self._emit(
            Progress(
                title=self._title,
                done=self._done,
                total=self._total,
                unit=self._unit,
                fraction=done / self._total,
                seconds_left=now / done * (self._total - done) if done else None,
                detail=name,
            )
        )
