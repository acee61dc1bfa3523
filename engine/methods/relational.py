"""Methods that hand over how the teacher arranges clips among each other: SP, PKT and RKD.

Tung and Mori, ICCV 2019 (arXiv 1907.09682); Passalis and Tefas, ECCV 2018 (arXiv 1803.10837); Park, Kim, Lu and Cho,
CVPR 2019 (arXiv 1904.05068). All three on the last features. They have nothing to train beside the student, and the
teacher's width does not matter to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bandbridge.engine.losses.relations import (
    angle_relation,
    distance_relation,
    neighbour_divergence,
    similarity_distance,
)
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.distilled import Lesson
from bandbridge.engine.training.stage import Term
from torch import Tensor, nn

Relation = Callable[[Tensor, Tensor], Tensor]


class Relations:
    """A weighted sum of relations.

    Args:
        ground: For its settings.
        relations: Name of the term -> its weight's key, and the relation of student and teacher features.
    """

    def __init__(self, ground: ClipGround, relations: Mapping[str, tuple[str, Relation]]) -> None:
        self.terms = tuple(relations)
        self._relations = {name: (ground.number(key), relation) for name, (key, relation) in relations.items()}

    def modules(self) -> Mapping[str, nn.Module]:
        """None."""
        return {}

    def __call__(self, lesson: Lesson) -> Mapping[str, Term]:
        """A term a relation."""
        return {
            name: Term(weight, relation(lesson.features, lesson.teacher_features))
            for name, (weight, relation) in self._relations.items()
        }


def similarity_preserving(ground: ClipGround) -> Relations:
    """SP."""
    return Relations(ground, {"similarity": ("similarity_weight", similarity_distance)})


def probabilistic(ground: ClipGround) -> Relations:
    """PKT."""
    return Relations(ground, {"neighbourhood": ("neighbours_weight", neighbour_divergence)})


def relational(ground: ClipGround) -> Relations:
    """RKD, distances and angles."""
    return Relations(
        ground,
        {"distances": ("distance_weight", distance_relation), "angles": ("angle_weight", angle_relation)},
    )
