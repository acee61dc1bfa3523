"""Losses of distillation, by values worked out by hand and by what must hold for any values."""

from __future__ import annotations

import math

import pytest
import torch
from bandbridge.engine.losses.calibration import (
    LOWEST_TEMPERATURE,
    label_contrast,
    sharing_labels,
    temperatures,
    trusted_contrast,
)
from bandbridge.engine.losses.hints import hint_distance
from bandbridge.engine.losses.instance_contrast import representation_contrast
from bandbridge.engine.losses.noise_filter import filter_triplet, weight_sparsity
from bandbridge.engine.losses.relations import (
    angle_relation,
    distance_relation,
    neighbour_divergence,
    similarity_distance,
)
from bandbridge.engine.losses.softened import answer_distance, softened_answers, softened_tags
from hypothesis import given
from hypothesis import strategies as st

RELATIONS = (similarity_distance, neighbour_divergence, distance_relation, angle_relation)


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


# ---- MNF + CSC ---------------------------------------------------------------------------------------------------


def test_temperature_is_cosine_plus_base_and_never_zero_or_below():
    """Features that point apart gave temperatures down to -1 + base, which turn the contrast round."""
    features = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    teacher = torch.tensor([[3.0, 0.0], [-1.0, 0.0]])
    found = temperatures(features, teacher, 0.2)
    torch.testing.assert_close(found, torch.tensor([[1.2, LOWEST_TEMPERATURE], [0.2, 0.2]]))


@given(st.integers(0, 10**6), st.floats(0.01, 0.5))
def test_temperature_is_always_above_zero_and_without_gradient(seed, base):
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(6, 4, generator=random).requires_grad_()
    found = temperatures(features, -features.detach() + 0.1 * torch.randn(6, 4, generator=random), base)
    assert (found >= LOWEST_TEMPERATURE).all()
    assert not found.requires_grad


def test_label_contrast_by_hand():
    """cos = [[1, 0], [1, 0]], s = [[1 / 0.5, 0], [1 / 0.25, 0]]; the second clip's positives are both."""
    features, others = torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.eye(2)
    positives = torch.tensor([[True, False], [True, True]])
    temperature = torch.tensor([[0.5, 0.3], [0.25, 1.0]])
    first = math.log(math.exp(2) + 1) - 2
    spread = math.log(math.exp(4) + 1)
    second = ((spread - 4) + (spread - 0)) / 2
    found = label_contrast(features, others, positives, temperature)
    assert found.item() == pytest.approx((first + second) / 2, abs=1e-6)


def test_trusted_contrast_by_hand():
    """s = [[2, 0], [2, 0]]: the first finds its partner, the second a stranger; the first is trusted thrice as much."""
    features, partners = torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.eye(2)
    found = trusted_contrast(features, partners, torch.tensor([3.0, 1.0]), 0.5)
    both = math.log(math.exp(2) + 1)
    assert found.item() == pytest.approx((3 * (both - 2) + both) / 4, abs=1e-6)


@given(st.integers(0, 10**6), st.floats(0.05, 1.07))
def test_trusted_alike_it_is_the_plain_contrast_of_pairs(seed, trust):
    random = torch.Generator().manual_seed(seed)
    features, partners = torch.randn(2, 6, 4, generator=random)
    found = trusted_contrast(features, partners, torch.full((6,), trust), 0.1)
    torch.testing.assert_close(found, label_contrast(features, partners, torch.eye(6, dtype=torch.bool), 0.1))


def test_clips_share_classes_or_tags():
    assert sharing_labels(torch.tensor([0, 1, 0])).tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]
    tags = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert sharing_labels(tags).tolist() == [
        [True, True, False, False],
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]


