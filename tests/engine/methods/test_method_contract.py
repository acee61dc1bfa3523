"""What every method must hold, whatever it does."""

from __future__ import annotations

import pytest
import torch
from bandbridge.engine.api.catalogue import METHODS, method_info
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped, TrainingError
from bandbridge.engine.api.events import LOSS_TERMS
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.training.checkpoint import Position, load_checkpoint, read_position, save_checkpoint
from bandbridge.engine.training.loop import build_optimisers, train

OPTIONS = [(key, {"pairs_trust": "mnf-csc"}) for key in ("socket", "tgkt")]
"""Settings that bring in other networks and optimisers."""
CASES = [(info.key, {}) for info in METHODS if info.key != "source-only"] + OPTIONS


def case(key, settings, *more):
    return pytest.param(key, settings, *more, id="-".join(map(str, (key, *settings.values(), *more))))


STAGED = [case(*each) for each in CASES]
TRAINED = [case(*each) for each in CASES if method_info(each[0]).trains]
STAGES_OF = [case(*each, number) for each in CASES for number in range(len(method_info(each[0]).stages))]
EPOCHS = 2


class Recorder:
    """A watcher that notes what it is told and can act at (stage, step)."""

    def __init__(self, at=None, act=None):
        self.terms = {}
        self._at, self._act = at, act

    def epoch_began(self, epoch, step):
        pass

    def stepped(self, step, objectives, images):
        for objective in objectives:
            self.terms.setdefault(self.stage.name, set()).update(objective.terms)

    def may_save(self, step, epoch_ended, optimisers):
        if self._at == (self.number, step):
            self._act(self.stage, optimisers)


def run(ground, streams, method, *, watcher=None, first=(0, 0), resume_from=None, seed=0):
    """Train all stages, or go on at step `first[1]` of stage `first[0]`; returns the recorder."""
    watcher = watcher or Recorder()
    for number, stage in enumerate(STAGES[method](ground)):
        if number < first[0]:
            continue
        watcher.stage, watcher.number = stage, number
        optimisers = build_optimisers(stage)
        if number == first[0] and resume_from is not None:
            load_checkpoint(resume_from, stage.modules(), optimisers)
        train(
            stage,
            streams,
            epochs=EPOCHS,
            seed=seed,
            optimisers=optimisers,
            watcher=watcher,
            control=ground.control,
            first_step=first[1] if number == first[0] else 0,
        )
    return watcher


def state(ground):
    return {
        f"{name}/{key}": value.clone()
        for name, module in ground.modules().items()
        for key, value in module.state_dict().items()
    }


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_table_and_the_catalogue_name_the_same_methods():
    assert set(STAGES) == {info.key for info in METHODS}


@pytest.mark.parametrize(("method", "settings"), STAGED)
def test_it_runs_from_defaults_and_changes_the_twin_alone(method, settings, make_ground, make_streams):
    ground = make_ground(method, **settings)
    before = state(ground)
    frozen = [member.head.weight.clone() for member in ground.members]
    frozen += [value.clone() for member in ground.members for value in member.source.state_dict().values()]
    recorder = run(ground, make_streams(ground), method)
    again = make_ground(method, **settings)
    stages = {stage.name: set(stage.terms) for stage in STAGES[method](again)}
    assert recorder.terms == {name: terms for name, terms in stages.items() if terms}
    assert set().union(*stages.values()) <= set(LOSS_TERMS), "a curve has a name and an explanation"
    if len(method_info(method).stages) > 1:
        assert tuple(stages) == method_info(method).stages
    assert len(stages) == len(method_info(method).stages)
    after = state(ground)
    changed = any(key not in before or not torch.equal(before[key], after[key]) for key in after)
    assert changed or ground.trials  # who chooses may choose to change nothing
    still = [member.head.weight for member in ground.members]
    still += [value for member in ground.members for value in member.source.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(frozen, still, strict=True))


@pytest.mark.parametrize(("method", "settings"), STAGED)
def test_the_same_seed_repeats_and_another_does_not(method, settings, make_ground, make_streams):
    ends, trials = [], []
    for seed in (0, 0, 1):
        ground = make_ground(method, **settings)
        run(ground, make_streams(ground, seed=seed), method, seed=seed)
        ends.append(state(ground))
        trials.append(ground.trials)
    assert same(ends[0], ends[1])
    assert trials[0] == trials[1]
    assert not same(ends[0], ends[2]) or trials[0] != trials[2]


@pytest.mark.parametrize(("method", "settings", "number"), STAGES_OF)
@pytest.mark.parametrize("step", [2, 4])
def test_a_resumed_run_ends_in_the_same_bits(method, settings, number, step, make_ground, make_streams, tmp_path):
    """In every stage; step 4 is the end of an epoch of target images, step 2 in the middle of one."""
    whole = make_ground(method, **settings)
    run(whole, make_streams(whole), method)

    path = tmp_path / "checkpoint.safetensors"
    broken = make_ground(method, **settings)

    def save_and_die(stage, optimisers):
        save_checkpoint(path, stage.modules(), optimisers, Position(number, step), "print")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(broken, make_streams(broken), method, watcher=Recorder((number, step), save_and_die))
    again = make_ground(method, **settings)
    again.look()
    assert read_position(path, "print") == Position(number, step)
    run(again, make_streams(again), method, first=(number, step), resume_from=path)
    assert same(state(whole), state(again))


@pytest.mark.parametrize(("method", "settings"), STAGED)
def test_stop_is_honoured_inside_a_refresh(method, settings, make_ground, make_streams):
    looks = iter(range(1000))
    ground = make_ground(method, **settings)
    ground.control = Control(lambda: "stop" if next(looks) >= 1 else None)
    with pytest.raises(Stopped):
        ground.look()


@pytest.mark.parametrize(("method", "settings"), TRAINED)
def test_a_term_that_is_no_number_is_named(method, settings, make_ground, make_streams):
    ground = make_ground(method, **settings)
    for member in ground.members:
        member.head.weight.data[0, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"the term '.+' is no longer a number"):
        run(ground, make_streams(ground), method)
