"""The table of findings: a CSV line for each, for a spreadsheet or a colleague."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from bandbridge.engine.api.reports import CheckedPart, Finding, PairShift

COLUMNS = (
    *("part", "folder", "file", "severity", "kind", "what", "why", "do"),
    *("other", "right_px", "down_px", "confidence"),
)
"""`other` is the other file concerned; the last three are of shifted pairs, in pixels of the sensor image."""


def finding_table(parts: Iterable[CheckedPart]) -> str:
    """All findings of a check as CSV text, part by part."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for part in parts:
        shifts = {(one.rgb, one.sensor): one for one in part.shifts}
        for finding in part.findings:
            shift = shifts.get((finding.other, finding.file)) if finding.kind == "shift" else None
            writer.writerow((part.role, part.folder, *_words(finding), *_numbers(shift)))
    return text.getvalue()


def _words(finding: Finding) -> tuple[str, ...]:
    return finding.file, finding.severity, finding.kind, finding.what, finding.why, finding.do, finding.other


def _numbers(shift: PairShift | None) -> tuple[str, str, str]:
    if shift is None:
        return "", "", ""
    return f"{shift.right_px:.2f}", f"{shift.down_px:.2f}", f"{shift.confidence:.1f}"
