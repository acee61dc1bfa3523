"""What an image folder holds, and what is doubtful about it."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from bandbridge.engine.api.config import StretchRule, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.engine.api.reports import Finding, FolderReport
from bandbridge.engine.api.sensor_profiles import AUTO, NO_PROFILE, SensorProposal
from bandbridge.engine.imagery.doubts.findings import odd_bands, odd_depth, unreadable, without_data
from bandbridge.engine.imagery.doubts.scene_findings import but_tiles, scene_findings
from bandbridge.engine.imagery.formats.band_files import band_files, gathered, red_green_blue
from bandbridge.engine.imagery.formats.bands import RGB_BANDS, MissingBandError
from bandbridge.engine.imagery.formats.envi import is_envi_header
from bandbridge.engine.imagery.names.labels import class_of
from bandbridge.engine.imagery.names.sensor_words import RADAR, sensors_named
from bandbridge.engine.imagery.names.tile import tile_name
from bandbridge.engine.imagery.reader import read_header, read_image
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.imagery.scenes.scene_file import scene_facts
from bandbridge.engine.imagery.scenes.tiles import tile_corners
from bandbridge.engine.imagery.sensors.band_statistics import BandStatistics
from bandbridge.engine.imagery.sensors.sensor_profile import recognise, red_green_blue_of
from bandbridge.engine.imagery.sensors.speckle import MOST_IMAGES, measured_filter
from bandbridge.engine.imagery.sensors.stretch import BandsMeasured, Stretch, measure_bands
from bandbridge.engine.imagery.survey import Kind, See, SurveyedImage, survey
from numpy.typing import NDArray

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".gtiff", ".npy"),
    *(".jp2", ".j2k", ".hdr", ".h5", ".hdf5", ".he5", ".nc", ".nc4"),
)
"""Endings of file names that are looked at, in any case; the content decides what a file is."""


_NUMBERS = re.compile(r"(\d+)")

LEAST_SCENE_PX = 2048
"""Shorter side from which an image in a folder that has a place on the map is cut into tiles."""

SCENE_SUFFIXES = frozenset({".tif", ".tiff", ".gtiff", ".jp2", ".j2k", ".hdr"})
"""Endings of the names of files of which parts can be read."""

_LEAST_SCENE_BYTES = 1 << 20


def list_images(
    folder: str | Path,
    exclude: Iterable[str] = (),
    tiles: TileRule | None = None,
    control: Control | None = None,
) -> tuple[str, ...]:
    """The images of a folder and everything below it; one whose bands are files of their own counts once.

    Hidden files and folders are left out; links are followed, a folder reached twice is entered once. With a rule for
    tiles, a scene stands for its tiles: the file named instead of a folder, and what `is_scene` finds in a folder.

    Args:
        folder: Where to look, or a scene.
        exclude: Relative names to leave out.
        tiles: How scenes are cut, or None to cut none.
        control: Pause and stop, or None.

    Returns:
        Relative paths with forward slashes, in natural order: `2.png` before `10.png`.

    Raises:
        DriveError: The drive does not answer.
        ImageError: The scene cannot be cut into tiles.
        Stopped: The person asked to stop.
        UsageError: The folder is missing, is no folder or may not be read, or the rule for tiles is none.
    """
    root, patient = Path(folder), control or Control()
    list(read_ahead([root], os.path.exists, patient, lambda root: 1))  # a drive that is gone is told soon
    [(_, names)] = read_ahead([root], partial(_names, frozenset(exclude), tiles), patient)
    if isinstance(names, ImageError):
        raise names
    return names


def _names(left_out: frozenset[str], tiles: TileRule | None, root: Path) -> tuple[str, ...]:
    if tiles is not None and root.is_file():
        return tuple(name for name in _tiles(root, tiles) if name not in left_out)
    files = (name for name in _walk(root) if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES)
    files = (name for name in files if not name.lower().endswith(".hdr") or is_envi_header(root / name))
    names = gathered(files, partial(_is_one_band, root))
    if tiles is not None:
        names = [part for name in names for part in _with_tiles(root, name, tiles)]
    return tuple(sorted((name for name in names if name not in left_out), key=natural_order))


def is_scene(path: Path) -> bool:
    """Whether an image among others is large enough to be cut into tiles, and lies on the map."""
    try:
        files = (path,) if path.suffix.lower() in SCENE_SUFFIXES else tuple(band_files(path).values())
        if all(file.stat().st_size < _LEAST_SCENE_BYTES for file in files):
            return False  # looked at without opening it, for a folder may hold thousands
        header = scene_facts(path).header
    except (OSError, ImageError):
        return False
    return header.georeferenced and min(header.width, header.height) >= LEAST_SCENE_PX


def rgb_bands(
    asked: tuple[int, ...] | None, folder: str | Path, names: Sequence[str], *, profile: str = AUTO
) -> tuple[int, ...]:
    """The bands of RGB images: those asked for, else red, green and blue by name, as declared, or by profile.

    Else the first three.

    Args:
        asked: 1-based band numbers, or None.
        folder: Where the images lie.
        names: Their relative paths; the first that can be read tells the names of the bands.
        profile: As in `RunConfig.sensor_profile`; with "none" only names count.
    """
    if asked:
        return asked
    for name in names:
        try:
            header = read_header(Path(folder) / name)
        except ImageError:
            continue
        proposed = None if profile == NO_PROFILE else red_green_blue_of(header, Path(folder), name)
        return red_green_blue(header) or header.colours or proposed or RGB_BANDS
    return RGB_BANDS


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sort key that puts `2.png` before `10.png`, letters without regard to case."""
    parts = _NUMBERS.split(name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts] + [(-1, name)]