def test_filter_triplet_by_hand():
    """First clip: cos raw 0, purified 1: max(0, 0 - 1 + 0.2) = 0. Second: raw 1, purified 0.6: 0.6."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    teacher = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    purified = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    assert filter_triplet(features, teacher, purified).item() == pytest.approx(0.3, abs=1e-6)


def test_sparsity_sums_all_layers():
    """An assignment in place of a sum would count the last layer alone."""
    layers = [torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5], [0.25]])]
    assert weight_sparsity(layers).item() == pytest.approx(3.75)


# ---- the comparators ---------------------------------------------------------------------------------------------


def test_softened_answers_by_hand():
    """T = 2: teacher softmax(ln 9 / 2, 0) = (3/4, 1/4); student even: T^2 KL = 4 (3/4 ln 3/2 + 1/4 ln 1/2)."""
    found = softened_answers(torch.zeros(1, 2), torch.tensor([[math.log(9.0), 0.0]]), 2.0)
    assert found.item() == pytest.approx(4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5)), abs=1e-6)


def test_softened_tags_by_hand():
    """T = 1: teacher's chance 3/4, student's 1/2, and a second tag alike in both."""
    found = softened_tags(torch.tensor([[0.0, 1.3]]), torch.tensor([[math.log(3.0), 1.3]]), 1.0)
    assert found.item() == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), abs=1e-6)


def test_answer_distance_by_hand():
    certain, opposite = torch.tensor([[40.0, 0.0]]), torch.tensor([[0.0, 40.0]])
    assert answer_distance(certain, opposite).item() == pytest.approx(math.log(2.0), abs=1e-5)
    assert answer_distance(certain, certain).item() == pytest.approx(0.0, abs=1e-6)


def test_hint_distance_by_hand():
    assert hint_distance(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])).item() == pytest.approx(5 / 4)


def test_similarity_distance_by_hand():
    """Student: F F^T = I, rows (1, 0), (0, 1). Teacher: all ones, rows (1, 1) / sqrt 2."""
    half = 1 / math.sqrt(2)
    wanted = (2 * (1 - half) ** 2 + 2 * half**2) / 4
    assert similarity_distance(torch.eye(2), torch.ones(2, 3)).item() == pytest.approx(wanted, abs=1e-6)


def test_neighbour_divergence_by_hand():
    """Student kernels: all others orthogonal, so even. Teacher: clips 0 and 1 alike (1), 2 opposite (0, floored)."""
    teacher = torch.tensor([[1.0], [2.0], [-1.0]])
    found = neighbour_divergence(torch.eye(3), teacher).item()
    assert found == pytest.approx((math.log(2) + math.log(2) + 0.0) / 3, abs=1e-4)


def test_distance_relation_by_hand():
    """Teacher 0, 3, 4 on a line: distances 3, 4, 1 over 8/3. Student 0, 1, 2: 1, 2, 1 over 4/3."""
    student, teacher = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[0.0], [3.0], [4.0]])
    differences = [3 / 4 - 9 / 8, 6 / 4 - 12 / 8, 3 / 4 - 3 / 8]
    wanted = sum(d**2 / 2 for d in differences) / 3
    assert distance_relation(student, teacher).item() == pytest.approx(wanted, abs=1e-6)


def test_angle_relation_by_hand():
    """An equilateral triangle has cosine 1/2 everywhere, a right-angled one 0, and 1/sqrt 2 twice."""
    even = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(3) / 2]])
    right = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    half = 1 / math.sqrt(2)
    wanted = (0.5**2 / 2 + 2 * (half - 0.5) ** 2 / 2) / 3
    assert angle_relation(even, right).item() == pytest.approx(wanted, abs=1e-6)


def test_representation_contrast_by_hand():
    """One clip, two others of ten in all: h = e^u / (e^u + 2 / 10)."""
    student = torch.tensor([[1.0, 0.0]])
    others = torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]])

    def chance(cosine):
        return math.exp(cosine / 0.5) / (math.exp(cosine / 0.5) + 0.2)

    wanted = -(math.log(chance(1.0)) + math.log(1 - chance(0.0)) + math.log(1 - chance(-1.0)))
    found = representation_contrast(student, torch.tensor([[1.0, 0.0]]), others, 0.5, 10)
    assert found.item() == pytest.approx(wanted, abs=1e-5)


@given(st.integers(0, 10**6), st.floats(0.1, 10.0))
def test_relations_vanish_for_a_turned_and_scaled_teacher_and_never_go_below_zero(seed, scale):
    random = torch.Generator().manual_seed(seed)
    student = torch.randn(5, 4, generator=random)
    turn, _ = torch.linalg.qr(torch.randn(4, 4, generator=random))
    for relation in RELATIONS:
        assert relation(student, scale * student @ turn).item() == pytest.approx(0.0, abs=1e-4)
        assert relation(student, torch.randn(5, 7, generator=random)).item() >= -1e-6


@pytest.mark.parametrize("relation", RELATIONS)
def test_relations_of_equal_clips_have_finite_gradients(relation):
    student = torch.zeros(4, 3, requires_grad=True)
    (student + torch.tensor([1.0, 0, 0])).requires_grad_()
    relation(student + torch.tensor([1.0, 0.0, 0.0]), torch.randn(4, 2)).backward()
    assert torch.isfinite(student.grad).all()
