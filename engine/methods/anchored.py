"""Pair-anchored self-training: this program's own method.

Self-training tells the model what the target images have in common, pairs tell it what they mean. Either alone goes
wrong somewhere: self-training where the model's first answers are poor, pairs where they show another kind of scenery
than the target. Here the pairs hold self-training in place, as strongly as they resemble the target:

    L = w (features_weight L_f + answers_weight L_a) + im_weight (E H(p) - (1 - w) H(E p)) + pseudo_weight CE
    L_f = E ((F_t(x_TI^t) - F_s(x_TI^s)) / spread)^2                       on pairs
    L_a = KL(softmax C F_s(x_TI^s) || softmax C F_t(x_TI^t))               on pairs
    p   = softmax C F_t(x),  CE against centroid labels, made anew every epoch, on target images

* w is the likeness of pairs and target, 0..1 (`likeness`): measured once, on the sensor's side alone and without
  labels, from how well a linear test tells them apart by what the untouched model sees in them. Pairs from elsewhere
  weigh nothing.
* Alike pairs and target pass the network in one forward, so that batch statistics describe both. Unlike ones pass it
  separately, and running statistics describe the target alone.
* The usual reward for using all classes alike, H(E p), fades as the pairs take over the task of keeping answers apart:
  it would be wrong wherever some classes are rare or missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from bandbridge.engine.losses.information import entropy
from bandbridge.engine.losses.pairs import answer_divergence, sample_distance
from bandbridge.engine.methods.ground import Ground, statistics_kept
from bandbridge.engine.methods.moments_recorder import channel_dim, watched_layers
from bandbridge.engine.methods.partner_features import PartnerFeatures
from bandbridge.engine.methods.self_training import SelfTraining
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term, inverse_decay
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.validation.told_apart import MOST_COMPARED, told_apart
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

ALIKE, UNLIKE = 0.8, 0.92
"""How well pairs and target are told apart (0.5: not at all, 1: always) where they count as alike, and as unlike.

Pairs and target cut from the same images, of other classes, lay at 0.73 to 0.85 on fourteen sets; pairs of another
resolution, place or sensor at 0.89 to 0.97 on six.
"""

ONE_FORWARD = 0.5
FEWEST = 10
"""With fewer images on either side likeness cannot be measured; the pairs are trusted by half."""


def likeness(ground: Ground) -> float:
    """How much the pairs' sensor images resemble the target images, 0..1, through the model at hand.

    From how well a linear test tells them apart, mean of two: by mean and spread of every channel in the first half of
    the normalisation layers (what the images look like), and by the features (what the model finds in them). 1 at 0.8
    and below, 0 at 0.92 and above, in between along a line.
    """
    assert ground.pairs is not None
    if min(len(ground.pairs), len(ground.target)) < FEWEST:
        return 0.5
    encoder = ground.members[0].encoder
    sides = [_described(encoder, bank, ground) for bank in (ground.target, ground.pairs)]
    apart = (told_apart(sides[0][0], sides[1][0]) + told_apart(sides[0][1], sides[1][1])) / 2
    return min(max((UNLIKE - apart) / (UNLIKE - ALIKE), 0.0), 1.0)


def _described(encoder: nn.Module, bank: ImageBank, ground: Ground) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of at most the first 1,000 images: channel means and spreads in the first half of the layers, and features."""
    layers = list(watched_layers(encoder).values())
    early = layers[: max(1, len(layers) // 2)]
    looks: list[Tensor] = []

    def take(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        channel = channel_dim(layer, inputs[0])
        others = [d for d in range(1, inputs[0].ndim) if d != channel]
        values = inputs[0].float()
        looks.append(torch.cat([values.mean(dim=others), values.std(dim=others)], dim=1))  # (B, 2C)

    rows: list[Tensor] = []

    class _Seen(nn.Module):
        """The encoder, with what its early layers saw put aside batch by batch."""

        def forward(self, images: Tensor) -> Tensor:
            looks.clear()
            features: Tensor = encoder(images)
            rows.append(torch.cat(looks, dim=1).cpu())
            return features

    handles = [layer.register_forward_pre_hook(take) for layer in early]
    try:
        encoder.eval()
        chosen = np.arange(min(len(bank), MOST_COMPARED), dtype=np.int64)
        features = feature_pass(_Seen(), bank, ground.control, chosen=chosen, precision=ground.precision)
    finally:
        for handle in handles:
            handle.remove()
    return torch.cat(rows).numpy(), features.cpu().numpy()


class Likeness(nn.Module):
    """The likeness of pairs and target, kept in checkpoints; a resumed run does not measure it anew.

    Args:
        device: Where the model is.
    """

    value: Tensor
    known: Tensor

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.register_buffer("value", torch.ones((), device=device))
        self.register_buffer("known", torch.zeros((), dtype=torch.bool, device=device))


class AnchoredSelfTraining:
    """Four terms on a target batch and a batch of pairs.

    Args:
        ground: Images and models, a single source, with pairs.

    Raises:
        UsageError: There are no pairs to train on.
    """

    name = "Pair-anchored self-training"
    streams = ("target", "pairs")
    terms = ("information", "pseudo-labels", "features", "answers")

    def __init__(self, ground: Ground) -> None:
        ground.require_pairs("'Pair-anchored self-training'")
        self._ground = ground
        self._member = ground.members[0]
        self._partners = PartnerFeatures(self._member, ground)
        self._self_training = SelfTraining(ground)
        self._likeness = Likeness(ground.target.device)
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twin, pseudo-labels and the likeness."""
        return {**self._ground.modules(), "self-training": self._self_training, "likeness": self._likeness}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The encoder; the head is frozen."""
        return {"encoder": self._ground.parameter_groups()}

    def refresh(self) -> None:
        """New pseudo-labels; the likeness once, through the untouched model."""
        if not self._likeness.known:
            measured = self._ground.settings["likeness"] == "measured"
            self._likeness.value.fill_(likeness(self._ground) if measured else 1.0)
            self._likeness.known.fill_(True)
        self._self_training.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of four terms."""
        target, pairs = batches["target"], batches["pairs"]
        number, alike = self._ground.number, float(self._likeness.value)
        of_target, of_pairs = self._features(target.images, pairs.images, together=alike > ONE_FORWARD)
        head = self._member.head
        logits = head(of_target)  # (B, K)
        probabilities = logits.softmax(dim=1)
        wanted = self._partners.of(pairs)  # (B, D)
        certain, varied = entropy(probabilities).mean(), entropy(probabilities.mean(dim=0))
        labels = self._self_training.labels[target.indices]
        terms = {
            "information": Term(number("im_weight"), certain - (1.0 - alike) * varied),
            "pseudo-labels": Term(number("pseudo_weight"), functional.cross_entropy(logits, labels)),
            "features": Term(
                alike * number("features_weight"), sample_distance(of_pairs, wanted, self._partners.spread)
            ),
            "answers": Term(alike * number("answers_weight"), answer_divergence(head(of_pairs), head(wanted))),
        }
        return (Objective(terms, ("encoder",)),)

    def _features(self, target: Tensor, pairs: Tensor, *, together: bool) -> tuple[Tensor, Tensor]:
        """(T, D) of the target images, (P, D) of the pairs' sensor images."""
        encoder = self._member.encoder
        if together:
            features = encoder(torch.cat([target, pairs]))
            return features[: len(target)], features[len(target) :]
        of_target = encoder(target)
        with statistics_kept(encoder):
            return of_target, encoder(pairs)
