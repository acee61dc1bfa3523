"""A result as JSON: numbers, words, lists and names only; what is no number becomes null."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bandbridge.engine.api.reports import AdaptReport, Report
from bandbridge.engine.api.storage import write_text
from bandbridge.engine.worker.run_folder import as_plain


def result_of(verb: str, report: Report) -> dict[str, Any]:
    """A report as plain values.

    Returns:
        The report's own fields under their names, and the verb. An adaptation is given once more in the
        form of a table, `accuracy: {before, after}` and so on, with null where there are no labels.
    """
    result: dict[str, Any] = {"verb": verb, **as_plain(report)}
    if isinstance(report, AdaptReport):
        before, after = report.before, report.after
        table = {
            "accuracy": (before and before.accuracy, after and after.accuracy),
            "balanced_accuracy": (before and before.balanced_accuracy, after and after.balanced_accuracy),
            "modality_gap": (report.gap_before, report.gap_after),
            "predicted": (report.predicted_before, report.predicted_after),
            "mean_confidence": (report.mean_confidence_before, report.mean_confidence_after),
            "held_out_agreement": (report.agreement_before, report.agreement_after),
            "label_free": (report.label_free_before, report.label_free_after),
        }
        result |= {name: {"before": as_plain(old), "after": as_plain(new)} for name, (old, new) in table.items()}
    return result


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result in one step.

    Raises:
        StorageError: It could not be written.
    """
    write_text(path, json.dumps(as_plain(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
