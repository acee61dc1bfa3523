"""Scenes, of which parts are read: TIFF, JPEG 2000 and ENVI files of any size, alone or with a band each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.band_files import Extent, band_files
from bandbridge.engine.imagery.formats.bands import choose_bands
from bandbridge.engine.imagery.formats.depth import with_zero_missing
from bandbridge.engine.imagery.formats.geotiff import MapPlace, OpenTiff
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels
from bandbridge.engine.imagery.formats.in_parts import OpenBands, is_in_parts, open_bands, open_in_parts
from bandbridge.engine.imagery.formats.raw_values import raw_values
from bandbridge.engine.imagery.reading.in_hand import reading
from numpy.typing import NDArray

_MOST_OPEN = 4
_CORNER_PX = 32
# A dark or bright corner may be a scene's own; two of them with nothing but the end of the range are its frame.
_FEWEST_CORNERS = 2


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What is known of a scene before its pixels are read.

    Attributes:
        header: Of its file.
        place: On the map, None without.
        frame: The value that fills all bands outside the area seen, where the file does not declare it; or None.
    """

    header: ImageHeader
    place: MapPlace | None
    frame: float | None


def scene_facts(path: Path) -> SceneFacts:
    """Look at a scene without reading it.

    Raises:
        ImageError: It is missing, damaged or of a kind of which parts cannot be read.
    """
    with reading(path):
        return _facts(path, _state(path))


def read_part(
    path: Path, rows: Extent, columns: Extent, *, bands: tuple[int, ...] | None, no_data: float | None
) -> tuple[tuple[int, ...], NDArray[np.float32]]:
    """Raw values of a part of a scene; beyond its edges there is nothing.

    Threads other than the main one keep a few scenes open for as long as they live, so that what GDAL has decoded
    serves neighbouring parts.

    Args:
        path: The scene.
        rows: May lie outside the scene, wholly or in part.
        columns: The same.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.
        no_data: A raw value that means "nothing here", besides what the file declares; with it, no frame is looked for.

    Returns:
        The bands read and their values (C, h, w), NaN where there is nothing.

    Raises:
        ImageError: The scene cannot be read, lacks a band, or is damaged here.
    """
    facts = scene_facts(path)
    header = facts.header
    chosen = choose_bands(bands, header)
    values = np.full((len(chosen), rows[1] - rows[0], columns[1] - columns[0]), np.nan, np.float32)
    top, bottom = max(rows[0], 0), min(rows[1], header.height)
    left, right = max(columns[0], 0), min(columns[1], header.width)
    if top < bottom and left < right:
        frame = facts.frame if no_data is None else None
        # What fills all bands is known by all bands alone: a single one may well reach the end of its range.
        with reading(path), _open(path, chosen if frame is None else None) as scene:
            if isinstance(scene, OpenBands):
                inside = scene.read((top, bottom), (left, right), no_data)
            else:
                stored = scene.read((top, bottom), (left, right))
                if frame is not None:
                    stored = without_frame(stored, chosen, frame)
                inside = raw_values(replace(stored, header=header), no_data)
        values[:, top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]] = inside
    return chosen, values


def without_frame(stored: StoredPixels, chosen: tuple[int, ...], frame: float) -> StoredPixels:
    """The chosen of all bands, hidden where all of them hold the frame's value.

    Args:
        stored: With all bands.
        chosen: 1-based bands wanted.
        frame: What `SceneFacts.frame` says.
    """
    measured = [index for index, band in enumerate(stored.bands) if band != stored.header.alpha]
    hidden = (stored.values[measured] == frame).all(axis=0)
    places = [stored.bands.index(band) for band in chosen]
    return replace(stored, bands=chosen, values=stored.values[places], hidden=hidden)


_State = tuple[tuple[int, int], ...]
"""What changes with a scene: of every file the time of its last change, and its size."""


def _state(path: Path) -> _State:
    try:
        # Asked for every part that is read, so the usual case comes first.
        facts = [path.stat()] if path.is_file() else [file.stat() for file in band_files(path).values()]
        if not facts:
            path.stat()
    except OSError as error:
        raise ImageError(
            f"The scene '{path}' cannot be opened.",
            f"The system says: {error.strerror or error}.",
            "Check that it exists, is a file and may be read.",
        ) from error
    return tuple((one.st_mtime_ns, one.st_size) for one in facts)


@lru_cache(maxsize=64)
def _facts(path: Path, state: _State) -> SceneFacts:
    if not all(map(is_in_parts, band_files(path).values() or (path,))):
        raise ImageError(
            f"The file '{path}' cannot be cut into tiles.",
            "Of TIFF, GeoTIFF, JPEG 2000 and ENVI files alone parts can be read without decoding the whole.",
            "Save it as GeoTIFF, or cut it into images first and choose their folder.",
        )
    with _opened(path, None) as scene:
        if isinstance(scene, OpenBands):
            return SceneFacts(scene.header, scene.place, None)
        return SceneFacts(with_zero_missing(scene.header), scene.place, _frame(scene))


_Opened = OpenTiff | OpenBands


def _opened(path: Path, bands: tuple[int, ...] | None) -> AbstractContextManager[_Opened]:
    if files := band_files(path):
        return open_bands(path, files, bands)
    return open_in_parts(path, partial(choose_bands, bands))


class _KeptOpen(threading.local):
    """The scenes a thread has open; they are closed when it ends."""

    def __init__(self) -> None:
        self.scenes: OrderedDict[object, tuple[ExitStack, _Opened]] = OrderedDict()


_KEPT = _KeptOpen()


@contextmanager
def _open(path: Path, bands: tuple[int, ...] | None) -> Iterator[_Opened]:
    if threading.current_thread() is threading.main_thread():
        with _opened(path, bands) as scene:
            yield scene
        return
    key = (path, _state(path), bands)
    if key not in _KEPT.scenes:
        while len(_KEPT.scenes) >= _MOST_OPEN:
            _KEPT.scenes.popitem(last=False)[1][0].close()
        stack = ExitStack()
        _KEPT.scenes[key] = (stack, stack.enter_context(_opened(path, bands)))
    _KEPT.scenes.move_to_end(key)
    yield _KEPT.scenes[key][1]


def _frame(scene: OpenTiff) -> float | None:
    """The value outside the area seen, by the scene's corners: the same in all bands, at an end of the range."""
    header = scene.header
    if header.no_data is not None or header.alpha is not None:
        return None
    down, across = min(_CORNER_PX, header.height), min(_CORNER_PX, header.width)
    if min(down, across) < _CORNER_PX:
        return None
    corners = []
    for top in (0, header.height - down):
        for left in (0, header.width - across):
            stored = scene.read((top, top + down), (left, left + across))
            if stored.hidden is not None:
                return None
            first = stored.values.flat[0]
            if _is_end(float(first), header.dtype) and bool((stored.values == first).all()):
                corners.append(float(first))
    return corners[0] if len(corners) >= _FEWEST_CORNERS and len(set(corners)) == 1 else None


def _is_end(value: float, dtype: str) -> bool:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return value == 0 or value <= -9999
    ends = np.iinfo(kind)
    return value in (0, ends.min, ends.max, -9999)
