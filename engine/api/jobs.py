"""What a worker can be asked to do; every job answers with `Finished` carrying the report named here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bandbridge.engine.api.config import (
    PROPOSED,
    CompareConfig,
    Curve,
    DeviceChoice,
    DistillConfig,
    PairFolders,
    RunConfig,
    StretchRule,
    TileRule,
    TrainSourceConfig,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectModel:
    """Open a model file -> `ModelReport`. A file that is no model is a `ModelError`."""

    path: str
    class_names: str | None = None
    """Text or CSV file with one class name a line (or `index,name`), or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectScene:
    """Look at a scene without reading its pixels -> `SceneReport`."""

    path: str
    tiles: TileRule = field(default_factory=TileRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFolder:
    """Look through an image folder, or a scene cut into tiles -> `FolderReport`.

    Attributes:
        folder: The folder, or the scene.
        bands: 1-based bands; None takes those proposed, else all (of RGB images: the first three).
        profile: What is proposed, as in `RunConfig.sensor_profile`.
        side: Whether these are the RGB images of pairs or images of the sensor.
        stretch: How raw values would become 0..1.
        no_data: A raw value that means "nothing here"; None takes the one proposed, if any.
        exclude: Files to leave out.
        tiles: How scenes are cut.
    """

    folder: str
    bands: tuple[int, ...] | None = None
    profile: str = "auto"
    side: Literal["rgb", "sensor"] = "sensor"
    stretch: StretchRule = PROPOSED
    no_data: float | None = None
    exclude: tuple[str, ...] = ()
    tiles: TileRule = field(default_factory=TileRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPairs:
    """Look through two folders (or scenes) and pair them -> `PairsReport`."""

    folders: PairFolders
    rgb_bands: tuple[int, ...] | None = None
    sensor_bands: tuple[int, ...] | None = None
    profile: str = "auto"
    stretch: StretchRule = PROPOSED
    no_data: float | None = None
    exclude: tuple[str, ...] = ()
    tiles: TileRule = field(default_factory=TileRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckData:
    """Look for whatever would harm a run in pairs and target images -> `CheckReport`. Nothing is changed.

    Attributes:
        pairs: Folders or scenes of pairs, any number.
        target: Folder of target images, a scene, or None.
        rgb_bands: 1-based bands of the RGB files; None takes the first three.
        sensor_bands: 1-based bands of the sensor files; None takes those proposed, else all.
        profile: What is proposed, as in `RunConfig.sensor_profile`.
        stretch: How raw values would become 0..1.
        no_data: A raw value that means "nothing here".
        exclude: Files to leave out, relative to their folders.
        tiles: How scenes are cut.
        table: CSV file to write with every finding, or None.
        shifts: CSV files to write with the shift of every pair, one for each of the first `pairs`.
    """

    pairs: tuple[PairFolders, ...] = ()
    target: str | None = None
    rgb_bands: tuple[int, ...] | None = None
    sensor_bands: tuple[int, ...] | None = None
    profile: str = "auto"
    stretch: StretchRule = PROPOSED
    no_data: float | None = None
    exclude: tuple[str, ...] = ()
    tiles: TileRule = field(default_factory=TileRule)
    table: str | None = None
    shifts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace:
    """An image of a pair that is moved into place: it is cut to the ground it has in common with its partner.

    Attributes:
        partner: The partner's file.
        side: Which of both images this one is.
        right_px: The sensor image shows the same things so many of its own pixels further right.
        down_px: So many further down.
    """

    partner: str
    side: Literal["rgb", "sensor"]
    right_px: float
    down_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnails:
    """Small pictures -> `ThumbnailsReport`.

    Attributes:
        paths: Image files.
        in_place: For each of them, how its pair is moved into place, or None; () for none of them.
        bands: 1-based; one band is shown grey, three as colours, None lets the file decide.
        low: Raw value per band shown black; None stretches each image on its own.
        high: Raw value per band shown white.
        curve: How grey rises between both.
        size_px: Longest side.
    """

    paths: tuple[str, ...]
    in_place: tuple[InPlace | None, ...] = ()
    bands: tuple[int, ...] | None = None
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    curve: Curve = "linear"
    size_px: int = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanClips:
    """Look through a folder or a list of clips -> `ClipsReport`. What is decoded is kept for a run with the same rule.

    Attributes:
        place: The folder, or the list.
        fps: Pictures a second that are read.
        size_px: Side of the square pictures.
    """

    place: str
    fps: float = 4.0
    size_px: int = 112


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipThumbnails:
    """The first moments of clips and how loud they are -> `ClipThumbnailsReport`.

    Attributes:
        folder: What files are relative to.
        files: The clips.
        fps: Pictures a second, as in the scan.
        size_px: Side of the square pictures, as in the scan.
        most: Pictures of a clip at most.
        bars: Moments at which loudness is told.
        listen_hz: Samples a second of their sound, to be listened to; 0 leaves it out.
    """

    folder: str
    files: tuple[str, ...]
    fps: float = 4.0
    size_px: int = 112
    most: int = 16
    bars: int = 60
    listen_hz: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapt:
    """Run an adaptation -> `AdaptReport`. With `resume`, go on from the run folder's last checkpoint."""

    config: RunConfig
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Distill:
    """Teach a network for pictures by sound, or the other way -> `DistillReport`. With `resume`, go on."""

    config: DistillConfig
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieve:
    """Find the training clips most similar to others -> `RetrieveReport`.

    Attributes:
        run: Folder of a distillation.
        query: A clip, a folder or a list of clips, or the name of a clip of the run.
        count: Clips to find for each.
        device: Where to compute.
    """

    run: str
    query: str
    count: int = 10
    device: DeviceChoice = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Run several methods on the same data -> `CompareReport`.

    In a folder that holds this comparison already, what is finished stays and the rest goes on.
    """

    config: CompareConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSource:
    """Train a source model -> `TrainSourceReport`."""

    config: TrainSourceConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate:
    """Measure a model on a labelled folder -> `EvaluateReport`, or `EvaluateClipsReport` for a network for clips.

    Attributes:
        model: Model file or run folder.
        folder: Folder of class folders; of clips, or their list.
        bands: 1-based bands of the files; None takes the model's.
        class_names: List of class names as in `InspectModel`, instead of the names in the model, or None.
        device: Where to compute.
    """

    model: str
    folder: str
    bands: tuple[int, ...] | None = None
    class_names: str | None = None
    device: DeviceChoice = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """Apply a model to images or clips -> `PredictReport`.

    Attributes:
        model: Model file or run folder.
        paths: Images, scenes and folders of either; or clips, and folders and lists of them.
        bands: 1-based bands of the files; None takes the model's.
        class_names: List of class names as in `InspectModel`, instead of the names in the model, or None.
        tiles: How scenes are cut; every TIFF and ENVI file named is then one. All tiles are classified, whatever
            `most` says. None cuts large scenes alone, in the usual way.
        output: CSV file to write, or None.
        device: Where to compute.
    """

    model: str
    paths: tuple[str, ...]
    bands: tuple[int, ...] | None = None
    class_names: str | None = None
    tiles: TileRule | None = None
    output: str | None = None
    device: DeviceChoice = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Write a model file for others and check it -> `ExportReport`. `source` is a run folder or a model file."""

    source: str
    format: Literal["safetensors", "onnx"]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Translate:
    """Turn sensor images into RGB-like pictures -> `TranslateReport`.

    Attributes:
        run: Run folder with a translator, or a translator file.
        paths: Images and folders of images, of any size.
        output: Folder for the pictures; what is in it is never written over.
        bands: 1-based bands of the files; None takes the run's.
        no_data: A raw value that means "nothing here", besides NaN and what the files declare; None takes the run's.
        stretch: "run" takes the run's own, and only images of its number type; "own" measures one anew on the images
            given (for every number type one), with the run's percentiles.
        format: "auto" writes a GeoTIFF for what has a place on the map and PNG for the rest.
        tile_px: Side of the windows a large image is worked through in; a multiple of 4.
        overlap_px: Of neighbouring windows; a multiple of 4, at most half a tile.
        device: Where to compute.
    """

    run: str
    paths: tuple[str, ...]
    output: str
    bands: tuple[int, ...] | None = None
    no_data: float | None = None
    stretch: Literal["run", "own"] = "run"
    format: Literal["auto", "png", "tif"] = "auto"
    tile_px: int = 512
    overlap_px: int = 64
    device: DeviceChoice = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookCloser:
    """One image of a run as large as it is, with what its models make of it -> `PicturesReport`.

    Attributes:
        run: Run folder.
        file: A target image as `predictions.csv` names it, or a pair by its key or by its sensor file's name.
        kind: Which of both it is.
        device: Where to compute.
    """

    run: str
    file: str
    kind: Literal["target", "pair"]
    device: DeviceChoice = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSample:
    """Write the sample project -> `SampleReport`."""

    folder: str
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeVideoSample:
    """Write the video sample -> `VideoSampleReport`.

    Attributes:
        folder: Where it goes; made if need be.
        seed: Of everything random.
        clips_per_class: Training clips of each class; validation has a quarter, test half as many.
        noise: Share 0..1 of the training clips whose sound is drowned, wrong or missing, a third each.
    """

    folder: str
    seed: int = 0
    clips_per_class: int = 20
    noise: float = 0.4


Job = (
    InspectModel
    | InspectScene
    | ScanFolder
    | ScanPairs
    | CheckData
    | Thumbnails
    | ScanClips
    | ClipThumbnails
    | Adapt
    | Distill
    | Retrieve
    | Compare
    | TrainSource
    | Evaluate
    | Predict
    | Export
    | Translate
    | LookCloser
    | MakeSample
    | MakeVideoSample
)
