"""The pure loop that methods are measured against must do what their steps do, no more and no less."""

from __future__ import annotations

import copy

import pytest
import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.benchmark.loop import BareStep, PassesSeen, loop_speeds, networks_of, trained_methods
from bandbridge.engine.benchmark.made_up import MadeUp
from bandbridge.engine.benchmark.measure import of_rounds
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.training.loop import build_optimisers
from bandbridge.engine.worker.course import streams_of

TWIN, SOURCE, TRANSLATOR = 0, 1, 2


@pytest.fixture(scope="module")
def made_up():
    return MadeUp("test_resnet", 32, 12, torch.device("cpu"))


def one_step(made_up, method, wanted=0):
    """The networks, the passes of one step of a method's stage, and the stage's optimisers."""
    ground = made_up.ground(method, Control())
    streams = streams_of(ground, RunConfig(sources=(), target="", run="", method=method))
    for number, stage in enumerate(STAGES[method](ground)):
        if number < wanted:
            continue
        seen = PassesSeen(networks_of(ground))
        stage.objectives({name: streams[name].batch(0) for name in stage.streams})
        seen.look_away()
        return networks_of(ground), seen.passes, build_optimisers(stage)
    raise AssertionError


@pytest.mark.parametrize(
    ("method", "stage", "expected"),
    [
        ("shot", 0, [(TWIN, 12, None, True)]),
        ("pairs-only", 0, [(TWIN, 12, None, False), (TWIN, 12, None, True)]),
        ("socket", 0, [(TWIN, 12, None, True), (TWIN, 12, None, True)]),
        ("tgkt", 0, [(TRANSLATOR, 24, None, True), (SOURCE, None, 0, True)]),
        ("translator-socket", 1, [(TWIN, 12, None, True), (TWIN, 12, None, True)]),  # the translator is part of it
    ],
)
def test_the_passes_of_a_step_are_seen(made_up, method, stage, expected):
    _, passes, _ = one_step(made_up, method, stage)
    found = [(p.network, None if p.images is None else len(p.images), p.follows, p.learns) for p in passes]
    assert found == expected


@pytest.mark.parametrize("method", ["tent", "tgkt"])
def test_a_bare_step_trains_copies_alone(made_up, method):
    networks, passes, optimisers = one_step(made_up, method)
    before = copy.deepcopy([network.state_dict() for network in networks])
    bare = BareStep(networks, passes, optimisers)
    copies = [group["params"] for optimiser in bare.optimisers for group in optimiser.param_groups]
    weights = copy.deepcopy(copies)
    bare()
    for network, then in zip(networks, before, strict=True):
        for name, value in network.state_dict().items():
            assert torch.equal(value, then[name]), name
    assert not torch.equal(copies[0][0], weights[0][0])


@pytest.mark.parametrize("method", trained_methods())
def test_every_stage_of_every_method_is_measured(made_up, method):
    found = loop_speeds(method, made_up, Control(), rounds=1)
    assert len(found) == len(method_info(method).stages)
    assert all(measurement.value > 0 for measurement in found)


def test_a_promise_to_reach_a_figure_is_broken_below_it():
    assert of_rounds("", "", [0.95, 0.8, 0.91], "x", at_least=0.9).keeps is True
    assert of_rounds("", "", [0.95, 0.8, 0.89], "x", at_least=0.9).keeps is False
    assert of_rounds("", "", [1.2], "x", at_most=1.15).keeps is False
