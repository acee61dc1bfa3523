"""Loss terms against values worked out by hand, and properties that must hold for any input."""

import math

import pytest
import torch
from bandbridge.engine.losses.information import class_imbalance, entropy, information_maximisation
from bandbridge.engine.losses.moments import (
    Moments,
    RelativeStatisticsDistance,
    StatisticsDistance,
    channel_moments,
)
from bandbridge.engine.losses.neighbours import affinity, attraction, dispersion, nearest
from bandbridge.engine.losses.pairs import answer_divergence, batch_distance, sample_distance
from bandbridge.engine.losses.pseudo_labels import centroid_labels
from hypothesis import given
from hypothesis import strategies as st


def test_entropy_of_a_fair_coin():
    assert entropy(torch.tensor([0.5, 0.5])).item() == pytest.approx(math.log(2), abs=1e-4)


def test_information_is_best_when_certain_and_varied():
    certain_and_varied = torch.tensor([[50.0, 0.0], [0.0, 50.0]])
    undecided = torch.zeros(2, 2)
    one_class = torch.tensor([[50.0, 0.0], [50.0, 0.0]])
    assert information_maximisation(certain_and_varied).item() == pytest.approx(-math.log(2), abs=1e-3)
    assert information_maximisation(undecided).item() == pytest.approx(0.0, abs=1e-6)
    assert information_maximisation(one_class).item() == pytest.approx(0.0, abs=1e-3)


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_information_lies_between_minus_log_k_and_zero(seed, classes):
    logits = 5 * torch.randn(12, classes, generator=torch.Generator().manual_seed(seed))
    value = information_maximisation(logits).item()
    assert -math.log(classes) - 1e-3 <= value <= 1e-3


def test_class_imbalance_by_hand():
    assert class_imbalance(torch.tensor([[50.0, 0.0], [0.0, 50.0]])).item() == pytest.approx(0.0, abs=1e-4)
    assert class_imbalance(torch.tensor([[50.0, 0.0], [50.0, 0.0]])).item() == pytest.approx(math.log(2), abs=1e-4)


def test_attraction_by_hand():
    probabilities = torch.tensor([[0.8, 0.2], [0.5, 0.5]])
    neighbours = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 1.0]]])
    # first image 0.8 + 0.5, second 0.5 + 0.5
    assert attraction(probabilities, neighbours).item() == pytest.approx(-(1.3 + 1.0) / 2)
    weights = torch.tensor([[1.0, 0.1], [0.1, 0.1]])
    assert attraction(probabilities, neighbours, weights).item() == pytest.approx(-(0.85 + 0.1) / 2)


def test_dispersion_by_hand():
    probabilities = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    # pairs: 0.5, 0, 0.5; each counts for both of its images
    assert dispersion(probabilities).item() == pytest.approx(2 * 1.0 / 3)
    assert dispersion(torch.tensor([[1.0, 0.0]] * 4)).item() == pytest.approx(3.0)


def test_affinity_is_one_where_both_are_neighbours_of_each_other():
    expanded = torch.tensor([[[5, 0], [6, 7]], [[0, 2], [1, 3]]])
    assert torch.equal(affinity(torch.tensor([0, 1]), expanded), torch.tensor([[1.0, 0.1], [0.1, 1.0]]))


def test_nobody_is_its_own_neighbour():
    angles = torch.tensor([0.0, 0.1, 0.3, 2.0])
    bank = torch.stack([angles.cos(), angles.sin()], dim=1)
    own = torch.tensor([0, 2])
    assert nearest(bank[own], bank, own, 2).tolist() == [[1, 2], [1, 0]]
    expanded = nearest(bank[own].unsqueeze(0), bank, own.unsqueeze(0), 9)
    assert expanded.tolist() == [[[1, 2, 3], [1, 0, 3]]]


def test_channel_moments_are_biased_and_per_channel():
    values = torch.tensor([[[[1.0, 3.0]], [[0.0, 0.0]]]])  # (1, 2, 1, 2)
    moments = channel_moments(values, 1)
    assert moments.mean.tolist() == [2.0, 0.0]
    assert moments.variance.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("channel_dim", [1, -1])
