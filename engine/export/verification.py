"""Running an exported file and the model it came from on the same images."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from bandbridge.engine.api.config import TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.run_files import RUN_FILE
from bandbridge.engine.imagery.folder import list_images
from bandbridge.engine.imagery.reader import read_image
from bandbridge.engine.models.sensor_model import SensorModel
from numpy.typing import NDArray

MOST_IMAGES = 32
LARGEST_DIFFERENCE = 1e-3
"""Of any class probability: above it, the file does not do what the model does."""

Classifier = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Raw images (B, bands, H, W) -> probabilities (B, K)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What running both gave.

    Attributes:
        images: Images both were run on.
        largest_difference: Of any class probability.
        same_classes: Whether every image got the same class.
    """

    images: int
    largest_difference: float
    same_classes: bool


def compare(
    model: SensorModel, other: Classifier, images: Sequence[NDArray[np.float32]], control: Control
) -> Comparison:
    """Run a model and its exported file on images, one by one and in batches, whole and cut to other sizes.

    Args:
        model: The trained model.
        other: The exported file.
        images: Raw, (bands, H, W) each, of any sizes.
        control: Looked at before every batch.
    """
    largest, same = 0.0, True
    for batch in _batches(images):
        control.check()
        with torch.inference_mode():
            expected = model(torch.from_numpy(batch)).numpy()
        found = other(batch)
        difference = float(np.abs(expected - found).max()) if expected.shape == found.shape else np.inf
        largest = max(largest, difference if np.isfinite(difference) else np.inf)
        same = same and np.array_equal(expected.argmax(axis=1), found.argmax(axis=1))
    return Comparison(len(images), largest, same)


def _batches(images: Sequence[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    by_shape: dict[tuple[int, ...], list[NDArray[np.float32]]] = defaultdict(list)
    for image in images:
        by_shape[image.shape].append(image)
    for group in by_shape.values():
        yield np.stack(group[:1])
        for start in range(1, len(group), 8):
            yield np.stack(group[start : start + 8])
    # A folder of equal images would leave height and width untried.
    for image in images[:2]:
        _, height, width = image.shape
        yield np.ascontiguousarray(image[None, :, : max(height * 2 // 3, 1), : max(width // 2, 1)])


def onnx_classifier(path: Path) -> Classifier:
    """An ONNX file as ONNX Runtime runs it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {name: images})[0], np.float32)

    return run


def model_classifier(model: SensorModel) -> Classifier:
    """A model read back from a file."""

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(model(torch.from_numpy(images)).numpy())

    return run


def real_images(model: SensorModel, run_folder: Path, control: Control) -> list[NDArray[np.float32]]:
    """Up to 32 target images of the run a model came from, evenly spread; none if they are gone or cannot be read."""
    found = _target(run_folder)
    if found is None:
        return []
    folder, tiles = found
    names = list_images(folder, tiles=tiles)
    chosen = [names[index] for index in sorted({*np.linspace(0, len(names) - 1, MOST_IMAGES, dtype=int).tolist()})]
    images = []
    for name in chosen if names else ():
        control.check()
        try:
            values = read_image(folder / name, bands=model.bands, no_data=model.no_data)
        except ImageError:
            continue
        if len(values) == model.band_count:
            images.append(values)
    return images


def _target(run_folder: Path) -> tuple[Path, TileRule] | None:
    """The target a run names in its `run.json`, a folder or a scene, and how it cut scenes."""
    try:
        config = json.loads((run_folder / RUN_FILE).read_text(encoding="utf-8"))["config"]
        target = Path(config["target"])
        tiles = TileRule(**config.get("tiles", {}))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next(((place, tiles) for place in (target, run_folder / target) if place.exists()), None)


def made_up_images(model: SensorModel) -> list[NDArray[np.float32]]:
    """Random raw values over the model's range, in several sizes, some pixels beyond it and some without data."""
    random = np.random.default_rng(0)
    stretch = model.inputs.raw_stretch
    low, high = (np.array(values, np.float32)[:, None, None] for values in (stretch.low, stretch.high))
    images = []
    for height, width in ((64, 64), (64, 64), (48, 100), (301, 200), (17, 23)):
        image = random.uniform(low, high, (model.band_count, height, width)).astype(np.float32)
        image[:, 3:6, :3], image[:, 3:6, 3:6] = low - high, 2 * high
        image[:, :3, :5] = np.nan if model.no_data is None else model.no_data
        images.append(image)
    return images
