"""The table of shifts: a CSV line for each pair, written by a check."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from bandbridge.engine.api.reports import PairShift

COLUMNS = ("pair", "rgb", "sensor", "right_px", "down_px", "confidence", "sure")
"""Files are relative to their folders; `sure` is "yes" or "no"."""


def shift_table(shifts: Iterable[PairShift]) -> str:
    """Shifts as CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in shifts:
        numbers = (f"{one.right_px:.2f}", f"{one.down_px:.2f}", f"{one.confidence:.1f}")
        writer.writerow((one.pair, one.rgb, one.sensor, *numbers, "yes" if one.sure else "no"))
    return text.getvalue()
