"""TGMB + TGKT: bridge first, then transfer what the source model knows over the bridge.

Zhu, Chen and Wang, IEEE Transactions on Image Processing 34, 2025 (arXiv 2401.05014). `tgmb` trains the translator T;
here the sensor twin F_t, which starts as the source model and sees the sensor's images alone, learns from

    L = L_KL + features_weight L_f + pseudo_weight L_self
    L_KL   = KL(softmax C F_s(T(x)) || softmax C F_t(x))         on target images
    L_f    = E ((F_t(x_TI^t) - F_s(x_TI^s)) / spread)^2          on pairs
    L_self = cross-entropy with the twin's own centroid labels, made anew every epoch

The translator is used while training only: the finished model takes the sensor's images as they are.

Deliberate differences from the paper, whose numbers are not public:

* The source model's answers to a translated image are computed once and averaged over its mirrored (or turned) views,
  rather than for every random view: a steadier teacher, and no translator in the loop.
* Features of pairs are compared in units of their own spread, so that the weight means the same for every network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.pair_matching import PairMatching
from bandbridge.engine.methods.self_training import SelfTraining
from bandbridge.engine.methods.tgmb import ModalityBridging
from bandbridge.engine.models.adapter import behind
from bandbridge.engine.models.translator import Translator
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Stage, Term, inverse_decay
from bandbridge.engine.training.views import VIEW_COUNT
from torch import Tensor, nn
from torch.nn import functional


def bridge_and_transfer(ground: Ground) -> Iterator[Stage]:
    """Both stages; the second is built when the first is done.

    Whoever stops in the first and keeps what is there gets the source model behind the translator.
    """
    bridge = ModalityBridging(ground)
    try:
        yield bridge
    except GeneratorExit:
        ground.put_behind(bridge.translator)
        raise
    bridge.translator.freeze()
    yield KnowledgeTransfer(ground, bridge.translator)


class BridgedAnswers(nn.Module):
    """The source model's answers to the translated target images; buffers, so that checkpoints keep them.

    Args:
        ground: Images and models.
        translator: Frozen.
    """

    probabilities: Tensor
    known: Tensor

    def __init__(self, ground: Ground, translator: Translator) -> None:
        super().__init__()
        device = ground.target.device
        member = ground.members[0]
        shape = (len(ground.target), member.head.out_features)
        self.register_buffer("probabilities", torch.zeros(shape, device=device))
        self.register_buffer("known", torch.zeros((), dtype=torch.bool, device=device))
        self._ground = ground
        self._bridged = (behind(translator, member.source),)  # a tuple, so that its weights are no part of this

    def ask(self) -> None:
        """Ask once: (N, K) mean over the views an image can be shown in."""
        if self.known:
            return
        ground, head = self._ground, self._ground.members[0].head
        views = VIEW_COUNT[str(ground.settings["augment"])]
        for view in range(views):
            features = feature_pass(
                self._bridged[0], ground.target, ground.control, view=view, precision=ground.precision
            )
            with torch.no_grad():
                self.probabilities += head(features).softmax(dim=1) / views
        self.known.fill_(True)


class KnowledgeTransfer:
    """Three terms on target images and pairs, for the sensor twin alone.

    Args:
        ground: Images and models, a single source, with pairs.
        translator: Trained and frozen.
    """

    name = "Transfer"
    streams = ("target", "pairs")

    def __init__(self, ground: Ground, translator: Translator) -> None:
        self._ground = ground
        self._member = ground.members[0]
        self._translator = translator
        self._pairs = PairMatching(ground, "sample")
        self.terms = ("answers", "features", "pseudo-labels", *self._pairs.terms)
        self._answers = BridgedAnswers(ground, translator)
        self._self_training = SelfTraining(ground)
        self.schedule = Schedule("sgd", ground.learning_rate, inverse_decay)

    def modules(self) -> Mapping[str, nn.Module]:
        """The sensor twin and what it is taught with."""
        return {
            **self._ground.modules(),
            "translator": self._translator,
            "answers": self._answers,
            "self-training": self._self_training,
            **self._pairs.modules(),
        }

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The encoder, and what the pairs' matching needs; head and translator are frozen."""
        return {"encoder": self._ground.parameter_groups(), **self._pairs.parameter_groups()}

    def refresh(self) -> None:
        """The bridge's answers, once; the twin's own labels, every time."""
        self._answers.ask()
        self._self_training.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One objective of three terms, and what the pairs' matching learns of its own."""
        encoder, head = self._member.encoder, self._member.head
        target = batches["target"]
        logits = head(encoder(target.images))  # (B, K)
        matched = self._pairs.match(batches["pairs"])
        number = self._ground.number
        wanted = self._answers.probabilities[target.indices]  # (B, K)
        terms = {
            "answers": Term(
                number("answers_weight"), functional.kl_div(logits.log_softmax(dim=1), wanted, reduction="batchmean")
            ),
            "features": Term(number("pair_features_weight"), matched.distance),
            "pseudo-labels": Term(
                number("pseudo_weight"), functional.cross_entropy(logits, self._self_training.labels[target.indices])
            ),
        }
        return (Objective(terms, ("encoder",)), *matched.objectives)
