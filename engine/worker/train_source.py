"""Training a source model from class folders of RGB images, from configuration to model file."""

from __future__ import annotations

import difflib
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from bandbridge.engine.api.config import TrainSourceConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError, Stopped, UsageError
from bandbridge.engine.api.events import Event, Notice
from bandbridge.engine.api.jobs import TrainSource
from bandbridge.engine.api.reports import TrainSourceReport
from bandbridge.engine.api.storage import check_writable
from bandbridge.engine.imagery.reader import read_header
from bandbridge.engine.methods.supervised import Supervised
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.model_file import save_sensor_model
from bandbridge.engine.models.network import NetworkSpec, build, is_size_fixed, probe
from bandbridge.engine.models.sensor_model import Member, SensorModel
from bandbridge.engine.models.source import SourceModel, open_source
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.streams import FULL_SCALE, ImageBank, ImageStream
from bandbridge.engine.validation.scores import measure_scores
from bandbridge.engine.worker.compute import choose_device, device_words, placed
from bandbridge.engine.worker.labelled import LabelledFiles, LabelledImages, find_labelled, read_labelled
from bandbridge.engine.worker.train_watch import TrainWatcher
from torch import nn

import timm  # isort: skip  after the cure in `network`

Emit = Callable[[Event], None]

DEFAULT_ARCHITECTURE = "resnet18"
USUAL_SIZE_PX = 224
SIZE_STEP_PX = 32
"""The images' own size is rounded to a multiple of this: most networks halve an image five times."""
MOST_HEADERS = 200


def train_source(job: TrainSource, emit: Emit, control: Control) -> TrainSourceReport:
    """Train a source model and write it to the configuration's `output`.

    A share of every class, drawn by seed, is kept aside and only measured. Eight-bit images are taken as 0..255; of
    deeper ones the percentiles of the training images are frozen into the model file, and so are their mean and
    standard deviation. Without a size given, images enter at the network's own size, but no larger than they are: the
    median of their shorter sides, rounded to a multiple of 32 pixels, at least 32. Starting from a model file keeps all
    of it but the head. On "stop and keep" the model learned so far is written.

    Args:
        job: The configuration.
        emit: Takes events.
        control: Looked at for every file and every step.

    Raises:
        UsageError: The configuration cannot work.
        ImageError: Too few classes or images.
        ModelError: The network is unknown, does not fit the weights or the image size.
        TrainingError: Training broke down.
        StorageError: The model could not be written.
        Stopped: The person asked to, without keeping.
    """
    config = job.config
    began = time.perf_counter()
    _check(config)
    check_writable(Path(config.output))
    device = choose_device(config.device)
    start = None if config.weights is None else open_source(config.weights)
    spec = _describe_network(config, start)
    files = find_labelled(config, emit, control)
    spec, size_px = _sized(spec, config, start, files, emit)
    torch.manual_seed(derived_seed(config.seed, "new network"))
    encoder, head = _network(spec, size_px, start)
    images = read_labelled(config, files, size_px, emit, control)
    for finding in images.files.findings:
        emit(Notice.about(finding))

    inputs = _inputs(config, images, size_px)
    stage = Supervised(
        placed(encoder, device),
        head.to(device),
        learning_rate=config.learning_rate,
        bank=ImageBank(images.pixels, inputs.mean, inputs.std, device),
        held_out=np.flatnonzero(images.files.held_out),
        control=control,
        pretrained=start is not None,
        normalised_head=config.bottleneck > 0,
    )
    stopped_early = _train(config, stage, images, device, emit, control)
    predicted = stage.held_out_probabilities.argmax(dim=1).numpy().astype(np.int64)
    truth = images.files.labels[images.files.held_out]
    scores = measure_scores(truth, predicted, images.files.class_names)
    model = SensorModel(
        [Member(spec, encoder, stage.plain_head())],
        inputs,
        images.files.class_names,
        role="source",
        provenance={
            "trained on": f"{len(images.files.names)} images of '{Path(config.folder).name}'",
            "epochs": f"{config.epochs}{', stopped early' if stopped_early else ''}",
            "seed": str(config.seed),
            **({"held-out accuracy": f"{scores.accuracy:.4f}"} if scores else {}),
            **({"started from (SHA-256)": start.report.fingerprint} if start else {}),
        },
    )
    save_sensor_model(config.output, model)
    return TrainSourceReport(
        model=config.output,
        architecture=spec.name,
        class_names=images.files.class_names,
        images=len(images.files.names),
        held_out=scores,
        seconds=time.perf_counter() - began - control.paused_s,
        set_aside=images.files.findings,
        stopped_early=stopped_early,
    )


