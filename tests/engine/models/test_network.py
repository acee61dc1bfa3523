import pytest
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models.network import NetworkSpec, build, create, normalisation_layers, probe, split
from torch import nn


@pytest.mark.parametrize(
    ("kind", "name", "size_px"),
    [
        ("timm", "test_resnet", 64),
        ("timm", "test_vit", 160),
        ("timm", "test_convnext", 64),
        ("timm", "resnetv2_18", 64),  # its last layer is a 1x1 convolution
        ("timm", "levit_256d", 224),  # its last linear layer sits inside a classifier of its own
        ("torchvision", "mobilenet_v3_small", 64),
        ("torchvision", "googlenet", 64),  # gives a tuple while training unless its auxiliary heads are dropped
    ],
)
def test_encoder_and_head_together_are_the_whole_network(kind, name, size_px):
    spec = NetworkSpec(kind=kind, name=name, classes=5)
    network = create(spec).eval()
    images = torch.randn(2, 3, size_px, size_px)
    with torch.inference_mode():
        expected = network(images)
        encoder, head = split(network, spec)
        features = encoder(images)
    assert features.shape == (2, head.in_features)
    torch.testing.assert_close(head(features.clone()), expected.clone(), rtol=1e-5, atol=1e-5)
    encoder.train()
    assert encoder(images).shape == (2, head.in_features)


def test_bottleneck_ends_the_encoder():
    encoder, head = build(NetworkSpec(kind="timm", name="test_resnet", classes=3, bottleneck=16))
    assert head.in_features == 16
    assert head.out_features == 3
    last = list(normalisation_layers(encoder).values())[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert probe(encoder, head, 3, 64).shape == (2, 3)
    assert any(name.startswith("bottleneck") for name, _ in encoder.named_parameters())


def test_network_with_fixed_size_is_built_for_the_size_asked_for():
    encoder, head = build(NetworkSpec(kind="timm", name="test_vit", classes=3, image_size=64))
    assert probe(encoder, head, 3, 64).shape == (2, 3)


def test_network_with_two_heads_is_refused_in_words():
    with pytest.raises(ModelError, match="2 heads that work together"):
        build(NetworkSpec(kind="timm", name="repvit_m0_9", classes=3))


@pytest.mark.parametrize(
    "name", ["hf-hub:somebody/resnet18", "local-dir:/tmp", "resnet18.a1_in1k.x", "no_such_network"]
)
def test_only_names_of_the_catalogue_are_built(name):
    with pytest.raises(ModelError, match="There is no network called"):
        build(NetworkSpec(kind="timm", name=name, classes=3))


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [("resnet18", "BatchNorm2d", 20), ("test_vit", "LayerNorm", 13), ("convnext_atto", "LayerNorm2d", 17)],
)
def test_normalisation_layers_are_found(name, kind, count):
    network = create(NetworkSpec(kind="timm", name=name, classes=3))
    found = [layer for layer in normalisation_layers(network).values() if type(layer).__name__ == kind]
    assert len(found) == count


def test_spec_survives_json():
    spec = NetworkSpec(kind="timm", name="resnet18", classes=7, bottleneck=256, image_size=96)
    assert NetworkSpec.from_json(spec.to_json()) == spec
    with pytest.raises(ModelError):
        NetworkSpec.from_json({**spec.to_json(), "classes": "7"})
    with pytest.raises(ModelError):
        NetworkSpec.from_json({**spec.to_json(), "kind": "pickle"})
