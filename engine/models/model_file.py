"""This program's own model files: one safetensors file with the weights and everything needed to use them right.

Every fact is a JSON value under its own key in the file's metadata, readable without this program; the weights of
network n are named `n/encoder/...` and `n/head/...`, an ONNX source's graph is the bytes `n/graph`.
"""

from __future__ import annotations

import errno
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.models.adapter import ADAPTERS, Adapter, adapt
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.network import NetworkSpec, build
from bandbridge.engine.models.sensor_model import Member, SensorModel
from bandbridge.engine.models.weight_file import WeightFile, read_safetensors
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

FORMAT = "bandbridge-model-1"

_VERSIONED = ("bandbridge", "torch", "timm", "torchvision")


def save_sensor_model(path: str | Path, model: SensorModel) -> None:
    """Write a model in one step; whatever stood at `path` stays until the new file is complete.

    Args:
        path: File to write, usually `.safetensors`.
        model: A source model or an adapted one.

    Raises:
        StorageError: There is no space or no permission; nothing was changed.
    """
    with replacing(Path(path)) as temporary:
        write_sensor_model(temporary, model)


def write_sensor_model(path: Path, model: SensorModel) -> None:
    """Write a model straight to `path`.

    Raises:
        OSError: There is no space or no permission; a part of the file may be there.
    """
    tensors: dict[str, Tensor] = {}
    for number, member in enumerate(model.members):
        for part, module in (("encoder", member.encoder), ("head", member.head)):
            for name, value in module.state_dict().items():
                # A copy of its own for each: safetensors refuses tensors that share memory.
                tensors[f"{number}/{part}/{name}"] = value.detach().to("cpu", copy=True).contiguous()
        if member.spec.graph:
            tensors[f"{number}/graph"] = torch.frombuffer(bytearray(member.spec.graph), dtype=torch.uint8)
    try:
        save_file(tensors, str(path), metadata=_facts(model))
    except SafetensorError as error:  # it wraps the system's error in text
        full = "os error 28" in str(error)
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


def _facts(model: SensorModel) -> dict[str, str]:
    members = [{"network": member.spec.to_json(), "adapter": member.adapter} for member in model.members]
    facts: dict[str, object] = {
        "role": model.role,
        "members": members,
        "mixing": model.mixing.tolist(),
        "inputs": model.inputs.to_json(),
        "class_names": list(model.class_names),
        "names_known": model.names_known,
        "adapter": model.adapter,
        "provenance": model.provenance,
        "versions": {package: importlib.metadata.version(package) for package in _VERSIONED},
    }
    return {"format": "pt", "bandbridge": FORMAT} | {
        key: json.dumps(value, ensure_ascii=False) for key, value in facts.items()
    }


def is_own(metadata: Mapping[str, object]) -> bool:
    """Whether a safetensors file was written by this program (of this or another version)."""
    return str(metadata.get("bandbridge", "")).startswith("bandbridge-model-")


def read_sensor_model(path: Path, file: WeightFile | None = None) -> SensorModel:
    """Read a file of this program's own, in eval mode.

    Args:
        path: The file.
        file: Its content if it was read already.

    Raises:
        ModelError: Damaged, changed, or written by a newer version.
    """
    file = file or read_safetensors(path)
    facts = file.metadata
    if facts.get("bandbridge") != FORMAT:
        raise ModelError(
            f"'{path.name}' was written by another version of this program.",
            f"Its format is '{facts.get('bandbridge', 'unknown')}', this version reads '{FORMAT}'.",
            "Install the newest version.",
        )
    try:
        model = _assemble(facts, file.tensors)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, AssertionError) as error:
        raise ModelError(
            f"'{path.name}' does not hold what its description says.",
            "The file is damaged or was changed.",
            "Get the file again.",
            details=f"{type(error).__name__}: {error}",
        ) from error
    return model.eval()


def _assemble(facts: Mapping[str, object], tensors: Mapping[str, Tensor]) -> SensorModel:
    """Build every network and fill it, to the last tensor."""
    inputs = InputSpec.from_json(cast("Mapping[str, object]", facts["inputs"]))
    class_names = [str(name) for name in cast("list[str]", facts["class_names"])]
    members = []
    for number, described in enumerate(cast("list[dict[str, object]]", facts["members"])):
        graph = tensors.get(f"{number}/graph")
        network = cast("Mapping[str, str | int]", described["network"])
        spec = NetworkSpec.from_json(network, b"" if graph is None else graph.numpy().tobytes())
        encoder, head = build(spec)
        adapter = _adapter(described["adapter"])
        encoder = adapt(encoder, spec.input_channels, inputs.channels, adapter)
        encoder.load_state_dict(_under(tensors, f"{number}/encoder/"))
        head.load_state_dict(_under(tensors, f"{number}/head/"))
        if head.out_features != len(class_names):
            raise ValueError(f"{len(class_names)} class names for {head.out_features} classes")
        members.append(Member(spec, encoder, head))
    role = facts["role"]
    if role not in ("source", "sensor") or not members:
        raise ValueError(f"role {role!r}, {len(members)} networks")
    return SensorModel(
        members,
        inputs,
        class_names,
        role=role,
        mixing=torch.tensor(cast("list[float]", facts["mixing"])).view(len(members)),
        names_known=bool(facts["names_known"]),
        adapter=str(facts["adapter"]),
        provenance={str(k): str(v) for k, v in cast("dict[str, str]", facts["provenance"]).items()},
    )


def _adapter(value: object) -> Adapter:
    for adapter in ADAPTERS:
        if value == adapter:
            return adapter
    raise ValueError(f"adapter {value!r}")


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
