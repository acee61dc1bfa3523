"""What a finished job answers: facts about models, folders and runs, ready to be shown or written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from bandbridge.engine.api.config import Curve, StretchRule
from bandbridge.engine.api.sensor_profiles import SensorProposal
from numpy.typing import NDArray

Severity = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something doubtful about a file or a folder.

    Attributes:
        severity: "note" (good to know), "warning" (goes on without the file), "error" (cannot go on).
        kind: Short key for counting, e.g. "unreadable", "unmatched", "ambiguous", "depth", "size", "bands".
        file: Path relative to the folder, or the folder itself.
        what: What was found. One sentence.
        why: Why it matters. One sentence.
        do: What to do. One sentence.
        other: The other file concerned, relative to its own folder: the earlier image that this one repeats, the target
            image it equals, the RGB image it lies askew on; "" without one.
        amount: How much of it, to put the worst first; comparable within a kind alone. 0 where it cannot be said.
    """

    severity: Severity
    kind: str
    file: str
    what: str
    why: str = ""
    do: str = ""
    other: str = ""
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """What the program sees in a model file.

    Attributes:
        path: The file.
        format: E.g. "Bandbridge model", "PyTorch checkpoint", "safetensors weights", "ONNX".
        safety: How safe this format is, one sentence.
        recognised: Whether the network could be built and filled completely.
        architecture: Name in timm's (or torchvision's) catalogue, "ONNX graph", or "" if not recognised.
        also_fits: Other catalogue names the same weights would fit.
        candidates: Nearest catalogue names with their similarity 0..1, when not recognised.
        explanation: One sentence on how it was recognised, or why not and what else would do.
        parameters: Number of weights.
        class_names: One name a class (numbers as text when unknown).
        names_known: Whether the names came from the file or a list.
        input_channels: Channels of the network's input.
        bands: Raw bands read from a file, e.g. 1 for a one-band sensor model; differs from `input_channels`
            when an adapter stands between.
        input_size: Side of the square input in pixels.
        mean: Per channel, subtracted after values are brought to 0..1.
        std: Per channel, divided by afterwards.
        normalisation_layers: Kind -> count, e.g. {"BatchNorm2d": 20}.
        feature_width: Length of the feature vector before the last linear layer.
        fingerprint: SHA-256 of the file.
        size_bytes: Of the file.
        sensor: In words, for adapted models ("1 band, uint16"); "" for RGB.
        notes: Anything a person should know, e.g. metadata that contradicts the weights.
    """

    path: str
    format: str
    safety: str
    recognised: bool
    architecture: str
    explanation: str
    also_fits: tuple[str, ...] = ()
    candidates: tuple[tuple[str, float], ...] = ()
    parameters: int = 0
    class_names: tuple[str, ...] = ()
    names_known: bool = False
    input_channels: int = 3
    bands: int = 3
    input_size: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    normalisation_layers: Mapping[str, int] = field(default_factory=dict)
    feature_width: int = 0
    fingerprint: str = ""
    size_bytes: int = 0
    sensor: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BandHistogram:
    """Histogram of one band over a data set.

    Attributes:
        band: 1-based number in the file.
        counts: (N,) number of values, N at most 256.
        edges: (N + 1,) raw values.
        low: Raw value that becomes 0.
        high: Raw value that becomes 1.
        curve: How values rise between both; on a logarithmic one the bins are equally wide on such an axis.
        percentiles: (1001,) raw values at 0, 0.1 ... 100 percent; empty where they were not measured.
    """

    band: int
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    low: float
    high: float
    curve: Curve = "linear"
    percentiles: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneReport:
    """What a scene says about itself before its pixels are read.

    Attributes:
        path: The file.
        width: In pixels.
        height: In pixels.
        bands: Bands that hold measurements.
        dtype: Number type, e.g. "uint16".
        no_data: Value the file declares as "nothing here", or None.
        frame: Undeclared value that fills all bands outside the area seen, or None.
        system: Name of its coordinate system, "" if it has no place on the map.
        pixel_m: Side of a pixel on the ground in the middle of the scene, in metres; None where that is not known.
        tile_px: Side of a tile.
        tiles: Tiles it is cut into, before any are drawn or left out.
        used: Tiles that are looked at.
        sensor: Title of the profile it fits, "" if none is certain.
        rgb_bands: 1-based bands that are red, green and blue, as declared or by the profile, else the first three.
        sensor_bands: 1-based bands that may stand for another sensor, such as near infrared; () where there are none.
    """

    path: str
    width: int
    height: int
    bands: int
    dtype: str
    no_data: float | None
    frame: float | None
    system: str
    pixel_m: float | None
    tile_px: int
    tiles: int
    used: int
    sensor: str = ""
    rgb_bands: tuple[int, ...] = ()
    sensor_bands: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderReport:
    """What the program sees in an image folder.

    Attributes:
        folder: The folder.
        files: Usable images, relative to the folder, sorted.
        sizes: "width x height" -> count.
        depths: Number type, e.g. "uint16" -> count.
        bands: Number of bands -> count.
        class_counts: Class folder -> count; empty unless every image lies in a class folder.
        chosen_bands: 1-based bands that will be used, or None for all.
        histograms: One a used band.
        no_data_share: Share of pixels without data, 0..1.
        georeferenced: Count of images with a place on the map.
        findings: Everything doubtful.
        band_names: Names of all bands such as "B04", where every band is a file of its own; else ().
        sensor: What kind of sensor took them, and what is proposed; None where nobody asked.
        stretch: The rule by which values were stretched.
        no_data: The raw value taken for "nothing here", besides what files declare.
    """

    folder: str
    files: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    depths: Mapping[str, int] = field(default_factory=dict)
    bands: Mapping[int, int] = field(default_factory=dict)
    class_counts: Mapping[str, int] = field(default_factory=dict)
    chosen_bands: tuple[int, ...] | None = None
    histograms: tuple[BandHistogram, ...] = ()
    no_data_share: float = 0.0
    georeferenced: int = 0
    findings: tuple[Finding, ...] = ()
    band_names: tuple[str, ...] = ()
    sensor: SensorProposal | None = None
    stretch: StretchRule = field(default_factory=StretchRule)
    no_data: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsReport:
    """How two folders pair up.

    Attributes:
        rgb: Report of the RGB side.
        sensor: Report of the sensor side.
        rule: The rule that paired them, in words.
        pairs: (key, RGB file, sensor file), sorted by key; files relative to their folders.
        unmatched_rgb: RGB files without a partner.
        unmatched_sensor: Sensor files without a partner.
        ambiguous: Keys that several files of one side share, with all files of the key, RGB first.
        findings: Of the pairing itself (those of the folders are in their reports).
    """

    rgb: FolderReport
    sensor: FolderReport
    rule: str
    pairs: tuple[tuple[str, str, str], ...] = ()
    unmatched_rgb: tuple[str, ...] = ()
    unmatched_sensor: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


