"""Reading many files side by side, in order, with bounded memory, and with a bounded wait for a drive."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.geotiff import closed_doors
from bandbridge.engine.imagery.reading.drive import Drive, silent

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Answer = TypeVar("_Answer")

PATIENCE_S = 60.0
"""How long nothing may be read before the drive is given up, besides what the size of the files allows."""
UNKNOWN_PATIENCE_S = 600.0
"""The same for what is of unknown size, such as a film."""

_MOST_THREADS = 8
_MOST_BYTES = 1 << 30
# Small images are read by the run: to hand each over by itself takes longer than to read it.
_RUN_BYTES = 4 << 20
_RUN_ITEMS = 32
# A file takes ten times its size in memory or more, so this allows for a drive of a megabyte a second.
_SLOWEST_BYTES_PER_S = 10e6
_LOOK_S = 0.2
_FAREWELL_S = 5.0


def read_ahead(
    items: Sequence[_Item],
    read: Callable[[_Item], _Result],
    control: Control,
    weigh: Callable[[_Item], int] | None = None,
    *,
    path_of: Callable[[_Item], Path] | None = None,
) -> Iterator[tuple[_Item, _Result | ImageError]]:
    """Apply `read` to every item, a few ahead of the one being used.

    Decoders work outside Python's lock, so threads gain. Pause and stop are looked at before every item, and while one
    is waited for.

    Args:
        items: What to read.
        read: Runs in threads.
        control: Pause and stop.
        weigh: Roughly the memory an item takes, in bytes, or 0 if that is not known; runs in threads. All being read
            together stay below 1 GiB, a larger one is read alone.
        path_of: The file behind an item. With it, a drive that is gone is told from files that are damaged.

    Yields:
        Every item in order with its result, or with the `ImageError` that kept it from being read.

    Raises:
        DriveError: Nothing could be read for a long time, or what holds the files is no longer there.
        Stopped: The person asked to stop.
    """
    readers = _Readers(read, path_of, min(_MOST_THREADS, _cores(), max(1, len(items))))
    runs = _runs(items, weigh, readers, control)
    ahead: deque[tuple[int, list[_Item], Future[list[_Result | ImageError]]]] = deque()
    in_flight = 0
    try:
        following = next(runs, None)
        while following or ahead:
            control.check()
            while following and len(ahead) <= 2 * readers.count:
                weight, run = following
                if ahead and in_flight + weight > _MOST_BYTES:
                    break
                in_flight += weight
                ahead.append((weight, run, readers.submit_run(run)))
                following = next(runs, None)
            weight, run, future = ahead.popleft()
            patience_s = PATIENCE_S + weight / _SLOWEST_BYTES_PER_S if weight else UNKNOWN_PATIENCE_S
            results = readers.answer(future, run, patience_s, control)
            for item, result in zip(run, results, strict=True):
                control.check()
                yield item, result
            in_flight -= weight
    finally:
        readers.end()


def _runs(
    items: Sequence[_Item],
    weigh: Callable[[_Item], int] | None,
    readers: _Readers[_Item, _Result],
    control: Control,
) -> Iterator[tuple[int, list[_Item]]]:
    """Items in order, small ones several at once, with what they weigh together; one of unknown weight by itself."""
    if weigh is None:
        yield from ((0, [item]) for item in items)
        return
    parts = [list(items[start : start + _RUN_ITEMS]) for start in range(0, len(items), _RUN_ITEMS)]
    weighed: deque[Future[list[int]]] = deque()
    run: list[_Item] = []
    total = 0
    for number, part in enumerate(parts):
        while len(weighed) < 2 and number + len(weighed) < len(parts):
            weighed.append(readers.submit(partial(_each, weigh, parts[number + len(weighed)])))
        weights = readers.answer(weighed.popleft(), part, PATIENCE_S, control)
        for item, weight in zip(part, weights, strict=True):
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


def _each(weigh: Callable[[_Item], int], items: list[_Item]) -> list[int]:
    return [weigh(item) for item in items]


class _Readers(Generic[_Item, _Result]):
    """Threads that read. They end with the process, even if a read never comes back.

    Args:
        read: Reads one item.
        path_of: The file behind an item, or None.
        count: How many threads.
    """

    def __init__(self, read: Callable[[_Item], _Result], path_of: Callable[[_Item], Path] | None, count: int) -> None:
        self.count = count
        self._read = read
        self._path_of = path_of
        self._drive = Drive()
        self._ended = False
        self._last_sign_s = time.monotonic()
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"bandbridge-read-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit_run(self, run: list[_Item]) -> Future[list[_Result | ImageError]]:
        """Have a run read."""

        def work() -> list[_Result | ImageError]:
            with closed_doors():
                return [self._outcome(item) for item in run]

        return self.submit(work)

    def submit(self, work: Callable[[], _Answer]) -> Future[_Answer]:
        """Have something done that looks at files."""
        future: Future[_Answer] = Future()

        def task() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # told where the result is waited for
                future.set_exception(error)
            self._last_sign_s = time.monotonic()

        self._tasks.put(task)
        return future

    def answer(self, future: Future[_Answer], about: list[_Item], patience_s: float, control: Control) -> _Answer:
        """Wait for a result.

        Raises:
            DriveError: No thread got on with anything for too long.
            Stopped: The person asked to stop.
        """
        waiting_since_s = time.monotonic()
        paused_s = control.paused_s
        while not wait((future,), _LOOK_S).done:
            control.check()
            silence_s = time.monotonic() - max(waiting_since_s, self._last_sign_s) - (control.paused_s - paused_s)
            if silence_s > patience_s:
                first = about[0]
                raise silent(str(first if self._path_of is None else self._path_of(first)), silence_s)
        return future.result()

    def end(self) -> None:
        """Read nothing more; what is being read may end, but is not waited for longer than a moment."""
        self._ended = True
        for _ in self._threads:
            self._tasks.put(None)
        deadline_s = time.monotonic() + _FAREWELL_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None and not self._ended:
            task()

    def _outcome(self, item: _Item) -> _Result | ImageError:
        if self._ended:
            raise CancelledError
        path = None if self._path_of is None else self._path_of(item)
        try:
            result = self._read(item)
        except ImageError as error:
            return error if path is None else self._drive.failed(path, error)
        except OSError as error:
            if path is None:
                raise
            return self._drive.failed(path, error)
        finally:
            self._last_sign_s = time.monotonic()
        self._drive.succeeded()
        return result


def _cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
