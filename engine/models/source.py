"""Opening source models: files by strangers and this program's own, with every refusal in words."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnxruntime
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.jobs import InspectModel
from bandbridge.engine.api.reports import ModelReport
from bandbridge.engine.models.catalogue_index import catalogue_index
from bandbridge.engine.models.class_list import names_in, numbers, read_class_list
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.model_file import is_own, read_sensor_model
from bandbridge.engine.models.network import NetworkSpec, normalisation_layers, split
from bandbridge.engine.models.onnx_graph import GraphNetwork, json_or_text, read_graph
from bandbridge.engine.models.recognition import Recognised, Unrecognised, recognise
from bandbridge.engine.models.sensor_model import SensorModel
from bandbridge.engine.models.weight_file import WeightFile, file_kind, read_weights
from torch import nn

import timm  # isort: skip  after the cure in `network`
import torchvision.models  # isort: skip

__all__ = ["InputSpec", "SourceModel", "inspect_model", "open_model", "open_source"]

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_USUAL_SIZE = 224


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A trained RGB classifier, cut in two.

    Attributes:
        spec: How to build its network.
        encoder: Standardised RGB images (B, 3, S, S) -> features (B, D); eval mode.
        head: Features -> logits (B, K).
        inputs: From a file's raw values to what the encoder takes.
        class_names: K names.
        report: What the program sees in the file.
        provenance: What the file says about its origin.
    """

    spec: NetworkSpec
    encoder: nn.Module
    head: nn.Linear
    inputs: InputSpec
    class_names: tuple[str, ...]
    report: ModelReport
    provenance: Mapping[str, str] = field(default_factory=dict)


def open_model(path: str | Path, *, class_names: str | Path | None = None) -> SourceModel | SensorModel:
    """Open a model file; nothing in it is ever executed.

    Args:
        path: safetensors, PyTorch checkpoint, ONNX, or a file of this program's own.
        class_names: Text or CSV file with the names of the classes, or None to take what the file says.

    Returns:
        A source model, or an adapted model if this program adapted it.

    Raises:
        ModelError: The file cannot be used; the text says why and what else would do.
    """
    opened = _open(Path(path), class_names)
    if isinstance(opened, _Unopened):
        raise ModelError(f"'{Path(path).name}' {opened.what}.", opened.why, opened.do)
    return opened


def open_source(path: str | Path, *, class_names: str | Path | None = None) -> SourceModel:
    """Open a model file that must be a source model.

    Raises:
        ModelError: It cannot be used, or was adapted to a sensor already.
    """
    opened = open_model(path, class_names=class_names)
    if isinstance(opened, SensorModel):
        raise ModelError(
            f"'{Path(path).name}' was adapted to a sensor already.",
            "An adaptation starts from a classifier of RGB images.",
            "Choose the source model it came from.",
        )
    return opened


def inspect_model(job: InspectModel) -> ModelReport:
    """Say what the program sees in a model file, also when its network is not recognised.

    Raises:
        ModelError: The file is no model, is damaged or dangerous, or its class names do not fit.
    """
    path = Path(job.path)
    opened = _open(path, job.class_names)
    return _sensor_report(path, opened) if isinstance(opened, SensorModel) else opened.report


@dataclass(frozen=True, slots=True)
class _Unopened:
    """Weights that belong to no known network: what is wrong, what is known, what to do."""

    what: str
    why: str
    do: str
    report: ModelReport


def _open(path: Path, class_list: str | Path | None) -> SourceModel | SensorModel | _Unopened:
    kind = file_kind(path)
    if kind == "onnx":
        return _open_onnx(path, class_list)
    file = read_weights(path, kind)
    if is_own(file.metadata):
        return _open_own(path, file, class_list)
    found = recognise(file.tensors, file.metadata, path.stem, catalogue_index())
    if isinstance(found, Unrecognised):
        return _unopened(path, file, found)
    return _open_recognised(path, file, found, class_list)


def _open_own(path: Path, file: WeightFile, class_list: str | Path | None) -> SourceModel | SensorModel:
    model = read_sensor_model(path, file)
    if class_list is not None:
        model.class_names = read_class_list(class_list, len(model.class_names))
        model.names_known = True
    if model.role == "sensor":
        return model
    member = model.members[0]
    return SourceModel(
        spec=member.spec,
        encoder=member.encoder,
        head=member.head,
        inputs=model.inputs,
        class_names=model.class_names,
        report=_own_report(path, model),
        provenance=model.provenance,
    )


