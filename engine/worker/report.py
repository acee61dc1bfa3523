"""The report of a run: one HTML file with its charts inside, for any browser, a supervisor or an archive."""

from __future__ import annotations

import contextlib
import csv
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.events import GAP_MEASURES, LABEL_FREE, LOSS_TERMS
from bandbridge.engine.api.reports import AdaptReport
from bandbridge.engine.api.rounding import percent
from bandbridge.engine.api.run_files import EPOCHS_FILE, GAP_FILE, REPORT_PAGE, losses_file
from bandbridge.engine.api.storage import write_text
from numpy.typing import NDArray

_TEMPLATE = "report.html.j2"
_CURVE_POINTS = 300
_CURVE_WIDTH, _CURVE_HEIGHT = 300.0, 90.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve, ready to be drawn.

    Attributes:
        title: What it shows.
        explain: What it means; may be empty.
        points: "x,y x,y ..." within 0..300 and 0..90, y downwards.
        low: Smallest value shown.
        high: Largest value shown.
        first: Value at the first step.
        last: Value at the last step.
        from_step: Number of the first step.
        to_step: Number of the last step.
    """

    title: str
    explain: str
    points: str
    low: float
    high: float
    first: float
    last: float
    from_step: int
    to_step: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the before/after table: a title, both values as text, and what it means."""

    title: str
    before: str
    after: str
    explain: str


def write_report(folder: Path, report: AdaptReport, config: RunConfig, info: MethodInfo) -> Path:
    """Write `report.html` into a run folder from the run's result and its recorded curves.

    Args:
        folder: The run folder, with `losses.csv`, `gap.csv` and `epochs.csv` where the run wrote them.
        report: The result.
        config: What was asked.
        info: The method.

    Returns:
        The file written.

    Raises:
        StorageError: It could not be written.
    """
    text = render(
        _TEMPLATE,
        report=report,
        config=config,
        info=info,
        settings=[(setting.title, config.settings.get(setting.key, setting.default)) for setting in info.settings],
        verdict=verdict(report),
        rows=before_after(report),
        counts=_counts(report),
        losses=loss_curves(folder, report.stages),
        gaps=read_curves(folder / GAP_FILE, GAP_MEASURES),
        label_free=read_curves(
            folder / EPOCHS_FILE, {name: facts[:2] for name, facts in LABEL_FREE.items()}, known=True
        ),
    )
    path = folder / REPORT_PAGE
    write_text(path, text)
    return path


def render(template: str, **facts: Any) -> str:
    """A page made from a template of `resources/report`; it knows the time it was `written`."""
    folder = files("bandbridge.resources").joinpath("report")
    loader = jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8"))
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["percent"] = percent
    environment.filters["number"] = _number
    environment.filters["name"] = lambda path: Path(path).name
    written = datetime.datetime.now().astimezone().strftime("%d %B %Y, %H:%M")
    return environment.get_template(template).render(written=written, **facts)


def loss_curves(folder: Path, stages: Sequence[str]) -> list[Curve]:
    """Of all stages, each named after its own where there are several; a sum of one term is not shown beside it."""
    if len(stages) < 2:
        return _without_twin(read_curves(folder / losses_file(0, 1), LOSS_TERMS))
    curves: list[Curve] = []
    for number, stage in enumerate(stages):
        file = folder / losses_file(number, len(stages))
        curves += of_stage(stage, _without_twin(read_curves(file, LOSS_TERMS)))
    return curves


def _without_twin(curves: list[Curve]) -> list[Curve]:
    """Without the total, the first, where the only term beside it is the same."""
    alone = len(curves) == 2 and replace(curves[0], title=curves[1].title, explain=curves[1].explain) == curves[1]
    return curves[1:] if alone else curves


def of_stage(stage: str, curves: Sequence[Curve]) -> list[Curve]:
    """Curves named after their stage as well."""
    return [replace(one, title=f"{stage}: {one.title[:1].lower()}{one.title[1:]}") for one in curves]


def verdict(report: AdaptReport) -> str:
    """What the numbers say, in a sentence or two."""
    if report.before is not None and report.after is not None:
        old, new = report.before.accuracy, report.after.accuracy
        went = "stayed at" if percent(old) == percent(new) else "rose to" if new > old else "fell to"
        return (
            f"Of {report.after.images} labelled images, the untouched source model names {percent(old)} right; "
            f"after the adaptation this {went} {percent(new)}. The labels were used for this sentence only."
        )
    sentence = (
        f"{report.changed} of {report.target_images} images changed their class. There are no labels, so whether "
    )
    sentence += "that is better cannot be measured directly."
    if report.agreement_before is None or report.agreement_after is None:
        return f"{sentence} Look at the images in the window before you rely on it."
    return (
        f"{sentence} On pairs kept aside, the model agreed with the source model's answer for the RGB partner in "
        f"{percent(report.agreement_before)} of the cases before and {percent(report.agreement_after)} after."
    )


