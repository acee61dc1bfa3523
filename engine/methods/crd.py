"""CRD: the student tells the teacher's view of a clip from its views of other clips.

Tian, Krishnan and Isola, ICLR 2020 (arXiv 1910.10699). Difference from the paper: as the frozen teacher's features of
all clips are at hand, the other clips' are taken from there, always up to date, instead of from a memory; there are as
many as clips allow instead of 16384.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from bandbridge.engine.losses.instance_contrast import representation_contrast
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.distilled import Lesson
from bandbridge.engine.training.stage import Term
from torch import Tensor, nn
from torch.nn import functional

EMBEDDING = 128


class InstanceContrast:
    """instance_weight times the contrast, in a space of 128 dimensions.

    Args:
        ground: With a teacher.
    """

    terms = ("instances",)

    def __init__(self, ground: ClipGround) -> None:
        assert ground.teacher is not None
        ground.begin_at_random("teaching")
        self._ground = ground
        self._weight, self._temperature = ground.number("instance_weight"), ground.number("temperature")
        self._clips = torch.from_numpy(ground.teaching).to(ground.bank.device)
        self._others = min(int(ground.number("others")), max(len(self._clips) - 1, 1))
        widths = {"student": ground.student.head.in_features, "teacher": ground.teacher.head.in_features}
        self._embed = nn.ModuleDict({side: nn.Linear(width, EMBEDDING) for side, width in widths.items()})
        self._embed.to(ground.bank.device)

    def modules(self) -> Mapping[str, nn.Module]:
        """The two embeddings."""
        return {"embeddings": self._embed}

    def __call__(self, lesson: Lesson) -> Mapping[str, Term]:
        """One term."""
        assert self._ground.table is not None
        others = self._ground.table.features[self._draw(lesson.indices)]  # (B, N, D')
        value = representation_contrast(
            functional.normalize(self._embed["student"](lesson.features), dim=1),
            functional.normalize(self._embed["teacher"](lesson.teacher_features), dim=1),
            functional.normalize(self._embed["teacher"](others), dim=2),
            self._temperature,
            len(self._clips),
        )
        return {"instances": Term(self._weight, value)}

    def _draw(self, indices: Tensor) -> Tensor:
        """(B, N) training clips the teacher knows, none of them the row's own."""
        count = len(self._clips)
        drawn = torch.rand(len(indices), count, device=indices.device)
        drawn.masked_fill_(indices[:, None] == self._clips, -1.0)
        return self._clips[drawn.topk(min(self._others, count), dim=1).indices]
