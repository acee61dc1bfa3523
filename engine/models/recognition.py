"""Which network of the catalogues some weights belong to: found by names and shapes, proven by filling it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models.catalogue_index import CatalogueIndex, Entry, plainness
from bandbridge.engine.models.network import NetworkSpec, create
from bandbridge.engine.models.signature import is_bookkeeping, weights_only
from torch import Tensor, nn

Weights = dict[str, Tensor]

_ALIKE = 0.2
"""Below this likeness two networks have no more in common than any two."""
_CLAIM_KEYS = ("architecture", "arch", "model_name", "model", "backbone", "network", "name")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A network that could be built and filled completely.

    Attributes:
        spec: How to build it.
        network: Filled.
        also_fits: Other catalogue names the same weights fit.
        explanation: How it was recognised, one sentence.
        notes: What a person should know.
    """

    spec: NetworkSpec
    network: nn.Module
    also_fits: tuple[str, ...]
    explanation: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """Why no network fits, and which come near.

    Attributes:
        what: What is wrong, one sentence after the file's name, e.g. "has no classifier".
        explanation: Why, and what else would do.
        do: The next step for a person.
        candidates: Nearest names with their likeness 0..1.
        notes: What a person should know.
    """

    what: str
    explanation: str
    do: str
    candidates: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]


def recognise(
    tensors: Weights, metadata: Mapping[str, object], stem: str, index: CatalogueIndex
) -> Recognised | Unrecognised:
    """Find the network some weights belong to, whatever the metadata claims.

    Args:
        tensors: Name -> weight, as found in a file.
        metadata: What else the file says.
        stem: Name of the file, which often holds the network's; only used to choose among several that fit.
        index: Of the known networks.
    """
    claims = _claims(metadata)
    for weights, note in _variants(tensors):
        shapes = weights_only({name: tuple(tensor.shape) for name, tensor in weights.items()})
        found = [(entry, weights) for entry in index.fitting(shapes)] or list(_with_other_head(weights, index))
        for entry, named in _by_preference(found, claims, stem):
            filled = _filled(entry, named)
            if filled is None:
                continue
            spec, network = filled
            others = tuple(e.title for e, _ in found if e is not entry)
            return Recognised(
                spec=spec,
                network=network,
                also_fits=others,
                explanation=f"All {len(shapes)} weights have the names and shapes of {entry.title}.",
                notes=(
                    *((note,) if note else ()),
                    *_contradictions(claims, [e for e, _ in found], index),
                    *_choice_notes(entry, others),
                ),
            )
    return _unrecognised(tensors, claims, index)


def _claims(metadata: Mapping[str, object]) -> tuple[str, ...]:
    """Names of networks the file says it holds; timm's tags ("resnet18.a1_in1k") are cut off."""
    claims = [metadata[key] for key in _CLAIM_KEYS if key in metadata]
    return tuple(claim.partition(".")[0].strip().lower() for claim in claims if isinstance(claim, str) and claim)


def _variants(tensors: Weights) -> Iterator[tuple[Weights, str]]:
    """The weights under their own names, then with what wrappers put before them taken off, step by step.

    Wrappers are torch.compile ("_orig_mod." anywhere) and any first part most names share ("module.", "model.",
    "backbone.", "encoder.", ...). What does not share it is kept first, as a head often lies beside its backbone, and
    left out second, as a loss or a teacher does.
    """
    current = {name.replace("_orig_mod.", ""): tensor for name, tensor in tensors.items()}
    yield current, ""
    for _ in range(4):
        first = Counter(name.partition(".")[0] for name in current if "." in name).most_common(1)
        if not first or 2 * first[0][1] < len(current):
            return
        prefix = first[0][0] + "."
        inside = {name.removeprefix(prefix): tensor for name, tensor in current.items() if name.startswith(prefix)}
        beside = {name: tensor for name, tensor in current.items() if not name.startswith(prefix)}
        if beside and not inside.keys() & beside.keys():
            yield inside | beside, ""
        left_out = f"{len(beside)} tensors beside '{prefix[:-1]}' were left out." if beside else ""
        yield inside, left_out
        current = inside


def _with_other_head(weights: Weights, index: CatalogueIndex) -> Iterator[tuple[Entry, Weights]]:
    """Networks whose head was replaced by a linear layer of another name, e.g. "fc.1" for "fc"."""
    for name, tensor in weights.items():
        owner, _, last = name.rpartition(".")
        if last != "weight" or tensor.ndim != 2:
            continue
        trunk = {key: value for key, value in weights.items() if key.rpartition(".")[0] != owner}
        trunk_shapes = weights_only({key: tuple(value.shape) for key, value in trunk.items()})
        for entry in index.with_trunk(trunk_shapes):
            if len(entry.heads) != 1:
                continue
            head = {
                f"{entry.heads[0]}.{key.rpartition('.')[2]}": value
                for key, value in weights.items()
                if key.rpartition(".")[0] == owner
            }
            yield entry, trunk | head


