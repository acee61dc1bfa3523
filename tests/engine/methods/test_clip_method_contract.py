"""What every method for clips must hold, whatever it does: the same as those for images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.catalogue import METHODS
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped, TrainingError
from bandbridge.engine.api.events import LOSS_TERMS
from bandbridge.engine.api.video_catalogue import (
    TEACHER_STAGE,
    VIDEO_METHODS,
    any_method_info,
    has_teacher,
    video_method_info,
)
from bandbridge.engine.methods.clip_ground import steps_down
from bandbridge.engine.methods.clip_table import CLIP_STAGES
from bandbridge.engine.training.checkpoint import Position, load_checkpoint, save_checkpoint
from bandbridge.engine.training.loop import build_optimisers, train

EVERY = [info.key for info in VIDEO_METHODS]
TAUGHT = [info.key for info in VIDEO_METHODS if has_teacher(info)]
STAGES_OF = [(info.key, number) for info in VIDEO_METHODS for number in range(len(info.stages))]
EPOCHS = 2


class Recorder:
    """A watcher that notes losses and can act at (stage, step)."""

    def __init__(self, at=None, act=None):
        self.losses, self.terms = [], {}
        self._at, self._act = at, act

    def epoch_began(self, epoch, step):
        pass

    def stepped(self, step, objectives, images):
        for objective in objectives:
            self.terms.setdefault(self.stage.name, set()).update(objective.terms)
            self.losses += [term.value.item() for term in objective.terms.values()]

    def may_save(self, step, epoch_ended, optimisers):
        if self._at == (self.number, step):
            self._act(self.stage, optimisers)


def run(ground, streams, method, *, watcher=None, first=(0, 0), resume_from=None, seed=0):
    watcher = watcher or Recorder()
    for number, stage in enumerate(CLIP_STAGES[method](ground)):
        if number < first[0]:
            continue
        watcher.stage, watcher.number = stage, number
        optimisers = build_optimisers(stage)
        if number == first[0] and resume_from is not None:
            load_checkpoint(resume_from, stage.modules(), optimisers)
        train(
            stage,
            streams,
            epochs=stage.schedule.epochs or EPOCHS,
            seed=seed,
            optimisers=optimisers,
            watcher=watcher,
            control=ground.control,
            first_step=first[1] if number == first[0] else 0,
        )
    return watcher


def state(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_table_and_catalogue_name_the_same_methods_and_none_twice():
    assert set(CLIP_STAGES) == set(EVERY)
    keys = [info.key for info in (*METHODS, *VIDEO_METHODS)]
    assert len(set(keys)) == len(keys)
    assert any_method_info("socket").key == "socket"
    assert any_method_info("kd") == video_method_info("kd")


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("teacher", ["sound", "picture"])
def test_it_runs_from_defaults_both_ways(method, teacher, make_clip_ground, make_clip_streams):
    ground = make_clip_ground(method, teacher=teacher, tags=teacher == "picture")
    before = state(ground.student)
    recorder = run(ground, make_clip_streams(ground), method)
    stages = {stage.name: stage for stage in CLIP_STAGES[method](make_clip_ground(method))}
    assert tuple(stages) == video_method_info(method).stages
    assert recorder.terms == {name: set(stage.terms) for name, stage in stages.items()}
    assert set().union(*recorder.terms.values()) <= set(LOSS_TERMS), "a curve has a name and an explanation"
    assert np.isfinite(recorder.losses).all()
    assert not same(before, state(ground.student))


@pytest.mark.parametrize("method", EVERY)
def test_every_stage_is_optimised_as_said(method, make_clip_ground):
    """All that learns is in a group, and every weight decays."""
    teacher = {"teacher_rate": 0.3, "teacher_epochs": 7} if method in TAUGHT else {}
    ground = make_clip_ground(method, **teacher)
    for stage in CLIP_STAGES[method](ground):
        teaches = stage.name == TEACHER_STAGE
        schedule = stage.schedule
        assert (schedule.optimiser, schedule.factor) == ("adam", steps_down)
        assert (schedule.learning_rate, schedule.epochs) == ((0.3, 7) if teaches else (1e-2, None))
        groups = [group for groups in stage.parameter_groups().values() for group in groups]
        assert {group.weight_decay for group in groups} == {5e-4}
        learns = [module for name, module in stage.modules().items() if teaches or name != "teacher"]
        wanted = {id(p) for module in learns for p in module.parameters()}
        assert {id(p) for group in groups for p in group.parameters} == wanted


@pytest.mark.parametrize("method", TAUGHT)
def test_the_teacher_is_frozen_while_the_student_learns(method, make_clip_ground, make_clip_streams):
    ground = make_clip_ground(method)
    kept = {}

    def keep(stage, optimisers):
        kept.update(state(ground.teacher))

    run(ground, make_clip_streams(ground), method, watcher=Recorder((1, 1), keep))
    assert same(kept, state(ground.teacher))
    assert ground.table.features[ground.training].square().mean().item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("method", EVERY)
def test_the_same_seed_gives_the_same_losses_and_another_does_not(method, make_clip_ground, make_clip_streams):
    ends = []
    for seed in (0, 0, 1):
        ground = make_clip_ground(method, seed=seed)
        ends.append(run(ground, make_clip_streams(ground, seed=seed), method, seed=seed).losses)
    assert ends[0] == ends[1]
    assert ends[0] != ends[2]


@pytest.mark.parametrize(("method", "number"), STAGES_OF)
@pytest.mark.parametrize("step", [2, 6])
def test_a_resumed_run_ends_in_the_same_bits(method, number, step, make_clip_ground, make_clip_streams, tmp_path):
    """In every stage; step 6 is its last, after which the next stage begins with weights of its own."""
    whole = make_clip_ground(method)
    run(whole, make_clip_streams(whole), method)
    path = tmp_path / "checkpoint.safetensors"
    broken = make_clip_ground(method)

    def save_and_die(stage, optimisers):
        save_checkpoint(path, stage.modules(), optimisers, Position(number, step), "print")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(broken, make_clip_streams(broken), method, watcher=Recorder((number, step), save_and_die))
    torch.manual_seed(99)
    again = make_clip_ground(method, seed=0)
    run(again, make_clip_streams(again), method, first=(number, step), resume_from=path)
    assert same(state(whole.student), state(again.student))


@pytest.mark.parametrize("method", EVERY)
def test_stop_is_honoured_inside_a_refresh(method, make_clip_ground, make_clip_streams):
    ground = make_clip_ground(method, control=Control(lambda: "stop"))
    *_, stage = CLIP_STAGES[method](ground)
    with pytest.raises(Stopped):
        stage.refresh()


@pytest.mark.parametrize("method", EVERY)
def test_a_term_that_is_no_number_is_named(method, make_clip_ground, make_clip_streams):
    ground = make_clip_ground(method)
    ground.student.head.weight.data[0, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"the term '.+' is no longer a number"):
        run(ground, make_clip_streams(ground), method)


@pytest.mark.parametrize("method", EVERY)
def test_clips_that_are_not_trained_on_change_nothing(method, make_clip_ground, make_clip_streams):
    """Neither their labels nor their pictures and sound: clips 17 to 19 are for testing."""
    ends = []
    for spoil in (False, True):
        ground = make_clip_ground(method)
        if spoil:
            ground.labels[14:] = 1
            for index in range(17, 20):
                clip = ground.bank._clips._clips[index]
                clip.pictures[:] = 255 - clip.pictures
                clip.sound[:] = -1.0
        ends.append(run(ground, make_clip_streams(ground), method).losses)
    assert ends[0] == ends[1]


@pytest.mark.parametrize("method", TAUGHT)
def test_teacher_features_of_any_width_are_projected(method, make_clip_ground, make_clip_streams):
    features = np.random.default_rng(0).normal(size=(20, 13)).astype(np.float32) * 40
    ground = make_clip_ground(method, features=features)
    recorder = run(ground, make_clip_streams(ground), method)
    assert np.isfinite(recorder.losses).all()
    assert ground.table.features.shape == (20, 13)


@pytest.mark.parametrize("method", TAUGHT)
def test_clips_without_sound_are_learned_from_by_their_labels(method, make_clip_ground, make_clip_streams):
    """Of some batches one or two clips have sound, of others none: no term may fail or be no number."""
    ground = make_clip_ground(method, mute=(0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12))
    assert ground.teaching.tolist() == [4, 9, 13]
    recorder = run(ground, make_clip_streams(ground), method)
    assert np.isfinite(recorder.losses).all()
