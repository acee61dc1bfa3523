"""A teacher's features made elsewhere, one vector a clip of any width.

features.h5      a dataset a clip, named like the clip (with or without its ending), (D,) or (moments, D);
or the datasets `files` (N,) and `features` (N, D)
folder           a NPY file a clip, named like the clip: walking/3.npy for walking/3.mp4
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.video.clip_list import some
from numpy.typing import NDArray

_LARGEST, _SMALLEST = 1e12, 1e-9
"""Features are divided by their root mean square, in single precision."""
_ALIKE = 1e-6
"""Difference, as a share of the value, below which numbers are the same."""


def read_teacher_features(place: Path, names: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The features of clips.

    Args:
        place: HDF5 file, or folder of NPY files.
        names: Of N clips.

    Returns:
        (N, D) and which of them have any (N,); several moments of a clip are averaged.

    Raises:
        UsageError: The file cannot be read, holds nothing of these clips, vectors of different widths, or numbers that
            cannot teach: none, all alike, not finite, far too large or too small.
    """
    try:
        with np.errstate(over="ignore"):  # what no single precision can hold becomes infinite, and is refused
            if place.is_dir():
                found = [_from_npy(place, name) for name in names]
            else:
                with h5py.File(place, "r") as file:
                    found = _from_hdf5(file, names)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _wrong(place, f"they cannot be read: {error}") from error
    known = [vector for vector in found if vector is not None]
    if not known:
        raise _wrong(place, f"none of them is named like a clip, e.g. '{names[0]}'")
    widths = sorted({len(vector) for vector in known})
    if len(widths) > 1:
        raise _wrong(place, f"they differ in width: {widths[0]} and {widths[-1]}")
    useless = _useless(np.stack(known))
    if useless:
        raise _wrong(place, useless)
    table = np.zeros((len(names), widths[0]), np.float32)
    for row, vector in enumerate(found):
        if vector is not None:
            table[row] = vector
    return table, np.array([vector is not None for vector in found])


def _useless(vectors: NDArray[np.float32]) -> str:
    """Why (n, D) vectors cannot teach, "" if they can."""
    if vectors.shape[1] == 0:
        return "they are vectors of no numbers"
    if not np.isfinite(vectors).all():
        return "some of their numbers are infinite or missing"
    size = np.abs(vectors).max(axis=0)  # (D,)
    if size.max() > _LARGEST:
        return f"some of their numbers are as large as {size.max():.0e}, and then nothing is left of the others"
    if size.max() < _SMALLEST:
        return "all of their numbers are zero, or as good as zero"
    if len(vectors) > 1 and (np.ptp(vectors, axis=0) <= _ALIKE * size).all():
        return "they are the same for every clip, from which nothing can be learned"
    return ""


def feature_findings(
    place: Path, names: Sequence[str], known: NDArray[np.bool_], training: Sequence[int]
) -> tuple[Finding, ...]:
    """What is missing: training clips without features, and features of clips that are not there; one finding each.

    Args:
        place: As `read_teacher_features` has read it.
        names: Of N clips.
        known: (N,) which of them have features.
        training: Rows of the training clips.

    Raises:
        UsageError: The file cannot be read any more.
    """
    without = [names[row] for row in training if not known[row]]
    keys = {key for name in names for key in (name, _plain(name))}
    strangers = [entry for entry in _entries(place) if entry not in keys and _plain(entry) not in keys]
    findings = []
    if without:
        findings.append(
            Finding(
                severity="warning",
                kind="features",
                file=str(place),
                what=f"The teacher's features lack {len(without)} of {len(training)} training clips: {some(without)}.",
                why="These clips are learned from by their labels alone.",
                do="Compute the features of all training clips, or name them like the clips.",
            )
        )
    if strangers:
        findings.append(
            Finding(
                severity="note",
                kind="features-unused",
                file=str(place),
                what=f"{len(strangers)} of the teacher's features are of no clip of this run: {some(strangers)}.",
                why="They are not used.",
                do="If they are meant for clips of this run, name them like the clips.",
            )
        )
    return tuple(findings)


def _entries(place: Path) -> list[str]:
    """The names of all features, sorted."""
    if place.is_dir():
        return sorted(path.relative_to(place).with_suffix("").as_posix() for path in place.rglob("*.npy"))
    try:
        with h5py.File(place, "r") as file:
            if "files" in file and "features" in file:
                return sorted(map(str, file["files"].asstr()[:]))
            found: list[str] = []
            file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
            return sorted(found)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _wrong(place, f"they cannot be read: {error}") from error


def write_teacher_features(place: Path, names: Sequence[str], features: NDArray[np.float32]) -> None:
    """Write features as `read_teacher_features` reads them.

    Raises:
        StorageError: There is no space or no permission.
    """
    with replacing(place) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("files", data=list(names), dtype=h5py.string_dtype())
        file["features"] = features


def _from_hdf5(file: Any, names: Sequence[str]) -> list[NDArray[np.float32] | None]:
    if "files" in file and "features" in file:
        listed = [str(PurePosixPath(name.replace("\\", "/"))) for name in file["files"].asstr()[:]]
        table = np.asarray(file["features"][:], np.float32)
        if table.ndim != 2 or len(table) != len(listed):
            raise ValueError(f"'features' is {table.shape}, and 'files' names {len(listed)} clips")
        twice = [name for name, count in Counter(listed).items() if count > 1]
        if twice:
            raise ValueError(f"'files' names more than once {some(twice)}")
        rows = {_plain(name): row for row, name in enumerate(listed)} | {name: row for row, name in enumerate(listed)}
        places = [rows.get(name, rows.get(_plain(name))) for name in names]
        return [None if place is None else table[place] for place in places]
    return [_first((name, str(PurePosixPath(name).with_suffix(""))), lambda key: _dataset(file, key)) for name in names]


def _dataset(file: Any, key: str) -> NDArray[np.float32] | None:
    found = file.get(key)
    return _vector(found[()]) if isinstance(found, h5py.Dataset) else None


def _from_npy(folder: Path, name: str) -> NDArray[np.float32] | None:
    def load(key: str) -> NDArray[np.float32] | None:
        path = folder / f"{key}.npy"
        return _vector(np.load(path, allow_pickle=False)) if path.is_file() else None

    return _first((str(PurePosixPath(name).with_suffix("")), name), load)


def _first(keys: Sequence[str], load: Callable[[str], NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    return next((found for key in keys if (found := load(key)) is not None), None)


def _vector(values: object) -> NDArray[np.float32]:
    array = np.asarray(values, np.float32)
    if array.ndim not in (1, 2) or (array.ndim == 2 and len(array) == 0):
        raise ValueError(f"an array of shape {array.shape} is no vector")
    averaged: NDArray[np.float32] = array if array.ndim == 1 else array.mean(axis=0)
    return averaged


def _plain(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")).with_suffix(""))


def _wrong(place: Path, why: str) -> UsageError:
    return UsageError(
        f"The teacher's features in '{place}' do not fit.",
        f"{why[0].upper()}{why[1:]}.",
        "Give an HDF5 file or a folder of NPY files with one vector of numbers a clip, named like the clips.",
    )