def _check(config: TrainSourceConfig) -> None:
    """Refuse what cannot work before anything is read."""
    rules = (
        (config.epochs >= 1, "The number of epochs must be at least 1."),
        (config.batch_size >= 2, "The batch size must be at least 2: batch statistics need two images."),
        (0.0 <= config.held_out <= 0.5, "The share of images kept aside must lie between 0 and 0.5."),
        (config.learning_rate > 0.0, "The learning rate must be above 0."),
        (config.bottleneck >= 0, "The width of the bottleneck cannot be negative."),
        (config.size_px is None or config.size_px >= 8, "The image size must be at least 8 pixels."),
        (config.rgb_bands is None or len(config.rgb_bands) == 3, "Three bands are needed: red, green and blue."),
    )
    for holds, words in rules:
        if not holds:
            raise UsageError(words, "", "Change this setting.")


def _describe_network(config: TrainSourceConfig, start: SourceModel | None) -> NetworkSpec:
    """The network asked for; its number of classes and its size are filled in later.

    Raises:
        ModelError: It is in no catalogue, or the weights are of another.
    """
    asked = config.architecture
    if start is None:
        name = asked or DEFAULT_ARCHITECTURE
        if not timm.is_model(name):
            near = difflib.get_close_matches(name.lower(), timm.list_models(), n=3, cutoff=0.5)
            raise ModelError(
                f"There is no network called '{name}'.",
                f"The nearest names are: {', '.join(near)}." if near else "It is not in timm's catalogue.",
                "Choose a name of timm's catalogue, e.g. resnet18.",
            )
        return NetworkSpec(kind="timm", name=name, classes=0, bottleneck=config.bottleneck)
    if start.spec.kind == "onnx":
        raise ModelError(
            "Training cannot start from an ONNX file.",
            "Its layers are frozen into a graph made for use, not for training.",
            "Choose a checkpoint or a safetensors file of the network.",
        )
    if asked is not None and asked not in (start.spec.name, *start.report.also_fits):
        raise ModelError(
            f"The weights to start from are not those of '{asked}'.",
            f"They are of '{start.spec.name}'.",
            f"Choose '{start.spec.name}', or other weights.",
        )
    return NetworkSpec(kind=start.spec.kind, name=start.spec.name, classes=0, bottleneck=config.bottleneck)


def _sized(
    spec: NetworkSpec, config: TrainSourceConfig, start: SourceModel | None, files: LabelledFiles, emit: Emit
) -> tuple[NetworkSpec, int]:
    """The network for these classes at this image size, and the size in pixels."""
    size_px = config.size_px or _own_size(spec, start)
    fixed = is_size_fixed(spec)
    if config.size_px is None and not fixed:
        shown_px = _size_of_images(Path(config.folder), files)
        if shown_px < size_px:
            text = f"Images enter at {shown_px} x {shown_px} pixels, their own size; {spec.name} would take {size_px}."
            emit(Notice(level="info", text=text))
            size_px = shown_px
    sized = NetworkSpec(
        kind=spec.kind,
        name=spec.name,
        classes=len(files.class_names),
        bottleneck=spec.bottleneck,
        image_size=size_px if fixed else 0,
    )
    return sized, size_px


