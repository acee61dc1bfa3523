import itertools

import pytest
import torch
from bandbridge.engine.models.adapter import adapter_of, sensor_encoder
from bandbridge.engine.models.source import open_source

KINDS = ("auto", "replicate", "first-layer", "learned")


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "tf_mobilenetv3_small_minimal_100", "onnx"])
def test_equal_bands_begin_as_an_equal_rgb_image(source, to_onnx, plain, name):
    model = open_source(to_onnx(plain())) if name == "onnx" else source(name)
    size_px = model.inputs.size_px
    band = torch.randn(2, 1, size_px, size_px)
    before = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    with torch.inference_mode():
        expected = model.encoder(band.expand(-1, 3, -1, -1))
        for bands, kind in itertools.product((1, 2, 3, 13), KINDS):
            encoder, words = sensor_encoder(model, bands, kind)
            found = encoder.eval()(band.expand(-1, bands, -1, -1))
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-4, msg=f"{bands} {kind}: {words}")
    after = model.encoder.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_what_was_chosen_is_said(source):
    model = source()
    chosen = {
        (bands, kind): adapter_of(sensor_encoder(model, bands, kind)[0], 3) for bands in (1, 2, 3, 13) for kind in KINDS
    }
    assert [chosen[bands, "auto"] for bands in (1, 2, 3, 13)] == ["replicate", "first-layer", "none", "first-layer"]
    assert [chosen[bands, "replicate"] for bands in (1, 2, 13)] == ["replicate", "replicate", "first-layer"]
    assert all(chosen[bands, "learned"] == "learned" for bands in (1, 2, 3, 13))
    assert "copied to all 3 channels" in sensor_encoder(model, 1, "auto")[1]
    assert "13 bands" in sensor_encoder(model, 13, "replicate")[1]


def test_weight_standardised_first_layer_is_not_averaged(source):
    # The mean of its weights would be standardised again and act as something else.
    assert adapter_of(sensor_encoder(source("test_nfnet"), 13, "first-layer")[0], 3) == "learned"


def test_adapter_learns_under_its_name(source):
    model = source()
    encoder, _ = sensor_encoder(model, 13, "learned")
    names = [name for name, _ in encoder.named_parameters() if name.startswith("adapter")]
    assert names == ["adapter.weight", "adapter.bias"]
    wide, _ = sensor_encoder(model, 13, "first-layer")
    wide(torch.randn(2, 13, 64, 64)).sum().backward()
    first = next(wide.parameters())
    assert first.shape[1] == 13
    assert first.grad is not None
    assert first.grad.abs().sum() > 0
