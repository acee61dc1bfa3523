"""Randomness without state: every random choice follows from the run's seed and where it is made.

A resumed run therefore repeats an uninterrupted one exactly, with no generator state to save.
"""

from __future__ import annotations

import hashlib

import torch


def derived_seed(seed: int, *place: str | int) -> int:
    """A 63-bit seed for one place of a run, e.g. `derived_seed(0, "target order", epoch)`."""
    text = repr((seed, *place)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def generator(seed: int, *place: str | int) -> torch.Generator:
    """A CPU random generator for one place of a run."""
    return torch.Generator().manual_seed(derived_seed(seed, *place))
