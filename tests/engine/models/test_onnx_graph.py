import onnx
import onnxruntime
import pytest
import torch
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.api.jobs import InspectModel
from bandbridge.engine.models.onnx_graph import parse, read_graph
from bandbridge.engine.models.source import inspect_model, open_source
from onnx import TensorProto, helper, numpy_helper
from torch import nn


def as_runtime_sees_it(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.cat([torch.from_numpy(session.run(None, {"image": one[None].numpy()})[0]) for one in images])


@pytest.mark.parametrize("open_batch", [True, False])
@pytest.mark.parametrize("after", [None, nn.Softmax(1), nn.LogSoftmax(1)])
def test_graph_is_cut_before_its_last_linear_layer(plain, to_onnx, open_batch, after):
    network = plain(after)
    path = to_onnx(network, open_batch=open_batch)
    model = open_source(path)
    images = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        features = model.encoder(images)
        scores = (after or nn.Identity())(model.head(features))
    assert features.shape == (3, 16)
    assert model.report.architecture == "ONNX graph"
    torch.testing.assert_close(scores.clone(), as_runtime_sees_it(path, images), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.head.weight, network.fc.weight)
    assert any("Softmax" in note for note in model.report.notes) == (after is not None)


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence for multidimensional indexing:UserWarning")
@pytest.mark.parametrize("name", ["test_vit", "test_convnext"])
def test_every_weight_of_a_graph_can_be_trained(small, to_onnx, name):
    # Untrained zeros and ones are stored once and handed on through Identity operations.
    size_px = 160
    network = small(name)
    model = open_source(to_onnx(network, size_px=size_px))
    assert model.report.normalisation_layers == {
        "LayerNorm": sum(isinstance(m, nn.LayerNorm) for m in network.modules())
    }
    model.encoder.train()
    model.head(model.encoder(torch.randn(2, 3, size_px, size_px))).square().sum().backward()
    parameters = dict(model.encoder.named_parameters())
    assert all(parameter.grad is not None for parameter in parameters.values())
    counted = sum(p.numel() for p in parameters.values()) + sum(p.numel() for p in model.head.parameters())
    assert counted == pytest.approx(sum(p.numel() for p in network.parameters()), rel=0.01)


def test_the_real_graph_opens_splits_and_trains(shared_data):
    path = shared_data("models") / "mobilenetv1_x025_imagenet.onnx"
    model = open_source(path)
    assert model.report.normalisation_layers == {}
    assert model.report.feature_width == 256
    assert len(model.class_names) == 1000
    assert model.inputs.size_px == 224
    images = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(
            model.head(model.encoder(images)), as_runtime_sees_it(path, images), rtol=1e-3, atol=1e-4
        )
    model.encoder.train()
    optimiser = torch.optim.SGD(model.encoder.parameters(), lr=1e-4)
    losses = []
    for _ in range(3):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model.head(model.encoder(images)), torch.tensor([3, 7]))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def external(tensor, location):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    tensor.external_data.add(key="length", value="64")


def initializer(model):
    return model.graph.initializer[0]


def in_a_constant(model):
    node = model.graph.node.add(op_type="Constant", output=["hidden"])
    node.attribute.append(helper.make_attribute("value", numpy_helper.from_array(torch.zeros(4).numpy())))
    return node.attribute[0].t


def in_a_branch(model):
    inner = helper.make_graph([], "branch", [], [], [numpy_helper.from_array(torch.zeros(4).numpy(), "inner")])
    node = model.graph.node.add(op_type="If", input=["condition"], output=["chosen"])
    node.attribute.append(helper.make_attribute("then_branch", inner))
    return node.attribute[0].g.initializer[0]


def in_a_function(model):
    function = model.functions.add(name="f", domain="somewhere")
    node = function.node.add(op_type="Constant", output=["hidden"])
    node.attribute.append(helper.make_attribute("value", numpy_helper.from_array(torch.zeros(4).numpy())))
    return node.attribute[0].t


@pytest.mark.parametrize("place", [initializer, in_a_constant, in_a_branch, in_a_function])
@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "link.bin"])
def test_graph_with_data_in_other_files_is_refused_unread(plain, to_onnx, tmp_path, place, location):
    path = to_onnx(plain())
    (path.parent / "secret.bin").write_bytes(b"\x01" * 64)
    (path.parent / "link.bin").symlink_to("secret.bin")
    model = onnx.load_model_from_string(path.read_bytes())
    external(place(model), location)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="keeps its weights in other files"):
        inspect_model(InspectModel(path=str(path)))


def test_damaged_graphs_are_refused(plain, to_onnx):
    data = to_onnx(plain()).read_bytes()
    with pytest.raises(ModelError, match="cannot be read"):
        parse(data[: len(data) // 2], "half.onnx")
    with pytest.raises(ModelError, match="not a valid ONNX model"):
        parse(b"", "empty.onnx")


class Ending(nn.Module):
    def __init__(self, ending):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.ending = ending

    def forward(self, images):
        return self.ending(self.stem(images))


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "does not end in a linear layer"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1)), "has a single output"),
    ],
)
def test_graphs_that_are_no_classifiers_are_refused(to_onnx, ending, words):
    path = to_onnx(Ending(ending))
    with pytest.raises(ModelError, match=words):
        open_source(path)


def test_convolution_at_the_end_counts_as_linear(to_onnx):
    ending = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 5, 1), nn.Flatten())
    model = open_source(to_onnx(Ending(ending)))
    assert (model.head.in_features, model.head.out_features) == (4, 5)


def test_grey_and_unsquare_graphs_are_refused(to_onnx, plain):
    network = plain()
    network.stem = nn.Conv2d(1, 8, 3, stride=2, padding=1)
    with pytest.raises(ModelError, match="1 channel"):
        open_source(to_onnx(network, channels=1))


def test_graph_that_cannot_take_several_images_is_refused(small, to_onnx):
    path = to_onnx(small("test_vit"), size_px=160, open_batch=False)
    with pytest.raises(ModelError, match="dynamic batch"):
        open_source(path)


def test_unknown_operations_are_named():
    weights = numpy_helper.from_array(torch.ones(3, 4).numpy(), "w")
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["p"]),
            helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("Det", ["f"], ["d"]),
            helper.make_node("MatMul", ["d", "w"], ["scores"]),
        ],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 4])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    with pytest.raises(ModelError, match="Det"):
        read_graph(model.SerializeToString(), "odd.onnx")
