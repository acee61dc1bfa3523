"""The page of a comparison: one HTML file with its table and its picture inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bandbridge.engine.api.config import CompareConfig
from bandbridge.engine.api.measures import Measure, foremost, leading, measure, standings
from bandbridge.engine.api.reports import ComparedMethod, CompareReport, Spread
from bandbridge.engine.api.rounding import in_percent, percent, rounded
from bandbridge.engine.api.storage import write_text
from bandbridge.engine.api.video_catalogue import any_method_info, is_for_clips
from bandbridge.engine.worker.report import render

COMPARISON_PAGE = "comparison.html"
_TEMPLATE = "comparison.html.j2"
_WIDTH, _LINE_HEIGHT = 400.0, 26.0
_STATES = {
    "waiting": "its turn has not come",
    "running": "at work",
    "stopped": "stopped",
    "failed": "failed",
    "unfit": "does not fit",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a name, how many runs it tells of, and (text, standing) for every column."""

    title: str
    runs: str
    cells: tuple[tuple[str, str], ...]
    problem: str
    alarm: str


@dataclass(frozen=True, slots=True)
class Dots:
    """One method in the picture: its name, height, and where its runs and their mean stand, 0 to 400."""

    title: str
    y: float
    runs: tuple[float, ...]
    mean: float


def write_comparison(folder: Path, report: CompareReport, config: CompareConfig) -> Path:
    """Write `comparison.html` into a comparison's folder.

    Args:
        folder: Where to.
        report: The result, complete or so far.
        config: What was asked.

    Returns:
        The file written.

    Raises:
        StorageError: It could not be written.
    """
    measures = [measure(key) for key in report.measures]
    first = [measure(key) for key in foremost(report.measures)]
    main = leading(report.measures)
    text = render(
        _TEMPLATE,
        report=report,
        config=config.base,
        clips=config.of_clips,
        seeds=config.seeds,
        verdict=verdict(report),
        measures=first,
        rows=[_row(entry, report, first) for entry in report.methods],
        before=_texts(first, report.before),
        more=[one for one in measures if one not in first],
        more_rows=[_row(entry, report, [one for one in measures if one not in first]) for entry in report.methods],
        explained=measures,
        runs=[(_title(run.method), _STATES.get(run.state, ""), run, _texts(first, run.values)) for run in report.runs],
        main=measure(main).title if main else "",
        dots=_dots(report, main) if main and measure(main).unit == "share" else [],
        before_x=_WIDTH * report.before[main] if main in report.before else None,
        settings=[
            (_title(method), ", ".join(f"{key}={value}" for key, value in sorted(chosen.items())))
            for method, chosen in config.settings.items()
            if chosen and method in config.methods
        ],
    )
    path = folder / COMPARISON_PAGE
    write_text(path, text)
    return path


def verdict(report: CompareReport) -> str:
    """What the numbers say, in a few sentences."""
    done = [entry for entry in report.methods if entry.completed]
    if not done:
        return "No run is complete yet."
    key = leading(report.measures)
    what = measure(key)
    sentence = ""
    if not key and is_for_clips(done[0].method):
        return "No labelled clips were kept aside for testing, so nobody can say which method is better."
    if key not in ("accuracy", "tagging_map"):
        sentence = "There are no labels, so nobody can say which method is most often right. "
    if not key:
        return sentence + "There are no pairs kept aside either; look at the images before you rely on any of them."
    standing = standings(done, key)
    leaders = [entry for entry in done if standing.get(entry.method) == "best"]
    near = [entry for entry in done if standing.get(entry.method) == "close"]
    sentence += f"Highest {what.within}: {_named(leaders, key)}." if leaders else f"{what.title}: {_named(done, key)}."
    if near:
        sentence += f" So close that chance may have decided: {_named(near, key)}."
    elif leaders and max(entry.completed for entry in done) < 2:
        sentence += " With one seed a method, nothing tells how much of this is chance."
    if key in report.before:
        before = words(what, report.before[key])
        of_clips = is_for_clips(done[0].method)
        sentence += f" Guessing reaches {before}." if of_clips else f" The untouched source model: {before}."
    return sentence


def spread_words(what: Measure, value: Spread) -> str:
    """E.g. "71.9 ± 2.5 %": mean and standard deviation, or the one value there is."""
    if value.deviation is None:
        return words(what, value.mean)
    if what.unit == "share":
        return f"{in_percent(value.mean)} ± {percent(value.deviation)}"
    mean, _, unit = words(what, value.mean).partition("\u202f")
    digits = len(mean.partition(".")[2])
    return f"{mean} ± {rounded(value.deviation, digits)}" + (f"\u202f{unit}" if unit else "")


def words(what: Measure, value: float) -> str:
    """A number with its unit."""
    match what.unit:
        case "share":
            return percent(value)
        case "seconds":
            return f"{rounded(value, 1)}\u202fs"
        case "images/s":
            return rounded(value, 0)
        case "MiB":
            return f"{rounded(value, 0)}\u202fMiB"
        case _:
            return rounded(value, 3)


def _row(entry: ComparedMethod, report: CompareReport, measures: Sequence[Measure]) -> Row:
    cells = []
    for one in measures:
        value = entry.values.get(one.key)
        standing = standings(report.methods, one.key).get(entry.method, "")
        cells.append(("" if value is None else spread_words(one, value), standing))
    runs = f"{entry.completed} of {entry.runs}"
    if entry.completed < entry.runs:
        runs += f", {_STATES.get(entry.state, entry.state)}"
    return Row(_title(entry.method), runs, tuple(cells), entry.problem, entry.alarm)


def _texts(measures: Sequence[Measure], values: Mapping[str, float]) -> list[str]:
    return [words(one, values[one.key]) if one.key in values else "" for one in measures]


def _named(entries: Sequence[ComparedMethod], key: str) -> str:
    return ", ".join(
        f"{_title(entry.method)} ({spread_words(measure(key), entry.values[key])})"
        for entry in entries
        if key in entry.values
    )


def _title(method: str) -> str:
    return any_method_info(method).title


def _dots(report: CompareReport, key: str) -> list[Dots]:
    shown = [entry for entry in report.methods if key in entry.values]
    return [
        Dots(
            _title(entry.method),
            _LINE_HEIGHT * (line + 0.5),
            tuple(_WIDTH * run.values[key] for run in report.runs if run.method == entry.method and key in run.values),
            _WIDTH * entry.values[key].mean,
        )
        for line, entry in enumerate(shown)
    ]
