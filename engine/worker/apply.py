"""Applying a model to images: predictions, and scores where there are labels."""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from bandbridge.engine.api.config import DeviceChoice, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, ModelError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import Evaluate, Predict
from bandbridge.engine.api.reports import EvaluateReport, Finding, Prediction, PredictReport
from bandbridge.engine.api.run_files import MODEL_FILE
from bandbridge.engine.api.storage import check_writable, replacing
from bandbridge.engine.imagery.doubts.findings import unreadable
from bandbridge.engine.imagery.doubts.scene_findings import empty_tiles, unreadable_tiles
from bandbridge.engine.imagery.folder import is_scene, list_images
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.formats.in_parts import is_in_parts
from bandbridge.engine.imagery.names.labels import match_classes
from bandbridge.engine.imagery.names.tile import is_tile_name, tile_of
from bandbridge.engine.imagery.reader import likely_bytes, load_image
from bandbridge.engine.imagery.reading.progress import Pace
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.imagery.scenes.tiles import tile_middle
from bandbridge.engine.models.class_list import read_class_list
from bandbridge.engine.models.sensor_model import SensorModel
from bandbridge.engine.models.source import open_model
from bandbridge.engine.validation.scores import measure_scores
from bandbridge.engine.worker.class_folders import unknown_class_folders
from bandbridge.engine.worker.compute import choose_device
from numpy.typing import NDArray

Emit = Callable[[Event], None]

BATCH = 32


def evaluate(job: Evaluate, emit: Emit, control: Control) -> EvaluateReport:
    """Measure a model on class folders.

    Raises:
        UsageError: No class folder is a class of the model.
        ModelError: The model cannot be used.
    """
    model = load_model(job.model, job.class_names)
    names = list_images(job.folder, control=control)
    if not names:
        raise _no_images([job.folder])
    truth = match_classes(names, model.class_names)
    labelled = [name for name, index in zip(names, truth, strict=True) if index >= 0]
    if not labelled:
        found = sorted({name.split("/")[0] for name in names if "/" in name})
        raise UsageError(
            f"None of the folders in '{job.folder}' is a class of this model.",
            f"The model knows: {_some(model.class_names)}. The folders are: {_some(found) if found else 'none'}.",
            "Rename the folders, or give a list that names the model's classes as the folders are named.",
        )
    files = [(name, Path(job.folder) / name) for name in labelled]
    outcome = _apply(model, files, job.bands, job.device, emit, control)
    by_name = dict(zip(names, truth.tolist(), strict=True))
    scores = measure_scores(
        np.asarray([by_name[name] for name in outcome.names], np.int64),
        outcome.probabilities.argmax(axis=1).astype(np.int64),
        model.class_names,
    )
    if scores is None:
        first = outcome.findings[0]
        raise ImageError(
            f"No labelled image in '{job.folder}' can be classified.", f"{first.what} {first.why}".strip(), first.do
        )
    strangers = unknown_class_folders(names, truth)
    return EvaluateReport(model=job.model, folder=job.folder, scores=scores, set_aside=(*outcome.findings, *strangers))


def predict(job: Predict, emit: Emit, control: Control) -> PredictReport:
    """Classify images, the images of folders, and the tiles of scenes.

    Raises:
        UsageError: There are no images, or the rule for tiles is none.
        ImageError: None of them can be read.
        ModelError: The model cannot be used.
        StorageError: The table cannot be written.
    """
    if job.output:
        check_writable(Path(job.output))
    model = load_model(job.model, job.class_names)
    files: list[tuple[str, Path]] = []
    rule = replace(job.tiles or TileRule(), most=sys.maxsize)
    for path in map(Path, job.paths):
        if path.is_dir():
            files += [(name, path / name) for name in list_images(path, tiles=rule, control=control)]
        elif is_scene(path) or (job.tiles is not None and is_in_parts(path)):
            files += [(f"{path}/{name}", path / name) for name in list_images(path, tiles=rule, control=control)]
        else:
            files.append((str(path), path))
    if not files:
        raise _no_images(job.paths)
    outcome = _apply(model, files, job.bands, job.device, emit, control, rule.most_missing)
    if not outcome.names:
        first, count = outcome.findings[0], len(files)
        raise ImageError(
            f"None of the {count} images can be classified." if count > 1 else "The image cannot be classified.",
            f"{first.what} {first.why}",
            first.do,
        )
    predictions = tuple(
        Prediction(
            file=name,
            class_name=model.class_names[int(row.argmax())],
            confidence=float(row.max()),
            probabilities=tuple(row.tolist()),
            place=None if place is None else place[0],
            system="" if place is None else place[1],
        )
        for name, row, place in zip(outcome.names, outcome.probabilities, _places(outcome.names, files), strict=True)
    )
    if job.output:
        _write_table(Path(job.output), model.class_names, predictions)
    return PredictReport(
        model=job.model,
        class_names=model.class_names,
        predictions=predictions,
        output=job.output or "",
        set_aside=outcome.findings,
    )


