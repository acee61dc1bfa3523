"""What a translator must hold whatever it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.adapter import adapter_of, behind
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.translator import TRANSLATOR_KINDS, build_translator
from bandbridge.engine.models.translator_file import ImageTranslator, read_translator, save_translator
from safetensors.torch import save_file
from torch import nn


@pytest.mark.parametrize("kind", TRANSLATOR_KINDS)
@pytest.mark.parametrize("size", [(16, 16), (13, 18), (1, 3)])
def test_every_size_comes_out_as_it_went_in(kind, size):
    network = build_translator(kind, 2, 3).eval()
    assert network(torch.rand(2, 2, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize("kind", TRANSLATOR_KINDS)
def test_nothing_beyond_its_reach_counts(kind):
    network = build_translator(kind, 1, 3).double().eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    images = torch.randn(1, 1, 96, 96, dtype=torch.float64)
    for place in range(40, 44):  # wherever on the grid
        changed = images.clone()
        changed[..., place, place] += 1.0
        rows = torch.nonzero((network(changed) - network(images)).abs().amax(dim=(0, 1, 3))).flatten()
        assert place - network.reach <= rows.min()
        assert rows.max() <= place + network.reach


def test_a_new_u_net_shows_the_mean_of_all_bands():
    images = torch.randn(2, 2, 10, 9)
    shown = build_translator("u-net", 2, 3)(images)
    torch.testing.assert_close(shown, images.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1))


@pytest.mark.parametrize("kind", TRANSLATOR_KINDS)
def test_a_frozen_one_stays_as_it_is_in_training(kind):
    network = build_translator(kind, 1, 3)
    network.freeze()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    stack = behind(network, nn.BatchNorm2d(3)).train()
    stack(torch.randn(4, 1, 8, 8)).sum().backward()
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert adapter_of(stack, 3) == kind


def image_translator(kind="u-net"):
    torch.manual_seed(0)
    network = build_translator(kind, 1, 3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    stretch = Stretch(low=(100.0,), high=(1100.0,), mean=(0.4,), std=(0.2,))
    inputs = InputSpec(size_px=16, mean=(0.4,), std=(0.2,), bands=(8,), stretch=stretch, dtype="uint16", no_data=0.0)
    network.freeze()
    return ImageTranslator(network, inputs, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2), {"method": "tgkt"})


@pytest.mark.parametrize("kind", TRANSLATOR_KINDS)
def test_a_file_gives_back_what_was_saved(kind, tmp_path):
    saved = image_translator(kind)
    save_translator(tmp_path / "t.safetensors", saved)
    read = read_translator(tmp_path / "t.safetensors")
    raw = torch.from_numpy(np.random.default_rng(0).integers(0, 1500, (1, 1, 20, 22)).astype(np.float32))
    assert torch.equal(saved.colours(raw), read.colours(raw))
    assert read.inputs == saved.inputs
    assert read.provenance == saved.provenance


def test_colours_follow_the_stretch_of_the_images(tmp_path):
    saved = image_translator()
    curved = replace(saved.inputs, stretch=replace(saved.inputs.raw_stretch, curve="log"))
    save_translator(tmp_path / "t.safetensors", replace(saved, inputs=curved))
    raw = np.random.default_rng(0).integers(1, 1500, (1, 20, 22)).astype(np.float32)
    shown = curved.raw_stretch.apply(raw) * 1000 + 100  # what a linear stretch turns into the same
    expected = saved.colours(torch.from_numpy(shown)[None])
    found = read_translator(tmp_path / "t.safetensors").colours(torch.from_numpy(raw)[None])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_colours_are_colours_even_where_there_is_nothing():
    raw = torch.full((1, 1, 8, 8), 400.0)
    raw[..., 2:4, 2:4] = float("nan")
    raw[..., 5, 5] = 0.0
    shown = image_translator().colours(raw)
    assert shown.isfinite().all()
    assert shown.min() >= 0.0
    assert shown.max() <= 1.0


def test_another_file_is_refused_in_words(tmp_path):
    save_file({"a": torch.zeros(1)}, str(tmp_path / "t.safetensors"))
    with pytest.raises(ModelError, match="holds no translator"):
        read_translator(tmp_path / "t.safetensors")
