"""What was dropped on the window: told from names alone, so that nothing foreign is read in the window's process."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bandbridge.engine.api.clip_endings import VIDEO_ENDINGS
from bandbridge.gui.image_scans import SCENE_SUFFIXES
from bandbridge.gui.project import project_folder_of

MODEL_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".onnx", ".pth.tar", ".tar")
IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy"),
    *(".jp2", ".j2k", ".hdr", ".h5", ".hdf5", ".he5", ".nc", ".nc4"),
)
LIST_SUFFIXES = (".txt", ".csv")
CLIP_LISTS = ("clips.csv", "clips.json")

Kind = Literal["project", "model", "folder", "clips", "clip", "picture", "list", "refused"]
Role = Literal["rgb", "sensor", "both", "target", "several"]

_RGB_WORDS = {"rgb", "visible", "vis", "colour", "color", "optical", "s2"}
_SENSOR_WORDS = {
    *("nir", "swir", "ir", "infrared", "thermal", "tir", "lwir", "depth", "sar", "radar", "s1", "vv", "vh", "sensor"),
    *("ms", "multispectral", "elevation", "dsm", "lidar"),
}
_TARGET_WORDS = {"target", "targets", "task", "unlabelled", "unlabeled", "test"}
_LABEL_WORDS = {"labelled", "labeled", "train", "training"}
_PAIR_WORDS = {"pairs", "paired", "pair"}
_MOST_ENTRIES = 400
_LEAST_SCENE_BYTES = 4 << 20
_MOST_SCENES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderGuess:
    """What a dropped folder or scene probably holds.

    Attributes:
        folder: The folder, or the file of the scene.
        role: Our guess.
        rgb: Folder of the pairs' RGB images, for "several", or "".
        sensor: Folder of the pairs' sensor images, for "several", or "".
        target: Folder of the target images, for "several", or "".
        inside: Folders inside (or scenes, where these were dropped) that may be chosen instead, relative to `folder`.
    """

    folder: Path
    role: Role
    rgb: str = ""
    sensor: str = ""
    target: str = ""
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """One thing that was dropped, and what it is."""

    path: Path
    kind: Kind


def recognise(path: Path) -> Dropped:
    """Tell what a dropped path is, by its name."""
    name = path.name.lower()
    if project_folder_of(path) is not None:
        return Dropped(path=path, kind="project")
    if path.is_dir():
        return Dropped(path=path, kind="clips" if _holds_clips(path) else "folder")
    kind: Kind = "refused"
    if path.is_file():
        if name in CLIP_LISTS or (name.endswith((".csv", ".json")) and _names_clips(path)):
            return Dropped(path=path, kind="clips")
        if name.endswith(VIDEO_ENDINGS):
            return Dropped(path=path, kind="clip")
        if name.endswith(MODEL_SUFFIXES):
            kind = "model"
        elif name.endswith(IMAGE_SUFFIXES):
            kind = "picture"
        elif name.endswith(LIST_SUFFIXES):
            kind = "list"
    return Dropped(path=path, kind=kind)


def is_scene_file(path: Path) -> bool:
    """Whether a file may be a scene, by its name."""
    return path.name.lower().endswith(SCENE_SUFFIXES) and path.is_file()


def is_large_scene(path: Path) -> bool:
    """Whether a file is larger than a single picture would be."""
    try:
        return is_scene_file(path) and path.stat().st_size >= _LEAST_SCENE_BYTES
    except OSError:
        return False


def why_refused(path: Path) -> str:
    """Sentences for something that is of no use here."""
    if not path.exists():
        return f"'{path.name}' is not there any more."
    return (
        f"'{path.name}' is neither a model file, a folder of images or videos nor a project. "
        f"Model files end in {', '.join(MODEL_SUFFIXES[:6])}."
    )


def guess(folder: Path, *, has_rgb: bool, has_sensor: bool, only: Sequence[str] = ()) -> FolderGuess:
    """What a folder probably holds, from its name, the folders in it, and what the project has already.

    Args:
        folder: The folder.
        has_rgb: Whether the project has a folder of the pairs' RGB images.
        has_sensor: Whether it has one of their sensor images.
        only: Folders (or scenes) inside that were dropped together, relative to `folder`; then nothing else is
            considered.
    """
    only = only or _scenes_in(folder)
    inside, with_images = (tuple(only), set(only)) if only else _look_inside(folder)
    sensor = _first(inside, with_images, _SENSOR_WORDS, _TARGET_WORDS | _LABEL_WORDS)
    # Both sides of pairs lie side by side; only if they do not, RGB images from anywhere will do.
    beside = [name for name in inside if name.rpartition("/")[0] == sensor.rpartition("/")[0]]
    unwanted = _TARGET_WORDS | _LABEL_WORDS
    rgb = _first(beside, with_images, _RGB_WORDS, unwanted) or _first(inside, with_images, _RGB_WORDS, unwanted)
    target = _first(inside, with_images, _TARGET_WORDS, _PAIR_WORDS)
    if f"{target}/{Path(sensor).name}" in inside:
        target = f"{target}/{Path(sensor).name}"  # one folder of target images a sensor
    if only or (rgb and sensor) or (target and (rgb or sensor)):
        return FolderGuess(folder=folder, role="several", rgb=rgb, sensor=sensor, target=target, inside=inside)
    words = _words(folder.name)
    role: Role
    if words & _TARGET_WORDS:
        role = "target"
    elif words & _RGB_WORDS:
        role = "rgb"
    elif words & _SENSOR_WORDS:
        role = "target" if has_sensor else "sensor"
    elif has_rgb and not has_sensor:
        role = "sensor"
    else:
        role = "target"
    return FolderGuess(folder=folder, role=role, inside=inside)


def _scenes_in(folder: Path) -> tuple[str, ...]:
    """The scenes that a folder holds, if these few large files are all there is in it; else ()."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, 2 * _MOST_SCENES + 1)]
    except OSError:
        return ()
    images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    is_all = 2 <= len(images) <= _MOST_SCENES and len(names) <= 2 * _MOST_SCENES
    has_folders = any((folder / name).is_dir() for name in names)
    return (
        tuple(sorted(images)) if is_all and not has_folders and all(is_large_scene(folder / n) for n in images) else ()
    )


