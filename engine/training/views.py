"""Random views: geometric augmentation that both images of a pair can share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", np.uint16, np.float32)

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


def seen(image: NDArray[Pixel], views: Views, index: int) -> NDArray[Pixel]:
    """One image (C, S, S) in the view drawn for it; borders that are shifted in mirror the image."""
    view = int(views.turns[index])
    if view & 1:
        image = image[:, :, ::-1]
    if view >> 1:
        image = np.rot90(image, view >> 1, axes=(1, 2))
    if views.shifts is None:
        return image
    rows, columns = (_mirrored(int(shift), image.shape[-1]) for shift in views.shifts[index])
    return image[:, rows][:, :, columns]


def _mirrored(shift: int, size: int) -> NDArray[np.int64]:
    """Which line each line of a shifted image shows, the border line not repeated."""
    lines = np.abs(np.arange(size) + shift)
    return np.where(lines < size, lines, 2 * (size - 1) - lines)
