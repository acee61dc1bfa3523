import itertools
from collections import OrderedDict

import pytest
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.jobs import InspectModel
from bandbridge.engine.models.catalogue_index import build_index, catalogue_index
from bandbridge.engine.models.signature import likeness, sketch
from bandbridge.engine.models.source import inspect_model, open_source
from safetensors.torch import save_file
from torch import nn


def inspect(path, **settings):
    return inspect_model(InspectModel(path=str(path), **settings))


@pytest.fixture
def weights(small):
    return small().state_dict()


def with_prefix(weights, prefix):
    return {prefix + name: tensor for name, tensor in weights.items()}


WRAPPINGS = {
    "bare": lambda w: w,
    "data parallel": lambda w: with_prefix(w, "module."),
    "lightning": lambda w: {**with_prefix(w, "model."), "criterion.weight": torch.ones(4)},
    "compiled": lambda w: with_prefix(w, "_orig_mod."),
    "compiled inside": lambda w: with_prefix(w, "encoder._orig_mod."),
    "nested": lambda w: with_prefix(w, "module.model.backbone."),
    "head beside": lambda w: {n if n.startswith("fc") else f"backbone.{n}": t for n, t in w.items()},
    "head of another name": lambda w: {n.replace("fc.", "classifier.1."): t for n, t in w.items()},
    "half precision": lambda w: {n: t.half() if t.is_floating_point() else t for n, t in w.items()},
    "without counters": lambda w: {n: t for n, t in w.items() if not n.endswith("num_batches_tracked")},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_network_is_recognised_however_it_is_wrapped(checkpoint, weights, wrapping):
    model = open_source(checkpoint({"state_dict": wrapping(weights)}))
    assert model.spec.name == "test_resnet"
    assert len(model.class_names) == 4
    torch.testing.assert_close(model.head.weight, weights["fc.weight"], rtol=1e-3, atol=1e-4)
    first = next(model.encoder.parameters())
    assert first.dtype == torch.float32
    torch.testing.assert_close(first, weights["conv1.0.weight"], rtol=1e-3, atol=1e-4)


def test_plain_safetensors_are_recognised_and_named(tmp_path, weights):
    path = tmp_path / "model.safetensors"
    save_file(weights, str(path), metadata={"class_names": '["a", "b", "c", "d"]'})
    report = inspect(path)
    assert report.recognised
    assert report.architecture == "test_resnet"
    assert report.class_names == ("a", "b", "c", "d")
    assert report.names_known
    assert report.format == "safetensors weights"
    assert report.parameters == sum(t.numel() for n, t in weights.items() if "running" not in n and "num_" not in n)


def test_metadata_that_contradicts_the_weights_is_a_note(checkpoint, weights):
    report = inspect(checkpoint({"state_dict": weights, "arch": "resnet18"}))
    assert report.architecture == "test_resnet"
    assert "The file says resnet18; its weights are not a resnet18." in report.notes


@pytest.mark.parametrize(
    ("claim", "name", "expected"),
    [
        ({}, "model.pth", "resnet18"),
        ({"arch": "resnetblur18.some_tag"}, "model.pth", "resnetblur18"),
        ({"args": {"model": "resnetblur18"}}, "model.pth", "resnetblur18"),
        ({}, "my_resnetblur18_run3.pth", "resnetblur18"),
    ],
)
def test_among_several_that_fit_the_claimed_is_taken_else_the_plainest(checkpoint, small, claim, name, expected):
    report = inspect(checkpoint({"model": small("resnet18").state_dict(), **claim}, name))
    assert report.architecture == expected
    assert {report.architecture, *report.also_fits} == {"resnet18", "resnetblur18"}
    assert any("the same weights fit" in note for note in report.notes)


def test_torchvision_names_are_recognised(checkpoint, small):
    report = inspect(checkpoint(small("mobilenet_v3_small", kind="torchvision").state_dict()))
    assert report.architecture == "torchvision/mobilenet_v3_small"
    assert (report.input_size, report.mean) == (224, (0.485, 0.456, 0.406))


def test_input_is_taken_from_the_catalogue_or_the_file_and_said(checkpoint, weights):
    report = inspect(checkpoint(weights))
    assert report.input_size == 160
    assert any("assumed" in note for note in report.notes)
    report = inspect(checkpoint({"model": weights, "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}))
    assert report.mean == (0.1, 0.2, 0.3)
    report = inspect(checkpoint({"model": weights, "mean": [51, 102, 153], "std": [25.5, 25.5, 51]}))
    assert (report.mean, report.std) == ((0.2, 0.4, 0.6), (0.1, 0.1, 0.2))
    assert inspect(checkpoint({"model": weights, "mean": [0, 0, 0], "std": [0, 1, 1]})).std[0] > 0


def test_missing_head_is_told(checkpoint, weights):
    path = checkpoint(with_prefix({n: t for n, t in weights.items() if not n.startswith("fc")}, "module."))
    report = inspect(path)
    assert not report.recognised
    assert report.candidates[0][0] == "test_resnet"
    with pytest.raises(ModelError, match="has no classifier") as caught:
        open_source(path)
    assert "the last layer ('fc') is missing" in caught.value.why


def test_known_names_of_other_sizes_are_told(checkpoint, weights):
    weights["layer1.0.conv1.weight"] = torch.ones(7, *weights["layer1.0.conv1.weight"].shape[1:])
    with pytest.raises(ModelError, match="names of test_resnet, but other sizes"):
        open_source(checkpoint(weights))


def test_one_channel_networks_are_refused(checkpoint, small):
    with pytest.raises(ModelError, match="1 channel"):
        open_source(checkpoint(small(input_channels=1).state_dict()))


def test_what_is_no_network_is_not_compared_with_any(checkpoint):
    report = inspect(checkpoint({"a": torch.zeros(3), "b": torch.zeros(4, 4)}))
    assert not report.candidates
    assert "like none of them" in report.explanation
    assert "Check that it is the classifier's file" in report.explanation


def test_strangers_network_is_refused_with_its_nearest_kin(shared_data):
    path = shared_data("models") / "mobilenetv1_x025_imagenet.pth.tar"
    report = inspect(path)
    assert not report.recognised
    assert report.candidates[0][0] == "mobilenetv1_100"
    assert report.candidates[0][1] > 0.7
    assert "The file says resnet18; its weights are not a resnet18." in report.notes
    with pytest.raises(ModelError, match="ONNX") as caught:
        open_source(path)
    assert "mobilenetv1_100" in caught.value.why


def test_index_belongs_to_the_installed_catalogues():
    index = catalogue_index()
    assert len(index) > 1000
    fresh = build_index(
        {"timm": ["test_resnet", "mobilenetv3_small_100", "vit_tiny_patch16_224"], "torchvision": ["vgg11"]}
    )
    for entry, drawn in zip(fresh.entries, fresh.sketches, strict=True):
        kept = next(e for e in index.entries if (e.kind, e.name) == (entry.kind, entry.name))
        assert kept == entry
        assert (index.sketches[index.entries.index(kept)] == drawn).all()


def test_sketches_estimate_likeness():
    def network(*widths):
        layers = OrderedDict((f"l{n}", nn.Linear(a, b)) for n, (a, b) in enumerate(itertools.pairwise(widths)))
        return {name: tuple(t.shape) for name, t in nn.Sequential(layers).state_dict().items()}

    one = network(8, 16, 32, 64, 32, 16)
    renamed = {f"other.{name}": shape for name, shape in one.items()}
    twice = network(16, 32, 64, 128, 64, 32)
    stranger = network(7, 7, 7, 7)
    assert likeness(sketch(one), sketch(renamed)[None])[0] == 1
    assert likeness(sketch(one), sketch(twice)[None])[0] == 1
    assert likeness(sketch(one), sketch(stranger)[None])[0] < 0.2


def test_empty_layers_do_not_stop_the_search(checkpoint):
    with pytest.raises(ModelError, match="was not recognised"):
        open_source(checkpoint({"a.weight": torch.ones(3, 0), "b.c.weight": torch.ones(2, 2)}))
