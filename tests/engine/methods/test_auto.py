"""The choice: ruled out by the pairs, ranked by the figure, and kept with its weights."""

import numpy as np
import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.methods.auto import UNTOUCHED, Candidate, Choice, candidates, choose_by_itself
from bandbridge.engine.training.streams import ImageBank
from torch import nn

from .fitting import fit


def carry_out(ground, streams):
    for stage in choose_by_itself(ground):
        fit(stage, ground, streams, stage.schedule.epochs or 2)


def chosen(ground):
    (name,) = [trial.name for trial in ground.trials if trial.chosen]
    return name


def test_the_choice_keeps_the_encoder_it_names(make_ground, make_streams):
    ground = make_ground("auto")
    untouched = ground.members[0].encoder
    carry_out(ground, make_streams(ground))
    assert [trial.name for trial in ground.trials] == [
        UNTOUCHED,
        "Normalisation only",
        "Pair-anchored self-training",
        "TGMB + TGKT",
    ]
    assert (ground.members[0].encoder is untouched) == (chosen(ground) == UNTOUCHED)


def test_what_forgets_the_pairs_is_ruled_out_however_certain_it_is(make_ground):
    """The sensor twin starts in agreement with RGB; a candidate that answers at random, and very surely, must lose."""
    ground = make_ground("auto")
    member = ground.members[0]
    ground.pairs = member.rgb  # a sensor that sees what RGB sees
    choice = Choice(ground)
    choice.begin(Candidate("shot", lambda ground: (), ()))
    worse = ground.members[0].encoder
    torch.manual_seed(0)
    for parameter in worse.parameters():
        nn.init.normal_(parameter, std=3.0)
    choice.choose()
    by_name = {trial.name: trial for trial in ground.trials}
    assert by_name["SHOT"].ruled_out
    assert not by_name[UNTOUCHED].ruled_out
    assert by_name[UNTOUCHED].balanced_agreement == 1.0
    assert chosen(ground) == UNTOUCHED


def test_without_pairs_only_the_statistics_are_ventured(make_ground):
    ground = make_ground("auto")
    ground.pairs = None
    assert [candidate.key for candidate in candidates(ground)] == ["bn-adapt"]


def test_the_bridge_is_tried_only_over_pairs_that_resemble_the_target(make_ground):
    random = np.random.default_rng(0)
    bright = ImageBank(
        random.integers(50000, 65536, (30, 3, 8, 8)).astype(np.uint16), (0.3,) * 3, (0.2,) * 3, torch.device("cpu")
    )
    ground = make_ground("auto")
    assert [candidate.key for candidate in candidates(ground)] == ["bn-adapt", "anchored", "tgkt"]
    ground.target = bright
    assert [candidate.key for candidate in candidates(ground)] == ["bn-adapt", "anchored"]
    assert [candidate.key for candidate in candidates(make_ground("auto", try_bridge=False))] == [
        "bn-adapt",
        "anchored",
    ]


def test_every_candidate_has_its_own_default_settings_and_the_views_of_the_run(make_ground):
    ground = make_ground("auto", augment="overhead")
    choice = Choice(ground)
    for candidate in candidates(ground):
        choice.begin(candidate)
        own = method_info(candidate.key).resolve({})
        assert all(ground.settings[key] == value for key, value in own.items() if key != "augment")
        assert ground.settings["augment"] == "overhead"
