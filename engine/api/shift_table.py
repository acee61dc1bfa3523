"""The table of shifts: a CSV line for each pair, written by a check and read by a run that moves pairs into place."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bandbridge.engine.api.csv_rows import as_listed, read_csv_rows
from bandbridge.engine.api.errors import PairingError
from bandbridge.engine.api.reports import PairShift

COLUMNS = ("pair", "rgb", "sensor", "right_px", "down_px", "confidence", "sure", "together")
"""Files are relative to their folders; `sure` and `together` are "yes" or "no"."""

_NEEDED = ("rgb", "sensor", "right_px", "down_px")
_YES = frozenset(("yes", "y", "true", "1"))


@dataclass(frozen=True, slots=True)
class Move:
    """By how much a pair is to be moved into place.

    Attributes:
        right_px: The sensor image shows the same things so many of its own pixels further right.
        down_px: So many further down.
    """

    right_px: float
    down_px: float


Moves = Mapping[tuple[str, str], Move]
"""(RGB file, sensor file), relative to their folders -> its shift."""


def shift_table(shifts: Iterable[PairShift]) -> str:
    """Shifts as CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in shifts:
        numbers = (f"{one.right_px:.2f}", f"{one.down_px:.2f}", f"{one.confidence:.1f}")
        flags = ("yes" if flag else "no" for flag in (one.sure, one.together))
        writer.writerow((one.pair, one.rgb, one.sensor, *numbers, *flags))
    return text.getvalue()


def read_shift_table(table: str | Path) -> dict[tuple[str, str], Move]:
    """The rows of a table that count: those whose `sure` says yes, or all if it has no such column.

    Comma, semicolon and tab separate columns; the columns `pair`, `confidence` and `together` are for people.

    Raises:
        PairingError: The table cannot be read, lacks a column, or a row that counts holds no numbers.
    """
    read = read_csv_rows(Path(table), "table of shifts")
    missing = [name for name in _NEEDED if name not in read.columns]
    if missing:
        raise PairingError(
            f"The table of shifts '{table}' lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.",
            f"Its heading is: {read.heading or 'empty'}.",
            "Write it with 'bandbridge check --shifts', or name the columns rgb, sensor, right_px and down_px.",
        )
    moves: dict[tuple[str, str], Move] = {}
    for number, row in read.rows:
        if "sure" in row and row["sure"].casefold() not in _YES:
            continue
        try:
            right_px, down_px = (float(row[name]) for name in ("right_px", "down_px"))
        except ValueError:
            right_px = down_px = math.nan
        if not (math.isfinite(right_px) and math.isfinite(down_px)):
            raise PairingError(
                f"Row {number} of the table of shifts '{table}' holds no numbers.",
                f"right_px is '{row['right_px']}' and down_px is '{row['down_px']}'.",
                "Write numbers with a point, or 'no' in the column sure.",
            )
        moves[as_listed(row["rgb"]), as_listed(row["sensor"])] = Move(right_px, down_px)
    return moves
