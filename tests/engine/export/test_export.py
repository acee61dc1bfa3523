import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError, Stopped, StorageError
from bandbridge.engine.api.events import Progress
from bandbridge.engine.api.jobs import Export
from bandbridge.engine.export import export as export_module
from bandbridge.engine.export.export import export
from bandbridge.engine.imagery.folder import list_images
from bandbridge.engine.imagery.reader import read_image
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.adapter import adapt, choose
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.model_file import save_sensor_model
from bandbridge.engine.models.network import NetworkSpec, build
from bandbridge.engine.models.sensor_model import Member, SensorModel
from bandbridge.engine.models.source import open_model, open_source
from torch import nn


def do(source, output, **settings):
    kind = "onnx" if str(output).endswith(".onnx") else "safetensors"
    return export(
        Export(source=str(source), format=kind, output=str(output)), settings.get("control", Control()), [].append
    )


@pytest.fixture
def saved(tmp_path):
    """An adapted model in a run folder, decided enough that a wrong result would show."""

    def save(*names, bands=(8,), no_data=None, target=None, kind="auto", curve="linear", despeckle_px=0):
        torch.manual_seed(1)
        members = []
        for name in names or ("test_resnet",):
            spec = NetworkSpec(kind="timm", name=name, classes=3, image_size=160)
            encoder, head = build(spec)
            nn.init.normal_(head.weight, std=1.0)
            encoder = adapt(encoder, 3, len(bands), choose(encoder, 3, len(bands), kind))
            members.append(Member(spec, encoder, head))
        count = len(bands)
        stretch = Stretch((200.0,) * count, (4000.0,) * count, (0.4,) * count, (0.25,) * count, curve)
        if despeckle_px:
            stretch = replace(stretch, despeckle_px=despeckle_px, noise=(0.004,) * count)
        inputs = InputSpec(
            size_px=160,
            mean=stretch.mean,
            std=stretch.std,
            bands=bands,
            stretch=stretch,
            dtype="uint16",
            no_data=no_data,
        )
        model = SensorModel(
            members,
            inputs,
            ("forest", "sea", "town"),
            role="sensor",
            mixing=torch.arange(1.0, len(members) + 1),
            provenance={"method": "socket", "source_model_sha256": "ab12"},
        ).eval()
        run = tmp_path / "run"
        run.mkdir(exist_ok=True)
        save_sensor_model(run / "model.safetensors", model)
        (run / "run.json").write_text(json.dumps({"config": {"target": str(target)}}))
        return run, model

    return save


@pytest.fixture
def tiles(tmp_path):
    """Target images of three sizes."""
    random = np.random.default_rng(0)
    folder = tmp_path / "tiles"
    folder.mkdir()
    for number in range(40):
        height, width = ((64, 64), (64, 64), (200, 170), (33, 90))[number % 4]
        np.save(folder / f"{number}.npy", random.integers(0, 6000, (8, height, width), dtype=np.uint16))
    (folder / "40.npy").write_bytes(b"broken")
    return folder


