"""Checkpoints: whole or not at all, and only for their own run."""

import errno

import pytest
import torch
from bandbridge.engine.api.errors import StorageError, TrainingError
from bandbridge.engine.training import checkpoint as checkpoint_file
from bandbridge.engine.training.checkpoint import Position, load_checkpoint, read_position, save_checkpoint
from torch import nn
from torch.optim import SGD, AdamW


def trained(kind):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimiser = kind(model.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        model(torch.randn(5, 3)).square().sum().backward()
        optimiser.step()
    return model, optimiser


@pytest.mark.parametrize("kind", [AdamW, lambda p, lr: SGD(p, lr=lr, momentum=0.9, nesterov=True)])
def test_optimisers_go_on_exactly(kind, tmp_path):
    model, optimiser = trained(kind)
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"m": model}, {"o": optimiser}, Position(1, 7), "print")
    assert read_position(path, "print") == Position(1, 7)

    torch.manual_seed(5)
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    fresh_optimiser = kind(fresh.parameters(), lr=0.1)
    load_checkpoint(path, {"m": fresh}, {"o": fresh_optimiser})
    inputs = torch.randn(5, 3)
    for network, steps in ((model, optimiser), (fresh, fresh_optimiser)):
        steps.zero_grad()
        network(inputs).square().sum().backward()
        steps.step()
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), fresh.state_dict().values(), strict=True))


def test_channels_last_weights_come_back_in_place(tmp_path):
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"m": model}, {}, Position(), "print")
    other = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    load_checkpoint(path, {"m": other}, {})
    assert torch.equal(other.weight, model.weight)
    assert other.weight.is_contiguous(memory_format=torch.channels_last)


def test_another_runs_checkpoint_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"m": nn.Linear(1, 1)}, {}, Position(), "print")
    with pytest.raises(TrainingError, match="belongs to another configuration"):
        read_position(path, "another")


def test_a_damaged_checkpoint_is_told_in_words(tmp_path):
    path = tmp_path / "c.safetensors"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(TrainingError, match="cannot be read"):
        read_position(path, "print")


def test_a_full_disk_leaves_the_old_checkpoint_intact(tmp_path, monkeypatch):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, {"m": nn.Linear(1, 1)}, {}, Position(0, 1), "print")
    whole = checkpoint_file.save_file

    def fill_up(tensors, name, metadata):
        whole(tensors, name, metadata=metadata)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint_file, "save_file", fill_up)
    with pytest.raises(StorageError, match="no space left"):
        save_checkpoint(path, {"m": nn.Linear(1, 1)}, {}, Position(0, 2), "print")
    assert read_position(path, "print") == Position(0, 1)
    assert [file.name for file in tmp_path.iterdir()] == ["c.safetensors"]


def test_the_safetensors_librarys_own_words_for_a_full_disk_are_understood(tmp_path, monkeypatch):
    def fill_up(tensors, name, metadata):
        raise checkpoint_file.SafetensorError("Error while serializing: I/O error: No space left (os error 28)")

    monkeypatch.setattr(checkpoint_file, "save_file", fill_up)
    with pytest.raises(StorageError, match="no space left"):
        save_checkpoint(tmp_path / "c", {"m": nn.Linear(1, 1)}, {}, Position(), "print")
