"""The report of a run on clips: one HTML file with its charts and some of the clips inside."""

from __future__ import annotations

import base64
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.engine.api.config import DistillConfig
from bandbridge.engine.api.events import CLIP_SIGNS
from bandbridge.engine.api.measures import beats_guessing, guessing, in_order, leading, measure
from bandbridge.engine.api.reports import ClipScores, DistillReport
from bandbridge.engine.api.rounding import percent, rounded
from bandbridge.engine.api.run_files import EPOCHS_FILE, PREDICTIONS_FILE, REPORT_PAGE, SIGNS_FILE
from bandbridge.engine.api.storage import write_text
from bandbridge.engine.video.clip_list import TEST, TRAIN, VALIDATION
from bandbridge.engine.video.clip_set import ClipSet
from bandbridge.engine.worker.report import Curve, loss_curves, of_stage, read_curves, render

_TEMPLATE = "clips.html.j2"
_SHOWN = 6
_MOMENTS = 4
_PICTURE_PX = 128
_QUALITY = 82
_MEASURED = ("accuracy", "balanced_accuracy", "tagging_map")
_NONE = "–"

Lines = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the run as text: what guessing, the teacher and the student reach."""

    title: str
    chance: str
    teacher: str
    student: str
    explain: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Some moments of a clip side by side, as a picture inside the page, with words below."""

    file: str
    words: str
    picture: str


def write_clip_report(
    folder: Path, report: DistillReport, config: DistillConfig, info: MethodInfo, clips: ClipSet
) -> Path:
    """Write `report.html` into a run folder from the run's result and what else it has written there.

    Args:
        folder: The run folder, with `predictions.csv`, and the curves and `signs.csv` where the run wrote them.
        report: The result.
        config: What was asked.
        info: The method.
        clips: Whose pictures are shown.

    Returns:
        The file written.

    Raises:
        StorageError: It could not be written.
    """
    split, student, teacher = (
        (TEST, report.test, report.teacher_test)
        if report.test is not None
        else (VALIDATION, report.validation, report.teacher_validation)
    )
    said = _said(folder, split)
    chance = None if student is None else guessing(student, labels_of(folder, split))
    known = [line for line in said if line["truth"] in report.class_names]
    sign, best, worst = _matched(folder, clips)
    kinds = ["all kinds", *report.separation_by_sound]
    told = [report.separation, *report.separation_by_sound.values()]
    text = render(
        _TEMPLATE,
        report=report,
        config=config,
        info=info,
        settings=[(setting.title, config.settings.get(setting.key, setting.default)) for setting in info.settings],
        direction="sound teaches pictures" if report.teacher == "sound" else "pictures teach sound",
        verdict=verdict(student, teacher, split, chance),
        split=split,
        scores=student,
        rows=[] if student is None else _rows(student, teacher, chance),
        classes=[] if student is None else _classes(student),
        tagging=[] if student is None else list(student.tagging.items()),
        sign_kinds=kinds,
        signs=[(name, [_percent(one.get(name)) for one in told]) for name in report.separation],
        sign=sign,
        best=best,
        worst=worst,
        mistakes=[] if report.tags else _mistakes(known, clips),
        measured=_measured(folder, report.stages),
        losses=loss_curves(folder, report.stages),
    )
    path = folder / REPORT_PAGE
    write_text(path, text)
    return path


def labels_of(folder: Path, split: str) -> list[list[str]]:
    """The labels of each labelled clip of a split, as a run wrote them down."""
    return [line["truth"].split(";") for line in _said(folder, split)]


def verdict(student: ClipScores | None, teacher: ClipScores | None, split: str, chance: float | None) -> str:
    """What the numbers say, in a sentence or two.

    Args:
        student: Its scores.
        teacher: Those of the teacher.
        split: On which clips.
        chance: What guessing reaches in the measure that leads.
    """
    key = "" if student is None else leading(student.measures)
    if student is None:
        return "The student is trained; how good it is was not measured, for no labelled clips were kept aside."
    if not key:
        return f"The student is trained; none of the labelled {split} clips is of a class it knows."
    value = student.measures[key]
    sentence = f"On {student.judged} {split} clips, the student's {measure(key).within} is {_percent(value)}"
    if teacher is not None and key in teacher.measures:
        sentence += f", the teacher's {_percent(teacher.measures[key])}"
    if chance is None:
        return f"{sentence}."
    words = f"{sentence}; guessing reaches {_percent(chance)}."
    return words if beats_guessing(value, chance, student.judged) else f"{words} That is no better than chance."


