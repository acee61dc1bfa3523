"""A small ground for methods to stand on: a little network, made-up images, no files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.control import Control
from bandbridge.engine.methods.ground import Ground, Member
from bandbridge.engine.training.streams import ImageBank, ImageStream
from torch import nn

CPU = torch.device("cpu")
CLASSES = 3
SIZE = 8


def little_network(seed: int, channels: int = 3) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 5, 3, padding=1, bias=False),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def pixels(count: int, channels: int, seed: int) -> np.ndarray:
    """Blobs of three kinds, so that there is something to group."""
    random = np.random.default_rng(seed)
    kind = np.arange(count) % CLASSES
    images = random.integers(0, 20000, (count, channels, SIZE, SIZE))
    rows = np.arange(SIZE)[None, None, :, None]
    images += np.where(rows // 3 == kind[:, None, None, None], 40000, 0)
    return images.astype(np.uint16)


@pytest.fixture
def make_ground():
    def make(method: str, *, sources: int = 1, targets: int = 21, pairs: int = 14, control=None, **settings) -> Ground:
        info = method_info(method)
        members = []
        rgb = pixels(pairs, 3, 5)
        for number in range(sources):
            source = little_network(number)
            bank = ImageBank(rgb, (0.4, 0.4, 0.4), (0.2, 0.2, 0.2), CPU)
            with torch.no_grad():
                source.train()
                for _ in range(20):
                    source(bank.read(np.arange(pairs)) * (1 + number))  # running statistics of its own
            twin = little_network(number)
            twin.load_state_dict(source.state_dict())
            torch.manual_seed(100 + number)
            members.append(Member(f"source {number}", source, twin, nn.Linear(5, CLASSES), bank))
        return Ground(
            members,
            ImageBank(pixels(targets, 3, 6) // 2, (0.3, 0.3, 0.3), (0.2, 0.2, 0.2), CPU),
            pairs=ImageBank(rgb // 2, (0.3, 0.3, 0.3), (0.2, 0.2, 0.2), CPU),
            training_pairs=np.arange(0, pairs - 4),
            held_out_pairs=np.arange(pairs - 4, pairs),
            settings=info.resolve(settings),
            learning_rate=1e-2,
            control=control or Control(),
        )

    return make


@pytest.fixture
def make_streams():
    def make(ground: Ground, *, batch_size: int = 6, seed: int = 0) -> dict[str, ImageStream]:
        augment = str(ground.settings.get("augment", "none"))
        return {
            "target": ImageStream(
                "target", ground.target, batch_size=batch_size, augment=augment, shift=True, seed=seed
            ),
            "pairs": ImageStream(
                "pairs",
                ground.pairs,
                chosen=ground.training_pairs,
                batch_size=batch_size,
                augment=augment,
                shift=False,
                seed=seed,
            ),
        }

    return make
