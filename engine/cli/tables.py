"""Showing results on the terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from bandbridge.engine.api.events import GAP_MEASURES, LABEL_FREE
from bandbridge.engine.api.measures import Measure, Standing, foremost, in_order, measure, standings
from bandbridge.engine.api.reports import (
    AdaptReport,
    CheckedPart,
    CheckReport,
    ClipQuery,
    ClipScores,
    ComparedMethod,
    CompareReport,
    DistillReport,
    EvaluateClipsReport,
    EvaluateReport,
    ExportReport,
    Finding,
    FolderReport,
    FoundClip,
    ModelReport,
    PairsReport,
    PicturesReport,
    Prediction,
    PredictReport,
    Report,
    RetrieveReport,
    SampleReport,
    SceneReport,
    Scores,
    ThumbnailsReport,
    TrainSourceReport,
    TranslateReport,
    VideoSampleReport,
)
from bandbridge.engine.api.rounding import in_percent
from bandbridge.engine.api.run_files import REPORT_PAGE
from bandbridge.engine.api.sensor_profiles import SensorProposal
from bandbridge.engine.api.video_catalogue import any_method_info
from bandbridge.engine.benchmark.measure import Measurement
from bandbridge.engine.cli.progress import counted, duration
from bandbridge.engine.worker.comparison_report import verdict
from rich.console import Console
from rich.table import Table
from rich.text import Text

_MOST_ALIKE = 5
_SEVERITIES = ("error", "warning", "note")
_UNITS = {"share": "%", "number": "", "seconds": "s", "images/s": "", "MiB": "MiB"}
_MOST_CLASSES = 20
_MOST_PICTURES = 20


def show(report: Report, stream: TextIO | None = None) -> None:
    """Print a report for a person.

    Args:
        report: Of any verb.
        stream: Where to; the terminal if not given.
    """
    page = _Page(stream or sys.stdout)
    match report:
        case AdaptReport():
            _show_adaptation(page, report)
        case CompareReport():
            _show_comparison(page, report)
        case TrainSourceReport():
            _show_training(page, report)
        case DistillReport():
            _show_distillation(page, report)
        case EvaluateClipsReport():
            page.say({"all": "All clips"}.get(report.split, f"The {report.split} clips"))
            _show_clip_scores(page, report.scores)
            _show_findings(page, report.set_aside)
        case RetrieveReport():
            _show_found(page, report)
        case EvaluateReport():
            _show_scores(page, report.scores)
            _show_findings(page, report.set_aside)
        case PredictReport():
            _show_predictions(page, report)
        case TranslateReport():
            _show_translation(page, report)
        case ExportReport():
            _show_export(page, report)
        case ModelReport():
            _show_model(page, report)
        case FolderReport():
            _show_folder(page, report)
        case SceneReport():
            _show_scene(page, report)
        case PairsReport():
            _show_pairs(page, report)
        case CheckReport():
            _show_check(page, report)
        case SampleReport():
            _show_sample(page, report)
        case VideoSampleReport():
            _show_video_sample(page, report)
        case ThumbnailsReport() | PicturesReport():
            raise AssertionError("no verb makes pictures for the window")


def show_measurements(measurements: Sequence[Measurement], stream: TextIO | None = None) -> None:
    """Print benchmark results, each with what the project promises."""
    rows = [
        (
            item.what,
            f"{item.value:.3g} {item.unit}",
            f"{item.lowest:.3g} to {item.highest:.3g}",
            "" if item.limit is None else f"at {'least' if item.at_least else 'most'} {item.limit:g} {item.unit}",
            "" if item.keeps is None else "yes" if item.keeps else "NO",
        )
        for item in measurements
    ]
    _Page(stream or sys.stdout).table(("Measured", "median", "rounds", "promised", "kept"), rows)


class _Page:
    """Plain sentences and tables; names of files are never cut and never taken for markup."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, width=None if stream.isatty() else 120, highlight=False, markup=False)

    def say(self, text: str = "") -> None:
        self._console.print(text, soft_wrap=True)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", numbers: bool = True) -> None:
        """A table; with `numbers`, all columns but the first stand to the right."""
        if title:
            self.say(title)  # a title inside the table would be broken to the table's width
        table = Table()
        for place, name in enumerate(head):
            table.add_column(Text(name), justify="right" if numbers and place else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)

    def facts(self, facts: Mapping[str, str]) -> None:
        """Names and values, those that are empty left out."""
        width = max(len(name) for name in facts)
        for name, value in facts.items():
            if value:
                self.say(f"{name.ljust(width)}  {value}")


