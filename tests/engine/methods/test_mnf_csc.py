"""MNF + CSC beyond the contract: its equations, who feels which gradient, and what is noted of every clip."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from bandbridge.engine.losses.calibration import LOWEST_TEMPERATURE, label_contrast, sharing_labels
from bandbridge.engine.methods.clip_teacher import TeacherTraining
from bandbridge.engine.methods.mnf_csc import CORRESPONDENCE_TEMPERATURE, RobustStudent, SemanticCalibration
from bandbridge.engine.methods.noise_filter import NoiseFilter
from bandbridge.engine.training.clip_passes import clip_features
from bandbridge.engine.training.loop import total_of
from torch import nn

from .fitting import fit


def objectives_of(ground, streams):
    stage = RobustStudent(ground)
    stage.refresh()
    return stage, stage.objectives({"clips": streams["clips"].batch(0)})


def plain_cosine(first, second):
    return (first @ second) / (first.norm() * second.norm())


def plain_contrast(features, others, labels, temperature):
    """mean_i 1/|P(i)| sum_{j in P(i)} -log softmax_j(s_i), clip by clip."""
    losses = []
    for i, own in enumerate(features):
        scores = [plain_cosine(own, other) / temperature(i, j) for j, other in enumerate(others)]
        spread = torch.stack(scores).exp().sum().log()
        same = [j for j in range(len(others)) if labels[j] == labels[i]]
        losses.append(sum(spread - scores[j] for j in same) / len(same))
    return sum(losses) / len(losses)


def plain_norm(values, layer):
    """Normalised by the batch, as a layer in training does."""
    spread = (values.var(dim=0, correction=0) + layer.eps).sqrt()
    return (values - values.mean(dim=0)) / spread * layer.weight + layer.bias


def plain_cross_entropy(logits, labels):
    return sum(row.exp().sum().log() - row[label] for row, label in zip(logits, labels, strict=True)) / len(logits)


def plain_attention(query, tokens, layer):
    """Two heads, each of its half of the width."""
    width = len(query)
    weights, biases = layer.in_proj_weight.split(width), layer.in_proj_bias.split(width)
    asked = weights[0] @ query + biases[0]
    keys, values = (tokens @ weight.T + bias for weight, bias in zip(weights[1:], biases[1:], strict=True))
    heads = []
    for half in (slice(0, width // 2), slice(width // 2, width)):
        scores = (keys[:, half] @ asked[half] / math.sqrt(width // 2)).exp()
        heads.append((scores / scores.sum()) @ values[:, half])
    return layer.out_proj.weight @ torch.cat(heads) + layer.out_proj.bias


def plain_terms(ground, parts, tokens, t, labels, laid):
    """Every term by its equation, of the networks' weights, the student's tokens (B, N, D) and the teacher's rows."""
    f = tokens.mean(dim=1)
    head, heard = ground.student.head, parts["correspondence"]
    base = ground.number("base_temperature")
    a = t @ heard.weight.T + heard.bias
    terms = {
        "cross-entropy": plain_cross_entropy(f @ head.weight.T + head.bias, labels),
        "correspondence": plain_contrast(f, a, labels, lambda i, j: 0.1),
    }
    raw = a.detach() if laid else t
    p = raw
    if "noise filter" in parts:
        first, norm, _, last = parts["noise filter"].layers
        inner = plain_norm(torch.cat([raw, f], dim=1) @ first.weight.T + first.bias, norm).relu()
        p = raw / (1 + (-(inner @ last.weight.T + last.bias)).exp())
        triplets = [
            plain_cosine(own, other) - plain_cosine(own, pure) + 0.2 for own, other, pure in zip(f, raw, p, strict=True)
        ]
        terms["filter"] = torch.stack(triplets).relu().mean()
        terms["sparsity"] = first.weight.abs().sum() + last.weight.abs().sum()
    if "calibration" not in parts:
        return terms | {"contrast": plain_contrast(f, p, labels, lambda i, j: base)}
    layers = parts["calibration"]
    behind, norm, _ = layers.after
    pointed = torch.stack([plain_attention(*row, layers.attention) for row in zip(p, tokens, strict=True)])
    g = plain_norm(pointed @ behind.weight.T + behind.bias, norm).relu()
    terms["second answer"] = plain_cross_entropy(g @ layers.head.weight.T + layers.head.bias, labels)
    cosines = [[plain_cosine(own, pure).item() for pure in p] for own in f]
    assert min(map(min, cosines)) + base < LOWEST_TEMPERATURE, "the floor is met"
    return terms | {"contrast": plain_contrast(f, g, labels, lambda i, j: max(cosines[i][j] + base, 0.05))}