def _by_preference(
    found: Sequence[tuple[Entry, Weights]], claims: tuple[str, ...], stem: str
) -> list[tuple[Entry, Weights]]:
    """What the file claims first, then what its name says (the longest name wins), then the plainest."""

    def rank(pair: tuple[Entry, Weights]) -> tuple[bool, int, tuple[int, int, str]]:
        entry = pair[0]
        in_stem = len(entry.name) if entry.name in stem.lower() else 0
        return entry.name.lower() not in claims, -in_stem, plainness(entry)

    return sorted(found, key=rank)


def _filled(entry: Entry, weights: Weights) -> tuple[NetworkSpec, nn.Module] | None:
    """Build the network for the weights' own numbers of classes and channels and load them all, or None."""
    classes = int(weights[f"{entry.heads[0]}.weight"].shape[0])
    for channels in dict.fromkeys((3, *_channels(entry, weights))):
        spec = NetworkSpec(kind=entry.kind, name=entry.name, classes=classes, input_channels=channels)
        try:
            network = create(spec)
        except ModelError:
            return None  # another version of the catalogue, without this network
        if fill(network, weights):
            return spec, network
    return None


def _channels(entry: Entry, weights: Weights) -> Iterator[int]:
    for path in entry.first:
        weight = weights.get(f"{path}.weight")
        if weight is not None and weight.ndim == 4 and 0 < weight.shape[1] <= 64:
            yield int(weight.shape[1])


def fill(network: nn.Module, weights: Mapping[str, Tensor]) -> bool:
    """Load weights into a network, all of them and nothing else; bookkeeping may be absent or too much.

    Returns:
        Whether they fit. If not, the network may be partly filled.
    """
    own = network.state_dict()
    needed = {name for name in own if not is_bookkeeping(name)}
    given = {name for name in weights if not is_bookkeeping(name)}
    if needed != given or any(own[name].shape != weights[name].shape for name in needed):
        return False
    counters = {n for n in weights if is_bookkeeping(n) and n in own and own[n].shape == weights[n].shape}
    network.load_state_dict({name: weights[name] for name in needed | counters}, strict=False)
    return True


def _contradictions(claims: tuple[str, ...], fits: Sequence[Entry], index: CatalogueIndex) -> Iterator[str]:
    known = {entry.name.lower() for entry in index.entries}
    for claim in dict.fromkeys(claims):
        if claim in known and all(entry.name.lower() != claim for entry in fits):
            yield f"The file says {claim}; its weights are not a {claim}."


def _choice_notes(entry: Entry, others: tuple[str, ...]) -> Iterator[str]:
    if others:
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        yield (
            f"Taken as {entry.title}; the same weights fit {shown}, which may differ in what weights do not show, "
            "such as padding or activation. If it is one of those, put its name into the file's name."
        )


def _unrecognised(tensors: Weights, claims: tuple[str, ...], index: CatalogueIndex) -> Unrecognised:
    likeliest: tuple[tuple[str, float], ...] = ()
    contradictions = tuple(_contradictions(claims, (), index))
    for weights, _ in _variants(tensors):
        shapes = weights_only({name: tuple(tensor.shape) for name, tensor in weights.items()})
        headless = sorted(index.with_trunk(shapes), key=plainness)
        if headless:
            name, heads = headless[0].title, " and ".join(f"'{head}'" for head in headless[0].heads)
            return Unrecognised(
                what="has no classifier",
                explanation=f"Its weights are those of {name}, but the last layer ({heads}) is missing.",
                do="Use the checkpoint of the trained classifier, not of its backbone alone.",
                candidates=tuple((entry.title, 1.0) for entry in headless[:5]),
                notes=(),
            )
        same_names = sorted(index.named_alike(shapes), key=plainness)
        if same_names:
            return Unrecognised(
                what="was not recognised",
                explanation=f"Its weights have the names of {same_names[0].title}, but other sizes.",
                do="Export the model to ONNX; such a file carries the network itself.",
                candidates=index.nearest(shapes),
                notes=contradictions,
            )
        likeliest = likeliest or index.nearest(shapes)
    likeliest = tuple((name, value) for name, value in likeliest if value >= _ALIKE)
    nearest = ", ".join(f"{name} ({100 * value:.0f} %)" for name, value in likeliest[:3])
    explanation = f"Its weights fit none of the {len(index):,} known networks exactly; by the shapes of its layers "
    return Unrecognised(
        what="was not recognised",
        explanation=f"{explanation}the nearest are {nearest}." if nearest else f"{explanation}it is like none of them.",
        do=("" if nearest else "Check that it is the classifier's file. ")
        + "Export the model to ONNX; such a file carries the network itself.",
        candidates=likeliest,
        notes=contradictions,
    )
