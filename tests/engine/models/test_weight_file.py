import argparse
import json
import os
import pickle
import struct
import zipfile

import pytest
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.jobs import InspectModel
from bandbridge.engine.models.source import inspect_model, open_model
from bandbridge.engine.models.weight_file import file_kind, read_weights
from safetensors.torch import save_file

WEIGHTS = {"conv.weight": torch.ones(4, 3, 3, 3), "conv.bias": torch.zeros(4)}


def read(path):
    return read_weights(path, file_kind(path))


class Bomb:
    """Creates a file when unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".onnx", ".bin"])
def test_pickle_that_runs_code_is_refused_and_does_nothing(checkpoint, tmp_path, zipped, suffix):
    trace = tmp_path / "trace"
    path = checkpoint(
        {"state_dict": WEIGHTS, "note": Bomb(trace)}, f"bomb{suffix}", _use_new_zipfile_serialization=zipped
    )
    with pytest.raises(ModelError) as caught:
        inspect_model(InspectModel(path=str(path)))
    assert not trace.exists()
    if zipped or suffix in (".pth", ".bin"):
        assert "run code" in caught.value.what
        assert "mkdir" in caught.value.why


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_plain_pickle_is_refused_and_does_nothing(tmp_path, protocol):
    trace, path = tmp_path / "trace", tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps(Bomb(trace), protocol=protocol))
    with pytest.raises(ModelError) as caught:
        open_model(path)
    assert not trace.exists()
    assert "mkdir" in caught.value.why


def test_whole_pickled_networks_are_refused_by_name(checkpoint):
    path = checkpoint(torch.nn.Linear(2, 2))
    with pytest.raises(ModelError, match=r"torch\.nn\.modules\.linear\.Linear"):
        open_model(path)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (("m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"), "TorchScript"),
        (("m/archive_format", "m/models/model.json"), "torch.export"),
        (("holiday.jpg",), "archive without weights"),
    ],
)
def test_program_archives_are_refused_by_kind(tmp_path, entries, words):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in entries:
            archive.writestr(name, b"x")
    with pytest.raises(ModelError, match=words):
        read(path)


def test_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", pickle.dumps({}))
        archive.writestr("m/data/0", bytes(64 * 2**20))
    with pytest.raises(ModelError, match="made to do harm"):
        read(path)


def test_tensor_without_the_numbers_it_claims_is_refused(checkpoint):
    path = checkpoint({"a.weight": torch.zeros(1).expand(4000, 4000, 1000)})
    with pytest.raises(ModelError, match="claims 16,000,000,000 numbers"):
        read(path)


def test_header_of_ten_gigabytes_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 10 * 2**30) + b'{"a":1}')
    with pytest.raises(ModelError, match="Its header claims 10,737,418,240 bytes"):
        read(path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth", "model.onnx"])
def test_truncated_and_empty_files_are_refused(tmp_path, name, checkpoint):
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file(WEIGHTS, str(path))
    else:
        checkpoint(WEIGHTS, name)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="damaged"):
        open_model(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        open_model(path)
    path.unlink()
    with pytest.raises(ModelError, match="There is no file"):
        open_model(path)


def test_files_of_other_programs_are_told_apart(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match="Keras"):
        open_model(path)
    path = tmp_path / "scene.tif"
    path.write_bytes(b"II*\0" + bytes(100))
    with pytest.raises(ModelError, match="looks like an image"):
        open_model(path)
    path = tmp_path / "readme.txt"
    path.write_text("Hello, I am no model.")
    with pytest.raises(ModelError, match="not a model file"):
        open_model(path)


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        {"state_dict": WEIGHTS, "optimizer": {"state": {0: {"exp_avg": torch.ones(50, 50)}}}},
        {"model": WEIGHTS, "args": argparse.Namespace(model="resnet18"), "epoch": 3},
        {"net": {"weights": WEIGHTS}},
        {"optimizer_state_dict": {"a.weight": torch.ones(90, 90)}, "model_state_dict": WEIGHTS},
        {"whatever": WEIGHTS, "best": torch.tensor(0.5)},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_weights_are_found_wherever_they_are_nested(checkpoint, content, zipped):
    found = read(checkpoint(content, _use_new_zipfile_serialization=zipped))
    assert found.tensors.keys() == WEIGHTS.keys()
    assert torch.equal(found.tensors["conv.weight"], WEIGHTS["conv.weight"])


def test_averaged_weights_are_preferred_and_said(checkpoint):
    averaged = {name: tensor + 1 for name, tensor in WEIGHTS.items()}
    found = read(checkpoint({"state_dict": WEIGHTS, "state_dict_ema": averaged}))
    assert torch.equal(found.tensors["conv.bias"], averaged["conv.bias"])
    assert any("state_dict_ema" in note for note in found.notes)
    assert any("also has weights in 'state_dict'" in note for note in found.notes)


def test_settings_beside_the_weights_are_read(checkpoint, tmp_path):
    args = argparse.Namespace(model="resnet18", mean=[0.5, 0.5, 0.5])
    found = read(checkpoint({"state_dict": WEIGHTS, "args": args, "classes": ["a", "b"]}))
    assert found.metadata["model"] == "resnet18"
    assert found.metadata["classes"] == ["a", "b"]
    path = tmp_path / "model.safetensors"
    save_file(WEIGHTS, str(path), metadata={"classes": json.dumps(["a", "b"]), "arch": "resnet18"})
    assert read(path).metadata == {"classes": ["a", "b"], "arch": "resnet18"}


def test_checkpoint_without_weights_is_refused(checkpoint):
    with pytest.raises(ModelError, match="holds no weights"):
        read(checkpoint({"epoch": 3, "loss": torch.tensor(1.0)}))
