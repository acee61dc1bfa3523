"""Exporting a network for clips: write, run both on real windows, and only then put the file in its place.

The ONNX file (opset 17) takes windows as they are, standardisation is inside:

    pictures   input `clip`, float32 (N, 3, T, S, S): N windows of T pictures, RGB, values 0..255
    sound      input `sound`, float32 (N, 1, rows, 64): N windows of log-mel rows, 100 a second (`engine.video.log_mel`)

and gives `probabilities` (N, K), `features` (N, D) and `logits` (N, K). A clip's answer is the mean of its windows'
logits, made probabilities; for one window that is `probabilities`. N is free. The file's metadata tell the rest, and
the manual's page `video-export.md` explains it.
"""

from __future__ import annotations

import importlib.metadata
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import BandbridgeError, ModelError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.api.jobs import Export
from bandbridge.engine.api.reports import ExportReport
from bandbridge.engine.api.run_files import RUN_FILE
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.export.onnx_file import OPSET
from bandbridge.engine.export.verification import LARGEST_DIFFERENCE
from bandbridge.engine.video.clip_list import find_clips
from bandbridge.engine.video.clip_model import ClipModel, model_file, read_clip_model, write_clip_model
from bandbridge.engine.video.clip_set import read_clips
from bandbridge.engine.video.log_mel import (
    BANDS,
    FAINTEST,
    HIGHEST_HZ,
    HOP,
    LOWEST_HZ,
    SILENCE,
    SOUND_RATE_HZ,
    TRANSFORM,
    WINDOW,
)
from numpy.typing import NDArray
from torch.jit._trace import TracerWarning

CLIP_ONNX_FORMAT = "bandbridge-clips-onnx-2"
INPUTS = {"picture": "clip", "sound": "sound"}
OUTPUTS = ("probabilities", "features", "logits")
MOST_CLIPS = 16

Windows = NDArray[np.float32]
Answers = Callable[[Windows], list[NDArray[np.float32]]]


def export_clips(job: Export, control: Control, emit: Callable[[Event], None]) -> ExportReport:
    """Write a network for clips for others and check it against the model it came from.

    Raises:
        ModelError: The model cannot be opened or expressed, or the exported file gives other results; then no file is
            left, and an older one at the same place stays.
        StorageError: The file could not be written.
        Stopped: The person asked to.
    """
    source, output = Path(job.source), Path(job.output)
    emit(Progress(title="Opening the model", done=0, total=3, unit="part"))
    model = read_clip_model(source)
    control.check()
    emit(Progress(title="Writing the file", done=1, total=3, unit="part", fraction=1 / 3))
    with replacing(output) as temporary:
        if job.format == "onnx":
            write_clip_onnx(model, temporary)
        else:
            write_clip_model(temporary, model)
        control.check()
        emit(Progress(title="Checking the file on clips", done=2, total=3, unit="part", fraction=2 / 3))
        windows = _real_windows(model, model_file(source).parent, control)
        tried = windows if len(windows) else _made_up_windows(model)
        answers = _onnx(temporary) if job.format == "onnx" else _own(read_clip_model(temporary))
        largest, same = _compare(_own(model), answers, tried, control)
        if not largest <= LARGEST_DIFFERENCE:
            raise ModelError(
                f"'{output.name}' was not written, because it would give other results than the model.",
                f"On {len(tried)} windows probabilities differ by up to {largest:.2g}; "
                f"at most {LARGEST_DIFFERENCE:g} is accepted.",
                "Export the model in the other format.",
            )
    return ExportReport(
        output=str(output),
        format=job.format,
        checked_images=len(windows),
        largest_difference=largest,
        same_classes=same,
        explanation=_explain(job, model),
    )


def write_clip_onnx(model: ClipModel, path: Path) -> None:
    """Write a network for clips as one ONNX file.

    Raises:
        ModelError: It has a part that ONNX cannot express.
    """
    name = INPUTS[model.inputs.modality]
    try:
        with warnings.catch_warnings():
            # The exporter that can still write opset 17 announces its own end.
            warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based", DeprecationWarning)
            warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
            warnings.filterwarnings("ignore", "Converting a tensor to a Python", TracerWarning)
            torch.onnx.export(
                model,
                (torch.zeros(2, *model.inputs.shape),),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=[name],
                output_names=list(OUTPUTS),
                dynamic_axes={key: {0: "n"} for key in (name, *OUTPUTS)},
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
        raise ModelError(
            "The model cannot be written as ONNX.",
            "Its network has a part that ONNX cannot express.",
            "Export it as safetensors.",
            details=f"{type(error).__name__}: {error}",
        ) from error
    graph = onnx.load_model_from_string(path.read_bytes())
    for key, value in clip_metadata(model).items():
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph, full_check=True)
    path.write_bytes(graph.SerializeToString())


