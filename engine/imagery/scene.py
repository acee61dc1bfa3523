"""Images of any size, read in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from bandbridge.engine.imagery.band_files import band_files, part_on_grid, together
from bandbridge.engine.imagery.bands import choose_bands
from bandbridge.engine.imagery.depth import is_depth_map
from bandbridge.engine.imagery.envi import is_envi_header, open_envi
from bandbridge.engine.imagery.geotiff import MapPlace, OpenTiff, open_tiff
from bandbridge.engine.imagery.header import ImageHeader
from bandbridge.engine.imagery.in_hand import reading
from bandbridge.engine.imagery.jpeg2000 import open_jpeg2000
from bandbridge.engine.imagery.raw_values import raw_values
from bandbridge.engine.imagery.reader import is_jpeg2000, is_tiff, load_image, read_header
from bandbridge.engine.imagery.scene_file import scene_facts, without_frame
from numpy.typing import NDArray

Slice = tuple[int, int]
"""The first row (or column) and the one after the last."""


class Scene:
    """An image of which parts can be read, until its context ends.

    Args:
        header: Of its file.
        bands: 1-based numbers of the bands read.
        place: On the map, None without.
        read: Rows and columns -> (C, h, w) raw values, NaN where there is nothing.
    """

    def __init__(
        self,
        header: ImageHeader,
        bands: tuple[int, ...],
        place: MapPlace | None,
        read: Callable[[Slice, Slice], NDArray[np.float32]],
    ) -> None:
        self.header = header
        self.bands = bands
        self.place = place
        self.read = read


@contextmanager
def open_scene(path: Path, *, bands: tuple[int, ...] | None = None, no_data: float | None = None) -> Iterator[Scene]:
    """Open an image to read parts of it.

    Of a TIFF, JPEG 2000 or ENVI image only the parts asked for are decoded, so that its size does not matter; other
    files, and depth maps (of which the whole says how values are stored) are decoded whole, within the limit of
    `reader.LARGEST_IMAGE`. Where every band is a file of its own, the files decide.

    Args:
        path: The file.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.
        no_data: A raw value that means "nothing here", besides what the file declares; without either, what fills the
            frame of a scene is nothing (`scene_file.SceneFacts.frame`).

    Raises:
        ImageError: The file cannot be read or lacks a band; from inside the context, a part of it is damaged.
    """
    with ExitStack() as stack:
        with reading(path):
            scene = stack.enter_context(_opened(path, bands, no_data))
        read = scene.read

        def noted(rows: Slice, columns: Slice) -> NDArray[np.float32]:
            with reading(path):
                return read(rows, columns)

        scene.read = noted
        yield scene


@contextmanager
def _opened(path: Path, bands: tuple[int, ...] | None, no_data: float | None) -> Iterator[Scene]:
    if files := band_files(path):
        if all(map(_in_parts, files.values())):
            with _opened_bands(path, files, bands, no_data) as scene:
                yield scene
            return
    elif (opened := _in_parts(path)) and not is_depth_map(read_header(path)):
        frame = scene_facts(path).frame if no_data is None else None
        with opened(path, partial(choose_bands, bands if frame is None else None)) as image:
            chosen = choose_bands(bands, image.header)
            read = partial(_read, image, no_data) if frame is None else partial(_read_framed, image, chosen, frame)
            yield Scene(image.header, chosen, image.place, read)
        return
    whole = load_image(path, bands=bands, no_data=no_data)
    yield Scene(whole.header, whole.bands, None, partial(_part, whole.values))


def _in_parts(path: Path) -> Callable[..., AbstractContextManager[OpenTiff]] | None:
    """What opens a file to read parts of it; None if there are none to be had."""
    if is_envi_header(path):
        return open_envi
    if is_jpeg2000(path):
        return open_jpeg2000
    return open_tiff if is_tiff(path) else None


@contextmanager
def _opened_bands(
    path: Path, files: Mapping[str, Path], bands: tuple[int, ...] | None, no_data: float | None
) -> Iterator[Scene]:
    with ExitStack() as stack:
        opened = []
        for file in files.values():
            opener = _in_parts(file)
            assert opener is not None
            opened.append(stack.enter_context(opener(file, lambda header: (1,))))
        header = together(path, [image.header for image in opened], tuple(files))
        chosen = choose_bands(bands, header)
        finest = max(opened, key=lambda image: image.header.width * image.header.height)
        wanted = [opened[band - 1] for band in chosen]
        yield Scene(header, chosen, finest.place, partial(_read_bands, wanted, header, no_data))


def _read_bands(
    images: Sequence[OpenTiff], header: ImageHeader, no_data: float | None, rows: Slice, columns: Slice
) -> NDArray[np.float32]:
    """Rows and columns of the finest grid, with coarser bands brought to it."""
    grid = (header.height, header.width)
    is_integer = np.dtype(header.dtype).kind in "iub"
    bands = []
    for image in images:

        def read(some_rows: Slice, some_columns: Slice, image: OpenTiff = image) -> NDArray[np.float32]:
            band: NDArray[np.float32] = raw_values(image.read(some_rows, some_columns), no_data)[0]
            return band

        shape = (image.header.height, image.header.width)
        fits = shape == grid
        bands.append(
            read(rows, columns) if fits else part_on_grid(read, shape, grid, rows, columns, is_integer=is_integer)
        )
    return np.stack(bands)


def _part(values: NDArray[np.float32], rows: Slice, columns: Slice) -> NDArray[np.float32]:
    return values[:, slice(*rows), slice(*columns)]


def _read_framed(
    tiff: OpenTiff, chosen: tuple[int, ...], frame: float, rows: Slice, columns: Slice
) -> NDArray[np.float32]:
    return raw_values(without_frame(tiff.read(rows, columns), chosen, frame))


def _read(tiff: OpenTiff, no_data: float | None, rows: Slice, columns: Slice) -> NDArray[np.float32]:
    return raw_values(tiff.read(rows, columns), no_data)
