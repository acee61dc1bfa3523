"""Turning sensor images into RGB-like pictures with a run's translator, images of any size among them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, ModelError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import Translate
from bandbridge.engine.api.reports import Finding, TranslatedImage, TranslateReport
from bandbridge.engine.api.run_files import RUN_FILE, TRANSLATOR_FILE
from bandbridge.engine.imagery.doubts.findings import foreign_depth, same_picture, unreadable, without_data
from bandbridge.engine.imagery.folder import IMAGE_SUFFIXES, list_images
from bandbridge.engine.imagery.formats.band_files import Extent
from bandbridge.engine.imagery.formats.picture_file import Write, png_picture, tiff_picture
from bandbridge.engine.imagery.reading.progress import Pace
from bandbridge.engine.imagery.scenes.mosaic import mosaic
from bandbridge.engine.imagery.scenes.scene import Scene, open_scene
from bandbridge.engine.imagery.sensors.band_statistics import BandStatistics
from bandbridge.engine.imagery.sensors.speckle import MOST_IMAGES, measured_filter
from bandbridge.engine.imagery.sensors.stretch import Stretch, measure_bands
from bandbridge.engine.models.translator import GRID
from bandbridge.engine.models.translator_file import ImageTranslator, read_translator
from bandbridge.engine.worker.compute import choose_device, device_words, placed
from bandbridge.engine.worker.config_file import read_config
from numpy.typing import NDArray

Emit = Callable[[Event], None]

SUFFIXES = {"png": ".png", "tif": ".tif"}
LEAST_TILE_PX = 64
MOST_TILE_PX = 8192
_MEASURED_AT_ONCE = 1 << 22  # values
_MIDDLE_PX = 256  # of an image's middle, on which the noise of a speckle filter is measured


@dataclass(frozen=True, slots=True)
class _Planned:
    """An image to translate.

    Attributes:
        name: For people.
        path: The file.
        picture: Where its picture goes, relative to the output folder and without ending.
    """

    name: str
    path: Path
    picture: str


def translate(job: Translate, emit: Emit, control: Control) -> TranslateReport:
    """Write a picture for every image; what was written when the person stops is whole and stays.

    Raises:
        UsageError: There are no images, a picture exists already, or the windows' sizes do not fit.
        ModelError: The run has no translator.
        ImageError: Not a single image could be translated.
        StorageError: A picture cannot be written.
        Stopped: The person asked to stop.
    """
    _check_windows(job)
    file = _translator_file(Path(job.run))
    translator = read_translator(file)
    plan, findings = _plan(job)
    began = time.perf_counter()
    stretches: Mapping[str, Stretch] = {}
    if job.stretch == "own":
        stretches = _measure(job, translator, plan, _rule(Path(job.run)), emit, control)
    device = choose_device(job.device)
    placed(translator.network, device)
    pace = Pace(emit, "Translating images", len(plan))
    images: list[TranslatedImage] = []
    for item in plan:
        control.check()
        try:
            with _opened(job, translator, item) as scene:
                suited = _suited(job, translator, stretches, scene)
                found = _translate_one(job, suited, item, scene, device, pace, control) if suited else None
                depth = scene.header.dtype
        except ImageError as error:
            findings.append(unreadable(item.name, item.path, error))
        else:
            if isinstance(found, TranslatedImage):
                images.append(found)
            elif suited is None and job.stretch == "run":
                findings.append(foreign_depth(item.name, depth, translator.inputs.dtype))
            else:
                findings.append(without_data(item.name))
        pace.step(item.name)
    if not images:
        first = findings[0]
        raise ImageError(
            f"None of the {len(plan)} images could be translated."
            if len(plan) > 1
            else "The image was not translated.",
            f"{first.what} {first.why}",
            first.do,
        )
    return TranslateReport(
        translator=str(file),
        output=job.output,
        images=tuple(images),
        seconds=time.perf_counter() - began - control.paused_s,
        device=device_words(device),
        set_aside=tuple(findings),
    )


def _check_windows(job: Translate) -> None:
    if not LEAST_TILE_PX <= job.tile_px <= MOST_TILE_PX or job.tile_px % GRID:
        raise UsageError(
            f"A tile of {job.tile_px} pixels does not fit.",
            f"It must be a multiple of {GRID} from {LEAST_TILE_PX} to {MOST_TILE_PX}.",
            "Choose 512, for example.",
        )
    if not 0 <= job.overlap_px <= job.tile_px // 2 or job.overlap_px % GRID:
        raise UsageError(
            f"An overlap of {job.overlap_px} pixels does not fit.",
            f"It must be a multiple of {GRID}, and at most half of the tile's {job.tile_px} pixels.",
            "Choose 64, for example.",
        )


def _translator_file(run: Path) -> Path:
    if not run.is_dir():
        return run
    if not (run / TRANSLATOR_FILE).is_file():
        raise ModelError(
            f"The folder '{run}' holds no translator.",
            "Only runs of TGMB + TGKT and the other methods with a translator leave one, and only when they finish.",
            "Choose such a run.",
        )
    return run / TRANSLATOR_FILE


def _rule(run: Path) -> StretchRule:
    """The run's percentiles, the usual ones where nothing is known of a run."""
    return read_config(run / RUN_FILE).stretch if (run / RUN_FILE).is_file() else StretchRule()


