"""The index of timm's and torchvision's catalogues by which networks are recognised from their weights.

Built once by `python -m bandbridge.engine.models.catalogue_index` and kept in resources/architectures.json.gz.
"""

from __future__ import annotations

import base64
import gzip
import importlib.metadata
import importlib.resources
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models.network import Kind, NetworkSpec, create, first_convolution
from bandbridge.engine.models.signature import Shapes, likeness, names_key, shapes_key, sketch, weights_only
from numpy.typing import NDArray
from torch import nn

import timm  # isort: skip
import torchvision.models  # isort: skip

_FILE = "architectures.json.gz"


@dataclass(frozen=True, slots=True)
class Entry:
    """One network of a catalogue.

    Attributes:
        kind: Which catalogue.
        name: In it.
        names: Key of the names of its weights.
        trunk: Key of those names without the head's.
        shapes: Key of names and shapes, whatever the numbers of classes and channels.
        heads: Dotted paths of its classifying layers.
        first: Dotted paths of the layers that take the image.
    """

    kind: Kind
    name: str
    names: str
    trunk: str
    shapes: str
    heads: tuple[str, ...]
    first: tuple[str, ...]

    @property
    def title(self) -> str:
        """For people: torchvision's names say where they are from, as the two catalogues share some."""
        return self.name if self.kind == "timm" else f"torchvision/{self.name}"


class CatalogueIndex:
    """All networks known by name, to be found by the names and shapes of their weights.

    Args:
        entries: One a network.
        sketches: (M, 64) uint16, MinHash of each.
    """

    def __init__(self, entries: tuple[Entry, ...], sketches: NDArray[np.uint16]) -> None:
        self.entries = entries
        self.sketches = sketches

    def __len__(self) -> int:
        return len(self.entries)

    def fitting(self, shapes: Shapes) -> list[Entry]:
        """Networks whose weights have exactly these names and shapes (classes and channels aside)."""
        key = names_key(shapes)
        return [e for e in self.entries if e.names == key and e.shapes == shapes_key(shapes, e.heads, e.first)]

    def named_alike(self, shapes: Shapes) -> list[Entry]:
        """Networks whose weights have these names, in whatever shapes."""
        key = names_key(shapes)
        return [entry for entry in self.entries if entry.names == key]

    def with_trunk(self, shapes: Shapes) -> list[Entry]:
        """Networks that have these names once their head is left out."""
        key = names_key(shapes)
        return [entry for entry in self.entries if entry.trunk == key]

    def nearest(self, shapes: Shapes, count: int = 5) -> tuple[tuple[str, float], ...]:
        """The networks whose layers are most alike: (name, likeness 0..1), best first, plainer names before others."""
        likenesses = likeness(sketch(shapes), self.sketches)
        ranked = sorted(zip(likenesses, self.entries, strict=True), key=lambda pair: (-pair[0], *plainness(pair[1])))
        return tuple((entry.title, round(float(value), 2)) for value, entry in ranked[:count] if value > 0)


def plainness(entry: Entry) -> tuple[int, int, str]:
    """Sorts the plainest name first: timm's before torchvision's, short before long."""
    return entry.kind != "timm", len(entry.name), entry.name


@cache
def catalogue_index() -> CatalogueIndex:
    """The index that comes with the program.

    Raises:
        ModelError: The file is missing from the installation.
    """
    try:
        packed = importlib.resources.files("bandbridge.resources").joinpath(_FILE).read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            "The list of known networks is missing.", f"'{_FILE}' is not in the installation.", "Install again."
        ) from error
    content = json.loads(gzip.decompress(packed))
    entries = tuple(
        Entry(kind, name, names, trunk, shapes, tuple(heads), tuple(first))
        for kind, name, names, trunk, shapes, heads, first in content["entries"]
    )
    sketches = np.frombuffer(base64.b85decode(content["sketches"]), dtype="<u2").reshape(len(entries), -1)
    return CatalogueIndex(entries, sketches)


