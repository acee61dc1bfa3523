"""Gathering a run's images: which files, under which stretch, decoded once.

The order of the target images follows from their content alone, so that neither file names nor class folders can steer
training; class folders are read into `truth` for reports, and no method ever receives it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, PairingError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import ScanPairs
from bandbridge.engine.api.reports import Finding, FolderReport
from bandbridge.engine.api.sensor_profiles import NO_PROFILE
from bandbridge.engine.imagery.common_ground import Cuts, moved_pairs
from bandbridge.engine.imagery.decoded import DecodedSet, decode_images
from bandbridge.engine.imagery.folder import list_images, rgb_bands, scan_images
from bandbridge.engine.imagery.names.labels import match_classes
from bandbridge.engine.imagery.pairing import scan_pair_images
from bandbridge.engine.imagery.reader import read_header
from bandbridge.engine.imagery.reading.kept_pixels import KeptPixels
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.training.seeding import generator
from bandbridge.engine.worker.class_folders import unknown_class_folders
from numpy.typing import NDArray

Emit = Callable[[Event], None]

FEWEST_TARGETS = 2
MOST_HELD_OUT = 256


@dataclass(frozen=True, slots=True)
class TargetImages:
    """The target, in an order that depends on content alone.

    Attributes:
        decoded: The images.
        truth: (N,) class index, -1 where there is no label. For reports only.
        depth: Number type of the files, e.g. "uint16".
    """

    decoded: DecodedSet
    truth: NDArray[np.int64]
    depth: str


@dataclass(frozen=True, slots=True)
class PairImages:
    """All pairs of all folders, in the order of their keys.

    Attributes:
        names: Key of every pair.
        sensor: (N, bands, S, S) uint16.
        sensor_mean: (N, bands) of the stretched sensor values of each pair's folder.
        sensor_std: (N, bands).
        rgb: One (N, 3, S, S) uint16 array for every source model (the same array where they agree).
        training: Indices trained on.
        held_out: Indices kept aside.
        moved: How many were moved into place.
    """

    names: tuple[str, ...]
    sensor: NDArray[np.uint16]
    sensor_mean: NDArray[np.float32]
    sensor_std: NDArray[np.float32]
    rgb: tuple[NDArray[np.uint16], ...]
    training: NDArray[np.int64]
    held_out: NDArray[np.int64]
    moved: int


@dataclass(frozen=True, slots=True)
class Images:
    """Everything a run looks at.

    Attributes:
        target: The target images.
        pairs: The pairs, None without any.
        stretch: Of the target's sensor values, frozen into the adapted model.
        no_data: The raw value that means "nothing here": what the person said, else what the files declare.
        bands: 1-based bands of the sensor files, None for all.
        findings: Files set aside, with reasons.
    """

    target: TargetImages
    pairs: PairImages | None
    stretch: Stretch
    bands: tuple[int, ...] | None
    no_data: float | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _PairGroup:
    """The matched files of one pair of folders, and how those that are moved into place are cut."""

    folders: PairFolders
    keys: tuple[str, ...]
    rgb_files: tuple[str, ...]
    sensor_files: tuple[str, ...]
    cuts: tuple[Cuts | None, ...]
    rgb_depth: str
    rgb_stretch: Stretch
    sensor_depth: str
    sensor_stretch: Stretch
    rgb_seen: KeptPixels
    sensor_seen: KeptPixels


def gather_images(
    config: RunConfig,
    inputs: Sequence[InputSpec],
    class_names: Sequence[str],
    *,
    with_pairs: bool,
    emit: Emit,
    control: Control,
) -> Images:
    """Find, check, stretch and decode a run's images.

    Args:
        config: The run.
        inputs: What each source model expects; all of one size.
        class_names: Of the source models, to recognise class folders.
        with_pairs: Whether pairs are wanted at all.
        emit: Takes progress.
        control: Looked at for every file.

    Raises:
        ImageError: There are too few usable images.
        PairingError: Nothing pairs up.
    """
    findings: list[Finding] = []
    size_px = inputs[0].size_px
    target_folder = Path(config.target)
    seen = KeptPixels()
    scan = scan_images(
        target_folder,
        list_images(target_folder, config.exclude, config.tiles, control),
        bands=config.sensor_bands,
        rule=config.stretch,
        no_data=config.no_data,
        control=control,
        emit=emit,
        title="Looking through target images",
        see=seen,
        tiles=config.tiles,
    )
    findings += scan.report.findings
    if scan.stretch is None or len(scan.report.files) < FEWEST_TARGETS:
        raise _too_few(config.target, len(scan.report.files), scan.report.findings)
    stretch = scan.stretch
    depth = _depth(scan.report)
    groups = [_pair_group(folders, config, findings, control, emit) for folders in config.pairs] if with_pairs else []

    decoded, unreadable = decode_images(
        target_folder,
        scan.report.files,
        bands=config.sensor_bands,
        stretch=stretch,
        size_px=size_px,
        no_data=config.no_data,
        control=control,
        emit=emit,
        title="Reading target images",
        kept=seen,
    )
    seen.forget()
    findings.extend(unreadable)
    decoded = _in_order_of_content(decoded)
    if len(decoded) < FEWEST_TARGETS:
        raise _too_few(config.target, len(decoded), findings)
    pairs = _decode_pairs(config, inputs, groups, {depth: stretch}, findings, control, emit) if groups else None
    truth = match_classes(decoded.names, class_names)
    no_data = config.no_data
    if no_data is None:
        no_data = read_header(target_folder / decoded.names[0]).no_data
    findings += unknown_class_folders(decoded.names, truth)
    return Images(TargetImages(decoded, truth, depth), pairs, stretch, config.sensor_bands, no_data, tuple(findings))


def _in_order_of_content(decoded: DecodedSet) -> DecodedSet:
    digests = [
        hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest() for image in decoded.pixels
    ]
    order = sorted(range(len(digests)), key=lambda index: digests[index])
    return DecodedSet(
        names=tuple(decoded.names[index] for index in order),
        pixels=decoded.pixels[np.asarray(order, dtype=np.int64)],
        stretch=decoded.stretch,
        places=tuple(decoded.places[index] for index in order),
    )


def _too_few(folder: str, count: int, findings: Sequence[Finding]) -> ImageError:
    """The words for a target that cannot be worked with; the first reason a file was set aside is the best clue."""
    first = next((finding for finding in findings if finding.severity != "note"), None)
    return ImageError(
        f"There are too few usable target images in '{folder}': {count}, and at least {FEWEST_TARGETS} are needed.",
        f"{first.what} {first.why}".strip() if first else "The folder holds hardly any.",
        first.do if first else "Choose another folder.",
    )


def _depth(report: FolderReport) -> str:
    """The number type of a folder's usable images."""
    return next(iter(report.depths))


