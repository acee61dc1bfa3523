"""The methods the program offers and their settings: the one list the window, the command line and the engine read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bandbridge.engine.api.config import SettingValue
from bandbridge.engine.api.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One knob of a method.

    Attributes:
        key: Name in configuration files and in `--set key=value`.
        title: Name on the surface.
        default: Value when nothing is said; its type is the setting's type.
        explain: What turning it does, in a sentence.
        low: Smallest allowed number, if any.
        high: Largest allowed number, if any.
        choices: Allowed words, for a setting of type str.
        stage: Name of the one stage it belongs to, of a method with several; "" belongs to all.
    """

    key: str
    title: str
    default: SettingValue
    explain: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    stage: str = ""

    def parse(self, value: SettingValue) -> SettingValue:
        """Bring a value, possibly text, into this setting's type and range.

        Raises:
            UsageError: The value does not fit.
        """
        wanted = type(self.default)
        why = f"'{value}' is not a {_WORD_FOR_TYPE[wanted]}."
        try:
            if wanted is bool:
                result: SettingValue = _parse_switch(value)
            elif wanted is int:
                result = int(value)
            elif wanted is float:
                result = float(value)
            else:
                result = str(value)
        except ValueError as error:
            raise UsageError(f"The setting '{self.key}' cannot take this value.", why, self.explain) from error
        if self.choices and result not in self.choices:
            raise UsageError(
                f"The setting '{self.key}' does not know '{value}'.",
                "",
                f"Choose one of: {', '.join(self.choices)}.",
            )
        if isinstance(result, int | float) and not isinstance(result, bool):
            too_low = self.low is not None and result < self.low
            too_high = self.high is not None and result > self.high
            if too_low or too_high or result != result:
                raise UsageError(
                    f"The setting '{self.key}' cannot be {value}.",
                    f"It must lie between {self.low} and {self.high}.",
                    self.explain,
                )
        return result


_WORD_FOR_TYPE = {bool: "yes or no", int: "whole number", float: "number", str: "word"}


