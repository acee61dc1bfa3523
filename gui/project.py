"""A project: what the person has chosen so far, saved by itself into `project.bandbridge.json`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from bandbridge.engine.api.catalogue import DEFAULT_METHOD, METHODS, MethodInfo
from bandbridge.engine.api.config import (
    PROPOSED,
    AdapterKind,
    AnyRunConfig,
    CompareConfig,
    DeviceChoice,
    DistillConfig,
    PairFolders,
    RunConfig,
    SettingValue,
    StretchKind,
    StretchRule,
    TileRule,
)
from bandbridge.engine.api.errors import StorageError, UsageError
from bandbridge.engine.api.sensor_profiles import AUTO, NO_PROFILE, sensor_profiles
from bandbridge.engine.api.storage import write_text
from bandbridge.engine.api.video_catalogue import DEFAULT_VIDEO_METHOD, VIDEO_METHODS, has_teacher
from bandbridge.gui.video_choices import VideoChoices, video_choices_from
from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal

PROJECT_FILE = "project.bandbridge.json"
"""Name of the file inside a project's folder."""
THUMBNAIL_FILE = ".thumbnail.png"
"""Inside a project's folder: the picture it shows among the recent projects."""
FORMAT_VERSION = 2
"""Of projects for video; those for images are still written as version 1, which earlier programs read as well."""

ProjectKind = Literal["images", "video"]

Effort = Literal["quick", "standard", "thorough", "own"]
EFFORT_EPOCHS: Mapping[str, int] = {"quick": 5, "standard": 15, "thorough": 40}
"""Effort -> passes over the target images; "own" stands for any other number."""

_USUAL = {"low_percent": 2.0, "high_percent": 98.0}

