"""Random views: geometric augmentation that both images of a pair can share."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

VIEW_COUNT: dict[str, int] = {"none": 1, "flip-shift": 2, "overhead": 8}
"""How many turned and mirrored views of an image each kind of augmentation draws from."""

SHIFT_SHARE = 1 / 8
"""How far an image may be shifted, as a share of its side."""


@dataclass(frozen=True, slots=True)
class Views:
    """One view for every image of a batch.

    Attributes:
        turns: (B,) view numbers 0..7: bit 0 mirrors left-right, bits 1-2 count quarter turns.
        shifts: (B, 2) rows and columns to shift by, in pixels, or None.
    """

    turns: NDArray[np.int64]
    shifts: NDArray[np.int64] | None


def draw_views(kind: str, batch: int, size_px: int, random: torch.Generator, *, shift: bool) -> Views:
    """Draw a view for every image of a batch.

    Args:
        kind: "none", "flip-shift" or "overhead".
        batch: Number of images.
        size_px: Side of the images.
        random: Source of randomness.
        shift: Whether shifts are wanted; pairs do without, so that the features of every view of the RGB partner
            can be computed once.
    """
    turns = torch.randint(VIEW_COUNT[kind], (batch,), generator=random).numpy()
    reach = int(size_px * SHIFT_SHARE)
    if kind == "none" or not shift or reach == 0:
        return Views(turns, None)
    return Views(turns, torch.randint(-reach, reach + 1, (batch, 2), generator=random).numpy())


def same_view(batch: int, view: int) -> Views:
    """All images in one view, unshifted."""
    return Views(np.full(batch, view, dtype=np.int64), None)


def places_shown(indices: NDArray[np.int64], views: Views, size_px: int) -> NDArray[np.int64]:
    """Which pixel of a set of images each pixel of a batch shows; borders that are shifted in mirror the image.

    Args:
        indices: (B,) images of the set.
        views: One for every image of the batch.
        size_px: Side S of the images.

    Returns:
        (B, S, S) places among the N * S * S pixels of the set, image by image and row by row.
    """
    first, down, right = _walks(size_px)[views.turns].T[:, :, None]  # (B, 1) each
    lines = np.arange(size_px)
    shifts = np.zeros((len(indices), 2), np.int64) if views.shifts is None else views.shifts
    rows, columns = mirrored(lines + shifts.T[:, :, None], size_px)  # (B, S) each
    starts = first + indices[:, None] * size_px**2
    places: NDArray[np.int64] = (starts + rows * down)[:, :, None] + (columns * right)[:, None, :]
    return places


@functools.cache
def _walks(size_px: int) -> NDArray[np.int64]:
    """(8, 3): the pixel each view starts at, and the steps to the one below and to the one on the right."""
    pixels = np.arange(size_px**2).reshape(size_px, size_px)
    shown = [np.rot90(pixels[:, ::-1] if view & 1 else pixels, view >> 1) for view in range(8)]
    return np.array(
        [(grid[0, 0], grid[1 % size_px, 0] - grid[0, 0], grid[0, 1 % size_px] - grid[0, 0]) for grid in shown]
    )


def mirrored(lines: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Lines beyond an image's borders -> the lines inside that mirror them, the border line not repeated."""
    inside = np.abs(lines)
    return np.where(inside < size, inside, 2 * (size - 1) - inside)