def is_pair_table(file: Path) -> bool:
    """Whether a list pairs images: its first line names the columns rgb and sensor."""
    return {"rgb", "sensor"} <= _columns(file)


def _names_clips(file: Path) -> bool:
    """Whether a list names clips: its first line, or its first entry, has file and label."""
    return "file" in (columns := _columns(file)) and not columns.isdisjoint(("label", "labels"))


def _columns(file: Path) -> set[str]:
    """Words at the beginning of a list: the columns of a table, the names in the first entry of JSON."""
    try:
        with file.open("rb") as stream:
            text = stream.read(400).decode("utf-8-sig", "replace").lower()
    except OSError:
        return set()
    head = text if text.lstrip().startswith("[") else text.partition("\n")[0]
    return {word.strip(" \"'\r\n") for word in re.split("[,;:\t{\\[]", head)}


def _holds_clips(folder: Path) -> bool:
    """Whether a folder is one of clips: it has their list, or videos and no images; a bounded look at names only."""
    if any((folder / name).is_file() for name in CLIP_LISTS):
        return True
    videos = 0
    looked = 0
    waiting = [(folder, 0)]
    while waiting and looked <= _MOST_ENTRIES:
        path, depth = waiting.pop(0)
        try:
            with os.scandir(path) as entries:
                for entry in itertools.islice(entries, _MOST_ENTRIES):
                    looked += 1
                    name = entry.name.lower()
                    if entry.is_dir() and depth < 2 and not name.startswith("."):
                        waiting.append((Path(entry.path), depth + 1))
                    elif name.endswith(IMAGE_SUFFIXES):
                        return False
                    else:
                        videos += name.endswith(VIDEO_ENDINGS)
        except OSError:
            continue
    return videos > 0


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+\d?|\d+", name.lower())) | set(re.findall(r"[a-z]+", name.lower()))


def _first(inside: Sequence[str], with_images: set[str], wanted: set[str], unwanted: set[str]) -> str:
    """The best folder that has a wanted word in its own name, else in its path: close to the top, with images."""
    found = [name for name in inside if _words(name) & wanted and not _words(name) & unwanted]

    def rank(name: str) -> tuple[bool, int, bool, str]:
        return not _words(name.rpartition("/")[2]) & wanted, name.count("/"), name not in with_images, name

    return min(found, key=rank, default="")


def _look_inside(folder: Path) -> tuple[tuple[str, ...], set[str]]:
    """Folders one and two levels down, and which of them hold images directly; a bounded look at names only."""
    inside: list[str] = []
    with_images: set[str] = set()
    looked = 0
    levels = [("", folder)]
    for depth in range(3):
        next_level: list[tuple[str, Path]] = []
        for name, path in levels:
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        looked += 1
                        if looked > _MOST_ENTRIES * (depth + 1):
                            break
                        if entry.name.startswith("."):
                            continue
                        relative = f"{name}/{entry.name}" if name else entry.name
                        if entry.is_dir() and depth < 2:
                            inside.append(relative)
                            next_level.append((relative, Path(entry.path)))
                        elif entry.name.lower().endswith(IMAGE_SUFFIXES):
                            with_images.add(name)
            except OSError:
                continue
        levels = next_level
    return tuple(sorted(inside)), with_images
