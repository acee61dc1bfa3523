"""Model files of networks for clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.video.clip_file import ReadingRule
from bandbridge.engine.video.clip_model import (
    ClipInputs,
    ClipModel,
    build_encoder,
    inspect_clip_model,
    is_clip_model,
    read_clip_model,
    save_clip_model,
)
from safetensors.torch import save_file
from torch import nn


def model_for(modality, tags=False):
    torch.manual_seed(0)
    encoder = build_encoder(modality, 2, 1)
    width = 3 if modality == "picture" else 64
    inputs = ClipInputs(modality, ReadingRule(4.0, 16), 4, (0.4,) * width, (0.2,) * width)
    head = nn.Linear(encoder.feature_width, 3)
    return ClipModel(encoder, head, inputs, ("a", "b", "ü"), tags=tags, width=2, blocks=1).eval()


@pytest.mark.parametrize(("modality", "tags"), [("picture", False), ("sound", True)])
def test_a_model_comes_back_to_the_bit(modality, tags, tmp_path):
    model = model_for(modality, tags)
    save_clip_model(tmp_path / "m.safetensors", model)
    again = read_clip_model(tmp_path / "m.safetensors")
    assert is_clip_model(tmp_path / "m.safetensors")
    assert (again.inputs, again.class_names, again.tags) == (model.inputs, model.class_names, tags)
    windows = 100 * torch.rand(2, *model.inputs.shape)
    with torch.inference_mode():
        for first, second in zip(model(windows), again(windows), strict=True):
            assert torch.equal(first, second)
        total = model(windows)[0].sum(dim=1)
    assert tags or np.allclose(total, 1.0, atol=1e-5)


def test_pictures_are_taken_as_they_are_in_files():
    """0..255 inside, standardised by mean and deviation of 0..1."""
    model = model_for("picture")
    raw = torch.full((1, 3, 4, 16, 16), 0.4 * 255)
    with torch.inference_mode():
        torch.testing.assert_close(model(raw)[1], model.encoder(torch.zeros_like(raw)), atol=1e-4, rtol=1e-3)


def test_other_files_are_told_apart_and_damaged_ones_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    assert not is_clip_model(tmp_path / "other.safetensors")
    assert not is_clip_model(tmp_path / "none.safetensors")
    assert not is_clip_model(tmp_path)
    model = model_for("picture")
    save_clip_model(tmp_path / "m.safetensors", model)
    content = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:-100])
    with pytest.raises(ModelError):
        read_clip_model(tmp_path / "cut.safetensors")
    (tmp_path / "new.safetensors").write_bytes(content.replace(b"bandbridge-clips-1", b"bandbridge-clips-9"))
    assert is_clip_model(tmp_path / "new.safetensors")
    with pytest.raises(ModelError, match="another version"):
        read_clip_model(tmp_path / "new.safetensors")


def test_a_file_says_what_it_holds(tmp_path):
    save_clip_model(tmp_path / "m.safetensors", model_for("picture"))
    seen = inspect_clip_model(tmp_path / "m.safetensors")
    assert (seen.recognised, seen.architecture, seen.input_size) == (True, "R(2+1)D, width 2", 16)
    assert seen.class_names == ("a", "b", "ü")
    assert "1 s" in seen.explanation
    assert set(seen.normalisation_layers) == {"BatchNorm3d"}
    save_clip_model(tmp_path / "s.safetensors", model_for("sound", tags=True))
    heard = inspect_clip_model(tmp_path / "s.safetensors")
    assert heard.notes
    assert set(heard.normalisation_layers) == {"BatchNorm2d"}
