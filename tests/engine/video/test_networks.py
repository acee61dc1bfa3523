"""The networks for pictures and sound: shapes as published, and no clip of a batch looks at another."""

from __future__ import annotations

import torch
from bandbridge.engine.video.layout import laid_out
from bandbridge.engine.video.picture_network import PictureNetwork
from bandbridge.engine.video.sound_network import SoundNetwork
from torch import nn


def test_the_published_student_gives_98_tokens_of_512():
    network = PictureNetwork().eval()
    with torch.inference_mode():
        tokens = network.tokens(torch.randn(1, 3, 16, 112, 112))
    assert tokens.shape == (1, 98, 512)
    assert network.feature_width == 512


def test_a_factored_convolution_has_as_many_weights_as_a_whole_one():
    block = PictureNetwork(width=64).stages[1]
    weights = sum(p.numel() for p in block.first.parameters() if p.ndim > 1)
    assert abs(weights / (27 * 64 * 128) - 1) < 0.01


def test_deeper_and_narrower_students():
    deep, shallow = PictureNetwork(8, blocks=2), PictureNetwork(8)
    assert deep.feature_width == shallow.feature_width == 64
    count = [sum(isinstance(m, nn.BatchNorm3d) for m in network.modules()) for network in (deep, shallow)]
    assert count[0] > count[1]
    assert deep(torch.randn(2, 3, 8, 16, 16)).shape == (2, 64)


def test_the_convolution_over_time_equals_one_of_three_dimensions():
    layer = PictureNetwork(8).stages[1].first[3]
    whole = nn.Conv3d(layer.convolution.in_channels, 16, (3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0), bias=False)
    whole.weight.data = layer.convolution.weight.data[..., None]
    values = torch.randn(2, whole.in_channels, 8, 5, 6)
    torch.testing.assert_close(layer(values), whole(values), atol=1e-5, rtol=1e-4)


def test_sound_gives_a_token_every_sixteen_rows():
    network = SoundNetwork(8)
    tokens = network.tokens(torch.randn(2, 1, 400, 64))
    assert tokens.shape == (2, 25, 64)
    torch.testing.assert_close(network.eval()(torch.zeros(1, 1, 16, 64)).shape, (1, 64))


def test_laying_out_changes_no_answer():
    network = PictureNetwork(8).eval()
    pictures = torch.randn(2, 3, 8, 16, 16)
    with torch.inference_mode():
        before = network(pictures)
        after = laid_out(network, torch.device("cpu"))(pictures.contiguous(memory_format=torch.channels_last_3d))
    torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-4)
