"""Reading weights out of files by strangers: safetensors and PyTorch checkpoints, without running anything in them."""

from __future__ import annotations

import argparse
import json
import pickle
import pickletools
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import safetensors
import torch
from bandbridge.engine.api.errors import ModelError
from torch import Tensor

FileKind = Literal["safetensors", "onnx", "zip", "pickle"]

LARGEST_FILE = 16 * 2**30
"""Bytes; no classifier of images comes near it."""
_LARGEST_HEADER = 100 * 2**20
_LARGEST_PICKLE = 256 * 2**20

_HARMLESS: list[Callable[..., object] | tuple[Callable[..., object], str]] = [argparse.Namespace]
"""Settings of a training script, left beside the weights by timm and many others: building one runs no code."""

_WEIGHT_KEYS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "network", "weights")


@dataclass(frozen=True, slots=True)
class WeightFile:
    """Named weights and what else a file says.

    Attributes:
        format: For people.
        safety: How safe the format is, one sentence.
        tensors: Name -> tensor, as stored.
        metadata: Everything else that is plain: text, numbers, lists and mappings of them.
        notes: What a person should know about how the weights were found.
    """

    format: str
    safety: str
    tensors: dict[str, Tensor]
    metadata: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def file_kind(path: Path) -> FileKind:
    """Tell the kind of a model file by its content.

    Raises:
        ModelError: Not a file, empty, too large, or of no kind that is opened here.
    """
    if not path.is_file():
        raise ModelError(f"There is no file '{path.name}'.", f"Looked for: {path}.", "Choose a model file.")
    size = path.stat().st_size
    if size == 0:
        raise ModelError(f"'{path.name}' is empty.", "The file has no bytes.", "Get the file again.")
    if size > LARGEST_FILE:
        raise ModelError(
            f"'{path.name}' is too large to be opened.",
            f"It has {size / 2**30:.0f} GB; files up to {LARGEST_FILE / 2**30:.0f} GB are opened.",
            "Choose the file of the classifier alone.",
        )
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    if path.suffix.lower() == ".safetensors" or (len(start) > 9 and start[8:9] == b"{"):
        return "safetensors"
    if path.suffix.lower() == ".onnx":
        return "onnx"
    if start[:1] == b"\x80":
        return "pickle"
    if start[:1] == b"\x08" and path.suffix.lower() not in (".pt", ".pth", ".pkl", ".tar"):
        return "onnx"
    raise ModelError(
        f"'{path.name}' is not a model file this program knows.",
        _foreign(start, path.suffix.lower()),
        "Opened are safetensors, PyTorch checkpoints (.pt, .pth, .tar) and ONNX.",
    )


# PNG, JPEG, TIFF (plain and BigTIFF, both byte orders), NPY, BMP, GIF
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x93NUMPY", b"BM", b"GIF8")


def _foreign(start: bytes, suffix: str) -> str:
    if start.startswith(b"\x89HDF") or suffix in (".h5", ".keras", ".pb"):
        return "It looks like a TensorFlow or Keras file; those can be exported to ONNX."
    if start.startswith(_IMAGES) or start[8:12] == b"WEBP":
        return "It looks like an image; images are chosen by their folder."
    if suffix == ".dlpk":
        return "An Esri package holds program code and is never opened."
    return "Its content is of no known kind."


def read_weights(path: Path, kind: FileKind) -> WeightFile:
    """Read all weights of a safetensors file or a PyTorch checkpoint.

    Nothing of the file is ever executed: a checkpoint that needs more than tensors and plain data is refused.

    Raises:
        ModelError: Damaged, dangerous, or without weights.
    """
    if kind == "safetensors":
        return read_safetensors(path)
    if kind == "zip":
        _check_archive(path)
    return _read_checkpoint(path)


