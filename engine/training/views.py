"""Random views: geometric augmentation that both images of a pair can share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Augment = Literal["none", "flip-shift", "overhead"]

VIEW_COUNT: dict[str, int] = {"none": 1, "flip-shift": 2, "overhead": 8}
"""How many turned and mirrored views of an image each kind of augmentation draws from."""

SHIFT_SHARE = 1 / 8


@dataclass(frozen=True, slots=True)
class Views:
    """One view for every image of a batch.

    Attributes:
        turns: (B,) view numbers 0..7: bit 0 mirrors left-right, bits 1-2 count quarter turns.
        shifts: (B, 2) rows and columns to shift by, in pixels, or None.
    """

    turns: Tensor
    shifts: Tensor | None


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
    turns = torch.randint(VIEW_COUNT[kind], (batch,), generator=random)
    reach = int(size_px * SHIFT_SHARE)
    if kind == "none" or not shift or reach == 0:
        return Views(turns, None)
    return Views(turns, torch.randint(-reach, reach + 1, (batch, 2), generator=random))


def turn(images: Tensor, view: int) -> Tensor:
    """Mirror and turn images by one view number. (B, C, S, S) -> (B, C, S, S)."""
    if view & 1:
        images = images.flip(3)
    return torch.rot90(images, view >> 1, dims=(2, 3))


def apply_views(images: Tensor, views: Views) -> Tensor:
    """Show every image in its view; shifted-in borders are mirror images. (B, C, S, S) -> (B, C, S, S)."""
    if int(views.turns.max()) > 0:
        turned = torch.empty_like(images)
        for view in set(views.turns.tolist()):
            chosen = views.turns == view
            turned[chosen] = turn(images[chosen], view)
        images = turned
    if views.shifts is None:
        return images
    size = images.shape[-1]
    reach = int(size * SHIFT_SHARE)
    padded = functional.pad(images, (reach, reach, reach, reach), mode="reflect")
    offsets = (views.shifts + reach).tolist()
    return torch.stack(
        [image[:, top : top + size, left : left + size] for image, (top, left) in zip(padded, offsets, strict=True)]
    )
