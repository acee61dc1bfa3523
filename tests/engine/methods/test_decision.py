"""DECISION: several source models answer together, and their weights are learned."""

from __future__ import annotations

import pytest
import torch
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.losses.information import information_maximisation
from bandbridge.engine.methods.decision import Decision
from bandbridge.engine.methods.shot import Shot
from torch import nn

from .fitting import fit


def objective_of(stage, streams):
    stage.refresh()
    for module in stage.modules().values():
        module.train()
    (objective,) = stage.objectives({"target": streams["target"].batch(0)})
    return objective


def test_answers_are_mixed_by_the_weights(make_ground, make_streams):
    ground = make_ground("decision", sources=2)
    ground.mixing.scores.data = torch.tensor([0.75, 0.25]).log()
    batch = make_streams(ground)["target"].batch(0)
    objective = objective_of(Decision(ground), make_streams(ground))
    with torch.no_grad():
        first, second = (member.head(member.encoder(batch.images)) for member in ground.members)
    expected = information_maximisation(0.75 * first + 0.25 * second)
    assert objective.terms["information"].value.item() == pytest.approx(expected.item(), rel=1e-5)


def test_weights_are_learned_and_stay_shares(make_ground, make_streams):
    ground = make_ground("decision", sources=2)
    stage = Decision(ground)
    fit(stage, ground, make_streams(ground), 4)
    shares = ground.mixing()
    assert shares.sum().item() == pytest.approx(1.0)
    assert shares[0].item() != pytest.approx(0.5, abs=1e-4)


def test_with_one_source_model_it_is_shot(make_ground, make_streams):
    alone = [make_ground(method) for method in ("decision", "shot")]
    stages = [Decision(alone[0]), Shot(alone[1])]
    totals = [objective_of(stage, make_streams(ground)) for stage, ground in zip(stages, alone, strict=True)]
    for name in Decision.terms:
        assert totals[0].terms[name].value.item() == pytest.approx(totals[1].terms[name].value.item(), rel=1e-6)


def test_sources_of_different_width_are_refused(make_ground):
    ground = make_ground("decision", sources=2)
    object.__setattr__(ground.members[1], "head", nn.Linear(7, 3))
    with pytest.raises(UsageError, match="differ in length"):
        Decision(ground)
    with pytest.raises(UsageError, match="differ in length"):
        ground.look()  # a run looks before any method begins
