"""Images that are there twice: the same values, or the same picture saved again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from bandbridge.engine.imagery.glimpse import OUTLINE_PX, Glimpse
from numpy.typing import NDArray

Sameness = Literal["same", "alike"]

MOST_BITS = 12
"""Bits of 64 in which the perceptual hashes of two versions of a picture may differ."""
LEAST_LIKENESS = 0.75
"""Correlation, of small pictures and of their details alone, from which two images are one picture."""

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Repeat:
    """An image and an earlier one that shows the same: "same" values, or "alike", the same picture saved again."""

    name: str
    earlier: str
    sameness: Sameness


def repeats(glimpses: Mapping[str, Glimpse]) -> tuple[Repeat, ...]:
    """The surplus images of a folder, each with the first it repeats.

    Constant images are left out, for they show nothing that could be the same.

    Args:
        glimpses: File -> its record, in order.
    """
    return _found(glimpses, glimpses, within=True)


def leaks(glimpses: Mapping[str, Glimpse], elsewhere: Mapping[str, Glimpse]) -> tuple[Repeat, ...]:
    """Images of one folder that are in another one too; `earlier` names the other's file.

    Args:
        glimpses: File -> its record.
        elsewhere: The other folder's.
    """
    return _found(glimpses, elsewhere, within=False)


def _found(mine: Mapping[str, Glimpse], others: Mapping[str, Glimpse], *, within: bool) -> tuple[Repeat, ...]:
    names, marks, outlines, details = _arrays(mine)
    other_names, other_marks, other_outlines, other_details = (
        (names, marks, outlines, details) if within else _arrays(others)
    )
    found: dict[int, Repeat] = {}
    first: dict[bytes, int] = {}
    for index, name in enumerate(other_names):
        first.setdefault(others[name].digest, index)
    for row, name in enumerate(names):
        same = first.get(mine[name].digest)
        if same is not None and not (within and same == row):
            found[row] = Repeat(name, other_names[same], "same")
    for rows, columns in _candidates(marks, other_marks):
        keep = rows > columns if within else np.ones(len(rows), bool)
        rows, columns = rows[keep], columns[keep]
        likeness = np.minimum(
            np.einsum("np,np->n", outlines[rows], other_outlines[columns]),
            np.einsum("np,np->n", details[rows], other_details[columns]),
        )
        for row, column in zip(rows[likeness >= LEAST_LIKENESS], columns[likeness >= LEAST_LIKENESS], strict=True):
            found.setdefault(int(row), Repeat(names[row], other_names[column], "alike"))
    return tuple(found[row] for row in sorted(found))


def _arrays(
    glimpses: Mapping[str, Glimpse],
) -> tuple[Sequence[str], NDArray[np.uint64], NDArray[np.float32], NDArray[np.float32]]:
    """Names, hashes (N,), outlines and their details (N, 1024) of length 1, of the images that are not constant."""
    kept = {name: glimpse for name, glimpse in glimpses.items() if glimpse.outline.any()}
    marks = np.array([glimpse.perceptual_hash for glimpse in kept.values()], np.uint64)
    outlines = np.zeros((len(kept), OUTLINE_PX * OUTLINE_PX), np.float32)
    details = np.zeros_like(outlines)
    for row, glimpse in enumerate(kept.values()):
        outlines[row] = glimpse.outline.ravel()
        # A bright left and a dark right side make many smooth pictures alike; what is finer tells them apart.
        detail = (glimpse.outline - cv2.GaussianBlur(glimpse.outline, (0, 0), 2)).ravel()
        # Cut off, so that one bright spot (a ship, a corner of land) does not outweigh everything around it.
        most = 3 * float(np.median(np.abs(detail)))
        details[row] = np.clip(detail, -most, most)
    for part in (outlines, details):
        part /= np.maximum(np.linalg.norm(part, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return list(kept), marks, outlines, details


def _candidates(
    marks: NDArray[np.uint64], others: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns whose hashes differ in few bits, block by block; memory does not grow with the square."""
    for start in range(0, len(marks), _BLOCK):
        apart = np.bitwise_count(marks[start : start + _BLOCK, None] ^ others[None])
        rows, columns = np.nonzero(apart <= MOST_BITS)
        for part in range(0, len(rows), 1 << 16):  # many bland images resemble each other
            yield rows[part : part + (1 << 16)] + start, columns[part : part + (1 << 16)]