def _pair_group(
    folders: PairFolders, config: RunConfig, findings: list[Finding], control: Control, emit: Emit
) -> _PairGroup:
    """Pair the files of two folders by name."""
    job = ScanPairs(
        folders=folders,
        rgb_bands=config.rgb_bands,
        sensor_bands=config.sensor_bands,
        profile=NO_PROFILE,  # the run has settled everything
        stretch=config.stretch,
        no_data=config.no_data,
        exclude=config.exclude,
        tiles=config.tiles,
    )
    rgb_seen, sensor_seen = KeptPixels(), KeptPixels()
    scan = scan_pair_images(job, control, emit, rgb_seen, sensor_seen)
    report = scan.report
    sides = (*report.rgb.findings, *report.sensor.findings)
    found = (*report.findings, *sides)
    if not report.pairs or scan.rgb_stretch is None or scan.sensor_stretch is None:
        # What is wrong with the files themselves says more than that their partners are missing.
        unpaired = (finding for finding in report.findings if finding.severity == "error")
        others = (finding for finding in (*sides, *report.findings) if finding.severity != "note")
        first = next(itertools.chain(unpaired, others), None)
        raise PairingError(
            f"No image of '{folders.rgb}' has a usable partner in '{folders.sensor}'.",
            f"{first.what} {first.why}".strip() if first else "",
            first.do if first else "Give both images of a scene the same name, or list them in a CSV table.",
        )
    findings += found
    moved = moved_pairs(folders, report.pairs, control)
    findings += moved.findings
    pairs = [(key, rgb, sensor) for key, rgb, sensor in report.pairs if (rgb, sensor) not in moved.lost]
    if not pairs:
        raise PairingError(
            f"No pair is left of '{folders.rgb}' and '{folders.sensor}'.", moved.findings[0].why, moved.findings[0].do
        )
    keys, rgb_files, sensor_files = zip(*pairs, strict=True)
    return _PairGroup(
        folders=folders,
        keys=keys,
        rgb_files=rgb_files,
        sensor_files=sensor_files,
        cuts=tuple(moved.cuts.get((rgb, sensor)) for _, rgb, sensor in pairs),
        rgb_depth=_depth(report.rgb),
        rgb_stretch=scan.rgb_stretch,
        sensor_depth=_depth(report.sensor),
        sensor_stretch=scan.sensor_stretch,
        rgb_seen=rgb_seen,
        sensor_seen=sensor_seen,
    )