def _own_report(path: Path, model: SensorModel) -> ModelReport:
    member = model.members[0]
    several = f", {len(model.members)} networks" if len(model.members) > 1 else ""
    report = _report(path, member.spec, member.encoder, member.head, model.inputs)
    return replace(
        report,
        format="Bandbridge model",
        safety="Safe: this format holds numbers only, no program code.",
        explanation=f"This program wrote the file; it says everything needed to use the model{several}.",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        class_names=model.class_names,
        names_known=model.names_known,
        notes=(*_reading(model.inputs), *_origin(model.provenance)),
    )


def _reading(inputs: InputSpec) -> Iterator[str]:
    """Which raw values the model reads, and how they become 0 to 1."""
    if inputs.bands is not None:
        numbered = f"band {inputs.bands[0]}" if len(inputs.bands) == 1 else f"bands {_numbers(inputs.bands)}"
        yield f"Of images with more bands than it takes, {numbered} {'is' if len(inputs.bands) == 1 else 'are'} read."
    if inputs.stretch is not None:
        low, high = _numbers(inputs.stretch.low), _numbers(inputs.stretch.high)
        way = ", on a logarithmic scale" if inputs.stretch.curve == "log" else ""
        yield f"Raw values from {low} to {high} become 0 to 1{way}."
        if side := inputs.stretch.despeckle_px:
            yield f"A speckle filter with surroundings of {side} x {side} pixels follows."


def _origin(provenance: Mapping[str, str]) -> Iterator[str]:
    """Where the model comes from; long fingerprints are for the file alone."""
    for key, value in provenance.items():
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            yield f"{key[:1].upper()}{key[1:].replace('_', ' ')}: {value}."


def _sensor_report(path: Path, model: SensorModel) -> ModelReport:
    bands = "1 band" if model.band_count == 1 else f"{model.band_count} bands"
    report = _own_report(path, model)
    notes = (model.adapter, *report.notes) if model.adapter else report.notes
    return replace(report, sensor=f"{bands}, {model.inputs.dtype}", notes=notes)


def _unopened(path: Path, file: WeightFile, found: Unrecognised) -> _Unopened:
    report = ModelReport(
        path=str(path),
        format=file.format,
        safety=file.safety,
        recognised=False,
        architecture="",
        candidates=found.candidates,
        explanation=f"{found.explanation} {found.do}",
        parameters=sum(tensor.numel() for tensor in file.tensors.values()),
        fingerprint=_fingerprint(path),
        size_bytes=path.stat().st_size,
        notes=(*found.notes, *file.notes),
    )
    return _Unopened(found.what, found.explanation, found.do, report)


def _open_recognised(path: Path, file: WeightFile, found: Recognised, class_list: str | Path | None) -> SourceModel:
    spec = found.spec
    _check_counts(path, spec.input_channels, spec.classes)
    size_px, mean, std = _published_input(spec)
    notes = [f"The input size ({size_px} px) is that of {spec.name} in its catalogue."]
    given = _given_moments(file.metadata)
    if given is not None:
        mean, std = given
        notes.append("Mean and standard deviation are those the file gives.")
    else:
        notes.append(
            f"Mean {_numbers(mean)} and standard deviation {_numbers(std)} are assumed, as {spec.name} has them."
        )
    network = found.network.eval()
    images = _made_up_images(1, size_px)
    expected = _run(network, images, path)
    encoder, head = split(network, spec)
    if not _alike(expected, _run(nn.Sequential(encoder, head), images, path)):
        raise ModelError(
            f"'{path.name}' cannot be adapted.",
            f"In {spec.name} something stands between the last linear layer and the scores, or it is used twice.",
            "Use a network with one linear classifier, e.g. a ResNet, an EfficientNet or a plain vision transformer.",
        )
    names, names_note = _class_names(class_list, file.metadata, spec.classes)
    report = replace(
        _report(path, spec, encoder, head, InputSpec(size_px=size_px, mean=mean, std=std)),
        format=file.format,
        safety=file.safety,
        also_fits=found.also_fits,
        explanation=found.explanation,
        class_names=names or numbers(spec.classes),
        names_known=names is not None,
        notes=(*found.notes, *file.notes, *notes, *names_note),
    )
    return _source(report, spec, encoder, head)


