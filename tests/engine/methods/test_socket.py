"""SOCKET: none of the known slips of its first release."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.losses.moments import Moments
from bandbridge.engine.methods.ground import statistics_kept
from bandbridge.engine.methods.moments_recorder import MomentsRecorder, watched_layers
from bandbridge.engine.methods.partner_features import PartnerFeatures
from bandbridge.engine.methods.socket import Socket
from bandbridge.engine.training.loop import build_optimisers, total_of
from bandbridge.engine.training.stage import Batch
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.training.views import same_view
from torch import nn

from .fitting import fit


def objective_of(stage, streams, step=0):
    stage.refresh()
    (objective,) = stage.objectives({name: streams[name].batch(step) for name in stage.streams})
    return objective


def test_the_total_is_the_published_sum(make_ground, make_streams):
    ground = make_ground("socket", statistics_norm="published")
    objective = objective_of(Socket(ground), make_streams(ground))
    values = {name: term.value.item() for name, term in objective.terms.items()}
    expected = (
        1.0 * values["information"] + 0.3 * values["pseudo-labels"] + 0.5 * values["statistics"] + 0.5 * values["pairs"]
    )
    assert total_of(objective).item() == pytest.approx(expected, rel=1e-6)


def test_the_measure_of_statistics_is_a_choice(make_ground, make_streams):
    values = {
        norm: objective_of(Socket(ground := make_ground("socket", statistics_norm=norm)), make_streams(ground))
        .terms["statistics"]
        .value.item()
        for norm in ("relative", "published")
    }
    assert values["relative"] < values["published"]


def test_statistics_matching_does_not_switch_itself_off(make_ground, make_streams):
    """The released program's bare sigmoid sinks towards zero; normalised weights cannot."""
    weights = {}
    for as_released in (False, True):
        ground = make_ground("socket", sources=2, as_released=as_released, statistics_norm="published")
        ground.learning_rate = 3e-3
        stage = Socket(ground)
        fit(stage, ground, make_streams(ground), 10)
        weights[as_released] = ground.mixing().sum().item()
        if as_released:
            assert stage.modules()["released weight"]().item() < 0.1
    assert weights[False] == pytest.approx(1.0)


def test_every_source_has_statistics_of_its_own(make_ground):
    ground = make_ground("socket", sources=2)
    stage = Socket(ground)
    for distance, member in zip(stage._distances, ground.members, strict=True):
        norms = [m for m in member.source.modules() if isinstance(m, nn.BatchNorm2d)]
        own = [Moments(norm.running_mean, norm.running_var) for norm in norms]
        distances = [other(own).item() for other in stage._distances]
        assert distance(own).item() == 0.0
        assert max(distances) > 0.0


def test_mixing_weights_are_learned_and_stay_a_share(make_ground, make_streams):
    ground = make_ground("socket", sources=2)
    fit(Socket(ground), ground, make_streams(ground), 4)
    shares = ground.mixing()
    assert shares.sum().item() == pytest.approx(1.0)
    assert shares[0].item() != pytest.approx(0.5, abs=1e-4)


def test_both_images_of_a_pair_are_in_the_same_view(make_ground, make_streams):
    """With an untouched twin that sees the very RGB images, the pair term must vanish in every view."""
    ground = make_ground("socket", augment="overhead")
    member = ground.members[0]
    ground.pairs = member.rgb
    member.encoder.eval()
    streams = make_streams(ground)
    partners = PartnerFeatures(member, ground)
    seen = set()
    for step in range(6):
        batch = streams["pairs"].batch(step)
        seen |= set(batch.turns.tolist())
        with torch.no_grad():
            assert torch.allclose(member.encoder(batch.images), partners.of(batch), atol=1e-5)
    assert len(seen) > 4


