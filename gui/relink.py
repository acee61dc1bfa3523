"""Finding again what a project names, after folders were moved or a disk has another name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bandbridge.engine.api.run_files import RUN_FILE
from bandbridge.engine.api.storage import write_text
from bandbridge.gui.image_scans import SCENE_SUFFIXES
from bandbridge.gui.project import Project
from bandbridge.gui.quantities import counted
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

_LOST = {
    "model": "The source model is not where it was",
    "target": "The target images are not where they were",
    "rgb": "The pairs' RGB images are not where they were",
    "sensor": "The pairs' sensor images are not where they were",
    "table": "The list of pairs is not where it was",
    "clips": "The clips are not where they were",
    "features": "The teacher's features are not where they were",
    "run": "The folder of a run is not where it was",
}
# What names files in a run's configuration.
_PATHS = ("sources", "target", "pairs", "clips", "teacher_features")


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder that a project names.

    Attributes:
        path: Where it should be.
        is_lost: What to say if it is not there, e.g. "The target images are not where they were".
        is_file: Whether it is a file.
    """

    path: str
    is_lost: str
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A folder (or file) that is somewhere else now, and everything in it with it."""

    old: Path
    new: Path

    @classmethod
    def of(cls, lost: Path, chosen: Path) -> Move:
        """What was moved, if this is where a place is now: the highest folders that may have been."""
        old, new = lost, chosen
        while old.name == new.name and old.parent != old and new.parent != new:
            old, new = old.parent, new.parent
        return cls(old, new)

    def found(self, path: str) -> str:
        """Where a path is now: the new place if only that is there, else where it was."""
        if not path or not Path(path).is_relative_to(self.old) or os.path.exists(path):
            return path
        now = self.new / Path(path).relative_to(self.old)
        return str(now) if os.path.exists(now) else path


def places_of(project: Project) -> tuple[Place, ...]:
    """Everything a project names on the disk, each once."""

    def named() -> Iterator[Place]:
        for path in project.sources:
            yield Place(path, _LOST["model"], is_file=True)
        yield _images(project.target, _LOST["target"])
        for pair in project.pairs:
            yield _images(pair.rgb, _LOST["rgb"])
            yield _images(pair.sensor, _LOST["sensor"])
            yield Place(pair.table or "", _LOST["table"], is_file=True)
        yield _file_or_folder(project.video.clips, _LOST["clips"])
        yield _file_or_folder(project.video.teacher_features, _LOST["features"])
        for run in project.runs:
            if run.outcome in ("completed", "kept"):  # others may have ended before they wrote anything
                yield Place(run.folder, _LOST["run"])

    return tuple({place.path: place for place in named() if place.path}.values())


def _images(path: str, is_lost: str) -> Place:
    return Place(path, is_lost, is_file=Path(path).suffix.lower() in SCENE_SUFFIXES)


def _file_or_folder(path: str, is_lost: str) -> Place:
    """Of clips or features; what has an ending is a file."""
    return Place(path, is_lost, is_file=bool(Path(path).suffix))


def lost_in_words(lost: tuple[Place, ...]) -> str:
    """What to say of places that are not there, at least one."""
    others = counted(len(lost) - 1, "other thing")
    more = f" {others} of the project {'is' if len(lost) == 2 else 'are'} missing too." if len(lost) > 1 else ""
    return f"{lost[0].is_lost}: '{lost[0].path}'.{more} Was it moved, or is a disk not connected?"


def found_in_words(count_found: int, move: Move) -> str:
    """What to say when places were found."""
    leads = "leads" if count_found == 1 else "lead"
    return f"Found again: {counted(count_found, 'path')} of the project now {leads} to '{move.new}'."


def relinked(project: Project, move: Move) -> tuple[Project, int]:
    """A project with everything that is in a new place now, and how many of its paths that are."""
    found: dict[str, str] = {}

    def now(path: str) -> str:
        if path not in found:
            found[path] = move.found(path)
        return found[path]

    moved = replace(
        project,
        sources=tuple(map(now, project.sources)),
        target=now(project.target),
        pairs=tuple(
            replace(pair, **{key: now(path) if path else path for key, path in asdict(pair).items()})
            for pair in project.pairs
        ),
        runs=tuple(replace(run, folder=now(run.folder)) for run in project.runs),
        comparisons=tuple(replace(one, folder=now(one.folder)) for one in project.comparisons),
        video=replace(
            project.video, clips=now(project.video.clips), teacher_features=now(project.video.teacher_features)
        ),
    )
    return moved, sum(old != new for old, new in found.items())


def relink_run(folder: Path, move: Move) -> bool:
    """Let a run's record name its images and models where they are now.

    Returns:
        Whether anything in it was in a new place.

    Raises:
        StorageError: It cannot be written.
    """
    file = folder / RUN_FILE
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # told where the run is opened
    config = facts.get("config") if isinstance(facts, dict) else None
    if not isinstance(config, dict):
        return False
    moved = config | {key: _relinked(config[key], move) for key in _PATHS if key in config}
    if moved == config:
        return False
    write_text(file, json.dumps(facts | {"config": moved}, indent=2, ensure_ascii=False) + "\n")
    return True


def _relinked(value: Any, move: Move) -> Any:
    if isinstance(value, str):
        return move.found(value)
    if isinstance(value, list):
        return [_relinked(one, move) for one in value]
    if isinstance(value, Mapping):
        return {key: _relinked(one, move) for key, one in value.items()}
    return value


class PlaceCheck(QObject):
    """Looks whether places are there, beside the window's thread: a drive that is gone may take its time to answer.

    Args:
        places: What to look for.
        parent: Qt parent.

    Signals:
        done: (places, those of them that are not there), tuples of `Place`.
    """

    done = Signal(object, object)

    def __init__(self, places: tuple[Place, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._places = places

    def start(self) -> None:
        """Begin to look."""
        QThreadPool.globalInstance().start(_Look(self._places, self.done))


class _Look(QRunnable):
    def __init__(self, places: tuple[Place, ...], done: Any) -> None:
        super().__init__()
        self._places, self._done = places, done

    def run(self) -> None:
        lost = tuple(place for place in self._places if not os.path.exists(place.path))
        try:
            self._done.emit(self._places, lost)
        except RuntimeError:  # the window has gone meanwhile
            return
