"""Reading an ONNX graph safely and cutting it before its last linear layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models import (
    torchvision_cure,  # noqa: F401  must come before onnx2torch, which imports torchvision
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

import onnx2torch  # isort: skip

# What may follow the last linear layer: it changes the scale of the scores, not the features, and is dropped.
_AFTER_HEAD = {"Softmax", "LogSoftmax", "Sigmoid", "Identity", "Flatten", "Reshape", "Squeeze", "Cast", "Dropout"}


@dataclass(frozen=True, slots=True)
class GraphNetwork:
    """An ONNX graph as a trainable torch network, cut in two.

    Attributes:
        encoder: Images (B, C, H, W) -> features (B, D).
        head: Features -> logits (B, K).
        channels: C of the input.
        image_size: (H, W) of the input, 0 where the file leaves it open.
        dropped: Operations after the last linear layer that were left out, e.g. "Softmax".
        metadata: The file's own key-value pairs.
    """

    encoder: nn.Module
    head: nn.Linear
    channels: int
    image_size: tuple[int, int]
    dropped: tuple[str, ...]
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Head:
    """The last linear layer as found in the graph: the value it takes, weight (K, D) and bias (K,)."""

    takes: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    flatten: bool


def parse(data: bytes, name: str) -> onnx.ModelProto:
    """Read a graph from memory, where no path can lead out of the file, and refuse what is not self-contained.

    Args:
        data: The file's bytes.
        name: Of the file, for messages.

    Raises:
        ModelError: Not an ONNX file, damaged, or with data in other files.
    """
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError) as error:
        raise ModelError(
            f"'{name}' cannot be read as an ONNX model.",
            "The file is damaged, incomplete or of another kind.",
            "Get the file again, or export it once more.",
            details=str(error),
        ) from error
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                f"'{name}' keeps its weights in other files.",
                "Such references can point anywhere on the disk, so they are never followed.",
                "Export the model into one file, e.g. with external_data=False.",
            )
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise ModelError(
            f"'{name}' is not a valid ONNX model.",
            str(error).splitlines()[0] if str(error) else "",
            "Export it once more.",
            details=str(error),
        ) from error
    return model


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model, also those in attributes, subgraphs and functions."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _node_tensors(node)
    for info in model.training_info:
        yield from _graph_tensors(info.initialization)
        yield from _graph_tensors(info.algorithm)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield from _node_tensors(node)


def _node_tensors(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for graph in (attribute.g, *attribute.graphs):
            yield from _graph_tensors(graph)


def read_graph(data: bytes, name: str) -> GraphNetwork:
    """Read an ONNX classifier and cut it before its last linear layer.

    Args:
        data: The file's bytes.
        name: Of the file, for messages.

    Raises:
        ModelError: Not a self-contained image classifier with a last linear layer, or with operations unknown here.
    """
    model = parse(data, name)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if "bandbridge" in metadata:
        raise ModelError(
            f"'{name}' was exported by this program for use elsewhere.",
            "Such a file is made for other programs; this one does not take it apart again.",
            "Choose the run, or the model file it was exported from.",
        )
    channels, image_size = _image_input(model, name)
    if len(model.graph.output) != 1:
        raise ModelError(
            f"'{name}' has {len(model.graph.output)} outputs.",
            "A classifier has one: a score for every class.",
            "Export the classifier alone.",
        )
    _own_constants(model)
    _open_batch(model)
    head, dropped = _find_head(model, name)
    _cut(model, head.takes)
    return GraphNetwork(
        encoder=_as_torch(model, name, head.flatten),
        head=_linear(head),
        channels=channels,
        image_size=image_size,
        dropped=dropped,
        metadata=metadata,
    )


def _image_input(model: onnx.ModelProto, name: str) -> tuple[int, tuple[int, int]]:
    """Channels and (height, width) of the one image input; 0 where open."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ModelError(f"'{name}' has {len(inputs)} inputs.", "A classifier of images has one.", "")
    kind = inputs[0].type.tensor_type
    size = [dim.dim_value for dim in kind.shape.dim]
    if kind.elem_type != onnx.TensorProto.FLOAT or len(size) != 4 or size[1] == 0 or size[1] > 64:
        types = {number: word.lower() for word, number in onnx.TensorProto.DataType.items()}
        raise ModelError(
            f"The input of '{name}' is not understood.",
            f"It takes {types.get(kind.elem_type, 'unknown')} values of shape {size}; images are "
            "expected as float values of shape (batch, bands, height, width).",
            "Export the model with that input.",
        )
    return size[1], (size[2], size[3])


def _own_constants(model: onnx.ModelProto) -> None:
    """Give every layer weights of its own.

    Exporters store equal weights once (the zeros of untrained biases, the ones of normalisation layers) and hand them
    on through Identity operations; converted as they are, those layers would not be trainable, nor be recognised.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        held = constants.get(node.input[0]) if node.op_type == "Identity" else None
        if held is None:
            kept.append(node)
            continue
        copy = onnx.TensorProto()
        copy.CopyFrom(held)
        copy.name = node.output[0]
        constants[copy.name] = copy
        graph.initializer.append(copy)
    del graph.node[:]
    graph.node.extend(kept)


def _open_batch(model: onnx.ModelProto) -> None:
    """Let a graph that was exported for exactly one image take any number.

    Exporters write the batch of 1 into the input and into constant Reshape targets; both are opened. Whether that was
    enough is seen by running the network on two images.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    image = next(value for value in graph.input if value.name not in constants)
    batch = image.type.tensor_type.shape.dim[0]
    if batch.dim_value != 1:
        return
    batch.dim_param = "n"
    del graph.value_info[:]
    graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"
    held = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant" and node.attribute}
    for node in graph.node:
        if node.op_type != "Reshape":
            continue
        target = constants.get(node.input[1]) or held.get(node.input[1])
        if target is None or target.data_type != onnx.TensorProto.INT64:
            continue
        shape = numpy_helper.to_array(target).copy()
        if shape.ndim == 1 and len(shape) > 1 and shape[0] == 1:
            shape[0] = 0  # ONNX for "as many as the input has"
            target.CopyFrom(numpy_helper.from_array(shape, target.name))


