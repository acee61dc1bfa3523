"""The decoded set: every image read, stretched and resized once, then held as 16-bit numbers for the whole run."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.api.storage import storage_error
from bandbridge.engine.imagery.common_ground import Cut
from bandbridge.engine.imagery.findings import unreadable, without_data
from bandbridge.engine.imagery.progress import Pace
from bandbridge.engine.imagery.read_ahead import read_ahead
from bandbridge.engine.imagery.reader import likely_bytes, read_image
from bandbridge.engine.imagery.stretch import Stretch
from numpy.typing import ArrayLike, NDArray

_LEVELS = 65535
_Wanted = tuple[int, str, Cut | None]
"""Place in the list, file, and the part of it to take."""


@dataclass(frozen=True, slots=True)
class DecodedSet:
    """Images ready for a network.

    Attributes:
        names: Relative paths, one an image.
        pixels: (N, C, S, S); 0..65535 means stretched 0..1.
        stretch: The stretch applied.
        places: Of each image, its place in the list that was asked for.
    """

    names: tuple[str, ...]
    pixels: NDArray[np.uint16]
    stretch: Stretch
    places: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def batch(self, indices: ArrayLike) -> NDArray[np.float32]:
        """Images by their numbers.

        Args:
            indices: (B,) integers.

        Returns:
            (B, C, S, S) stretched values in 0..1.
        """
        chosen: NDArray[np.float32] = self.pixels[np.asarray(indices)].astype(np.float32)
        chosen /= _LEVELS
        return chosen


def decode_images(
    folder: str | Path,
    names: Sequence[str],
    *,
    bands: tuple[int, ...] | None,
    stretch: Stretch,
    size_px: int,
    no_data: float | None,
    control: Control,
    emit: Callable[[Event], None],
    title: str = "Reading images",
    cuts: Sequence[Cut | None] = (),
    scratch: str | Path | None = None,
) -> tuple[DecodedSet, tuple[Finding, ...]]:
    """Read, stretch and resize every image once.

    Missing values become 0, then the image is brought to S x S by antialiased bilinear interpolation. A set that
    would take more than half of the free memory is kept in an unnamed file instead, which ends with the process.

    Args:
        folder: Where the images lie.
        names: Their relative paths, in the order wanted.
        bands: 1-based bands by the band rule, or None for all.
        stretch: One entry a band.
        size_px: Side S of the square, in pixels.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.
        emit: Takes progress.
        title: Of the progress.
        cuts: The part of each image to take, None for all of it; () takes all of all.
        scratch: Folder for a set too large for memory; None takes the system's folder for temporary files.

    Returns:
        The set of the images that could be read, and a finding for each that could not.

    Raises:
        Stopped: The person asked to stop.
        StorageError: A set too large for memory does not fit on the disk either.
    """
    root = Path(folder)
    # Channels vary fastest, as networks prefer them; seen from outside the order is (N, C, S, S) all the same.
    pixels = _room_for((len(names), size_px, size_px, len(stretch.low)), scratch).transpose(0, 3, 1, 2)
    kept: list[int] = []
    findings: list[Finding] = []
    pace = Pace(emit, title, len(names))
    wanted = list(zip(range(len(names)), names, cuts or (None,) * len(names), strict=True))
    read = partial(_decode, root, bands, no_data, stretch, size_px)
    weigh = partial(_weigh, root)
    for (place, name, _), image in read_ahead(wanted, read, control, weigh):
        if isinstance(image, ImageError):
            findings.append(unreadable(name, root / name, image))
        elif image is None:
            findings.append(without_data(name))
        else:
            pixels[len(kept)] = image
            kept.append(place)
        pace.step(name)
    kept_names = tuple(names[place] for place in kept)
    return DecodedSet(kept_names, pixels[: len(kept)], stretch, tuple(kept)), tuple(findings)


def resize(image: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """Bring (C, H, W) to (C, S, S) by antialiased bilinear interpolation, pixel centres aligned by area."""
    if image.shape[1:] == (size_px, size_px):
        return image
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None],
        size=(size_px, size_px),
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )
    array: NDArray[np.float32] = resized[0].numpy()
    return array


def _decode(
    root: Path, bands: tuple[int, ...] | None, no_data: float | None, stretch: Stretch, size_px: int, wanted: _Wanted
) -> NDArray[np.uint16] | None:
    """(C, S, S) quantised, or None for an image without any data."""
    _, name, cut = wanted
    values = read_image(root / name, bands=bands, no_data=no_data)
    if len(values) != len(stretch.low):
        raise ImageError(
            f"The image '{root / name}' has {len(values)} band{'s' * (len(values) != 1)} to read, "
            f"and {len(stretch.low)} {'is' if len(stretch.low) == 1 else 'are'} needed.",
            "All images must have the same bands in the same order.",
            "Choose bands by number, or leave it out.",
        )
    if cut is not None:
        values = cut.of(values)
    if np.isnan(values).all():
        return None
    quantised: NDArray[np.uint16] = np.rint(resize(stretch.apply(values), size_px) * _LEVELS).astype(np.uint16)
    return quantised


def _weigh(root: Path, wanted: _Wanted) -> int:
    return likely_bytes(root / wanted[1])


def _room_for(shape: tuple[int, ...], scratch: str | Path | None) -> NDArray[np.uint16]:
    """An array of zeros in memory, or in a file where memory is short."""
    size_bytes = int(np.prod(shape)) * np.dtype(np.uint16).itemsize
    if size_bytes <= psutil.virtual_memory().available // 2:
        return np.zeros(shape, np.uint16)
    place = Path(scratch or tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            if hasattr(os, "posix_fallocate"):
                # Ask for the space now: a full disk under a mapped file would end the process without a word.
                os.posix_fallocate(file.fileno(), 0, size_bytes)
            else:
                file.truncate(size_bytes)
            return np.frombuffer(mmap.mmap(file.fileno(), size_bytes), np.uint16).reshape(shape)
    except OSError as error:
        raise storage_error(place / "decoded images", error) from error
