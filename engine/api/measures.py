"""The numbers methods are compared by: how they are called, what they mean, which way is better, and who leads."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bandbridge.engine.api.events import LABEL_FREE, RELIABILITY
from bandbridge.engine.api.reports import ClipScores, ComparedMethod, Spread

Unit = Literal["share", "number", "seconds", "images/s", "MiB"]
Standing = Literal["best", "close", ""]

LABEL_FREE_PREFIX = "label_free."
"""Begins the keys of scores that need no labels; the rest is the score's name in `events.LABEL_FREE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a run.

    Attributes:
        key: In tables and files.
        title: On the surface.
        explain: What it means, in a sentence.
        unit: How it is written; a share is 0..1.
        better: The direction that is good, or "" if neither is.
    """

    key: str
    title: str
    explain: str
    unit: Unit
    better: Literal["up", "down", ""] = ""

    @property
    def within(self) -> str:
        """Its title within a sentence."""
        return f"{self.title[:1].lower()}{self.title[1:]}"


_MEASURES = (
    Measure(
        key="accuracy",
        title="Accuracy",
        explain="Share of the labelled target images or clips that get the right class.",
        unit="share",
        better="up",
    ),
    Measure(
        key="balanced_accuracy",
        title="Balanced accuracy",
        explain="The mean over the classes of the share that is right: rare classes count as much as common ones.",
        unit="share",
        better="up",
    ),
    Measure(
        key="tagging_map",
        title="Tagging mAP",
        explain="Mean over the tags of the precision with which clips that have a tag come before the others.",
        unit="share",
        better="up",
    ),
    Measure(
        key="recall_at_1",
        title="R@1",
        explain="Share of clips whose most similar training clip has a label in common with them.",
        unit="share",
        better="up",
    ),
    Measure(
        key="recall_at_5",
        title="R@5",
        explain="Share of clips with such a clip among the five most similar.",
        unit="share",
        better="up",
    ),
    Measure(
        key="recall_at_10",
        title="R@10",
        explain="Share of clips with such a clip among the ten most similar.",
        unit="share",
        better="up",
    ),
    Measure(
        key="retrieval_map",
        title="Retrieval mAP",
        explain="Mean over clips of the precision with which training clips like them come first; a clip without any "
        "counts as 0.",
        unit="share",
        better="up",
    ),
    Measure(
        key="teacher_accuracy",
        title="Teacher's accuracy",
        explain="Accuracy of the teacher on the same clips.",
        unit="share",
        better="up",
    ),
    Measure(
        key="teacher_tagging_map",
        title="Teacher's tagging mAP",
        explain="Tagging mAP of the teacher on the same clips.",
        unit="share",
        better="up",
    ),
    Measure(
        key="correspondence_separation",
        title="Wrong sound found",
        explain="Chance that a clip with its own sound has a higher correspondence than one with wrong sound, drowned "
        "sound or silence; 50 % is no better than guessing.",
        unit="share",
        better="up",
    ),
    Measure(
        key="temperature_separation",
        title="Found by temperature",
        explain="The same for the temperature.",
        unit="share",
        better="up",
    ),
    Measure(
        key="mask_separation",
        title="Found by mask",
        explain="The same for the mean of the mask.",
        unit="share",
        better="up",
    ),
    Measure(
        key="agreement",
        title="Agreement on pairs",
        explain="Share of held-out pairs whose sensor image gets the class the source model gives its RGB partner.",
        unit="share",
        better="up",
    ),
    Measure(
        key="confidence",
        title="Mean confidence",
        explain="Mean of the highest probability over the target images. Sure is not the same as right.",
        unit="share",
    ),
    Measure(
        key="changed",
        title="Changed",
        explain="Share of the target images that get another class than from the untouched source model.",
        unit="share",
    ),
    Measure(
        key="seconds",
        title="Time",
        explain="Wall time of a run, reading the images and measuring included, pauses left out.",
        unit="seconds",
        better="down",
    ),
    Measure(
        key="images_per_second",
        title="Images/s",
        explain="Target images through training steps per second; methods that do not train have none.",
        unit="images/s",
    ),
    Measure(
        key="clips_per_second",
        title="Clips/s",
        explain="Clips through training steps per second.",
        unit="images/s",
    ),
    Measure(
        key="peak_memory_mb",
        title="Peak memory",
        explain="Most memory the run's process held, the program itself included; every run has a process of its own.",
        unit="MiB",
        better="down",
    ),
    Measure(
        key="peak_gpu_memory_mb",
        title="Peak GPU memory",
        explain="Most memory the run's tensors held on the graphics card.",
        unit="MiB",
        better="down",
    ),
)
_BY_KEY = {measure.key: measure for measure in _MEASURES}
_UNITS: Mapping[str, Unit] = dict.fromkeys(("balanced_agreement", "classes_used", "largest_share"), "share")
_WAYS: Mapping[str, Literal["up", "down", ""]] = {"higher": "up", "lower": "down", "": ""}
_OF_CLIPS_IN_FULL = (
    "recall_at_5",
    "recall_at_10",
    "teacher_accuracy",
    "teacher_tagging_map",
    "temperature_separation",
    "mask_separation",
)
_AFTER = "agreement"
"""Label-free scores stand after this one."""


def measure(key: str) -> Measure:
    """How a number is called and read; one this version does not know is shown under its own name."""
    known = _BY_KEY.get(key)
    if known is not None:
        return known
    name = key.removeprefix(LABEL_FREE_PREFIX)
    if key == name or name not in LABEL_FREE:
        return Measure(key=key, title=name.replace("_", " ").capitalize(), explain="", unit="number")
    title, explain, better = LABEL_FREE[name]
    return Measure(key=key, title=title, explain=explain, unit=_UNITS.get(name, "number"), better=_WAYS[better])


def in_order(keys: Iterable[str]) -> tuple[str, ...]:
    """Keys of measures in the order of the table, each once."""
    there = set(keys)
    scores = [f"{LABEL_FREE_PREFIX}{name}" for name in LABEL_FREE]
    others = [key for key in scores if key in there] + sorted(there - _BY_KEY.keys() - set(scores))
    ordered: list[str] = []
    for known in _BY_KEY:
        if known in there:
            ordered.append(known)
        if known == _AFTER:
            ordered += others
    return tuple(ordered)


def foremost(keys: Iterable[str]) -> tuple[str, ...]:
    """Those that a table with little room shows, in order: what counts, what it costs, and one label-free score."""
    there = in_order(keys)
    reliability = LABEL_FREE_PREFIX + RELIABILITY
    left_out = {"confidence", "changed", *_OF_CLIPS_IN_FULL} | ({"agreement"} if reliability in there else set())
    return tuple(key for key in there if key == reliability or (key in _BY_KEY and key not in left_out))


def leading(keys: Iterable[str]) -> str:
    """The measure methods are ranked by: accuracy where there are labels, else the first label-free score, or ""."""
    there = set(keys)
    ranked = ("accuracy", "tagging_map", LABEL_FREE_PREFIX + RELIABILITY, "agreement")
    return next((key for key in ranked if key in there), "")


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and standard deviation of one number over runs; None if there is no finite value."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return Spread(mean=mean, deviation=None, runs=1)
    squares = math.fsum((value - mean) ** 2 for value in known)
    return Spread(mean=mean, deviation=math.sqrt(squares / (len(known) - 1)), runs=len(known))


def standings(methods: Iterable[ComparedMethod], key: str) -> Mapping[str, Standing]:
    """Which method leads in a measure, and which come so close that chance may have decided.

    A method is close to the best if their means differ by less than the spread of such a difference between two
    single runs, sqrt(d1^2 + d2^2); with one run each there is no spread to judge by, and none is called close.

    Args:
        methods: Of one comparison.
        key: Of a measure.

    Returns:
        Method -> "best", "close" or ""; all "" where neither direction is better or fewer than two methods have it.
    """
    better = measure(key).better
    found = {entry.method: entry.values[key] for entry in methods if key in entry.values}
    standing: dict[str, Standing] = dict.fromkeys(found, "")
    if not better or len(found) < 2:
        return standing
    sign = 1.0 if better == "up" else -1.0
    best = max(found.values(), key=lambda value: sign * value.mean)
    if all(value.mean == best.mean for value in found.values()):
        return standing
    for method, value in found.items():
        if value.mean == best.mean:
            standing[method] = "best"
        elif value.deviation is not None and best.deviation is not None:
            apart = abs(best.mean - value.mean)
            standing[method] = "close" if apart < math.hypot(best.deviation, value.deviation) else ""
    return standing


def guessing(scores: ClipScores, labels: Sequence[Collection[str]] = ()) -> float | None:
    """What guessing reaches on clips in the measure that leads; None where that is not known.

    For classes the share of the commonest class, which always naming it would reach; for tags the mean over the tags of
    the share of clips that have it, which is about what any order reaches.

    Args:
        scores: On these clips.
        labels: Of each labelled clip; asked for where there are tags alone.
    """
    if scores.classes is not None:
        counts = scores.classes.confusion.sum(axis=1)
        total = int(counts.sum())
        return float(counts.max() / total) if total else None
    shares = [sum(tag in one for one in labels) / len(labels) for tag in scores.tagging] if labels else []
    return sum(shares) / len(shares) if shares else None


def beats_guessing(value: float, chance: float, clips: int) -> bool:
    """Whether a share of so many clips lies above what guessing reaches by more than two standard errors."""
    return value > chance + 2 * math.sqrt(chance * (1 - chance) / max(clips, 1))
