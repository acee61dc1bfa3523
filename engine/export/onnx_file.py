"""Writing a model as ONNX with everything between raw values and probabilities inside."""

from __future__ import annotations

import importlib.metadata
import json
import warnings
from pathlib import Path

import onnx
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models.sensor_model import SensorModel
from torch.jit._trace import TracerWarning

OPSET = 17
INPUT = "image"
OUTPUT = "probabilities"
ONNX_FORMAT = "bandbridge-onnx-1"

_LARGEST_PROTOBUF = 2**31 - 2**24


def write_onnx(model: SensorModel, path: Path) -> None:
    """Write a model as one ONNX file.

    The input `image` is float32 (N, bands, H, W) and takes raw sensor values as they are in the files (uint16 values
    cast to float32) with any N, H and W; the output `probabilities` is float32 (N, K).

    Args:
        model: In eval mode, on the CPU.
        path: File to write; the caller makes it safe.

    Raises:
        ModelError: The network has a part that ONNX cannot express, or is too large for one file.
    """
    if sum(parameter.numel() * 4 for parameter in model.parameters()) > _LARGEST_PROTOBUF:
        raise ModelError(
            "The model is too large for one ONNX file.",
            "An ONNX file holds at most 2 GB.",
            "Export it as safetensors.",
        )
    graph = _traced(model, path)
    opset = max((entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    foreign = [entry.domain for entry in graph.opset_import if entry.domain not in ("", "ai.onnx")]
    if opset != OPSET or foreign:
        raise ModelError(
            "The model cannot be written as plain ONNX.",
            f"The exporter gave opset {opset} with {', '.join(foreign) or 'no'} extensions instead of opset {OPSET}.",
            "Export it as safetensors.",
        )
    for key, value in onnx_metadata(model).items():
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(graph.SerializeToString())


def _traced(model: SensorModel, path: Path) -> onnx.ModelProto:
    """Trace the model on two small made-up images of unequal sides, so that no size is taken for another."""
    side = model.size_px
    images = torch.zeros(2, model.band_count, side + 3, side + 5)
    axes = {INPUT: {0: "n", 2: "height", 3: "width"}, OUTPUT: {0: "n"}}
    try:
        with warnings.catch_warnings():
            # The exporter that can still write opset 17 announces its own end.
            warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based", DeprecationWarning)
            warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
            # The borders of a speckle filter, written with a backward slice; it is worked out at run time instead.
            warnings.filterwarnings("ignore", "Constant folding - Only steps=1", UserWarning)
            # Networks look at the sizes of maps behind the resize, and those are the same for every image.
            warnings.filterwarnings("ignore", "Converting a tensor to a Python", TracerWarning)
            torch.onnx.export(
                model,
                (images,),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes=axes,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
        raise ModelError(
            "The model cannot be written as ONNX.",
            "Its network has a part that ONNX cannot express.",
            "Export it as safetensors.",
            details=f"{type(error).__name__}: {error}",
        ) from error
    return onnx.load_model_from_string(path.read_bytes())


def onnx_metadata(model: SensorModel) -> dict[str, str]:
    """What the file says about itself: the keys QGIS Deepness reads, then this program's own; values are JSON.

    Deepness divides values by 255 and then standardises. Both are undone here by a mean of 0 and a deviation of
    1/255, as the graph wants raw values. The output is one vector of probabilities an image.
    """
    inputs, stretch = model.inputs, model.inputs.raw_stretch
    facts: dict[str, object] = {
        "model_type": "Classifier",
        "class_names": dict(enumerate(model.class_names)),
        "tile_size": model.size_px,
        "tiles_size": model.size_px,
        "tiles_overlap": 0,
        "standardization_mean": [0.0] * model.band_count,
        "standardization_std": [1.0 / 255.0] * model.band_count,
        "bandbridge": ONNX_FORMAT,
        "app_version": importlib.metadata.version("bandbridge"),
        "role": model.role,
        "sensor": f"{model.band_count} band{'s' if model.band_count != 1 else ''}, {inputs.dtype}",
        "bands": None if model.bands is None else list(model.bands),
        "dtype": inputs.dtype,
        "stretch_lo": list(stretch.low),
        "stretch_hi": list(stretch.high),
        "stretch_curve": stretch.curve,
        "despeckle_px": stretch.despeckle_px,
        "nodata": inputs.no_data,
        "provenance": model.provenance,
        "source_model_sha256": model.provenance.get("source_model_sha256", ""),
    }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in facts.items()}
