"""Streams: endless, seeded sequences of batches from images resident in memory."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from bandbridge.engine.training.seeding import generator
from bandbridge.engine.training.stage import Batch
from bandbridge.engine.training.views import Views, draw_views, places_shown
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

FULL_SCALE = 65535.0
READY_BYTES = 2**29
"""Sets up to this size are standardised once and kept as float32; larger ones when they are read."""
SPREAD_BATCH = 256
"""Images looked at together when their spread is measured."""


class ImageBank:
    """Decoded images of one kind, standardised when read.

    Args:
        pixels: (N, C, S, S) uint16; 0..65535 stands for 0..1.
        mean: (C,) subtracted from the 0..1 values; (N, C) where groups of images have their own.
        std: (C,) or (N, C), divided by afterwards.
        device: Where batches are wanted.
    """

    def __init__(self, pixels: NDArray[np.uint16], mean: ArrayLike, std: ArrayLike, device: torch.device) -> None:
        self.pixels = pixels
        self.device = device
        means = np.broadcast_to(np.asarray(mean, np.float32), pixels.shape[:2])
        stds = np.broadcast_to(np.asarray(std, np.float32), pixels.shape[:2])
        self._scale = torch.from_numpy(1.0 / (FULL_SCALE * stds))[:, None, None]  # (N, 1, 1, C)
        self._offset = torch.from_numpy(-means / stds)[:, None, None]  # (N, 1, 1, C)
        raw = torch.from_numpy(
            np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
        )  # (N, S, S, C), as images are decoded
        self._ready = 4 * pixels.size <= READY_BYTES
        self._images = self._standardised(raw, slice(None)) if self._ready else raw

    def __len__(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def size_px(self) -> int:
        """Side of the images."""
        return int(self.pixels.shape[-1])

    def read(self, indices: NDArray[np.int64], views: Views | None = None) -> Tensor:
        """Standardised images in their views, (B, C, S, S) float32, channels last, where batches are wanted."""
        if views is None:
            shown = self._images.index_select(0, torch.from_numpy(indices))  # (B, S, S, C)
        else:
            places = torch.from_numpy(places_shown(indices, views, self.size_px))  # (B, S, S)
            pixels = self._images.view(-1, self._images.shape[-1]).index_select(0, places.view(-1))
            shown = pixels.view(*places.shape, -1)
        images = shown if self._ready else self._standardised(shown, indices)
        return images.permute(0, 3, 1, 2).to(self.device)

    def spread(self, chosen: NDArray[np.int64]) -> Tensor:
        """(C,) standard deviation of every channel over all pixels of some images, where batches are wanted.

        Args:
            chosen: (M,) which of them, at least one. A channel with one value everywhere gets 1.
        """
        total, squares = torch.zeros(2, self.pixels.shape[1], dtype=torch.float64)
        for indices in self.batches(SPREAD_BATCH, chosen):
            images = self.read(indices).double()
            total += images.mean(dim=(0, 2, 3)).cpu() * len(indices)
            squares += images.square().mean(dim=(0, 2, 3)).cpu() * len(indices)
        variance = squares / len(chosen) - (total / len(chosen)).square()
        return torch.where(variance > 1e-8, variance, 1.0).sqrt().float().to(self.device)

    def _standardised(self, raw: Tensor, indices: NDArray[np.int64] | slice) -> Tensor:
        """Raw values, (B, S, S, C) any type -> float32."""
        return torch.addcmul(self._offset[indices], raw.float(), self._scale[indices])

    def batches(self, size: int, chosen: NDArray[np.int64] | None = None) -> list[NDArray[np.int64]]:
        """All images (or the chosen ones) in order, cut into runs of at most `size` indices."""
        order = np.arange(len(self), dtype=np.int64) if chosen is None else chosen
        return [order[start : start + size] for start in range(0, len(order), size)]


class Stream(Protocol):
    """What the loop asks of a stream."""

    @property
    def batch_size(self) -> int:
        """Images or clips in every batch."""
        ...

    def steps_per_epoch(self) -> int:
        """Steps until every image has come once."""
        ...

    def batch(self, step: int) -> Batch:
        """The batch of a step, always the same for the same step."""
        ...


class Rounds:
    """Seeded random order, everything once a round.

    The last batch of a round is filled up with the round's first indices, so that all batches are of one size.

    Args:
        name: Part of every random choice.
        chosen: Indices to draw from.
        batch_size: Indices in a batch (fewer if there are fewer).
        seed: Of the run.

    Attributes:
        batch_size: Indices in every batch.
    """

    def __init__(self, name: str, chosen: NDArray[np.int64], batch_size: int, seed: int) -> None:
        self._name = name
        self._chosen = chosen
        self.batch_size = min(batch_size, len(chosen))
        self._seed = seed
        self._orders: dict[int, NDArray[np.int64]] = {}

    def steps(self) -> int:
        """Batches in a round."""
        return -(-len(self._chosen) // self.batch_size)

    def indices(self, step: int) -> NDArray[np.int64]:
        """(B,) of a step, always the same for the same step."""
        steps, size, count = self.steps(), self.batch_size, len(self._chosen)
        epoch, within = divmod(step, steps)
        first = within * size
        order = self._order(epoch)
        if first + size <= count:
            return order[first : first + size]
        missing = first + size - count
        return np.concatenate([order[first:], order[:missing]])

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._orders:
            shuffled = torch.randperm(len(self._chosen), generator=generator(self._seed, self._name, "order", epoch))
            self._orders = {epoch: self._chosen[shuffled.numpy()]}
        return self._orders[epoch]


class ImageStream:
    """Batches of an image bank in seeded random order, every image once a round.

    Args:
        name: Part of every random choice.
        bank: The images.
        chosen: Indices to draw from, or None for all.
        batch_size: Images in a batch (fewer if the stream has fewer).
        augment: "none", "flip-shift" or "overhead".
        shift: Whether views may be shifted.
        seed: Of the run.
        labels: (N,) class indices of the bank's images for supervised training, else None.
    """

    def __init__(
        self,
        name: str,
        bank: ImageBank,
        *,
        chosen: NDArray[np.int64] | None = None,
        batch_size: int,
        augment: str,
        shift: bool,
        seed: int,
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        self._name = name
        self._bank = bank
        everything = np.arange(len(bank), dtype=np.int64)
        self._rounds = Rounds(name, everything if chosen is None else chosen, batch_size, seed)
        self._augment = augment
        self._shift = shift
        self._seed = seed
        self._labels = labels

    @property
    def batch_size(self) -> int:
        """Images in every batch."""
        return self._rounds.batch_size

    def steps_per_epoch(self) -> int:
        """Steps until every image has come once."""
        return self._rounds.steps()

    def batch(self, step: int) -> Batch:
        """The batch of a step, always the same for the same step."""
        indices = self._rounds.indices(step)
        random = generator(self._seed, self._name, "views", step)
        views = draw_views(self._augment, len(indices), self._bank.size_px, random, shift=self._shift)
        device = self._bank.device
        labels = None if self._labels is None else torch.from_numpy(self._labels[indices]).to(device)
        return Batch(
            self._bank.read(indices, views),
            torch.from_numpy(indices).to(device),
            torch.from_numpy(views.turns).to(device),
            labels,
        )