def percent(share: float | None) -> str:
    """A share 0..1 as text; a dash where there is none."""
    return "-" if share is None or share != share else f"{in_percent(share)}%"


def _spent(report: AdaptReport | DistillReport) -> str:
    """The time of a run; only its last part is known of one that was gone on with."""
    return duration(report.seconds) + (" since it went on" if report.resumed else "")


def _show_adaptation(page: _Page, report: AdaptReport) -> None:
    before, after = report.before, report.after
    rows = [
        ("Mean confidence", percent(report.mean_confidence_before), percent(report.mean_confidence_after)),
    ]
    if report.agreement_before is not None or report.agreement_after is not None:
        agreement = (percent(report.agreement_before), percent(report.agreement_after))
        rows.append(("Agreement with the RGB partner (held-out pairs)", *agreement))
    if before is not None and after is not None:
        rows = [
            ("Accuracy", percent(before.accuracy), percent(after.accuracy)),
            ("Balanced accuracy", percent(before.balanced_accuracy), percent(after.balanced_accuracy)),
            *rows,
        ]
    for key, (title, _, _) in LABEL_FREE.items():
        old, new = report.label_free_before.get(key), report.label_free_after.get(key)
        if key != "agreement" and (old is not None or new is not None):
            rows.append((f"Without labels: {title}", _number(old), _number(new)))
    for key, (title, _) in GAP_MEASURES.items():
        old, new = report.gap_before.get(key), report.gap_after.get(key)
        if old is not None or new is not None:
            rows.append((f"Modality gap: {title}", _number(old), _number(new)))
    page.table(("", "before", "after"), rows, title=f"{report.method}, {report.target_images} target images")
    names = list(dict.fromkeys([*report.predicted_before, *report.predicted_after]))
    counts = [
        (name, str(report.predicted_before.get(name, 0)), str(report.predicted_after.get(name, 0)))
        for name in sorted(names, key=lambda name: -report.predicted_after.get(name, 0))[:_MOST_CLASSES]
    ]
    page.table(
        ("Predicted class", "before", "after"), counts, title=f"{counted(report.changed, 'image')} changed class"
    )
    if before is None:
        page.say("The target folder has no class folders of the model's classes, so there is no accuracy to report.")
    speed = f", {report.images_per_second:.0f} images/s" if report.images_per_second else ""
    page.facts(
        {
            "Took": f"{_spent(report)} on {report.device}{speed}",
            "Pairs": f"{report.pairs_used} trained on, {report.pairs_held_out} held out" if report.pairs_used else "",
            "Moved into place": counted(report.pairs_moved, "pair") if report.pairs_moved else "",
            "Sensor's bands": report.adapter,
            "Mixing": ", ".join(f"{Path(name).name} {weight:.2f}" for name, weight in report.mixing.items())
            if len(report.mixing) > 1
            else "",
            "Run folder": report.run,
            "Model": report.model,
            "Report": _page_of(report.run),
        }
    )
    for trial in report.trials:
        page.say(f"Tried {trial.words}")
    for alarm in report.alarms:
        page.say(f"Alarm: {alarm.what} {alarm.why} {alarm.do}")
    if report.stopped_early:
        page.say(f"Stopped early, after {report.epochs_done} epochs; what was learned until then was kept.")
    _show_findings(page, report.set_aside)


