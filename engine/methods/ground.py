"""What every image method stands on: source models, their sensor twins, and the images."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from bandbridge.engine.api.config import SettingValue
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.reports import Trial
from bandbridge.engine.models.adapter import behind
from bandbridge.engine.models.translator import Translator
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import ParameterGroup
from bandbridge.engine.training.streams import ImageBank
from numpy.typing import NDArray
from torch import Tensor, nn


class Mixing(nn.Module):
    """Weights of several source models, positive and summing to 1 whatever is learned.

    Args:
        count: Number of source models.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(count))

    def forward(self) -> Tensor:
        """(n,) weights."""
        return self.scores.softmax(dim=0)


@dataclass(frozen=True, slots=True)
class Member:
    """One source model and its twin for the sensor.

    Attributes:
        name: Of the source, for people.
        source: Untouched encoder, RGB (B, 3, S, S) -> (B, D); frozen, eval mode.
        encoder: Encoder being adapted, sensor (B, bands, S, S) -> (B, D).
        head: Last linear layer (B, D) -> (B, K); frozen.
        rgb: RGB images of the pairs, standardised as this source expects, or None without pairs.
    """

    name: str
    source: nn.Module
    encoder: nn.Module
    head: nn.Linear
    rgb: ImageBank | None


@dataclass(frozen=True, slots=True)
class Survey:
    """What the model at hand makes of all images, eval mode.

    Attributes:
        features: (N, D) of all target images, mixed over sources.
        logits: (N, K) of the same.
        pair_features: (P, D) of the held-out pairs' sensor images, None without pairs.
        pair_logits: (P, K) of the same, None without pairs.
    """

    features: Tensor
    logits: Tensor
    pair_features: Tensor | None
    pair_logits: Tensor | None

    @property
    def probabilities(self) -> Tensor:
        """(N, K)."""
        return self.logits.softmax(dim=1)


