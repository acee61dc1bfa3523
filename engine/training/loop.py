"""The loop that every method runs through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import TrainingError
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.stage import Objective, Stage
from bandbridge.engine.training.streams import Stream
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

CHECK_EVERY_STEPS = 20
"""On a GPU, looking at a loss waits for the device; so it is looked at only now and then."""


class Watcher(Protocol):
    """Somebody who looks on: reports, draws and saves, and never changes the training."""

    def epoch_began(self, epoch: int, step: int) -> None:
        """Called before the first step of every epoch and once after the last, when `refresh` is done."""
        ...

    def stepped(self, step: int, objectives: Sequence[Objective], images: int) -> None:
        """Called after every step with its losses and the number of images that went through."""
        ...

    def may_save(self, step: int, epoch_ended: bool, optimisers: Mapping[str, Optimizer]) -> None:
        """Called when all state is consistent: a checkpoint may be written now."""
        ...


def build_optimisers(stage: Stage) -> dict[str, Optimizer]:
    """One optimiser for each of the stage's named parameter groups."""
    schedule = stage.schedule
    optimisers: dict[str, Optimizer] = {}
    for name, groups in stage.parameter_groups().items():
        settings = [
            {
                "params": list(group.parameters),
                "lr": schedule.learning_rate * group.rate,
                "weight_decay": group.weight_decay,
                "rate": group.rate,
            }
            for group in groups
            if len(group.parameters) > 0
        ]
        if schedule.optimiser == "adamw":
            optimisers[name] = AdamW(settings)
        elif schedule.optimiser == "adam":
            optimisers[name] = Adam(settings)
        else:  # never `fused`: on a processor it ignores memory layout, and a resumed momentum has another
            optimisers[name] = SGD(settings, momentum=0.9, nesterov=True)
    return optimisers


def train(
    stage: Stage,
    streams: Mapping[str, Stream],
    *,
    epochs: int,
    seed: int,
    optimisers: Mapping[str, Optimizer],
    watcher: Watcher,
    control: Control,
    first_step: int = 0,
    precision: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> int:
    """Train a stage, from `first_step` to the end of the last epoch.

    Args:
        stage: What is trained, on which streams, with which terms.
        streams: By name; the stage's first stream defines the epoch.
        epochs: Passes over the first stream.
        seed: Of the run.
        optimisers: From `build_optimisers`.
        watcher: Looks on.
        control: Looked at every step.
        first_step: Where to go on; 0 from the start.
        precision: Of the forward passes.
        device: Where the modules are.

    Returns:
        Steps done in all.

    Raises:
        Stopped: The person asked to; the modules hold what was learned so far.
        TrainingError: A term is no longer a number; the message names it.
    """
    device = device or torch.device("cpu")
    steps_per_epoch = streams[stage.streams[0]].steps_per_epoch()
    steps = epochs * steps_per_epoch
    parameters = {name: [p for group in o.param_groups for p in group["params"]] for name, o in optimisers.items()}
    modules = stage.modules()
    for module in modules.values():
        module.train()
    # `torch.manual_seed` asks after every kind of accelerator, which takes longer than a term of the loss.
    generators = torch.default_generator if device.type == "cpu" else torch
    for step in range(first_step, steps):
        control.check()
        epoch, within = divmod(step, steps_per_epoch)
        if within == 0:
            stage.refresh()
            watcher.epoch_began(epoch, step)
            for module in modules.values():
                module.train()
        generators.manual_seed(derived_seed(seed, stage.name, "step", step))  # for dropout and its kin
        _set_rates(optimisers.values(), stage.schedule.learning_rate * stage.schedule.factor(step / steps))
        batches = {name: streams[name].batch(step) for name in stage.streams}
        with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
            objectives = stage.objectives(batches)
        _descend(objectives, parameters, optimisers)
        if device.type == "cpu" or step % CHECK_EVERY_STEPS == 0 or within == steps_per_epoch - 1:
            require_numbers(objectives, step)
        watcher.stepped(step + 1, objectives, sum(len(batch.images) for batch in batches.values()))
        watcher.may_save(step + 1, within == steps_per_epoch - 1, optimisers)
    stage.refresh()
    watcher.epoch_began(epochs, steps)
    return steps


def _set_rates(optimisers: Iterable[Optimizer], rate: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["rate"]


def total_of(objective: Objective) -> Tensor:
    """The weighted sum of an objective's terms."""
    return torch.stack([term.weight * term.value for term in objective.terms.values()]).sum()


def _descend(
    objectives: Sequence[Objective],
    parameters: Mapping[str, Sequence[Tensor]],
    optimisers: Mapping[str, Optimizer],
) -> None:
    """Feed every objective's gradient to its own parameters, then take all optimisers' steps."""
    for optimiser in optimisers.values():
        optimiser.zero_grad(set_to_none=True)
    for number, objective in enumerate(objectives):
        inputs = [parameter for name in objective.updates for parameter in parameters[name]]
        torch.autograd.backward(total_of(objective), inputs=inputs, retain_graph=number < len(objectives) - 1)
    for optimiser in optimisers.values():
        optimiser.step()


def require_numbers(objectives: Sequence[Objective], step: int) -> None:
    """Refuse to go on when a term is no longer a number.

    Raises:
        TrainingError: It names the term.
    """
    for objective in objectives:
        for name, term in objective.terms.items():
            if not bool(torch.isfinite(term.value)):
                raise TrainingError(
                    f"Training broke down at step {step + 1}: the term '{name}' is no longer a number.",
                    "The learning rate may be too high for this model, or an image holds extreme values.",
                    "Lower the learning rate, or look at the images' histogram; the last checkpoint is intact.",
                )
