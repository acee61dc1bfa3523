"""What each method adds to the labels: which clips it is handed, and its terms by their losses and weights."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from bandbridge.engine.losses.calibration import label_contrast, sharing_labels
from bandbridge.engine.losses.hints import hint_distance
from bandbridge.engine.losses.instance_contrast import representation_contrast
from bandbridge.engine.losses.relations import (
    angle_relation,
    distance_relation,
    neighbour_divergence,
    similarity_distance,
)
from bandbridge.engine.losses.softened import answer_distance, softened_answers, softened_tags
from bandbridge.engine.methods.ccl import ComposedTeaching
from bandbridge.engine.methods.crd import InstanceContrast
from bandbridge.engine.methods.distilled import DistilledStudent, Lesson
from bandbridge.engine.methods.fitnet import Hint
from bandbridge.engine.methods.kd import SoftenedAnswers
from bandbridge.engine.methods.relational import probabilistic, relational, similarity_preserving
from bandbridge.engine.training.stage import Term
from torch.nn import functional


class Listener:
    """A method that keeps what it is handed."""

    terms = ("heard",)

    def modules(self):
        return {}

    def __call__(self, lesson):
        self.lesson = lesson
        return {"heard": Term(0.5, lesson.features.sum())}


@pytest.mark.parametrize("tags", [False, True])
def test_a_lesson_holds_what_both_make_of_the_same_clips(tags, make_clip_ground, make_clip_streams):
    """Of fourteen clips in an order of their own, two without sound."""
    ground = make_clip_ground("kd", tags=tags, mute=(2, 9))
    listener = Listener()
    stage = DistilledStudent(ground, listener)
    stage.refresh()
    batch = make_clip_streams(ground, batch_size=14)["clips"].batch(0)
    (objective,) = stage.objectives({"clips": batch})
    lesson = listener.lesson
    order = batch.indices.tolist()
    known = [index for index in order if index not in (2, 9)]
    assert lesson.indices.tolist() == known != sorted(known)
    rows = [order.index(index) for index in known]
    features = ground.student.encoder(batch.images)
    wanted = Lesson(
        indices=lesson.indices,
        features=features[rows],
        logits=ground.student.head(features)[rows],
        teacher_features=torch.stack([ground.table.features[index] for index in known]),
        teacher_logits=torch.stack([ground.table.logits[index] for index in known]),
        labels=torch.stack([ground.labels[index] for index in known]),
    )
    for field in fields(Lesson):
        torch.testing.assert_close(getattr(lesson, field.name), getattr(wanted, field.name), msg=field.name)
    assert objective.terms["heard"].weight == 0.5
    labels = ground.label_loss(ground.student.head(features), ground.labels[batch.indices])
    assert objective.terms["cross-entropy"].weight == 1.0
    torch.testing.assert_close(objective.terms["cross-entropy"].value, labels)


def unit(values):
    return functional.normalize(values, dim=-1)


def kd(_ground, _parts, lesson):
    return {"softened answers": (0.2, softened_answers(lesson.logits, lesson.teacher_logits, 3.0))}


def kd_of_tags(_ground, _parts, lesson):
    return {"softened answers": (0.2, softened_tags(lesson.logits, lesson.teacher_logits, 3.0))}


def fitnet(_ground, parts, lesson):
    return {"hint": (0.3, hint_distance(parts["regressor"](lesson.features), lesson.teacher_features))}


def sp(_ground, _parts, lesson):
    return {"similarity": (0.4, similarity_distance(lesson.features, lesson.teacher_features))}


def pkt(_ground, _parts, lesson):
    return {"neighbourhood": (0.6, neighbour_divergence(lesson.features, lesson.teacher_features))}


def rkd(_ground, _parts, lesson):
    return {
        "distances": (0.7, distance_relation(lesson.features, lesson.teacher_features)),
        "angles": (0.8, angle_relation(lesson.features, lesson.teacher_features)),
    }


def crd(ground, parts, lesson):
    """There are fourteen clips to learn from: the thirteen others of each, in any order."""
    embed = parts["embeddings"]
    others = [[other for other in range(14) if other != own] for own in lesson.indices.tolist()]
    value = representation_contrast(
        unit(embed["student"](lesson.features)),
        unit(embed["teacher"](lesson.teacher_features)),
        unit(embed["teacher"](ground.table.features[torch.tensor(others)])),
        0.9,
        14,
    )
    return {"instances": (1.1, value)}


def ccl(ground, parts, lesson, agreement=answer_distance):
    layers = parts["composition"]
    direction = unit(layers.project(lesson.teacher_features))
    composed = direction + layers.residual(torch.cat([direction, unit(lesson.features)], dim=1))
    logits = layers.head(composed)
    return {
        "composition": (1.2, ground.label_loss(logits, lesson.labels)),
        "contrast": (1.3, label_contrast(lesson.features, composed, sharing_labels(lesson.labels), 1.4)),
        "agreement": (1.5, agreement(lesson.logits, logits)),
    }


def ccl_of_tags(ground, parts, lesson):
    return ccl(ground, parts, lesson, lambda own, other: softened_tags(own, other, 1.0))


CCL = {"composition_weight": 1.2, "contrast_weight": 1.3, "temperature": 1.4, "agreement_weight": 1.5}


@pytest.mark.parametrize(
    ("method", "teaching", "wanted", "settings", "tags"),
    [
        ("kd", SoftenedAnswers, kd, {"answers_weight": 0.2, "temperature": 3.0}, False),
        ("kd", SoftenedAnswers, kd_of_tags, {"answers_weight": 0.2, "temperature": 3.0}, True),
        ("fitnet", Hint, fitnet, {"hint_weight": 0.3}, False),
        ("sp", similarity_preserving, sp, {"similarity_weight": 0.4}, False),
        ("pkt", probabilistic, pkt, {"neighbours_weight": 0.6}, False),
        ("rkd", relational, rkd, {"distance_weight": 0.7, "angle_weight": 0.8}, False),
        ("crd", InstanceContrast, crd, {"instance_weight": 1.1, "temperature": 0.9}, False),
        ("ccl", ComposedTeaching, ccl, CCL, False),
        ("ccl", ComposedTeaching, ccl_of_tags, CCL, True),
    ],
)
def test_terms_and_weights(method, teaching, wanted, settings, tags, make_clip_ground):
    """By their losses, of which each has a value worked out by hand; the teacher is narrower than the student."""
    random = torch.Generator().manual_seed(4)
    ground = make_clip_ground(method, features=torch.randn(20, 13, generator=random).numpy(), tags=tags, **settings)
    ground.ask_teacher()
    taught = teaching(ground)
    indices = torch.tensor([7, 0, 4, 2])
    lesson = Lesson(
        indices=indices,
        features=torch.randn(4, 32, generator=random),
        logits=torch.randn(4, 3, generator=random),
        teacher_features=ground.table.features[indices],
        teacher_logits=ground.table.logits[indices],
        labels=ground.labels[indices],
    )
    found = {name: (term.weight, term.value.item()) for name, term in taught(lesson).items()}
    assert tuple(found) == taught.terms
    expected = wanted(ground, taught.modules(), lesson)
    assert found == {
        name: (weight, pytest.approx(value.item(), rel=1e-4)) for name, (weight, value) in expected.items()
    }