def build_index(names: dict[Kind, list[str]]) -> CatalogueIndex:
    """Build every network without memory for its weights, and note the names and shapes.

    Networks that are no classifiers are left out, and torchvision's where timm's of the same name has the same weights.
    """
    entries: list[Entry] = []
    sketches: list[NDArray[np.uint16]] = []
    seen: set[tuple[str, str]] = set()
    for kind, some in names.items():
        for name in some:
            network = _empty(NetworkSpec(kind=kind, name=name, classes=1000))
            heads = _heads(network) if network is not None else ()
            if network is None or not heads:
                continue
            shapes = weights_only({key: tuple(value.shape) for key, value in network.state_dict().items()})
            entry = _entry(kind, name, network, shapes, heads)
            if (name, entry.shapes) not in seen:
                seen.add((name, entry.shapes))
                entries.append(entry)
                sketches.append(sketch(shapes))
    return CatalogueIndex(tuple(entries), np.stack(sketches))


def _entry(kind: Kind, name: str, network: nn.Module, shapes: Shapes, heads: tuple[str, ...]) -> Entry:
    first = _first(network)
    trunk = [key for key in shapes if key.rpartition(".")[0] not in heads]
    return Entry(kind, name, names_key(shapes), names_key(trunk), shapes_key(shapes, heads, first), heads, first)


def _empty(spec: NetworkSpec) -> nn.Module | None:
    """A network on the meta device; None if it cannot have classes (an encoder only)."""
    try:
        with torch.device("meta"):
            return create(spec)
    except NotImplementedError:
        # torchvision's RegNets compute their widths with tensors, which need real memory.
        return create(spec)
    except TypeError:
        return None


def _heads(network: nn.Module) -> tuple[str, ...]:
    """Dotted paths of the layers that have a row for each of the 1000 classes; none for a mere encoder."""
    weights = network.state_dict()
    rows = {path for path, part in network.named_modules() if f"{path}.weight" in weights and _rows(part) == 1000}
    config = getattr(network, "pretrained_cfg", None)
    named = _paths(config.get("classifier")) if config else ()
    return tuple(path for path in named if path in rows) or tuple(sorted(rows))


def _rows(part: nn.Module) -> int:
    weight = getattr(part, "weight", None)
    return int(weight.shape[0]) if isinstance(weight, torch.Tensor) and weight.ndim in (2, 4) else 0


def _first(network: nn.Module) -> tuple[str, ...]:
    config = getattr(network, "pretrained_cfg", None)
    named = _paths(config.get("first_conv")) if config else ()
    if named:
        return named
    first = first_convolution(network)
    return (first[0],) if first is not None else ()


def _paths(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(path) for path in value) if isinstance(value, tuple | list) else ()


def write_index(index: CatalogueIndex, path: Path) -> None:
    """Write an index as it is kept in the resources."""
    content = {
        "about": "Names and shapes of the weights of known networks, as keys; see engine/models/catalogue_index.py.",
        "versions": {package: importlib.metadata.version(package) for package in ("timm", "torchvision")},
        "entries": [[e.kind, e.name, e.names, e.trunk, e.shapes, e.heads, e.first] for e in index.entries],
        "sketches": base64.b85encode(index.sketches.astype("<u2").tobytes()).decode(),
    }
    path.write_bytes(gzip.compress(json.dumps(content).encode(), mtime=0))


def main() -> None:
    """Build the index of both catalogues anew."""
    everything: dict[Kind, list[str]] = {
        "timm": timm.list_models(),
        "torchvision": torchvision.models.list_models(module=torchvision.models),
    }
    index = build_index(everything)
    path = Path(__file__).parents[2] / "resources" / _FILE
    write_index(index, path)
    total = sum(len(names) for names in everything.values())
    print(f"{len(index)} of {total} networks -> {path} ({path.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
