"""What the numbers of a run on clips mean, in plain sentences."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.measures import beats_guessing, guessing, leading, measure
from bandbridge.engine.api.reports import DistillReport
from bandbridge.gui.clip_record import read_clip_predictions
from bandbridge.gui.quantities import counted, percent
from bandbridge.gui.verdict import Verdict

_LEAST_CLIPS = 30


def judge_clips(report: DistillReport) -> Verdict:
    """Whether the student has learned something, beside chance and beside its teacher.

    Args:
        report: Of the run.
    """
    scores, split = (report.test, "test") if report.test is not None else (report.validation, "validation")
    if scores is None:
        return Verdict(
            "neutral",
            "The student is trained; how good it is was not measured.",
            "No labelled clips were kept aside for testing. Write the split of the clips into a list to have some.",
        )
    key = leading(scores.measures)
    if not key:
        return Verdict("neutral", "The student is trained.", "The clips kept aside have none of its labels.")
    value, chance = scores.measures[key], chance_of(report, split)
    title = measure(key).within
    got = f"{title} {percent(value, 1)} on {counted(scores.judged, f'{split} clip')}"
    beside = [] if chance is None else [f"guessing reaches {percent(chance, 1)}"]
    teacher = report.teacher_test if report.test is not None else report.teacher_validation
    if teacher is not None and key in teacher.measures:
        beside.append(f"its teacher reaches {percent(teacher.measures[key], 1)}")
    told = ", ".join(beside)
    words = f"{told[0].upper()}{told[1:]}." if told else ""
    if scores.judged < _LEAST_CLIPS:
        words += f" {counted(scores.judged, 'clip')} can tell this only roughly."
    if chance is not None and not beats_guessing(value, chance, scores.judged):
        return Verdict(
            "warning",
            f"The student is no better than chance: {got}.",
            f"{words} Train longer, with larger pictures or more of them a second, or give more clips.".strip(),
        )
    return Verdict("good", f"The student recognises clips: {got}.", words)


def chance_of(report: DistillReport, split: str) -> float | None:
    """What guessing reaches on the clips of a split; None where that is not known."""
    scores = report.test if split == "test" else report.validation
    if scores is None:
        return None
    if scores.classes is not None:
        return guessing(scores)
    try:
        clips = read_clip_predictions(Path(report.run))
    except UsageError:
        return None
    return guessing(scores, [clip.truth for clip in clips if clip.split == split and clip.truth])
