"""MNF + CSC beyond the contract: who feels which gradient, and what is noted of every clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.losses.calibration import LOWEST_TEMPERATURE, label_contrast, sharing_labels
from bandbridge.engine.methods.clip_teacher import TeacherTraining
from bandbridge.engine.methods.mnf_csc import CORRESPONDENCE_TEMPERATURE, RobustStudent, SemanticCalibration
from bandbridge.engine.methods.noise_filter import NoiseFilter
from bandbridge.engine.training.clip_passes import clip_features
from bandbridge.engine.training.loop import build_optimisers, total_of, train
from torch import nn


class Silent:
    def epoch_began(self, epoch, step):
        pass

    def stepped(self, step, objectives, images):
        pass

    def may_save(self, step, epoch_ended, optimisers):
        pass


def objectives_of(ground, streams):
    stage = RobustStudent(ground)
    stage.refresh()
    return stage, stage.objectives({"clips": streams["clips"].batch(0)})


def test_each_objective_is_felt_by_its_own_parameters_alone(make_clip_ground, make_clip_streams):
    ground = make_clip_ground("mnf-csc")
    stage, (student, purifier) = objectives_of(ground, make_clip_streams(ground))
    assert student.updates == ("student",)
    assert set(student.terms) == {"cross-entropy", "contrast"}
    assert purifier.updates == ("purifier",)
    assert set(purifier.terms) == {"contrast", "second answer", "filter", "sparsity", "correspondence"}
    groups = stage.parameter_groups()
    assert {name: group[0].rate for name, group in groups.items()} == {"student": 1.0, "purifier": 0.2}
    both = {name: {id(p) for p in group[0].parameters} for name, group in groups.items()}
    assert both["student"].isdisjoint(both["purifier"])


def test_what_the_purifier_alone_learns_leaves_the_student_as_it_was(make_clip_ground, make_clip_streams):
    """The student's gradient equals that of labels and contrast, whatever the other weights are."""
    gradients = []
    for heavy in (1.0, 1000.0):
        ground = make_clip_ground("mnf-csc", filter_weight=min(heavy, 100.0), auxiliary_weight=heavy)
        _stage, objectives = objectives_of(ground, make_clip_streams(ground))
        torch.autograd.backward(total_of(objectives[0]), inputs=list(ground.student.parameters()))
        gradients.append(torch.cat([p.grad.flatten() for p in ground.student.parameters()]))
    assert torch.equal(*gradients)


def test_nothing_but_its_own_layer_feels_the_correspondence(make_clip_ground, make_clip_streams):
    ground = make_clip_ground("mnf-csc")
    stage, (_student, purifier) = objectives_of(ground, make_clip_streams(ground))
    group = stage.parameter_groups()["purifier"][0].parameters
    own = {id(p) for p in stage.modules()["correspondence"].parameters()}
    found = torch.autograd.grad(purifier.terms["correspondence"].value, group, allow_unused=True)
    assert {id(p) for p, gradient in zip(group, found, strict=True) if gradient is not None} == own


def test_the_correspondence_finds_sound_of_another_class(make_clip_ground):
    """Both sides know their classes, in spaces that have nothing in common; two of twenty clips sound wrong."""
    ground = make_clip_ground("mnf-csc", features=np.zeros((20, 32), np.float32))
    stage = RobustStudent(ground)
    classes = ground.student.head.out_features
    labels, wrong = torch.arange(20) % classes, torch.tensor([4, 9])
    heard_class = labels.clone()
    heard_class[wrong] = (labels[wrong] + 1) % classes
    seen, heard, around, about = torch.randn(4, 20, 32, generator=torch.Generator().manual_seed(0))
    features = seen[labels] + 0.3 * around
    ground.table.features.copy_(heard[heard_class] + 0.3 * about)
    layer = stage.modules()["correspondence"]
    optimiser = torch.optim.Adam(layer.parameters(), 1e-3)
    for _ in range(40):
        heard_as = layer(ground.table.features)
        loss = label_contrast(features, heard_as, sharing_labels(labels), CORRESPONDENCE_TEMPERATURE)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = stage.final_signs(torch.arange(20), features).correspondence
    right = torch.ones(20, dtype=torch.bool)
    right[wrong] = False
    assert found[wrong].max() < found[right].quantile(0.25)


