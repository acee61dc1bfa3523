"""Gathering clips for a distillation: read, labelled, split, measured; what is left out is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import DistillConfig, Modality
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.video.clip_file import ReadingRule
from bandbridge.engine.video.clip_list import SPLITS, TRAIN, ListedClip, find_clips
from bandbridge.engine.video.clip_model import ClipInputs
from bandbridge.engine.video.clip_set import ClipSet, read_clips
from bandbridge.engine.video.log_mel import BANDS
from numpy.typing import NDArray

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class ClipData:
    """Clips of a run.

    Attributes:
        clips: Read, N of them.
        listed: What is known of each.
        class_names: K, those of the training clips.
        labels: (N, K) which of them a clip has; none where no training clip has its labels.
        tags: Whether a clip may have several.
        rows: Split -> the clips of it that are learned from or measured: labelled, and seen by the student.
        drawn: Whether the splits were drawn by the program.
        findings: Clips left out, and remarks.
    """

    clips: ClipSet
    listed: tuple[ListedClip, ...]
    class_names: tuple[str, ...]
    labels: NDArray[np.bool_]
    tags: bool
    rows: dict[str, NDArray[np.int64]]
    drawn: bool
    findings: tuple[Finding, ...]

    def sees(self, modality: Modality) -> NDArray[np.bool_]:
        """(N,) which clips have pictures, or sound."""
        return self.clips.has_pictures if modality == "picture" else self.clips.has_sound


def gather_clips(config: DistillConfig, emit: Emit, control: Control) -> ClipData:
    """Read the clips of a run.

    Raises:
        UsageError: There are none, or labels do not fit the task.
        ClipError: Too few can be used.
    """
    found = find_clips(Path(config.clips))
    wanted = [clip for clip in found.clips if clip.file not in config.exclude]
    if not wanted:
        raise UsageError("No clip is left.", "All of them were left out.", "Take some in again.")
    rule = ReadingRule(fps=config.fps, size_px=config.size_px)
    clips, remarks = read_clips(
        found.folder, [clip.file for clip in wanted], rule, config.window, emit=emit, control=control
    )
    by_name = {clip.file: clip for clip in wanted}
    listed = tuple(by_name[name] for name in clips.names)
    tags = _are_tags(config, listed)
    class_names = tuple(sorted({label for clip in listed if clip.split == TRAIN for label in clip.labels}))
    seen = clips.has_pictures if config.student == "picture" else clips.has_sound
    labels, used, told = sort_labelled(listed, seen, class_names, config.student, tags=tags)
    splits = np.array([clip.split for clip in listed])
    rows = {split: np.flatnonzero(used & (splits == split)) for split in SPLITS}
    findings = (*found.findings, *remarks, *told)
    data = ClipData(clips, listed, class_names, labels, tags, rows, found.drawn, findings)
    _require_enough(data, config)
    return data


def sort_labelled(
    listed: Sequence[ListedClip],
    seen: NDArray[np.bool_],
    class_names: Sequence[str],
    student: Modality,
    *,
    tags: bool,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[Finding]]:
    """Which clips are learned from or measured, in a run and in an evaluation: the labelled ones the student can see.

    One whose labels no training clip has is measured like any other: it finds nothing, and has none of the known tags.
    It is neither right nor wrong where the classes exclude each other.

    Args:
        listed: N clips.
        seen: (N,) which of them the student can see.
        class_names: K, those of the training clips.
        student: What it sees.
        tags: Whether a clip may have several labels.

    Returns:
        (N, K) which of the classes or tags each has, (N,) which clips are used, and what there is to say of the others.
    """
    labels = label_rows([clip.labels for clip in listed], class_names)
    used = seen.copy()
    findings = []
    for row, clip in enumerate(listed):
        if not seen[row]:
            what = "pictures" if student == "picture" else "sound"
            findings.append(_left_out(clip.file, f"no-{student}", f"has no {what} for the student"))
        elif not clip.labels:
            used[row] = False
            findings.append(_left_out(clip.file, "no-label", "has no label"))
        elif not labels[row].any():
            findings.append(_untaught(clip, tags=tags))
    return labels, used, findings


def label_rows(labels: Sequence[Sequence[str]], class_names: Sequence[str]) -> NDArray[np.bool_]:
    """(N, K) which of the K known classes or tags are among the labels of each of N clips."""
    place = {name: column for column, name in enumerate(class_names)}
    rows = np.zeros((len(labels), len(place)), np.bool_)
    for row, shown in enumerate(labels):
        rows[row, [place[label] for label in shown if label in place]] = True
    return rows


def measure_inputs(data: ClipData, modality: Modality, config: DistillConfig) -> ClipInputs:
    """How windows are standardised: mean and standard deviation over the first windows of the training clips."""
    rows = data.rows[TRAIN][data.sees(modality)[data.rows[TRAIN]]]
    width = 3 if modality == "picture" else BANDS
    sums, squares, count = np.zeros(width), np.zeros(width), 0
    for row in rows.tolist():
        if modality == "picture":
            values = data.clips.pictures(row, 0).reshape(-1, 3) / 255.0
        else:
            values = data.clips.sound(row, 0).astype(np.float64)
        sums += values.sum(axis=0)
        squares += (values**2).sum(axis=0)
        count += len(values)
    mean = sums / max(count, 1)
    std = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0.0))
    std = np.where(std > 1e-3, std, 1.0)  # what never changes must not divide by nothing
    rule = ReadingRule(fps=config.fps, size_px=config.size_px)
    return ClipInputs(modality, rule, config.window, tuple(mean.tolist()), tuple(std.tolist()))


def _are_tags(config: DistillConfig, listed: Sequence[ListedClip]) -> bool:
    several = next((clip for clip in listed if len(clip.labels) > 1), None)
    if config.task == "classes" and several is not None:
        raise UsageError(
            f"The clip '{several.file}' has several labels: {', '.join(several.labels)}.",
            "A class is one of several that exclude each other.",
            "Leave the task out, or choose tags.",
        )
    if config.task == "auto":
        return several is not None or config.teacher == "picture"
    return config.task == "tags"


def _left_out(file: str, kind: str, why: str) -> Finding:
    return Finding(severity="warning", kind=kind, file=file, what=f"The clip '{file}' is left out: it {why}.")


def _untaught(clip: ListedClip, *, tags: bool) -> Finding:
    named = ", ".join(f"'{label}'" for label in clip.labels)
    return Finding(
        severity="note",
        kind="tag" if tags else "class",
        file=clip.file,
        what=f"The clip '{clip.file}' shows {named}, which no training clip does.",
        why="It counts as one without any of the known tags, and, in retrieval, as one that finds none of its kind."
        if tags
        else "It counts as one that finds none of its kind in retrieval, and does not count for accuracy.",
    )


def _require_enough(data: ClipData, config: DistillConfig) -> None:
    training = len(data.rows[TRAIN])
    if training < 2:
        raise ClipError(
            f"There are too few clips to learn from in '{config.clips}'.",
            f"{training} of {len(data.clips)} clips are labelled, can be seen by the student and are for training.",
            "Add clips, or give the splits in a list.",
        )
    if len(data.class_names) < (1 if data.tags else 2):
        raise ClipError(
            f"There are fewer than two classes to tell apart in '{config.clips}'.",
            f"Found: {', '.join(data.class_names) or 'none'}.",
            "Every class needs a folder of its own, or a label in the list.",
        )