def runtime(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("names", "bands", "kind"),
    [
        (("test_resnet",), (8,), "auto"),
        (("test_resnet", "test_convnext"), (2, 8), "auto"),
        (("test_vit",), (1, 2, 3, 4, 5, 6, 7, 8), "learned"),
    ],
)
def test_onnx_file_takes_raw_values_of_any_size_and_number(saved, tiles, tmp_path, names, bands, kind):
    run, model = saved(*names, bands=bands, target=tiles, kind=kind)
    output = tmp_path / "model.onnx"
    report = do(run, output)
    assert report.checked_images == 31  # evenly spread over 41 files, one of them broken
    assert report.largest_difference < 1e-4
    assert report.same_classes
    assert [file.name for file in output.parent.iterdir() if file.suffix in (".onnx", ".data", ".part")] == [
        "model.onnx"
    ]

    graph = onnx.load_model_from_string(output.read_bytes())
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 17)]
    session = runtime(output)
    assert [(i.name, i.type) for i in session.get_inputs()] == [("image", "tensor(float)")]
    assert session.get_inputs()[0].shape == ["n", len(bands), "height", "width"]
    assert [o.name for o in session.get_outputs()] == ["probabilities"]
    for shape in ((1, 64, 64), (3, 10, 300), (2, 321, 200)):
        raw = np.random.default_rng(1).integers(0, 6000, (shape[0], len(bands), *shape[1:])).astype(np.uint16)
        found = session.run(None, {"image": raw.astype(np.float32)})[0]
        with torch.inference_mode():
            expected = model(torch.from_numpy(raw.astype(np.float32))).numpy()
        assert found.shape == (shape[0], 3)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_no_data_is_part_of_the_file(saved, tmp_path):
    run, _ = saved(no_data=0.0)
    do(run, tmp_path / "model.onnx")
    session = runtime(tmp_path / "model.onnx")
    raw = np.random.default_rng(1).uniform(300, 4000, (1, 1, 100, 100)).astype(np.float32)
    zero, missing, low = raw.copy(), raw.copy(), raw.copy()
    zero[..., :50], missing[..., :50], low[..., :50] = 0, np.nan, 200
    results = [session.run(None, {"image": image})[0] for image in (zero, missing, low)]
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    np.testing.assert_allclose(results[0], results[2], atol=1e-6)


