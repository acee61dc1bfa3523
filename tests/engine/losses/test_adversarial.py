"""Values worked out by hand."""

import math

import pytest
import torch
from bandbridge.engine.losses.adversarial import not_told_apart, telling_apart


def test_a_discriminator_that_cannot_tell_pays_log_two_and_one_that_can_pays_nothing():
    undecided = torch.zeros(3)
    assert telling_apart(undecided, undecided).item() == pytest.approx(math.log(2))
    assert telling_apart(torch.full((2,), -30.0), torch.full((4,), 30.0)).item() == pytest.approx(0.0, abs=1e-6)
    assert telling_apart(torch.tensor([0.0]), torch.tensor([math.log(3.0)])).item() == pytest.approx(
        (math.log(2) + math.log(4 / 3)) / 2
    )


def test_features_pay_nothing_where_every_verdict_is_undecided_and_more_the_surer_it_is_either_way():
    undecided = torch.zeros(3, requires_grad=True)
    loss = not_told_apart(undecided, undecided)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert undecided.grad.abs().max() == pytest.approx(0.0, abs=1e-6)
    sure = torch.full((3,), 2.0)
    assert not_told_apart(sure, -sure).item() == pytest.approx(not_told_apart(-sure, sure).item())
    assert not_told_apart(sure, -sure).item() > 0.3
