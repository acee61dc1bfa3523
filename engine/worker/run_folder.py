"""The run folder: what a run leaves behind (`run_files`), readable by a person, a spreadsheet and this program.

Curves are text that is only ever appended to: a killed process loses at most the last line.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bandbridge.engine.api.config import AnyRunConfig, RunConfig
from bandbridge.engine.api.errors import BandbridgeError, Stopped, UsageError
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.api.run_files import CHECKPOINT_FILE, MODEL_FILE, RUN_FILE, SET_ASIDE_FILE, TRANSLATOR_FILE
from bandbridge.engine.api.storage import check_writable, storage_error, write_text

RUN_FORMAT = "bandbridge-run-1"
DISTILLATION_FORMAT = "bandbridge-distillation-1"


def as_plain(value: Any) -> Any:
    """A report or configuration as what JSON knows: objects, lists, numbers (None for NaN and infinity), text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return as_plain(value.tolist())
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, np.generic):
        return as_plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def fingerprint(config: AnyRunConfig) -> str:
    """Identifies what decides a run's course: its configuration but for the folder it is written to and the device."""
    facts = as_plain(config)
    for free in ("run", "device"):
        del facts[free]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def write_json(path: Path, facts: Any) -> None:
    """Write a JSON file in one step.

    Raises:
        StorageError: It could not be written.
    """
    write_text(path, json.dumps(as_plain(facts), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file in one step.

    Raises:
        StorageError: It could not be written.
    """
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, "".join(lines))


class RunFolder:
    """Writes a run's files.

    Args:
        config: The run's configuration.
        resume: Go on in a folder that holds this configuration's checkpoint.

    Raises:
        UsageError: The folder already holds a run, or there is nothing to go on from.
        StorageError: It cannot be written.
    """

    def __init__(self, config: AnyRunConfig, *, resume: bool) -> None:
        self.config = config
        self.path = Path(config.run)
        self.fingerprint = fingerprint(config)
        check_writable(self.path / RUN_FILE, f"The run cannot be saved in '{self.path}'.")
        if resume and not self.checkpoint.is_file():
            raise UsageError(
                f"There is nothing to go on from in '{self.path}'.",
                "The run has not saved a checkpoint yet.",
                "Start it anew in another folder.",
            )
        if not resume and self.path.is_dir() and any(self.path.iterdir()):
            raise UsageError(
                f"The folder '{self.path}' is not empty.",
                "A run never writes over what is there.",
                "Choose another folder, or go on with the run it holds.",
            )

    @property
    def checkpoint(self) -> Path:
        """The checkpoint file."""
        return self.path / CHECKPOINT_FILE

    @property
    def model(self) -> Path:
        """The adapted model file."""
        return self.path / MODEL_FILE

    @property
    def translator(self) -> Path:
        """The translator, where the method trains one."""
        return self.path / TRANSLATOR_FILE

    def mark(self, state: str, problem: str = "") -> None:
        """Write down the run's state: running, completed, kept, stopped or failed."""
        facts = {
            "format": RUN_FORMAT if isinstance(self.config, RunConfig) else DISTILLATION_FORMAT,
            "state": state,
            "process": os.getpid() if state == "running" else None,
            "problem": problem,
            "fingerprint": self.fingerprint,
            "config": as_plain(self.config),
        }
        self.write_json(RUN_FILE, facts)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Mark the run as running meanwhile, and as stopped or failed where that is how it ends."""
        self.mark("running")
        try:
            yield
        except Stopped:
            self.mark("stopped")
            raise
        except Exception as error:
            with contextlib.suppress(BandbridgeError):  # a full disk must not hide what went wrong
                self.mark("failed", str(error))
            raise

    def write_json(self, name: str, facts: Any) -> None:
        """Write a JSON file in one step."""
        write_json(self.path / name, facts)

    def write_set_aside(self, findings: Iterable[Finding]) -> None:
        """List what was left out, and every other remark.

        Raises:
            StorageError: It could not be written.
        """
        self.write_table(
            SET_ASIDE_FILE,
            ("severity", "kind", "file", "what", "why", "do"),
            [(one.severity, one.kind, one.file, one.what, one.why, one.do) for one in findings],
        )

    def write_table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a CSV file in one step."""
        write_table(self.path / name, columns, rows)

    def append(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append lines to a CSV file, with a head line if it is new."""
        path = self.path / name
        try:
            new = not path.exists()
            with path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if new:
                    writer.writerow(columns)
                writer.writerows(rows)
        except OSError as error:
            raise storage_error(path, error) from error

    def drop_after(self, name: str, step: int) -> None:
        """Forget lines of a curve past a step, so that a resumed run does not draw them twice."""
        path = self.path / name
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines[1:] if line.partition(",")[0].isdigit() and int(line.partition(",")[0]) <= step]
        write_text(path, "\n".join([*lines[:1], *kept]) + "\n")


class _Lines(list[str]):
    """A list a CSV writer can write to."""

    def write(self, line: str) -> int:
        self.append(line)
        return len(line)
