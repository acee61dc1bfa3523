"""The real engine behind the command line: from labelled pictures to an exported sensor model, small and quick."""

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from bandbridge.engine.cli.main import main

CLASSES = ("Bright", "Dark", "Striped")
SIZE = 32


def scene(kind: str, random: np.random.Generator) -> np.ndarray:
    """(S, S) brightness 0..1 of a class that any network learns in a few steps."""
    noise = 0.1 * random.random((SIZE, SIZE))
    if kind == "Striped":
        return noise + np.where(np.arange(SIZE) // 4 % 2 == 0, 0.8, 0.1)[None, :]
    return noise + (0.8 if kind == "Bright" else 0.1)


def rgb(brightness: np.ndarray) -> np.ndarray:
    return (255 * np.stack([brightness, 0.8 * brightness, 0.9 * brightness], axis=2) / 1.1).astype(np.uint8)


def sensor(brightness: np.ndarray) -> np.ndarray:
    """Another radiometry: 16 bits, one band, dark things bright to a part."""
    return (20000 + 30000 * brightness**0.5).astype(np.uint16)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled RGB images, pairs, labelled sensor images, and a source model trained from the command line."""
    folder = tmp_path_factory.mktemp("chain")
    random = np.random.default_rng(0)
    for part in ("pairs/rgb", "pairs/nir", *(f"{side}/{name}" for side in ("rgb", "nir") for name in CLASSES)):
        (folder / part).mkdir(parents=True)
    for name in CLASSES:
        for number in range(16):
            cv2.imwrite(str(folder / "rgb" / name / f"{number}.png"), rgb(scene(name, random)))
            cv2.imwrite(str(folder / "nir" / name / f"{number}.tif"), sensor(scene(name, random)))
            brightness = scene(name, random)
            cv2.imwrite(str(folder / "pairs/rgb" / f"{name}{number}_rgb.png"), rgb(brightness))
            cv2.imwrite(str(folder / "pairs/nir" / f"{name}{number}_nir.tif"), sensor(brightness))
    (folder / "nir" / "Dark" / "broken.tif").write_bytes(b"II*\0")
    command = (
        f"train-source {folder}/rgb -o {folder}/source.safetensors --architecture test_resnet --epochs 8 --size 32"
    )
    assert main([*command.split(), "--size", "32", "--set", "batch_size=8", "--json", str(folder / "source.json")]) == 0
    return folder


def adapt(work: Path, run: str, *options: str) -> int:
    command = f"adapt --source {work}/source.safetensors --target {work}/nir -o {work}/{run} --json {work}/{run}.json"
    return main([*command.split(), *options])


def test_source_model_is_trained_and_recognised(work: Path, capsys: pytest.CaptureFixture[str]):
    assert json.loads((work / "source.json").read_text())["held_out"]["accuracy"] > 0.6
    assert main(["inspect", str(work / "source.safetensors")]) == 0
    assert "test_resnet" in capsys.readouterr().out


def test_adapt_export_predict_and_evaluate_agree(work: Path, capsys: pytest.CaptureFixture[str]):
    pairs = ("--pairs", str(work / "pairs/rgb"), str(work / "pairs/nir"))
    assert adapt(work, "socket", *pairs, "--epochs", "2", "--set", "batch_size=8", "--device", "cpu") == 0
    out, error = capsys.readouterr()
    assert re.search(r"Accuracy\W+\d+\.\d%\W+\d+\.\d%", out)
    assert str(work / "socket" / "report.html") in out
    assert "broken.tif" in error + out
    result = json.loads((work / "socket.json").read_text())
    assert result["accuracy"]["after"] is not None
    assert set(result["modality_gap"]["after"]) == {"mean_distance", "mmd", "cka", "frechet", "retrieval", "probe"}
    assert sum(result["predicted"]["after"].values()) == 48

    assert main(["evaluate", str(work / "socket"), str(work / "nir"), "--json", str(work / "e.json")]) == 0
    assert json.loads((work / "e.json").read_text())["scores"]["accuracy"] == pytest.approx(result["accuracy"]["after"])
    assert main(["predict", str(work / "socket"), str(work / "nir"), "-o", str(work / "run.csv")]) == 0
    rows = table(work / "run.csv")
    assert len(rows) == 48
    for kind in ("safetensors", "onnx"):
        assert main(["export", str(work / "socket"), "--format", kind, "-o", str(work / f"out.{kind}")]) == 0
    assert main(["predict", str(work / "out.safetensors"), str(work / "nir"), "-o", str(work / "out.csv")]) == 0
    assert table(work / "out.csv") == rows
    session = onnxruntime.InferenceSession(work / "out.onnx", providers=["CPUExecutionProvider"])
    for row in rows:
        raw = cv2.imread(str(work / "nir" / row["file"]), cv2.IMREAD_UNCHANGED).astype(np.float32)
        (probabilities,) = session.run(["probabilities"], {"image": raw[None, None]})
        assert probabilities[0] == pytest.approx([float(row[f"p({name})"]) for name in CLASSES], abs=1e-4)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_without_labels_there_is_no_accuracy(work: Path):
    command = f"adapt --source {work}/source.safetensors --target {work}/pairs/nir -o {work}/bare --method bn-adapt"
    assert main([*command.split(), "--json", str(work / "bare.json")]) == 0
    assert json.loads((work / "bare.json").read_text())["accuracy"] == {"before": None, "after": None}


def test_nothing_to_classify_is_a_failure(work: Path, capsys: pytest.CaptureFixture[str]):
    (work / "torn").mkdir()
    (work / "torn" / "a.png").write_bytes(b"")
    assert main(["predict", str(work / "source.safetensors"), str(work / "torn")]) == 1
    assert "The image cannot be classified" in capsys.readouterr().err


def test_an_empty_folder_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", str(tmp_path)]) == 1
    assert "holds no images" in capsys.readouterr().out


def test_a_run_is_never_overwritten(work: Path, capsys: pytest.CaptureFixture[str]):
    assert adapt(work, "once", "--method", "source-only") == 0
    assert adapt(work, "once", "--method", "source-only") == 2
    assert "not empty" in capsys.readouterr().err