WEIGHTS = {"contrast": 0.3, "second answer": 0.7, "filter": 0.9, "sparsity": 0.02, "base": 0.11}
ABLATIONS = [("mnf-csc", True, True), ("mnf-only", True, False), ("csc-only", False, True)]


@pytest.mark.parametrize(("method", "filters", "calibrates"), ABLATIONS)
@pytest.mark.parametrize(("width", "space"), [(32, "own"), (32, "student"), (20, "own")])
def test_every_term_and_both_gradients_are_those_of_the_equations(
    method, filters, calibrates, width, space, make_clip_ground, make_clip_streams
):
    """On four clips, two of one class, through networks that are far from how they begin."""
    random = torch.Generator().manual_seed(3)
    settings = {"contrast_weight": WEIGHTS["contrast"], "base_temperature": WEIGHTS["base"], "teacher_space": space}
    if filters:
        settings |= {"filter_weight": WEIGHTS["filter"], "sparsity_weight": WEIGHTS["sparsity"]}
    if calibrates:
        settings |= {"auxiliary_weight": WEIGHTS["second answer"]}
    ground = make_clip_ground(method, features=torch.randn(20, width, generator=random).numpy(), **settings)
    stage = RobustStudent(ground, filters=filters, calibrates=calibrates)
    stage.refresh()
    parts = {name: module.train() for name, module in stage.modules().items()}
    for module in parts.values():
        module.double()
        for weight in module.parameters():
            weight.data += 0.4 * torch.randn(weight.shape, generator=random)
    parts["signs"].float()
    clips = torch.tensor([7, 0, 4, 2])
    batch = make_clip_streams(ground, batch_size=14)["clips"].batch(0)
    rows = [batch.indices.tolist().index(clip) for clip in clips]
    batch = replace(batch, images=batch.images[rows].double(), indices=clips, labels=batch.labels[rows])
    assert batch.labels.tolist() == [1, 0, 1, 2]
    student, purifier = stage.objectives({"clips": batch})
    tokens = ground.student.tokens(batch.images)
    laid = width != 32 or space == "student"
    wanted = plain_terms(ground, parts, tokens, ground.table.features[clips], batch.labels, laid)
    found = {**purifier.terms, **student.terms}
    assert set(found) == set(wanted) == set(stage.terms)
    for name, term in found.items():
        torch.testing.assert_close(term.value, wanted[name], msg=name)
        assert term.weight == WEIGHTS.get(name, 1.0), name
    groups = stage.parameter_groups()
    for objective in (student, purifier):
        (name,) = objective.updates
        parameters = [p for group in groups[name] for p in group.parameters]
        total = sum(WEIGHTS.get(term, 1.0) * wanted[term] for term in objective.terms)
        gradients = (
            torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
            for value in (total_of(objective), total)
        )
        torch.testing.assert_close(*gradients, msg=name)


def test_weights_and_temperature_begin_as_said(make_clip_ground):
    ground = make_clip_ground("mnf-csc")
    said = {"auxiliary_weight": 1, "filter_weight": 1, "sparsity_weight": 1e-3, "base_temperature": 0.07}
    assert said.items() <= ground.settings.items()