def test_what_the_teacher_points_at_begins_unmixed():
    """A query that prefers no token finds their mean, feature by feature; only the normalisation is between."""
    calibration = SemanticCalibration(8, 3)
    tokens = torch.randn(16, 5, 8)
    found = calibration(torch.zeros(16, 8), tokens)
    bias = calibration.after[0].bias
    mean = tokens.mean(dim=1) + bias
    wanted = ((mean - mean.mean(dim=0)) / (mean.var(dim=0, correction=0) + 1e-5).sqrt()).relu()
    torch.testing.assert_close(found, wanted)


def test_sparsity_counts_every_layer_of_the_filter():
    """The released program keeps the last layer's alone."""
    weights = NoiseFilter(8).weights()
    assert [tuple(w.shape) for w in weights] == [(4, 16), (8, 4)]


def test_the_published_widths():
    layers = [layer for layer in NoiseFilter(512).layers if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in layers] == [(1024, 256), (256, 512)]


def test_every_trained_clip_has_a_mask_and_a_temperature(make_clip_ground, make_clip_streams):
    ground = make_clip_ground("mnf-csc", mute=(3,))
    streams = make_clip_streams(ground)
    for stage in (TeacherTraining(ground), RobustStudent(ground)):
        train(
            stage,
            streams,
            epochs=2,
            seed=0,
            optimisers=build_optimisers(stage),
            watcher=Silent(),
            control=ground.control,
        )
    seen = stage.signs
    assert torch.isnan(seen.temperature[[3, 14, 19]]).all()
    taught = torch.tensor([index for index in range(14) if index != 3])
    assert (seen.temperature[taught] >= LOWEST_TEMPERATURE).all()
    assert ((seen.mask[taught] > 0) & (seen.mask[taught] < 1)).all()
    features = clip_features(ground.student.encoder, ground.bank, taught.numpy(), ground.control)
    signs = stage.final_signs(taught, features)
    assert signs.mask.shape == (13, 32)
    projected = ground.table.features[taught] * signs.mask
    wanted = torch.cosine_similarity(features, projected, dim=1) + ground.number("base_temperature")
    torch.testing.assert_close(signs.temperature, wanted.clamp_min(LOWEST_TEMPERATURE))


@pytest.mark.parametrize(("filters", "calibrates"), [(True, False), (False, True)])
def test_ablations_lack_what_they_say(filters, calibrates, make_clip_ground, make_clip_streams):
    ground = make_clip_ground("mnf-only" if filters else "csc-only")
    stage = RobustStudent(ground, filters=filters, calibrates=calibrates)
    assert ("filter" in stage.terms) is filters
    assert ("second answer" in stage.terms) is calibrates
    stage.refresh()
    found = stage.final_signs(torch.arange(3), torch.randn(3, 32))
    assert (found.mask is not None) is filters
    assert (found.temperature is not None) is calibrates


def test_signed_teacher_features_that_point_away_give_finite_losses(make_clip_ground, make_clip_streams):
    """The temperature would be -1 + 0.07 without its floor."""
    features = np.random.default_rng(1).normal(size=(20, 32)).astype(np.float32)
    ground = make_clip_ground("csc-only", features=features)
    stage = RobustStudent(ground, filters=False)
    stage.refresh()
    ground.table.features.copy_(-torch.ones(20, 32))
    (student, _) = stage.objectives({"clips": make_clip_streams(ground)["clips"].batch(0)})
    assert torch.isfinite(total_of(student))
    assert stage.signs.temperature[stage.signs.temperature.isfinite()].min() == pytest.approx(LOWEST_TEMPERATURE)
