"""A small ground for methods to stand on: a little network, made-up images, no files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.video_catalogue import has_teacher, video_method_info
from bandbridge.engine.methods.clip_ground import ClipGround, ClipNetwork
from bandbridge.engine.methods.ground import Ground, Member
from bandbridge.engine.training.clip_streams import ClipStream, FeatureBank, PictureBank, SoundBank
from bandbridge.engine.training.streams import ImageBank, ImageStream
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import Clip, ReadingRule
from bandbridge.engine.video.clip_set import ClipSet
from bandbridge.engine.video.log_mel import BANDS
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


CLIPS, CLIP_SIDE, WINDOW = 20, 8, 4


class LittleEncoder(nn.Module):
    """Tokens of 32 from patches of a window, pictures or sound."""

    def __init__(self, patches: nn.Module) -> None:
        super().__init__()
        self.patches = patches
        self.norm = nn.BatchNorm1d(32)

    def forward(self, windows):
        return self.tokens(windows).mean(dim=1)

    def tokens(self, windows):
        return self.norm(self.patches(windows).flatten(2)).relu().transpose(1, 2)


def little_encoder(kind: str) -> LittleEncoder:
    patches = nn.Conv3d(3, 32, (2, 4, 4), stride=(2, 4, 4)) if kind == "picture" else nn.Conv2d(1, 32, 16, stride=16)
    return LittleEncoder(patches)


def made_up_clips(folder, *, mute=()) -> ClipSet:
    """Clips of three kinds: brightness and pitch follow the kind; those in `mute` have no sound."""
    random = np.random.default_rng(0)
    clips = []
    for number in range(CLIPS):
        kind, length = number % CLASSES, 4 + number % 3
        pictures = random.integers(0, 60, (length, CLIP_SIDE, CLIP_SIDE, 3), dtype=np.uint8)
        pictures[:, kind * 3 : kind * 3 + 2] += 150
        sound = random.normal(-10, 1, (25 * length, BANDS)).astype(np.float16)
        sound[:, 20 * kind : 20 * kind + 20] += 8
        clips.append(Clip(pictures, None if number in mute else sound, length / 4))
    names = [f"{number}.mp4" for number in range(CLIPS)]
    cache = ClipCache(ReadingRule(size_px=CLIP_SIDE))
    return ClipSet(names, clips, [len(c.pictures) for c in clips], [folder / n for n in names], cache, WINDOW)


@pytest.fixture
def make_clip_ground(tmp_path):
    """A ground of little networks; clips 0 to 13 are learned from, 14 to 16 are for validation."""

    def make(
        method: str,
        *,
        teacher: str = "sound",
        tags: bool = False,
        features: np.ndarray | None = None,
        mute=(),
        control=None,
        seed: int = 0,
        **settings,
    ) -> ClipGround:
        info = video_method_info(method)
        if has_teacher(info):
            settings = {"teacher_epochs": 2, **settings}
        clips = made_up_clips(tmp_path, mute=mute)
        banks = {
            "picture": PictureBank(clips, (0.4,) * 3, (0.3,) * 3, CPU),
            "sound": SoundBank(clips, np.full(BANDS, -8.0), np.full(BANDS, 4.0), CPU),
        }
        torch.manual_seed(seed)
        student = "picture" if teacher == "sound" else "sound"
        pupil = ClipNetwork(little_encoder(student), nn.Linear(32, CLASSES))
        taught = has_teacher(info)
        master = ClipNetwork(little_encoder(teacher), nn.Linear(32, CLASSES)) if taught else None
        bank = banks[teacher]
        if features is not None and taught:
            bank = FeatureBank(features, np.ones(CLIPS, np.bool_), CPU)
            master = ClipNetwork(nn.Identity(), nn.Linear(features.shape[1], CLASSES))
        labels = torch.arange(CLIPS) % CLASSES
        labels[14:] = -1
        if tags:
            one_hot = torch.zeros(CLIPS, CLASSES)
            one_hot[torch.arange(14), labels[:14]] = 1.0
            one_hot[::4, 0] = 1.0
            one_hot[14:] = 0.0
            labels = one_hot
        return ClipGround(
            pupil,
            banks[student],
            labels,
            training=np.arange(14),
            validation=np.arange(14, 17),
            teacher=master,
            teacher_bank=bank if taught else None,
            settings=info.resolve(settings),
            learning_rate=1e-2,
            control=control or Control(),
            seed=seed,
        )

    return make


@pytest.fixture
def make_clip_streams():
    def make(ground: ClipGround, *, batch_size: int = 6, seed: int = 0) -> dict[str, ClipStream]:
        streams = {"clips": (ground.bank, ground.training)}
        if ground.teacher_bank is not None:
            streams["teacher"] = (ground.teacher_bank, ground.teaching)
        return {
            name: ClipStream(
                name,
                bank,
                chosen=chosen,
                batch_size=batch_size,
                augment=str(ground.settings["augment"]),
                seed=seed,
                labels=ground.labels,
            )
            for name, (bank, chosen) in streams.items()
        }

    return make