def read_safetensors(path: Path) -> WeightFile:
    """Read a safetensors file; text in its metadata that is JSON is read as such.

    Raises:
        ModelError: Damaged, or with a senseless header.
    """
    check_header(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise _damaged(path, str(error)) from error
    return WeightFile(
        format="safetensors weights",
        safety="Safe: this format holds numbers only, no program code.",
        tensors=tensors,
        metadata={key: _json_or_text(value) for key, value in metadata.items()},
    )


def check_header(path: Path) -> None:
    """Look at the length a safetensors header claims before anything is allocated for it.

    Raises:
        ModelError: The header is longer than the file or than any sensible header.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
    if 8 + length > size or length > _LARGEST_HEADER:
        raise ModelError(
            f"'{path.name}' is damaged or was made to do harm.",
            f"Its header claims {length:,} bytes, the file has {size:,}.",
            "Get the file again from where it came from.",
        )


def _damaged(path: Path, details: str) -> ModelError:
    return ModelError(
        f"'{path.name}' cannot be read.",
        "The file is damaged or incomplete.",
        "Get the file again from where it came from.",
        details=details,
    )


def _json_or_text(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _check_archive(path: Path) -> None:
    """Refuse archives that are programs, that are no checkpoints, or that unpack to more than they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(path, str(error)) from error
    names = [entry.filename for entry in entries]
    inner = [name.partition("/")[2] for name in names]
    if any(name.startswith("code/") for name in inner) or "constants.pkl" in inner:
        raise ModelError(
            f"'{path.name}' is a TorchScript program.",
            "It holds program code beside the weights, and code from files is never run.",
            "Save its state_dict, best as safetensors, or export the model to ONNX.",
        )
    if path.suffix.lower() == ".pt2" or any(name.startswith("models/") or "archive_format" in name for name in names):
        raise ModelError(
            f"'{path.name}' is a program exported by torch.export.",
            "Opening such a file can run code that is hidden in it.",
            "Save its state_dict, best as safetensors, or export the model to ONNX.",
        )
    if "data.pkl" not in inner:
        raise ModelError(
            f"'{path.name}' is an archive without weights.",
            "A PyTorch checkpoint has an entry 'data.pkl'; this one has none.",
            "If it holds a model file, unpack it first.",
        )
    unpacked = sum(entry.file_size for entry in entries)
    described = sum(entry.file_size for entry in entries if entry.filename.endswith(".pkl"))
    # PyTorch stores without compression: what unpacks to much more than the file was not written by it.
    if unpacked > 2 * path.stat().st_size + 2**20 or unpacked > LARGEST_FILE or described > _LARGEST_PICKLE:
        raise ModelError(
            f"'{path.name}' was made to do harm.",
            f"It would unpack to {unpacked / 2**20:,.0f} MB from {path.stat().st_size / 2**20:,.1f} MB.",
            "Do not use it.",
        )


def _read_checkpoint(path: Path) -> WeightFile:
    try:
        # An open file: given a path, torch.load chooses its way by the suffix.
        with path.open("rb") as file, torch.serialization.safe_globals(_HARMLESS), warnings.catch_warnings():
            # Other protocols are read or refused like any other content.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused_pickle(path, error) from error
    except Exception as error:
        # Damaged bytes make the reader fail in any way at all, up to failed assertions; each means the same here.
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    found = sorted(_weight_sets(content), key=_preference)
    if not found:
        raise ModelError(
            f"'{path.name}' holds no weights.",
            "No mapping from names to tensors was found in it.",
            "Choose the checkpoint that holds the model's state_dict.",
        )
    where, tensors = found[0]
    _check_storages(path, tensors)
    notes = [f"The weights were taken from the entry '{'.'.join(where)}'."] if where else []
    if len(found) > 1:
        others = ", ".join(f"'{'.'.join(other)}'" for other, _ in found[1:4])
        notes.append(f"The file also has weights in {others}.")
    return WeightFile(
        format="PyTorch checkpoint",
        safety="Read without running any code: only numbers and plain data were accepted.",
        tensors=tensors,
        metadata=_plain_part(content) if isinstance(content, Mapping) else {},
        notes=tuple(notes),
    )


def _weight_sets(content: object, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """Every mapping from names to tensors in a checkpoint, with the keys that lead to it; optimiser state is none."""
    if not isinstance(content, Mapping) or len(where) > 3:
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if any(tensor.ndim >= 2 for tensor in tensors.values()) and 2 * len(tensors) >= len(content):
        yield where, tensors
        return
    for key, value in content.items():
        if isinstance(key, str) and "optim" not in key.lower():
            yield from _weight_sets(value, (*where, key))


def _preference(found: tuple[tuple[str, ...], dict[str, Tensor]]) -> tuple[int, int]:
    """Averaged weights first, as timm does, then the usual names, then the largest."""
    where, tensors = found
    rank = min((_WEIGHT_KEYS.index(key) for key in where if key in _WEIGHT_KEYS), default=len(_WEIGHT_KEYS))
    return rank, -sum(tensor.numel() for tensor in tensors.values())


def _check_storages(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A tensor can claim to be far larger than the numbers behind it; weights never are."""
    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise ModelError(
                f"'{path.name}' holds weights in a form that cannot be trained.",
                f"'{name}' is sparse or quantised.",
                "Use the model before it was compressed.",
            )
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise ModelError(
                f"'{path.name}' was made to do harm.",
                f"'{name}' claims {tensor.numel():,} numbers that are not in the file.",
                "Do not use it.",
            )


def _plain_part(content: Mapping[object, object]) -> dict[str, object]:
    """Text, numbers, lists and mappings of a checkpoint, one level of settings flattened into the top."""
    plain: dict[str, object] = {}
    for key, value in content.items():
        if not isinstance(key, str) or "optim" in key.lower():
            continue
        if isinstance(value, argparse.Namespace):
            value = vars(value)
        if isinstance(value, Mapping) and key in ("args", "hyper_parameters", "config", "hparams", "meta"):
            for inner, setting in value.items():
                if _is_plain(setting):
                    plain.setdefault(str(inner), setting)
        elif _is_plain(value):
            plain[key] = value
    return plain


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str | int) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool)


def _refused_pickle(path: Path, error: Exception) -> ModelError:
    asked = sorted(set(_globals_asked(path)) - _PLAIN_GLOBALS)
    why = f"It asks for {_listed(asked)}." if asked else "It is not made of numbers and plain data alone."
    return ModelError(
        f"'{path.name}' was not opened, because opening it would run code from the file.",
        why,
        "Ask for the weights alone (the state_dict), best as safetensors, or for an ONNX file.",
        details=str(error),
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


_PLAIN_GLOBALS = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"} | {
    f"torch.{kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Byte", "Bool")
}


def _globals_asked(path: Path) -> Iterator[str]:
    """Names of what a pickle would import, found by reading its instructions without following them."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                entry = next(name for name in archive.namelist() if name.endswith("data.pkl"))
                with archive.open(entry) as file:
                    yield from _imports(file)  # type: ignore[arg-type]
        else:
            with path.open("rb") as file:
                yield from _imports(file)
    except (ValueError, OSError, StopIteration, zipfile.BadZipFile, IndexError, MemoryError, OverflowError):
        return


def _imports(file: BinaryIO) -> Iterator[str]:
    text: list[str] = []
    # A checkpoint of PyTorch's old format is several pickles in a row, followed by raw numbers.
    while True:
        for code, argument, _ in pickletools.genops(file):
            if code.name == "GLOBAL" or code.name == "INST":
                yield str(argument).replace(" ", ".")
            elif code.name == "STACK_GLOBAL" and len(text) >= 2:
                yield ".".join(text[-2:])
            elif isinstance(argument, str):
                text.append(argument)
