"""A small run's ingredients: a little source model, pairs and a target, on the disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.model_file import save_sensor_model
from bandbridge.engine.models.network import NetworkSpec, build
from bandbridge.engine.models.sensor_model import Member, SensorModel
from bandbridge.engine.models.translator import build_translator
from bandbridge.engine.models.translator_file import ImageTranslator, save_translator
from torch import nn

CLASSES = ("Bright", "Dark", "Striped")
SIZE = 32


def scene(number: int) -> np.ndarray:
    """(S, S) brightness 0..1; the number decides the class and the noise."""
    random = np.random.default_rng(number)
    noise = 0.1 * random.random((SIZE, SIZE))
    if number % 3 == 2:
        return noise + np.where(np.arange(SIZE) // 4 % 2 == 0, 0.8, 0.1)[None, :]
    return noise + (0.7, 0.2)[number % 3]


@pytest.fixture(scope="session")
def ingredients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """source.safetensors, pairs/rgb, pairs/nir and target/<class>; never changed by a test."""
    folder = tmp_path_factory.mktemp("ingredients")
    for part in ("pairs/rgb", "pairs/nir", *(f"target/{name}" for name in CLASSES)):
        (folder / part).mkdir(parents=True)
    for number in range(15):
        brightness = scene(number)
        colours = (230 * np.stack([brightness, 0.8 * brightness, 0.9 * brightness], axis=2)).astype(np.uint8)
        cv2.imwrite(str(folder / "pairs" / "rgb" / f"{number}.png"), colours)
        cv2.imwrite(str(folder / "pairs" / "nir" / f"{number}.tif"), (9000 + 30000 * brightness).astype(np.uint16))
        other = scene(number + 100)
        place = folder / "target" / CLASSES[(number + 100) % 3] / f"{number}.tif"
        cv2.imwrite(str(place), (9000 + 30000 * other).astype(np.uint16))
    torch.manual_seed(0)
    spec = NetworkSpec(kind="timm", name="test_resnet", classes=3)
    encoder, head = build(spec)
    inputs = InputSpec(size_px=SIZE, mean=(0.4, 0.4, 0.4), std=(0.3, 0.3, 0.3))
    save_sensor_model(
        folder / "source.safetensors", SensorModel([Member(spec, encoder, head)], inputs, CLASSES, role="source")
    )
    return folder


@pytest.fixture
def make_config(ingredients: Path, tmp_path: Path):
    def make(run: str = "run", **changes) -> RunConfig:
        config = RunConfig(
            sources=(str(ingredients / "source.safetensors"),),
            pairs=(PairFolders(rgb=str(ingredients / "pairs/rgb"), sensor=str(ingredients / "pairs/nir")),),
            target=str(ingredients / "target"),
            run=str(tmp_path / run),
            method="socket",
            epochs=2,
            batch_size=8,
            held_out=0.4,
            device="cpu",
        )
        return replace(config, **changes)

    return make


@pytest.fixture
def own_target(ingredients: Path, tmp_path: Path) -> Path:
    """A copy of the target that a test may spoil."""
    return Path(shutil.copytree(ingredients / "target", tmp_path / "target"))


@pytest.fixture
def translator(tmp_path) -> Path:
    """A run folder with a translator that exaggerates: whatever a seam could show, it shows."""
    torch.manual_seed(0)
    network = build_translator("u-net", 1, 3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    stretch = Stretch(low=(100.0,), high=(1100.0,), mean=(0.5,), std=(0.3,))
    inputs = InputSpec(size_px=16, mean=(0.5,), std=(0.3,), bands=(2,), stretch=stretch, dtype="uint16", no_data=0.0)
    network.freeze()
    save_translator(
        tmp_path / "run" / "translator.safetensors", ImageTranslator(network, inputs, (0.4,) * 3, (0.2,) * 3)
    )
    return tmp_path / "run"
