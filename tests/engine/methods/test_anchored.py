"""Pairs count as far as they resemble the target, and it matters which image belongs to which."""

import dataclasses

import numpy as np
import pytest
import torch
from bandbridge.engine.methods.anchored import AnchoredSelfTraining, likeness
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.validation.told_apart import told_apart

from .fitting import fit

CPU = torch.device("cpu")


def bank(seed, count=60, bright=0, size=8):
    random = np.random.default_rng(seed)
    return ImageBank(
        (random.integers(0, 30000, (count, 3, size, size)) + bright).astype(np.uint16), (0.3,) * 3, (0.2,) * 3, CPU
    )


def test_images_from_one_source_are_alike_and_from_two_are_not(make_ground):
    ground = make_ground("anchored")
    ground.pairs, ground.target = bank(0), bank(1)
    assert likeness(ground) == 1.0
    ground.target = bank(1, bright=20000)
    assert likeness(ground) == 0.0


def test_the_test_of_likeness_knows_a_shift_and_a_coincidence():
    random = np.random.default_rng(0)
    first = random.normal(size=(80, 6)).astype(np.float32)
    assert 0.3 < told_apart(first, random.normal(size=(50, 6)).astype(np.float32)) < 0.7
    assert told_apart(first, first + 3) > 0.99


def test_unlike_pairs_weigh_nothing_and_variety_then_counts(make_ground, make_streams):
    ground = make_ground("anchored")
    ground.target, ground.pairs = bank(1, bright=20000), bank(0, count=14)
    stage = AnchoredSelfTraining(ground)
    stage.refresh()
    streams = make_streams(ground)
    batches = {name: streams[name].batch(0) for name in stage.streams}
    (objective,) = stage.objectives(batches)
    assert objective.terms["features"].weight == objective.terms["answers"].weight == 0.0
    assert objective.terms["information"].value < 0  # entropy less variety


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffling_the_pairs_hurts(seed, make_ground, make_streams):
    """Trained on the wrong partners, the model ends further from what RGB shows on held-out pairs."""
    ends = []
    for shuffled in (False, True):
        ground = make_ground("anchored", pairs=44, likeness="full", im_weight=0, pseudo_weight=0)
        levels = np.random.default_rng(seed).integers(0, 65536, (44, 3, 1, 1)).astype(np.uint16)
        rgb = ImageBank(np.broadcast_to(levels, (44, 3, 8, 8)).copy(), (0.4,) * 3, (0.2,) * 3, CPU)
        member = dataclasses.replace(ground.members[0], rgb=rgb)
        ground.members = (member,)
        ground.pairs = ImageBank(65535 - rgb.pixels, (0.6,) * 3, (0.2,) * 3, CPU)  # the negative: much to learn
        if shuffled:
            order = np.random.default_rng(seed).permutation(len(rgb))
            mixed = ImageBank(rgb.pixels[order], (0.4,) * 3, (0.2,) * 3, CPU)
            ground.members = (dataclasses.replace(member, rgb=mixed),)
        stage = AnchoredSelfTraining(ground)
        fit(stage, ground, make_streams(ground, seed=seed), 25, seed)
        with torch.no_grad():
            wanted = member.source(rgb.read(ground.held_out_pairs))
        ends.append((ground.look().pair_features - wanted).square().mean().item())
    assert ends[0] < 0.8 * ends[1]
