"""What a run is asked to do, frozen: the same configuration and seed give the same result everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

SettingValue = float | int | bool | str
AdapterKind = Literal["auto", "replicate", "first-layer", "learned"]
DeviceChoice = Literal["auto", "cpu", "cuda"]
Augment = Literal["none", "flip-shift", "overhead"]
Precision = Literal["float32", "bfloat16"]
Modality = Literal["picture", "sound"]
Task = Literal["auto", "classes", "tags"]
Curve = Literal["linear", "log"]
"""How raw values rise from 0 to 1 between the ends of a stretch: evenly, or by their logarithm."""
SURROUNDINGS = (3, 5, 7, 9, 11)
"""Sides in pixels of the surroundings a speckle filter looks at."""
StretchKind = Literal["auto", "percentile", "range", "log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchRule:
    """How raw values become 0..1: per band over the data set, no-data left out, then clipped.

    Attributes:
        low_percent: Percentile that becomes 0, in percent; not looked at in a range.
        high_percent: Percentile that becomes 1, in percent.
        kind: "percentile" measures both ends on the images; "range" takes those given, for all bands; "log" measures
            them on the values above zero, and values rise between them by their logarithm. "auto" takes what the
            sensor's profile proposes, percentiles where there is none.
        low_value: Raw value that becomes 0, of a range.
        high_value: Raw value that becomes 1, of a range.
        despeckle_px: Side of the surroundings of a speckle filter on the stretched values, 0 for none; None takes the
            profile's.
    """

    low_percent: float = 2.0
    high_percent: float = 98.0
    kind: StretchKind = "percentile"
    low_value: float | None = None
    high_value: float | None = None
    despeckle_px: int | None = None

    def or_proposed(self, proposed: StretchRule) -> StretchRule:
        """The proposed rule where nothing was chosen."""
        px = proposed.despeckle_px if self.despeckle_px is None else self.despeckle_px
        return replace(proposed if self.kind == "auto" else self, despeckle_px=px)

    def for_rgb(self) -> StretchRule:
        """The rule of RGB images beside a sensor's: its percentiles, but never its unit or its curve."""
        return replace(self, despeckle_px=None) if self.kind == "percentile" else StretchRule()

    @property
    def curve(self) -> Curve:
        """How values rise between both ends."""
        return "log" if self.kind == "log" else "linear"

    def fault(self) -> str:
        """What is wrong with it in a sentence, or "" if it is a rule."""
        if self.despeckle_px and self.despeckle_px not in SURROUNDINGS:
            return f"The surroundings of a speckle filter have {', '.join(map(str, SURROUNDINGS))} pixels."
        if self.kind == "range":
            if self.low_value is None or self.high_value is None:
                return "A fixed range needs a raw value for black and one for white."
            if not self.low_value < self.high_value < float("inf") or self.low_value == -float("inf"):
                return "The raw value for black must be below the one for white."
        elif not 0 <= self.low_percent < self.high_percent <= 100:
            return "The lower percentile must be at least 0, the upper at most 100, and the lower below the upper."
        return ""

    def in_words(self) -> str:
        """Such as "2 to 98 %" or "raw values 0 to 255"."""
        match self.kind:
            case "auto":
                words = "as proposed"
            case "range":
                words = f"raw values {self.low_value:g} to {self.high_value:g}"
            case "percentile":
                words = f"{self.low_percent:g} to {self.high_percent:g} %"
            case "log":
                words = f"{self.low_percent:g} to {self.high_percent:g} %, logarithmic"
        return f"{words}, speckle filter {self.despeckle_px} px" if self.despeckle_px else words


