"""The vocabulary of the loop: batches, terms, objectives and stages. A method says what, the loop says when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Batch:
    """Images or clips of one stream for one step. Unlabelled streams have no labels, so that none can be used.

    Attributes:
        images: (B, C, S, S) as the network takes them; windows of clips (B, 3, T, S, S) or (B, 1, rows, 64).
        indices: (B,) which images of the stream these are.
        turns: (B,) view numbers of `views.Views`, so that features computed once per view can be looked up.
        labels: (B,) class indices or (B, K) tags of a labelled stream (training a source model, clips), else None.
    """

    images: Tensor
    indices: Tensor
    turns: Tensor
    labels: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One loss term: its weight in the sum and its unweighted value, a scalar tensor."""

    weight: float
    value: Tensor


@dataclass(frozen=True, slots=True)
class Objective:
    """A weighted sum of terms, and the parameter groups that may feel its gradient."""

    terms: Mapping[str, Term]
    updates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Parameters that share a learning rate.

    Attributes:
        parameters: The tensors.
        rate: Multiple of the run's learning rate.
        weight_decay: L2 penalty.
    """

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    weight_decay: float = 1e-3


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a stage is optimised.

    Attributes:
        optimiser: "sgd" (momentum 0.9, Nesterov), "adamw", or "adam" (weight decay as part of the gradient).
        learning_rate: At the start.
        factor: Share of training done, 0..1 -> multiple of the learning rate.
        epochs: Passes over the stage's first stream; None: as many as the run asks for.
    """

    optimiser: str
    learning_rate: float
    factor: Callable[[float], float]
    epochs: int | None = None


def inverse_decay(done: float) -> float:
    """(1 + 10 p)^-0.75, the schedule of SHOT and SOCKET."""
    return float((1.0 + 10.0 * done) ** -0.75)


class Stage(Protocol):
    """One training phase of a method, e.g. TGMB's translator."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the streams a step draws a batch from; the first one defines the epoch."""
        ...

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss terms, in the order to draw them."""
        ...

    @property
    def schedule(self) -> Schedule:
        """How it is optimised."""
        ...

    def modules(self) -> Mapping[str, nn.Module]:
        """Everything that changes while training, buffers included: what a checkpoint holds."""
        ...

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """Named groups of trainable parameters; each name is one optimiser."""
        ...

    def refresh(self) -> None:
        """What is made anew at the start of every epoch (pseudo-labels); eval mode, no gradient."""
        ...

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """The losses of one step; called in training mode."""
        ...
