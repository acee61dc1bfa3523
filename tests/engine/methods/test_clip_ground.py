"""What methods for clips share: the loss of labels, the rate, and what the teacher made of every clip."""

from __future__ import annotations

import math

import pytest
import torch
from bandbridge.engine.methods.clip_ground import WEIGHT_DECAY, steps_down


def test_tags_are_learned_each_by_itself(make_clip_ground):
    """Chances 1/2 of a tag that is there, 3/4 of one that is not, 1/4 of one that is: log 2 + log 4 + log 4."""
    ground = make_clip_ground("ce", tags=True)
    logits = torch.tensor([[0.0, math.log(3.0), -math.log(3.0)]])
    found = ground.label_loss(logits, torch.tensor([[1.0, 0.0, 1.0]]))
    assert found.item() == pytest.approx(math.log(32.0), abs=1e-6)
    assert ground.chances(logits).tolist() == [pytest.approx([0.5, 0.75, 0.25])]


def test_of_classes_one_is_right(make_clip_ground):
    """Odds 1 : 3 : 4, and the mean over clips."""
    ground = make_clip_ground("ce")
    logits = torch.tensor([[0.0, math.log(3.0), math.log(4.0)], [0.0, 0.0, 0.0]])
    found = ground.label_loss(logits, torch.tensor([1, 0]))
    assert found.item() == pytest.approx((math.log(8 / 3) + math.log(3)) / 2, abs=1e-6)
    assert ground.chances(logits)[0].tolist() == pytest.approx([1 / 8, 3 / 8, 1 / 2])


def test_the_rate_falls_to_a_tenth_at_three_quarters_as_published():
    assert [steps_down(epoch / 200) for epoch in (0, 149, 150, 199)] == [1.0, 1.0, 0.1, 0.1]


def test_the_student_decays_as_published(make_clip_ground):
    ground = make_clip_ground("ce")
    (group,) = ground.parameter_group(ground.student)
    assert group.weight_decay == WEIGHT_DECAY == 5e-4
    assert {id(p) for p in group.parameters} == {id(p) for p in ground.student.parameters()}


def test_every_row_of_the_table_is_what_the_teacher_makes_of_that_clip(make_clip_ground):
    """Features over their root mean square on training clips it knows; clips it does not know stay zero."""
    ground = make_clip_ground("kd", mute=(3, 15))
    ground.ask_teacher()
    for index in (0, 2, 13, 14, 19):
        alone = ground.see(ground.teacher, ground.teacher_bank, torch.tensor([index]).numpy())
        torch.testing.assert_close(ground.table.logits[index], alone.logits[0])
        cosine = torch.cosine_similarity(ground.table.features[index], alone.features[0], dim=0)
        assert cosine.item() == pytest.approx(1.0, abs=1e-5)
    assert ground.table.features[[3, 15]].abs().sum() == 0
    assert ground.table.features[ground.teaching].square().mean().item() == pytest.approx(1.0, abs=1e-5)
