"""Exported networks for clips, used by nothing but the manual's page about them."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import av
import numpy as np
import onnx
import pytest
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import Export, Predict
from bandbridge.engine.export.export_clips import OUTPUTS
from bandbridge.engine.video.clip_file import ReadingRule
from bandbridge.engine.video.clip_model import ClipInputs, ClipModel, build_encoder, save_clip_model
from bandbridge.engine.video.log_mel import log_mel
from bandbridge.engine.worker.perform import perform
from torch import nn

RATE_HZ, FPS, SIDE, WINDOW = 16000, 4, 16, 4


def film(count):
    """(F, S, S, 3) pictures and (L,) sound, others for every count and at every moment; 3.125 s without pictures."""
    random = np.random.default_rng(count)
    brighter = np.linspace(30 + 5 * count, 256, count)[:, None, None, None]
    length = count * RATE_HZ // FPS or 50_000
    tone = np.sin(0.02 * (count + 1) * np.arange(length)) * np.linspace(0.01, 0.5, length)
    wave = (tone + random.normal(0, 1e-3, length)).astype(np.float32)
    return random.uniform(0, brighter, (count, SIDE, SIDE, 3)).astype(np.uint8), wave


def write_film(path, pictures, wave):
    """Pictures (F, S, S, 3) and sound (L,) as they are, nothing lost."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("png", rate=FPS) if len(pictures) else None
        sound = container.add_stream("pcm_f32le", rate=RATE_HZ, layout="mono")
        if video is not None:
            video.height, video.width, video.pix_fmt = SIDE, SIDE, "rgb24"
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = number
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        piece = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], format="flt", layout="mono")
        piece.rate, piece.pts = RATE_HZ, 0
        container.mux(sound.encode(piece))
        container.mux(sound.encode(None))


def model_for(modality, tags):
    """Made up, and with answers that differ from window to window."""
    torch.manual_seed(1)
    encoder = build_encoder(modality, 4, 1)
    width, mean, std = (3, 0.3, 0.2) if modality == "picture" else (64, -7.0, 5.0)
    inputs = ClipInputs(modality, ReadingRule(fps=float(FPS), size_px=SIDE), WINDOW, (mean,) * width, (std,) * width)
    head = nn.Linear(encoder.feature_width, 3)
    seen = [film(count) for count in range(4, 36)]
    raw = [
        pictures[:WINDOW].transpose(3, 0, 1, 2) if width == 3 else log_mel(wave[:RATE_HZ])[None]
        for pictures, wave in seen
    ]
    windows = (torch.from_numpy(np.stack(raw)).float() / (255 if width == 3 else 1) - mean) / std
    for norm in encoder.modules():
        if isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
            norm.momentum = None  # the mean over all that was seen
    with torch.no_grad():
        encoder(windows)
        features = encoder.eval()(windows)
        head.weight *= 4 / features.std(dim=0).clamp_min(1e-3)
        head.bias -= head.weight @ features.mean(dim=0)
    return ClipModel(encoder, head, inputs, ("a", "b", "c"), tags=tags, width=4, blocks=1).eval()


@pytest.fixture(scope="module")
def page():
    """The program that the manual's page holds."""
    text = (files("bandbridge.resources") / "manual" / "video-export.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize(
    ("modality", "tags"), [("picture", False), ("picture", True), ("sound", False), ("sound", True)]
)
def test_whoever_follows_the_manual_gets_the_program_s_own_answer(tmp_path, monkeypatch, page, modality, tags):
    model = model_for(modality, tags)
    save_clip_model(tmp_path / "m.safetensors", model)
    job = Export(source=str(tmp_path / "m.safetensors"), format="onnx", output=str(tmp_path / "clips.onnx"))
    assert perform(job, lambda event: None, Control()).largest_difference < 1e-4
    films = {f"{count}.mov": film(count) for count in (1, 3, 4, 11, 12, *([0] if modality == "sound" else []))}
    for name, (pictures, wave) in films.items():
        write_film(tmp_path / name, pictures, wave)
    own = perform(Predict(model=str(tmp_path / "m.safetensors"), paths=(str(tmp_path),)), lambda event: None, Control())
    assert {said.file for said in own.predictions} == set(films)
    monkeypatch.chdir(tmp_path)
    here: dict = {}
    exec(page, here)
    for said in own.predictions:
        pictures, wave = films[said.file]
        count = len(pictures) or round(len(wave) / RATE_HZ * here["rate"])
        windows = here["picture_windows"](pictures) if modality == "picture" else here["sound_windows"](wave, count)
        chances, features = here["answer"](windows)
        assert chances == pytest.approx(said.probabilities, abs=2e-4), said.file
        with torch.inference_mode():
            again = model.chances(model.head(torch.from_numpy(features)[None]))[0].numpy()
        assert again == pytest.approx(chances, abs=1e-5)
    spread = np.ptp([said.probabilities for said in own.predictions], axis=0).max()
    assert spread > 0.1, "all clips alike would prove nothing"


@pytest.mark.parametrize("modality", ["picture", "sound"])
def test_the_file_says_by_itself_how_it_is_used(tmp_path, modality):
    save_clip_model(tmp_path / "m.safetensors", model_for(modality, tags=True))
    job = Export(source=str(tmp_path / "m.safetensors"), format="onnx", output=str(tmp_path / "clips.onnx"))
    perform(job, lambda event: None, Control())
    graph = onnx.load(str(tmp_path / "clips.onnx"))
    facts = {entry.key: json.loads(entry.value) for entry in graph.metadata_props}
    assert tuple(output.name for output in graph.graph.output) == OUTPUTS
    assert facts["shape"] == ([3, 4, 16, 16] if modality == "picture" else [1, 100, 64])
    assert facts["class_names"] == {"0": "a", "1": "b", "2": "c"}
    assert "sigmoid" in facts["whole_clip"]
    assert ("sound" in facts) == (modality == "sound")
    if modality == "sound":
        assert (facts["sound"]["transform"], facts["sound"]["hop"], facts["sound"]["rate_hz"]) == (512, 160, 16000)
