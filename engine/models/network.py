"""Building a classifier and cutting it in two: the encoder that makes features, and the last linear layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models import (
    torchvision_cure,  # noqa: F401  must come before timm, which imports torchvision
)
from bandbridge.engine.models.onnx_graph import read_graph
from torch import Tensor, nn

import timm  # isort: skip
import torchvision.models  # isort: skip

Kind = Literal["timm", "torchvision", "onnx"]

# Far beyond any use; a damaged or malicious description must not ask for all memory.
_LARGEST = {"classes": 100_000, "input_channels": 1024, "bottleneck": 65_536, "image_size": 8192}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """Everything needed to build a network again, weights aside.

    Attributes:
        kind: Which catalogue `name` is from; "onnx" for a graph from a file.
        name: Name in that catalogue; for ONNX the graph's own name.
        classes: Number of classes K.
        input_channels: Channels of the input.
        bottleneck: Width of the bottleneck (Linear + BatchNorm1d) at the encoder's end, 0 for none.
        image_size: Side of the square input in pixels, for networks whose weights depend on it; 0: the catalogue's.
        graph: The ONNX file's bytes for "onnx", else empty.
    """

    kind: Kind
    name: str
    classes: int
    input_channels: int = 3
    bottleneck: int = 0
    image_size: int = 0
    graph: bytes = field(default=b"", repr=False)

    def to_json(self) -> dict[str, str | int]:
        """All but the graph, which is kept beside the weights."""
        return {
            "kind": self.kind,
            "name": self.name,
            "classes": self.classes,
            "input_channels": self.input_channels,
            "bottleneck": self.bottleneck,
            "image_size": self.image_size,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, str | int], graph: bytes = b"") -> NetworkSpec:
        """The opposite of `to_json`.

        Raises:
            ModelError: A field is missing or senseless.
        """
        kind = values.get("kind")
        numbers = {key: values.get(key) for key in ("classes", "input_channels", "bottleneck", "image_size")}
        sound = kind in ("timm", "torchvision", "onnx") and all(
            isinstance(number, int) and 0 <= number <= _LARGEST[key] for key, number in numbers.items()
        )
        if not sound:
            raise ModelError("The model file does not describe its network properly.", f"It says: {dict(values)}.")
        counts = cast("dict[str, int]", numbers)
        return cls(kind=cast("Kind", kind), name=str(values.get("name", "")), graph=graph, **counts)


def build(spec: NetworkSpec) -> tuple[nn.Module, nn.Linear]:
    """A network with random weights (ONNX: the graph's own), cut in two.

    Returns:
        `encoder`: standardised images (B, C, S, S) -> features (B, D); `head`: features -> logits (B, K).

    Raises:
        ModelError: The name is in no catalogue, or the network has no last linear layer.
    """
    if spec.kind == "onnx":
        graph = read_graph(spec.graph, spec.name)
        encoder, head = graph.encoder, graph.head
    else:
        encoder, head = split(create(spec), spec)
    if spec.bottleneck:
        encoder, head = _with_bottleneck(encoder, head, spec)
    return encoder, head


def create(spec: NetworkSpec) -> nn.Module:
    """The whole network from its catalogue, (B, C, S, S) -> (B, K), before it is cut.

    Raises:
        ModelError: The name is in no catalogue.
    """
    # A name with a dot would choose pretrained settings, one with a colon would reach for another place.
    if spec.kind == "timm" and spec.name.replace("_", "").isalnum() and timm.is_model(spec.name):
        size = {"img_size": spec.image_size} if spec.image_size and is_size_fixed(spec) else {}
        network = timm.create_model(spec.name, num_classes=spec.classes, in_chans=spec.input_channels, **size)
        return cast("nn.Module", network)
    if spec.kind == "torchvision" and spec.name in torchvision.models.list_models(module=torchvision.models):
        return _create_torchvision(spec)
    raise ModelError(
        f"There is no network called '{spec.name}'.",
        f"It is not in the catalogue of {spec.kind}.",
        "Choose a name from the list, e.g. resnet18.",
    )


def _create_torchvision(spec: NetworkSpec) -> nn.Module:
    # Inception and GoogLeNet draw initial weights by a slow rejection sampler unless told not to.
    quick = {"init_weights": False} if spec.name in ("inception_v3", "googlenet") else {}
    network = cast(
        "nn.Module", torchvision.models.get_model(spec.name, weights=None, num_classes=spec.classes, **quick)
    )
    if spec.input_channels != 3:
        first = first_convolution(network)
        if first is None:
            raise ModelError(f"'{spec.name}' takes three bands only.", "It does not begin with a convolution.")
        replace_module(network, first[0], _resized(first[1], spec.input_channels))
    return network


def is_size_fixed(spec: NetworkSpec) -> bool:
    """Whether the weights depend on the input size, as in many vision transformers."""
    if spec.kind != "timm":
        return False
    config = timm.get_pretrained_cfg(spec.name, allow_unregistered=True)
    return bool(config is not None and config.fixed_input_size)


def split(network: nn.Module, spec: NetworkSpec) -> tuple[nn.Module, nn.Linear]:
    """Cut the last linear layer out of a network, in place.

    Where a framework writes the last layer as a 1x1 convolution over a 1x1 map, it becomes the linear layer it is.

    Returns:
        The network without it (the encoder), and the layer.

    Raises:
        ModelError: There is no single last linear layer.
    """
    _drop_auxiliary(network)
    path = head_path(network, spec)
    layer = network.get_submodule(path)
    head = as_linear(layer)
    if head is None:
        raise _no_head(spec.name, f"Its classifier is a {type(layer).__name__}.")
    replace_module(network, path, nn.Identity())
    return network, head


def head_path(network: nn.Module, spec: NetworkSpec) -> str:
    """Where the last linear layer is, as a dotted path.

    Raises:
        ModelError: There are several heads, or none.
    """
    config = getattr(network, "pretrained_cfg", None) or {}
    named = config.get("classifier") if spec.kind == "timm" else None
    if isinstance(named, tuple | list):
        raise _no_head(spec.name, f"It has {len(named)} heads that work together.")
    if isinstance(named, str) and any(path == named for path, _ in network.named_modules()):
        return str(named)
    linear = [path for path, module in network.named_modules() if as_linear(module) is not None]
    if not linear:
        raise _no_head(spec.name, "It has no linear layer.")
    return str(linear[-1])


def _no_head(name: str, why: str) -> ModelError:
    return ModelError(
        f"The network '{name}' cannot be adapted.",
        f"Features are taken before a single last linear layer. {why}",
        "Use a network with one linear classifier, e.g. a ResNet, an EfficientNet or a plain vision transformer.",
    )


def as_linear(layer: nn.Module) -> nn.Linear | None:
    """A linear layer, or an ungrouped 1x1 convolution written as one with the same weights; else None."""
    if isinstance(layer, nn.Linear):
        return layer
    if not isinstance(layer, nn.Conv2d) or layer.kernel_size != (1, 1) or layer.groups != 1:
        return None
    linear = nn.Linear(layer.in_channels, layer.out_channels, bias=layer.bias is not None, device=layer.weight.device)
    with torch.no_grad():
        linear.weight.copy_(layer.weight.flatten(1))
        if layer.bias is not None:
            linear.bias.copy_(layer.bias)
    return linear


def _drop_auxiliary(network: nn.Module) -> None:
    """Inception's and GoogLeNet's auxiliary heads only serve training from scratch; they make the output a tuple."""
    if getattr(network, "aux_logits", False):
        setattr(network, "aux_logits", False)  # noqa: B010  torch types attributes as modules
        for name in ("AuxLogits", "aux1", "aux2"):
            if hasattr(network, name):
                setattr(network, name, None)


def _with_bottleneck(encoder: nn.Module, head: nn.Linear, spec: NetworkSpec) -> tuple[nn.Module, nn.Linear]:
    """SOCKET's bottleneck: Linear + BatchNorm1d at the encoder's end, and a head on top of it.

    A training head whose weights are normalised is folded into a plain linear layer before it is saved.
    """
    narrow = nn.Sequential(nn.Linear(head.in_features, spec.bottleneck), nn.BatchNorm1d(spec.bottleneck))
    return (
        nn.Sequential(OrderedDict(trunk=encoder, bottleneck=narrow)),
        nn.Linear(spec.bottleneck, spec.classes),
    )


def first_convolution(network: nn.Module) -> tuple[str, nn.Conv2d] | None:
    """The first convolution and its dotted path, or None if a network has none."""
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return path, module
    return None


def replace_module(network: nn.Module, path: str, module: nn.Module) -> None:
    """Put `module` at a dotted path (or, in an ONNX graph, at a name with slashes) of `network`."""
    parent, _, name = path.rpartition(".")
    network.get_submodule(parent).add_module(name, module)


def _resized(layer: nn.Conv2d, channels: int) -> nn.Conv2d:
    """The same convolution for another number of input channels, with random weights."""
    return nn.Conv2d(
        channels,
        layer.out_channels,
        cast("tuple[int, int]", layer.kernel_size),
        cast("tuple[int, int]", layer.stride),
        layer.padding if isinstance(layer.padding, str) else cast("tuple[int, int]", layer.padding),
        cast("tuple[int, int]", layer.dilation),
        layer.groups,
        layer.bias is not None,
        layer.padding_mode,
    )


def normalisation_layers(module: nn.Module) -> dict[str, nn.Module]:
    """Every normalisation layer by its dotted path, in the order in which the network was put together.

    Counts the layers of torch, those of timm that stand beside them (RmsNorm, EvoNorm ...), and those of an ONNX graph.
    """
    return {path: layer for path, layer in module.named_modules() if _is_normalisation(layer)}


def _is_normalisation(layer: nn.Module) -> bool:
    if isinstance(layer, _TORCH_NORMS):
        return True
    # A wrapper such as PreNorm holds a normalisation layer and is none itself.
    holds = any("norm" in type(part).__name__.lower() for part in layer.children())
    return "norm" in type(layer).__name__.lower() and not holds and bool(list(layer.parameters(recurse=False)))


_TORCH_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)


def probe(encoder: nn.Module, head: nn.Linear, channels: int, size_px: int, *, batch: int = 2) -> Tensor:
    """Logits (batch, K) for fixed made-up images, eval mode: to see that a network runs and stays the same."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, channels, size_px, size_px, generator=generator)
    encoder.eval()
    with torch.inference_mode():
        return cast("Tensor", head(encoder(images)))
