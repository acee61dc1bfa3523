"""What a step of the loop does with objectives, parameter groups and schedules."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from torch import nn


class TwoNumbers(nn.Module):
    """a and b, with 2 a b felt by a alone and 5 (a - b)^2 by b alone."""

    name, streams, terms = "Two numbers", ("numbers",), ("product", "distance")

    def __init__(self, optimiser, decay=0.0):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(3.0))
        self.schedule = Schedule(optimiser, 0.1, lambda done: 1.0 if done < 0.5 else 0.01)
        self._decay = decay

    def modules(self):
        return {"numbers": self}

    def parameter_groups(self):
        return {"a": [ParameterGroup([self.a], 1.0, self._decay)], "b": [ParameterGroup([self.b], 0.5, self._decay)]}

    def refresh(self):
        pass

    def objectives(self, batches):
        return (
            Objective({"product": Term(2.0, self.a * self.b)}, ("a",)),
            Objective({"distance": Term(5.0, (self.a - self.b) ** 2)}, ("b",)),
        )


def after(steps, epochs, optimiser, decay=0.0):
    """The numbers after the first steps of an epoch each."""
    stage = TwoNumbers(optimiser, decay)
    stream = Mock(steps_per_epoch=lambda: 1, batch=lambda step: Batch(*torch.zeros(3, 1)))
    seen = []
    watcher = Mock(may_save=lambda *_: seen.append((stage.a.item(), stage.b.item())))
    train(
        stage,
        {"numbers": stream},
        epochs=epochs,
        seed=0,
        optimisers=build_optimisers(stage),
        watcher=watcher,
        control=Control(),
    )
    return seen[steps - 1]


def test_each_group_feels_its_own_objectives_alone_at_its_own_rate():
    """Nesterov's first step is 1.9 times the gradient: of a 2 b = 6 at 0.1, of b -10 (a - b) = 20 at 0.05."""
    assert after(1, 2, "sgd") == pytest.approx((1 - 0.1 * 1.9 * 6, 3 - 0.05 * 1.9 * 20))


def test_the_rate_follows_the_share_of_training_done():
    """Adam's first step is as long as the rate, and of an even gradient so is the second."""
    (a, _), (later, _) = after(1, 2, "adam"), after(2, 2, "adam")
    assert 1 - a == pytest.approx(0.1, rel=1e-4)
    assert a - later == pytest.approx(0.001, rel=0.1)


def test_weight_decay_is_part_of_adams_gradient():
    """-10 for every unit of b outweighs what pulls it to a; AdamW would decay beside the gradient's step."""
    assert after(1, 2, "adam", -10.0) == pytest.approx((1.1, 3.05), rel=1e-4)
