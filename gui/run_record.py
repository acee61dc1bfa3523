"""What a run left in its folder, read back: its configuration and state, its report, its predictions."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from bandbridge.engine.api.config import PairFolders, RunConfig, StretchRule, TileRule
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import TrainingStarted
from bandbridge.engine.api.reports import AdaptReport, Alarm, Finding, Scores, Trial
from bandbridge.engine.api.run_files import (
    CHECKPOINT_FILE,
    EPOCHS_FILE,
    PREDICTIONS_FILE,
    REPORT_FILE,
    RUN_FILE,
    losses_file,
)
from bandbridge.engine.api.sensor_profiles import NO_PROFILE
from bandbridge.gui.curve import Curve
from bandbridge.gui.measures import OF_STAGES
from bandbridge.gui.run_story import StageStory
from numpy.typing import NDArray

_WORDS = ("stage",)
"""Columns of tables that hold no numbers."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run's configuration and the state it wrote down last: running, completed, kept, stopped or failed."""

    config: RunConfig
    state: str
    problem: str = ""


def has_checkpoint(folder: Path) -> bool:
    """Whether a run can go on from where it was."""
    return (folder / CHECKPOINT_FILE).is_file()


def read_record(folder: Path) -> RunRecord:
    """Read `run.json`.

    Raises:
        UsageError: It is missing or not what this program writes.
    """
    facts = read_facts(folder / RUN_FILE)
    try:
        return RunRecord(config_from(facts["config"], folder), str(facts["state"]), str(facts.get("problem", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(folder / RUN_FILE, repr(error)) from error


def read_report(folder: Path) -> AdaptReport:
    """Read `report.json`.

    Raises:
        UsageError: It is missing or not what this program writes.
    """
    facts = read_facts(folder / REPORT_FILE)
    try:
        known = {field.name for field in fields(AdaptReport)}
        given = {name: value for name, value in facts.items() if name in known}
        for name in ("before", "after"):
            given[name] = scores_from(given[name]) if given[name] is not None else None
        for name in ("gap_before", "gap_after", "label_free_before", "label_free_after"):
            given[name] = {key: number_from(value) for key, value in given.get(name, {}).items()}
        for name in ("seconds", "images_per_second", "mean_confidence_before", "mean_confidence_after"):
            given[name] = number_from(given[name])
        given["stages"] = tuple(given.get("stages", ()))
        given["trials"] = tuple(Trial(**trial) for trial in given.get("trials", ()))
        given["set_aside"] = tuple(Finding(**finding) for finding in given["set_aside"])
        given["alarms"] = tuple(Alarm(**alarm) for alarm in given.get("alarms", ()))
        given["run"] = str(folder)  # the folder may have been moved since
        return AdaptReport(**given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(folder / REPORT_FILE, repr(error)) from error


@dataclass(frozen=True)
class Predictions:
    """Every target image with its class before and after.

    Attributes:
        files: (N) paths relative to the target folder.
        class_names: Names the indices stand for.
        truth: (N,) class indices, -1 where no label exists.
        before: (N,) class indices given by the untouched model.
        after: (N,) class indices given by the adapted model.
        before_confidence: (N,) probabilities of these.
        after_confidence: (N,) probabilities of these.
    """

    files: tuple[str, ...]
    class_names: tuple[str, ...]
    truth: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    before_confidence: NDArray[np.float32]
    after_confidence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        """(N,) whether the class changed."""
        return np.not_equal(self.before, self.after)

    @cached_property
    def wrong(self) -> NDArray[np.bool_]:
        """(N,) whether a label exists and the adapted model's class is another."""
        wrong: NDArray[np.bool_] = (self.truth >= 0) & (self.after != self.truth)
        return wrong

    @property
    def has_labels(self) -> bool:
        """Whether any image has a label."""
        return bool((self.truth >= 0).any())


def read_predictions(folder: Path) -> Predictions:
    """Read `predictions.csv`.

    Raises:
        UsageError: It is missing or not what this program writes.
    """
    path = folder / PREDICTIONS_FILE
    columns: dict[str, list[str]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            names = next(reader)
            rows = list(reader)
        columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
        classes = sorted({*columns["before"], *columns["after"], *columns["truth"]} - {""})
        index = {name: number for number, name in enumerate(classes)} | {"": -1}
        return Predictions(
            files=tuple(columns["file"]),
            class_names=tuple(classes),
            truth=np.array([index[name] for name in columns["truth"]], dtype=np.int64),
            before=np.array([index[name] for name in columns["before"]], dtype=np.int64),
            after=np.array([index[name] for name in columns["after"]], dtype=np.int64),
            before_confidence=np.array(columns["before_confidence"], dtype=np.float32),
            after_confidence=np.array(columns["after_confidence"], dtype=np.float32),
        )
    except (OSError, UnicodeDecodeError, StopIteration, KeyError, IndexError, ValueError) as error:
        raise unreadable(path, repr(error)) from error


def read_facts(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        UsageError: It is missing or not what this program writes.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unreadable(path, repr(error)) from error
    if not isinstance(facts, dict):
        raise unreadable(path, "no JSON object")
    return facts


def unreadable(path: Path, details: str) -> UsageError:
    """The words for a run's file that cannot be used."""
    why = "It is damaged or was not written by this program." if path.exists() else "The file is missing."
    return UsageError(
        f"'{path.name}' of the run '{path.parent.name}' cannot be read.",
        why,
        "Run it again, or restore the run folder from a copy.",
        details=f"{path}: {details}",
    )


def read_course(folder: Path, names: Sequence[str]) -> list[StageStory]:
    """The stages a run has gone through, with their losses and what was measured, as far as the run folder tells.

    Args:
        folder: The run folder.
        names: Of all stages of its method.

    Returns:
        First to last; none where the files are missing or not what this program writes. A line cut off by a crash is
        left out.
    """
    steps, columns = _read_columns(folder / EPOCHS_FILE)
    if "epoch" not in columns:
        return []
    starts = [*np.flatnonzero(columns["epoch"] == 0).tolist(), len(steps)]
    stages: list[StageStory] = []
    for number, (name, (start, stop)) in enumerate(zip(names, pairwise(starts), strict=False)):
        if stop - start < 2:
            break  # not one epoch was finished: how long one is stands nowhere
        at, values = _read_columns(folder / losses_file(number, len(names)))
        facts = TrainingStarted(
            stage=name,
            steps=0,  # in all: known once the run goes on
            steps_per_epoch=int(steps[start + 1] - steps[start]),
            device="",
            terms=tuple(term for term in values if term != "total"),
            number=number,
            stages=tuple(names),
            steps_before=int(steps[start]),
        )
        stage = StageStory(facts)
        for term, curve in values.items():
            stage.curves[term] = Curve()
            stage.curves[term].add(at, curve)
        for key in OF_STAGES:
            if key in columns and not np.isnan(columns[key][start:stop]).all():
                stage.measured[key] = Curve()
                stage.measured[key].add(steps[start:stop], columns[key][start:stop])
        stages.append(stage)
    return stages


def _read_columns(path: Path) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """The column "step" and the others of a table, NaN for an empty cell, without words; nothing if it is damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file))
        whole = [row for row in rows if len(row) == len(head)]
        numbers = [place for place, name in enumerate(head) if name not in _WORDS]
        head, whole = [head[place] for place in numbers], [[row[place] for place in numbers] for row in whole]
        table = np.array([[float(cell or "nan") for cell in row] for row in whole], dtype=np.float64)
        table = table.reshape(len(whole), len(head))
        place = head.index("step")
        steps = table[:, place].astype(np.int64)
    except (OSError, UnicodeDecodeError, ValueError):
        return np.empty(0, dtype=np.int64), {}
    return steps, {name: table[:, index] for index, name in enumerate(head) if index != place}


def number_from(value: object) -> float:
    """A number as JSON has it; null is NaN."""
    return float("nan") if value is None else float(str(value))


def scores_from(facts: Mapping[str, Any]) -> Scores:
    """Scores as JSON has them."""
    return Scores(
        images=int(facts["images"]),
        accuracy=number_from(facts["accuracy"]),
        balanced_accuracy=number_from(facts["balanced_accuracy"]),
        per_class={name: number_from(value) for name, value in facts["per_class"].items()},
        confusion=np.array(facts["confusion"], dtype=np.int64).reshape(len(facts["class_names"]), -1),
        class_names=tuple(facts["class_names"]),
    )


def config_from(facts: Mapping[str, Any], folder: Path, *, run: str | None = None) -> RunConfig:
    """A run's configuration from plain values.

    Args:
        facts: As written by the engine.
        folder: That relative paths begin at.
        run: The run folder; None takes `folder`.

    Raises:
        KeyError, TypeError, ValueError: They are not those of a configuration.
    """
    known = {field.name for field in fields(RunConfig)}
    given = {name: value for name, value in facts.items() if name in known}

    def found(path: str) -> str:
        return path if Path(path).is_absolute() else str(folder / path)

    given["run"] = str(folder) if run is None else run
    given["target"] = found(given["target"])
    given["sources"] = tuple(found(path) for path in given["sources"])
    given["pairs"] = tuple(
        PairFolders(**{key: found(path) if path else path for key, path in p.items()}) for p in given.get("pairs", ())
    )
    given.setdefault("sensor_profile", NO_PROFILE)  # runs of earlier versions knew none
    given["stretch"] = StretchRule(**given.get("stretch", {}))
    given["tiles"] = TileRule(**given.get("tiles", {}))
    for name in ("rgb_bands", "sensor_bands", "exclude", "class_names"):
        if given.get(name) is not None:
            given[name] = tuple(given[name])
    return RunConfig(**given)
