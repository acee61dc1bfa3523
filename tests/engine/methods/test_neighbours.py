"""AaD and NRC: what they remember, and the sums they make of it."""

from __future__ import annotations

import pytest
import torch
from bandbridge.engine.methods.aad import AttractAndDisperse
from bandbridge.engine.methods.nrc import NeighbourhoodReciprocity
from torch.nn import functional


def begun(stage):
    stage.refresh()
    for module in stage.modules().values():
        module.train()
    return stage


@pytest.mark.parametrize(("method", "make_stage"), [("aad", AttractAndDisperse), ("nrc", NeighbourhoodReciprocity)])
def test_a_batch_brings_its_own_images_up_to_date_and_no_others(method, make_stage, make_ground, make_streams):
    ground = make_ground(method)
    stage = begun(make_stage(ground))
    bank = stage.modules()["bank"]
    assert torch.equal(bank.probabilities, ground.survey.probabilities)
    before = bank.probabilities.clone()
    batch = make_streams(ground)["target"].batch(0)
    stage.objectives({"target": batch})
    changed = (bank.probabilities != before).any(dim=1).nonzero().flatten()
    assert changed.tolist() == sorted(batch.indices.tolist())
    assert not bank.probabilities.requires_grad


def test_dispersion_fades_as_training_goes_on(make_ground, make_streams):
    ground = make_ground("aad", dispersion_weight=2.0, dispersion_decay=1.0)
    stage = begun(AttractAndDisperse(ground))
    batches = {"target": make_streams(ground)["target"].batch(0)}
    weights = []
    for done in (0.0, 1.0, 0.0):
        stage.schedule.factor(done)
        (objective,) = stage.objectives(batches)
        weights.append(objective.terms["dispersion"].weight)
    assert weights == pytest.approx([2.0, 2.0 / 11.0, 2.0])


def test_nrc_adds_up_what_its_equations_say(make_ground, make_streams):
    """Written out with loops over images, as in the paper."""
    ground = make_ground("nrc", neighbours=3, far_neighbours=2)
    stage = begun(NeighbourhoodReciprocity(ground))
    batch = make_streams(ground)["target"].batch(0)
    (objective,) = stage.objectives({"target": batch})
    bank = stage.modules()["bank"]
    alike = functional.cosine_similarity(bank.directions[:, None], bank.directions[None], dim=2)

    def nearest(image: int, count: int) -> list[int]:
        order = alike[image].argsort(descending=True).tolist()
        return [other for other in order if other != image][:count]

    close = far = 0.0
    for image in batch.indices.tolist():
        own = bank.probabilities[image]  # what this batch just gave
        for near in nearest(image, 3):
            beyond = nearest(near, 2)
            close -= (1.0 if image in beyond else 0.1) * float(bank.probabilities[near] @ own)
            far -= sum(float(bank.probabilities[other] @ own) for other in beyond)
    terms = objective.terms
    assert terms["neighbours"].value.item() == pytest.approx(close / len(batch.indices), rel=1e-4)
    assert terms["their neighbours"].value.item() == pytest.approx(far / len(batch.indices), rel=1e-4)
