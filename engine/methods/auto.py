"""Choosing by itself: try a little, weigh what can be known without labels, and never do worse than nothing knowingly.

Candidates are the untouched model, new statistics for its normalisation layers (`bn_adapt`), with pairs pair-anchored
self-training (`anchored`), and with pairs that resemble the target also the bridge and what it teaches (`tgkt`). The
one with the highest reliability figure is kept,

    figure = partner margin of held-out pairs + 0.3 (H(E p) - E H(p)) of the target         (`label_free.reliability`)

unless its answers to held-out pairs agree less, class by class, with the source model's answers to their RGB images
than those of the untouched model do: then it is ruled out. Without pairs there is no such evidence, and only the
statistics are ventured.

What the figure is worth, and where it fails, stands in the manual (chapter "method-auto").
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.reports import Trial
from bandbridge.engine.methods.anchored import ONE_FORWARD, AnchoredSelfTraining, likeness
from bandbridge.engine.methods.bn_adapt import BatchNormAdaptation
from bandbridge.engine.methods.ground import Ground, Survey
from bandbridge.engine.methods.tgkt import bridge_and_transfer
from bandbridge.engine.training.passes import feature_pass
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Stage
from bandbridge.engine.validation.label_free import balanced_agreement, information, partner_margin, reliability
from bandbridge.engine.validation.modality_gap import FEWEST_PAIRS
from torch import Tensor, nn

UNTOUCHED = "Source model as it is"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method to try, with its own default settings.

    Attributes:
        key: Of the catalogue.
        stages: Its training.
        stage_names: What they are called.
    """

    key: str
    stages: Callable[[Ground], Iterable[Stage]]
    stage_names: tuple[str, ...]

    @property
    def title(self) -> str:
        """For people."""
        return method_info(self.key).title


def candidates(ground: Ground) -> tuple[Candidate, ...]:
    """What can be tried on this ground, the quickest first."""
    found: list[Candidate] = []
    if any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in ground.members[0].encoder.modules()):
        found.append(Candidate("bn-adapt", lambda g: (BatchNormAdaptation(g),), (BatchNormAdaptation.name,)))
    if ground.pairs is not None and len(ground.training_pairs) > 0 and len(ground.held_out_pairs) >= FEWEST_PAIRS:
        found.append(Candidate("anchored", lambda g: (AnchoredSelfTraining(g),), (AnchoredSelfTraining.name,)))
        if ground.settings["try_bridge"] and likeness(ground) > ONE_FORWARD:
            found.append(Candidate("tgkt", bridge_and_transfer, method_info("tgkt").stages))
    return tuple(found)


def names(ground: Ground) -> tuple[str, ...]:
    """Of the stages to come."""
    return tuple(name for candidate in candidates(ground) for name in candidate.stage_names)


def choose_by_itself(ground: Ground) -> Iterator[Stage]:
    """Every candidate in turn, each from the untouched model; then the choice.

    Whoever stops and keeps gets the best of what was tried, the one at work included.

    Raises:
        UsageError: There is nothing to try.
    """
    to_try = candidates(ground)
    if not to_try:
        raise UsageError(
            "There is nothing to choose from.",
            "The model has no batch normalisation, and there are too few pairs to learn from and to judge by.",
            "Add pairs, or choose a method such as SHOT.",
        )
    choice = Choice(ground)
    for candidate in to_try:
        choice.begin(candidate)
        for stage in candidate.stages(ground):
            try:
                yield Attempt(stage, choice)
            except GeneratorExit:
                choice.choose()
                raise
    choice.choose()


class Choice:
    """The encoders tried so far, and which of them is best.

    Args:
        ground: Images and models; its sensor twin is replaced for every candidate.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._untouched = ground.members[0].encoder
        self._tried: dict[str, nn.Module] = {UNTOUCHED: self._untouched}

    def begin(self, candidate: Candidate) -> None:
        """A fresh twin and its own settings for the next candidate; random views are those of the run."""
        settings = method_info(candidate.key)
        views = {"augment": self._ground.settings["augment"]} if settings.trains else {}
        self._ground.settings |= settings.resolve(views)
        encoder = copy.deepcopy(self._untouched)
        self._tried[candidate.title] = encoder
        self._put(encoder)

    @property
    def earlier(self) -> dict[str, nn.Module]:
        """Encoders of candidates that are done; a checkpoint of the next keeps them."""
        return dict(list(self._tried.items())[1:-1])

    def choose(self) -> None:
        """Put the best one's encoder in place and write down why."""
        surveys = {name: self._ground.look([encoder]) for name, encoder in self._tried.items()}
        rgb = self._rgb()
        trials = [_trial(name, survey, rgb, surveys[UNTOUCHED]) for name, survey in surveys.items()]
        best = max((trial for trial in trials if not trial.ruled_out), key=lambda trial: trial.reliability)
        self._ground.trials = tuple(replace(trial, chosen=trial.name == best.name) for trial in trials)
        self._put(self._tried[best.name])

    def _put(self, encoder: nn.Module) -> None:
        (member,) = self._ground.members
        self._ground.members = (replace(member, encoder=encoder),)

    def _rgb(self) -> tuple[Tensor, Tensor] | None:
        """Features and answers of the untouched source model on the held-out pairs' RGB images."""
        ground, (member,) = self._ground, self._ground.members
        if member.rgb is None or len(ground.held_out_pairs) < FEWEST_PAIRS:
            return None
        features = feature_pass(
            member.source, member.rgb, ground.control, chosen=ground.held_out_pairs, precision=ground.precision
        )
        with torch.no_grad():
            return features, member.head(features)


def _trial(name: str, survey: Survey, rgb: tuple[Tensor, Tensor] | None, untouched: Survey) -> Trial:
    certainty = information(survey.probabilities)
    if rgb is None or survey.pair_features is None or survey.pair_logits is None or untouched.pair_logits is None:
        return Trial(name=name, reliability=reliability(0.0, certainty), balanced_agreement=None, ruled_out=False)
    features, logits = rgb
    agreed, before = balanced_agreement(logits, survey.pair_logits), balanced_agreement(logits, untouched.pair_logits)
    return Trial(
        name=name,
        reliability=reliability(partner_margin(features, survey.pair_features), certainty),
        balanced_agreement=agreed,
        ruled_out=agreed < before,
    )


class Attempt:
    """A candidate's stage, whose checkpoints also keep what was tried before.

    Args:
        stage: The candidate.
        choice: What was tried.
    """

    def __init__(self, stage: Stage, choice: Choice) -> None:
        self._stage = stage
        self._choice = choice
        self.name = stage.name
        self.streams = stage.streams
        self.terms = stage.terms

    @property
    def schedule(self) -> Schedule:
        """The candidate's."""
        return self._stage.schedule

    def modules(self) -> Mapping[str, nn.Module]:
        """The candidate's, and the encoders tried before."""
        earlier = {f"tried {number}": encoder for number, encoder in enumerate(self._choice.earlier.values())}
        return {**self._stage.modules(), **earlier}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The candidate's."""
        return self._stage.parameter_groups()

    def refresh(self) -> None:
        """The candidate's."""
        self._stage.refresh()

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """The candidate's."""
        return self._stage.objectives(batches)
