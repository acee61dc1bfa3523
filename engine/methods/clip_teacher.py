"""The first stage of every taught method: the teacher learns the labels by what it sees of the same clips.

A teacher whose features were made elsewhere has a last layer alone to learn, for the methods that want its answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bandbridge.engine.api.video_catalogue import TEACHER_STAGE
from bandbridge.engine.methods.clip_ground import ClipGround, steps_down
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from torch import nn


class TeacherTraining:
    """L = CE(teacher(clip), y).

    Args:
        ground: With a teacher.
    """

    name = TEACHER_STAGE
    streams = ("teacher",)
    terms = ("cross-entropy",)

    def __init__(self, ground: ClipGround) -> None:
        assert ground.teacher is not None
        self._ground = ground
        self._teacher = ground.teacher
        rate, epochs = ground.number("teacher_rate"), int(ground.number("teacher_epochs"))
        self.schedule = Schedule("adam", rate, steps_down, epochs)

    def modules(self) -> Mapping[str, nn.Module]:
        """The teacher."""
        return {"teacher": self._teacher}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """All of it that learns."""
        return {"teacher": self._ground.parameter_group(self._teacher)}

    def refresh(self) -> None:
        """Look at the validation clips through the teacher."""
        self._ground.look(self._teacher)

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of one term."""
        batch = batches["teacher"]
        assert batch.labels is not None
        logits = self._teacher.head(self._teacher.encoder(batch.images))  # (B, K)
        return (Objective({"cross-entropy": Term(1.0, self._ground.label_loss(logits, batch.labels))}, ("teacher",)),)
