"""The choice: ruled out by the pairs, ranked by the figure, and kept with its weights."""

import torch
from bandbridge.engine.methods.auto import UNTOUCHED, Choice, candidates, choose_by_itself
from bandbridge.engine.training.loop import build_optimisers, train
from torch import nn


class Silent:
    def epoch_began(self, epoch, step): ...
    def stepped(self, step, objectives, images): ...
    def may_save(self, step, epoch_ended, optimisers): ...


def carry_out(ground, streams):
    for stage in choose_by_itself(ground):
        train(
            stage,
            streams,
            epochs=stage.schedule.epochs or 2,
            seed=0,
            optimisers=build_optimisers(stage),
            watcher=Silent(),
            control=ground.control,
        )


def chosen(ground):
    (name,) = [trial.name for trial in ground.trials if trial.chosen]
    return name


def test_the_choice_keeps_the_encoder_it_names(make_ground, make_streams):
    ground = make_ground("auto")
    untouched = ground.members[0].encoder
    carry_out(ground, make_streams(ground))
    assert [trial.name for trial in ground.trials] == [UNTOUCHED, "Normalisation only", "Pair-anchored self-training"]
    assert (ground.members[0].encoder is untouched) == (chosen(ground) == UNTOUCHED)


def test_what_forgets_the_pairs_is_ruled_out_however_certain_it_is(make_ground):
    """The sensor twin starts in agreement with RGB; a candidate that answers at random, and very surely, must lose."""
    ground = make_ground("auto")
    member = ground.members[0]
    ground.pairs = member.rgb  # a sensor that sees what RGB sees
    choice = Choice(ground)
    choice.begin("sure of itself")
    worse = ground.members[0].encoder
    torch.manual_seed(0)
    for parameter in worse.parameters():
        nn.init.normal_(parameter, std=3.0)
    choice.choose()
    by_name = {trial.name: trial for trial in ground.trials}
    assert by_name["sure of itself"].ruled_out
    assert not by_name[UNTOUCHED].ruled_out
    assert by_name[UNTOUCHED].balanced_agreement == 1.0
    assert chosen(ground) == UNTOUCHED


def test_without_pairs_only_the_statistics_are_ventured(make_ground):
    ground = make_ground("auto")
    ground.pairs = None
    assert [candidate.name for candidate in candidates(ground)] == ["Normalisation only"]
