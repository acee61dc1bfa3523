"""What training on clips is measured against does what a step does to the student, no more and no less."""

from __future__ import annotations

import copy

import pytest
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.benchmark import clips
from bandbridge.engine.benchmark.clips import BareClipStep, MadeUpClips, batch_share, clip_loop_speed, clip_reading
from bandbridge.engine.imagery.reading import identity


@pytest.fixture
def made_up(monkeypatch):
    for name, value in {
        "CLIPS": 8,
        "BATCH": 4,
        "WINDOW": 4,
        "LENGTH": 6,
        "WIDTH": 2,
        "SIZE_PX": 16,
        "ROUNDS": 1,
    }.items():
        monkeypatch.setattr(clips, name, value)
    return MadeUpClips(torch.device("cpu"))


def test_a_bare_step_trains_a_copy_alone(made_up):
    ground = made_up.ground("ce", Control())
    before = copy.deepcopy(ground.student.state_dict())
    bare = BareClipStep(ground, made_up)
    copied = copy.deepcopy(bare._student.state_dict())
    bare()
    assert all(torch.equal(before[key], value) for key, value in ground.student.state_dict().items())
    assert any(not torch.equal(copied[key], value) for key, value in bare._student.state_dict().items())


@pytest.mark.parametrize("method", ["ce", "mnf-csc"])
def test_every_epoch_but_the_first_is_measured(made_up, method):
    found = clip_loop_speed(method, made_up, Control(), rounds=2)
    assert found.name == f"video/loop/{method}"
    assert found.lowest > 0
    assert found.limit == 0.9


def test_reading_and_batches_are_measured(made_up, monkeypatch):
    for name, value in {"FILMS": 2, "FILM_SIZE": (64, 64), "SETTLED_S": 0.0}.items():
        monkeypatch.setattr(clips, name, value)
    monkeypatch.setattr(identity, "SETTLED_S", 0.0)
    assert [found.name for found in clip_reading()] == [f"video/reading/{what}" for what in ("ratio", "rate", "cached")]
    assert batch_share(made_up, Control()).value > 0