PROPOSED = StretchRule(kind="auto")
"""What holds while nobody has chosen a stretch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRule:
    """How scenes are cut into tiles, the images a network sees.

    Attributes:
        size_px: Side of a tile, in pixels of the sensor's scene.
        overlap_px: Of neighbouring tiles, at most half of their side.
        most_missing: A tile of which more than this share is missing is left out, 0..1.
        most: Tiles of a scene; where there are more, so many are drawn at random, always the same.
    """

    size_px: int = 128
    overlap_px: int = 0
    most_missing: float = 0.5
    most: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFolders:
    """Two folders (or twice the same) whose images show the same scenes, or two scenes of one place.

    Attributes:
        rgb: Folder of RGB images, or the file of an RGB scene.
        sensor: Folder of sensor images, or the file of a sensor's scene, whose pixels are then those of the tiles; may
            equal `rgb` when one file holds all bands.
        table: CSV file with the columns `rgb` and `sensor` (paths relative to the folders), or JSON file that maps RGB
            to sensor files; None pairs by name.
        shifts: CSV file as `shift_table` writes it: pairs to move into place, or None.
    """

    rgb: str
    sensor: str
    table: str | None = None
    shifts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One adaptation run.

    Attributes:
        sources: Source model files, one or several.
        target: Folder of unlabelled sensor images of the task, or the file of a scene. Class folders, if any, serve
            reporting only.
        run: Folder the run writes into.
        pairs: Folders of paired RGB and sensor images of any scenes.
        method: Key of a method in `catalogue.METHODS`.
        rgb_bands: 1-based bands that are red, green, blue; None takes those proposed, else the first three.
        sensor_bands: 1-based bands of the sensor; None takes those proposed, else all. A file with exactly as many
            bands as are asked for is taken whole, whatever their numbers.
        sensor_profile: What is proposed: "auto" by the profile recognised, "none" nothing, else the key of a profile.
            The configuration a run keeps has "none", for everything proposed is written out in it.
        sensor: What the sensor was taken for, in words; written by the run.
        stretch: How raw values become 0..1.
        no_data: A raw value that means "nothing here", besides NaN and what the files declare; None takes the one
            proposed, if any.
        class_names: Names of the classes in the order of the model's outputs; empty takes those in the model file.
        adapter: How the sensor's bands enter the source network.
        epochs: Passes over the target images; at least 1 for methods that train.
        batch_size: Images of each stream in a step.
        learning_rate: Of the encoder; a method may give other parts a multiple of it. None: the method's own.
        settings: Method settings that differ from the catalogue's defaults.
        exclude: Files (relative to their folder) the person left out.
        tiles: How scenes are cut.
        held_out: Share of the pairs never trained on, used to measure the modality gap, 0..0.5.
        seed: Of everything random.
        device: Where to compute.
        precision: Of the forward passes.
    """

    sources: tuple[str, ...]
    target: str
    run: str
    pairs: tuple[PairFolders, ...] = ()
    method: str = "auto"
    rgb_bands: tuple[int, ...] | None = None
    sensor_bands: tuple[int, ...] | None = None
    sensor_profile: str = "auto"
    sensor: str = ""
    stretch: StretchRule = PROPOSED
    no_data: float | None = None
    class_names: tuple[str, ...] = ()
    adapter: AdapterKind = "auto"
    epochs: int = 15
    batch_size: int = 32
    learning_rate: float | None = None
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    tiles: TileRule = field(default_factory=TileRule)
    held_out: float = 0.2
    seed: int = 0
    device: DeviceChoice = "auto"
    precision: Precision = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillConfig:
    """One distillation between picture and sound of labelled clips.

    Attributes:
        clips: Folder of clips (class folders or a list, see `engine.video.clip_list`), or the list.
        run: Folder the run writes into.
        teacher: What teaches: "sound" teaches a network for pictures, "picture" one for sound.
        method: Key of a method in `video_catalogue.VIDEO_METHODS`.
        task: "classes" gives every clip one class, "tags" any number of them; "auto" takes tags where the teacher is
            the picture or a clip has several labels.
        teacher_features: HDF5 file or folder of NPY files with a vector a clip, instead of a teacher trained here.
        fps: Pictures a second.
        size_px: Side of the square pictures.
        window: Pictures in a window; sound windows last as long.
        width: Channels of the first stage of both networks; 64 as published.
        blocks: Residual blocks a stage of the network for pictures; 1 as published.
        epochs: Passes of the student over the training clips.
        batch_size: Clips in a step.
        learning_rate: Of the student; None: the method's own.
        settings: Method settings that differ from the catalogue's defaults.
        exclude: Clips (relative to their folder) the person left out.
        seed: Of everything random.
        device: Where to compute.
        precision: Of the forward passes.
    """

    clips: str
    run: str
    teacher: Modality = "sound"
    method: str = "mnf-csc"
    task: Task = "auto"
    teacher_features: str | None = None
    fps: float = 4.0
    size_px: int = 112
    window: int = 16
    width: int = 64
    blocks: int = 1
    epochs: int = 100
    batch_size: int = 16
    learning_rate: float | None = None
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    seed: int = 0
    device: DeviceChoice = "auto"
    precision: Precision = "float32"

    @property
    def student(self) -> Modality:
        """What the student sees or hears."""
        return "picture" if self.teacher == "sound" else "sound"