def _find_head(model: onnx.ModelProto, name: str) -> tuple[_Head, tuple[str, ...]]:
    """Walk back from the output to the last linear layer."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    makers = {output: node for node in model.graph.node for output in node.output}
    dropped: list[str] = []
    node = makers.get(model.graph.output[0].name)
    while node is not None and node.op_type in _AFTER_HEAD:
        dropped.append(node.op_type)
        node = makers.get(node.input[0])
    head = _head_at(node, constants, makers) if node is not None else None
    if head is None:
        last = node.op_type if node is not None else "nothing"
        raise ModelError(
            f"'{name}' does not end in a linear layer.",
            f"Features are taken before the last linear layer; this graph ends in '{last}'.",
            "Use a classifier whose last layer is linear (Gemm or MatMul in ONNX).",
        )
    return head, tuple(op for op in dropped if op in ("Softmax", "LogSoftmax", "Sigmoid"))


def _head_at(
    node: onnx.NodeProto, constants: dict[str, onnx.TensorProto], makers: dict[str, onnx.NodeProto]
) -> _Head | None:
    """The linear layer that ends in `node`, if it is one with constant weights."""

    def constant(name: str) -> NDArray[np.float32] | None:
        return numpy_helper.to_array(constants[name]).astype(np.float32) if name in constants else None

    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Gemm" and not settings.get("transA", 0):
        weight = constant(node.input[1])
        if weight is None:
            return None
        weight = settings.get("alpha", 1.0) * (weight if settings.get("transB", 0) else weight.T)
        bias = constant(node.input[2]) if len(node.input) > 2 else np.zeros(1, np.float32)
        return None if bias is None else _head(node.input[0], weight, settings.get("beta", 1.0) * bias)
    if node.op_type == "MatMul":
        weight = constant(node.input[1])
        return None if weight is None or weight.ndim != 2 else _head(node.input[0], weight.T, np.zeros(1, np.float32))
    if node.op_type == "Add":
        for values, other in (node.input, reversed(node.input)):
            bias, product = constant(other), makers.get(values)
            one_row = bias is not None and bias.size == max(bias.shape, default=1)
            if bias is not None and one_row and product is not None and product.op_type == "MatMul":
                weight = constant(product.input[1])
                if weight is not None and weight.ndim == 2:
                    return _head(product.input[0], weight.T, bias)
    if node.op_type == "Conv" and settings.get("group", 1) == 1:
        weight = constant(node.input[1])
        bias = constant(node.input[2]) if len(node.input) > 2 else np.zeros(1, np.float32)
        if weight is not None and bias is not None and weight.shape[2:] == (1, 1):
            return _head(node.input[0], weight[:, :, 0, 0], bias, flatten=True)
    return None


def _head(takes: str, weight: NDArray[np.float32], bias: NDArray[np.float32], *, flatten: bool = False) -> _Head | None:
    if weight.ndim != 2:
        return None
    return _Head(takes, weight, np.broadcast_to(bias.reshape(-1), weight.shape[:1]), flatten)


def _linear(head: _Head) -> nn.Linear:
    classes, width = head.weight.shape
    layer = nn.Linear(width, classes)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.array(head.weight)))
        layer.bias.copy_(torch.from_numpy(np.array(head.bias)))
    return layer


def _cut(model: onnx.ModelProto, value: str) -> None:
    """Make `value` the graph's only output and drop what nobody needs any more."""
    graph = model.graph
    needed = {value}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))


def _as_torch(model: onnx.ModelProto, name: str, flatten: bool) -> nn.Module:
    try:
        network = onnx2torch.convert(model)
    except NotImplementedError as error:
        raise ModelError(
            f"'{name}' uses operations this program cannot train.",
            str(error),
            "Export it with a lower opset, e.g. 17, or bring the weights as safetensors.",
        ) from error
    except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(
            f"'{name}' cannot be turned into a trainable network.",
            "Its graph has a part that was not expected.",
            "Bring the weights as safetensors or as a PyTorch checkpoint.",
            details=f"{type(error).__name__}: {error}",
        ) from error
    _free_constants(network)
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm) and layer.elementwise_affine:
            # The converter takes sizes from shape inference, which may know none; the weights know them.
            layer.normalized_shape = tuple(layer.weight.shape)
    return nn.Sequential(network, nn.Flatten(1)) if flatten else network


def _free_constants(network: nn.Module) -> None:
    """Weights that the graph holds as bare constants (of MatMul, Add, Mul) become parameters that can be trained."""
    holder = getattr(network, "initializers", None)
    if not isinstance(holder, nn.Module):
        return
    for name, value in list(holder.named_buffers(recurse=False)):
        if value.is_floating_point() and value.numel() > 1:
            delattr(holder, name)
            holder.register_parameter(name, nn.Parameter(value.clone()))


def json_or_text(value: str) -> object:
    """A metadata value as JSON where it is JSON, else the text itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value
