"""What a worker says while it works: small, frozen, numpy at most. `Finished` comes last, exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from bandbridge.engine.api.reports import Alarm, CompareReport, Finding, Report
from numpy.typing import NDArray

Outcome = Literal["completed", "kept", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is.

    Attributes:
        title: What is being done now, e.g. "Reading target images" or "Adapting (SOCKET)".
        done: Units done.
        total: Units in all; 0 if unknown.
        unit: What a unit is, e.g. "image", "step".
        fraction: Share of the whole job done, 0..1, or None if unknown.
        seconds_left: Estimate for the whole job, or None.
        detail: More, e.g. the file at hand.
    """

    title: str
    done: int = 0
    total: int = 0
    unit: str = ""
    fraction: float | None = None
    seconds_left: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something worth telling, e.g. a file set aside. Level "info" or "warning"."""

    level: Literal["info", "warning"]
    text: str

    @classmethod
    def about(cls, finding: Finding) -> Notice:
        """What was found, its file named once; a mere note is no warning."""
        named = "" if finding.file in finding.what else f"{finding.file}: "
        return cls(level="info" if finding.severity == "note" else "warning", text=f"{named}{finding.what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted:
    """The facts of a run that do not change any more.

    Attributes:
        stage: Name of the stage, e.g. "SOCKET".
        steps: Steps in all.
        steps_per_epoch: Steps in an epoch.
        device: In words, e.g. "CPU, 2 threads".
        terms: Names of the loss terms to come, in the order to draw them.
        first_step: 0, or where a resumed run goes on, within the stage.
        number: Of the stage, from 0.
        stages: Names of all stages of the run.
        steps_before: Steps of the stages before it; every other event counts them in.
    """

    stage: str
    steps: int
    steps_per_epoch: int
    device: str
    terms: tuple[str, ...]
    first_step: int = 0
    number: int = 0
    stages: tuple[str, ...] = ("Adapting",)
    steps_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Loss values sampled since the last event.

    Attributes:
        steps: (N,) step numbers.
        values: Term name -> (N,) unweighted values; "total" is the weighted sum.
        images_per_second: Speed of the steps since the last event.
        memory_mb: Resident memory of the worker, in MiB.
    """

    steps: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float32]]
    images_per_second: float
    memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The modality gap on held-out pairs (never trained on) at one step.

    Attributes:
        step: Step number; 0 is before training.
        measures: Name -> value; the names are the keys of `GAP_MEASURES`.
        rgb_points: (N, 2) RGB partners' source features in the fixed basis.
        sensor_points: (N, 2) sensor features of the model at this step in the same basis; row i is pair i.
        target_points: (M, 2) target images' features in the same basis.
    """

    step: int
    measures: Mapping[str, float]
    rgb_points: NDArray[np.float32]
    sensor_points: NDArray[np.float32]
    target_points: NDArray[np.float32]


GAP_MEASURES: Mapping[str, tuple[str, str]] = {
    "mean_distance": ("Distance of means", "Distance between the average RGB and sensor features; 0 = none."),
    "mmd": ("MMD", "How different the two clouds of features are, shape included; 0 = the same."),
    "cka": ("CKA similarity", "How alike both sensors arrange the same scenes; 1 = the same."),
    "frechet": ("Fréchet distance", "Distance of the two clouds taken as bell curves; 0 = the same."),
    "retrieval": (
        "Pairs found again",
        "Share of sensor images whose nearest RGB image is their own partner.",
    ),
    "probe": (
        "Sensor told apart",
        "How often a simple test can tell which sensor a feature came from; 0.5 = not at all, the gap is closed.",
    ),
}
"""Measure -> (title, what it means)."""

LOSS_TERMS: Mapping[str, tuple[str, str]] = {
    "total": ("Total", "The terms of the step together, each with its weight."),
    "information": ("Information", "Falls as answers get certain one by one and varied over all images."),
    "pseudo-labels": ("Pseudo-labels", "Falls as answers follow the groups the model has found among your images."),
    "features": ("Features", "Falls as the model sees a sensor image as it sees its RGB partner."),
    "answers": (
        "Answers",
        "Falls as answers to sensor images come close to the source model's answers to their RGB side.",
    ),
    "statistics": ("Statistics", "Falls as the normalisation layers see on the sensor what they saw on RGB."),
    "pairs": ("Pairs", "Falls as the model sees the sensor images of pairs as it sees their RGB partners."),
    "pair contrast": (
        "Pairs told apart",
        "Falls as the sensor image of a pair goes with its own RGB image and not with those of other pairs.",
    ),
    "pair filter": (
        "Filter of pairs",
        "Falls as what is kept of an RGB image is more like its sensor image than all of it.",
    ),
    "reconstruction": ("Picture", "Falls as translated pictures come close to the RGB pictures of the pairs."),
    "domain": ("Likeness", "Falls as translated target images look to the model like translated images of pairs."),
    "discriminator": (
        "Opponent",
        "A small judge that learns to tell translated target images from those of pairs, so that the translator learns "
        "to leave no difference. A rise means that the translator is winning.",
    ),
    "attraction": ("Attraction", "Falls as similar images get similar answers."),
    "dispersion": ("Dispersion", "Falls as images that are not similar get different answers."),
    "neighbours": ("Neighbours", "Falls as images agree with the images most similar to them."),
    "their neighbours": ("Their neighbours", "Falls as images agree with the neighbours of their neighbours."),
    "diversity": ("Variety", "Falls as the classes are used more evenly."),
    "entropy": ("Indecision", "Falls as answers get certain."),
    "cross-entropy": ("Wrong answers", "Falls as answers to what has labels get right."),
    "softened answers": ("Teacher's answers", "Falls as the student answers like the teacher."),
    "hint": ("Teacher's features", "Falls as the student's view of a clip comes close to the teacher's."),
    "similarity": ("Likeness of clips", "Falls as the student finds the same clips alike as the teacher."),
    "neighbourhood": ("Neighbours of clips", "Falls as clips have the same neighbours as in the teacher's view."),
    "distances": ("Distances", "Falls as clips lie as far from each other as in the teacher's view."),
    "angles": ("Angles", "Falls as clips lie in the same directions from each other as in the teacher's view."),
    "instances": ("Clips told apart", "Falls as a clip's own sound and picture are told from those of other clips."),
    "contrast": ("Contrast", "Falls as clips of one class come together across picture and sound, and others part."),
    "second answer": ("Second answer", "Falls as what the teacher points at in a clip is recognised by itself."),
    "filter": ("Filter", "Falls as what is kept of the teacher is more like the student than all of it."),
    "sparsity": ("Simplicity of the filter", "Falls as the filter does with fewer and smaller weights."),
    "correspondence": (
        "Correspondence",
        "Falls as the teacher's view of a class comes to lie where the student's does; nothing else feels it.",
    ),
    "composition": ("Composition", "Falls as picture and sound together are recognised."),
    "agreement": ("Agreement", "Falls as answers to the clip and to picture and sound together become the same."),
}
"""Loss term -> (title, what its curve says)."""

Better = Literal["higher", "lower", ""]

LABEL_FREE: Mapping[str, tuple[str, str, Better]] = {
    "agreement": (
        "Agreement on pairs",
        "Share of held-out pairs whose sensor image gets the class the source model gives its RGB partner.",
        "higher",
    ),
    "balanced_agreement": (
        "Balanced agreement",
        "Agreement on pairs, taken class by class and averaged: rare classes count as much as common ones.",
        "higher",
    ),
    "pair_divergence": (
        "Difference from RGB answers",
        "How far the probabilities for a pair's sensor image lie from the source model's for its RGB image; 0 = same.",
        "lower",
    ),
    "partner_margin": (
        "Likeness to the partner",
        "How much more a sensor image resembles its own RGB partner than other RGB images; 0 = no more.",
        "higher",
    ),
    "reliability": (
        "Reliability figure",
        "How far the answers can be relied on, as far as that shows without labels; compare models of one task only. "
        "On 18 labelled sets of images it had not been chosen on, it ranked five methods like their true accuracy with "
        "a correlation of 0.51 on average (1 = always, 0 = by chance; -0.55 on the worst set).",
        "higher",
    ),
    "information": (
        "Certain yet varied",
        "How undecided single answers are, less how varied all answers together are; the lower, the better.",
        "lower",
    ),
    "entropy": ("Indecision", "How undecided the answers are on average; 0 = certain. Certain is not right.", "lower"),
    "class_entropy": (
        "Variety of answers",
        "How varied all answers together are; 0 = one class only. The right value is your images' own.",
        "",
    ),
    "density": (
        "Neighbourhood density",
        "How many other images each image shares its answer with, softly counted. Also grows when one class swallows "
        "the others.",
        "",
    ),
    "nuclear_norm": (
        "Nuclear norm",
        "Certainty and variety of the answers in one number; 1 = certain and all classes alike.",
        "higher",
    ),
    "classes_used": (
        "Classes in use",
        "How many classes the answers effectively use, as a share of all; falls when one class swallows the others.",
        "",
    ),
    "largest_share": ("Largest class", "Share of the target images that get the most frequent class.", ""),
    "changed": ("Changed class", "Share of the target images that get another class than from the source model.", ""),
    "change_divergence": (
        "Distance from the source model",
        "How far the probabilities lie from the untouched model's on the target images; 0 = nothing changed.",
        "",
    ),
    "ssim": (
        "Likeness of translated pictures",
        "How alike translated held-out pairs and their RGB images are in structure; 1 = the same.",
        "higher",
    ),
    "psnr": (
        "Exactness of translated pictures",
        "How exactly translated held-out pairs match their RGB images pixel by pixel, in decibels.",
        "higher",
    ),
}
"""Label-free measure -> (title, what it means, which way is better). The first four need held-out pairs, the last two a
translator as well."""

RELIABILITY = "reliability"
"""The one label-free measure that stands first wherever there is room for one; to be chosen here and nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePrediction:
    """One image of the strip.

    Attributes:
        key: Its path relative to its folder.
        kind: "target" or "pair".
        picture: (H, W, 3) uint8, the sensor image as shown to a person.
        partner: (H, W, 3) uint8 paired RGB image, or None.
        before: (K,) probabilities of the untouched source model.
        after: (K,) probabilities of the model at this step.
        truth: Index of the true class where labels exist, for the eye only, else None.
        translated: (H, W, 3) uint8 translated RGB-like image, or None.
        bridged: (K,) probabilities of the untouched source model on the translated image, or None.
    """

    key: str
    kind: Literal["target", "pair"]
    picture: NDArray[np.uint8]
    partner: NDArray[np.uint8] | None
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    truth: int | None = None
    translated: NDArray[np.uint8] | None = None
    bridged: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The strip of samples at one step; class names belong to the probabilities."""

    step: int
    class_names: tuple[str, ...]
    items: tuple[SamplePrediction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnd:
    """An epoch is over.

    Attributes:
        step: Steps done.
        epoch: Epochs done.
        predicted_counts: Class name -> images given this class in the last pass over all target images.
        mean_confidence: Mean of the highest probability, 0..1.
        held_out_agreement: Share of held-out pairs whose sensor image gets the class the source model gives the
            RGB partner, or None without pairs.
        label_free: Name -> value; the names are keys of `LABEL_FREE`, those of the pairs only with pairs.
        measured: Of clips: name -> value on the labelled validation clips; the names are keys of `measures.measure`.
    """

    step: int
    epoch: int
    predicted_counts: Mapping[str, int]
    mean_confidence: float
    held_out_agreement: float | None
    label_free: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)


CLIP_SIGNS = ("correspondence", "temperature", "mask")
"""What MNF + CSC says of a clip's picture and sound, the most telling first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSignsSeen:
    """What MNF + CSC last made of every training clip it met, once an epoch.

    Attributes:
        step: Steps done.
        files: n training clips.
        mask: (n,) mean of the mask over the teacher's features, 0..1, or None without MNF.
        temperature: (n,) of the clip's own picture and sound, or None without CSC.
        correspondence: (n,) how far picture and sound of the clip go together by their classes, -1..1.
    """

    step: int
    files: tuple[str, ...]
    mask: NDArray[np.float32] | None
    temperature: NDArray[np.float32] | None
    correspondence: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    """A checkpoint is safely on the disk."""

    step: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The table of a comparison as it is now: at its beginning, and whenever a run begins or ends."""

    report: CompareReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The work stands still (`paused` True) or goes on again (False)."""

    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A failure in words, as of `BandbridgeError`."""

    what: str
    why: str = ""
    do: str = ""
    details: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.do) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of a job, exactly once.

    Attributes:
        outcome: "completed"; "kept" (stopped, with a result); "stopped" (without); "failed".
        result: The job's report for "completed" and "kept", else None.
        problem: What went wrong, for "failed".
    """

    outcome: Outcome
    result: Report | None = None
    problem: Problem | None = None


Event = (
    Progress
    | Notice
    | TrainingStarted
    | Losses
    | Gap
    | Samples
    | EpochEnd
    | ClipSignsSeen
    | Alarm
    | CheckpointSaved
    | Compared
    | Paused
    | Finished
)
