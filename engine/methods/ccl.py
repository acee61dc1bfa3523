"""CCL: student and teacher are put together into one view, and the student is drawn towards it.

Chen, Xian, Koepke, Shan and Akata, CVPR 2021 (arXiv 2104.10955). The composition is the teacher's direction plus a
learned residual of both; it is recognised by a last layer of its own, held against the student by contrast within the
classes, and their answers are held together. The widths of its layers are this project's choice.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from bandbridge.engine.losses.calibration import label_contrast, sharing_labels
from bandbridge.engine.losses.softened import answer_distance, softened_tags
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.distilled import Lesson
from bandbridge.engine.training.stage import Term
from torch import Tensor, nn
from torch.nn import functional


class Composition(nn.Module):
    """c = t + r([t; s]), t the teacher's features at the student's width, both of length 1.

    Args:
        width: D of the student's features.
        teacher_width: D' of the teacher's.
        classes: K.
    """

    def __init__(self, width: int, teacher_width: int, classes: int) -> None:
        super().__init__()
        self.project = nn.Linear(teacher_width, width)
        self.residual = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.head = nn.Linear(width, classes)

    def forward(self, features: Tensor, teacher: Tensor) -> Tensor:
        """(B, D), (B, D') -> (B, D)."""
        direction = functional.normalize(self.project(teacher), dim=1)
        both = torch.cat([direction, functional.normalize(features, dim=1)], dim=1)
        composed: Tensor = direction + self.residual(both)
        return composed


class ComposedTeaching:
    """The three terms of CCL.

    Args:
        ground: With a teacher.
    """

    terms = ("composition", "contrast", "agreement")

    def __init__(self, ground: ClipGround) -> None:
        assert ground.teacher is not None
        ground.begin_at_random("teaching")
        self._ground = ground
        head = ground.student.head
        self._composition = Composition(head.in_features, ground.teacher.head.in_features, head.out_features)
        self._composition.to(ground.bank.device)

    def modules(self) -> Mapping[str, nn.Module]:
        """The composition."""
        return {"composition": self._composition}

    def __call__(self, lesson: Lesson) -> Mapping[str, Term]:
        """Three terms."""
        ground = self._ground
        composed = self._composition(lesson.features, lesson.teacher_features)
        logits = self._composition.head(composed)  # (B, K)
        contrast = label_contrast(
            lesson.features, composed, sharing_labels(lesson.labels), ground.number("temperature")
        )
        agreement = softened_tags(lesson.logits, logits, 1.0) if ground.tags else answer_distance(lesson.logits, logits)
        return {
            "composition": Term(ground.number("composition_weight"), ground.label_loss(logits, lesson.labels)),
            "contrast": Term(ground.number("contrast_weight"), contrast),
            "agreement": Term(ground.number("agreement_weight"), agreement),
        }
