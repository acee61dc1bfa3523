"""Windows of clips as networks are shown them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.training.clip_passes import clip_features
from bandbridge.engine.training.clip_streams import ClipStream, FeatureBank, PictureBank, SoundBank
from bandbridge.engine.training.views import Views
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import Clip, ReadingRule
from bandbridge.engine.video.clip_set import ClipSet
from torch import nn

CPU = torch.device("cpu")
SIDE, WINDOW = 8, 4


@pytest.fixture
def clips(tmp_path) -> ClipSet:
    """Three clips of 4, 9 and 3 pictures; every picture's first pixel is its number, the rest grows to the right."""
    random = np.random.default_rng(0)
    made = []
    for length in (4, 9, 3):
        pictures = np.broadcast_to(np.arange(SIDE, dtype=np.uint8)[None, None, :, None], (length, SIDE, SIDE, 3)).copy()
        pictures[:, 0, 0] = 100 + np.arange(length)[:, None]
        made.append(Clip(pictures, random.normal(size=(25 * length, 64)).astype(np.float16), length / 4))
    cache = ClipCache(ReadingRule(size_px=SIDE))
    return ClipSet(("a", "b", "c"), made, [len(c.pictures) for c in made], [tmp_path] * 3, cache, WINDOW)


def pictures(clips):
    return PictureBank(clips, (0.0,) * 3, (1 / 255,) * 3, CPU)


def test_pictures_come_standardised_with_channels_varying_fastest(clips):
    bank = PictureBank(clips, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), CPU)
    values = bank.read(np.array([1, 0]), np.array([5, 0]))
    assert values.shape == (2, 3, WINDOW, SIDE, SIDE)
    assert values.is_contiguous(memory_format=torch.channels_last_3d)
    wanted = (torch.arange(105, 109) / 255 - 0.5) / 0.25
    torch.testing.assert_close(values[0, 1, :, 0, 0], wanted)


def test_all_pictures_of_a_window_are_seen_alike(clips):
    views = Views(np.array([1, 0]), np.array([[0, 0], [0, 2]]))
    values = pictures(clips).read(np.array([1, 1]), np.array([0, 0]), views)
    assert torch.equal(values[0, 0, :, 3], torch.arange(SIDE - 1.0, -1, -1).expand(WINDOW, SIDE))
    shifted = torch.tensor([2.0, 3, 4, 5, 6, 7, 6, 5])
    assert torch.equal(values[1, 0, :, 3], shifted.expand(WINDOW, SIDE))


def test_every_clip_comes_once_a_round_with_windows_from_everywhere(clips):
    stream = ClipStream(
        "clips",
        pictures(clips),
        chosen=np.array([0, 1]),
        batch_size=2,
        augment="none",
        seed=0,
        labels=torch.tensor([5, 6, -1]),
    )
    assert stream.steps_per_epoch() == 1
    firsts = set()
    for step in range(40):
        batch = stream.batch(step)
        assert sorted(batch.indices.tolist()) == [0, 1]
        assert batch.labels.tolist() == [5 + index for index in batch.indices.tolist()]
        firsts.add(int(batch.images[batch.indices.tolist().index(1), 0, 0, 0, 0]))
        assert torch.equal(batch.images, stream.batch(step).images)
    assert firsts == {100, 101, 102, 103, 104, 105}


def test_sound_and_features_are_never_mirrored(clips):
    sound = SoundBank(clips, np.zeros(64), np.ones(64), CPU)
    features = FeatureBank(np.eye(3, dtype=np.float32), np.ones(3, np.bool_), CPU)
    for bank, shape in ((sound, (3, 1, 100, 64)), (features, (3, 3))):
        stream = ClipStream(
            "x", bank, chosen=np.arange(3), batch_size=3, augment="flip-shift", seed=0, labels=torch.zeros(3)
        )
        assert stream.batch(0).images.shape == shape


def test_features_of_a_clip_are_the_mean_over_all_its_windows(clips):
    """The clip of nine pictures has windows from 0, 4 and 5 on."""

    class First(nn.Module):
        def forward(self, windows):
            return windows[:, 0, 0, 0, :1]

    found = clip_features(First(), pictures(clips), np.array([1, 2]), Control())
    assert found.flatten().tolist() == [pytest.approx((100 + 104 + 105) / 3), 100.0]
    assert not found.is_inference()
