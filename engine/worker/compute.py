"""Where to compute."""

from __future__ import annotations

from typing import TypeVar

import torch
from bandbridge.engine.api.config import DeviceChoice
from bandbridge.engine.api.errors import UsageError
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def choose_device(choice: DeviceChoice) -> torch.device:
    """The device to compute on.

    Raises:
        UsageError: CUDA was asked for and there is none.
    """
    if choice == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "There is no CUDA graphics card this program can use.",
            "Either the computer has none, or its driver or torch's CUDA support is missing.",
            "Choose 'auto' or 'cpu'.",
        )
    return torch.device("cuda" if choice != "cpu" and torch.cuda.is_available() else "cpu")


def device_words(device: torch.device) -> str:
    """A device for people."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def placed(module: Module, device: torch.device) -> Module:
    """A network where it computes, its weights laid out channels last, which processors and graphics cards prefer."""
    module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module
