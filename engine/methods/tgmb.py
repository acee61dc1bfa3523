"""TGMB: task-irrelevant data-guided modality bridging, the first stage of TGMB + TGKT.

Zhu, Chen and Wang, IEEE Transactions on Image Processing 34, 2025 (arXiv 2401.05014). A translator T makes RGB-like
images of the sensor's; the source model, frozen, says how well it can read them:

    L = L_rec + features_weight L_feat + domain_weight L_D + bridge_im_weight L_IM
    L_rec  = E ((T(x_TI^t) - x_TI^s) / spread)^2                 on pairs
    L_feat = E ((F_s(T(x_TI^t)) - F_s(x_TI^s)) / spread)^2       on pairs
    L_D    = domain confusion of F_s(T(x_TI^t)) and F_s(T(x_TR^t)), a small discriminator trained against it
    L_IM   = information maximisation of the source model on T(x_TR^t)

What is published of L_D is its purpose, not its form; the form, the term L_feat and all weights are this project's.

Deliberate differences from the paper:

* L_rec is measured in units of each channel's spread over the pairs' RGB images. Dark or flat images would otherwise
  weigh so little that the other terms paint what they like into the pictures.
* The translator is a small U-Net by default; the paper's (1x1 convolution, normalisation, convolution) is a choice.
* L_D and L_IM come in after a warm-up on the pairs alone, over the second quarter of the stage: before the pictures
  resemble anything, they would lock in wrong classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from bandbridge.engine.losses.adversarial import not_told_apart, telling_apart
from bandbridge.engine.losses.information import information_maximisation
from bandbridge.engine.losses.pairs import sample_distance
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.partner_features import PartnerFeatures
from bandbridge.engine.models.adapter import behind
from bandbridge.engine.models.translator import TranslatorKind, build_translator
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from bandbridge.engine.training.views import Views
from torch import Tensor, nn

LEARNING_RATE = 4e-3
_DISCRIMINATOR_WIDTH = 64


def ramp(done: float) -> float:
    """Share of the stage done, 0..1 -> share of their weight that L_D and L_IM have: none, then rising, then all."""
    return min(max(4.0 * done - 1.0, 0.0), 1.0)


class ModalityBridging:
    """Train the translator alone, by four terms, and a discriminator against it.

    Args:
        ground: Images and models, a single source, with pairs; gets the translator.

    Raises:
        UsageError: There are no pairs to train on.
    """

    name = "Bridge"
    streams = ("pairs", "target")
    terms = ("reconstruction", "features", "domain", "information", "discriminator")

    def __init__(self, ground: Ground) -> None:
        ground.require_pairs("A translator")
        self._ground = ground
        self._member = ground.members[0]
        assert ground.pairs is not None
        assert self._member.rgb is not None
        self._rgb = self._member.rgb
        self._partners = PartnerFeatures(self._member, ground)
        self._contrast = self._rgb.spread(ground.training_pairs)[:, None, None]  # (3, 1, 1)
        torch.manual_seed(derived_seed(ground.seed, "translator"))
        kind = cast("TranslatorKind", ground.settings["translator"])
        bands, channels = ground.pairs.pixels.shape[1], self._rgb.pixels.shape[1]
        device = ground.target.device
        self.translator = build_translator(kind, bands, channels).to(device)
        self._discriminator = nn.Sequential(
            nn.Linear(self._member.head.in_features, _DISCRIMINATOR_WIDTH),
            nn.ReLU(),
            nn.Linear(_DISCRIMINATOR_WIDTH, 1),
        ).to(device)
        self._bridged = behind(self.translator, self._member.source)
        self._done = 0.0
        ground.translator = self.translator
        epochs = int(ground.number("bridge_epochs"))
        self.schedule = Schedule("adamw", LEARNING_RATE, self._rate, epochs=epochs)

    def _rate(self, done: float) -> float:
        """The loop asks before every step, which also tells how far the stage is."""
        self._done = done
        return 1.0 - 0.9 * done

    def modules(self) -> Mapping[str, nn.Module]:
        """The translator and its adversary; the source model is untouched."""
        return {"translator": self.translator, "discriminator": self._discriminator}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """Two optimisers."""
        return {name: [ParameterGroup(list(module.parameters()), 1.0)] for name, module in self.modules().items()}

    def refresh(self) -> None:
        """What the untouched source model makes of the translated images, for the record."""
        self._ground.look([self._bridged])

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective for the translator, one for the discriminator."""
        pairs, target = batches["pairs"], batches["target"]
        translated = self.translator(torch.cat([pairs.images, target.images]))  # (B + T, 3, S, S)
        features = self._member.source(translated)  # (B + T, D)
        count = len(pairs.images)
        standard = self._standardised(features)
        verdicts = self._discriminator(standard).squeeze(1)  # (B + T,)
        told = self._discriminator(standard.detach()).squeeze(1)
        share, number = ramp(self._done), self._ground.number
        bridge = {
            "reconstruction": Term(
                1.0, ((translated[:count] - self._partner_images(pairs)) / self._contrast).square().mean()
            ),
            "features": Term(
                number("features_weight"),
                sample_distance(features[:count], self._partners.of(pairs), self._partners.spread),
            ),
            "domain": Term(share * number("domain_weight"), not_told_apart(verdicts[:count], verdicts[count:])),
            "information": Term(
                share * number("bridge_im_weight"),
                information_maximisation(self._member.head(features[count:])),
            ),
        }
        adversary = {"discriminator": Term(1.0, telling_apart(told[:count], told[count:]))}
        return (Objective(bridge, ("translator",)), Objective(adversary, ("discriminator",)))

    def _standardised(self, features: Tensor) -> Tensor:
        """Features as the discriminator takes them: in units of the spread over the pairs' RGB images."""
        return features / self._partners.spread.mean().clamp_min(1e-12)

    def _partner_images(self, pairs: Batch) -> Tensor:
        """(B, 3, S, S) RGB images of a batch of pairs, in the views the batch shows."""
        views = Views(pairs.turns.cpu().numpy(), None)
        return self._rgb.read(pairs.indices.cpu().numpy(), views)
