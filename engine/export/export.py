"""Exporting a model: write, run both on real images, and only then put the file in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.api.jobs import Export
from bandbridge.engine.api.reports import ExportReport
from bandbridge.engine.api.run_files import MODEL_FILE
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.export.onnx_file import INPUT, OPSET, OUTPUT, write_onnx
from bandbridge.engine.export.verification import (
    LARGEST_DIFFERENCE,
    Comparison,
    compare,
    made_up_images,
    model_classifier,
    onnx_classifier,
    real_images,
)
from bandbridge.engine.models.model_file import read_sensor_model, write_sensor_model
from bandbridge.engine.models.sensor_model import SensorModel
from bandbridge.engine.models.source import open_model


def export(job: Export, control: Control, emit: Callable[[Event], None]) -> ExportReport:
    """Write a model file for others and check it against the model it came from.

    Args:
        job: `source` is a run folder or a model file.
        control: Looked at between the parts and for every batch of images.
        emit: Takes progress.

    Raises:
        ModelError: The model cannot be opened or expressed, or the exported file gives other results; then no file is
            left, and an older one at the same place stays.
        StorageError: The file could not be written.
        Stopped: The person asked to.
    """
    source, output = _model_file(Path(job.source)), Path(job.output)
    emit(Progress(title="Opening the model", done=0, total=3, unit="part"))
    opened = open_model(source)
    model = (opened if isinstance(opened, SensorModel) else SensorModel.from_source(opened)).eval()
    control.check()
    emit(Progress(title="Writing the file", done=1, total=3, unit="part", fraction=1 / 3))
    with replacing(output) as temporary:
        if job.format == "onnx":
            write_onnx(model, temporary)
        else:
            write_sensor_model(temporary, model)
        control.check()
        emit(Progress(title="Checking the file on images", done=2, total=3, unit="part", fraction=2 / 3))
        images = real_images(model, source.parent, control)
        written = onnx_classifier(temporary) if job.format == "onnx" else model_classifier(read_sensor_model(temporary))
        comparison = compare(model, written, images or made_up_images(model), control)
        _insist(comparison, output)
    return ExportReport(
        output=str(output),
        format=job.format,
        checked_images=len(images),
        largest_difference=comparison.largest_difference,
        same_classes=comparison.same_classes,
        explanation=_explain(job, model),
    )


def _model_file(source: Path) -> Path:
    """The model of a run folder, or the file itself."""
    file = source / MODEL_FILE if source.is_dir() else source
    if source.is_dir() and not file.is_file():
        raise ModelError(
            f"The folder '{source.name}' holds no finished model.",
            "A run writes 'model.safetensors' when it is done or stopped to be kept.",
            "Finish the run, or choose a model file.",
        )
    return file


def _insist(comparison: Comparison, output: Path) -> None:
    if not comparison.largest_difference <= LARGEST_DIFFERENCE:
        raise ModelError(
            f"'{output.name}' was not written, because it would give other results than the model.",
            f"On {comparison.images} images class probabilities differ by up to {comparison.largest_difference:.2g}; "
            f"at most {LARGEST_DIFFERENCE:g} is accepted.",
            "Export the model in the other format.",
        )


def _explain(job: Export, model: SensorModel) -> str:
    if job.format == "safetensors":
        return "Open it with this program on any computer; everything needed to use it is inside."
    bands = "1 band" if model.band_count == 1 else f"{model.band_count} bands"
    return (
        f"ONNX (opset {OPSET}): give '{INPUT}' the raw {model.inputs.dtype} values of {bands} as float32 "
        f"(N, {model.band_count}, H, W), any N, H and W; '{OUTPUT}' are those of {len(model.class_names)} classes."
    )