def load_model(path: str, class_list: str | None = None) -> SensorModel:
    """A model ready to be applied: an adapted one, a run folder's, or a source model on RGB images.

    Args:
        path: Model file or run folder.
        class_list: Text or CSV file that names its classes anew, or None.

    Raises:
        ModelError: The file cannot be used, or the list does not fit it.
    """
    file = Path(path)
    if file.is_dir():
        if not (file / MODEL_FILE).is_file():
            raise ModelError(
                f"The folder '{path}' holds no model.",
                "A finished run keeps its model there; this one has none.",
                "Finish the run first, or name a model file.",
            )
        file = file / MODEL_FILE
    opened = open_model(str(file))
    model = opened if isinstance(opened, SensorModel) else SensorModel.from_source(opened)
    if class_list is not None:
        model.class_names = read_class_list(class_list, len(model.class_names))
    return model


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Probabilities (N, K) of the images that could be read, in the order given."""

    names: tuple[str, ...]
    probabilities: NDArray[np.float32]
    findings: tuple[Finding, ...]


def _apply(
    model: SensorModel,
    files: Sequence[tuple[str, Path]],
    bands: tuple[int, ...] | None,
    choice: DeviceChoice,
    emit: Emit,
    control: Control,
    most_missing: float = 1.0,
) -> _Outcome:
    device = choose_device(choice)
    model = model.to(device).eval()
    chosen = bands if bands is not None else model.bands
    found: dict[str, NDArray[np.float32]] = {}
    findings: list[Finding] = []
    depths: Counter[str] = Counter()
    for names, images in _batches(files, chosen, model, findings, depths, emit, control, most_missing):
        with torch.inference_mode():
            rows = model(torch.from_numpy(images).to(device)).cpu().numpy()
        found.update(zip(names, rows, strict=True))
    read = tuple(name for name, _ in files if name in found)
    table = np.stack([found[name] for name in read]) if read else np.zeros((0, len(model.class_names)), np.float32)
    strange = [depth for depth in depths if depth != model.inputs.dtype]
    findings += (_other_depth(depth, depths[depth], model.inputs.dtype) for depth in strange)
    return _Outcome(read, table, tuple(findings))


def _batches(
    files: Sequence[tuple[str, Path]],
    bands: tuple[int, ...] | None,
    model: SensorModel,
    findings: list[Finding],
    depths: Counter[str],
    emit: Emit,
    control: Control,
    most_missing: float,
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Images of one size together, at most `BATCH` of them, raw values; tiles that show too little are left out."""
    waiting: dict[tuple[int, ...], list[tuple[str, NDArray[np.float32]]]] = defaultdict(list)
    pace = Pace(emit, "Classifying images", len(files))
    empty: Counter[Path] = Counter()
    broken: dict[Path, list[ImageError]] = defaultdict(list)
    for (name, path), image in read_ahead(
        files, partial(_read, bands, model), control, lambda file: likely_bytes(file[1]), path_of=itemgetter(1)
    ):
        pace.step(name)
        is_tile = is_tile_name(path.name)
        if isinstance(image, ImageError):
            if is_tile:
                broken[path.parent].append(image)
            else:
                findings.append(unreadable(name, path, image))
            continue
        if is_tile and np.isnan(image.values).mean() > most_missing:
            empty[path.parent] += 1
            continue
        depths[image.header.dtype] += 1
        group = waiting[image.values.shape]
        group.append((name, image.values))
        if len(group) == BATCH:
            yield _stack(waiting.pop(image.values.shape))
    for group in waiting.values():
        yield _stack(group)
    count = Counter(path.parent for _, path in files)
    findings += (unreadable_tiles(str(scene), count[scene], errors) for scene, errors in broken.items())
    findings += (empty_tiles(str(scene), scene.name, empty[scene], count[scene], most_missing) for scene in empty)


def _places(
    names: Sequence[str], files: Sequence[tuple[str, Path]]
) -> Iterator[tuple[tuple[float, float], str] | None]:
    """Where on the map each of the named is, None for what is no tile."""
    paths = dict(files)
    for name in names:
        tile = tile_of(paths[name]) if is_tile_name(paths[name].name) else None
        yield None if tile is None else tile_middle(tile)


def _stack(group: list[tuple[str, NDArray[np.float32]]]) -> tuple[list[str], NDArray[np.float32]]:
    return [name for name, _ in group], np.stack([values for _, values in group])


def _read(bands: tuple[int, ...] | None, model: SensorModel, item: tuple[str, Path]) -> Image:
    _, path = item
    image = load_image(path, bands=bands, no_data=model.no_data)
    if len(image.values) != model.band_count:
        bands_read = "1 band" if len(image.values) == 1 else f"{len(image.values)} bands"
        raise ImageError(
            f"The image '{path}' has {bands_read}, and the model takes {model.band_count}.",
            "The model was made for other images, or the bands must be chosen.",
            "Choose the bands by number.",
        )
    return image


def _write_table(path: Path, class_names: Sequence[str], predictions: Sequence[Prediction]) -> None:
    is_placed = any(one.place is not None for one in predictions)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        heading = ("file", "class", "confidence", *(f"p({name})" for name in class_names))
        writer.writerow((*heading, *(("x", "y", "crs") if is_placed else ())))
        for one in predictions:
            numbers = (f"{value:.6f}" for value in one.probabilities)
            place = ("", "") if one.place is None else map(repr, one.place)
            where = (*place, one.system) if is_placed else ()
            writer.writerow((one.file, one.class_name, f"{one.confidence:.6f}", *numbers, *where))


def _other_depth(depth: str, count: int, usual: str) -> Finding:
    images = "1 image holds" if count == 1 else f"{count} images hold"
    return Finding(
        severity="warning",
        kind="depth",
        file="",
        what=f"{images} numbers of type {depth}; the model was made for {usual}.",
        why="Values on another scale look far too dark or too bright to it, so its answers mean little.",
        do=f"Give images saved as {usual}, as those it was made with, or a model made for {depth}.",
    )


def _no_images(folders: Sequence[str]) -> UsageError:
    named = " and ".join(f"'{folder}'" for folder in folders[:3])
    return UsageError(f"There are no images in {named}.", "", "Choose a folder with PNG, JPEG, TIFF or NPY files.")


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
