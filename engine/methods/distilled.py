"""The second stage of methods with one objective: the student learns the labels and, by some term, the teacher.

Clips the teacher knows nothing of, for instance those without sound, are learned from by their labels alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bandbridge.engine.api.video_catalogue import STUDENT_STAGE
from bandbridge.engine.methods.clip_ground import FEWEST_TAUGHT, ClipGround, steps_down
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Lesson:
    """Those clips of a batch that the teacher knows, B of them.

    Attributes:
        indices: (B,) which clips they are.
        features: (B, D) of the student.
        logits: (B, K) of the student.
        teacher_features: (B, D').
        teacher_logits: (B, K).
        labels: (B,) class indices or (B, K) tags.
    """

    indices: Tensor
    features: Tensor
    logits: Tensor
    teacher_features: Tensor
    teacher_logits: Tensor
    labels: Tensor


class Teaching(Protocol):
    """What a method adds to learning the labels."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of its terms, in the order to draw them."""
        ...

    def modules(self) -> Mapping[str, nn.Module]:
        """What it trains beside the student."""
        ...

    def __call__(self, lesson: Lesson) -> Mapping[str, Term]:
        """Its terms on a lesson."""
        ...


class DistilledStudent:
    """L = CE(student(clip), y) + what a method teaches.

    Args:
        ground: With a teacher, if the method has one.
        teaching: The method, None for the labels alone.
    """

    name = STUDENT_STAGE
    streams = ("clips",)

    def __init__(self, ground: ClipGround, teaching: Teaching | None = None) -> None:
        self._ground = ground
        self._teaching = teaching
        self.terms = ("cross-entropy", *(teaching.terms if teaching else ()))
        self.schedule = Schedule("adam", ground.learning_rate, steps_down)

    def modules(self) -> Mapping[str, nn.Module]:
        """Student, teacher, and what the method trains beside them."""
        return {**self._ground.modules(), **(self._teaching.modules() if self._teaching else {})}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The student and the method's own layers, at one rate; the teacher is frozen."""
        own = self._teaching.modules().values() if self._teaching else ()
        return {"student": self._ground.parameter_group(self._ground.student, *own)}

    def refresh(self) -> None:
        """Ask the teacher once; look at the validation clips."""
        if self._teaching is not None:
            self._ground.ask_teacher()
        self._ground.look()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective."""
        batch = batches["clips"]
        assert batch.labels is not None
        student = self._ground.student
        features = student.encoder(batch.images)  # (B, D)
        logits = student.head(features)  # (B, K)
        terms = {"cross-entropy": Term(1.0, self._ground.label_loss(logits, batch.labels))}
        if self._teaching is not None:
            terms |= self._teach(self._teaching, batch, features, logits)
        return (Objective(terms, ("student",)),)

    def _teach(self, teaching: Teaching, batch: Batch, features: Tensor, logits: Tensor) -> Mapping[str, Term]:
        taught = self._ground.taught(batch.indices)
        if int(taught.sum()) < FEWEST_TAUGHT:
            return {name: Term(0.0, features.sum() * 0.0) for name in teaching.terms}
        assert self._ground.table is not None
        assert batch.labels is not None
        known = batch.indices[taught]
        return teaching(
            Lesson(
                indices=known,
                features=features[taught],
                logits=logits[taught],
                teacher_features=self._ground.table.features[known],
                teacher_logits=self._ground.table.logits[known],
                labels=batch.labels[taught],
            )
        )
