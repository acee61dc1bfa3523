"""How fast methods train, against nothing but the forwards and backwards their steps consist of.

One step of the training loop is watched to see which networks run, on what, and with or without gradient. Copies of
these networks then do the same on the same images again and again: no batches are drawn, no terms computed, nothing is
reported. What the loop does between steps' ends (batches, terms, reports, checks) is what is missing from 1.

What is not compared: pseudo-labels and evaluation, once an epoch (see `epoch`), and the steps of methods that choose
among others ("Choose by itself"), which are those of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from bandbridge.engine.api.catalogue import METHODS, MethodInfo, method_info
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.benchmark.made_up import MadeUp
from bandbridge.engine.benchmark.measure import Measurement, of_rounds
from bandbridge.engine.benchmark.race import Race
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.worker.course import streams_of
from torch import Tensor, nn
from torch.optim import Optimizer

PROMISE = 0.9
ROUNDS = 7


def trained_methods() -> tuple[str, ...]:
    """Keys of the methods that have a loop of their own."""
    return tuple(info.key for info in METHODS if info.trains and info.key != "auto")


@dataclass(frozen=True, slots=True)
class NetworkPass:
    """One run of a network within a step.

    Attributes:
        network: Its place among the networks watched.
        images: What entered it; None where it was the result of an earlier pass.
        follows: Number of that earlier pass.
        learns: Whether a gradient was wanted.
    """

    network: int
    images: Tensor | None
    follows: int | None
    learns: bool


class PassesSeen:
    """Notes the passes of networks while it looks on; networks within networks do not count for themselves.

    Args:
        networks: To be watched.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.passes: list[NetworkPass] = []
        self._results: list[Tensor] = []
        self._depth = 0
        self._handles = []
        for place, network in enumerate(networks):
            self._handles.append(network.register_forward_pre_hook(self._before(place)))
            self._handles.append(network.register_forward_hook(self._after))

    def _before(self, place: int) -> Any:
        def before(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self._depth += 1
            if self._depth > 1:
                return
            (images,) = inputs
            follows = next((number for number, result in enumerate(self._results) if result is images), None)
            kept = images.detach() if follows is None else None
            self.passes.append(NetworkPass(place, kept, follows, torch.is_grad_enabled()))

        return before

    def _after(self, module: nn.Module, inputs: tuple[Tensor, ...], result: Tensor) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._results.append(result)

    def look_away(self) -> None:
        """Note nothing more."""
        for handle in self._handles:
            handle.remove()
        self._results.clear()


class BareStep:
    """The passes of a step, the backward through those that learn, and the optimisers' steps, on copies.

    Args:
        networks: Those watched; copied.
        passes: What they did.
        optimisers: Of the stage; copied.

    Attributes:
        optimisers: The copies.
    """

    def __init__(
        self, networks: Sequence[nn.Module], passes: Sequence[NetworkPass], optimisers: Mapping[str, Optimizer]
    ) -> None:
        self._networks, self.optimisers = copy.deepcopy((list(networks), list(optimisers.values())))
        self._passes = passes
        self._parameters = [p for o in self.optimisers for group in o.param_groups for p in group["params"]]
        led_on = {step.follows for step in passes}
        self._ends = [number for number, step in enumerate(passes) if step.learns and number not in led_on]

    def __call__(self) -> None:
        """Do it once."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        results: list[Tensor] = []
        for step in self._passes:
            images = step.images if step.follows is None else results[step.follows]
            with torch.set_grad_enabled(step.learns):
                results.append(self._networks[step.network](images))
        loss = torch.stack([results[end].square().mean() for end in self._ends]).sum()
        torch.autograd.backward(loss, inputs=self._parameters)
        for optimiser in self.optimisers:
            optimiser.step()


class PassRace(Race):
    """A race against the passes that a step consists of, learned from the very first one.

    Args:
        networks: All that a step may run.
        made_up: Knows when the device is done.
    """

    def __init__(self, networks: Sequence[nn.Module], made_up: MadeUp) -> None:
        super().__init__(self._bare_step, made_up.wait)
        self._networks = networks
        self._seen: PassesSeen | None = None
        self._step: BareStep | None = None

    def epoch_began(self, epoch: int, step: int) -> None:
        """Look on from the first epoch's beginning: what is made anew before it is no part of a step."""
        if self._seen is None:
            self._seen = PassesSeen(self._networks)
        super().epoch_began(epoch, step)

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """After the very first step, learn what a step consists of."""
        if self._step is None:
            assert self._seen is not None
            self._seen.look_away()
            self._step = BareStep(self._networks, self._seen.passes, optimisers)
        super().may_save(step, epoch_ended, optimisers)

    def _bare_step(self) -> None:
        assert self._step is not None
        self._step()


def loop_speeds(method: str, made_up: MadeUp, control: Control, *, rounds: int = ROUNDS) -> list[Measurement]:
    """Speed of the training loop of every stage of a method, in parts of the speed of its bare passes."""
    info = method_info(method)
    ground = made_up.ground(method, control)
    return [
        _loop_speed(info, stage, name, ground, made_up, control, rounds)
        for stage, name in zip(STAGES[method](ground), info.stages, strict=True)
    ]


def _loop_speed(
    info: MethodInfo, stage: Stage, name: str, ground: Ground, made_up: MadeUp, control: Control, rounds: int
) -> Measurement:
    race = PassRace(networks_of(ground), made_up)
    train(
        stage,
        streams_of(ground, RunConfig(sources=(), target="", run="", method=info.key)),
        epochs=1 + rounds,
        seed=0,
        optimisers=build_optimisers(stage),
        watcher=race,
        control=control,
        device=made_up.device,
    )
    network = f"{made_up.architecture}-{made_up.size_px}"
    stage_words = f", {name}" if len(info.stages) > 1 else ""
    stage_key = f"/{name.lower()}" if len(info.stages) > 1 else ""
    what = (
        f"training steps of {info.key}{stage_words} ({made_up.architecture}, {made_up.size_px} px), "
        "in parts of the speed of their bare network passes"
    )
    return of_rounds(f"loop/{info.key}{stage_key}/{network}", what, race.speeds, "x", at_least=PROMISE)


def networks_of(ground: Ground) -> list[nn.Module]:
    """All that a step on this ground may run."""
    found = [network for member in ground.members for network in (member.encoder, member.source)]
    return found if ground.translator is None else [*found, ground.translator]