@pytest.mark.parametrize(("method", "filters", "calibrates"), ABLATIONS)
def test_a_step_of_the_loop_is_adams_on_each_objectives_own_gradient(
    method, filters, calibrates, make_clip_ground, make_clip_streams
):
    """Four steps: three at the full rate, the last at a tenth; a fifth of it for the purifier; weights decay."""

    def begun():
        ground = make_clip_ground(method)
        return ground, RobustStudent(ground, filters=filters, calibrates=calibrates)

    ground, stage = begun()
    stream = make_clip_streams(ground, batch_size=14)["clips"]
    stage.refresh()
    groups = {name: list(group.parameters) for name, (group,) in stage.parameter_groups().items()}
    rates = {"student": ground.learning_rate, "purifier": 0.2 * ground.learning_rate}
    adams = {name: torch.optim.Adam(group, rates[name], weight_decay=5e-4) for name, group in groups.items()}
    for step in range(4):
        for module in stage.modules().values():
            module.train()
        found = {
            objective.updates[0]: torch.autograd.grad(
                total_of(objective), groups[objective.updates[0]], retain_graph=True, allow_unused=True
            )
            for objective in stage.objectives({"clips": stream.batch(step)})
        }
        for name, gradients in found.items():
            for parameter, gradient in zip(groups[name], gradients, strict=True):
                parameter.grad = gradient
            adams[name].param_groups[0]["lr"] = rates[name] * (1.0 if step < 3 else 0.1)
            adams[name].step()
    ground, other = begun()
    fit(other, ground, make_clip_streams(ground, batch_size=14), 4)
    for name, module in stage.modules().items():
        torch.testing.assert_close(other.modules()[name].state_dict(), module.state_dict(), equal_nan=True)


def stepped(make_clip_ground, make_clip_streams, *, head=1.0, **settings):
    """Student and purifier after a single step."""
    ground = make_clip_ground("mnf-csc", **settings)
    ground.student.head.weight.data *= head
    stage = RobustStudent(ground)
    fit(stage, ground, make_clip_streams(ground, batch_size=14), 1)
    own = [module for name, module in stage.modules().items() if name not in ("student", "teacher", "table", "signs")]
    return ground.student.state_dict(), nn.ModuleList(own).state_dict()


def same(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


def test_after_a_step_neither_student_nor_purifier_knows_how_heavy_the_others_terms_are(
    make_clip_ground, make_clip_streams
):
    student, purifier = stepped(make_clip_ground, make_clip_streams)
    heavy = {"filter_weight": 1000, "auxiliary_weight": 1000, "sparsity_weight": 1}
    beside_heavy, heavier = stepped(make_clip_ground, make_clip_streams, **heavy)
    assert same(student, beside_heavy)
    assert not same(purifier, heavier)
    other_answers, beside_other = stepped(make_clip_ground, make_clip_streams, head=100.0)
    assert same(purifier, beside_other)
    assert not same(student, other_answers)


@pytest.mark.parametrize(("method", "filters", "calibrates"), ABLATIONS)
def test_a_teacher_of_another_width_is_brought_nearer_and_by_no_term_of_the_filter(
    method, filters, calibrates, make_clip_ground, make_clip_streams
):
    """The triplet falls as well by pushing the teacher away, and did: cos(f, t) fell from 0.16 to -0.18."""
    random = np.random.default_rng(0)
    kinds = random.normal(size=(3, 20))[np.arange(20) % 3]
    features = (kinds + 0.5 * random.normal(size=(20, 20))).astype(np.float32)
    ground = make_clip_ground(method, features=features)
    stage = RobustStudent(ground, filters=filters, calibrates=calibrates)
    stage.refresh()
    streams = make_clip_streams(ground)
    _, purifier = stage.objectives({"clips": streams["clips"].batch(0)})
    layer = list(stage.modules()["correspondence"].parameters())
    for name, term in purifier.terms.items():
        if name != "correspondence":
            felt = torch.autograd.grad(term.value, layer, retain_graph=True, allow_unused=True)
            assert felt == (None, None), name

    def nearness():
        seen = ground.see(ground.student, ground.bank, ground.training)
        signs = stage.final_signs(torch.from_numpy(ground.training), seen.features)
        return signs.correspondence.mean().item()

    before = nearness()
    fit(stage, ground, streams, 10)
    assert nearness() > before + 0.1


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
        fit(stage, ground, streams, 2)
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
