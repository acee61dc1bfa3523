"""Streams of clips: windows of pictures or of sound, or one vector a clip, in seeded random order."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from bandbridge.engine.training.seeding import generator
from bandbridge.engine.training.stage import Batch
from bandbridge.engine.training.streams import Rounds
from bandbridge.engine.training.views import Views, draw_views, mirrored
from bandbridge.engine.video.clip_set import ClipSet
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


class ClipBank(Protocol):
    """What networks are shown of clips."""

    @property
    def device(self) -> torch.device:
        """Where batches are wanted."""
        ...

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,) which clips have what is shown of them."""
        ...

    @property
    def size_px(self) -> int:
        """Side of pictures; 0 where there is nothing to mirror or shift."""
        ...

    def window_starts(self, index: int) -> list[int]:
        """Windows that cover a clip."""
        ...

    def latest_start(self, index: int) -> int:
        """The last start a window can have."""
        ...

    def read(self, indices: NDArray[np.int64], starts: NDArray[np.int64], views: Views | None = None) -> Tensor:
        """One standardised window of every clip named, (B, ...) float32."""
        ...


class PictureBank:
    """Windows of pictures, (B, 3, T, S, S).

    Args:
        clips: Read already.
        mean: (3,) subtracted from values 0..1.
        std: (3,) divided by afterwards.
        device: Where batches are wanted.
    """

    def __init__(self, clips: ClipSet, mean: ArrayLike, std: ArrayLike, device: torch.device) -> None:
        self._clips = clips
        self.device = device
        stds = torch.tensor(np.asarray(std, np.float32))
        self._scale = 1.0 / (255.0 * stds)  # (3,)
        self._offset = -torch.tensor(np.asarray(mean, np.float32)) / stds
        self.window_starts = clips.window_starts
        self.latest_start = clips.latest_start

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,) which clips have pictures."""
        return self._clips.has_pictures

    @property
    def size_px(self) -> int:
        """Side of the pictures."""
        return self._clips.size_px

    def read(self, indices: NDArray[np.int64], starts: NDArray[np.int64], views: Views | None = None) -> Tensor:
        """(B, 3, T, S, S) float32, channels varying fastest; all pictures of a window in the same view."""
        windows = np.stack(
            [self._clips.pictures(int(index), int(start)) for index, start in zip(indices, starts, strict=True)]
        )  # (B, T, S, S, 3)
        if views is not None:
            windows = np.stack([_seen(window, views, place) for place, window in enumerate(windows)])
        values = torch.from_numpy(windows).to(self.device).float()
        standard = torch.addcmul(self._offset.to(self.device), values, self._scale.to(self.device))
        return standard.permute(0, 4, 1, 2, 3)


def _seen(window: NDArray[np.uint8], views: Views, place: int) -> NDArray[np.uint8]:
    """(T, S, S, 3) mirrored and shifted as one; borders that are shifted in mirror the picture."""
    side = window.shape[1]
    lines = np.arange(side)
    down, right = (0, 0) if views.shifts is None else views.shifts[place]
    columns = mirrored(lines + right, side)
    if views.turns[place] & 1:
        columns = columns[::-1]
    return window[:, mirrored(lines + down, side)][:, :, columns]


class SoundBank:
    """Windows of sound, (B, 1, rows, 64).

    Args:
        clips: Read already.
        mean: (64,) subtracted.
        std: (64,) divided by afterwards.
        device: Where batches are wanted.
    """

    size_px = 0

    def __init__(self, clips: ClipSet, mean: ArrayLike, std: ArrayLike, device: torch.device) -> None:
        self._clips = clips
        self.device = device
        self._mean, self._std = (torch.tensor(np.asarray(values, np.float32)) for values in (mean, std))
        self.window_starts = clips.window_starts
        self.latest_start = clips.latest_start

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,) which clips have sound."""
        return self._clips.has_sound

    def read(self, indices: NDArray[np.int64], starts: NDArray[np.int64], views: Views | None = None) -> Tensor:
        """(B, 1, rows, 64) float32; views are for pictures."""
        windows = np.stack(
            [self._clips.sound(int(index), int(start)) for index, start in zip(indices, starts, strict=True)]
        )
        values = torch.from_numpy(windows).float()
        return ((values - self._mean) / self._std)[:, None].to(self.device)


class FeatureBank:
    """One vector a clip, made elsewhere, (B, D).

    Args:
        features: (N, D) float32; rows of clips without are not looked at.
        usable: (N,) which clips have one.
        device: Where batches are wanted.
    """

    size_px = 0

    def __init__(self, features: NDArray[np.float32], usable: NDArray[np.bool_], device: torch.device) -> None:
        self._features = torch.from_numpy(features)
        self.usable = usable
        self.device = device

    def window_starts(self, index: int) -> list[int]:
        """One window holds all."""
        return [0]

    def latest_start(self, index: int) -> int:
        """One window holds all."""
        return 0

    def read(self, indices: NDArray[np.int64], starts: NDArray[np.int64], views: Views | None = None) -> Tensor:
        """(B, D)."""
        return self._features[torch.from_numpy(indices)].to(self.device)


class ClipStream:
    """Batches of windows in seeded random order, every clip once a round, each with a window drawn anew.

    Args:
        name: Part of every random choice.
        bank: The clips.
        chosen: Indices to draw from; at least one.
        batch_size: Clips in a batch (fewer if there are fewer).
        augment: "none" or "flip-shift".
        seed: Of the run.
        labels: (N,) class indices or (N, K) tags; rows of clips never drawn are not looked at.
    """

    def __init__(
        self,
        name: str,
        bank: ClipBank,
        *,
        chosen: NDArray[np.int64],
        batch_size: int,
        augment: str,
        seed: int,
        labels: Tensor,
    ) -> None:
        self._name = name
        self._bank = bank
        self._rounds = Rounds(name, chosen, batch_size, seed)
        self._augment = augment if bank.size_px else "none"
        self._seed = seed
        self._labels = labels

    @property
    def batch_size(self) -> int:
        """Clips in every batch."""
        return self._rounds.batch_size

    def steps_per_epoch(self) -> int:
        """Steps until every clip has come once."""
        return self._rounds.steps()

    def batch(self, step: int) -> Batch:
        """The batch of a step, always the same for the same step."""
        indices = self._rounds.indices(step)
        random = generator(self._seed, self._name, "windows", step)
        share = torch.rand(len(indices), generator=random).numpy()
        latest = np.array([self._bank.latest_start(int(index)) for index in indices])
        starts = np.minimum((share * (latest + 1)).astype(np.int64), latest)
        views = draw_views(self._augment, len(indices), self._bank.size_px, random, shift=True)
        device = self._bank.device
        return Batch(
            self._bank.read(indices, starts, None if self._augment == "none" else views),
            torch.from_numpy(indices).to(device),
            torch.from_numpy(views.turns).to(device),
            self._labels[torch.from_numpy(indices)].to(device),
        )