CheckedRole = Literal["target", "rgb", "sensor", "pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShift:
    """How far the images of a pair are shifted against each other.

    Attributes:
        pair: Its key.
        rgb: RGB file, relative to its folder.
        sensor: Sensor file, relative to its folder.
        right_px: The sensor image shows the same things so many of its own pixels further right.
        down_px: So many further down.
        confidence: 0 where nothing could be measured; see `sure`.
        sure: Whether the measurement can be believed.
        together: Whether the shift is that of all pairs together, since this one cannot be measured alone.
    """

    pair: str
    rgb: str
    sensor: str
    right_px: float
    down_px: float
    confidence: float
    sure: bool
    together: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPart:
    """What a check found in one folder, or in how two folders go together.

    Attributes:
        role: "target", "rgb" or "sensor" for a folder of images, "pairs" for how these two go together.
        folder: The folder; of "pairs", that of the sensor images.
        images: Image files that could be read; of "pairs", the pairs.
        findings: Everything doubtful; files are relative to the folder.
        shifts: Of "pairs": one entry a pair that could be read.
        sensor: What kind of sensor took the images; None of "pairs".
    """

    role: CheckedRole
    folder: str
    images: int
    findings: tuple[Finding, ...] = ()
    shifts: tuple[PairShift, ...] = ()
    sensor: SensorProposal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The result of a check.

    Attributes:
        parts: Target first, then three of every pair of folders: RGB, sensor, and how they go together.
        counts: Kind of finding -> how many.
        images: Image files that could be read, in all folders.
        seconds: Wall time without pauses.
        written: The tables that were written.
    """

    parts: tuple[CheckedPart, ...]
    counts: Mapping[str, int]
    images: int = 0
    seconds: float = 0.0
    written: tuple[str, ...] = ()

    @property
    def shifts(self) -> tuple[PairShift, ...]:
        """Those of all pairs."""
        return tuple(shift for part in self.parts for shift in part.shifts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThumbnailsReport:
    """Small pictures in the order asked for; None where a file could not be read."""

    pictures: tuple[NDArray[np.uint8] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Measured on labelled images.

    Attributes:
        images: Labelled images counted.
        accuracy: Share right, 0..1.
        balanced_accuracy: Mean over classes present of the share right, 0..1.
        per_class: Class name -> share right.
        confusion: (K, K) rows true, columns predicted, counts.
        class_names: Of rows and columns.
    """

    images: int
    accuracy: float
    balanced_accuracy: float
    per_class: Mapping[str, float]
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]