def _own_size(spec: NetworkSpec, start: SourceModel | None) -> int:
    if start is not None:
        return start.inputs.size_px
    published = timm.get_pretrained_cfg(spec.name, allow_unregistered=True)
    return USUAL_SIZE_PX if published is None else int(published.input_size[-1])


def _size_of_images(folder: Path, files: LabelledFiles) -> int:
    """Median of the shorter sides of (at most 200 of) the images, rounded to a multiple of 32, at least 32."""
    stride = -(-len(files.names) // MOST_HEADERS)
    headers = [read_header(folder / name) for name in files.names[::stride]]
    median = statistics.median(min(header.width, header.height) for header in headers)
    return max(round(median / SIZE_STEP_PX), 1) * SIZE_STEP_PX


def _network(spec: NetworkSpec, size_px: int, start: SourceModel | None) -> tuple[nn.Module, nn.Linear]:
    """The network to train: new, or filled with the weights to start from, the head always new.

    Raises:
        ModelError: It cannot take images of this size.
    """
    try:
        encoder, head = build(spec)
        if start is not None:
            _trunk(encoder, spec).load_state_dict(_trunk(start.encoder, start.spec).state_dict())
        probe(encoder, head, spec.input_channels, size_px)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ModelError(
            f"The network '{spec.name}' cannot take images of {size_px} x {size_px} pixels.",
            str(error).splitlines()[0] if str(error) else "",
            "Choose another size, or leave it out.",
            details=repr(error),
        ) from error
    return encoder, head


def _trunk(encoder: nn.Module, spec: NetworkSpec) -> nn.Module:
    """An encoder without its bottleneck."""
    return encoder.get_submodule("trunk") if spec.bottleneck else encoder


def _inputs(config: TrainSourceConfig, images: LabelledImages, size_px: int) -> InputSpec:
    """How the model wants its images; mean and standard deviation are the training images'."""
    rows = np.flatnonzero(~images.files.held_out)
    sums, squares = np.zeros(3), np.zeros(3)
    for row in rows:
        values = images.pixels[row].astype(np.float64) / FULL_SCALE  # (3, S, S)
        sums += values.mean(axis=(1, 2))
        squares += (values**2).mean(axis=(1, 2))
    mean = sums / len(rows)
    std = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0.0))
    std = np.where(std > 0.0, std, 1.0)  # a band that never changes must not divide by nothing
    return InputSpec(
        bands=config.rgb_bands,
        size_px=size_px,
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        stretch=None if images.files.depth == "uint8" else images.stretch,
        dtype=images.files.depth,
        no_data=config.no_data,
    )


def _train(
    config: TrainSourceConfig,
    stage: Supervised,
    images: LabelledImages,
    device: torch.device,
    emit: Emit,
    control: Control,
) -> bool:
    """Train to the end or to "stop and keep"; returns whether it was stopped early."""
    stream = ImageStream(
        "labelled",
        stage.bank,
        chosen=np.flatnonzero(~images.files.held_out),
        batch_size=config.batch_size,
        augment=config.augment,
        shift=True,
        seed=config.seed,
        labels=images.files.labels,
    )
    watcher = TrainWatcher(
        stage=stage,
        emit=emit,
        control=control,
        class_names=images.files.class_names,
        steps=config.epochs * stream.steps_per_epoch(),
        steps_per_epoch=stream.steps_per_epoch(),
        device_words=device_words(device),
    )
    try:
        train(
            stage,
            {"labelled": stream},
            epochs=config.epochs,
            seed=config.seed,
            optimisers=build_optimisers(stage),
            watcher=watcher,
            control=control,
            device=device,
        )
    except Stopped as stopped:
        if not stopped.keep or watcher.report.steps_done == 0:
            raise
        stage.refresh()
        return True
    return False
