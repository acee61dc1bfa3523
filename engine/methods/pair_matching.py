"""The pair term of SOCKET and TGMB + TGKT, and how far each pair is trusted.

With `pairs_trust` at "alike", as published, all pairs count the same: the term is the distance of the two images'
features. With "mnf-csc" each pair counts as far as its two images go together, for pairs whose images do not show the
same: MNF + CSC (arXiv 2304.07775), made for sound that need not belong to a picture, brought to images.

    f', t'     features of the sensor image and its RGB partner, less their batch's mean, in units of the spread
    purified   p = m * t',  m = sigmoid(MLP[t' ; f'])
    trust      w_i = max(cos(f'_i, p_i) + 0.07, 0.05), without gradient
    term       sum_i w_i -log softmax_i(cos(f'_i, p_j) / 0.1) / sum_i w_i     mixed over sources
    purifier   the term + triplet(f', t', p) + 0.001 sparsity(MLP)

Two objectives: the encoder feels the term alone, the purifier nothing of the method's other losses.

Deliberate differences from MNF + CSC: a pair is the only positive, since pairs have no labels; there is no attention
over tokens, since f and p live in one space and user's networks need not have tokens; the temperature weighs a pair
(`trusted_contrast` says why); the encoder has no gradient through the mask, so that it cannot talk the filter round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from bandbridge.engine.losses.calibration import own_temperatures, trusted_contrast
from bandbridge.engine.losses.noise_filter import filter_triplet, weight_sparsity
from bandbridge.engine.losses.pairs import batch_distance, beyond_the_mean, sample_distance
from bandbridge.engine.methods.ground import Ground, statistics_kept
from bandbridge.engine.methods.noise_filter import NoiseFilter
from bandbridge.engine.methods.partner_features import PartnerFeatures
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Term
from torch import Tensor, nn

BASE_TEMPERATURE = 0.07
CONTRAST_TEMPERATURE = 0.1
SPARSITY = 1e-3
PURIFIER_RATE = 100.0
"""Of the encoder's rate: the filter begins at random and sees some hundred steps."""

FEWEST_PAIRS = 2
"""With a single pair there is none to hold it against."""


@dataclass(frozen=True, slots=True)
class Matched:
    """What a batch of pairs gives.

    Attributes:
        distance: The pair term, mixed over sources; scalar.
        objectives: Of what is trained beside the encoders.
    """

    distance: Tensor
    objectives: tuple[Objective, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """Of one source: trust (B,), and its filter's three terms."""

    trust: Tensor
    contrast: Tensor
    triplet: Tensor
    sparsity: Tensor


class PairTrust(nn.Module):
    """How far each pair was last trusted while training, mixed over sources; NaN where it was not met.

    Args:
        pairs: N.
        device: Where the model is.
    """

    values: Tensor

    def __init__(self, pairs: int, device: torch.device) -> None:
        super().__init__()
        self.register_buffer("values", torch.full((pairs,), torch.nan, device=device))


class PairMatching:
    """The pair term, and what it trains of its own.

    Args:
        ground: Images and models, with pairs; its setting `pairs_trust` says how pairs are trusted. Gets what each
            pair's trust was.
        norm: Distance of pairs that are trusted alike, "batch" or "sample".

    Attributes:
        terms: Names of its own terms, beside the method's name for the pair term.
    """

    def __init__(self, ground: Ground, norm: str) -> None:
        self._ground = ground
        self._norm = norm
        self._partners = [PartnerFeatures(member, ground) for member in ground.members]
        trusting = ground.settings["pairs_trust"] == "mnf-csc" and len(ground.training_pairs) >= FEWEST_PAIRS
        if trusting:
            torch.manual_seed(derived_seed(ground.seed, "noise filter of pairs"))
        self._filters = nn.ModuleList(
            NoiseFilter(member.head.in_features) for member in (ground.members if trusting else ())
        ).to(ground.target.device)
        self.terms: tuple[str, ...] = ("pair contrast", "pair filter", "sparsity") if trusting else ()
        assert ground.pairs is not None
        self._trust = PairTrust(len(ground.pairs), ground.target.device)
        if trusting:
            ground.pair_trust = self._trust.values

    def modules(self) -> Mapping[str, nn.Module]:
        """What it trains, and what it noted of every pair."""
        return {"noise filters": self._filters, "pair trust": self._trust} if self._filters else {}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """An optimiser of its own."""
        return {"purifier": [ParameterGroup(list(self._filters.parameters()), PURIFIER_RATE)]} if self._filters else {}

    def match(self, pairs: Batch) -> Matched:
        """Show the pairs' sensor images to all sensor twins, whose running statistics stay as they are."""
        sides: list[tuple[Tensor, Tensor]] = []
        for member, partners in zip(self._ground.members, self._partners, strict=True):
            with statistics_kept(member.encoder):
                sides.append((member.encoder(pairs.images), partners.of(pairs)))  # (B, D) each
        mixing = self._ground.mixing()  # (n,)
        if not self._filters:
            return Matched((mixing * torch.stack([self._distance(n, *both) for n, both in enumerate(sides)])).sum(), ())
        judged = [self._judge(n, *both) for n, both in enumerate(sides)]
        trust = torch.stack([each.trust for each in judged])  # (n, B)
        self._trust.values[pairs.indices] = (mixing.detach()[:, None] * trust).sum(dim=0)
        contrast = torch.stack([each.contrast for each in judged])  # (n,)
        terms = {
            "pair contrast": Term(1.0, contrast.sum()),
            "pair filter": Term(1.0, torch.stack([each.triplet for each in judged]).sum()),
            "sparsity": Term(SPARSITY, torch.stack([each.sparsity for each in judged]).sum()),
        }
        return Matched((mixing * contrast).sum(), (Objective(terms, ("purifier",)),))

    def _distance(self, position: int, features: Tensor, wanted: Tensor) -> Tensor:
        """Of pairs that are trusted alike."""
        if self._norm == "batch":
            return batch_distance(features, wanted)
        return sample_distance(features, wanted, self._partners[position].spread)

    def _judge(self, position: int, features: Tensor, wanted: Tensor) -> _Judged:
        """What one source's filter makes of the pairs."""
        spread, noise_filter = self._partners[position].spread, self._filters[position]
        assert isinstance(noise_filter, NoiseFilter)
        sensor, rgb = beyond_the_mean(features, spread), beyond_the_mean(wanted, spread)  # (B, D) each
        purified = noise_filter(rgb, sensor.detach()) * rgb
        trust = own_temperatures(sensor, purified, BASE_TEMPERATURE)
        return _Judged(
            trust=trust,
            contrast=trusted_contrast(sensor, purified, trust, CONTRAST_TEMPERATURE),
            triplet=filter_triplet(sensor, rgb, purified),
            sparsity=weight_sparsity(noise_filter.weights()),
        )
