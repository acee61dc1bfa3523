"""Reading many files side by side, in order, with a bounded number of images in memory."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from typing import Generic, TypeVar

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MOST_THREADS = 8
_MOST_BYTES = 1 << 30
# Small images are read by the run: to hand each over by itself takes longer than to read it.
_RUN_BYTES = 4 << 20
_RUN_ITEMS = 32
_LOOK_S = 0.2
_FAREWELL_S = 5.0


def read_ahead(
    items: Sequence[_Item],
    read: Callable[[_Item], _Result],
    control: Control,
    weigh: Callable[[_Item], int] = lambda item: 0,
) -> Iterator[tuple[_Item, _Result | ImageError]]:
    """Apply `read` to every item, a few ahead of the one being used.

    Decoders work outside Python's lock, so threads gain. Pause and stop are looked at before every item, and while one
    is waited for.

    Args:
        items: What to read.
        read: Runs in threads.
        control: Pause and stop.
        weigh: Roughly the memory an item takes, in bytes; all being read together stay below 1 GiB, a larger one
            is read alone.

    Yields:
        Every item in order with its result, or with the `ImageError` that kept it from being read.

    Raises:
        Stopped: The person asked to stop.
    """
    readers = _Readers(read, min(_MOST_THREADS, _cores(), max(1, len(items))))
    runs = _runs(items, weigh)
    following = next(runs, None)
    ahead: deque[tuple[int, list[_Item], Future[list[_Result | ImageError]]]] = deque()
    in_flight = 0
    try:
        while following or ahead:
            control.check()
            while following and len(ahead) <= 2 * readers.count:
                weight, run = following
                if ahead and in_flight + weight > _MOST_BYTES:
                    break
                in_flight += weight
                ahead.append((weight, run, readers.submit(run)))
                following = next(runs, None)
            weight, run, future = ahead.popleft()
            while not wait((future,), _LOOK_S).done:
                control.check()
            for item, result in zip(run, future.result(), strict=True):
                control.check()
                yield item, result
            in_flight -= weight
    finally:
        readers.end()


def _runs(items: Sequence[_Item], weigh: Callable[[_Item], int]) -> Iterator[tuple[int, list[_Item]]]:
    """Items in order, small ones several at once, with what they weigh together; one of unknown weight by itself."""
    run: list[_Item] = []
    total = 0
    for item in items:
        weight = weigh(item)
        if run and (weight == 0 or total + weight > _RUN_BYTES or len(run) == _RUN_ITEMS):
            yield total, run
            run, total = [], 0
        run.append(item)
        total += weight
        if weight == 0:
            yield total, run
            run, total = [], 0
    if run:
        yield total, run


class _Readers(Generic[_Item, _Result]):
    """Threads that read runs of items. They end with the process, even if a read never comes back.

    Args:
        read: Reads one item.
        count: How many threads.
    """

    def __init__(self, read: Callable[[_Item], _Result], count: int) -> None:
        self.count = count
        self._read = read
        self._ended = False
        self._runs: queue.SimpleQueue[tuple[list[_Item], Future[list[_Result | ImageError]]] | None]
        self._runs = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"bandbridge-read-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, run: list[_Item]) -> Future[list[_Result | ImageError]]:
        """Have a run read."""
        future: Future[list[_Result | ImageError]] = Future()
        self._runs.put((run, future))
        return future

    def end(self) -> None:
        """Read nothing more; what is being read may end, but is not waited for longer than a moment."""
        self._ended = True
        for _ in self._threads:
            self._runs.put(None)
        deadline_s = time.monotonic() + _FAREWELL_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _serve(self) -> None:
        while (given := self._runs.get()) is not None and not self._ended:
            run, future = given
            try:
                future.set_result([self._outcome(item) for item in run])
            except BaseException as error:  # told where the result is waited for
                future.set_exception(error)

    def _outcome(self, item: _Item) -> _Result | ImageError:
        if self._ended:
            raise CancelledError
        try:
            return self._read(item)
        except ImageError as error:
            return error


def _cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
