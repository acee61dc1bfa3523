"""Files opened to read parts of them: TIFF, JPEG 2000 and ENVI, and images of which every band is such a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.imagery.formats.band_files import Extent, part_on_grid, together
from bandbridge.engine.imagery.formats.bands import choose_bands
from bandbridge.engine.imagery.formats.envi import ENVI_START, open_envi
from bandbridge.engine.imagery.formats.geotiff import TIFF_STARTS, MapPlace, OpenTiff, open_tiff
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.jpeg2000 import JPEG2000_STARTS, open_jpeg2000
from bandbridge.engine.imagery.formats.raw_values import raw_values
from numpy.typing import NDArray

_Choose = Callable[[ImageHeader], tuple[int, ...]]


def is_in_parts(path: Path) -> bool:
    """Whether a file is of a kind of which parts can be read without decoding the whole; its content says it."""
    return _opener(path) is not None


def open_in_parts(path: Path, choose: _Choose) -> AbstractContextManager[OpenTiff]:
    """Open a file to read windows of it.

    Raises:
        ImageError: It is missing, damaged, cut short or of a kind that cannot be read so.
    """
    return (_opener(path) or open_tiff)(path, choose)


def _opener(path: Path) -> Callable[[Path, _Choose], AbstractContextManager[OpenTiff]] | None:
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return None
    openers = ((TIFF_STARTS, open_tiff), (JPEG2000_STARTS, open_jpeg2000), (ENVI_START, open_envi))
    return next((opener for starts, opener in openers if start.startswith(starts)), None)


@dataclass(frozen=True, slots=True)
class OpenBands:
    """The files of one image, open until its context ends.

    Attributes:
        header: Of the image.
        bands: 1-based numbers of the bands read.
        place: Of the finest band on the map, None without.
        images: The bands read, in their order.
    """

    header: ImageHeader
    bands: tuple[int, ...]
    place: MapPlace | None
    images: Sequence[OpenTiff]

    def read(self, rows: Extent, columns: Extent, no_data: float | None) -> NDArray[np.float32]:
        """Raw values (C, h, w) of a part, NaN where there is nothing; coarser bands are brought to the finest grid.

        Args:
            rows: Of the finest grid.
            columns: Of the finest grid.
            no_data: A raw value that means "nothing here", besides what the files declare.

        Raises:
            ImageError: This part of a file is damaged.
        """
        grid = (self.header.height, self.header.width)
        is_integer = np.dtype(self.header.dtype).kind in "iub"
        bands = []
        for image in self.images:

            def read(some_rows: Extent, some_columns: Extent, image: OpenTiff = image) -> NDArray[np.float32]:
                band: NDArray[np.float32] = raw_values(image.read(some_rows, some_columns), no_data)[0]
                return band

            shape = (image.header.height, image.header.width)
            bands.append(
                read(rows, columns)
                if shape == grid
                else part_on_grid(read, shape, grid, rows, columns, is_integer=is_integer)
            )
        return np.stack(bands)


@contextmanager
def open_bands(path: Path, files: Mapping[str, Path], bands: tuple[int, ...] | None) -> Iterator[OpenBands]:
    """Open the files of an image.

    Args:
        path: Of the image.
        files: Its files by the names of their bands, as `band_files.band_files` gives them.
        bands: 1-based bands by the rule of `bands.choose_bands`; None takes all.

    Raises:
        ImageError: A file cannot be opened, or they do not fit together.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(open_in_parts(file, lambda header: (1,))) for file in files.values()]
        header = together(path, [image.header for image in opened], tuple(files))
        chosen = choose_bands(bands, header)
        finest = max(opened, key=lambda image: image.header.width * image.header.height)
        yield OpenBands(header, chosen, finest.place, [opened[band - 1] for band in chosen])