def test_a_log_stretch_is_part_of_the_file(saved, tmp_path):
    run, model = saved(bands=(1, 2), no_data=-1.0, curve="log")
    assert do(run, tmp_path / "model.onnx").largest_difference < 1e-4
    session = runtime(tmp_path / "model.onnx")
    raw = np.random.default_rng(1).uniform(-300, 9000, (2, 2, 90, 120)).astype(np.float32)
    raw[:, :, :20], raw[:, :, 20:30, :40], raw[:, :, 30:35] = 0, np.nan, -1
    found = session.run(None, {"image": raw})[0]
    with torch.inference_mode():
        expected = model(torch.from_numpy(raw)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert json.loads(session.get_modelmeta().custom_metadata_map["stretch_curve"]) == "log"


def test_a_speckle_filter_is_part_of_the_file(saved, tmp_path):
    run, model = saved(bands=(1, 2), no_data=-1.0, curve="log", despeckle_px=5)
    assert do(run, tmp_path / "model.onnx").largest_difference < 1e-3
    session = runtime(tmp_path / "model.onnx")
    random = np.random.default_rng(1)
    raw = (800 * random.gamma(4, 0.25, (2, 2, 90, 121))).astype(np.float32)
    raw[:, :, 20:30, :40], raw[:, :, 30:35] = np.nan, -1
    found = session.run(None, {"image": raw})[0]
    with torch.inference_mode():
        expected = model(torch.from_numpy(raw)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)
    unfiltered, _ = saved(bands=(1, 2), no_data=-1.0, curve="log")
    do(unfiltered, tmp_path / "plain.onnx")
    assert np.abs(runtime(tmp_path / "plain.onnx").run(None, {"image": raw})[0] - found).max() > 0.005
    assert json.loads(session.get_modelmeta().custom_metadata_map["despeckle_px"]) == 5


def test_onnx_file_says_how_it_is_used(saved, tmp_path):
    run, _ = saved(bands=(8,), no_data=-1.0)
    do(run, tmp_path / "model.onnx")
    facts = {
        key: json.loads(value)
        for key, value in runtime(tmp_path / "model.onnx").get_modelmeta().custom_metadata_map.items()
    }
    assert {int(number): name for number, name in facts["class_names"].items()} == {0: "forest", 1: "sea", 2: "town"}
    assert facts["tile_size"] == facts["tiles_size"] == 160
    raw = 3000.0  # a reader that divides by 255 and standardises must end where it began
    assert (raw / 255 - facts["standardization_mean"][0]) / facts["standardization_std"][0] == pytest.approx(raw)
    assert (facts["stretch_lo"], facts["stretch_hi"], facts["nodata"]) == ([200.0], [4000.0], -1.0)
    assert (facts["sensor"], facts["bands"], facts["source_model_sha256"]) == ("1 band, uint16", [8], "ab12")
    assert facts["app_version"]
    with pytest.raises(ModelError, match="was exported by this program"):
        open_model(tmp_path / "model.onnx")


def test_same_predictions_on_raw_sentinel_images(saved, tmp_path, shared_data):
    target = shared_data("eurosat_ms")
    run, model = saved(target=target)
    report = do(run, tmp_path / "model.onnx")
    assert report.checked_images == 32
    assert report.largest_difference < 1e-4
    session = runtime(tmp_path / "model.onnx")
    images = [read_image(target / name, bands=(8,)) for name in list_images(target)[:64:4]]
    found = session.run(None, {"image": np.stack(images)})[0].argmax(axis=1)
    with torch.inference_mode():
        expected = model(torch.from_numpy(np.stack(images))).numpy().argmax(axis=1)
    assert (found == expected).all()
    assert len(set(found.tolist())) > 1


def test_model_from_an_onnx_source_can_be_exported(tmp_path, shared_data):
    report = do(shared_data("models") / "mobilenetv1_x025_imagenet.onnx", tmp_path / "out.onnx")
    assert report.checked_images == 0
    assert report.largest_difference < 1e-4
    assert "uint8 values of 3 bands" in report.explanation


def test_safetensors_export_is_the_same_model(saved, tiles, tmp_path):
    run, model = saved("test_resnet", "test_vit", target=tiles)
    report = do(run / "model.safetensors", tmp_path / "copy.safetensors")
    assert (report.checked_images, report.largest_difference, report.same_classes) == (31, 0.0, True)
    back = open_model(tmp_path / "copy.safetensors")
    raw = torch.rand(2, 1, 64, 64) * 5000
    with torch.inference_mode():
        assert torch.equal(back(raw), model(raw))


def test_source_model_can_be_exported(tmp_path):
    spec = NetworkSpec(kind="timm", name="test_resnet", classes=3, bottleneck=16)
    encoder, head = build(spec)
    inputs = InputSpec(size_px=64, mean=(0.5,) * 3, std=(0.25,) * 3)
    path = tmp_path / "source.safetensors"
    save_sensor_model(path, SensorModel([Member(spec, encoder, head)], inputs, "abc", role="source").eval())
    assert do(path, tmp_path / "copy.safetensors").same_classes
    assert do(path, tmp_path / "copy.onnx").same_classes
    assert open_source(tmp_path / "copy.safetensors").class_names == ("a", "b", "c")


@pytest.mark.parametrize("wrong", [lambda p: p + 0.01, lambda p: p * np.nan, lambda p: p[:, :2]])
def test_file_that_gives_other_results_is_not_left_behind(saved, tmp_path, monkeypatch, wrong):
    run, _ = saved()
    output = tmp_path / "model.onnx"
    output.write_bytes(b"an older file")
    real = export_module.onnx_classifier

    def off(path):
        classify = real(path)
        return lambda images: wrong(classify(images))

    monkeypatch.setattr(export_module, "onnx_classifier", off)
    with pytest.raises(ModelError, match="was not written, because it would give other results"):
        do(run, output)
    assert output.read_bytes() == b"an older file"
    assert not list(tmp_path.glob(".*.part"))


def test_export_can_be_stopped_and_leaves_nothing(saved, tmp_path):
    run, _ = saved()
    looks = iter([None, "stop"])
    with pytest.raises(Stopped):
        do(run, tmp_path / "model.onnx", control=Control(lambda: next(looks)))
    assert not list(tmp_path.glob("*.onnx*"))
    assert not list(tmp_path.glob(".*"))


def test_progress_is_told(saved, tmp_path):
    run, _ = saved()
    events = []
    export(
        Export(source=str(run), format="safetensors", output=str(tmp_path / "a.safetensors")), Control(), events.append
    )
    assert next(event.title for event in events if isinstance(event, Progress)) == "Opening the model"


def test_what_cannot_be_exported_is_told(tmp_path, saved):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no finished model"):
        do(tmp_path / "empty", tmp_path / "a.onnx")
    run, _ = saved()
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError):
        do(run, blocked / "a.onnx")
