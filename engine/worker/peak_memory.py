"""How much memory a run needed at most."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil
import torch

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def forget_peak(device: torch.device) -> None:
    """Begin to watch anew, as far as the system lets a process forget its peak (Linux does)."""
    with contextlib.suppress(OSError):
        _FORGET.write_text("5")
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]  # before it there is nothing to reset, and torch refuses
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb() -> float:
    """Most resident memory this process has held, in MiB."""
    if _STATUS.exists():
        # Not getrusage: there a child begins with the peak of the process that started it.
        lines = _STATUS.read_text().splitlines()
        return next((float(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM:")), 0.0)
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def peak_gpu_memory_mb(device: torch.device) -> float:
    """Most memory this process's tensors have held on a graphics card, in MiB; 0 on a processor."""
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
