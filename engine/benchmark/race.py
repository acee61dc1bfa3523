"""A training loop timed against bare steps, in turns, so that whatever slows the machine slows both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from bandbridge.engine.benchmark.measure import seconds
from bandbridge.engine.training.stage import Objective
from torch.optim import Optimizer


class Race:
    """A watcher that does nothing while steps are timed; after every epoch it times as many bare steps.

    The first epoch warms both up.

    Args:
        bare: A bare step.
        wait: Returns when the device is done.

    Attributes:
        speeds: Of every epoch but the first, time of the bare steps over time of the loop's.
    """

    def __init__(self, bare: Callable[[], None], wait: Callable[[], None]) -> None:
        self.speeds: list[float] = []
        self._bare, self._wait = bare, wait
        self._began, self._first_step = 0.0, 0

    def epoch_began(self, epoch: int, step: int) -> None:
        """What is made anew for an epoch is done: the clock starts."""
        self._first_step = step
        self._wait()
        self._began = time.perf_counter()

    def stepped(self, step: int, objectives: Sequence[Objective], images: int) -> None:
        """Nothing."""

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """After an epoch, stop the clock and do as many bare steps."""
        if not epoch_ended:
            return
        self._wait()
        loop_s = time.perf_counter() - self._began
        bare_s = seconds(lambda: self._repeat(step - self._first_step))
        if self._first_step > 0:
            self.speeds.append(bare_s / loop_s)

    def _repeat(self, steps: int) -> None:
        for _ in range(steps):
            self._bare()
        self._wait()
