"""Reading many files side by side, in order, with a bounded number of images in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_MOST_THREADS = 8
_MOST_BYTES = 1 << 30


def read_ahead(
    items: Sequence[_Item],
    read: Callable[[_Item], _Result],
    control: Control,
    weigh: Callable[[_Item], int] = lambda item: 0,
) -> Iterator[tuple[_Item, _Result | ImageError]]:
    """Apply `read` to every item, a few ahead of the one being used.

    Decoders work outside Python's lock, so threads gain. Pause and stop are looked at before every item.

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
    threads = min(_MOST_THREADS, _cores())
    waiting = deque(items)
    ahead: deque[tuple[_Item, int, Future[_Result]]] = deque()
    in_flight = 0
    pool = ThreadPoolExecutor(threads, thread_name_prefix="bandbridge-read")
    try:
        while waiting or ahead:
            control.check()
            while waiting and len(ahead) <= 2 * threads:
                weight = weigh(waiting[0])
                if ahead and in_flight + weight > _MOST_BYTES:
                    break
                in_flight += weight
                ahead.append((waiting[0], weight, pool.submit(read, waiting.popleft())))
            item, weight, future = ahead.popleft()
            try:
                result = future.result()
            except ImageError as error:
                yield item, error
            else:
                yield item, result
            in_flight -= weight
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