def test_the_written_out_gradient_of_the_moments_is_right(channel_dim):
    values = torch.randn(3, 4, 2, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    others = [d for d in range(4) if d != channel_dim % 4]
    moments = channel_moments(values, channel_dim)
    variance, mean = torch.var_mean(values, dim=others, correction=0)
    torch.testing.assert_close((moments.mean, moments.variance), (mean, variance))
    (written,) = torch.autograd.grad((moments.mean.sin() + moments.variance.square()).sum(), values)
    (expected,) = torch.autograd.grad((mean.sin() + variance.square()).sum(), values)
    torch.testing.assert_close(written, expected)


def test_statistics_distance_by_hand():
    def moments(mean, variance):
        return Moments(torch.tensor(mean), torch.tensor(variance))

    seen = [moments([3.0, 4.0], [1.0, 1.0]), moments([1.0], [5.0])]
    expected = [moments([0.0, 0.0], [1.0, 1.0]), moments([0.0], [2.0])]
    # first layer 10 * (5 + 0), second 1 * (1 + 3)
    assert StatisticsDistance(expected)(seen).item() == pytest.approx(54.0)
    assert StatisticsDistance(expected)(expected).item() == 0.0


def test_statistics_distance_has_a_gradient_of_zero_at_zero():
    mean = torch.zeros(3, requires_grad=True)
    StatisticsDistance([Moments(torch.zeros(3), torch.ones(3))])([Moments(mean, torch.ones(3))]).backward()
    assert mean.grad is not None
    assert mean.grad.tolist() == [0.0, 0.0, 0.0]


def test_relative_distance_does_not_know_the_scale_of_a_layer():
    def moments(scale, shift):
        mean = torch.tensor([1.0, 2.0]) + shift
        return Moments(mean * scale, torch.tensor([1.0, 1.0]) * scale**2)

    small = RelativeStatisticsDistance([moments(1.0, 0.0)])([moments(1.0, 1.0)])
    large = RelativeStatisticsDistance([moments(1e4, 0.0)])([moments(1e4, 1.0)])
    assert small.item() == pytest.approx(1 / math.sqrt(1.05))  # every channel is off by its own spread
    assert large.item() == pytest.approx(small.item(), rel=1e-4)


def test_a_dead_channel_does_not_rule_the_relative_distance():
    seen = Moments(torch.tensor([0.0, 0.1]), torch.tensor([1.0, 0.0]))
    expected = Moments(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 0.0]))
    assert RelativeStatisticsDistance([expected])([seen]).item() < 1.0


def test_statistics_distance_refuses_different_networks():
    moments = Moments(torch.zeros(1), torch.ones(1))
    with pytest.raises(ValueError, match="1 layers seen, 2 expected"):
        StatisticsDistance([moments, moments])([moments])


def test_batch_distance_grows_with_the_root_of_the_batch_and_sample_distance_does_not():
    sensor, rgb = torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 6.0]])
    assert batch_distance(sensor, rgb).item() == pytest.approx(5.0)
    assert batch_distance(sensor.repeat(4, 1), rgb.repeat(4, 1)).item() == pytest.approx(10.0)
    spread = torch.tensor([3.0, 2.0])
    assert sample_distance(sensor, rgb, spread).item() == pytest.approx((1.0 + 4.0) / 2)
    assert sample_distance(sensor.repeat(4, 1), rgb.repeat(4, 1), spread).item() == pytest.approx(2.5)


def test_a_feature_that_never_varies_does_not_blow_the_pair_distance_up():
    value = sample_distance(torch.ones(2, 2), torch.zeros(2, 2), torch.tensor([1.0, 0.0]))
    assert value.item() < 10


def test_answer_divergence_by_hand():
    rgb, sensor = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)  # from the source model's answer to the adapted one's
    assert answer_divergence(sensor, rgb).item() == pytest.approx(expected)
    assert answer_divergence(sensor.repeat(3, 1) + 7.0, rgb.repeat(3, 1)).item() == pytest.approx(expected)
    assert answer_divergence(rgb, rgb).item() == pytest.approx(0.0, abs=1e-7)


def test_centroid_labels_follow_the_clusters_not_the_single_predictions():
    features = torch.tensor([[10.0, 0.0], [10.0, 0.5], [0.0, 10.0], [0.5, 10.0], [9.5, 0.2]])
    probabilities = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.4, 0.6]])  # the last is mistaken
    for rounds in (0, 1, 3):
        assert centroid_labels(features, probabilities, hard_rounds=rounds).tolist() == [0, 0, 1, 1, 0]


def test_a_class_without_images_is_never_assigned_in_a_hard_round():
    features = torch.eye(3)
    probabilities = torch.tensor([[0.8, 0.2, 0.0], [0.1, 0.9, 0.0], [0.6, 0.4, 0.0]])
    assert 2 not in centroid_labels(features, probabilities, hard_rounds=2).tolist()