class Ground:
    """Source models, sensor twins, images and settings of one run; there are no labels in it.

    Args:
        members: One or several source models with their twins; heads and features of one width.
        target: All target images.
        pairs: Sensor images of the pairs, None without pairs.
        training_pairs: Indices of the pairs trained on.
        held_out_pairs: Indices of the pairs never trained on.
        settings: Method settings, complete.
        learning_rate: Of the encoder.
        control: Looked at every batch of a pass.
        precision: Of forward passes.
        seed: Of the run, for weights that begin at random.

    Attributes:
        trials: What a method that chooses has tried, and which it chose.
        translator: What makes RGB-like images of the sensor's, once a method has one.
        pair_trust: (P,) how far each pair was last trusted, NaN for those not met; None where all are trusted alike.
        survey: What the model at hand made of all images when they were last looked at.
    """

    def __init__(
        self,
        members: Sequence[Member],
        target: ImageBank,
        *,
        pairs: ImageBank | None = None,
        training_pairs: NDArray[np.int64] | None = None,
        held_out_pairs: NDArray[np.int64] | None = None,
        settings: Mapping[str, SettingValue],
        learning_rate: float,
        control: Control,
        precision: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        self.members = tuple(members)
        self.mixing = Mixing(len(members)).to(target.device)
        self.target = target
        self.pairs = pairs
        self.training_pairs = np.zeros(0, np.int64) if training_pairs is None else training_pairs
        self.held_out_pairs = np.zeros(0, np.int64) if held_out_pairs is None else held_out_pairs
        self.settings = dict(settings)
        self.learning_rate = learning_rate
        self.control = control
        self.precision = precision
        self.seed = seed
        self.translator: Translator | None = None
        self.pair_trust: Tensor | None = None
        self.trials: tuple[Trial, ...] = ()
        self.survey: Survey | None = None
        for member in self.members:
            member.source.requires_grad_(False).eval()
            member.head.requires_grad_(False)

    @property
    def several(self) -> bool:
        """Whether there are several source models."""
        return len(self.members) > 1

    def require_one_width(self) -> None:
        """Refuse source models whose features cannot be mixed.

        Raises:
            UsageError: Their features differ in length.
        """
        if len({member.head.in_features for member in self.members}) > 1:
            widths = ", ".join(f"{member.name}: {member.head.in_features}" for member in self.members)
            raise UsageError(
                "These source models cannot be mixed.",
                f"Their features differ in length ({widths}).",
                "Use models of one architecture, or train them with a bottleneck of the same width.",
            )

    def require_pairs(self, who: str) -> None:
        """Refuse to go on without pairs to train on.

        Args:
            who: Begins the sentence, e.g. "SOCKET".

        Raises:
            UsageError: There are none.
        """
        if self.pairs is None or len(self.training_pairs) == 0:
            raise UsageError(
                f"{who} needs pairs.", "No RGB and sensor images of the same scenes were given.", "Add them."
            )

    def number(self, key: str) -> float:
        """A method setting that is a number."""
        return float(self.settings[key])

    def put_behind(self, translator: Translator) -> None:
        """The sensor twin of a single source becomes a fresh copy of the source that sees translated images."""
        (member,) = self.members
        network = copy.deepcopy(member.source).requires_grad_(True)
        self.members = (replace(member, encoder=behind(translator, network)),)

    def look(self, encoders: Sequence[nn.Module] | None = None) -> Survey:
        """Pass all target images and held-out pairs through the model at hand; kept as `survey`.

        Args:
            encoders: The model at hand, one encoder a source; None: the sensor twins.

        Raises:
            UsageError: The sources' features differ in length.
        """
        self.require_one_width()
        weights = self.mixing().detach()
        encoders = encoders or [member.encoder for member in self.members]
        features, logits = self._pass(encoders, self.target, weights, None)
        if self.pairs is not None and len(self.held_out_pairs) > 0:
            pair_features, pair_logits = self._pass(encoders, self.pairs, weights, self.held_out_pairs)
            self.survey = Survey(features, logits, pair_features, pair_logits)
        else:
            self.survey = Survey(features, logits, None, None)
        return self.survey

    def _pass(
        self, encoders: Sequence[nn.Module], bank: ImageBank, weights: Tensor, chosen: NDArray[np.int64] | None
    ) -> tuple[Tensor, Tensor]:
        features: Tensor | None = None
        logits: Tensor | None = None
        for weight, encoder, member in zip(weights, encoders, self.members, strict=True):
            found = feature_pass(encoder, bank, self.control, chosen=chosen, precision=self.precision)
            with torch.no_grad():
                scores = member.head(found)
            features = weight * found if features is None else features + weight * found
            logits = weight * scores if logits is None else logits + weight * scores
        assert features is not None
        assert logits is not None
        return features, logits

    def modules(self) -> dict[str, nn.Module]:
        """What changes while the sensor twins are trained."""
        found: dict[str, nn.Module] = {f"encoder {n}": member.encoder for n, member in enumerate(self.members)}
        if self.several:
            found["mixing"] = self.mixing
        return found

    def parameter_groups(self) -> list[ParameterGroup]:
        """Encoders at the run's rate; bottleneck, adapter and mixing ten times faster (SOCKET's released settings)."""
        slow: list[nn.Parameter] = []
        fast: list[nn.Parameter] = []
        for member in self.members:
            for name, parameter in member.encoder.named_parameters():
                if parameter.requires_grad:
                    new = name.startswith(NEW_PARTS) or any(f".{part}" in name for part in NEW_PARTS)
                    (fast if new else slow).append(parameter)
        if self.several:
            fast.append(self.mixing.scores)
        return [ParameterGroup(slow, 1.0), ParameterGroup(fast, 10.0)]


NEW_PARTS = ("bottleneck", "adapter")
"""Parts that no large data set has trained: they may move faster than the encoder."""


@contextmanager
def statistics_kept(network: nn.Module) -> Iterator[None]:
    """Batch normalisation works on batch statistics inside, but its running statistics stay as they are."""
    layers = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
