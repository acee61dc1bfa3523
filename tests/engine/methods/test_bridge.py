"""TGMB's units: flat or dark RGB images must not let one term drown the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.losses.pairs import sample_distance
from bandbridge.engine.methods.partner_features import Grey, PartnerFeatures
from bandbridge.engine.methods.tgmb import ModalityBridging
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch
from bandbridge.engine.training.streams import ImageBank
from torch import nn

CPU = torch.device("cpu")


def flattened(bank: ImageBank, share: float) -> ImageBank:
    """The same images with a share of their contrast, dark."""
    return ImageBank((bank.pixels * share).astype(np.uint16), (0.4,) * 3, (0.2,) * 3, CPU)


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_partners_are_at_most_four_apart_before_training(make_ground, share):
    ground = make_ground("tgkt")
    member = ground.members[0]
    object.__setattr__(member, "rgb", flattened(member.rgb, share))
    partners = PartnerFeatures(member, ground)
    used = ground.training_pairs
    of_rgb = feature_pass(member.source, member.rgb, ground.control, chosen=used)
    of_sensor = feature_pass(nn.Sequential(Grey(3), member.source), ground.pairs, ground.control, chosen=used)
    assert sample_distance(of_sensor, of_rgb, partners.spread).item() <= 4.0
    if share < 1:
        assert sample_distance(of_sensor, of_rgb, of_rgb.std(dim=0, correction=0)).item() > 100.0


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_a_picture_of_the_mean_colour_costs_one_whatever_the_contrast(make_ground, share):
    ground = make_ground("tgkt", augment="none")
    member = ground.members[0]
    object.__setattr__(member, "rgb", flattened(member.rgb, share))
    bridge = ModalityBridging(ground)
    used = ground.training_pairs
    with torch.no_grad():
        bridge.translator.copy.weight.zero_()
        bridge.translator.copy.bias.copy_(member.rgb.read(used).mean(dim=(0, 2, 3)))
    batch = Batch(ground.pairs.read(used), torch.from_numpy(used), torch.zeros(len(used), dtype=torch.int64))
    objective, _ = bridge.objectives({"pairs": batch, "target": batch})
    assert objective.terms["reconstruction"].value.item() == pytest.approx(1.0, abs=0.02)
