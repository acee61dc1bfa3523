"""KD: the student learns the teacher's softened answers.

Hinton, Vinyals and Dean, 2015 (arXiv 1503.02531). For tags, label by label.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandbridge.engine.losses.softened import softened_answers, softened_tags
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.distilled import Lesson
from bandbridge.engine.training.stage import Term
from torch import nn


class SoftenedAnswers:
    """answers_weight T^2 KL(teacher || student) at temperature T.

    Args:
        ground: For its settings.
    """

    terms = ("softened answers",)

    def __init__(self, ground: ClipGround) -> None:
        self._weight, self._temperature = ground.number("answers_weight"), ground.number("temperature")
        self._loss = softened_tags if ground.tags else softened_answers

    def modules(self) -> Mapping[str, nn.Module]:
        """None."""
        return {}

    def __call__(self, lesson: Lesson) -> Mapping[str, Term]:
        """One term."""
        value = self._loss(lesson.logits, lesson.teacher_logits, self._temperature)
        return {"softened answers": Term(self._weight, value)}