def before_after(report: AdaptReport) -> list[Row]:
    """The before/after table, best-known numbers first; numbers the run does not have are left out."""
    rows = []
    before, after = report.before, report.after
    if before is not None and after is not None:
        rows += [
            Row(
                "Accuracy",
                percent(before.accuracy),
                percent(after.accuracy),
                "Share of the labelled images named right.",
            ),
            Row(
                "Balanced accuracy",
                percent(before.balanced_accuracy),
                percent(after.balanced_accuracy),
                "The same, every class counting alike however many images it has.",
            ),
        ]
    if report.agreement_before is not None and report.agreement_after is not None:
        rows.append(
            Row(
                "Agreement on held-out pairs",
                percent(report.agreement_before),
                percent(report.agreement_after),
                "How often a sensor image gets the class that the source model gives its RGB partner.",
            )
        )
    rows.append(
        Row(
            "Mean confidence",
            percent(report.mean_confidence_before),
            percent(report.mean_confidence_after),
            "How sure the model is of its answers, on average; sure is not the same as right.",
        )
    )
    for measure, (title, explain, _) in LABEL_FREE.items():
        if measure != "agreement" and measure in report.label_free_before and measure in report.label_free_after:
            old, new = report.label_free_before[measure], report.label_free_after[measure]
            rows.append(Row(f"Without labels: {title}", _number(old), _number(new), explain))
    for measure, (title, explain) in GAP_MEASURES.items():
        if measure in report.gap_before and measure in report.gap_after:
            old, new = report.gap_before[measure], report.gap_after[measure]
            rows.append(Row(f"Modality gap: {title}", _number(old), _number(new), explain))
    return rows


def read_curves(
    path: Path,
    titles: Mapping[str, tuple[str, str]] | None = None,
    *,
    known: bool = False,
    stage: str = "",
) -> list[Curve]:
    """Every column of a recorded table over its first column, the step.

    Args:
        path: CSV file with a head line; need not exist. A half-written last line is left out, an empty cell is none.
        titles: Column -> (title, what it means); a column not named keeps its own name.
        known: Leave out columns that `titles` does not name.
        stage: Take the lines of this stage alone, of a table with the column "stage".
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        head, *lines = [line for line in csv.reader(file) if line] or [[]]
    if stage:
        at = head.index("stage")
        lines = [line[:at] + line[at + 1 :] for line in lines if len(line) > at and line[at] == stage]
        head = head[:at] + head[at + 1 :]
    whole = []
    for line in lines:
        with contextlib.suppress(ValueError):  # a killed run may leave half a line
            if len(line) == len(head):
                whole.append([float(cell or "nan") for cell in line])
    if len(whole) < 2:
        return []
    table = np.asarray(whole, dtype=np.float64)  # (N, 1 + columns)
    curves = []
    for place, name in enumerate(head[1:], start=1):
        there = np.isfinite(table[:, place])
        if there.sum() >= 2 and (not known or name in (titles or {})):
            title, explain = (titles or {}).get(name, (name.replace("_", " ").capitalize(), ""))
            curves.append(_curve(title, explain, table[there, 0], table[there, place]))
    return curves


def _curve(title: str, explain: str, steps: NDArray[np.float64], values: NDArray[np.float64]) -> Curve:
    low, high = float(values.min()), float(values.max())
    kept = _corners(values)
    span = max(high - low, 1e-12)
    x = (steps[kept] - steps[0]) / max(steps[-1] - steps[0], 1e-12) * _CURVE_WIDTH
    y = _CURVE_HEIGHT * (1.0 - (values[kept] - low) / span) if high > low else np.full(len(kept), _CURVE_HEIGHT / 2)
    points = " ".join(f"{across:.1f},{down:.1f}" for across, down in zip(x, y, strict=True))
    return Curve(title, explain, points, low, high, float(values[0]), float(values[-1]), int(steps[0]), int(steps[-1]))


def _corners(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which values to draw: all of a short curve, else the lowest and highest of every stretch, so spikes stay."""
    if len(values) <= _CURVE_POINTS:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), _CURVE_POINTS // 2):
        kept |= {int(part[values[part].argmin()]), int(part[values[part].argmax()])}
    return np.asarray(sorted(kept), dtype=np.int64)


def _counts(report: AdaptReport) -> Sequence[tuple[str, int, int]]:
    """(class, images before, images after), most frequent after first."""
    names = dict.fromkeys([*report.predicted_before, *report.predicted_after])
    rows = [(name, report.predicted_before.get(name, 0), report.predicted_after.get(name, 0)) for name in names]
    return sorted(rows, key=lambda row: (-row[2], row[0]))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
