"""One image of a run as large as it is, with what the run's translator and models make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, ModelError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import LookCloser
from bandbridge.engine.api.reports import PicturesReport
from bandbridge.engine.api.run_files import MODEL_FILE, RUN_FILE, TRANSLATOR_FILE
from bandbridge.engine.imagery.decoded import resize
from bandbridge.engine.imagery.folder import scan_images
from bandbridge.engine.imagery.formats.band_files import files_of
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.names.labels import match_classes
from bandbridge.engine.imagery.picture import picture, shrink
from bandbridge.engine.imagery.reader import load_image
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.adapter import sensor_encoder
from bandbridge.engine.models.sensor_model import SensorModel
from bandbridge.engine.models.source import SourceModel, open_source
from bandbridge.engine.models.translator_file import ImageTranslator, read_translator
from bandbridge.engine.validation.translation import ssim_map
from bandbridge.engine.worker.apply import load_model
from bandbridge.engine.worker.compute import choose_device
from bandbridge.engine.worker.config_file import read_config
from bandbridge.engine.worker.scene_files import SceneFiles, Side, files_measured, pair_scene, target_scene
from numpy.typing import NDArray
from torch import Tensor, nn

Emit = Callable[[Event], None]
Picture = NDArray[np.uint8]

LARGEST_PX = 2048


def look_closer(job: LookCloser, emit: Emit, control: Control) -> PicturesReport:
    """Pictures and answers for one image.

    Raises:
        UsageError: The folder holds no run, or the run has no such image.
        ImageError: The image cannot be read.
        ModelError: The run has no finished model.
    """
    run = _open(Path(job.run))
    config = run.config
    files = target_scene(config, job.file) if job.kind == "target" else pair_scene(config, job.file)
    control.check()
    image = load_image(files.sensor.path, bands=config.sensor_bands, no_data=config.no_data)
    if len(image.values) != run.model.band_count:
        raise ImageError(
            f"The image '{files.sensor.path}' no longer has the bands the run read.",
            f"It has {len(image.values)}, and the model takes {run.model.band_count}.",
            "Put the file the run was made with back in its place.",
        )
    if files.cuts is not None:
        image = replace(image, values=files.cuts[1].of(image.values))
    stretch = run.sensor_stretch(files.sensor, image.header.dtype, emit, control)
    shown = shrink(image.values, LARGEST_PX)
    missing = np.asarray(np.isnan(shown).any(axis=0))  # (H, W)
    translated = _translated(run, shown, stretch, missing)
    rgb = _rgb(run, files, missing.shape, emit, control)
    difference, likeness = _compared(translated, rgb, missing)
    answers = _Answers.of(run, image, stretch, choose_device(job.device))
    (truth,) = match_classes([job.file], run.model.class_names) if job.kind == "target" else (-1,)
    return PicturesReport(
        run=job.run,
        file=job.file,
        kind=job.kind,
        width=image.values.shape[2],
        height=image.values.shape[1],
        sensor=picture(shown, low=stretch.low, high=stretch.high, curve=stretch.curve, size_px=LARGEST_PX),
        translated=translated,
        rgb=rgb,
        rgb_file="" if rgb is None or files.rgb is None else str(files.rgb.path),
        difference=difference,
        ssim=likeness,
        class_names=run.model.class_names,
        source_on_sensor=answers.source_on_sensor,
        source_on_translated=answers.source_on_translated,
        adapted=answers.adapted,
        truth=run.model.class_names[truth] if truth >= 0 else "",
    )


@dataclass(slots=True)
class _Run:
    """What a run folder holds, opened."""

    config: RunConfig
    model: SensorModel
    translator: ImageTranslator | None
    sources: tuple[SourceModel, ...]
    encoders: tuple[nn.Module, ...]
    measured: dict[Side, Stretch] = field(default_factory=dict)

    def sensor_stretch(self, side: Side, dtype: str, emit: Emit, control: Control) -> Stretch:
        """The run's, or the one of the pairs' folder where its number type is another."""
        return self.model.inputs.raw_stretch if dtype == self.model.inputs.dtype else self._measure(side, emit, control)

    def rgb_stretch(self, side: Side, dtype: str, emit: Emit, control: Control) -> Stretch:
        """The one the run saw this RGB image under."""
        inputs = self.sources[0].inputs if self.sources else None
        if inputs is not None and inputs.stretch is not None and inputs.dtype == dtype:
            return inputs.stretch
        return Stretch.eight_bit(3) if dtype == "uint8" else self._measure(side, emit, control)

    def _measure(self, side: Side, emit: Emit, control: Control) -> Stretch:
        """Of the whole folder, as the run did; once."""
        key = replace(side, name="")
        if key not in self.measured:
            stretch = scan_images(
                side.folder,
                files_measured(self.config, side),
                bands=side.bands,
                rule=self.config.stretch,
                no_data=self.config.no_data,
                control=control,
                emit=emit,
                title="Measuring values",
                tiles=self.config.tiles,
            ).stretch
            if stretch is None:
                raise ImageError(f"No image in '{side.folder}' can be used any more.", "", "Put the images back.")
            self.measured[key] = stretch
        return self.measured[key]


def _open(folder: Path) -> _Run:
    file = folder / RUN_FILE
    if not file.is_file():
        raise UsageError(f"'{folder}' is no run folder.", f"It holds no {RUN_FILE}.", "Choose the folder of a run.")
    stamps = tuple(
        path.stat().st_mtime_ns if path.is_file() else 0
        for path in (file, folder / MODEL_FILE, folder / TRANSLATOR_FILE)
    )
    return _opened(folder, stamps)


@lru_cache(maxsize=1)  # a person looks at one image after the other
def _opened(folder: Path, stamps: tuple[int, ...]) -> _Run:
    config = read_config(folder / RUN_FILE)
    model = load_model(str(folder))
    translator = folder / TRANSLATOR_FILE
    sources = _sources(config, model)
    return _Run(
        config=config,
        model=model,
        translator=read_translator(translator) if translator.is_file() else None,
        sources=sources,
        encoders=tuple(sensor_encoder(source, model.band_count, config.adapter)[0].eval() for source in sources),
    )


def _sources(config: RunConfig, model: SensorModel) -> tuple[SourceModel, ...]:
    """The run's source models; none at all if one is no longer there or is another file by now."""
    try:
        sources = tuple(open_source(path) for path in config.sources)
    except ModelError:
        return ()
    known = {value for key, value in model.provenance.items() if key.startswith("source_model_sha256")}
    return sources if all(source.report.fingerprint in known for source in sources) else ()