def _show_comparison(page: _Page, report: CompareReport) -> None:
    measures = [measure(key) for key in foremost(report.measures)]
    heads = [f"{one.title}, {_UNITS[one.unit]}" if _UNITS[one.unit] else one.title for one in measures]
    standing = {one.key: standings(report.methods, one.key) for one in measures}
    rows = []
    for entry in report.methods:
        cells = [_spread_in_column(one, entry, standing[one.key].get(entry.method, "")) for one in measures]
        rows.append((any_method_info(entry.method).title, f"{entry.completed}/{entry.runs}", *cells))
    page.table(("Method", "Runs", *heads), rows)
    page.say("Mean ± standard deviation over the complete runs. *: best; ~: so close that chance may decide.")
    page.say(verdict(report))
    for entry in report.methods:
        if entry.problem:
            states = {"failed": "failed", "unfit": "does not fit"}
            page.say(f"{any_method_info(entry.method).title} {states.get(entry.state, entry.state)}: {entry.problem}")
        if entry.alarm:
            page.say(f"Alarm for {any_method_info(entry.method).title} in {entry.alarm}")
    if report.stopped_early:
        page.say("Stopped early; what is complete was kept, and the same command goes on.")
    page.facts({"Folder": report.folder, "Report": str(Path(report.folder) / "comparison.html")})


def _spread_in_column(one: Measure, entry: ComparedMethod, standing: Standing) -> str:
    """E.g. "71.9 ± 2.5*": the unit stands in the head of the column."""
    value = entry.values.get(one.key)
    if value is None:
        return "-"
    times, digits = (100.0, 1) if one.unit == "share" else (1.0, {"number": 3, "seconds": 1}.get(one.unit, 0))
    text = f"{times * value.mean:.{digits}f}"
    if value.deviation is not None:
        text += f" ± {times * value.deviation:.{digits}f}"
    return text + {"best": "*", "close": "~", "": " "}[standing]


def _show_distillation(page: _Page, report: DistillReport) -> None:
    sides = {
        "student, validation": report.validation,
        "student, test": report.test,
        "teacher, validation": report.teacher_validation,
        "teacher, test": report.teacher_test,
    }
    known = {name: scores for name, scores in sides.items() if scores is not None}
    keys = in_order(key for scores in known.values() for key in scores.measures)
    rows = [(measure(key).title, *(percent(scores.measures.get(key)) for scores in known.values())) for key in keys]
    title = f"{any_method_info(report.method).title}, taught by {report.teacher}"
    if rows:
        page.table(("", *known), rows, title=title)
    else:
        page.say(f"{title}. Nothing was measured: no labelled clips were kept aside for validation or testing.")
    for name, value in report.separation.items():
        kinds = {kind: told[name] for kind, told in report.separation_by_sound.items() if name in told}
        each = f"; by kind: {', '.join(f'{kind} {percent(told)}' for kind, told in kinds.items())}" if kinds else ""
        page.say(f"{measure(f'{name}_separation').title}: {percent(value)} (50 % is guessing){each}")
    clips = ", ".join(f"{count} {split}" for split, count in report.clips.items())
    page.facts(
        {
            "Clips": f"{clips}{' (splits drawn by the program)' if report.splits_drawn else ''}",
            "Teacher": f"knew {report.taught} training clips" if report.taught else "",
            "Took": f"{_spent(report)} on {report.device}, {report.clips_per_second:.1f} clips/s",
            "Run folder": report.run,
            "Model": report.model,
            "Report": _page_of(report.run),
        }
    )
    if report.stopped_early:
        page.say(f"Stopped early, after {report.epochs_done} epochs; what was learned until then was kept.")
    _show_findings(page, report.set_aside)


def _page_of(run: str) -> str:
    """The page of a run, if it has one."""
    file = Path(run) / REPORT_PAGE
    return str(file) if file.is_file() else ""


def _show_clip_scores(page: _Page, scores: ClipScores) -> None:
    rows = [(measure(key).title, percent(scores.measures[key])) for key in in_order(scores.measures)]
    known = "" if scores.judged == scores.clips else f", {scores.judged} of them of a class the model knows"
    page.table(("", "all"), rows, title=f"{scores.clips} labelled clips{known}")
    if scores.tagging:
        page.table(("Tag", "precision"), [(name, percent(value)) for name, value in scores.tagging.items()])
    if scores.classes is not None:
        _show_confusion(page, scores.classes)


