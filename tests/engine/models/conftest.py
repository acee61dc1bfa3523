"""Small networks and the files people keep them in."""

import warnings

import pytest
import torch
from bandbridge.engine.models.network import NetworkSpec, create
from bandbridge.engine.models.source import open_source
from torch import nn
from torch.jit._trace import TracerWarning


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


class _Plain(nn.Module):
    def __init__(self, after=None, classes=4):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.next = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.fc = nn.Linear(16, classes)
        self.after = after or nn.Identity()

    def forward(self, images):
        maps = self.next(self.norm(self.stem(images)).relu()).relu()
        return self.after(self.fc(maps.mean((2, 3))))


@pytest.fixture
def plain():
    """A network of no catalogue: convolutions, normalisation, pooling, one linear layer, and what may follow it."""
    return _Plain


@pytest.fixture
def small():
    """A whole network of a catalogue, by default of some 300,000 weights."""

    def make(name="test_resnet", classes=4, **settings):
        return create(NetworkSpec(kind=settings.pop("kind", "timm"), name=name, classes=classes, **settings)).eval()

    return make


@pytest.fixture
def checkpoint(tmp_path):
    """Write a checkpoint as torch does."""

    def write(content, name="model.pth", **settings):
        path = tmp_path / name
        torch.save(content, path, **settings)
        return path

    return write


@pytest.fixture
def to_onnx(tmp_path):
    """Write a network as ONNX the way most people do."""

    def write(network, name="model.onnx", *, size_px=64, channels=3, open_batch=True):
        path = tmp_path / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", TracerWarning)
            torch.onnx.export(
                network.eval(),
                (torch.zeros(1, channels, size_px, size_px),),
                str(path),
                dynamo=False,
                opset_version=17,
                input_names=["image"],
                output_names=["scores"],
                dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}} if open_batch else None,
            )
        return path

    return write


@pytest.fixture
def source(checkpoint, small):
    """A source model from a checkpoint of a small network."""

    def open_small(name="test_resnet", classes=4):
        return open_source(checkpoint(small(name, classes).state_dict(), f"{name}.pth"))

    return open_small