AnyRunConfig = RunConfig | DistillConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareConfig:
    """Several methods on the same data with the same budget: on images, or on clips.

    Attributes:
        base: What all runs share; its method, settings, seed and run folder are not looked at.
        methods: Keys of methods, in the order of the table.
        seeds: Every method runs once with each.
        output: Folder for the tables; every run has its own folder in it.
        settings: Method key -> its settings that differ from the catalogue's defaults.
    """

    base: AnyRunConfig
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    output: str
    settings: Mapping[str, Mapping[str, SettingValue]] = field(default_factory=dict)

    @property
    def of_clips(self) -> bool:
        """Whether methods for clips are compared."""
        return isinstance(self.base, DistillConfig)

    def runs(self) -> tuple[AnyRunConfig, ...]:
        """The ordinary runs it consists of, seed by seed, so that a first answer for every method comes early.

        On clips, all of one seed have the same teacher and the same start.
        """
        return tuple(
            replace(
                self.base,
                run=f"{self.output}/runs/{method}-seed{seed}",
                method=method,
                seed=seed,
                settings=dict(self.settings.get(method, {})),
            )
            for seed in self.seeds
            for method in self.methods
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSourceConfig:
    """Training a source model from class folders of RGB images.

    Attributes:
        folder: Labelled RGB images, one folder a class.
        output: Model file to write (safetensors).
        architecture: Name in timm's catalogue; None takes that of `weights`, else resnet18.
        weights: Model file to start from, or None.
        epochs: Passes over the images.
        size_px: Side of the square input, in pixels.
        rgb_bands: 1-based bands that are red, green, blue; None takes the first three.
        classes: Class folders to use; None takes all.
        bottleneck: Width of SOCKET's bottleneck (Linear + BatchNorm before the head), 0 for none.
        batch_size: Images in a step.
        learning_rate: Peak of the one-cycle schedule.
        held_out: Share of each class kept aside to measure accuracy, 0..0.5.
        stretch: How raw values become 0..1 (8-bit images are taken as 0..255 whatever this says).
        no_data: A raw value that means "nothing here".
        augment: Random views while training: "none", "flip-shift" (mirrored, shifted) or "overhead" (also turned, right
            for satellite and aerial images).
        seed: Of everything random.
        device: Where to compute.
    """

    folder: str
    output: str
    architecture: str | None = None
    weights: str | None = None
    epochs: int = 30
    size_px: int | None = None
    rgb_bands: tuple[int, ...] | None = None
    classes: tuple[str, ...] | None = None
    bottleneck: int = 0
    batch_size: int = 32
    learning_rate: float = 2e-3
    held_out: float = 0.2
    stretch: StretchRule = field(default_factory=StretchRule)
    no_data: float | None = None
    augment: Augment = "flip-shift"
    seed: int = 0
    device: DeviceChoice = "auto"