def test_views_are_told_apart(make_ground):
    ground = make_ground("socket", augment="overhead")
    partners = PartnerFeatures(ground.members[0], ground)
    for view in range(8):
        image = ground.members[0].rgb.read(np.array([3]), same_view(1, view))
        batch = Batch(image, torch.tensor([3]), torch.tensor([view]))
        with torch.no_grad():
            assert torch.allclose(ground.members[0].source(batch.images), partners.of(batch), atol=1e-5)


def test_shuffling_the_pairs_changes_the_pair_term(make_ground, make_streams):
    ground = make_ground("socket")
    right = objective_of(Socket(ground), make_streams(ground)).terms["pairs"].value.item()
    wrong_ground = make_ground("socket")
    pixels = wrong_ground.members[0].rgb.pixels[::-1].copy()
    wrong_bank = ImageBank(pixels, (0.4,) * 3, (0.2,) * 3, torch.device("cpu"))
    object.__setattr__(wrong_ground.members[0], "rgb", wrong_bank)
    wrong = objective_of(Socket(wrong_ground), make_streams(wrong_ground)).terms["pairs"].value.item()
    assert right != pytest.approx(wrong, rel=1e-3)


def test_running_statistics_describe_the_target_alone(make_ground):
    ground = make_ground("socket")
    encoder = ground.members[0].encoder
    encoder.train()
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    with statistics_kept(encoder), torch.no_grad():
        encoder(torch.randn(4, 3, 8, 8) * 9)
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())
    with torch.no_grad():
        encoder(torch.randn(4, 3, 8, 8) * 9)
    assert not torch.equal(before["1.running_mean"], encoder.state_dict()["1.running_mean"])


def test_the_learned_parts_move_ten_times_faster(make_ground):
    ground = make_ground("socket", sources=2)
    (optimiser,) = build_optimisers(Socket(ground)).values()
    assert [group["rate"] for group in optimiser.param_groups] == [1.0, 10.0]


def test_without_batch_normalisation_moments_come_from_the_pairs(make_ground):
    ground = make_ground("socket")
    for member in ground.members:
        for network in (member.source, member.encoder):
            network[1], network[4] = nn.Identity(), nn.Identity()
    assert [type(layer) for layer in watched_layers(ground.members[0].encoder).values()] == [nn.Conv2d, nn.Conv2d]
    rgb = ground.members[0].rgb
    expected = MomentsRecorder(ground.members[0].source).expected(rgb, ground.control)
    with torch.no_grad():
        outputs = ground.members[0].source[0](rgb.read(np.arange(len(rgb))))
    assert torch.allclose(expected[0].mean, outputs.mean(dim=(0, 2, 3)), atol=1e-5)
    assert torch.allclose(expected[0].variance, outputs.var(dim=(0, 2, 3), correction=0), rtol=1e-4)


def test_moments_read_off_the_running_averages_are_those_of_the_batch():
    layer = nn.BatchNorm2d(4)
    layer.running_mean += 3.0
    values = 5 + 2 * torch.randn(6, 4, 3, 3)
    with MomentsRecorder(nn.Sequential(layer)).recording() as seen:
        layer(values)
    variance, mean = torch.var_mean(values, dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(seen[0].mean, mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(seen[0].variance, variance, rtol=1e-4, atol=1e-4)


def test_layer_norm_is_matched_over_its_channels():
    encoder = nn.Sequential(nn.Flatten(2), nn.LayerNorm(16))
    recorder = MomentsRecorder(encoder)
    with recorder.recording() as seen:
        encoder(torch.randn(2, 3, 4, 4))
    assert seen[0].mean.shape == (16,)


def test_it_needs_pairs(make_ground):
    ground = make_ground("socket")
    ground.training_pairs = np.zeros(0, np.int64)
    with pytest.raises(UsageError, match="needs pairs"):
        Socket(ground)


def test_sources_of_different_width_are_refused(make_ground):
    ground = make_ground("socket", sources=2)
    object.__setattr__(ground.members[1], "head", nn.Linear(7, 3))
    with pytest.raises(UsageError, match="differ in length"):
        Socket(ground)
