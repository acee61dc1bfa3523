"""Pairs trusted as far as their two images go together: who is trusted, and who feels which gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.losses.calibration import LOWEST_TEMPERATURE
from bandbridge.engine.losses.pairs import batch_distance, sample_distance
from bandbridge.engine.methods.ground import statistics_kept
from bandbridge.engine.methods.pair_matching import BASE_TEMPERATURE, PairMatching
from bandbridge.engine.methods.partner_features import PartnerFeatures
from bandbridge.engine.methods.socket import Socket
from bandbridge.engine.training.loop import total_of
from bandbridge.engine.training.streams import ImageBank


def matched(make_ground, make_streams, **settings):
    ground = make_ground("socket", **settings)
    matching = PairMatching(ground, str(ground.settings["pairs_norm"]))
    return ground, matching, matching.match(make_streams(ground)["pairs"].batch(0))


@pytest.mark.parametrize("norm", ["batch", "sample"])
def test_pairs_trusted_alike_are_measured_by_the_plain_distance(norm, make_ground, make_streams):
    ground, matching, found = matched(make_ground, make_streams, sources=2, pairs_norm=norm)
    pairs = make_streams(ground)["pairs"].batch(0)
    wanted = []
    for member in ground.members:
        partners = PartnerFeatures(member, ground)
        with statistics_kept(member.encoder):
            sides = member.encoder(pairs.images), partners.of(pairs)
        wanted.append(batch_distance(*sides) if norm == "batch" else sample_distance(*sides, partners.spread))
    torch.testing.assert_close(found.distance, torch.stack(wanted).mean())
    assert (found.objectives, matching.terms, matching.modules(), matching.parameter_groups()) == ((), (), {}, {})


def test_a_pair_with_a_strangers_image_is_trusted_less(make_ground, make_streams):
    """Three kinds of blobs; the first two pairs show the RGB image of another kind."""
    ground = make_ground("socket", pairs_trust="mnf-csc")
    (member,) = ground.members
    pixels = member.rgb.pixels.copy()
    pixels[[0, 1]] = pixels[[1, 0]]
    object.__setattr__(member, "rgb", ImageBank(pixels, (0.4,) * 3, (0.2,) * 3, torch.device("cpu")))
    matching = PairMatching(ground, "batch")
    matching.match(make_streams(ground, batch_size=10)["pairs"].batch(0))
    trust = ground.pair_trust
    assert trust[10:].isnan().all(), "held-out pairs are not met"
    assert ((trust[:10] >= LOWEST_TEMPERATURE) & (trust[:10] <= 1 + BASE_TEMPERATURE)).all()
    assert trust[:2].max() < trust[2:10].min()


def gradients(objective, parameters):
    return torch.autograd.grad(total_of(objective), parameters, retain_graph=True, allow_unused=True)


def test_encoder_and_filter_feel_their_own_objective_alone(make_ground, make_streams):
    ground = make_ground("socket", pairs_trust="mnf-csc")
    stage = Socket(ground)
    stage.refresh()
    streams = make_streams(ground)
    model, purifier = stage.objectives({name: streams[name].batch(0) for name in stage.streams})
    assert (model.updates, purifier.updates) == (("model",), ("purifier",))
    assert set(purifier.terms) == {"pair contrast", "pair filter", "sparsity"}
    groups = stage.parameter_groups()
    assert {id(p) for g in groups["model"] for p in g.parameters}.isdisjoint(
        {id(p) for g in groups["purifier"] for p in g.parameters}
    )
    torch.testing.assert_close(purifier.terms["pair contrast"].value, model.terms["pairs"].value)
    felt = gradients(purifier, groups["purifier"][0].parameters)
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in felt)


def test_every_term_is_that_of_the_equations(make_ground, make_streams):
    """On six pairs, through a filter that is far from how it begins; the encoder's gradient passes by the filter."""
    ground, matching, _ = matched(make_ground, make_streams, pairs_trust="mnf-csc")
    (noise_filter,) = matching.modules()["noise filters"]
    random = torch.Generator().manual_seed(0)
    for weight in noise_filter.parameters():
        weight.data += torch.randn(weight.shape, generator=random)
    pairs = make_streams(ground)["pairs"].batch(0)
    found = matching.match(pairs)
    (objective,) = found.objectives
    (member,) = ground.members
    partners = PartnerFeatures(member, ground)
    with statistics_kept(member.encoder):
        sides = member.encoder(pairs.images), partners.of(pairs)
    f, t = ((side - side.mean(dim=0)) / partners.spread for side in sides)
    first, norm, _, last = noise_filter.layers
    inner = torch.cat([t, f.detach()], dim=1) @ first.weight.T + first.bias
    inner = (inner - inner.mean(dim=0)) / (inner.var(dim=0, correction=0) + norm.eps).sqrt() * norm.weight + norm.bias
    p = t / (1 + (-(inner.relu() @ last.weight.T + last.bias)).exp())
    cosine = torch.cosine_similarity
    trust = (cosine(f, p, dim=1) + 0.07).clamp_min(0.05).detach()
    torch.testing.assert_close(ground.pair_trust[pairs.indices], trust)
    scores = (cosine(f[:, None], p[None], dim=2) / 0.1).exp()
    contrast = -(trust * (scores.diagonal() / scores.sum(dim=1)).log()).sum() / trust.sum()
    wanted = {
        "pair contrast": (1.0, contrast),
        "pair filter": (1.0, (cosine(f, t, dim=1) - cosine(f, p, dim=1) + 0.2).clamp_min(0.0).mean()),
        "sparsity": (1e-3, first.weight.abs().sum() + last.weight.abs().sum()),
    }
    for name, term in objective.terms.items():
        weight, value = wanted.pop(name)
        assert term.weight == weight
        torch.testing.assert_close(term.value, value, msg=name)
    assert not wanted
    encoder = list(member.encoder.parameters())
    both = (torch.autograd.grad(value, encoder, retain_graph=True) for value in (found.distance, contrast))
    torch.testing.assert_close(*both, rtol=1e-3, atol=1e-4)


