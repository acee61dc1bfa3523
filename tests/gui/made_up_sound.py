"""A sound card nobody hears."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from bandbridge.gui import speaker

BUFFER = 480
AHEAD_S = 0.08


class FakeOutput:
    """Takes buffers as it plays them, and keeps what it was given."""

    def __init__(self) -> None:
        self.is_open = False
        self.given: list[np.ndarray] = []

    @contextmanager
    def __call__(self, rate_hz: int, fill: speaker.Fill) -> Iterator[None]:
        assert not self.is_open, "two at a time"
        self.is_open, self.given = True, []
        closed = threading.Event()

        def play() -> None:
            began = time.monotonic()
            while not closed.is_set():
                samples = np.full((BUFFER, 2), np.nan, np.float32)
                fill(samples, AHEAD_S)
                self.given.append(samples[:, 0])
                closed.wait(max(0.0, began + len(self.given) * BUFFER / rate_hz - time.monotonic()))

        thread = threading.Thread(target=play)
        thread.start()
        try:
            yield
        finally:
            closed.set()
            thread.join()
            self.is_open = False
