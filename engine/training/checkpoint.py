"""Checkpoints: one safetensors file with every changing tensor of a stage, and where it stood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from bandbridge.engine.api.errors import TrainingError
from bandbridge.engine.api.storage import replacing
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

FORMAT = "bandbridge-checkpoint-1"


@dataclass(frozen=True, slots=True)
class Position:
    """Where training stands: `step` steps of stage number `stage` are done."""

    stage: int = 0
    step: int = 0


def save_checkpoint(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimisers: Mapping[str, Optimizer],
    position: Position,
    fingerprint: str,
) -> None:
    """Write a checkpoint in one step; an older one at `path` survives until the new one is complete.

    Args:
        path: File to write.
        modules: Everything that changes while training.
        optimisers: Their state is kept whole.
        position: Where training stands.
        fingerprint: Identifies the configuration; a resume refuses another one's checkpoint.

    Raises:
        StorageError: It could not be written; the older checkpoint is intact.
    """
    tensors = {f"module/{name}/{key}": value for name, m in modules.items() for key, value in m.state_dict().items()}
    numbers: dict[str, float] = {}
    for name, optimiser in optimisers.items():
        for index, state in optimiser.state_dict()["state"].items():
            for key, value in state.items():
                place = f"optimiser/{name}/{index}/{key}"
                if isinstance(value, Tensor):
                    tensors[place] = value
                elif value is not None:
                    numbers[place] = float(value)
    metadata = {
        "format": FORMAT,
        "position": json.dumps(asdict(position)),
        "numbers": json.dumps(numbers),
        "fingerprint": fingerprint,
    }
    owned = {key: value.detach().to("cpu", copy=True).contiguous() for key, value in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(owned, str(temporary), metadata=metadata)
        except SafetensorError as error:  # it wraps the operating system's error in text
            raise OSError(_system_error_number(str(error)), str(error)) from error


def _system_error_number(text: str) -> int:
    """The number in "... (os error 28)", 0 if there is none."""
    _, _, tail = text.partition("os error ")
    digits = "".join(character for character in tail if character.isdigit())
    return int(digits) if digits else 0


def read_position(path: Path, fingerprint: str) -> Position:
    """Where a checkpoint stands.

    Raises:
        TrainingError: The file is no checkpoint of this configuration.
    """
    try:
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise TrainingError(
            f"The checkpoint '{path.name}' cannot be read.",
            "The file is damaged or incomplete.",
            "Start the run anew, into another folder.",
            details=str(error),
        ) from error
    if metadata.get("format") != FORMAT or metadata.get("fingerprint") != fingerprint:
        raise TrainingError(
            f"The checkpoint '{path.name}' belongs to another configuration.",
            "Its settings, model or images differ from those of this run.",
            "Start the run anew, or go on with the configuration it was made with.",
        )
    return Position(**json.loads(metadata["position"]))


def load_checkpoint(path: Path, modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]) -> None:
    """Bring modules and optimisers to the state a checkpoint holds, to the bit.

    Args:
        path: File written by `save_checkpoint` for the same stage.
        modules: The same modules as when saving.
        optimisers: The same optimisers as when saving.
    """
    states: dict[str, dict[str, Tensor]] = {name: {} for name in modules}
    optimiser_states: dict[str, dict[int, dict[str, Tensor | float]]] = {name: {} for name in optimisers}
    with safe_open(str(path), "pt") as file:
        numbers = json.loads(file.metadata()["numbers"])
        for key in file.keys():  # noqa: SIM118  (a safetensors handle is no mapping)
            kind, name, rest = key.split("/", 2)
            if kind == "module":
                states[name][rest] = file.get_tensor(key)
            else:
                index, field = rest.split("/", 1)
                optimiser_states[name].setdefault(int(index), {})[field] = file.get_tensor(key)
    for place, value in numbers.items():
        _, name, index, field = place.split("/", 3)
        optimiser_states[name].setdefault(int(index), {})[field] = value
    for name, module in modules.items():
        module.load_state_dict(states[name])
    for name, optimiser in optimisers.items():
        optimiser.load_state_dict(
            {"state": optimiser_states[name], "param_groups": optimiser.state_dict()["param_groups"]}
        )
    if torch.cuda.is_available():
        torch.cuda.synchronize()
