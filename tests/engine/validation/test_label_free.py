"""What is measured without labels: values worked out by hand, and no more memory than many images allow."""

import math

import pytest
import torch
from bandbridge.engine.api.events import LABEL_FREE, RELIABILITY
from bandbridge.engine.validation import label_free
from torch.nn import functional


def certain(classes: list[int], count: int = 3, size: float = 50.0) -> torch.Tensor:
    return size * functional.one_hot(torch.tensor(classes), count).float()


def test_balanced_agreement_counts_a_rare_class_as_much_as_a_common_one():
    rgb, sensor = certain([0, 0, 0, 1]), certain([0, 0, 1, 2])
    assert label_free.agreement(rgb, sensor) == 0.5
    assert label_free.balanced_agreement(rgb, sensor) == pytest.approx((2 / 3 + 0) / 2)


def test_divergence_by_hand_and_in_its_direction():
    first, second = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([[0.5, 0.5]]).log()
    assert label_free.divergence(first, second) == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2), rel=1e-5)
    assert label_free.divergence(first, second) != pytest.approx(label_free.divergence(second, first), rel=0.1)
    assert label_free.divergence(first + 3, first) == pytest.approx(0.0, abs=1e-6)


def test_margin_is_what_own_partners_have_over_others():
    rgb, sensor = torch.eye(4), torch.eye(4)
    assert label_free.partner_margin(rgb, sensor) == pytest.approx(1.0)
    assert label_free.partner_margin(rgb, sensor.flip(0)) == pytest.approx(-1 / 3)
    torch.manual_seed(0)
    rgb, sensor = torch.randn(30, 8), torch.randn(30, 8)
    cosine = functional.normalize(sensor, dim=1) @ functional.normalize(rgb, dim=1).T
    slow = sum(cosine[i, i] - (cosine[i].sum() - cosine[i, i]) / 29 for i in range(30)) / 30
    assert label_free.partner_margin(rgb, sensor) == pytest.approx(float(slow), abs=1e-5)


@pytest.mark.parametrize(
    ("probabilities", "entropy", "variety", "norm"),
    [
        (torch.eye(4).repeat(5, 1), 0.0, math.log(4), 1.0),
        (torch.full((20, 4), 0.25), math.log(4), math.log(4), 0.25),
        (torch.eye(4)[[0] * 20], 0.0, 0.0, 0.5),
        (torch.eye(4)[:2], 0.0, math.log(2), 1.0),
    ],
)
def test_certainty_and_variety_by_hand(probabilities, entropy, variety, norm):
    assert label_free.mean_entropy(probabilities) == pytest.approx(entropy, abs=1e-6)
    assert label_free.class_entropy(probabilities) == pytest.approx(variety, abs=1e-6)
    assert label_free.information(probabilities) == pytest.approx(entropy - variety, abs=1e-6)
    assert label_free.nuclear_norm(probabilities) == pytest.approx(norm, abs=1e-6)


def test_nuclear_norm_is_the_sum_of_singular_values_over_many_blocks():
    torch.manual_seed(0)
    for shape in ((9000, 7), (5, 30)):
        probabilities = torch.randn(shape).softmax(dim=1)
        whole = torch.linalg.matrix_norm(probabilities.double(), "nuc") / math.sqrt(shape[0] * min(shape))
        assert label_free.nuclear_norm(probabilities) == pytest.approx(float(whole), rel=1e-6)


def test_density_is_the_logarithm_of_the_group_size():
    groups = torch.eye(4).repeat_interleave(6, dim=0)  # each image has 5 of its kind
    assert label_free.neighbourhood_density(groups) == pytest.approx(math.log(5), abs=1e-3)
    assert label_free.neighbourhood_density(groups[:6]) == pytest.approx(math.log(5), abs=1e-6)
    assert label_free.neighbourhood_density(groups[:1]) == 0.0


def test_effective_classes_by_hand():
    assert label_free.effective_classes(torch.tensor([5, 5, 0])) == pytest.approx(2.0)
    assert label_free.effective_classes(torch.tensor([9, 0, 0])) == pytest.approx(1.0)


def test_every_measure_of_the_catalogue_is_computed_and_no_other():
    logits, features = certain([0, 1, 2, 0]), torch.eye(4)
    found = label_free.target_measures(logits, certain([0, 1, 1, 0]))
    assert found["changed"] == 0.25
    assert found["largest_share"] == 0.5
    pairs = label_free.pair_measures(logits, logits, features, features)
    assert {*found, *pairs, "reliability", "ssim", "psnr"} == set(LABEL_FREE)  # made of others, or need a translator
    assert list(LABEL_FREE)[: len(pairs)] == list(pairs)
    assert RELIABILITY in LABEL_FREE
    assert all(math.isfinite(value) for value in (found | pairs).values()), "certain answers must not give 0 log 0"


def test_100_000_images_need_no_matrix_of_images_by_images():
    torch.manual_seed(0)
    logits = torch.randn(100_000, 10)
    assert all(math.isfinite(value) for value in label_free.target_measures(logits, logits).values())
