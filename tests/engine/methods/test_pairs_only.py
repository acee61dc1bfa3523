"""Pairs only: what it learns from, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.methods.pairs_only import PairsOnly
from torch import nn


def objective_of(stage, streams, step=0):
    stage.refresh()
    for module in stage.modules().values():
        module.train()
    (objective,) = stage.objectives({name: streams[name].batch(step) for name in stage.streams})
    return objective


def without_batch_statistics(ground):
    """The twin and its source work alike in training and eval mode."""
    for network in (ground.members[0].source, ground.members[0].encoder):
        network[1], network[4] = nn.Identity(), nn.Identity()


def test_a_twin_that_sees_the_very_rgb_images_has_nothing_to_learn(make_ground, make_streams):
    ground = make_ground("pairs-only", augment="overhead")
    without_batch_statistics(ground)
    ground.pairs = ground.members[0].rgb
    streams = make_streams(ground)
    for step in range(4):
        terms = objective_of(PairsOnly(ground), streams, step).terms
        assert terms["answers"].value.item() == pytest.approx(0.0, abs=1e-6)
        assert terms["features"].value.item() == pytest.approx(0.0, abs=1e-6)


def test_target_images_move_running_statistics_alone(make_ground, make_streams):
    gradients, averages = [], []
    for brightness in (1.0, 3.0):
        ground = make_ground("pairs-only")
        streams = make_streams(ground)
        stage = PairsOnly(ground)
        batches = {name: streams[name].batch(0) for name in stage.streams}
        batches["target"].images.mul_(brightness)
        encoder = ground.members[0].encoder.train()
        (objective,) = stage.objectives(batches)
        objective.terms["answers"].value.backward()
        gradients.append(encoder[0].weight.grad.clone())
        averages.append(encoder[1].running_var.clone())
    assert torch.equal(*gradients)
    assert not torch.equal(*averages)


def test_it_needs_pairs(make_ground):
    ground = make_ground("pairs-only")
    ground.training_pairs = np.zeros(0, np.int64)
    with pytest.raises(UsageError, match="needs pairs"):
        PairsOnly(ground)