def _show_found(page: _Page, report: RetrieveReport) -> None:
    for query in report.queries[:_MOST_PICTURES]:
        shown = f" ({', '.join(query.labels)})" if query.labels else ""
        known = ["same label"] if query.labels else []
        rows = [
            (str(place), hit.file, ", ".join(hit.labels), f"{hit.similarity:.3f}", *(_tick(query, hit) for _ in known))
            for place, hit in enumerate(query.found, start=1)
        ]
        page.table(("", "Clip", "Labels", "similar", *known), rows, title=f"{query.file}{shown}", numbers=False)
    if len(report.queries) > _MOST_PICTURES:
        page.say(f"and {len(report.queries) - _MOST_PICTURES} more (--json writes them all)")
    _show_findings(page, report.set_aside)


def _tick(query: ClipQuery, hit: FoundClip) -> str:
    """Whether a label is shared."""
    return "yes" if set(query.labels) & set(hit.labels) else "no"


def _show_training(page: _Page, report: TrainSourceReport) -> None:
    if report.held_out is not None:
        page.say(f"On {report.held_out.images} images kept aside:")
        _show_scores(page, report.held_out)
    page.facts(
        {
            "Architecture": report.architecture,
            "Classes": ", ".join(report.class_names),
            "Images": str(report.images),
            "Took": duration(report.seconds),
            "Model": report.model,
        }
    )
    if report.stopped_early:
        page.say("Stopped early; what was learned until then was kept.")
    _show_findings(page, report.set_aside)


def _show_scores(page: _Page, scores: Scores) -> None:
    rows = [("Accuracy", percent(scores.accuracy)), ("Balanced accuracy", percent(scores.balanced_accuracy))]
    page.table(("", "all"), rows, title=f"{scores.images} labelled images")
    _show_confusion(page, scores)


def _show_confusion(page: _Page, scores: Scores) -> None:
    classes = scores.class_names
    if len(classes) > _MOST_CLASSES:
        page.table(("Class", "right"), [(name, percent(share)) for name, share in scores.per_class.items()])
        return
    marks = [str(number) for number in range(1, len(classes) + 1)]
    rows_of_classes = [
        (f"{mark} {name}", percent(scores.per_class.get(name)), *(str(int(count)) for count in row))
        for mark, name, row in zip(marks, classes, scores.confusion, strict=True)
    ]
    page.table(("True class", "right", *marks), rows_of_classes, title="Confusion: predicted class by its number")


def _show_predictions(page: _Page, report: PredictReport) -> None:
    if report.output:
        said = [one.class_name.split(";") if report.tags else [one.class_name] for one in report.predictions]
        counts = Counter(name or "none" for names in said for name in names)
        what = "Predicted tag" if report.tags else "Predicted class"
        page.table((what, "how many"), [(name, str(count)) for name, count in counts.most_common()])
        page.say(f"Written: {report.output}")
    else:
        rows = [
            (item.file, item.class_name or "none", percent(item.confidence), *([_on_map(item)] if item.place else []))
            for item in report.predictions
        ]
        heading = ("File", "Tags" if report.tags else "Class", "Confidence", "x, y")
        page.table(heading[: max(map(len, rows), default=3)], rows, numbers=False)
    _show_findings(page, report.set_aside)


def _on_map(item: Prediction) -> str:
    return "" if item.place is None else "{:.10g}, {:.10g}".format(*item.place)


def _show_translation(page: _Page, report: TranslateReport) -> None:
    for image in report.images[:_MOST_PICTURES]:
        missing = f", {percent(image.missing)} without data" if image.missing else ""
        on_map = ", on the map" if image.georeferenced else ""
        page.say(f"{image.file}: {image.picture} ({image.width} x {image.height}{on_map}{missing})")
    if len(report.images) > _MOST_PICTURES:
        page.say(f"and {len(report.images) - _MOST_PICTURES} more (--json writes them all)")
    page.facts(
        {
            "Pictures": f"{len(report.images)} in {report.output}",
            "Took": f"{duration(report.seconds)} on {report.device}",
        }
    )
    _show_findings(page, report.set_aside)


