"""FitNet: the student's features come close to the teacher's.

Romero, Ballas, Kahou, Chassang, Gatta and Bengio, ICLR 2015 (arXiv 1412.6550). Difference from the paper: the hint is
given at the last features and beside the labels from the beginning, since teacher and student see different things and
have no layers in common.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandbridge.engine.losses.hints import hint_distance
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.distilled import Lesson
from bandbridge.engine.training.stage import Term
from torch import nn


class Hint:
    """hint_weight times the distance behind a linear regressor.

    Args:
        ground: With a teacher.
    """

    terms = ("hint",)

    def __init__(self, ground: ClipGround) -> None:
        assert ground.teacher is not None
        ground.begin_at_random("teaching")
        self._weight = ground.number("hint_weight")
        width, wanted = ground.student.head.in_features, ground.teacher.head.in_features
        self._regressor = nn.Linear(width, wanted).to(ground.bank.device)

    def modules(self) -> Mapping[str, nn.Module]:
        """The regressor."""
        return {"regressor": self._regressor}

    def __call__(self, lesson: Lesson) -> Mapping[str, Term]:
        """One term."""
        value = hint_distance(self._regressor(lesson.features), lesson.teacher_features)
        return {"hint": Term(self._weight, value)}
