"""The decoded set: every image read, stretched and resized once, then held as 16-bit numbers for the whole run."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.api.storage import storage_error
from bandbridge.engine.imagery.common_ground import Cut
from bandbridge.engine.imagery.doubts.findings import unreadable, without_data
from bandbridge.engine.imagery.reader import likely_bytes, read_image
from bandbridge.engine.imagery.reading.identity import fingerprint
from bandbridge.engine.imagery.reading.image_cache import ImageCache, key_of, put_array
from bandbridge.engine.imagery.reading.kept_pixels import KeptPixels
from bandbridge.engine.imagery.reading.progress import Pace
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.imagery.sensors.stretch import Stretch
from numpy.typing import ArrayLike, NDArray

_Wanted = tuple[int, str, Cut | None]
"""Place in the list, file, and the part of it to take."""

_LEVELS = 65535
# From one level of 8 bits to the next, in 16.
_EIGHT_BIT_STEP = 257
# Read and written at once; a block of the cache holds as many whole images as fit.
_BLOCK_BYTES = 1 << 20


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
    kept: KeptPixels | None = None,
    scratch: str | Path | None = None,
    anew: bool = False,
) -> tuple[DecodedSet, tuple[Finding, ...]]:
    """Read, stretch and resize every image once.

    Missing values become 0, then the image is brought to S x S by antialiased bilinear interpolation. A set that
    would take more than half of the free memory is kept in an unnamed file instead, which ends with the process.

    The set is kept in the image cache: as long as no file has changed, it is taken from there the next time, the very
    same to the bit, and only what could not be read is tried again.

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
        kept: Images that were decoded before, or None.
        scratch: Folder for a set too large for memory; None takes the system's folder for temporary files.
        anew: Leave the image cache alone.

    Returns:
        The set of the images that could be read, and a finding for each that could not.

    Raises:
        DriveError: The drive does not answer, or is gone.
        Stopped: The person asked to stop.
        StorageError: A set too large for memory does not fit on the disk either.
    """
    root = Path(folder)
    decode = partial(_decode, root, bands, no_data, stretch, size_px, kept)
    path_of = partial(_path_of, root)
    wanted = list(zip(range(len(names)), names, cuts or (None,) * len(names), strict=True))
    shape = (len(names), size_px, size_px, len(stretch.low))
    files = None if anew else fingerprint(root, names, control)
    cache, key = ImageCache.of_user(), key_of("decoded", files, bands, no_data, stretch, size_px, cuts)
    progress = partial(Pace, emit, title, len(names))
    read = None if files is None else cache.read(key, partial(_taken, shape, scratch, control, progress))
    if read is None or not _read_the_rest(read, wanted, decode, path_of, control):
        read = _Read(_room_for(shape, scratch))
        pace = progress()
        weigh = partial(_weigh, root)
        for (place, name, _), image in read_ahead(wanted, decode, control, weigh, path_of=path_of):
            if isinstance(image, ImageError):
                read.errors[place] = image
            elif image is None:
                read.void.append(place)
            else:
                read.pixels[len(read.places)] = image.transpose(1, 2, 0)
                read.places.append(place)
            pace.step(name)
        if files is not None and fingerprint(root, names, control) == files:
            cache.keep(key, read.used.nbytes, partial(_put, read, control))
    findings = {place: unreadable(names[place], root / names[place], error) for place, error in read.errors.items()}
    findings |= {place: without_data(names[place]) for place in read.void}
    read_names = tuple(names[place] for place in read.places)
    decoded = DecodedSet(read_names, read.used.transpose(0, 3, 1, 2), stretch, tuple(read.places))
    return decoded, tuple(findings[place] for place in sorted(findings))


@dataclass(slots=True)
class _Read:
    """What became of every file.

    Attributes:
        pixels: (N, S, S, C) room for all; channels vary fastest, as networks prefer them.
        places: Places in the list of the images that are the first ones of `pixels`, in their order.
        void: Places of images without any data.
        errors: Place -> why the image could not be read.
    """

    pixels: NDArray[np.uint16]
    places: list[int] = field(default_factory=list)
    void: list[int] = field(default_factory=list)
    errors: dict[int, ImageError] = field(default_factory=dict)

    @property
    def used(self) -> NDArray[np.uint16]:
        """(K, S, S, C) the images that could be read."""
        return self.pixels[: len(self.places)]


def _put(read: _Read, control: Control, file: Any) -> None:
    """Write a set into the cache, in 8 bits where these hold the very same: 8-bit images that were not resized."""
    pixels = read.used
    in_block = max(1, _BLOCK_BYTES // max(1, pixels[:1].nbytes))
    blocks = [slice(start, start + in_block) for start in range(0, len(pixels), in_block)]
    step = 1 if any((pixels[block] % _EIGHT_BIT_STEP).any() for block in blocks) else _EIGHT_BIT_STEP
    if len(pixels):
        stored = file.create_dataset(
            "pixels",
            pixels.shape,
            np.uint16 if step == 1 else np.uint8,
            chunks=(min(in_block, len(pixels)), *pixels.shape[1:]),
            fletcher32=True,
        )
        for block in blocks:
            control.check()
            stored[block] = pixels[block] if step == 1 else pixels[block] // step
    put_array(file, "places", np.array(read.places, np.int64))
    put_array(file, "void", np.array(read.void, np.int64))


def _taken(
    shape: tuple[int, ...], scratch: str | Path | None, control: Control, progress: Callable[[], Pace], file: Any
) -> _Read:
    """What `_put` has written; without the errors, for what could not be read is tried again."""
    read = _Read(_room_for(shape, scratch), file["places"][()].tolist(), file["void"][()].tolist())
    pace = progress()
    if read.places:
        stored = file["pixels"]
        for start in range(0, len(read.places), stored.chunks[0]):
            control.check()
            block = slice(start, min(start + stored.chunks[0], len(read.places)))
            stored.read_direct(read.pixels, block, block)
            if stored.dtype == np.uint8:
                read.pixels[block] *= _EIGHT_BIT_STEP
            pace.step("", block.stop - start)
    return read


def _read_the_rest(
    kept: _Read,
    wanted: Sequence[_Wanted],
    decode: Callable[[_Wanted], NDArray[np.uint16] | None],
    path_of: Callable[[_Wanted], Path],
    control: Control,
) -> bool:
    """Try again what could not be read; False if any of it can be read now."""
    known = {*kept.places, *kept.void}
    rest = [one for one in wanted if one[0] not in known]
    for (place, _, _), image in read_ahead(rest, decode, control, path_of=path_of):
        if not isinstance(image, ImageError):
            return False
        kept.errors[place] = image
    return True


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
    root: Path,
    bands: tuple[int, ...] | None,
    no_data: float | None,
    stretch: Stretch,
    size_px: int,
    kept: KeptPixels | None,
    wanted: _Wanted,
) -> NDArray[np.uint16] | None:
    """(C, S, S) quantised, or None for an image without any data."""
    _, name, cut = wanted
    values = None if kept is None else kept.find(name, bands, no_data)
    if values is None:
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


def _path_of(root: Path, wanted: _Wanted) -> Path:
    return root / wanted[1]


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