RunOutcome = Literal["running", "completed", "kept", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One run of a project.

    Attributes:
        folder: The run folder.
        method: Key of the method.
        seed: Of the run.
        started: Local time, ISO 8601, to the second.
        outcome: How it ended, or "running".
    """

    folder: str
    method: str
    seed: int
    started: str
    outcome: RunOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonEntry:
    """One comparison of methods in a project; its runs are among the project's runs as well.

    Attributes:
        folder: The comparison's folder.
        started: Local time, ISO 8601, to the second.
        outcome: How it ended, or "running".
    """

    folder: str
    started: str
    outcome: RunOutcome

    def holds(self, run: RunEntry) -> bool:
        """Whether a run is one of this comparison."""
        return Path(run.folder).is_relative_to(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Everything a person chooses; frozen, so that undo is a list of these.

    Paths are absolute here; in the file they are relative to the project's folder where they lie inside it.

    Attributes:
        name: Shown in the title bar.
        kind: Whether it is about images of a sensor, or about clips with sound.
        sources: Source model files.
        class_names: The classes' names in the order of the model's outputs; empty takes the names in the model file.
        pairs: Folders of paired images; one side may still be "".
        target: Folder of target images, or "".
        rgb_bands: 1-based bands that are red, green, blue; None takes those proposed, else the first three.
        sensor_bands: 1-based bands of the sensor; None takes those proposed, else all.
        sensor_profile: What is proposed: "auto" by the profile recognised, "none" nothing, else a profile's key.
        stretch: How raw values become 0..1.
        no_data: A raw value that means "nothing here"; None takes the one proposed, if any.
        exclude: Files (relative to their folder) left out.
        tiles: How scenes are cut.
        method: Key of the method.
        settings: Method key -> its settings that differ from the catalogue's defaults.
        effort: Quick, standard, thorough, or the person's own number of epochs.
        epochs: Passes over the target images.
        batch_size: Images of each stream in a step.
        learning_rate: Of the encoder; None takes the method's own.
        adapter: How the sensor's bands enter the source network.
        seed: Of everything random.
        device: Where to compute.
        comparing: Whether the next run is a comparison of methods.
        compared: Keys of the methods to compare.
        seeds: How many seeds each of them gets, from `seed` upwards.
        runs: Runs so far, oldest first.
        comparisons: Comparisons so far, oldest first.
        video: What is chosen in a project for video; it also has a seed, a device, runs and comparisons.
    """

    name: str = "Untitled"
    kind: ProjectKind = "images"
    sources: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    pairs: tuple[PairFolders, ...] = ()
    target: str = ""
    rgb_bands: tuple[int, ...] | None = None
    sensor_bands: tuple[int, ...] | None = None
    sensor_profile: str = AUTO
    stretch: StretchRule = PROPOSED
    no_data: float | None = None
    exclude: tuple[str, ...] = ()
    tiles: TileRule = field(default_factory=TileRule)
    method: str = DEFAULT_METHOD
    settings: Mapping[str, Mapping[str, SettingValue]] = field(default_factory=dict)
    effort: Effort = "standard"
    epochs: int = EFFORT_EPOCHS["standard"]
    batch_size: int = 32
    learning_rate: float | None = None
    adapter: AdapterKind = "auto"
    seed: int = 0
    device: DeviceChoice = "auto"
    comparing: bool = False
    compared: tuple[str, ...] = ()
    seeds: int = 3
    runs: tuple[RunEntry, ...] = ()
    comparisons: tuple[ComparisonEntry, ...] = ()
    video: VideoChoices = field(default_factory=VideoChoices)

    def latest_comparison(self) -> ComparisonEntry | None:
        """The last comparison, if no other run was started after it."""
        if not self.comparisons:
            return None
        last = self.comparisons[-1]
        others = (run for run in self.runs if not last.holds(run))
        return last if all(run.started <= last.started for run in others) else None

    def methods(self) -> tuple[MethodInfo, ...]:
        """All methods for projects of this kind, in the catalogue's order."""
        return VIDEO_METHODS if self.kind == "video" else METHODS

    def fitting(self) -> tuple[MethodInfo, ...]:
        """The methods chosen to be compared that can work with what there is, in the catalogue's order."""
        return tuple(info for info in self.methods() if info.key in self.compared and not obstacle(info, self))

    def to_compare_config(self, output: str) -> CompareConfig:
        """The frozen configuration of a comparison with these choices.

        Args:
            output: Folder the comparison writes into.
        """
        methods = tuple(info.key for info in self.fitting())
        base: AnyRunConfig
        if self.kind == "video":
            base, method, chosen = self.to_distill_config(""), DEFAULT_VIDEO_METHOD, self.video.settings
        else:
            base, method, chosen = self.to_run_config(""), DEFAULT_METHOD, self.settings
        return CompareConfig(
            base=replace(base, method=method, settings={}, seed=0),
            methods=methods,
            seeds=tuple(range(self.seed, self.seed + self.seeds)),
            output=output,
            settings={key: dict(values) for key, values in chosen.items() if key in methods},
        )

    def whole_pairs(self) -> tuple[PairFolders, ...]:
        """The pair folders of which both sides are chosen."""
        return tuple(pair for pair in self.pairs if pair.rgb and pair.sensor)

    def to_distill_config(self, run: str) -> DistillConfig:
        """The frozen configuration of a run on clips with these choices.

        Args:
            run: Folder the run writes into.
        """
        return self.video.to_config(run, seed=self.seed, device=self.device)

    def to_run_config(self, run: str) -> RunConfig:
        """The frozen configuration of a run with these choices.

        Args:
            run: Folder the run writes into.
        """
        return RunConfig(
            sources=self.sources,
            target=self.target,
            run=run,
            pairs=self.whole_pairs(),
            method=self.method,
            rgb_bands=self.rgb_bands,
            sensor_bands=self.sensor_bands,
            sensor_profile=self.sensor_profile,
            stretch=self.stretch,
            no_data=self.no_data,
            class_names=self.class_names,
            adapter=self.adapter,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            settings=dict(self.settings.get(self.method, {})),
            exclude=self.exclude,
            tiles=self.tiles,
            seed=self.seed,
            device=self.device,
        )


def obstacle(info: MethodInfo, project: Project) -> str:
    """Why a method cannot be used with a project as it is, or ""."""
    if project.kind == "video":
        useless = bool(project.video.teacher_features) and not has_teacher(info)
        return "Has no teacher, so it can make nothing of the teacher's features (Advanced)." if useless else ""
    if info.needs_pairs and not any(pair.rgb and pair.sensor for pair in project.pairs):
        return "Needs pairs: choose folders with RGB and sensor images of the same scenes on page 2."
    if len(project.sources) > 1 and not info.several_sources:
        return f"Works with one source model; the project has {len(project.sources)}."
    return ""


def bridge_epochs(info: MethodInfo, project: Project) -> int:
    """Epochs of the translator with the project's settings, 0 for a method without one."""
    chosen = project.settings.get(info.key, {})
    default = next((setting.default for setting in info.settings if setting.key == "bridge_epochs"), 0)
    return int(chosen.get("bridge_epochs", default))


def project_as_json(project: Project, folder: Path) -> str:
    """The project file's text, with paths inside the project's folder made relative."""

    def stored(path: str) -> str:
        inside = path and Path(path).is_absolute() and Path(path).is_relative_to(folder)
        return Path(path).relative_to(folder).as_posix() if inside else path

    data = asdict(project)
    if project.kind == "images":
        del data["kind"], data["video"]
    else:
        for key in ("clips", "teacher_features"):
            data["video"][key] = stored(data["video"][key])
    data["sources"] = [stored(path) for path in project.sources]
    data["target"] = stored(project.target)
    for entry in data["pairs"]:
        entry.update({key: stored(path) for key, path in entry.items() if path})
    for entry in (*data["runs"], *data["comparisons"]):
        entry["folder"] = stored(entry["folder"])
    return (
        json.dumps({"format": "bandbridge project", "version": 1 if project.kind == "images" else 2} | data, indent=2)
        + "\n"
    )


def project_from_json(text: str, folder: Path) -> Project:
    """Read a project file's text.

    Raises:
        UsageError: It is no project file, or one of a later version of the program.
    """
    not_one = UsageError(
        f"The project file '{folder / PROJECT_FILE}' is damaged, or was not made by Bandbridge.",
        "Its contents cannot be read as a project's.",
        "Put a copy of the file back if there is one, or start a new project. "
        f"What else lies in '{folder.name}', such as its runs, was not touched.",
    )
    try:
        data = json.loads(text)
    except ValueError as error:
        raise not_one from error
    if not isinstance(data, dict) or data.get("format") != "bandbridge project":
        raise not_one
    if not isinstance(data.get("version"), int) or data["version"] > FORMAT_VERSION:
        raise UsageError(
            f"The project '{folder.name}' was saved by a later version of Bandbridge.",
            "This version does not know everything in it.",
            "Open it with that version or a newer one.",
        )

    def found(path: str) -> str:
        return str(folder / path) if path and not Path(path).is_absolute() else path

    try:
        given = {f.name: data[f.name] for f in fields(Project) if f.name in data}
        given["sources"] = tuple(found(str(path)) for path in given.get("sources", ()))
        given["class_names"] = tuple(map(str, given.get("class_names", ())))
        given["target"] = found(str(given.get("target", "")))
        given["exclude"] = tuple(map(str, given.get("exclude", ())))
        given["tiles"] = TileRule(**given.get("tiles", {}))
        # Before there were proposals, a project that kept the usual percentiles had chosen none.
        chosen = given.get("stretch", {})
        given["stretch"] = PROPOSED if chosen in ({}, _USUAL) else StretchRule(**chosen)
        if given.get("sensor_profile", AUTO) not in (AUTO, NO_PROFILE, *(one.key for one in sensor_profiles())):
            given["sensor_profile"] = AUTO
        for key in ("rgb_bands", "sensor_bands"):
            given[key] = tuple(map(int, given[key])) if given.get(key) else None
        given["pairs"] = tuple(
            PairFolders(**{key: found(path) if path else path for key, path in p.items()})
            for p in given.get("pairs", ())
        )
        given["runs"] = tuple(RunEntry(**(r | {"folder": found(r["folder"])})) for r in given.get("runs", ()))
        given["comparisons"] = tuple(
            ComparisonEntry(**(c | {"folder": found(c["folder"])})) for c in given.get("comparisons", ())
        )
        given["compared"] = tuple(map(str, given.get("compared", ())))
        video = video_choices_from(given.get("video", {}))
        given["video"] = replace(video, clips=found(video.clips), teacher_features=found(video.teacher_features))
        if given.get("effort") not in get_args(Effort):
            given.pop("effort", None)
        project = Project(**given)
    except (TypeError, ValueError, KeyError) as error:
        raise not_one from error
    if not _is_sound(project):
        raise not_one
    return project


def _is_sound(project: Project) -> bool:
    """Whether the pages can show it: everything of its kind, and every choice one there is."""

    def number(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    return (
        isinstance(project.name, str)
        and project.kind in get_args(ProjectKind)
        and project.video.is_sound()
        and project.method in {info.key for info in METHODS}
        and project.adapter in get_args(AdapterKind)
        and project.device in get_args(DeviceChoice)
        and all(isinstance(value, int) for value in (project.epochs, project.batch_size, project.seed))
        and all(value is None or number(value) for value in (project.learning_rate, project.no_data))
        and project.stretch.kind in get_args(StretchKind)
        and all(number(value) for value in (project.stretch.low_percent, project.stretch.high_percent))
        and all(map(number, astuple(project.tiles)))
        and all(value is None or number(value) for value in (project.stretch.low_value, project.stretch.high_value))
        and not project.stretch.fault()
        and isinstance(project.settings, dict)
        and all(isinstance(settings, dict) for settings in project.settings.values())
        and all(run.outcome in get_args(RunOutcome) for run in project.runs)
        and all(comparison.outcome in get_args(RunOutcome) for comparison in project.comparisons)
        and isinstance(project.comparing, bool)
        and isinstance(project.seeds, int)
        and project.seeds >= 1
    )


def project_folder_of(path: Path) -> Path | None:
    """The project folder meant by a path: such a folder, or the file inside it; None if it is neither."""
    if path.name == PROJECT_FILE and path.is_file():
        return path.parent
    return path if (path / PROJECT_FILE).is_file() else None


class _Saving(QRunnable):
    """Writes one state of the project; runs on the model's own thread because a busy disk can take its time."""

    def __init__(self, file: Path, text: str, written: Callable[[], None], failed: Any) -> None:
        super().__init__()
        self._file = file
        self._text = text
        self._written = written
        self._failed = failed

    def run(self) -> None:
        try:
            write_text(self._file, self._text)
        except StorageError as error:
            self._failed.emit(error)
        else:
            self._written()


class ProjectModel(QObject):
    """The open project: changes go through here, are undone here, and are saved from here.

    Args:
        project: Its present state.
        folder: Its folder; created when first saved.
        parent: Qt parent.

    Signals:
        changed: Something in `project` is different now.
        saved: The file holds the changes now.
        save_failed: A `StorageError`, in words; saving is tried again by itself.
    """

    changed = Signal()
    saved = Signal()
    save_failed = Signal(object)
    _write_failed = Signal(object)

    _SAVE_DELAY_MS = 400
    _RETRY_MS = 10_000
    _UNDO_DEPTH = 200
    _MERGE_S = 1.0
    # What a person does not set by hand is not undone by hand.
    _NOT_UNDONE = ("runs", "comparisons", "name")

    def __init__(self, project: Project, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._folder = Path(folder)
        self._on_disk: Project | None = None
        self._undo: list[Project] = []
        self._redo: list[Project] = []
        self._last_change: tuple[frozenset[str], float] = (frozenset(), 0.0)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._save_now)
        self._failure_told = False
        self._closed = False
        self._write_failed.connect(self._try_later)

    @classmethod
    def open(cls, path: Path, parent: QObject | None = None) -> ProjectModel:
        """Open a project by its folder or its file.

        Raises:
            UsageError: There is no project, or it cannot be read.
        """
        folder = project_folder_of(Path(path))
        if folder is None:
            raise UsageError(
                f"There is no Bandbridge project in '{path}'.",
                f"A project's folder holds a file named {PROJECT_FILE}.",
                "Choose another folder, or start a new project there.",
            )
        try:
            text = (folder / PROJECT_FILE).read_text(encoding="utf-8", errors="replace")  # told as damaged below
        except OSError as error:
            why = f"The system says: {error.strerror or error}."
            raise UsageError(f"The project '{folder}' cannot be read.", why, "Check the file.") from error
        model = cls(project_from_json(text, folder.resolve()), folder.resolve(), parent)
        model._on_disk = model.project
        return model

    @property
    def project(self) -> Project:
        """The present state."""
        return self._project

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._folder

    @property
    def file(self) -> Path:
        """The project's file."""
        return self._folder / PROJECT_FILE

    @property
    def unsaved(self) -> bool:
        """Whether something would be lost if the program ended now."""
        self._pool.waitForDone()
        return self._on_disk is not self._project

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._redo)

    def update(self, **changes: Any) -> None:
        """Change fields of the project. Quick changes of the same field become one step of undo."""
        self._change(replace(self._project, **changes), frozenset(changes))

    def update_video(self, **changes: Any) -> None:
        """Change fields of what is chosen for video."""
        video = replace(self._project.video, **changes)
        self._change(replace(self._project, video=video), frozenset(f"video.{name}" for name in changes))

    def _change(self, new: Project, names: frozenset[str]) -> None:
        if new == self._project:
            return
        if not names <= set(self._NOT_UNDONE):
            now_s = time.monotonic()
            last_names, last_s = self._last_change
            if not (self._undo and names == last_names and now_s - last_s < self._MERGE_S):
                self._undo.append(self._project)
                del self._undo[: -self._UNDO_DEPTH]
            self._last_change = (names, now_s)
            self._redo.clear()
        self._become(new)

    def undo(self) -> None:
        """Go back one change."""
        if self._undo:
            self._redo.append(self._project)
            self._step_to(self._undo.pop())

    def redo(self) -> None:
        """Take an undone change up again."""
        if self._redo:
            self._undo.append(self._project)
            self._step_to(self._redo.pop())

    def _step_to(self, past: Project) -> None:
        self._last_change = (frozenset(), 0.0)
        self._become(replace(past, **{name: getattr(self._project, name) for name in self._NOT_UNDONE}))

    def _become(self, project: Project) -> None:
        self._project = project
        self._failure_told = False
        self._timer.start(self._SAVE_DELAY_MS)
        self.changed.emit()

    def new_run_folder(self) -> str:
        """A folder for a new run, not there yet: `runs/<date>_<time>_<method>` in the project's folder."""
        project = self._project
        method = project.video.method if project.kind == "video" else project.method
        what = "comparison" if project.comparing else method
        stem = f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{what}"
        folder = self._folder / "runs" / stem
        number = 2
        while folder.exists():
            folder = self._folder / "runs" / f"{stem}_{number}"
            number += 1
        return str(folder)

    def save(self) -> None:
        """Save now, and wait until it is on the disk.

        Raises:
            StorageError: It cannot be written.
        """
        self._timer.stop()
        self._pool.waitForDone()
        try:
            write_text(self.file, project_as_json(self._project, self._folder))
        except StorageError:
            if self._on_disk is not None:  # it was there once, so it may come back
                self._timer.start(self._RETRY_MS)
            raise
        self._on_disk = self._project
        self.saved.emit()

    def save_as(self, folder: Path) -> None:
        """Go on in another folder; what was used stays where it is.

        Raises:
            StorageError: It cannot be written.
        """
        text = project_as_json(replace(self._project, name=folder.name), folder)
        write_text(folder / PROJECT_FILE, text)
        self._folder = folder
        self.saved.emit()
        self.update(name=folder.name)

    def close(self) -> None:
        """Save what is not saved yet and stop. What `unsaved` tells of afterwards is lost."""
        self._closed = True
        if self._timer.isActive():
            self._timer.stop()
            self._save_now()
        self._pool.waitForDone()

    def _save_now(self) -> None:
        project = self._project

        def written() -> None:
            self._on_disk = project
            self.saved.emit()

        self._pool.start(_Saving(self.file, project_as_json(project, self._folder), written, self._write_failed))

    def _try_later(self, error: StorageError) -> None:
        """Tell it once for every change, and go on trying: the disk may come back or be made room on."""
        if not self._closed:
            self._timer.start(self._RETRY_MS)
        if not self._failure_told:
            self._failure_told = True
            self.save_failed.emit(error)