def clip_metadata(model: ClipModel) -> dict[str, str]:
    """What the file says about itself; values are JSON."""
    inputs = model.inputs
    layout = "N, RGB 0..255, pictures, height, width" if inputs.modality == "picture" else "N, 1, rows, mel bands"
    facts: dict[str, object] = {
        "bandbridge": CLIP_ONNX_FORMAT,
        "app_version": importlib.metadata.version("bandbridge"),
        "modality": inputs.modality,
        "layout": layout,
        "shape": list(inputs.shape),
        "pictures_per_second": inputs.rule.fps,
        "pictures_in_window": inputs.window,
        "size_px": inputs.rule.size_px,
        "windows": "side by side, the last ends with the clip; a shorter clip begins again, its sound ends in silence",
        "whole_clip": f"mean of the windows' logits, then {'sigmoid' if model.tags else 'softmax'}; mean of features",
        "class_names": dict(enumerate(model.class_names)),
        "several_labels": model.tags,
        "provenance": model.provenance,
    }
    if inputs.modality == "sound":
        facts["sound"] = {
            "rate_hz": SOUND_RATE_HZ,
            "channels": 1,
            "window": WINDOW,
            "window_shape": "Hann, symmetric",
            "hop": HOP,
            "centre": "row k on sample k hop, zeros before and behind",
            "transform": TRANSFORM,
            "power": f"squared magnitude / {WINDOW}",
            "bands": BANDS,
            "lowest_hz": LOWEST_HZ,
            "highest_hz": HIGHEST_HZ,
            "mel": "2595 log10(1 + f / 700)",
            "band_shape": "triangles of height 1, equally wide in mel",
            "value": f"natural logarithm of power in a band + {FAINTEST:g}",
            "silence": SILENCE,
        }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in facts.items()}


def _own(model: ClipModel) -> Answers:
    def run(windows: Windows) -> list[NDArray[np.float32]]:
        with torch.inference_mode():
            return [found.numpy() for found in model(torch.from_numpy(windows))]

    return run


def _onnx(path: Path) -> Answers:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(windows: Windows) -> list[NDArray[np.float32]]:
        return [np.asarray(found, np.float32) for found in session.run(None, {name: windows})]

    return run


def _compare(model: Answers, other: Answers, windows: Windows, control: Control) -> tuple[float, bool]:
    """Run both on windows, one by one and several at once.

    Returns:
        The largest difference of a probability or, relative to the largest value, of a feature or logit; and whether
        every window got the same class.
    """
    largest, same = 0.0, True
    for batch in (windows[:1], *(windows[first : first + 4] for first in range(0, len(windows), 4))):
        control.check()
        (expected, *rest), (found, *others) = model(batch), other(batch)
        differences = [np.abs(expected - found).max()]
        differences += [
            np.abs(a - b).max() / max(float(np.abs(a).max()), 1e-12) for a, b in zip(rest, others, strict=True)
        ]
        largest = max(largest, *(float(d) if np.isfinite(d) else np.inf for d in differences))
        same = same and np.array_equal(expected.argmax(axis=1), found.argmax(axis=1))
    return largest, same


def _real_windows(model: ClipModel, run_folder: Path, control: Control) -> Windows:
    """The first windows of up to 16 clips of the run a model came from; none if they are gone or cannot be read."""
    inputs = model.inputs
    none = np.zeros((0, *inputs.shape), np.float32)
    try:
        facts = json.loads((run_folder / RUN_FILE).read_text(encoding="utf-8"))
        found = find_clips(Path(facts["config"]["clips"]))
        chosen = found.clips[:: -(-len(found.clips) // MOST_CLIPS)]
        names = [clip.file for clip in chosen]
        clips, _ = read_clips(found.folder, names, inputs.rule, inputs.window, emit=lambda event: None, control=control)
    except (OSError, ValueError, KeyError, TypeError, BandbridgeError):
        return none
    seen = clips.has_pictures if inputs.modality == "picture" else clips.has_sound
    windows = []
    for row in np.flatnonzero(seen).tolist():
        if inputs.modality == "picture":
            windows.append(clips.pictures(row, 0).transpose(3, 0, 1, 2).astype(np.float32))
        else:
            windows.append(clips.sound(row, 0)[None].astype(np.float32))
    return np.stack(windows) if windows else none


def _made_up_windows(model: ClipModel) -> Windows:
    random = np.random.default_rng(0)
    low, high = (0.0, 255.0) if model.inputs.modality == "picture" else (SILENCE, 3.0)
    return random.uniform(low, high, (5, *model.inputs.shape)).astype(np.float32)


def _explain(job: Export, model: ClipModel) -> str:
    if job.format == "safetensors":
        return "Open it with this program on any computer; everything needed to use it is inside."
    inputs, shape = model.inputs, ", ".join(map(str, model.inputs.shape))
    what = (
        f"windows of {inputs.window} RGB pictures 0..255 at {inputs.rule.fps:g} a second"
        if inputs.modality == "picture"
        else "windows of log-mel sound, 100 rows a second"
    )
    return (
        f"ONNX (opset {OPSET}): give '{INPUTS[inputs.modality]}' {what} as float32 (N, {shape}), any N; "
        f"'probabilities' are those of {len(model.class_names)} {'tags' if model.tags else 'classes'}; the mean of a "
        "clip's 'logits' gives its answer, that of its 'features' finds similar clips."
    )