def _open_onnx(path: Path, class_list: str | Path | None) -> SourceModel:
    if path.stat().st_size >= 2**31:
        raise ModelError(f"'{path.name}' is no ONNX file.", "An ONNX file holds at most 2 GB.", "Choose another file.")
    data = path.read_bytes()
    graph = read_graph(data, path.name)
    classes = graph.head.out_features
    _check_counts(path, graph.channels, classes)
    size_px, notes = _onnx_size(path, graph)
    _check_graph(path, data, graph, size_px)
    metadata = {key: json_or_text(value) for key, value in graph.metadata.items()}
    given = _given_moments(metadata)
    mean, std = given or (_IMAGENET_MEAN, _IMAGENET_STD)
    if given is not None:
        notes.append("Mean and standard deviation are those the file gives.")
    else:
        notes.append(f"Mean {_numbers(mean)} and standard deviation {_numbers(std)}, those of ImageNet, are assumed.")
    if graph.dropped:
        notes.append(
            f"{' and '.join(graph.dropped)} after the last linear layer was left out; the order of scores is the same."
        )
    names, names_note = _class_names(class_list, metadata, classes)
    spec = NetworkSpec(kind="onnx", name=path.stem, classes=classes, graph=data)
    report = replace(
        _report(path, spec, graph.encoder, graph.head, InputSpec(size_px=size_px, mean=mean, std=std)),
        format="ONNX",
        safety="Safe: the file describes calculations only and refers to no other file.",
        explanation="An ONNX file carries its own network; it gives the same scores here as in ONNX Runtime.",
        class_names=names or numbers(classes),
        names_known=names is not None,
        notes=(*notes, *names_note),
    )
    return _source(report, spec, graph.encoder, graph.head)


def _source(report: ModelReport, spec: NetworkSpec, encoder: nn.Module, head: nn.Linear) -> SourceModel:
    return SourceModel(
        spec=spec,
        encoder=encoder.eval(),
        head=head.eval(),
        inputs=InputSpec(size_px=report.input_size, mean=report.mean, std=report.std),
        class_names=report.class_names,
        report=report,
        provenance={"source_model": Path(report.path).name, "source_model_sha256": report.fingerprint},
    )


def _onnx_size(path: Path, graph: GraphNetwork) -> tuple[int, list[str]]:
    height, width = graph.image_size
    if height != width and height and width:
        raise ModelError(
            f"'{path.name}' takes images of {width} x {height} pixels.",
            "Images are brought to a square here.",
            "Export the model for a square input.",
        )
    size_px = height or width
    if size_px:
        return size_px, [f"The input size ({size_px} px) is that of the ONNX file."]
    return _USUAL_SIZE, [f"The ONNX file leaves the input size open; {_USUAL_SIZE} px is assumed."]


def _check_graph(path: Path, data: bytes, graph: GraphNetwork, size_px: int) -> None:
    """Compare the cut torch network with ONNX Runtime on two images, together and one by one.

    Raises:
        ModelError: They differ, e.g. because the graph was exported for one image at a time and cannot take more.
    """
    images = _made_up_images(2, size_px)
    after = {"Softmax": nn.Softmax(-1), "LogSoftmax": nn.LogSoftmax(-1), "Sigmoid": nn.Sigmoid()}
    network = nn.Sequential(graph.encoder, graph.head, *(after[name] for name in reversed(graph.dropped)))
    found = _run(network.eval(), images, path)
    expected = torch.cat([_run_onnx(path, data, images[number : number + 1]) for number in (0, 1)])
    if not _alike(expected.flatten(1), found):
        raise ModelError(
            f"'{path.name}' cannot be adapted.",
            "Taken apart and run on two images at once, its network does not give the same scores.",
            "Export it with a dynamic batch, or bring the weights as safetensors.",
        )


def _run_onnx(path: Path, data: bytes, images: torch.Tensor) -> torch.Tensor:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        scores = session.run(None, {session.get_inputs()[0].name: images.numpy()})[0]
    except Exception as error:
        # ONNX Runtime has an exception of its own for every status, with no common base.
        raise ModelError(
            f"'{path.name}' does not run in ONNX Runtime.",
            "Its graph contradicts itself or uses operations unknown there.",
            "Export it once more.",
            details=str(error),
        ) from error
    return torch.from_numpy(scores)