AlarmKind = Literal["collapse", "worse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A run does harm, or may do: said at once while it trains, and again in its report. At most one of a kind stands.

    Attributes:
        kind: "collapse" (one class swallows the target) or "worse" (the held-out pairs speak for doing nothing).
        step: When it was found.
        what: What happened. One sentence.
        why: What it rests on.
        do: What to do.
        standing: False withdraws the alarm of this kind: the run has recovered.
    """

    kind: AlarmKind
    step: int
    what: str
    why: str
    do: str
    standing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A candidate of the method that chooses by itself.

    Attributes:
        name: Of the candidate, for people.
        reliability: Its figure; see `events.LABEL_FREE`.
        balanced_agreement: Of held-out pairs, 0..1, None without pairs.
        ruled_out: Whether it agrees less with the source model on held-out pairs than the untouched model does.
        chosen: Whether it was kept.
    """

    name: str
    reliability: float
    balanced_agreement: float | None
    ruled_out: bool
    chosen: bool = False

    @property
    def words(self) -> str:
        """What was found, in one line."""
        agreed = "" if self.balanced_agreement is None else f", balanced agreement {self.balanced_agreement:.0%}"
        outcome = "kept" if self.chosen else "ruled out" if self.ruled_out else "not kept"
        why = ": it agrees less with RGB on held-out pairs than the untouched model" if self.ruled_out else ""
        return f"{self.name}: reliability figure {self.reliability:.3f}{agreed}; {outcome}{why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptReport:
    """The result of an adaptation run.

    Attributes:
        run: The run folder.
        model: The adapted model file (this program's own format), or "" for source-only stopped early.
        method: Key of the method.
        seed: Of the run.
        epochs_done: Epochs finished.
        steps_done: Steps finished.
        seconds: Wall time of the whole run without pauses.
        images_per_second: Target images through training steps per second, 0 if nothing was trained.
        before: Scores of the untouched source model on the target, None without labels.
        after: Scores of the adapted model on the target, None without labels.
        gap_before: Modality gap on held-out pairs before, empty without pairs.
        gap_after: The same after.
        predicted_before: Class name -> count predicted by the untouched model.
        predicted_after: The same by the adapted model.
        mean_confidence_before: Mean highest probability, 0..1.
        mean_confidence_after: The same after.
        agreement_before: Share of held-out pairs on which the sensor prediction equals the source model's on RGB.
        agreement_after: The same after.
        changed: Target images whose predicted class changed.
        target_images: Target images used.
        pairs_used: Pairs trained on.
        pairs_held_out: Pairs kept aside to measure.
        pairs_moved: Pairs of both kinds that were moved into place.
        set_aside: Files left out, with reasons.
        mixing: Source model -> learned mixing weight (one entry of 1.0 for a single source).
        adapter: How the bands entered the network.
        device: In words.
        versions: Package -> version.
        stopped_early: Whether the person stopped it and kept what was learned so far.
        stages: Names of the stages it went through.
        trials: Of a method that chooses by itself: what it tried and which it kept.
        resumed: Whether it went on from a checkpoint; time and memory are then those since.
        label_free_before: Label-free measures of the untouched model, see `events.LABEL_FREE`; those of the pairs are
            missing without pairs, all in reports of older versions.
        label_free_after: The same of the adapted model.
        alarms: Those that hold for the adapted model.
        peak_memory_mb: Most memory the process held while it ran, in MiB; 0 if unknown. Of a worker that had done other
            work before, some systems count that too.
        peak_gpu_memory_mb: Most memory its tensors held on the graphics card, in MiB; 0 without one.
    """

    run: str
    model: str
    method: str
    seed: int
    epochs_done: int
    steps_done: int
    seconds: float
    images_per_second: float
    before: Scores | None
    after: Scores | None
    gap_before: Mapping[str, float]
    gap_after: Mapping[str, float]
    predicted_before: Mapping[str, int]
    predicted_after: Mapping[str, int]
    mean_confidence_before: float
    mean_confidence_after: float
    agreement_before: float | None
    agreement_after: float | None
    changed: int
    target_images: int
    pairs_used: int
    pairs_held_out: int
    set_aside: tuple[Finding, ...]
    mixing: Mapping[str, float]
    adapter: str
    device: str
    versions: Mapping[str, str]
    stopped_early: bool = False
    stages: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    resumed: bool = False
    label_free_before: Mapping[str, float] = field(default_factory=dict)
    label_free_after: Mapping[str, float] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()
    pairs_moved: int = 0
    peak_memory_mb: float = 0.0
    peak_gpu_memory_mb: float = 0.0


ClipSound = Literal["heard", "silent", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenClip:
    """What is known of a clip that can be read.

    Attributes:
        file: Relative to the folder.
        labels: What it shows, () if nobody said.
        split: "train", "validation" or "test".
        seconds: Length read.
        rate_hz: Pictures a second in the file; 0 without pictures.
        width_px: Of the file's pictures; 0 without.
        height_px: The same.
        sound: Whether it has sound, a silent track, or none.
    """

    file: str
    labels: tuple[str, ...]
    split: str
    seconds: float
    rate_hz: float
    width_px: int
    height_px: int
    sound: ClipSound

    @property
    def has_pictures(self) -> bool:
        """Whether it has pictures."""
        return self.width_px > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipsReport:
    """A folder or a list of clips.

    Attributes:
        place: The folder, or the list.
        folder: What the clips' names are relative to.
        clips: Those that can be read, sorted by name.
        class_names: Of all labels, sorted.
        drawn: Whether the splits were drawn by the program.
        findings: What is doubtful.
    """

    place: str
    folder: str
    clips: tuple[SeenClip, ...]
    class_names: tuple[str, ...]
    drawn: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipThumbnail:
    """The first moments of a clip.

    Attributes:
        pictures: (F, S, S, 3) red, green, blue; F is 0 where it has none.
        loudness: (bars,) 0..1 over the same time, None without sound.
        wave: (L,) -1..1, its sound over the same time; None without sound, or if not asked for.
    """

    pictures: NDArray[np.uint8]
    loudness: NDArray[np.float32] | None
    wave: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipThumbnailsReport:
    """Clips in the order asked for; None where one cannot be read."""

    clips: tuple[ClipThumbnail | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipScores:
    """How a network for clips does on labelled clips, all windows of each averaged.

    Attributes:
        clips: Labelled clips it was measured on.
        classes: Accuracy and confusion on those of a class that some training clip has; None where there are none, and
            where a clip may have several labels.
        tagging: Tag -> average precision of clips that have it, of those tags that any has; empty for classes.
        measures: Key of `measures.measure` -> value: "accuracy", "balanced_accuracy" for classes, "tagging_map" for
            tags, and "recall_at_1", "recall_at_5", "recall_at_10", "retrieval_map" where there are training clips to
            find; a query without a hit counts, with 0.
    """

    clips: int
    classes: Scores | None = None
    tagging: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """Clips the measure that leads is of: accuracy is of those of a known class."""
        return self.clips if self.classes is None else self.classes.images


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillReport:
    """The result of a distillation between picture and sound.

    Attributes:
        run: The run folder.
        model: The student's file.
        method: Key of the method.
        teacher: "sound" or "picture", what taught; the student takes the other.
        seed: Of the run.
        tags: Whether a clip may have several labels.
        class_names: K classes or tags.
        clips: Split -> clips used.
        taught: Training clips the teacher knew.
        splits_drawn: Whether the splits were drawn by the program.
        validation: Scores of the student, None without labelled validation clips.
        test: The same on the test clips, which nothing was chosen by.
        teacher_validation: Scores of the teacher, None without a teacher or where it could see none of the clips.
        teacher_test: The same on the test clips.
        separation: How well signs of clips tell those with their own sound from others, as the area under the ROC
            curve, by the names in `events.CLIP_SIGNS`; empty where the list says nothing about sound.
        separation_by_sound: The same against each kind of other sound by itself, by the list's word for it.
        epochs_done: Epochs of the student finished.
        steps_done: Steps of all stages.
        seconds: Wall time without pauses.
        clips_per_second: Training clips through the student's steps per second.
        set_aside: Clips left out and remarks on others.
        device: In words.
        versions: Package -> version.
        stages: Names of the stages it went through.
        stopped_early: Whether the person stopped it and kept what was learned.
        resumed: Whether it went on from a checkpoint.
        peak_memory_mb: Most memory the process held, in MiB; 0 if unknown.
        peak_gpu_memory_mb: Most memory its tensors held on the graphics card, in MiB.
    """

    run: str
    model: str
    method: str
    teacher: str
    seed: int
    tags: bool
    class_names: tuple[str, ...]
    clips: Mapping[str, int]
    taught: int
    splits_drawn: bool
    validation: ClipScores | None
    test: ClipScores | None
    teacher_validation: ClipScores | None
    teacher_test: ClipScores | None
    separation: Mapping[str, float]
    epochs_done: int
    steps_done: int
    seconds: float
    clips_per_second: float
    set_aside: tuple[Finding, ...]
    device: str
    versions: Mapping[str, str]
    stages: tuple[str, ...] = ()
    stopped_early: bool = False
    resumed: bool = False
    peak_memory_mb: float = 0.0
    peak_gpu_memory_mb: float = 0.0
    separation_by_sound: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateClipsReport:
    """Scores of a network for clips on labelled clips.

    Attributes:
        model: Model file or run folder.
        folder: Of the clips.
        split: Which of them were measured: "test", "validation", or "all" that the run did not learn from.
        scores: Of these.
        set_aside: Clips left out and remarks on others.
    """

    model: str
    folder: str
    split: str
    scores: ClipScores
    set_aside: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundClip:
    """A training clip that was found: its file, its labels, and how similar it is, -1..1."""

    file: str
    labels: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipQuery:
    """What was found for one clip, most similar first; its labels are () where they are not known."""

    file: str
    labels: tuple[str, ...]
    found: tuple[FoundClip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieveReport:
    """The training clips most similar to others, found in a run; files are relative to `folder`."""

    run: str
    folder: str
    queries: tuple[ClipQuery, ...]
    set_aside: tuple[Finding, ...] = ()


RunState = Literal["waiting", "running", "completed", "stopped", "failed", "unfit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One run of a comparison.

    Attributes:
        method: Key of the method.
        seed: Of the run.
        folder: Its run folder.
        state: "waiting" (its turn has not come), "running", "completed", "stopped" (goes on when the comparison is
            started again), "failed", or "unfit" (the method cannot work with what was given).
        problem: Why it failed or does not fit, in words; "" otherwise.
        alarms: What happened in the words of those alarms that hold at its end.
        values: Its numbers by the keys of `measures.measure`; a number it does not have is left out.
    """

    method: str
    seed: int
    folder: str
    state: RunState
    problem: str = ""
    alarms: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One number over the completed runs of a method.

    Attributes:
        mean: Over the runs.
        deviation: Standard deviation of a run, estimated from these (divided by runs - 1); None for a single run.
        runs: That have the number.
    """

    mean: float
    deviation: float | None
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMethod:
    """One method of a comparison, over its seeds.

    Attributes:
        method: Key of the method.
        state: The state its runs have in common or, where they differ, the one that needs looking at first: failed,
            running, stopped, waiting.
        completed: Runs completed.
        runs: Runs asked for.
        problem: Words of the first run that failed or does not fit.
        alarm: "" or in how many of its completed runs an alarm holds, and which is the first.
        values: Measure -> mean and spread over the completed runs.
    """

    method: str
    state: RunState
    completed: int
    runs: int
    problem: str = ""
    alarm: str = ""
    values: Mapping[str, Spread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareReport:
    """A comparison of methods, complete or so far.

    Attributes:
        folder: Where its tables and run folders are.
        methods: One entry a method, in the order asked for.
        runs: One entry a run, in the order of running.
        measures: Keys of the measures at hand, in the order of the table.
        images: Labelled target images; 0 where there are no labels.
        before: Numbers every method must beat, by the same keys: of the untouched source model, means over the
            completed runs, which differ in the pairs they keep aside alone; for clips what guessing reaches.
        stopped_early: Whether the person stopped it; started again it goes on.
    """

    folder: str
    methods: tuple[ComparedMethod, ...]
    runs: tuple[ComparedRun, ...]
    measures: tuple[str, ...] = ()
    images: int = 0
    before: Mapping[str, float] = field(default_factory=dict)
    stopped_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSourceReport:
    """The result of training a source model; accuracy is measured on images kept aside."""

    model: str
    architecture: str
    class_names: tuple[str, ...]
    images: int
    held_out: Scores | None
    seconds: float
    set_aside: tuple[Finding, ...] = ()
    stopped_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateReport:
    """Scores of a model on a labelled folder."""

    model: str
    folder: str
    scores: Scores
    set_aside: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The prediction of one image or clip.

    Attributes:
        file: Its name.
        class_name: The class; of a clip with tags all it is given, with ";" between them, "" for none.
        confidence: Probability of the likeliest, 0..1.
        probabilities: Of every class.
        place: Of a tile's middle on the map, as x and y of its scene's coordinate system; None without.
        system: That system: its code such as "EPSG:32633", or its definition; "" without.
    """

    file: str
    class_name: str
    confidence: float
    probabilities: tuple[float, ...]
    place: tuple[float, float] | None = None
    system: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictReport:
    """Predictions of a model for images or clips, in the order read; `tags`: whether one may have several."""

    model: str
    class_names: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    output: str = ""
    set_aside: tuple[Finding, ...] = ()
    tags: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """An exported model file and its check against the model it came from.

    Attributes:
        output: The file written.
        format: "safetensors" or "onnx".
        checked_images: Real images both were run on (0: no images were at hand; made-up values were used).
        largest_difference: Of any class probability between both.
        same_classes: Whether every image got the same class.
        explanation: One sentence on how the file is used.
    """

    output: str
    format: str
    checked_images: int
    largest_difference: float
    same_classes: bool
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslatedImage:
    """An image and the picture made of it.

    Attributes:
        file: The image, relative to the folder given, or as given.
        picture: The file written, relative to the output folder.
        width: In pixels.
        height: In pixels.
        georeferenced: Whether the picture has a place on the map.
        missing: Share of its pixels without data, 0..1.
    """

    file: str
    picture: str
    width: int
    height: int
    georeferenced: bool
    missing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateReport:
    """Pictures made by a translator, in the order of the images.

    Attributes:
        translator: Its file.
        output: The folder the pictures are in.
        images: One entry a picture.
        seconds: Wall time without pauses.
        device: In words.
        set_aside: Images without a picture, with reasons.
    """

    translator: str
    output: str
    images: tuple[TranslatedImage, ...]
    seconds: float
    device: str
    set_aside: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesReport:
    """One image of a run, ready to be shown; all pictures have the same height H and width W.

    Attributes:
        run: The run folder.
        file: As asked for.
        kind: "target" or "pair".
        width: Of the file, in pixels; the pictures are smaller where the file's longest side exceeds 2048.
        height: Of the file, in pixels.
        sensor: (H, W, 3) under the run's stretch: one or two bands grey, more in false colours.
        translated: (H, W, 3) made by the run's translator; None if it has none.
        rgb: (H, W, 3) the RGB image of the same scene, brought to the sensor picture's size; None if there is none.
        rgb_file: Where `rgb` comes from; "" without.
        difference: (H, W) one minus structural similarity of `translated` and `rgb`: 0 where they are the same, 255
            where they have nothing in common. None where one of both is missing.
        ssim: Structural similarity of `translated` and `rgb`, at most 1 = the same; None as `difference`.
        class_names: K names, in the order of the probabilities.
        source_on_sensor: (K,) probabilities by the untouched source models on the sensor image; None if their files
            are no longer where the run found them.
        source_on_translated: (K,) the same on the translated image; None also without a translator.
        adapted: (K,) probabilities by the adapted model.
        truth: Class by the image's folder; "" if that names no class.
    """

    run: str
    file: str
    kind: Literal["target", "pair"]
    width: int
    height: int
    sensor: NDArray[np.uint8]
    translated: NDArray[np.uint8] | None = None
    rgb: NDArray[np.uint8] | None = None
    rgb_file: str = ""
    difference: NDArray[np.uint8] | None = None
    ssim: float | None = None
    class_names: tuple[str, ...] = ()
    source_on_sensor: NDArray[np.float32] | None = None
    source_on_translated: NDArray[np.float32] | None = None
    adapted: NDArray[np.float32] | None = None
    truth: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport:
    """Where the parts of the sample project lie.

    Attributes:
        folder: The sample's folder.
        source: Its RGB source model.
        sensors: Sensor name -> (pairs' RGB folder, pairs' sensor folder, target folder).
        seed: Of the simulation.
    """

    folder: str
    source: str
    sensors: Mapping[str, tuple[str, str, str]]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSampleReport:
    """What the video sample consists of.

    Attributes:
        folder: The sample's folder.
        table: Its CSV file with the columns file, label, split and sound.
        classes: Names of its classes.
        clips: Split -> number of clips.
        sounds: Kind of sound -> number of training clips that have it.
        seed: Of the sample.
    """

    folder: str
    table: str
    classes: tuple[str, ...]
    clips: Mapping[str, int]
    sounds: Mapping[str, int]
    seed: int


Report = (
    ModelReport
    | SceneReport
    | FolderReport
    | PairsReport
    | CheckReport
    | ThumbnailsReport
    | AdaptReport
    | CompareReport
    | TrainSourceReport
    | ClipsReport
    | ClipThumbnailsReport
    | DistillReport
    | EvaluateClipsReport
    | RetrieveReport
    | EvaluateReport
    | PredictReport
    | ExportReport
    | TranslateReport
    | PicturesReport
    | SampleReport
    | VideoSampleReport
)
