"""Translator files: one safetensors file with a trained translator and everything needed to use it right."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.stretch_layer import StretchLayer
from bandbridge.engine.models.translator import TRANSLATOR_KINDS, Translator, build_translator
from bandbridge.engine.models.weight_file import read_safetensors
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

FORMAT = "bandbridge-translator-1"


@dataclass(frozen=True, slots=True)
class ImageTranslator:
    """A trained translator from a sensor's raw values to true colours.

    Attributes:
        network: Standardised sensor images -> the source model's input space.
        inputs: From the sensor's raw values to what the network takes.
        mean: Per channel of the source model's input, added at the end.
        std: Per channel, multiplied before.
        provenance: Where it comes from.
    """

    network: Translator
    inputs: InputSpec
    mean: tuple[float, ...]
    std: tuple[float, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)

    def colours(self, raw: Tensor) -> Tensor:
        """RGB values 0..1 of raw sensor images at their own size.

        Args:
            raw: (B, bands, H, W) float32, NaN where there is nothing; any height and width.

        Returns:
            (B, 3, H, W), clipped to 0..1: what lies beyond cannot be shown.
        """

        def column(values: tuple[float, ...]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=raw.device)[:, None, None]

        shown = StretchLayer(self.inputs.raw_stretch, self.inputs.no_data).to(raw.device)(raw)
        self.network.eval()
        with torch.inference_mode():
            translated = self.network((shown - column(self.inputs.mean)) / column(self.inputs.std))
        return true_colours(translated, self.mean, self.std)


def true_colours(translated: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """(B, 3, H, W) in a source model's input space -> 0..1, clipped."""
    mean_column = torch.tensor(mean, dtype=torch.float32, device=translated.device)[:, None, None]
    std_column = torch.tensor(std, dtype=torch.float32, device=translated.device)[:, None, None]
    return (translated * std_column + mean_column).clamp(0.0, 1.0)


def save_translator(path: Path, translator: ImageTranslator) -> None:
    """Write a translator in one step.

    Raises:
        StorageError: There is no space or no permission; nothing was changed.
    """
    network = translator.network
    facts: dict[str, object] = {
        "kind": network.kind,
        "channels": network.channels,
        "inputs": translator.inputs.to_json(),
        "mean": list(translator.mean),
        "std": list(translator.std),
        "provenance": dict(translator.provenance),
    }
    metadata = {"format": "pt", "bandbridge": FORMAT} | {key: json.dumps(value) for key, value in facts.items()}
    tensors = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in network.state_dict().items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, str(temporary), metadata=metadata)
        except SafetensorError as error:  # it wraps the system's error in text
            full = "os error 28" in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


def read_translator(path: Path) -> ImageTranslator:
    """Read a translator file, frozen.

    Raises:
        ModelError: It is no translator of this program, or is damaged.
    """
    file = read_safetensors(path)
    facts = file.metadata
    if facts.get("bandbridge") != FORMAT:
        raise ModelError(
            f"'{path.name}' holds no translator this program can read.",
            "Only runs that build a bridge (TGMB + TGKT and its kin) leave one.",
            "Choose such a run.",
        )
    try:
        inputs = InputSpec.from_json(cast("Mapping[str, object]", facts["inputs"]))
        kind = next(kind for kind in TRANSLATOR_KINDS if kind == facts["kind"])
        network = build_translator(kind, inputs.channels, int(cast("int", facts["channels"])))
        network.load_state_dict(dict(file.tensors))
        mean, std = (tuple(float(v) for v in cast("list[float]", facts[name])) for name in ("mean", "std"))
        provenance = {str(k): str(v) for k, v in cast("dict[str, str]", facts["provenance"]).items()}
    except (KeyError, TypeError, ValueError, StopIteration, RuntimeError) as error:
        raise ModelError(
            f"'{path.name}' does not hold what its description says.",
            "The file is damaged or was changed.",
            "Run the adaptation again.",
            details=f"{type(error).__name__}: {error}",
        ) from error
    network.freeze()
    return ImageTranslator(network, inputs, mean, std, provenance)
