"""What the names and shapes of weights say about the network they belong to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a tensor -> its shape."""

# Counters and index tables: present or absent depending on the version that saved them, and made anew when absent.
_BOOKKEEPING = ("num_batches_tracked", "relative_position_index", "relative_coords_table", "attn_mask", "rel_pos_idx")

_PERMUTATIONS = 64
_PRIME = (1 << 31) - 1


def is_bookkeeping(name: str) -> bool:
    """Whether a tensor is no weight but something a network makes for itself."""
    return name.rpartition(".")[2] in _BOOKKEEPING


def weights_only(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Without bookkeeping."""
    return {name: tuple(shape) for name, shape in shapes.items() if not is_bookkeeping(name)}


def names_key(names: Iterable[str]) -> str:
    """Key of a set of names, order aside."""
    return _key("\n".join(sorted(names)))


def shapes_key(shapes: Shapes, heads: tuple[str, ...], first: tuple[str, ...]) -> str:
    """Key of names and shapes, whatever the number of classes and of input channels.

    Args:
        shapes: Of the weights.
        heads: Dotted paths of the classifying layers, whose first dimension is the number of classes.
        first: Dotted paths of the layers that take the image, whose second dimension is the number of channels.
    """
    lines = []
    for name, shape in sorted(shapes.items()):
        owner = name.rpartition(".")[0]
        if owner in heads:
            shape = shape[1:]
        elif owner in first and len(shape) > 1:
            shape = (shape[0], *shape[2:])
        lines.append(f"{name} {shape}")
    return _key("\n".join(lines))


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def sketch(shapes: Shapes) -> NDArray[np.uint16]:
    """MinHash of a network's layers, (64,) uint16: the share of equal entries estimates how alike two networks are.

    Layers are compared by their shapes in proportion to the network's greatest width and by how often each occurs;
    names play no part. So a network of another width, or with other names, still resembles its family.
    """
    wide = [shape[1] for shape in shapes.values() if len(shape) >= 2]
    width = max(wide, default=1)
    counts: Counter[str] = Counter()
    features: list[int] = []
    for shape in shapes.values():
        layer = f"{[round(size / width, 4) for size in shape[:2]]}{list(shape[2:])}"
        counts[layer] += 1
        features.append(int(_key(f"{layer} {counts[layer]}"), 16) % _PRIME)
    generator = np.random.default_rng(20260)
    factors = generator.integers(1, _PRIME, size=(2, _PERMUTATIONS, 1), dtype=np.int64)
    values = np.array(features or [0], dtype=np.int64)[None]  # (1, F)
    hashed = (factors[0] % (1 << 31) * values + factors[1]) % _PRIME  # (64, F), products stay below 2^62
    return np.asarray(hashed.min(axis=1) & 0xFFFF, dtype=np.uint16)


def likeness(one: NDArray[np.uint16], many: NDArray[np.uint16]) -> NDArray[np.float64]:
    """How alike a sketch (64,) is to each of (M, 64): (M,) estimates of the Jaccard index, 0..1."""
    return np.asarray((many == one).mean(axis=1), dtype=np.float64)