def _show_export(page: _Page, report: ExportReport) -> None:
    page.say(report.explanation)
    # images, or windows of clips
    inputs = (
        f"{report.checked_images} real inputs" if report.checked_images else "made-up inputs (no real ones at hand)"
    )
    same = "every one gets the same class" if report.same_classes else "some get ANOTHER class"
    page.facts(
        {
            "Written": report.output,
            "Checked on": inputs,
            "Result": f"{same}; largest difference of a probability {report.largest_difference:.1e}",
        }
    )


def _show_model(page: _Page, report: ModelReport) -> None:
    layers = ", ".join(f"{count} {kind}" for kind, count in report.normalisation_layers.items())
    page.facts(
        {
            "File": report.path,
            "Format": report.format,
            "Safety": report.safety,
            "Architecture": report.architecture if report.recognised else "not recognised",
            "": report.explanation,
            "Fits as well": ", ".join(report.also_fits),
            "Nearest": ", ".join(f"{name} ({share:.0%})" for name, share in report.candidates),
            "Weights": f"{report.parameters:,}" if report.parameters else "",
            "Classes": f"{len(report.class_names)}: {_some(report.class_names)}" if report.class_names else "",
            "Input": f"{report.input_channels} channels, {report.input_size} px" if report.input_size else "",
            "Bands": str(report.bands) if report.bands != report.input_channels else "",
            "Mean": ", ".join(f"{value:.4g}" for value in report.mean),
            "Std": ", ".join(f"{value:.4g}" for value in report.std),
            "Normalisation": layers,
            "Features": str(report.feature_width or ""),
            "Sensor": report.sensor,
            "Fingerprint": report.fingerprint,
        }
    )
    for note in report.notes:
        page.say(f"Note: {note}")


def sensor_in_words(sensor: SensorProposal | None) -> str:
    """What images were taken for and why, or "" where nobody asked."""
    return f"{sensor.title} ({sensor.reason})" if sensor else ""


def groups_in_words(sensor: SensorProposal | None) -> str:
    """Such as "Near infrared (8), Short-wave infrared (11, 12)"."""
    groups = sensor.groups if sensor else ()
    return ", ".join(f"{group.title} ({', '.join(map(str, group.bands))})" for group in groups)


def _show_folder(page: _Page, report: FolderReport) -> None:
    page.facts(
        {
            "Folder": report.folder,
            "Images": str(len(report.files)),
            "Sizes": _counted(report.sizes),
            "Number types": _counted(report.depths),
            "Bands": _counted({str(bands): count for bands, count in report.bands.items()}),
            "Files of each image": ", ".join(report.band_names),
            "Looks like": sensor_in_words(report.sensor),
            "Bands used": ", ".join(map(str, report.chosen_bands or ())),
            "Bands by purpose": groups_in_words(report.sensor),
            "No-data value": "" if report.no_data is None else f"{report.no_data:g}",
            "Class folders": _counted(report.class_counts),
            "On the map": str(report.georeferenced or ""),
            "Without data": percent(report.no_data_share) if report.no_data_share else "",
        }
    )
    if report.histograms:
        names = report.band_names
        rows = [
            (f"{one.band} {names[one.band - 1] if names else ''}".strip(), f"{one.low:.6g}", f"{one.high:.6g}")
            for one in report.histograms
        ]
        unit = f" ({report.sensor.unit})" if report.sensor and report.sensor.unit else ""
        page.table(("Band", "becomes 0", "becomes 1"), rows, title=f"Stretch: {report.stretch.in_words()}{unit}")
    _show_findings(page, report.findings)


def _show_scene(page: _Page, report: SceneReport) -> None:
    drawn = f", of which {report.used} drawn at random are used" if report.used < report.tiles else ""
    wide = "" if report.pixel_m is None else f", {report.tile_px * report.pixel_m:.4g} m wide on the ground"
    page.facts(
        {
            "Scene": report.path,
            "Size": f"{report.width} x {report.height}",
            "Number type": report.dtype,
            "Bands": str(report.bands),
            "Looks like": report.sensor,
            "Red, green, blue": ", ".join(map(str, report.rgb_bands)) if report.bands >= len(report.rgb_bands) else "",
            "No-data value": "" if report.no_data is None else f"{report.no_data:g}",
            "Fills the frame": ""
            if report.frame is None
            else f"{report.frame:g} in all bands, taken for 'nothing here'",
            "Place on the map": report.system or "none",
            "Size of a pixel": "" if report.pixel_m is None else f"{report.pixel_m:.4g} m",
            "Tiles": f"{report.tiles} of {report.tile_px} pixels{wide}{drawn}",
        }
    )


