"""Gathering labelled images to train a source model on: which classes, which images are kept aside, decoded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import TrainSourceConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.folder import list_images, rgb_bands, scan_images
from bandbridge.engine.imagery.names.labels import class_of
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.imagery.survey import measure_stretch
from bandbridge.engine.training.seeding import derived_seed
from numpy.typing import NDArray

Emit = Callable[[Event], None]

FEWEST_IMAGES = 2


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """Which images belong to which class, and which are kept aside.

    Attributes:
        names: N paths relative to the folder.
        labels: (N,) class indices.
        held_out: (N,) whether an image is kept aside to measure.
        class_names: K class folders.
        depth: Number type of the files, e.g. "uint8".
        findings: Files set aside, with reasons.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    class_names: tuple[str, ...]
    depth: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """The same images, decoded.

    Attributes:
        files: Those that could be read, in the order of `pixels`.
        pixels: (N, 3, S, S) uint16; 0..65535 means stretched 0..1.
        stretch: Raw values to 0..1.
    """

    files: LabelledFiles
    pixels: NDArray[np.uint16]
    stretch: Stretch


def find_labelled(config: TrainSourceConfig, emit: Emit, control: Control) -> LabelledFiles:
    """Look through the images of the chosen classes and draw, class by class, those that are kept aside.

    Raises:
        UsageError: A chosen class does not exist.
        ImageError: There are fewer than two classes, or a class has fewer than two images.
    """
    names = list_images(config.folder, control=control)
    usable = scan_images(
        config.folder,
        names,
        bands=rgb_bands(config.rgb_bands, config.folder, names),
        rule=config.stretch,
        no_data=config.no_data,
        control=control,
        emit=emit,
    ).report
    if not usable.files and usable.findings:
        first = usable.findings[0]
        raise ImageError(f"No image in '{config.folder}' can be used.", f"{first.what} {first.why}", first.do)
    counts = Counter(name for name in map(class_of, usable.files) if name is not None)
    class_names = _choose(config, counts)
    for name in class_names:
        if counts[name] < FEWEST_IMAGES:
            raise ImageError(
                f"The class '{name}' has one usable image only.",
                "A class needs at least two: one to learn from and one to measure with.",
                "Add images to its folder, or leave the class out.",
            )
    index_of = {name: index for index, name in enumerate(class_names)}
    chosen = [(name, index_of[c]) for name in usable.files if (c := class_of(name)) in index_of and c is not None]
    labels = np.array([label for _, label in chosen], dtype=np.int64)
    loose = [name for name in usable.files if class_of(name) is None]
    return LabelledFiles(
        names=tuple(name for name, _ in chosen),
        labels=labels,
        held_out=_hold_out(labels, config),
        class_names=class_names,
        depth=next(iter(usable.depths)),
        findings=(*usable.findings, *map(_without_class, loose)),
    )


def read_labelled(
    config: TrainSourceConfig, files: LabelledFiles, size_px: int, emit: Emit, control: Control
) -> LabelledImages:
    """Decode labelled images. Eight-bit values are taken as 0..255, deeper ones stretched by the training images' own.

    Raises:
        ImageError: Damaged files left a class without images to learn from.
    """
    bands = rgb_bands(config.rgb_bands, config.folder, files.names)
    folder = Path(config.folder)
    if files.depth == "uint8":
        stretch = Stretch.eight_bit(len(bands))
    else:
        learned = [folder / name for name, aside in zip(files.names, files.held_out, strict=True) if not aside]
        stretch, _ = measure_stretch(
            learned, bands=bands, rule=config.stretch, no_data=config.no_data, control=control, emit=emit
        )
    decoded, unreadable = decode_images(
        folder,
        files.names,
        bands=bands,
        stretch=stretch,
        size_px=size_px,
        no_data=config.no_data,
        control=control,
        emit=emit,
        title="Reading labelled images",
    )
    read = _only(files, decoded.names, unreadable)
    learned_counts = np.bincount(read.labels[~read.held_out], minlength=len(read.class_names))
    for name, count in zip(read.class_names, learned_counts, strict=True):
        if count == 0:
            raise ImageError(
                f"The class '{name}' has no image left to learn from.",
                "Its files are damaged.",
                "See the list of files set aside.",
            )
    return LabelledImages(read, decoded.pixels, stretch)


def _choose(config: TrainSourceConfig, counts: Counter[str]) -> tuple[str, ...]:
    found = tuple(sorted(counts))
    listed = ", ".join(found) or "none"
    class_names = found if config.classes is None else tuple(dict.fromkeys(config.classes))
    missing = [name for name in class_names if name not in counts]
    if missing:
        raise UsageError(
            f"There is no class folder '{missing[0]}' with usable images in '{config.folder}'.",
            f"Its class folders are: {listed}.",
            "Choose among these.",
        )
    if len(class_names) < 2:
        raise ImageError(
            f"There are fewer than two classes to tell apart in '{config.folder}'.",
            f"Every class needs a folder of its own with images in it; found: {listed}.",
            "Choose the folder that holds the class folders.",
        )
    return class_names


def _hold_out(labels: NDArray[np.int64], config: TrainSourceConfig) -> NDArray[np.bool_]:
    """At least one image of every class is kept aside (unless none are wanted), and at least one is not."""
    held_out = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels) if config.held_out > 0 else ():
        rows = np.flatnonzero(labels == label)
        wanted = min(max(round(len(rows) * config.held_out), 1), len(rows) - 1)
        random = np.random.default_rng(derived_seed(config.seed, "held-out images", int(label)))
        held_out[random.permutation(rows)[:wanted]] = True
    return held_out


def _only(files: LabelledFiles, names: Sequence[str], unreadable: Sequence[Finding]) -> LabelledFiles:
    row_of = {name: row for row, name in enumerate(files.names)}
    rows = np.array([row_of[name] for name in names], dtype=np.int64)
    return LabelledFiles(
        tuple(names),
        files.labels[rows],
        files.held_out[rows],
        files.class_names,
        files.depth,
        (*files.findings, *unreadable),
    )


def _without_class(name: str) -> Finding:
    return Finding(
        severity="warning",
        kind="no-class",
        file=name,
        what=f"The image '{name}' lies in no class folder.",
        why="Its class is unknown, so nothing can be learned from it.",
        do="Move it into the folder of its class.",
    )