def test_the_encoder_cannot_talk_the_filter_round(make_ground, make_streams):
    """The mask looks at its features, but hands no gradient back to them."""
    ground, matching, _ = matched(make_ground, make_streams, pairs_trust="mnf-csc")
    (noise_filter,) = matching.modules()["noise filters"]
    seen = []
    noise_filter.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs))
    matching.match(make_streams(ground)["pairs"].batch(0))
    assert [tensor.requires_grad for tensor in seen[0]] == [False, False]


def test_every_source_has_a_filter_of_its_own(make_ground, make_streams):
    _ground, matching, found = matched(make_ground, make_streams, sources=2, pairs_trust="mnf-csc")
    first, second = matching.modules()["noise filters"]
    assert not torch.equal(first.layers[0].weight, second.layers[0].weight)
    gradient = gradients(found.objectives[0], [first.layers[0].weight, second.layers[0].weight])
    assert all(part.abs().sum() > 0 for part in gradient)
    assert found.distance.item() == pytest.approx(found.objectives[0].terms["pair contrast"].value.item() / 2)


def test_a_single_pair_is_trusted(make_ground, make_streams):
    """There is none to hold it against, and batch normalisation would refuse it."""
    ground = make_ground("socket", pairs_trust="mnf-csc")
    ground.training_pairs = np.array([3])
    matching = PairMatching(ground, "sample")
    assert matching.match(make_streams(ground)["pairs"].batch(0)).objectives == ()


def test_it_works_in_half_precision(make_ground, make_streams):
    ground = make_ground("socket", pairs_trust="mnf-csc", sources=2)
    matching = PairMatching(ground, "batch")
    pairs = make_streams(ground)["pairs"].batch(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = matching.match(pairs)
    total_of(found.objectives[0]).backward()
    assert torch.isfinite(found.distance)
    assert torch.isfinite(ground.pair_trust[pairs.indices]).all()