def _show_pairs(page: _Page, report: PairsReport) -> None:
    page.facts(
        {
            "RGB images": str(len(report.rgb.files)),
            "Sensor images": str(len(report.sensor.files)),
            "Paired by": report.rule,
            "Pairs": str(len(report.pairs)),
            "RGB without a partner": str(len(report.unmatched_rgb) or ""),
            "Sensor without a partner": str(len(report.unmatched_sensor) or ""),
            "Ambiguous": ", ".join(report.ambiguous),
        }
    )
    for key, rgb, sensor in report.pairs[:3]:
        page.say(f"  {key}: {rgb} and {sensor}")
    _show_findings(page, (*report.findings, *report.rgb.findings, *report.sensor.findings))


_PART_TITLES = {
    "target": "Target images",
    "rgb": "Pairs, RGB images",
    "sensor": "Pairs, sensor images",
    "pairs": "Pairs together",
}


def _show_check(page: _Page, report: CheckReport) -> None:
    rows = [(_part_title(part), str(part.images), str(len(part.findings))) for part in report.parts]
    page.table(("Looked at", "images", "findings"), rows)
    for part in report.parts:
        if part.findings or part.sensor:
            page.say()
            page.say(f"{_part_title(part)}, {part.folder}")
            if part.sensor:
                page.say(f"Looks like: {sensor_in_words(part.sensor)}")
            _show_findings(page, part.findings, "--csv")
    page.say()
    sure = sum(shift.sure for shift in report.shifts)
    page.facts(
        {
            "Found": _counted(report.counts) or "nothing doubtful",
            "Shift of pairs": f"measured for {sure} of {len(report.shifts)}" if report.shifts else "",
            "Took": f"{duration(report.seconds)}, {report.images / max(report.seconds, 1e-3):.0f} images/s",
            "Written": ", ".join(report.written),
        }
    )


def _part_title(part: CheckedPart) -> str:
    return _PART_TITLES[part.role]


def _show_sample(page: _Page, report: SampleReport) -> None:
    page.facts({"Sample project": report.folder, "Source model": report.source})
    rows = [(name, *(_within(report.folder, part) for part in parts)) for name, parts in report.sensors.items()]
    page.table(("Sensor", "Pairs, RGB", "Pairs, sensor", "Target"), rows, numbers=False)


def _show_video_sample(page: _Page, report: VideoSampleReport) -> None:
    page.facts(
        {
            "Video sample": report.folder,
            "Table": _within(report.folder, report.table),
            "Classes": ", ".join(report.classes),
            "Clips": _counted(report.clips),
            "Sound of the training clips": _counted(report.sounds),
        }
    )


def _show_findings(page: _Page, findings: Sequence[Finding], option: str = "--json") -> None:
    """The gravest first, and those with the same reason and advice together, which then are said once.

    Args:
        page: Where to.
        findings: In any order.
        option: What writes them all.
    """
    alike: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda one: _SEVERITIES.index(one.severity)):
        alike.setdefault((finding.severity, finding.kind, finding.why, finding.do), []).append(finding)
    for (severity, _, why, do), group in alike.items():
        for finding in group[:_MOST_ALIKE]:
            named = "" if finding.file in finding.what else f"{finding.file}: "
            page.say(f"{severity.capitalize()}: {named}{finding.what}")
        if len(group) > _MOST_ALIKE:
            page.say(f"and {len(group) - _MOST_ALIKE} more like these ({option} writes them all)")
        if why or do:
            page.say("  " + " ".join(part for part in (why, do) if part))


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3g}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


def _some(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ..."


def _within(folder: str, path: str) -> str:
    """A path relative to a folder where it lies in it, for people."""
    inside = Path(path)
    return str(inside.relative_to(folder)) if inside.is_relative_to(folder) else path
