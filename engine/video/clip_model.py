"""A trained network for clips with all it needs to be used right, and its file.

The file is safetensors: the weights as `encoder/...` and `head/...`, and every fact as JSON in its metadata.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from bandbridge.engine.api.config import Modality
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.reports import ModelReport
from bandbridge.engine.api.run_files import MODEL_FILE
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.video.clip_file import ReadingRule
from bandbridge.engine.video.clip_set import rows_in_window
from bandbridge.engine.video.log_mel import BANDS
from bandbridge.engine.video.picture_network import PictureNetwork
from bandbridge.engine.video.sound_network import SoundNetwork
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

FORMAT = "bandbridge-clips-1"
_FAMILY = "bandbridge-clips-"
_VERSIONED = ("bandbridge", "torch", "av")


@dataclass(frozen=True, slots=True)
class ClipInputs:
    """What a network for clips takes.

    Attributes:
        modality: "picture" or "sound".
        rule: How clips are read.
        window: Pictures in a window.
        mean: (3,) of pictures 0..1, or (64,) of log-mel bands.
        std: The same.
    """

    modality: Modality
    rule: ReadingRule
    window: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one window: (3, T, S, S) pictures, or (1, rows, 64) of sound."""
        if self.modality == "picture":
            return (3, self.window, self.rule.size_px, self.rule.size_px)
        return (1, rows_in_window(self.window, self.rule.fps), BANDS)


def build_encoder(modality: Modality, width: int, blocks: int) -> PictureNetwork | SoundNetwork:
    """A new network for windows of pictures or of sound; `blocks` counts for pictures alone."""
    return PictureNetwork(width, blocks) if modality == "picture" else SoundNetwork(width)


class ClipModel(nn.Module):
    """Raw windows in, chances, features and logits out.

    Args:
        encoder: Standardised windows -> (B, D).
        head: (B, D) -> (B, K).
        inputs: What it takes.
        class_names: K classes or tags.
        tags: Whether a clip may have several labels.
        width: Of the encoder.
        blocks: Of the encoder.
        provenance: Where it comes from.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Linear,
        inputs: ClipInputs,
        class_names: Sequence[str],
        *,
        tags: bool,
        width: int,
        blocks: int,
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.inputs = inputs
        self.class_names = tuple(class_names)
        self.tags = tags
        self.width = width
        self.blocks = blocks
        self.provenance = dict(provenance or {})
        self.mean: Tensor
        self.std: Tensor
        scale, shape = (255.0, (3, 1, 1, 1)) if inputs.modality == "picture" else (1.0, (1, 1, BANDS))
        for name, values in (("mean", inputs.mean), ("std", inputs.std)):
            self.register_buffer(name, scale * torch.tensor(values).view(shape), persistent=False)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Raw windows (B, *inputs.shape) float32 -> chances (B, K), features (B, D) and logits (B, K).

        Pictures are RGB, 0..255; sound is `log_mel`. The last layer is linear: the mean of the logits of a clip's
        windows is the last layer of the mean of their features, from which a clip's answer is made.
        """
        features = self.encoder((windows - self.mean) / self.std)
        logits = self.head(features)
        return self.chances(logits), features, logits

    def chances(self, logits: Tensor) -> Tensor:
        """(B, K) probabilities: of classes together 1, of every tag by itself."""
        return logits.sigmoid() if self.tags else logits.softmax(dim=1)


def model_file(place: Path) -> Path:
    """The model of a run folder, or the file itself."""
    return place / MODEL_FILE if place.is_dir() else place


def is_clip_model(place: Path) -> bool:
    """Whether a file, or that of a run folder, is a network for clips (of this or another version)."""
    file = model_file(place)
    if file.suffix != ".safetensors" or not file.is_file():
        return False
    try:
        with safe_open(str(file), "pt") as opened:
            return str((opened.metadata() or {}).get("bandbridge", "")).startswith(_FAMILY)
    except (SafetensorError, OSError):
        return False


def save_clip_model(path: Path, model: ClipModel) -> None:
    """Write a model in one step; whatever stood at `path` stays until the new file is complete.

    Raises:
        StorageError: There is no space or no permission; nothing was changed.
    """
    with replacing(path) as temporary:
        write_clip_model(temporary, model)