def scan_folder(job: ScanFolder, control: Control, emit: Callable[[Event], None]) -> FolderReport:
    """Look through an image folder, every file decoded once.

    Raises:
        Stopped: The person asked to stop.
        UsageError: The folder is missing, or the stretch rule or choice of bands is none.
    """
    names = list_images(job.folder, job.exclude, job.tiles, control)
    scan = scan_rgb if job.side == "rgb" else scan_sensor
    chosen = Reading(job.profile, job.bands, job.stretch, job.no_data, job.tiles)
    return scan(job.folder, names, chosen, control, emit).report


_USUAL_TILES = TileRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderScan:
    """A folder's report, and the stretch measured on its usable images (None if there are none)."""

    report: FolderReport
    stretch: Stretch | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was chosen for a folder of images, or left open.

    Attributes:
        profile: What is proposed, as in `RunConfig.sensor_profile`.
        bands: 1-based bands, or None.
        stretch: The rule.
        no_data: A raw value that means "nothing here", or None.
        tiles: How scenes are cut into the tiles among the names.
    """

    profile: str
    bands: tuple[int, ...] | None
    stretch: StretchRule
    no_data: float | None
    tiles: TileRule


def scan_sensor(
    folder: str,
    names: Sequence[str],
    chosen: Reading,
    control: Control,
    emit: Callable[[Event], None],
    title: str = "Looking through images",
    see: See | None = None,
) -> FolderScan:
    """As `scan_images`, with what nobody chose taken from the sensor's profile.

    Raises:
        Stopped: The person asked to stop.
        UsageError: The profile, the stretch rule or the choice of bands is none.
    """
    proposal = recognise(
        folder, names, profile=chosen.profile, bands=chosen.bands, no_data=chosen.no_data, control=control
    )
    return scan_images(
        folder,
        names,
        bands=chosen.bands or proposal.bands,
        rule=chosen.stretch.or_proposed(proposal.stretch),
        no_data=proposal.no_data if chosen.no_data is None else chosen.no_data,
        sensor=None if chosen.profile == NO_PROFILE else proposal,
        control=control,
        emit=emit,
        title=title,
        see=see,
        tiles=chosen.tiles,
    )


def scan_rgb(
    folder: str,
    names: Sequence[str],
    chosen: Reading,
    control: Control,
    emit: Callable[[Event], None],
    title: str = "Looking through images",
    see: See | None = None,
) -> FolderScan:
    """As `scan_images` for the RGB side of pairs; what the sensor's profile proposes does not hold for it.

    Raises:
        Stopped: The person asked to stop.
        UsageError: The stretch rule or the choice of bands is none.
    """
    is_asked = chosen.profile != NO_PROFILE
    return scan_images(
        folder,
        names,
        bands=rgb_bands(chosen.bands, folder, names, profile=chosen.profile),
        rule=chosen.stretch.for_rgb(),
        no_data=chosen.no_data,
        sensor=recognise(folder, names, no_data=chosen.no_data, control=control) if is_asked else None,
        control=control,
        emit=emit,
        title=title,
        see=see,
        tiles=chosen.tiles,
    )


def scan_images(
    folder: str | Path,
    names: Sequence[str],
    *,
    bands: tuple[int, ...] | None,
    rule: StretchRule,
    no_data: float | None,
    control: Control,
    emit: Callable[[Event], None],
    title: str = "Looking through images",
    see: See | None = None,
    tiles: TileRule = _USUAL_TILES,
    sensor: SensorProposal | None = None,
) -> FolderScan:
    """Look through named images of a folder, every file decoded once.

    Set aside, each with a finding: files that cannot be read, lack a band or hold no data, and files whose number
    type or number of bands differs from the majority.

    Args:
        folder: Where the images lie.
        names: Their relative paths.
        bands: 1-based bands by the band rule, or None for all.
        rule: The stretch.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.
        emit: Takes progress.
        title: Of the progress.
        see: Looks at every image as well, as in `survey`.
        tiles: How scenes were cut into the tiles among the names.
        sensor: What the images were taken for, to be reported.

    Raises:
        Stopped: The person asked to stop.
        UsageError: The stretch rule or the choice of bands is none.
    """
    root = Path(folder)
    found = survey(
        root,
        names,
        bands=bands,
        no_data=no_data,
        control=control,
        emit=emit,
        title=title,
        see=see,
        most_missing=tiles.most_missing,
    )
    kind = found.commonest_kind()
    usable = [image for image in found.images if image.kind == kind]
    statistics = found.statistics[kind] if kind else None
    measured, faults = _measure(str(folder), statistics, usable, rule)
    stretch = measured.stretch if measured else None
    if stretch and rule.despeckle_px:
        stretch = measured_filter(stretch, rule.despeckle_px, _spread(root, usable, no_data, control))
    class_counts = _class_counts(usable)
    report = FolderReport(
        folder=str(folder),
        files=tuple(image.name for image in usable),
        sizes=_counted(f"{image.header.width} x {image.header.height}" for image in found.images),
        depths=_counted(image.header.dtype for image in found.images),
        bands=_counted(image.header.bands for image in found.images),
        class_counts=class_counts,
        chosen_bands=bands,
        histograms=measured.histograms if measured else (),
        no_data_share=statistics.missing / statistics.values if statistics else 0.0,
        georeferenced=sum(image.header.georeferenced for image in usable),
        band_names=_band_names(usable),
        sensor=sensor,
        stretch=rule,
        no_data=no_data,
        findings=(
            *(unreadable(name, root / name, found.unreadable[name]) for name in but_tiles(found.unreadable)),
            *map(without_data, but_tiles(found.void)),
            *scene_findings(str(folder), names, found, tiles),
            *(_odd_one(image, kind) for image in found.images if kind and image.kind != kind),
            *faults,
            *_folder_findings(str(folder), names, usable, measured, class_counts, list(found.unreadable.values())),
        ),
    )
    return FolderScan(report=report, stretch=stretch)


_T = TypeVar("_T")


def _walk(root: Path) -> Iterator[str]:
    """Files below a folder, hidden ones and special files (pipes, devices) left out."""
    try:
        folders = [("", os.stat(root))]
        entered = set()
        while folders:
            below, facts = folders.pop()
            if (facts.st_dev, facts.st_ino) in entered:
                continue
            entered.add((facts.st_dev, facts.st_ino))
            with os.scandir(root / below) as entries:
                for entry in entries:
                    name = f"{below}{entry.name}"
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        folders.append((f"{name}/", os.stat(entry.path)))
                    elif entry.is_file() or entry.is_symlink():  # a broken link is named when it is read
                        yield name
    except OSError as error:
        raise UsageError(
            f"The folder '{root}' cannot be read.",
            f"The system says: {error.strerror or error}" + (f" ({error.filename})." if error.filename else "."),
            "Check that it exists, is a folder and may be read.",
        ) from error


def _tiles(scene: Path, rule: TileRule) -> Iterator[str]:
    return (tile_name(row, column, rule.size_px) for row, column in tile_corners(scene_facts(scene).header, rule))


def _with_tiles(root: Path, name: str, rule: TileRule) -> Iterator[str]:
    """The tiles of a scene, or an image that is none."""
    if is_scene(root / name):
        yield from (f"{name}/{tile}" for tile in _tiles(root / name, rule))
    else:
        yield name


def _is_one_band(root: Path, name: str) -> bool:
    try:
        return read_header(root / name).bands == 1
    except ImageError:
        return True  # its image is named when it is read


def _measure(
    folder: str, statistics: BandStatistics | None, usable: list[SurveyedImage], rule: StretchRule
) -> tuple[BandsMeasured | None, list[Finding]]:
    if statistics is None:
        return None, []
    try:
        return measure_bands(statistics, usable[0].bands, rule), []
    except ImageError as error:
        finding = Finding(severity="error", kind="no-data", file=folder, what=error.what, why=error.why, do=error.do)
        return None, [finding]


def _spread(
    root: Path, usable: Sequence[SurveyedImage], no_data: float | None, control: Control
) -> Iterator[NDArray[np.float32]]:
    """Raw values of some dozen images, evenly spread."""
    for place in sorted({*np.linspace(0, len(usable) - 1, MOST_IMAGES, dtype=int).tolist()}):
        control.check()
        try:
            yield read_image(root / usable[place].name, bands=usable[place].bands, no_data=no_data)
        except ImageError:
            continue  # named where it is decoded


def _odd_one(image: SurveyedImage, kind: Kind) -> Finding:
    depth, bands = kind
    if image.header.dtype != depth:
        return odd_depth(image.name, image.header.dtype, depth)
    return odd_bands(image.name, len(image.bands), bands)


def _band_names(usable: list[SurveyedImage]) -> tuple[str, ...]:
    names = {image.header.band_names for image in usable}
    return names.pop() if len(names) == 1 else ()


def _class_counts(usable: list[SurveyedImage]) -> dict[str, int]:
    classes = [class_of(image.name) for image in usable]
    return dict(sorted(Counter(name for name in classes if name).items())) if all(classes) else {}


def _folder_findings(
    folder: str,
    names: Sequence[str],
    usable: list[SurveyedImage],
    measured: BandsMeasured | None,
    class_counts: dict[str, int],
    errors: Sequence[ImageError],
) -> Iterator[Finding]:
    if not usable:
        yield _nothing_usable(folder, names, errors)
    if measured:
        yield from _constant_findings(folder, measured)
    sizes = Counter((one.header.width, one.header.height) for one in usable)
    if len(sizes) > 1:
        commonest = ", ".join(f"{width} x {height} ({count})" for (width, height), count in sizes.most_common(3))
        yield Finding(
            severity="note",
            kind="size",
            file=folder,
            what=f"The images have {len(sizes)} different sizes, most often {commonest}.",
            why="All are brought to the square size of the model, so the same thing may appear in different scales.",
            do="Nothing, if that is how the images were taken; otherwise cut them to one size.",
        )
    yield from _class_findings(folder, class_counts)
    yield from _duplicate_findings(names)
    yield from _hidden_content_findings(folder, usable)
    yield from _depth_findings(folder, usable)
    if measured:
        yield from _radar_findings(folder, usable, measured)


def _nothing_usable(folder: str, names: Sequence[str], errors: Sequence[ImageError]) -> Finding:
    do = "Choose a folder with PNG, JPEG, JPEG 2000, TIFF, ENVI, HDF5 or NPY files."
    if names:
        kind = "tiles of" if Path(folder).is_file() else "image files in"
        what = f"None of the {len(names)} {kind} '{folder}' can be used."
        why = "The reason for each is listed with its name."
        reasons = {error.why for error in errors}
        if len(errors) == len(names) and len(reasons) == 1:
            why = f"The reason is the same for all: {errors[0].why[:1].lower()}{errors[0].why[1:]}"
        if all(isinstance(error, MissingBandError) for error in errors) and len(errors) == len(names):
            do = "Choose other bands, or another folder."
    else:
        what = f"The folder '{folder}' holds no images."
        others = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in _walk(Path(folder)))
        kinds = ", ".join(f"{suffix} ({count})" for suffix, count in others.most_common(4))
        why = (
            f"It holds files of other kinds only: {kinds}." if kinds else "It is empty, or only hidden files lie in it."
        )
    return Finding(
        severity="error",
        kind="empty",
        file=folder,
        what=what,
        why=why,
        do=do,
    )


def _constant_findings(folder: str, measured: BandsMeasured) -> Iterator[Finding]:
    for histogram in measured.histograms:
        band = histogram.band
        if band in measured.constant:
            yield Finding(
                severity="warning",
                kind="constant",
                file=folder,
                what=f"Band {band} has the value {histogram.low:g} everywhere.",
                why="A model can learn nothing from a band that never changes.",
                do="Choose another band, or check how the images were saved.",
            )
        elif band in measured.nearly_constant:
            yield Finding(
                severity="warning",
                kind="constant",
                file=folder,
                what=f"Band {band} has nearly the same value everywhere.",
                why="The percentiles of the stretch coincide, so its whole range "
                f"({histogram.low:g} to {histogram.high:g}) is used instead.",
                do="Look at the histogram; give a no-data value if the common value means 'nothing here'.",
            )
        elif band in measured.beyond:
            yield Finding(
                severity="warning",
                kind="constant",
                file=folder,
                what=f"All values of band {band} lie beyond the range from {histogram.low:g} to {histogram.high:g}.",
                why="Everything becomes black or white, and nothing is left to learn from.",
                do="Choose a range that holds the values, or stretch by percentiles.",
            )


def _class_findings(folder: str, class_counts: dict[str, int]) -> Iterator[Finding]:
    for name, count in class_counts.items():
        if count == 1:
            yield Finding(
                severity="note",
                kind="class-size",
                file=name,
                what=f"The class folder '{name}' holds one image only.",
                why="A share of right answers measured on one image says nothing.",
                do="Add images of this class, or read its figure with care.",
            )
    if len(class_counts) == 1:
        yield Finding(
            severity="note",
            kind="one-class",
            file=folder,
            what="All images lie in one class folder.",
            why="Adaptation learns from differences between classes; with one class it may invent differences.",
            do="Check that this is the folder that holds all class folders.",
        )


def _duplicate_findings(names: Sequence[str]) -> Iterator[Finding]:
    same_stem: dict[str, list[str]] = defaultdict(list)
    for name in names:
        same_stem[os.path.splitext(name)[0]].append(name)
    for group in same_stem.values():
        if len(group) > 1:
            yield Finding(
                severity="note",
                kind="duplicate",
                file=group[0],
                what=f"{len(group)} files differ in the ending only: {', '.join(group)}.",
                why="They may be the same picture twice, and pairing by name cannot tell them apart.",
                do="Leave out all but one, if they are.",
            )


def _hidden_content_findings(folder: str, usable: list[SurveyedImage]) -> Iterator[Finding]:
    """Content that is not read, so that nothing is dropped without a word."""
    if len({one.header.band_names for one in usable}) > 1:
        first, other = list({one.header.band_names: one for one in reversed(usable)}.values())[:2]
        yield Finding(
            severity="warning",
            kind="bands",
            file=folder,
            what="The images do not consist of the same bands.",
            why=f"'{first.name}' has {_named(first)}; '{other.name}' has {_named(other)}. The same number then "
            "means different bands.",
            do="Add the missing files, or leave out the images that lack some.",
        )
    transparent = [one for one in usable if one.header.alpha is not None and one.header.alpha not in one.bands]
    if transparent:
        first = transparent[0]
        yield Finding(
            severity="note",
            kind="transparency",
            file=folder,
            what=f"In {len(transparent)} of {len(usable)} images, band {first.header.alpha} is declared as "
            "transparency and was used as a mask.",
            why="Some programs declare the fourth band so even if it is a measurement such as near infrared.",
            do=f"If it is a measurement, choose bands by number, {first.header.alpha} among them.",
        )
    paged = [one.name for one in usable if one.header.pages > 1]
    if paged:
        yield Finding(
            severity="warning",
            kind="pages",
            file=folder,
            what=f"{len(paged)} of {len(usable)} files hold several images, '{paged[0]}' for one.",
            why="Only the first image of each file is read.",
            do="Split them into one file an image if the others are needed.",
        )


def _radar_findings(folder: str, usable: list[SurveyedImage], measured: BandsMeasured) -> Iterator[Finding]:
    """Which unit radar images are in, as far as names say that they are radar."""
    first = usable[0]
    named = [set(first.header.band_names), *map(sensors_named, (Path(folder).name, *PurePosixPath(first.name).parts))]
    if not any(RADAR.intersection(word.casefold() for word in words) for words in named):
        return
    lows, highs = (tuple(getattr(one, side) for one in measured.histograms) for side in ("low", "high"))
    if all(-80 < low < 0 and low < high < 30 for low, high in zip(lows, highs, strict=True)):
        what = "These radar images are in decibels."
        why = "Their values reach below zero, as backscatter in decibels does."
        do = "Nothing: the stretch suits them. Give the model the same unit later."
    elif min(lows) >= 0 and np.dtype(first.header.dtype).kind == "f":
        what = "These radar images are on a linear scale, not in decibels."
        why = "None of their values is negative; a few bright spots then take most of the range, and land looks dark."
        do = "Choose the logarithmic stretch, which shows them as decibels would."
        if measured.stretch.curve == "log":
            why = "None of their values is negative. The logarithmic stretch shows them as decibels would."
            do = "Nothing. Give the model the same unit later."
    else:
        return
    yield Finding(severity="note", kind="radar", file=folder, what=what, why=why, do=do)


def _depth_findings(folder: str, usable: list[SurveyedImage]) -> Iterator[Finding]:
    zeros = [one for one in usable if one.header.zero_is_missing]
    if zeros:
        yield Finding(
            severity="note",
            kind="no-data",
            file=folder,
            what=f"In {len(zeros)} of {len(usable)} images, 0 was taken for 'nothing measured'.",
            why="They are 16-bit depth maps by their names, and depth cameras write 0 where they see nothing.",
            do="Nothing; if they are no depth maps, take the word 'depth' out of file and folder names.",
        )
    turned = [one for one in usable if one.header.bits_turned]
    if turned:
        is_all = len(turned) == len(usable)
        others = next((one.name for one in usable if not one.header.bits_turned), "")
        yield Finding(
            severity="note" if is_all else "warning",
            kind="depth",
            file=folder,
            what=f"In {len(turned)} of {len(usable)} depth maps the bits of every value were turned by three, "
            "and have been turned back.",
            why="SUN RGB-D stores depths so; turned back they are millimetres."
            + ("" if is_all else f" The others, '{others}' for one, are on another scale if they are turned as well."),
            do="Nothing." if is_all else "Look at the others, and leave them out if they do not fit.",
        )


def _named(image: SurveyedImage) -> str:
    return ", ".join(image.header.band_names) or "bands without names"


def _counted(values: Iterable[_T]) -> dict[_T, int]:
    return dict(Counter(values).most_common())
