"""Images that are there twice: the same values, or the same picture saved again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.imagery.doubts.glimpse import OUTLINE_PX, Glimpse
from numpy.typing import NDArray

Sameness = Literal["same", "alike"]

MOST_BITS = 14
"""Bits of 64 in which the perceptual hashes of two versions of a picture may differ."""
LEAST_LIKENESS = 0.75
"""Correlation, of small pictures and of their details alone, from which two images are one picture."""

# From here on, one of two pictures may be the other without its edges; hardly one of other places comes so far.
_MAY_BE_CUT = 0.2
_CUTS_PX = (1, 2)
# Hashes compared at once, rows and columns: what lies in a processor's nearest memory is compared many times faster.
_BLOCK = (64, 4096)
# Pictures compared at once.
_MOST_COMPARED = 4096


@dataclass(frozen=True, slots=True)
class Repeat:
    """An image and an earlier one that shows the same: "same" values, or "alike", the same picture saved again."""

    name: str
    earlier: str
    sameness: Sameness


def repeats(glimpses: Mapping[str, Glimpse], control: Control) -> tuple[Repeat, ...]:
    """The surplus images of a folder, each with the first it repeats.

    Constant images are left out, for they show nothing that could be the same.

    Args:
        glimpses: File -> its record, in order.
        control: Pause and stop.

    Raises:
        Stopped: The person asked to stop.
    """
    return _found(glimpses, None, control)


def leaks(glimpses: Mapping[str, Glimpse], elsewhere: Mapping[str, Glimpse], control: Control) -> tuple[Repeat, ...]:
    """Images of one folder that are in another one too; `earlier` names the other's file.

    Args:
        glimpses: File -> its record.
        elsewhere: The other folder's.
        control: Pause and stop.

    Raises:
        Stopped: The person asked to stop.
    """
    return _found(glimpses, elsewhere, control)


def _found(
    glimpses: Mapping[str, Glimpse], elsewhere: Mapping[str, Glimpse] | None, control: Control
) -> tuple[Repeat, ...]:
    """What is in a folder again, or, with another folder, what is in that one too."""
    mine = _Pictures(glimpses)
    others = mine if elsewhere is None else _Pictures(elsewhere)
    found: dict[int, Repeat] = {}
    first: dict[bytes, int] = {}
    for index, digest in enumerate(others.digests):
        first.setdefault(digest, index)
    for row, digest in enumerate(mine.digests):
        same = first.get(digest)
        if same is not None and not (elsewhere is None and same == row):
            found[row] = Repeat(mine.names[row], others.names[same], "same")
    for rows, columns in _candidates(mine.marks, others.marks, control, within=elsewhere is None):
        alike = np.minimum(
            np.einsum("np,np->n", mine.outlines(rows), others.outlines(columns)),
            np.einsum("np,np->n", mine.details(rows), others.details(columns)),
        )
        for at in np.flatnonzero((alike >= _MAY_BE_CUT) & (alike < LEAST_LIKENESS)):
            control.check()
            if int(rows[at]) not in found:
                alike[at] = _alike_but_for_edges(mine.outline(rows[at]), others.outline(columns[at]))
        for at in np.flatnonzero(alike >= LEAST_LIKENESS):
            row = int(rows[at])
            found.setdefault(row, Repeat(mine.names[row], others.names[columns[at]], "alike"))
    return tuple(found[row] for row in sorted(found))


class _Pictures:
    """The images of a folder that are not constant.

    Args:
        glimpses: File -> its record.

    Attributes:
        names: Files.
        digests: Of their values.
        marks: (N,) perceptual hashes.
    """

    def __init__(self, glimpses: Mapping[str, Glimpse]) -> None:
        kept = {name: glimpse for name, glimpse in glimpses.items() if glimpse.outline.any()}
        self._glimpses = list(kept.values())
        self.names = list(kept)
        self.digests = [glimpse.digest for glimpse in self._glimpses]
        self.marks = np.array([glimpse.perceptual_hash for glimpse in self._glimpses], np.uint64)
        # Room that takes no memory until it is written to: most images resemble no other.
        self._details = np.empty((len(kept), OUTLINE_PX * OUTLINE_PX), np.float16)
        self._is_made = np.zeros(len(kept), np.bool_)

    def outline(self, row: int) -> NDArray[np.float32]:
        """(32, 32) the small picture."""
        return self._glimpses[row].outline.astype(np.float32)

    def outlines(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, 1024) small pictures of length 1."""
        return _of_length_one(np.stack([self._glimpses[row].outline.ravel() for row in rows]).astype(np.float32))

    def details(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, 1024) what is fine in them, of length 1."""
        for row in np.unique(rows[~self._is_made[rows]]):
            self._details[row] = _of_length_one(_detail(self._glimpses[row].outline.astype(np.float32))[None])[0]
            self._is_made[row] = True
        return self._details[rows].astype(np.float32)


def _detail(outline: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1024,) a bright left and a dark right side make many smooth pictures alike; what is finer tells them apart."""
    detail: NDArray[np.float32] = (outline - cv2.GaussianBlur(outline, (0, 0), 2)).ravel()
    # Cut off, so that one bright spot (a ship, a corner of land) does not outweigh everything around it.
    most = 3 * float(np.median(np.abs(detail)))
    return np.clip(detail, -most, most)


def _alike_but_for_edges(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """How much two (32, 32) pictures are alike if one is the other without a sixteenth of each side at most."""
    best = 0.0
    for margin in _CUTS_PX:
        inner = slice(margin, OUTLINE_PX - margin)
        for whole, wider in ((first, second), (second, first)):
            cut = cv2.resize(wider[inner, inner], (OUTLINE_PX, OUTLINE_PX)).astype(np.float32)
            sides = [np.stack([(one - one.mean()).ravel(), _detail(one)]) for one in (whole, cut)]
            both = np.einsum("np,np->n", _of_length_one(sides[0]), _of_length_one(sides[1]))
            best = max(best, float(both.min()))
    return best


def _of_length_one(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(pictures, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = pictures / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled


def _candidates(
    marks: NDArray[np.uint64], others: NDArray[np.uint64], control: Control, *, within: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns whose hashes differ in few bits, row by row; memory does not grow with the square.

    Args:
        marks: (N,) of the rows.
        others: (M,) of the columns.
        control: Looked at for every block of rows.
        within: Whether both are the same, and only columns before the row are wanted.
    """
    height, width = _BLOCK
    for top in range(0, len(marks), height):
        control.check()
        block = marks[top : top + height, None]
        found = []
        for left in range(0, top + len(block) if within else len(others), width):
            apart = np.bitwise_count(block ^ others[None, left : left + width])
            if apart.min() <= MOST_BITS:
                rows, columns = np.nonzero(apart <= MOST_BITS)
                found.append(np.stack([rows + top, columns + left]))
        if not found:
            continue
        rows, columns = np.concatenate(found, axis=1)
        wanted = np.lexsort((columns, rows))
        if within:
            wanted = wanted[columns[wanted] < rows[wanted]]
        rows, columns = rows[wanted], columns[wanted]
        for start in range(0, len(rows), _MOST_COMPARED):  # many bland images resemble each other
            yield rows[start : start + _MOST_COMPARED], columns[start : start + _MOST_COMPARED]