def _rgb_stretch(spec: InputSpec, group: _PairGroup) -> Stretch:
    """How RGB values of this number type become what a source model expects.

    Its own frozen stretch if it has one for this type, 0..255 for 8-bit images, else measured on these images.
    """
    if spec.stretch is not None and spec.dtype == group.rgb_depth:
        return spec.stretch
    return Stretch.eight_bit(spec.channels) if group.rgb_depth == "uint8" else group.rgb_stretch


def _decode_pairs(
    config: RunConfig,
    inputs: Sequence[InputSpec],
    groups: Sequence[_PairGroup],
    target_stretches: Mapping[str, Stretch],
    findings: list[Finding],
    control: Control,
    emit: Emit,
) -> PairImages:
    """Decode both sides of all pairs; a pair with an unreadable image is left out."""
    size_px = inputs[0].size_px
    names: list[str] = []
    sensors: list[NDArray[np.uint16]] = []
    means: list[NDArray[np.float32]] = []
    stds: list[NDArray[np.float32]] = []
    rgbs: list[list[NDArray[np.uint16]]] = [[] for _ in inputs]
    moved = 0
    for group in groups:
        # The model is made for the target's stretch, so pairs of the same number type are seen through it.
        stretch = target_stretches.get(group.sensor_depth, group.sensor_stretch)
        sensor, unreadable = decode_images(
            Path(group.folders.sensor),
            group.sensor_files,
            bands=config.sensor_bands,
            stretch=stretch,
            size_px=size_px,
            no_data=config.no_data,
            control=control,
            emit=emit,
            title="Reading the pairs' sensor images",
            cuts=[cut and cut[1] for cut in group.cuts],
            kept=group.sensor_seen,
        )
        group.sensor_seen.forget()
        findings += unreadable
        rgb_sets, rgb_unreadable = _decode_rgb(config, inputs, group, control, emit)
        group.rgb_seen.forget()
        findings += rgb_unreadable
        sensor_rows = {place: row for row, place in enumerate(sensor.places)}
        rgb_rows = {place: row for row, place in enumerate(rgb_sets[0].places)}
        kept = sorted(sensor_rows.keys() & rgb_rows.keys())
        if not kept:
            continue
        keys = [group.keys[place] for place in kept]
        rgb_index, sensor_index = [rgb_rows[place] for place in kept], [sensor_rows[place] for place in kept]
        moved += sum(group.cuts[place] is not None for place in kept)
        names += keys
        sensors.append(sensor.pixels[np.asarray(sensor_index)])
        means.append(np.broadcast_to(np.asarray(stretch.mean, np.float32), (len(keys), len(stretch.mean))))
        stds.append(np.broadcast_to(np.asarray(stretch.std, np.float32), (len(keys), len(stretch.std))))
        for collected, decoded in zip(rgbs, rgb_sets, strict=True):
            collected.append(decoded.pixels[np.asarray(rgb_index)])
    if not names:
        raise PairingError("No pair can be read.", "In every pair one image is damaged.", "See the list of findings.")
    held_out, training = _hold_out(len(names), config)
    return PairImages(
        names=tuple(names),
        sensor=np.concatenate(sensors),
        sensor_mean=np.concatenate(means),
        sensor_std=np.concatenate(stds),
        rgb=tuple(np.concatenate(parts) for parts in rgbs),
        training=training,
        held_out=held_out,
        moved=moved,
    )


def _decode_rgb(
    config: RunConfig, inputs: Sequence[InputSpec], group: _PairGroup, control: Control, emit: Emit
) -> tuple[list[DecodedSet], list[Finding]]:
    """The RGB side, decoded once for every different stretch the source models ask for."""
    folder = Path(group.folders.rgb)
    by_stretch: dict[Stretch, DecodedSet] = {}
    found: list[Finding] = []
    sets: list[DecodedSet] = []
    for spec in inputs:
        stretch = _rgb_stretch(spec, group)
        if stretch not in by_stretch:
            by_stretch[stretch], unreadable = decode_images(
                folder,
                group.rgb_files,
                bands=rgb_bands(config.rgb_bands, folder, group.rgb_files, profile=NO_PROFILE),
                stretch=stretch,
                size_px=spec.size_px,
                no_data=config.no_data,
                control=control,
                emit=emit,
                title="Reading the pairs' RGB images",
                cuts=[cut and cut[0] for cut in group.cuts],
                kept=group.rgb_seen,
            )
            if not found:
                found = list(unreadable)
        sets.append(by_stretch[stretch])
    return sets, found


def _hold_out(count: int, config: RunConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices kept aside and indices trained on, drawn by seed; at least one pair is always left to train on."""
    wanted = min(round(count * config.held_out), MOST_HELD_OUT, count - 1)
    order = np.random.default_rng(int(generator(config.seed, "held-out pairs").initial_seed())).permutation(count)
    return np.sort(order[:wanted]).astype(np.int64), np.sort(order[wanted:]).astype(np.int64)