def _plan(job: Translate) -> tuple[list[_Planned], list[Finding]]:
    """Which image becomes which picture; refused as a whole if one of these is there already."""
    found: list[tuple[str, Path, str]] = []
    for path in map(Path, job.paths):
        if path.is_dir():
            found += [(name, path / name, name) for name in list_images(path)]
        else:
            found.append((str(path), path, path.name))
    if not found:
        named = " and ".join(f"'{path}'" for path in job.paths[:3])
        raise UsageError(f"There are no images in {named}.", "", "Choose a folder with PNG, JPEG, TIFF or NPY files.")
    plan: dict[str, _Planned] = {}
    findings: list[Finding] = []
    for name, path, picture in found:
        is_ending = PurePosixPath(picture).suffix.lower() in IMAGE_SUFFIXES  # and not a part of a name with dots
        stem = str(PurePosixPath(picture).with_suffix("")) if is_ending else picture
        if stem in plan:
            findings.append(same_picture(name, plan[stem].name, stem))
        else:
            plan[stem] = _Planned(name, path, stem)
    suffixes = SUFFIXES.values() if job.format == "auto" else (SUFFIXES[job.format],)
    there = [Path(job.output) / f"{stem}{suffix}" for stem in plan for suffix in suffixes]
    there = [path for path in there if path.exists()]
    if there:
        others = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(
            f"'{there[0]}'{others} would be written over.",
            "Translating never replaces a file, be it an image or an earlier picture.",
            "Choose another folder, or move what is there.",
        )
    return list(plan.values()), findings


@contextmanager
def _opened(job: Translate, translator: ImageTranslator, item: _Planned) -> Iterator[Scene]:
    """An image with the bands the translator takes."""
    inputs = translator.inputs
    no_data = inputs.no_data if job.no_data is None and job.stretch == "run" else job.no_data
    with open_scene(item.path, bands=job.bands or inputs.bands, no_data=no_data) as scene:
        if len(scene.bands) != inputs.channels:
            raise ImageError(
                f"The image '{item.path}' has {len(scene.bands)} band{'s' * (len(scene.bands) != 1)} to read, "
                f"and the translator takes {inputs.channels}.",
                "The translator was made for other images, or the bands must be chosen.",
                "Choose the bands by number.",
            )
        yield scene


def _suited(
    job: Translate, translator: ImageTranslator, stretches: Mapping[str, Stretch], scene: Scene
) -> ImageTranslator | None:
    """The translator with the stretch for an image; None if there is none."""
    dtype = scene.header.dtype
    if job.stretch == "run":
        return translator if dtype == translator.inputs.dtype else None
    stretch = stretches.get(dtype)
    if stretch is None:
        return None
    # The run's mean and spread stay, for they belong to the network: a scene of water must not look like one of fields.
    inputs = replace(translator.inputs, stretch=stretch, dtype=dtype, no_data=job.no_data)
    return replace(translator, inputs=inputs)


