"""How the numbers of a run are called and read: their titles, what they mean, and which way is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bandbridge.engine.api.events import GAP_MEASURES, LABEL_FREE, RELIABILITY, Better
from bandbridge.engine.api.measures import measure
from bandbridge.engine.api.video_catalogue import STUDENT_STAGE, TEACHER_STAGE
from bandbridge.gui.quantities import NOTHING, number, percent


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is named and read.

    Attributes:
        title: On the surface.
        explain: What it means, for the tooltip.
        better: The direction that is good: "down", "up", or "" if neither.
        is_share: Whether it is a share 0..1, written in percent.
    """

    title: str
    explain: str
    better: Literal["up", "down", ""] = ""
    is_share: bool = False

    def text(self, value: float) -> str:
        """A value as it is written."""
        if not math.isfinite(value):
            return NOTHING
        return percent(value) if self.is_share else number(value, 2 if abs(value) < 100 else 3)


ACCURACY = Measure("Accuracy", "Share of the labelled target images that get the right class.", "up", is_share=True)
BALANCED = Measure(
    "Balanced accuracy",
    "The mean over the classes of the share that is right: rare classes count as much as common ones.",
    "up",
    is_share=True,
)
AGREEMENT = Measure(
    "Agreement on pairs",
    "Share of held-out pairs whose sensor image gets the class the source model gives its RGB partner.",
    "up",
    is_share=True,
)
CONFIDENCE = Measure(
    "Mean confidence",
    "Mean of the highest probability over the target images. High confidence alone does not mean right.",
    is_share=True,
)
_BETTER: dict[str, Literal["up", "down"]] = {"cka": "up", "retrieval": "up"}
_SHARES = ("retrieval", "probe")


def gap_measures() -> dict[str, Measure]:
    """All measures of the modality gap, in the engine's order."""
    return {
        key: Measure(title, explain, _BETTER.get(key, "down"), is_share=key in _SHARES)
        for key, (title, explain) in GAP_MEASURES.items()
    }


_LABEL_FREE_SHARES = ("agreement", "balanced_agreement", "classes_used", "largest_share", "changed")
_WAY: dict[Better, Literal["up", "down", ""]] = {"higher": "up", "lower": "down", "": ""}


def label_free_measures() -> dict[str, Measure]:
    """All measures that need no labels, the one that stands for reliability first, then in the engine's order."""
    return {
        key: Measure(title, explain, _WAY[better], is_share=key in _LABEL_FREE_SHARES)
        for key, (title, explain, better) in sorted(LABEL_FREE.items(), key=lambda item: item[0] != RELIABILITY)
    }


OF_STAGES = ("accuracy", "balanced_accuracy", "tagging_map")
"""What is measured on the validation clips, stage by stage."""


def stage_measures() -> dict[str, Measure]:
    """What is measured on the validation clips: "stage:measure" -> the measure, those of the teacher first."""
    found = [measure(key) for key in OF_STAGES]
    return {
        f"{stage}:{one.key}": Measure(f"{stage}: {one.within}", one.explain, "up", is_share=True)
        for stage in (TEACHER_STAGE, STUDENT_STAGE)
        for one in found
    }
