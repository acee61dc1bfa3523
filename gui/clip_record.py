"""What a run on clips left in its folder, read back: its configuration, its report, and what it says of every clip."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bandbridge.engine.api.config import DistillConfig
from bandbridge.engine.api.reports import ClipScores, DistillReport, Finding
from bandbridge.engine.api.run_files import PREDICTIONS_FILE, REPORT_FILE, RUN_FILE
from bandbridge.gui.run_record import number_from, read_facts, scores_from, unreadable


@dataclass(frozen=True, slots=True)
class ClipRunRecord:
    """A run's configuration and the state it wrote down last: running, completed, kept, stopped or failed."""

    config: DistillConfig
    state: str


@dataclass(frozen=True, slots=True)
class ClipPrediction:
    """A clip of a run with what the student says of it.

    Attributes:
        file: Relative to the folder of the clips.
        split: "train", "validation" or "test".
        truth: Its labels.
        predicted: What the student says.
        confidence: Probability of the likeliest class, 0..1.
    """

    file: str
    split: str
    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    confidence: float


def read_clip_record(folder: Path) -> ClipRunRecord:
    """Read `run.json`.

    Raises:
        UsageError: It is missing or not what this program writes of clips.
    """
    facts = read_facts(folder / RUN_FILE)
    try:
        return ClipRunRecord(clip_config_from(facts["config"], folder), str(facts["state"]))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(folder / RUN_FILE, repr(error)) from error


def clip_config_from(facts: Mapping[str, Any], folder: Path, *, run: str | None = None) -> DistillConfig:
    """A run's configuration from plain values.

    Args:
        facts: The values.
        folder: What relative paths begin at.
        run: The run folder; None takes `folder`, which may have been moved since.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is not of its kind.
    """
    given = {field.name: facts[field.name] for field in fields(DistillConfig) if field.name in facts}
    for name in ("clips", "teacher_features"):
        if given.get(name) and not Path(given[name]).is_absolute():
            given[name] = str(folder / given[name])
    given["run"] = str(folder) if run is None else run
    given["exclude"] = tuple(given.get("exclude", ()))
    return DistillConfig(**given)


def read_clip_report(folder: Path) -> DistillReport:
    """Read `report.json`.

    Raises:
        UsageError: It is missing or not what this program writes of clips.
    """
    facts = read_facts(folder / REPORT_FILE)
    try:
        given = {field.name: facts[field.name] for field in fields(DistillReport) if field.name in facts}
        for name in ("validation", "test", "teacher_validation", "teacher_test"):
            given[name] = _clip_scores(given[name]) if given[name] is not None else None
        for name in ("seconds", "clips_per_second"):
            given[name] = number_from(given[name])
        given["separation"] = {key: number_from(value) for key, value in given["separation"].items()}
        given["class_names"] = tuple(given["class_names"])
        given["stages"] = tuple(given.get("stages", ()))
        given["set_aside"] = tuple(Finding(**finding) for finding in given["set_aside"])
        given["run"] = str(folder)
        return DistillReport(**given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(folder / REPORT_FILE, repr(error)) from error


def read_clip_predictions(folder: Path) -> tuple[ClipPrediction, ...]:
    """Read `predictions.csv`.

    Raises:
        UsageError: It is missing or not what this program writes of clips.
    """
    try:
        return tuple(
            ClipPrediction(
                file=row["file"],
                split=row["split"],
                truth=_labels(row["truth"]),
                predicted=_labels(row["predicted"]),
                confidence=float(row["confidence"]),
            )
            for row in _rows(folder / PREDICTIONS_FILE)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(folder / PREDICTIONS_FILE, repr(error)) from error


def _labels(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(file, repr(error)) from error


def _clip_scores(facts: Mapping[str, Any]) -> ClipScores:
    return ClipScores(
        clips=int(facts["clips"]),
        classes=None if facts["classes"] is None else scores_from(facts["classes"]),
        tagging={name: number_from(value) for name, value in facts["tagging"].items()},
        measures={name: number_from(value) for name, value in facts["measures"].items()},
    )