def _made_up_images(count: int, size_px: int) -> torch.Tensor:
    return torch.randn(count, 3, size_px, size_px, generator=torch.Generator().manual_seed(0))


def _run(network: nn.Module, images: torch.Tensor, path: Path) -> torch.Tensor:
    try:
        with torch.inference_mode():
            scores = network(images)
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError, KeyError) as error:
        raise ModelError(
            f"'{path.name}' does not run on images of {images.shape[-1]} x {images.shape[-1]} pixels.",
            str(error).splitlines()[0] if str(error) else type(error).__name__,
            "Export the model with a dynamic batch and one image input.",
            details=repr(error),
        ) from error
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2:
        raise ModelError(f"'{path.name}' does not give one score for every class.", "", "Choose a classifier.")
    return scores


def _alike(expected: torch.Tensor, found: torch.Tensor) -> bool:
    """Equal to 0.1 % of the largest score."""
    if expected.shape != found.shape or not bool(torch.isfinite(found).all()):
        return False
    return bool((expected - found).abs().max() <= 1e-3 * expected.abs().max().clamp(min=1e-3))


def _check_counts(path: Path, channels: int, classes: int) -> None:
    if channels != 3:
        raise ModelError(
            f"'{path.name}' takes images of {channels} channel{'s' if channels != 1 else ''}.",
            "A source model takes RGB images, three channels.",
            "Choose a classifier of RGB images.",
        )
    if classes < 2:
        raise ModelError(
            f"'{path.name}' has a single output.",
            "A classifier has a score for each of at least two classes.",
            "Choose a classifier.",
        )


def _published_input(spec: NetworkSpec) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Side in pixels, mean and standard deviation a catalogue's network was published with."""
    if spec.kind == "torchvision":
        transform = torchvision.models.get_model_weights(spec.name).DEFAULT.transforms()
        return int(transform.crop_size[0]), tuple(transform.mean), tuple(transform.std)
    config = timm.get_pretrained_cfg(spec.name, allow_unregistered=True)
    if config is None:
        return _USUAL_SIZE, _IMAGENET_MEAN, _IMAGENET_STD
    return int(config.input_size[-1]), tuple(config.mean), tuple(config.std)


def _class_names(
    class_list: str | Path | None, metadata: Mapping[str, object], classes: int
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Names from the list the person gave, else from the file, else None; and what to say about them."""
    if class_list is not None:
        return read_class_list(class_list, classes), ()
    names, note = names_in(metadata, classes)
    return names, (note,) if note else ()


def _given_moments(metadata: Mapping[str, object]) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation a file gives, for values in 0..1 (those for 0..255 are brought there)."""
    for mean_key, std_key in (("standardization_mean", "standardization_std"), ("mean", "std")):
        mean, std = _three(metadata.get(mean_key)), _three(metadata.get(std_key))
        if mean and std and min(std) > 0:
            scale = 255.0 if max(mean) > 2 else 1.0
            return tuple(value / scale for value in mean), tuple(value / scale for value in std)
    return None


def _three(value: object) -> tuple[float, ...] | None:
    good = isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(v, int | float) for v in value)
    return tuple(float(v) for v in value) if good and isinstance(value, list | tuple) else None


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _report(path: Path, spec: NetworkSpec, encoder: nn.Module, head: nn.Linear, inputs: InputSpec) -> ModelReport:
    """The facts that any opened model has; the rest is for the caller to fill in."""
    name = "ONNX graph" if spec.kind == "onnx" else spec.name
    return ModelReport(
        path=str(path),
        format="",
        safety="",
        recognised=True,
        architecture=f"torchvision/{name}" if spec.kind == "torchvision" else name,
        explanation="",
        parameters=sum(p.numel() for part in (encoder, head) for p in part.parameters()),
        input_channels=spec.input_channels,
        bands=inputs.channels,
        input_size=inputs.size_px,
        mean=inputs.mean,
        std=inputs.std,
        normalisation_layers=dict(Counter(type(layer).__name__ for layer in normalisation_layers(encoder).values())),
        feature_width=head.in_features,
        fingerprint=_fingerprint(path),
        size_bytes=path.stat().st_size,
    )


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
