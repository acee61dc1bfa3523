"""Images of any size, read in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from bandbridge.engine.imagery.formats.band_files import Extent, band_files
from bandbridge.engine.imagery.formats.bands import choose_bands
from bandbridge.engine.imagery.formats.depth import is_depth_map
from bandbridge.engine.imagery.formats.geotiff import MapPlace, OpenTiff
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import file_header, load_file
from bandbridge.engine.imagery.formats.in_parts import OpenBands, is_in_parts, open_bands, open_in_parts
from bandbridge.engine.imagery.formats.raw_values import raw_values
from bandbridge.engine.imagery.reading.in_hand import reading
from bandbridge.engine.imagery.scenes.scene_file import scene_facts, without_frame
from numpy.typing import NDArray


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
        read: Callable[[Extent, Extent], NDArray[np.float32]],
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
    `image_file.LARGEST_IMAGE`. Where every band is a file of its own, the files decide.

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

        def noted(rows: Extent, columns: Extent) -> NDArray[np.float32]:
            with reading(path):
                return read(rows, columns)

        scene.read = noted
        yield scene


@contextmanager
def _opened(path: Path, bands: tuple[int, ...] | None, no_data: float | None) -> Iterator[Scene]:
    if files := band_files(path):
        if all(map(is_in_parts, files.values())):
            with open_bands(path, files, bands) as opened_bands:
                read_bands = partial(_read_bands, opened_bands, no_data)
                yield Scene(opened_bands.header, opened_bands.bands, opened_bands.place, read_bands)
            return
    elif is_in_parts(path) and not is_depth_map(file_header(path)):
        frame = scene_facts(path).frame if no_data is None else None
        with open_in_parts(path, partial(choose_bands, bands if frame is None else None)) as image:
            chosen = choose_bands(bands, image.header)
            read = partial(_read, image, no_data) if frame is None else partial(_read_framed, image, chosen, frame)
            yield Scene(image.header, chosen, image.place, read)
        return
    whole = load_file(path, bands=bands, no_data=no_data)
    yield Scene(whole.header, whole.bands, None, partial(_part, whole.values))


def _read_bands(opened: OpenBands, no_data: float | None, rows: Extent, columns: Extent) -> NDArray[np.float32]:
    return opened.read(rows, columns, no_data)


def _part(values: NDArray[np.float32], rows: Extent, columns: Extent) -> NDArray[np.float32]:
    return values[:, slice(*rows), slice(*columns)]


def _read_framed(
    tiff: OpenTiff, chosen: tuple[int, ...], frame: float, rows: Extent, columns: Extent
) -> NDArray[np.float32]:
    return raw_values(without_frame(tiff.read(rows, columns), chosen, frame))


def _read(tiff: OpenTiff, no_data: float | None, rows: Extent, columns: Extent) -> NDArray[np.float32]:
    return raw_values(tiff.read(rows, columns), no_data)