def write_clip_model(path: Path, model: ClipModel) -> None:
    """Write a model straight to `path`.

    Raises:
        OSError: There is no space or no permission; a part of the file may be there.
    """
    tensors = {
        f"{part}/{name}": value.detach().to("cpu", copy=True).contiguous()
        for part, module in (("encoder", model.encoder), ("head", model.head))
        for name, value in module.state_dict().items()
    }
    inputs = model.inputs
    facts: dict[str, object] = {
        "modality": inputs.modality,
        "fps": inputs.rule.fps,
        "size_px": inputs.rule.size_px,
        "window": inputs.window,
        "mean": inputs.mean,
        "std": inputs.std,
        "class_names": model.class_names,
        "tags": model.tags,
        "width": model.width,
        "blocks": model.blocks,
        "provenance": model.provenance,
        "versions": {package: importlib.metadata.version(package) for package in _VERSIONED},
    }
    metadata = {key: json.dumps(value, ensure_ascii=False) for key, value in facts.items()}
    try:
        save_file(tensors, str(path), metadata={"format": "pt", "bandbridge": FORMAT} | metadata)
    except SafetensorError as error:  # it wraps the system's error in text
        raise OSError(errno.ENOSPC if "os error 28" in str(error) else errno.EIO, str(error)) from error


def read_clip_model(place: Path) -> ClipModel:
    """Read a network for clips, in eval mode.

    Args:
        place: Model file or run folder.

    Raises:
        ModelError: Damaged, changed, or written by another version.
    """
    path = model_file(place)
    try:
        with safe_open(str(path), "pt") as file:
            facts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        if facts.get("bandbridge") != FORMAT:
            raise ModelError(
                f"'{path.name}' was written by another version of this program.",
                f"Its format is '{facts.get('bandbridge', 'unknown')}', this version reads '{FORMAT}'.",
                "Install the newest version.",
            )
        return _assembled(facts, tensors).eval()
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"'{path.name}' does not hold what its description says.",
            "The file is damaged or was changed.",
            "Get the file again.",
            details=f"{type(error).__name__}: {error}",
        ) from error


def inspect_clip_model(path: Path) -> ModelReport:
    """What the program sees in the file of a network for clips.

    Raises:
        ModelError: Damaged, changed, or written by another version.
    """
    model, content = read_clip_model(path), path.read_bytes()
    inputs, pictures = model.inputs, model.inputs.modality == "picture"
    layers = Counter(type(layer).__name__ for layer in model.modules() if isinstance(layer, _BatchNorm))
    seconds = inputs.window / inputs.rule.fps
    return ModelReport(
        path=str(path),
        format="Bandbridge network for clips",
        safety="Safe: this format holds numbers only, no program code.",
        recognised=True,
        architecture=f"{'R(2+1)D' if pictures else 'log-mel network'}, width {model.width}",
        explanation=f"It takes windows of {seconds:g} s: "
        + (f"{inputs.window} pictures, {inputs.rule.fps:g} a second." if pictures else "the sound, as log-mel rows."),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        class_names=model.class_names,
        names_known=True,
        input_channels=inputs.shape[0],
        bands=inputs.shape[0],
        input_size=inputs.rule.size_px if pictures else 0,
        mean=inputs.mean if pictures else (),
        std=inputs.std if pictures else (),
        normalisation_layers=dict(layers),
        feature_width=model.head.in_features,
        fingerprint=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        notes=("A clip may have several of its labels.",) if model.tags else (),
    )


def _assembled(facts: Mapping[str, str], tensors: Mapping[str, Tensor]) -> ClipModel:
    known = {key: json.loads(value) for key, value in facts.items() if key not in ("format", "bandbridge")}
    modality: Literal["picture", "sound"] = "picture" if known["modality"] == "picture" else "sound"
    encoder = build_encoder(modality, int(known["width"]), int(known["blocks"]))
    head = nn.Linear(encoder.feature_width, len(known["class_names"]))
    for part, module in (("encoder/", encoder), ("head/", head)):
        module.load_state_dict({k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)})
    rule = ReadingRule(fps=float(known["fps"]), size_px=int(known["size_px"]))
    return ClipModel(
        encoder,
        head,
        ClipInputs(modality, rule, int(known["window"]), tuple(known["mean"]), tuple(known["std"])),
        [str(name) for name in known["class_names"]],
        tags=bool(known["tags"]),
        width=int(known["width"]),
        blocks=int(known["blocks"]),
        provenance={str(k): str(v) for k, v in known["provenance"].items()},
    )
