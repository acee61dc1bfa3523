"""Ground made of random images and an untrained network: what a method costs depends on neither."""

from __future__ import annotations

import numpy as np
import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.control import Control
from bandbridge.engine.methods.ground import Ground, Member
from bandbridge.engine.models.network import NetworkSpec, build
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.worker.compute import placed
from numpy.typing import NDArray
from torch import nn

CLASSES = 10
HELD_OUT = 64


class MadeUp:
    """A source model and images for any method.

    Args:
        architecture: Name in timm's catalogue.
        size_px: Side of the images.
        images: Target images; there are as many pairs, and some more that are held out.
        device: Where to compute.
        target: (N, 3, S, S) uint16 target images, or None for random ones.
    """

    def __init__(
        self,
        architecture: str,
        size_px: int,
        images: int,
        device: torch.device,
        target: NDArray[np.uint16] | None = None,
    ) -> None:
        self.architecture, self.size_px, self.images, self.device = architecture, size_px, images, device
        self._spec = NetworkSpec(kind="timm", name=architecture, classes=CLASSES)
        torch.manual_seed(0)
        source, head = build(self._spec)
        self.head = head.to(device)
        self._source = placed(source, device)
        random = np.random.default_rng(0)
        self._target = self._bank(random, images) if target is None else self._bank_of(target)
        self._rgb = self._bank(random, images + HELD_OUT)
        self._pairs = self._bank(random, images + HELD_OUT)

    def _bank(self, random: np.random.Generator, count: int) -> ImageBank:
        shape = (count, self.size_px, self.size_px, 3)
        pixels = random.integers(0, 65536, shape, dtype=np.uint16).transpose(0, 3, 1, 2)
        return self._bank_of(pixels)

    def _bank_of(self, pixels: NDArray[np.uint16]) -> ImageBank:
        return ImageBank(pixels, (0.5,) * 3, (0.25,) * 3, self.device)

    def twin(self) -> nn.Module:
        """A copy of the source model's encoder."""
        twin, _ = build(self._spec)
        twin.load_state_dict(self._source.state_dict())
        return placed(twin, self.device)

    def ground(self, method: str, control: Control) -> Ground:
        """Fresh ground for a method, with its default settings."""
        return Ground(
            [Member("source", self._source, self.twin(), self.head, self._rgb)],
            self._target,
            pairs=self._pairs,
            training_pairs=np.arange(self.images),
            held_out_pairs=np.arange(self.images, self.images + HELD_OUT),
            settings=method_info(method).resolve({}),
            learning_rate=1e-3,
            control=control,
        )

    def wait(self) -> None:
        """Until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