def _parse_switch(value: SettingValue) -> bool:
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    return words[str(value).lower()] if str(value).lower() in words else bool(int(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """What a person needs to choose a method.

    Attributes:
        key: Name on the command line.
        title: Name on the surface.
        sentence: What it does, plainly, in one sentence.
        citation: Where it is published; empty for this program's own.
        needs_pairs: Whether it cannot run without pairs.
        welcomes_pairs: Whether it can run without pairs, but learns from them where there are some.
        several_sources: Whether it can mix several source models.
        trains: Whether it trains at all (False: one pass or none).
        settings: Its knobs.
        stages: Names of its training phases, first to last.
        learning_rate: The encoder's learning rate when nothing is said.
    """

    key: str
    title: str
    sentence: str
    citation: str
    needs_pairs: bool = False
    welcomes_pairs: bool = False
    several_sources: bool = False
    trains: bool = True
    settings: tuple[Setting, ...] = ()
    stages: tuple[str, ...] = ("Adapting",)
    learning_rate: float = 1e-3

    @property
    def learns_from_pairs(self) -> bool:
        """Whether pairs, where there are some, are trained on."""
        return self.needs_pairs or self.welcomes_pairs

    def resolve(self, given: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
        """All settings of this method: defaults overridden by what was given.

        Raises:
            UsageError: An unknown setting or a value out of range.
        """
        known = {setting.key: setting for setting in self.settings}
        for key in given:
            if key not in known:
                names = ", ".join(known) or "none"
                raise UsageError(
                    f"The method '{self.key}' has no setting '{key}'.",
                    f"Its settings are: {names}.",
                    "Leave it out.",
                )
        return {key: setting.parse(given.get(key, setting.default)) for key, setting in known.items()}


def _weight(*, key: str, title: str, default: float, explain: str) -> Setting:
    """The weight of a loss term."""
    return Setting(
        key=key,
        title=title,
        default=default,
        low=0.0,
        high=100.0,
        explain=f"{explain.rstrip()} 0 switches the term off.",
    )


_PSEUDO_LABEL = _weight(
    key="pseudo_weight",
    title="Weight of pseudo-labels",
    default=0.3,
    explain="How much the model learns from its own group-wise labels, made anew every epoch.",
)
_INFORMATION = _weight(
    key="im_weight",
    title="Weight of information maximisation",
    default=1.0,
    explain="Rewards predictions that are confident one by one and varied over all images.",
)
_AUGMENT = Setting(
    key="augment",
    title="Random views",
    default="flip-shift",
    choices=("none", "flip-shift", "overhead"),
    explain="Images are mirrored and shifted at random while training; 'overhead' also turns and mirrors them "
    "every way, right for satellite and aerial images.",
)
_CENTROID_ROUNDS = Setting(
    key="hard_rounds",
    title="Extra rounds of pseudo-labelling",
    default=0,
    low=0,
    high=5,
    explain="After the first, soft assignment of images to class centres, how often centres and labels are "
    "computed again from hard labels.",
)

_PAIRS_TRUST = Setting(
    key="pairs_trust",
    title="Trust in single pairs",
    default="alike",
    choices=("alike", "mnf-csc"),
    explain="'alike' as published; 'mnf-csc' lets each pair count as far as its two images go together, for pairs of "
    "which some do not show the same.",
)

_NEIGHBOURS = Setting(
    key="neighbours",
    title="Neighbours",
    default=5,
    low=1,
    high=50,
    explain="How many of the most similar target images an image shall agree with; keep it well below the number of "
    "images of the rarest class.",
)

_SOCKET = (
    _INFORMATION,
    _PSEUDO_LABEL,
    _weight(
        key="statistics_weight",
        title="Weight of statistics matching",
        default=0.5,
        explain="Keeps what every normalisation layer sees on the sensor close to what it saw on RGB. ",
    ),
    Setting(
        key="statistics_norm",
        title="Measure of statistics",
        default="relative",
        choices=("relative", "published"),
        explain="'relative' counts every layer's differences in units of its own spread, so that no layer "
        "rules the others; 'published' adds up plain differences, which in networks with large values drowns "
        "all other terms.",
    ),
    _weight(
        key="pairs_weight",
        title="Weight of the pairs",
        default=0.5,
        explain="Pulls the features of a sensor image towards those of its RGB partner. ",
    ),
    Setting(
        key="pairs_norm",
        title="Distance on pairs",
        default="batch",
        choices=("batch", "sample"),
        explain="'batch' as published: one norm over the whole batch, growing with its size; 'sample': "
        "the mean over pairs of squared, standardised differences. Without effect where single pairs are trusted by "
        "'mnf-csc'.",
    ),
    _PAIRS_TRUST,
    _CENTROID_ROUNDS,
    _AUGMENT,
    Setting(
        key="as_released",
        title="Statistics weight as released",
        default=False,
        explain="Repeats the published program's slip, whose trained weight switches statistics matching "
        "off within some 25 steps; for comparison only.",
    ),
)

_PAIR_FEATURES_HELP = "each feature in units of its own spread. "

_BRIDGE = (
    Setting(
        key="translator",
        title="Translator",
        default="u-net",
        choices=("u-net", "paper"),
        explain="'u-net' looks at each pixel's surroundings and makes clearer pictures; 'paper' is the published one, "
        "hardly more than a change of colours.",
    ),
    Setting(
        key="bridge_epochs",
        title="Epochs of the translator",
        default=40,
        low=1,
        high=10000,
        explain="How often the translator sees all pairs, before anything else is trained.",
    ),
    _weight(
        key="features_weight",
        title="Weight of what the model sees",
        default=0.3,
        explain="Pulls what the source model finds in a translated image towards what it finds in the RGB partner, "
        + _PAIR_FEATURES_HELP,
    ),
    _weight(
        key="domain_weight",
        title="Weight of likeness",
        default=0.01,
        explain="Makes translated target images look to the source model like translated images of the pairs. ",
    ),
    _weight(
        key="bridge_im_weight",
        title="Weight of information in the translation",
        default=0.1,
        explain="Rewards translated target images that the source model is sure about one by one and that vary over "
        "all images. ",
    ),
)


def _in_stage(stage: str, *settings: Setting, prefix: str = "") -> tuple[Setting, ...]:
    """These settings as those of one stage; random views are those of all stages."""
    return tuple(replace(s, title=f"{prefix}{s.title}", stage="" if s.key == _AUGMENT.key else stage) for s in settings)


_ANCHORED = (
    _INFORMATION,
    _PSEUDO_LABEL,
    _weight(
        key="features_weight",
        title="Weight of the features",
        default=1.0,
        explain="Pulls the features of a sensor image towards those of its RGB partner, " + _PAIR_FEATURES_HELP,
    ),
    _weight(
        key="answers_weight",
        title="Weight of the answers",
        default=1.0,
        explain="Pulls the answer to a sensor image towards the source model's answer to its RGB partner. ",
    ),
    Setting(
        key="likeness",
        title="Trust in the pairs",
        default="measured",
        choices=("measured", "full"),
        explain="'measured' lets the pairs count as much as their sensor images resemble your images; 'full' "
        "trusts them whatever they show.",
    ),
    _CENTROID_ROUNDS,
    _AUGMENT,
)

METHODS: tuple[MethodInfo, ...] = (
    MethodInfo(
        key="auto",
        title="Choose by itself",
        sentence="Tries the source model as it is, normalisation only, pair-anchored self-training and TGMB + TGKT, "
        "and keeps the one that looks most reliable without labels.",
        citation="",
        welcomes_pairs=True,
        settings=(
            Setting(
                key="try_bridge",
                title="Try the bridge too",
                default=True,
                explain="Whether TGMB + TGKT is tried as well, where the pairs resemble your images. It takes several "
                "times as long as all else, and is sometimes much better.",
            ),
            _AUGMENT,
        ),
        stages=("Normalisation only", "Pair-anchored self-training", "Bridge", "Transfer"),
    ),
    MethodInfo(
        key="source-only",
        title="Source model as it is",
        sentence="Shows the sensor images to the untouched source model: the number every method must beat.",
        citation="",
        trains=False,
        several_sources=True,
    ),
    MethodInfo(
        key="bn-adapt",
        title="Normalisation only",
        sentence="Measures the statistics of the normalisation layers anew on the sensor images; nothing is trained.",
        citation="Li et al., Revisiting Batch Normalization for Practical Domain Adaptation, 2016 (arXiv 1603.04779)",
        trains=False,
        several_sources=True,
    ),
    MethodInfo(
        key="tent",
        title="TENT",
        sentence="Makes the model's answers more certain by tuning the scale and shift of its normalisation layers "
        "alone; uses no pairs.",
        citation="Wang, Shelhamer, Liu, Olshausen and Darrell, Tent: Fully Test-Time Adaptation by Entropy "
        "Minimization, ICLR 2021 (arXiv 2006.10726)",
        settings=(_AUGMENT,),
    ),
    MethodInfo(
        key="shot",
        title="SHOT",
        sentence="Trains the model on its own confident groupings of the sensor images; uses no pairs.",
        citation="Liang, Hu and Feng, Do We Really Need to Access the Source Data?, ICML 2020 (arXiv 2002.08546)",
        settings=(
            _INFORMATION,
            _PSEUDO_LABEL,
            replace(_CENTROID_ROUNDS, default=1),
            _AUGMENT,
        ),
    ),
    MethodInfo(
        key="aad",
        title="AaD",
        sentence="Draws the answers to similar sensor images together and those to other images apart; uses no pairs.",
        citation="Yang, Wang, Wang, Jui and van de Weijer, Attracting and Dispersing: A Simple Approach for "
        "Source-free Domain Adaptation, NeurIPS 2022 (arXiv 2205.04183)",
        settings=(
            _NEIGHBOURS,
            _weight(
                key="dispersion_weight",
                title="Weight of dispersion",
                default=1.0,
                explain="How strongly the answers to images that are not similar are drawn apart, at the start. ",
            ),
            Setting(
                key="dispersion_decay",
                title="Fading of dispersion",
                default=1.0,
                low=0.0,
                high=10.0,
                explain="How fast the weight of dispersion falls while training: 0 keeps it, 1 lets it end at an "
                "eleventh, higher numbers at less.",
            ),
            _AUGMENT,
        ),
    ),
    MethodInfo(
        key="nrc",
        title="NRC",
        sentence="Draws the answers to similar sensor images together, most where the likeness is mutual; uses no "
        "pairs.",
        citation="Yang, Wang, van de Weijer, Herranz and Jui, Exploiting the Intrinsic Neighborhood Structure for "
        "Source-free Domain Adaptation, NeurIPS 2021 (arXiv 2110.04202)",
        settings=(
            _NEIGHBOURS,
            Setting(
                key="far_neighbours",
                title="Neighbours' neighbours",
                default=5,
                low=1,
                high=50,
                explain="How many neighbours of each neighbour are asked as well; they also decide whether a "
                "likeness is mutual.",
            ),
            _weight(
                key="far_weight",
                title="Weight of neighbours' neighbours",
                default=0.1,
                explain="How much an image shall agree with its neighbours' neighbours. ",
            ),
            _weight(
                key="diversity_weight",
                title="Weight of variety",
                default=1.0,
                explain="Keeps all images from ending up in one class by asking for an even use of the classes. ",
            ),
            _AUGMENT,
        ),
    ),
    MethodInfo(
        key="decision",
        title="DECISION",
        sentence="Does what SHOT does with several source models at once, and learns how much each of them counts.",
        citation="Ahmed, Raychaudhuri, Paul, Oymak and Roy-Chowdhury, Unsupervised Multi-source Domain Adaptation "
        "Without Access to Source Data, CVPR 2021 (arXiv 2104.01845)",
        several_sources=True,
        settings=(_INFORMATION, _PSEUDO_LABEL, replace(_CENTROID_ROUNDS, default=1), _AUGMENT),
    ),
    MethodInfo(
        key="pairs-only",
        title="Pairs only",
        sentence="Teaches the model to answer to the sensor image of a pair what it answers to the RGB image; learns "
        "nothing from the target images.",
        citation="Gupta, Hoffman and Malik, Cross Modal Distillation for Supervision Transfer, CVPR 2016 "
        "(arXiv 1507.00448)",
        needs_pairs=True,
        settings=(
            _weight(
                key="answers_weight",
                title="Weight of the answers",
                default=1.0,
                explain="Pulls the answer to a sensor image towards the source model's answer to its RGB partner. ",
            ),
            _weight(
                key="features_weight",
                title="Weight of the features",
                default=0.0,
                explain="Pulls what enters the last layer, too, towards what the RGB partner gives, each feature in "
                "units of its own spread. ",
            ),
            _AUGMENT,
        ),
    ),
    MethodInfo(
        key="anchored",
        title="Pair-anchored self-training",
        sentence="Trains the model on its own groupings of the sensor images while the pairs hold it in place, as "
        "strongly as they resemble your images.",
        citation="",
        needs_pairs=True,
        settings=_ANCHORED,
    ),
    MethodInfo(
        key="socket",
        title="SOCKET",
        sentence="Learns from pairs of RGB and sensor images of any scenes, and from confident groupings of your "
        "sensor images.",
        citation="Ahmed, Lohit, Peng, Jones and Roy-Chowdhury, Cross-Modal Knowledge Transfer Without "
        "Task-Relevant Source Data, ECCV 2022 (arXiv 2209.04027)",
        needs_pairs=True,
        several_sources=True,
        settings=_SOCKET,
    ),
    MethodInfo(
        key="translator-only",
        title="Translator only",
        sentence="Learns from pairs to turn sensor images into RGB-like ones, and shows these to the untouched source "
        "model.",
        citation="Zhu, Chen and Wang, Task-Irrelevant Data-Guided Modality Bridging, IEEE Transactions on Image "
        "Processing 34, 2025 (arXiv 2401.05014), first stage",
        needs_pairs=True,
        settings=(*_BRIDGE, _AUGMENT),
        stages=("Bridge",),
    ),
    MethodInfo(
        key="translator-socket",
        title="Translator, then SOCKET",
        sentence="Turns sensor images into RGB-like ones first, then adapts the model to these as SOCKET does.",
        citation="Both methods in a row, as reviewers of arXiv 2401.05014 asked for",
        needs_pairs=True,
        settings=(*_in_stage("Bridge", *_BRIDGE), *_in_stage("SOCKET", *_SOCKET, prefix="SOCKET: ")),
        stages=("Bridge", "SOCKET"),
    ),
    MethodInfo(
        key="tgkt",
        title="TGMB + TGKT",
        sentence="Builds a bridge first, which turns sensor images into RGB-like ones you can look at, then teaches "
        "the model to do without it.",
        citation="Zhu, Chen and Wang, Task-Irrelevant Data-Guided Modality Bridging and Knowledge Transfer, IEEE "
        "Transactions on Image Processing 34, 2025 (arXiv 2401.05014)",
        needs_pairs=True,
        settings=(
            *_in_stage("Bridge", *_BRIDGE),
            *_in_stage(
                "Transfer",
                _weight(
                    key="answers_weight",
                    title="Weight of the bridge's answers",
                    default=1.0,
                    explain="Pulls the model's answers to sensor images towards the source model's answers to the "
                    "translated ones. ",
                ),
                _weight(
                    key="pair_features_weight",
                    title="Weight of the pairs",
                    default=0.5,
                    explain="Pulls the features of a sensor image towards those of its RGB partner, "
                    + _PAIR_FEATURES_HELP,
                ),
                _PAIRS_TRUST,
                _PSEUDO_LABEL,
                _CENTROID_ROUNDS,
            ),
            _AUGMENT,
        ),
        stages=("Bridge", "Transfer"),
    ),
)

DEFAULT_METHOD = "auto"


def method_info(key: str, methods: Sequence[MethodInfo] = METHODS, purpose: str = "") -> MethodInfo:
    """The catalogue's entry of a method.

    Args:
        key: Its key.
        methods: Where to look.
        purpose: What they are for, behind "There is no method 'x'".

    Raises:
        UsageError: No method has this key.
    """
    for info in methods:
        if info.key == key:
            return info
    names = ", ".join(info.key for info in methods)
    raise UsageError(f"There is no method '{key}'{purpose}.", "", f"Choose one of: {names}.")