def _translated(run: _Run, shown: NDArray[np.float32], stretch: Stretch, missing: NDArray[np.bool_]) -> Picture | None:
    """(H, W, 3), black where there is nothing."""
    if run.translator is None:
        return None
    inputs = replace(run.translator.inputs, stretch=stretch, mean=stretch.mean, std=stretch.std)
    translator = replace(run.translator, inputs=inputs)
    colours = translator.colours(torch.from_numpy(shown)[None])[0]  # (3, H, W)
    levels: Picture = (colours * 255.0).round().byte().permute(1, 2, 0).numpy().copy()
    levels[missing] = 0
    return levels


def _rgb(run: _Run, files: SceneFiles, shape: tuple[int, ...], emit: Emit, control: Control) -> Picture | None:
    """The RGB image of the scene, (H, W, 3); None where there is none that can be read."""
    if files.rgb is None or not files_of(files.rgb.path):
        return None
    try:
        image = load_image(files.rgb.path, bands=files.rgb.bands, no_data=run.config.no_data)
    except ImageError:
        return None
    if len(image.values) != 3:
        return None
    stretch = run.rgb_stretch(files.rgb, image.header.dtype, emit, control)
    values = image.values if files.cuts is None else files.cuts[0].of(image.values)
    seen = picture(values, low=stretch.low, high=stretch.high, curve=stretch.curve, size_px=LARGEST_PX)
    height, width = shape
    if seen.shape[:2] == (height, width):
        return seen
    way = cv2.INTER_AREA if seen.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(seen, (width, height), interpolation=way), np.uint8)


def _compared(
    translated: Picture | None, rgb: Picture | None, missing: NDArray[np.bool_]
) -> tuple[Picture | None, float | None]:
    """(H, W) unlikeness as grey levels, and the mean likeness of what is there."""
    if translated is None or rgb is None or missing.all():
        return None, None
    first, second = ((one.transpose(2, 0, 1)[None] / 255.0).astype(np.float32) for one in (translated, rgb))
    likeness = ssim_map(first, second)[0]  # (H, W)
    levels = np.rint(255.0 * np.clip(1.0 - likeness, 0.0, 1.0)).astype(np.uint8)
    levels[missing] = 0
    return levels, float(likeness[~missing].mean())


@dataclass(frozen=True, slots=True)
class _Answers:
    """(K,) probabilities by each model that can be asked."""

    source_on_sensor: NDArray[np.float32] | None
    source_on_translated: NDArray[np.float32] | None
    adapted: NDArray[np.float32]

    @classmethod
    def of(cls, run: _Run, image: Image, stretch: Stretch, device: torch.device) -> _Answers:
        """Ask them about the image as the run saw it: stretched and brought to the network's size."""
        mean, std = (torch.tensor(values)[:, None, None] for values in (stretch.mean, stretch.std))
        small = torch.from_numpy(resize(stretch.apply(image.values), run.model.size_px))
        seen = ((small - mean) / std)[None].to(device)  # (1, bands, S, S)
        model = run.model.to(device).eval()
        on_sensor = on_translated = None
        with torch.inference_mode():
            adapted = _probabilities(model.logits(seen))
            if run.sources:
                parts = [
                    source.head.to(device)(encoder.to(device)(seen))
                    for source, encoder in zip(run.sources, run.encoders, strict=True)
                ]
                on_sensor = _probabilities(torch.stack(parts).mean(dim=0))
            if run.sources and run.translator is not None:
                source = run.sources[0]
                translated = run.translator.network.to(device)(seen)
                on_translated = _probabilities(source.head(source.encoder.to(device)(translated)))
                run.translator.network.to("cpu")
        return cls(on_sensor, on_translated, adapted)


def _probabilities(logits: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = logits.softmax(dim=1)[0].float().cpu().numpy()
    return values