def _rows(student: ClipScores, teacher: ClipScores | None, chance: float | None) -> list[Row]:
    main = leading(student.measures)
    taught = {} if teacher is None else teacher.measures
    return [
        Row(
            measure(key).title,
            _percent(chance) if key == main else _NONE,
            _percent(taught.get(key)),
            _percent(student.measures[key]),
            measure(key).explain,
        )
        for key in in_order(student.measures)
    ]


def _classes(student: ClipScores) -> list[tuple[str, int, float]]:
    """(class, its clips, share that is right) of every class that has any."""
    if student.classes is None:
        return []
    totals = dict(zip(student.classes.class_names, student.classes.confusion.sum(axis=1).tolist(), strict=True))
    return [(name, totals[name], share) for name, share in student.classes.per_class.items()]


def _measured(folder: Path, stages: Sequence[str]) -> list[Curve]:
    """What the validation clips said of each stage's network, epoch by epoch."""
    titles = {key: (measure(key).title, measure(key).explain) for key in _MEASURED}
    curves: list[Curve] = []
    for stage in stages:
        found = read_curves(folder / EPOCHS_FILE, titles, known=True, stage=stage)
        curves += of_stage(stage, found) if len(stages) > 1 else found
    return curves


def _matched(folder: Path, clips: ClipSet) -> tuple[str, list[Strip], list[Strip]]:
    """The sign that tells it, and by it the training clips whose picture and sound go together best, and worst."""
    lines = [line for line in _lines(folder / SIGNS_FILE) if line["split"] == TRAIN]
    sign = next((name for name in CLIP_SIGNS if lines and name in lines[0]), "")
    if not sign:
        return "", [], []
    lines = sorted(lines, key=lambda line: -float(line[sign]))
    shown = min(_SHOWN, len(lines) // 2)

    def strip(line: Mapping[str, str]) -> Strip:
        words = [line["labels"].replace(";", ", "), f"{sign} {rounded(float(line[sign]), 2)}".replace("-", "\u2212")]
        words += [f"sound: {line['sound']}"] if line["sound"] else []
        return Strip(line["file"], " · ".join(part for part in words if part), _picture(clips, line["file"]))

    return sign, [strip(line) for line in lines[:shown]], [strip(line) for line in lines[::-1][:shown]]


def _mistakes(said: Lines, clips: ClipSet) -> list[Strip]:
    wrong = [line for line in said if line["truth"] != line["predicted"]]
    wrong = sorted(wrong, key=lambda line: -float(line["confidence"]))[:_SHOWN]
    return [
        Strip(
            line["file"],
            f"{line['truth']}, taken for {line['predicted']} ({_percent(float(line['confidence']))})",
            _picture(clips, line["file"]),
        )
        for line in wrong
    ]


def _picture(clips: ClipSet, file: str) -> str:
    """Moments of a clip, evenly apart, as a JPEG within the page; "" where it has no pictures."""
    index = clips.names.index(file)
    if not clips.has_pictures[index]:
        return ""
    places = np.linspace(0, clips.lengths[index] - 1, _MOMENTS).round().astype(np.int64)
    row = np.concatenate([clips.pictures(index, int(place))[0] for place in places], axis=1)  # (S, 4 S, 3)
    scale = min(_PICTURE_PX / clips.size_px, 1.0)
    size = (round(row.shape[1] * scale), round(row.shape[0] * scale))
    shown = cv2.resize(row, size, interpolation=cv2.INTER_AREA) if scale < 1 else row
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(shown[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _said(folder: Path, split: str) -> Lines:
    return [line for line in _lines(folder / PREDICTIONS_FILE) if line["split"] == split and line["truth"]]


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _percent(share: float | None) -> str:
    return _NONE if share is None else percent(share)
