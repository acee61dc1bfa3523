"""One pass over many image files: which can be read, what they are, which values they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.imagery.band_statistics import BandStatistics
from bandbridge.engine.imagery.header import ImageHeader
from bandbridge.engine.imagery.progress import Pace
from bandbridge.engine.imagery.read_ahead import read_ahead
from bandbridge.engine.imagery.reader import Image, likely_bytes, load_image

Kind = tuple[str, int]
"""What images must have in common to be one data set: number type and number of bands read."""


See = Callable[[str, Image], None]
"""Takes a file's name and the image while it is in memory; called from several threads at once."""


@dataclass(frozen=True, slots=True)
class SurveyedImage:
    """A file that was read: its name, its header and the 1-based bands read from it."""

    name: str
    header: ImageHeader
    bands: tuple[int, ...]

    @property
    def kind(self) -> Kind:
        """Number type and number of bands read."""
        return self.header.dtype, len(self.bands)


@dataclass(slots=True)
class Survey:
    """The result of a pass.

    Attributes:
        images: Files that were read and hold data, in order.
        unreadable: File -> the error that kept it from being read.
        void: Files without any data.
        statistics: The values of the images of each kind.
    """

    images: list[SurveyedImage] = field(default_factory=list)
    unreadable: dict[str, ImageError] = field(default_factory=dict)
    void: list[str] = field(default_factory=list)
    statistics: dict[Kind, BandStatistics] = field(default_factory=dict)

    def commonest_kind(self) -> Kind | None:
        """The commonest number type and, among its images, the commonest number of bands; None without images."""
        if not self.images:
            return None
        [(depth, _)] = Counter(image.header.dtype for image in self.images).most_common(1)
        [(kind, _)] = Counter(image.kind for image in self.images if image.header.dtype == depth).most_common(1)
        return kind


def survey(
    root: Path,
    names: Sequence[str],
    *,
    bands: tuple[int, ...] | None,
    no_data: float | None,
    control: Control,
    emit: Callable[[Event], None],
    title: str,
    see: See | None = None,
) -> Survey:
    """Decode every file once; memory does not grow with their pixels.

    Args:
        root: Where the files lie.
        names: Their relative paths.
        bands: 1-based bands by the band rule, or None for all.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.
        emit: Takes progress.
        title: Of the progress.
        see: Looks at every image as well.

    Raises:
        Stopped: The person asked to stop.
        UsageError: The choice of bands is none.
    """
    found = Survey()
    pace = Pace(emit, title, len(names))
    look = partial(_look, root, bands, no_data, see)
    weigh = partial(_weigh, root)
    for (_, name), looked in read_ahead(list(enumerate(names)), look, control, weigh):
        if isinstance(looked, ImageError):
            found.unreadable[name] = looked
        elif looked[1].missing == looked[1].values:
            found.void.append(name)
        else:
            image, statistics = looked
            found.images.append(image)
            if image.kind in found.statistics:
                found.statistics[image.kind].merge(statistics)
            else:
                found.statistics[image.kind] = statistics
        pace.step(name)
    return found


def _look(
    root: Path, bands: tuple[int, ...] | None, no_data: float | None, see: See | None, numbered: tuple[int, str]
) -> tuple[SurveyedImage, BandStatistics]:
    number, name = numbered
    image = load_image(root / name, bands=bands, no_data=no_data)
    if see:
        see(name, image)
    statistics = BandStatistics(image.values, image.header.dtype, number)
    return SurveyedImage(name, image.header, image.bands), statistics


def _weigh(root: Path, numbered: tuple[int, str]) -> int:
    return likely_bytes(root / numbered[1])
