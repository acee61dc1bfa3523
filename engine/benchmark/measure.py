"""What a measurement is, and how two pieces of work are timed against each other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One figure.

    Attributes:
        name: Short key.
        what: What was measured, in words.
        value: The figure (a median where there were several rounds).
        unit: E.g. "x", "s", "ms", "images/s".
        lowest: Smallest round.
        highest: Largest round.
        limit: What the project promises, None without a promise.
        keeps: Whether the promise is kept, None without a promise.
        at_least: Whether the promise is not to stay below the limit, instead of not to pass it.
    """

    name: str
    what: str
    value: float
    unit: str
    lowest: float
    highest: float
    limit: float | None = None
    keeps: bool | None = None
    at_least: bool = False


def of_rounds(
    name: str,
    what: str,
    rounds: list[float],
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Measurement:
    """The median of several rounds, held against a limit it should not pass, or one it should reach."""
    value = statistics.median(rounds)
    keeps = None
    if at_most is not None:
        keeps = value <= at_most
    elif at_least is not None:
        keeps = value >= at_least
    return Measurement(
        name=name,
        what=what,
        value=value,
        unit=unit,
        lowest=min(rounds),
        highest=max(rounds),
        limit=at_least if at_most is None else at_most,
        keeps=keeps,
        at_least=at_least is not None,
    )


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a piece of work."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratios(first: Callable[[], object], second: Callable[[], object], rounds: int) -> list[float]:
    """Time of `first` over time of `second`, timed in turn after one warm-up of each."""
    first()
    second()
    return [seconds(first) / seconds(second) for _ in range(rounds)]