def _measure(
    job: Translate,
    translator: ImageTranslator,
    plan: Sequence[_Planned],
    rule: StretchRule,
    emit: Emit,
    control: Control,
) -> dict[str, Stretch]:
    """One stretch for every number type, over all images of it; in memory that does not grow with them."""
    gathered: dict[str, BandStatistics] = {}
    middles: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    bands: tuple[int, ...] = ()
    pace = Pace(emit, "Measuring values", len(plan))
    number = 0
    for item in plan:
        try:
            with _opened(job, translator, item) as scene:
                header, bands = scene.header, scene.bands
                step = max(1, _MEASURED_AT_ONCE // (header.width * len(bands)))
                for top in range(0, header.height, step):
                    control.check()
                    rows = (top, min(top + step, header.height))
                    statistics = BandStatistics(scene.read(rows, (0, header.width)), header.dtype, number)
                    number += 1
                    if header.dtype in gathered:
                        gathered[header.dtype].merge(statistics)
                    else:
                        gathered[header.dtype] = statistics
                    pace.within(item.name, rows[1] / header.height)
                if rule.despeckle_px and len(middles[header.dtype]) < MOST_IMAGES:
                    middles[header.dtype].append(scene.read(_middle(header.height), _middle(header.width)))
        except ImageError:
            pass  # told when it is to be translated
        pace.step(item.name)
    stretches = {
        dtype: measure_bands(statistics, bands, rule).stretch
        for dtype, statistics in gathered.items()
        if all(statistics.levels(band)[0].size for band in range(len(bands)))
    }
    if not rule.despeckle_px:
        return stretches
    return {dtype: measured_filter(one, rule.despeckle_px, middles[dtype]) for dtype, one in stretches.items()}


def _middle(length: int) -> Extent:
    start = max(0, (length - _MIDDLE_PX) // 2)
    return start, min(length, start + _MIDDLE_PX)


def _translate_one(
    job: Translate,
    translator: ImageTranslator,
    item: _Planned,
    scene: Scene,
    device: torch.device,
    pace: Pace,
    control: Control,
) -> TranslatedImage | None:
    """Write one picture; None (and no file) if the image holds no data at all."""
    header = scene.header
    is_tiff = job.format == "tif" or (job.format == "auto" and header.georeferenced)
    picture = f"{item.picture}{SUFFIXES['tif' if is_tiff else 'png']}"
    shown = 0
    try:
        with _new_picture(Path(job.output) / picture, scene, is_tiff) as write:
            work = partial(_window, translator, scene, device, control)
            strips = mosaic(
                header.height,
                header.width,
                work,
                tile=job.tile_px,
                overlap=job.overlap_px,
                reach=translator.network.reach + translator.inputs.raw_stretch.despeckle_px // 2,
            )
            for top, colours, present in strips:
                rows = np.rint(colours * 255.0).astype(np.uint8).transpose(1, 2, 0)
                rows[~present] = 0
                write(rows, present)
                shown += int(present.sum())
                pace.within(item.name, (top + len(rows)) / header.height)
            if not shown:
                raise _VoidError
    except _VoidError:
        return None
    return TranslatedImage(
        file=item.name,
        picture=picture,
        width=header.width,
        height=header.height,
        georeferenced=is_tiff and scene.place is not None,
        missing=1.0 - shown / (header.width * header.height),
    )


class _VoidError(Exception):
    """There is nothing in an image; its picture is thrown away."""


def _new_picture(path: Path, scene: Scene, is_tiff: bool) -> AbstractContextManager[Write]:
    width, height = scene.header.width, scene.header.height
    return tiff_picture(path, width, height, scene.place) if is_tiff else png_picture(path, width, height)


def _window(
    translator: ImageTranslator,
    scene: Scene,
    device: torch.device,
    control: Control,
    rows: Extent,
    columns: Extent,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(3, h, w) colours 0..1 of a window, and where there is data in all bands."""
    control.check()
    raw = scene.read(rows, columns)
    present = np.asarray(np.isfinite(raw).all(axis=0))
    if not present.any():
        return np.zeros((3, *present.shape), np.float32), present
    colours: NDArray[np.float32] = translator.colours(torch.from_numpy(raw)[None].to(device))[0].cpu().numpy()
    return colours, present
