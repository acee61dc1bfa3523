"""TENT: what it tunes, and what it refuses."""

from __future__ import annotations

import pytest
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.methods.tent import Tent
from bandbridge.engine.training.loop import build_optimisers
from torch import nn


def test_one_step_moves_scale_and_shift_alone_and_lowers_the_entropy(make_ground, make_streams):
    ground = make_ground("tent")
    stage = Tent(ground)
    encoder = ground.members[0].encoder.train()
    before = {name: parameter.detach().clone() for name, parameter in encoder.named_parameters()}
    (optimiser,) = build_optimisers(stage).values()
    batches = {"target": make_streams(ground)["target"].batch(0)}
    entropies = []
    for _ in range(5):
        (objective,) = stage.objectives(batches)
        entropies.append(objective.terms["entropy"].value.item())
        optimiser.zero_grad()
        objective.terms["entropy"].value.backward()
        optimiser.step()
    moved = {name for name, parameter in encoder.named_parameters() if not parameter.equal(before[name])}
    assert moved == {"1.weight", "1.bias", "4.weight", "4.bias"}
    assert entropies[-1] < entropies[0]


def test_other_normalisation_layers_do_as_well(make_ground):
    ground = make_ground("tent")
    encoder = ground.members[0].encoder
    encoder[1], encoder[4] = nn.GroupNorm(2, 6), nn.Identity()
    (group,) = Tent(ground).parameter_groups()["affine"]
    assert group.parameters == [encoder[1].weight, encoder[1].bias]


def test_a_network_without_normalisation_is_refused(make_ground):
    ground = make_ground("tent")
    encoder = ground.members[0].encoder
    encoder[1], encoder[4] = nn.Identity(), nn.BatchNorm2d(5, affine=False)
    with pytest.raises(UsageError, match="TENT cannot adapt this model"):
        Tent(ground)
