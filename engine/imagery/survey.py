"""One pass over many image files: which can be read, what they are, which values they hold."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import BandHistogram
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.names.tile import is_tile_name
from bandbridge.engine.imagery.reader import likely_bytes, load_image
from bandbridge.engine.imagery.reading.identity import fingerprint
from bandbridge.engine.imagery.reading.image_cache import ImageCache, key_of, put_array
from bandbridge.engine.imagery.reading.kept_pixels import KeptPixels
from bandbridge.engine.imagery.reading.progress import Pace
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.imagery.sensors.band_statistics import BandStatistics
from bandbridge.engine.imagery.sensors.stretch import Stretch, measure_bands

Kind = tuple[str, int]
"""What images must have in common to be one data set: number type and number of bands read."""


# Of a survey in the cache, without its images: samples of values that cannot be counted.
_LIKELY_BYTES = 8 << 20

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
        sparse: Tiles with too little.
        statistics: The values of the images of each kind.
    """

    images: list[SurveyedImage] = field(default_factory=list)
    unreadable: dict[str, ImageError] = field(default_factory=dict)
    void: list[str] = field(default_factory=list)
    sparse: list[str] = field(default_factory=list)
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
    most_missing: float = 1.0,
) -> Survey:
    """Decode every file once; memory does not grow with their pixels.

    What was found is kept in the image cache: as long as no file has changed, the next pass over the same files reads
    only those that could not be read. With a `see` other than `KeptPixels` every file is decoded all the same.

    Args:
        root: Where the files lie.
        names: Their relative paths.
        bands: 1-based bands by the band rule, or None for all.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.
        emit: Takes progress.
        title: Of the progress.
        see: Looks at every image as well.
        most_missing: Share of a tile's values that may be missing, 0..1.

    Raises:
        DriveError: The drive does not answer, or is gone.
        Stopped: The person asked to stop.
        UsageError: The choice of bands is none.
    """
    pace = Pace(emit, title, len(names))
    look = partial(_look, root, bands, no_data, see)
    path_of = partial(_path_of, root)
    cache = ImageCache.of_user()
    files = fingerprint(root, names, control)
    key = key_of("survey", files, bands, no_data, most_missing)
    if isinstance(see, KeptPixels):
        see.begin(bands, no_data)
    if names and files is not None and (see is None or isinstance(see, KeptPixels)):
        kept = cache.read(key, partial(_taken, root, names))
        if kept is not None and _read_the_rest(kept, names, look, path_of, control):
            pace.step(names[-1], len(names))
            return kept
    found = Survey()
    weigh = partial(_weigh, root)
    for (_, name), looked in read_ahead(list(enumerate(names)), look, control, weigh, path_of=path_of):
        if isinstance(looked, ImageError):
            found.unreadable[name] = looked
        elif looked[1].missing == looked[1].values:
            found.void.append(name)
        elif is_tile_name(PurePosixPath(name).name) and looked[1].missing > most_missing * looked[1].values:
            found.sparse.append(name)
        else:
            image, statistics = looked
            found.images.append(image)
            if image.kind in found.statistics:
                found.statistics[image.kind].merge(statistics)
            else:
                found.statistics[image.kind] = statistics
        pace.step(name)
    if files is not None and fingerprint(root, names, control) == files:
        cache.keep(key, _LIKELY_BYTES + 8 * len(names), partial(_put, names, found))
    return found


def measure_stretch(
    paths: Sequence[str | Path],
    *,
    bands: tuple[int, ...] | None,
    rule: StretchRule,
    no_data: float | None,
    control: Control,
    emit: Callable[[Event], None],
    title: str = "Measuring values",
) -> tuple[Stretch, tuple[BandHistogram, ...]]:
    """Measure the stretch of a data set in one pass, in memory that does not grow with it.

    Files that cannot be read count for nothing here; `decode_images` and `scan_folder` name them. Where number
    types or numbers of bands differ, the commonest kind decides.

    Args:
        paths: Image files.
        bands: 1-based bands by the band rule, or None for all.
        rule: What becomes 0 and what becomes 1.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.
        emit: Takes progress.
        title: Of the progress.

    Raises:
        ImageError: No file holds data.
        Stopped: The person asked to stop.
        UsageError: The rule is no rule.
    """
    found = survey(Path(), list(map(str, paths)), bands=bands, no_data=no_data, control=control, emit=emit, title=title)
    kind = found.commonest_kind()
    if kind is None:
        raise ImageError(
            "The values of these images cannot be measured.",
            "None of the files could be read, or none holds data.",
            "Look at the list of files set aside.",
        )
    numbers = next(image.bands for image in found.images if image.kind == kind)
    measured = measure_bands(found.statistics[kind], numbers, rule)
    return measured.stretch, measured.histograms


def _put(names: Sequence[str], found: Survey, file: Any) -> None:
    """Write a survey into the cache: files by their numbers, and every different header once."""
    numbers = {name: number for number, name in enumerate(names)}
    headers: dict[str, int] = {}
    of_images = []
    for image in found.images:
        facts = dataclasses.asdict(image.header) | {"path": None, "read": image.bands}
        of_images.append(headers.setdefault(json.dumps(facts), len(headers)))
    put_array(file, "images", np.array([numbers[image.name] for image in found.images], np.int64))
    put_array(file, "headers", np.array(of_images, np.int64))
    for place, left_out in (("void", found.void), ("sparse", found.sparse)):
        put_array(file, place, np.array([numbers[name] for name in left_out], np.int64))
    file.attrs["facts"] = json.dumps(list(headers))
    for number, ((dtype, bands), statistics) in enumerate(found.statistics.items()):
        group = file.create_group(f"kinds/{number}")
        group.attrs.update(dtype=dtype, bands=bands)
        statistics.put(group.create_group("statistics"))


def _taken(root: Path, names: Sequence[str], file: Any) -> Survey:
    """What `_put` has written; without the errors, for what could not be read is tried again."""
    facts = [
        {key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(text).items()}
        for text in json.loads(file.attrs["facts"])
    ]
    void, sparse = ([names[number] for number in file[place][()].tolist()] for place in ("void", "sparse"))
    found = Survey(void=void, sparse=sparse)
    for number, kind in zip(file["images"][()].tolist(), file["headers"][()].tolist(), strict=True):
        stated = facts[kind] | {"path": root / names[number]}
        read = stated.pop("read")
        found.images.append(SurveyedImage(names[number], ImageHeader(**stated), read))
    for number in range(len(file.get("kinds", ()))):
        group = file[f"kinds/{number}"]
        kind = str(group.attrs["dtype"]), int(group.attrs["bands"])
        found.statistics[kind] = BandStatistics.taken(group["statistics"])
    return found


def _read_the_rest(
    kept: Survey,
    names: Sequence[str],
    look: Callable[[tuple[int, str]], tuple[SurveyedImage, BandStatistics]],
    path_of: Callable[[tuple[int, str]], Path],
    control: Control,
) -> bool:
    """Try the files again that could not be read; False if one of them can be read now."""
    known = {image.name for image in kept.images}.union(kept.void, kept.sparse)
    rest = [(number, name) for number, name in enumerate(names) if name not in known]
    for (_, name), looked in read_ahead(rest, look, control, path_of=path_of):
        if not isinstance(looked, ImageError):
            return False
        kept.unreadable[name] = looked
    return True


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


def _path_of(root: Path, numbered: tuple[int, str]) -> Path:
    return root / numbered[1]
