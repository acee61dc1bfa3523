import json

import pytest
import torch
from bandbridge.engine.api.errors import ModelError, StorageError
from bandbridge.engine.api.jobs import InspectModel
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models import model_file
from bandbridge.engine.models.adapter import sensor_encoder
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.model_file import save_sensor_model
from bandbridge.engine.models.network import NetworkSpec, build
from bandbridge.engine.models.sensor_model import Member, SensorModel
from bandbridge.engine.models.source import SourceModel, inspect_model, open_model, open_source
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file


def adapted(sources, bands, kind):
    stretch = Stretch((0.0,) * bands, (4000.0,) * bands, (0.4,) * bands, (0.2,) * bands)
    return SensorModel.adapted(
        sources=sources,
        encoders=[sensor_encoder(source, bands, kind)[0] for source in sources],
        mixing=torch.arange(1, len(sources) + 1).float(),
        stretch=stretch,
        bands=(8,) if bands == 1 else None,
        dtype="uint16",
        no_data=-9999.0,
        adapter="in words",
        provenance={"method": "socket", "seed": "3"},
    ).eval()


@pytest.mark.parametrize(("bands", "kind"), [(1, "replicate"), (2, "first-layer"), (13, "learned"), (3, "auto")])
def test_adapted_model_comes_back_to_the_bit(source, to_onnx, plain, tmp_path, bands, kind):
    sources = [source("test_resnet"), open_source(to_onnx(plain()))]
    sources = [sources[0], sources[0]] if sources[1].inputs.size_px == 0 else sources
    model = adapted(sources, bands, kind)
    path = tmp_path / "model.safetensors"
    save_sensor_model(path, model)
    back = open_model(path)
    assert isinstance(back, SensorModel)
    raw = torch.rand(2, bands, 50, 70) * 5000
    with torch.inference_mode():
        assert torch.equal(back(raw), model(raw))
    assert back.inputs == model.inputs
    assert back.provenance == model.provenance
    assert back.class_names == model.class_names
    report = inspect_model(InspectModel(path=str(path)))
    assert report.format == "Bandbridge model"
    assert report.sensor == f"{'1 band' if bands == 1 else f'{bands} bands'}, uint16"
    assert report.bands == bands
    with pytest.raises(ModelError, match="was adapted to a sensor already"):
        open_source(path)


def test_trained_source_model_comes_back_as_a_source(tmp_path):
    spec = NetworkSpec(kind="timm", name="test_vit", classes=3, bottleneck=16, image_size=64)
    encoder, head = build(spec)
    stretch = Stretch((0.0,) * 3, (3000.0,) * 3, (0.0,) * 3, (1.0,) * 3)
    inputs = InputSpec(
        size_px=64, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), bands=(4, 3, 2), stretch=stretch, dtype="uint16"
    )
    model = SensorModel([Member(spec, encoder, head)], inputs, ("a", "b", "c"), role="source", provenance={"seed": "1"})
    path = tmp_path / "source.safetensors"
    save_sensor_model(path, model.eval())
    back = open_source(path)
    assert isinstance(back, SourceModel)
    assert (back.spec, back.inputs, back.class_names) == (spec, inputs, ("a", "b", "c"))
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(back.head(back.encoder(images)), head(encoder(images)))
    assert back.report.names_known
    assert back.report.architecture == "test_vit"
    names = tmp_path / "names.txt"
    names.write_text("x\ny\nz\n")
    assert open_source(path, class_names=names).class_names == ("x", "y", "z")


def test_facts_can_be_read_without_this_program(source, tmp_path):
    path = tmp_path / "model.safetensors"
    save_sensor_model(path, adapted([source()], 1, "auto"))
    with safe_open(str(path), "pt") as file:
        facts = {
            key: json.loads(value) for key, value in file.metadata().items() if key not in ("format", "bandbridge")
        }
    assert facts["class_names"] == ["0", "1", "2", "3"]
    assert facts["inputs"]["stretch"]["high"] == [4000.0]
    assert facts["inputs"]["bands"] == [8]
    assert facts["members"][0]["network"]["name"] == "test_resnet"
    assert facts["provenance"]["source_model_sha256"]
    assert facts["versions"]["torch"]


def changed(path, change):
    tensors = load_file(str(path))
    with safe_open(str(path), "pt") as file:
        facts = dict(file.metadata())
    change(tensors, facts)
    save_file(tensors, str(path), metadata=facts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors, facts: tensors.pop("0/head/bias"), "does not hold what its description says"),
        (lambda tensors, facts: tensors.update({"0/head/more": torch.ones(1)}), "does not hold what"),
        (lambda tensors, facts: facts.update(class_names='["a"]'), "does not hold what"),
        (lambda tensors, facts: facts.update(mixing="[1, 2]"), "does not hold what"),
        (lambda tensors, facts: facts.update(role='"hacked"'), "does not hold what"),
        (lambda tensors, facts: facts.update(inputs='{"size_px": 5}'), "how it wants its images"),
        (lambda tensors, facts: facts.update(members="[]"), "does not hold what"),
        (lambda tensors, facts: facts.update(bandbridge="bandbridge-model-99"), "another version of this program"),
        (
            lambda tensors, facts: facts.update(members=facts["members"].replace("test_resnet", "hf-hub:x/resnet18")),
            "There is no network called",
        ),
    ],
)
def test_changed_files_are_refused_in_words(source, tmp_path, change, words):
    path = tmp_path / "model.safetensors"
    save_sensor_model(path, SensorModel.from_source(source()))
    changed(path, change)
    with pytest.raises(ModelError, match=words):
        open_model(path)


def test_others_may_read_it_as_any_new_file(source, tmp_path):
    path, usual = tmp_path / "model.safetensors", tmp_path / "usual"
    usual.touch()
    save_sensor_model(path, SensorModel.from_source(source()))
    assert path.stat().st_mode == usual.stat().st_mode


def test_full_disk_leaves_the_old_file(source, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def full(tensors, name, metadata):
        with open(name, "wb") as file:
            file.write(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(model_file, "save_file", full)
    with pytest.raises(StorageError, match="no space left"):
        save_sensor_model(path, SensorModel.from_source(source()))
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir() if "part" in file.name] == []
