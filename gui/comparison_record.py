"""What a comparison of methods left in its folder, read back: what was asked, and its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bandbridge.engine.api.config import CompareConfig
from bandbridge.engine.api.reports import ComparedMethod, ComparedRun, CompareReport, Spread
from bandbridge.gui.clip_record import clip_config_from
from bandbridge.gui.run_record import config_from, read_facts, unreadable

COMPARISON_FILE = "comparison.json"
COMPARISON_PAGE = "comparison.html"


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """A comparison: what was asked, its table as last written, and whether it was running, stopped or completed."""

    config: CompareConfig
    report: CompareReport
    state: str


def read_comparison(folder: Path) -> ComparisonRecord:
    """Read `comparison.json`; folders inside the comparison are those of where it lies now.

    Raises:
        UsageError: It is missing or not what this program writes.
    """
    facts = read_facts(folder / COMPARISON_FILE)
    try:
        return ComparisonRecord(_config(facts["config"], folder), _report(facts["report"], folder), str(facts["state"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(folder / COMPARISON_FILE, repr(error)) from error


def _config(facts: Mapping[str, Any], folder: Path) -> CompareConfig:
    methods, seeds = tuple(map(str, facts["methods"])), tuple(map(int, facts["seeds"]))
    settings, base = dict(facts["settings"]), facts["base"]
    read = clip_config_from if "clips" in base else config_from
    return CompareConfig(
        base=read(base, folder, run=""), methods=methods, seeds=seeds, output=str(folder), settings=settings
    )


def _report(facts: Mapping[str, Any], folder: Path) -> CompareReport:
    return CompareReport(
        folder=str(folder),
        methods=tuple(
            ComparedMethod(
                **_known(ComparedMethod, method)
                | {"values": {key: Spread(**spread) for key, spread in method["values"].items()}}
            )
            for method in facts["methods"]
        ),
        runs=tuple(
            ComparedRun(
                **_known(ComparedRun, run)
                | {"folder": str(folder / "runs" / Path(run["folder"]).name), "alarms": tuple(run.get("alarms", ()))}
            )
            for run in facts["runs"]
        ),
        measures=tuple(facts["measures"]),
        images=int(facts["images"]),
        before=dict(facts["before"]),
        stopped_early=bool(facts["stopped_early"]),
    )


def _known(kind: type[Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What this version knows of; a later one may have written more."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in facts.items() if name in names}
