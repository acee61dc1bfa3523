"""Looking through clips before a run, and their first moments for people."""

from __future__ import annotations

import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped
from bandbridge.engine.api.events import Finished
from bandbridge.engine.api.jobs import ClipThumbnails, ScanClips
from bandbridge.engine.imagery.reading import identity
from bandbridge.engine.video.clip_survey import scan_clips
from bandbridge.engine.video.clip_thumbnails import loudness
from bandbridge.engine.video.log_mel import log_mel
from bandbridge.engine.worker.perform import answer

from .conftest import greys, tone


@pytest.fixture
def folder(tmp_path, make_clip, monkeypatch):
    monkeypatch.setattr(identity, "SETTLED_S", 0.0)
    place = tmp_path / "clips"
    for name in ("walking", "running"):
        (place / name).mkdir(parents=True)
    make_clip(place / "walking" / "1.avi", greys([25 * n for n in range(10)]), fps=4, wave=tone(2.5))
    make_clip(place / "walking" / "mute.avi", greys([60] * 8, side=48), fps=8)
    make_clip(place / "running" / "silent.avi", greys([60] * 8), fps=8, wave=np.zeros(16000))
    (place / "running" / "bad.avi").write_bytes(b"nothing")
    make_clip(place / "nobody.avi", greys([9] * 8), fps=8, wave=tone(1.0))
    return place


def scan(place, control=None):
    return scan_clips(ScanClips(place=str(place), fps=4.0, size_px=16), lambda event: None, control or Control())


def test_every_clip_is_described_and_what_is_doubtful_is_named_with_what_to_do(folder):
    report = scan(folder)
    assert report.class_names == ("running", "walking")
    assert report.drawn
    seen = {clip.file: clip for clip in report.clips}
    assert sorted(seen) == ["nobody.avi", "running/silent.avi", "walking/1.avi", "walking/mute.avi"]
    assert {file: clip.sound for file, clip in seen.items()} == {
        "nobody.avi": "heard",
        "running/silent.avi": "silent",
        "walking/1.avi": "heard",
        "walking/mute.avi": "none",
    }
    assert (seen["walking/mute.avi"].width_px, seen["walking/mute.avi"].rate_hz) == (48, 8.0)
    assert seen["walking/1.avi"].seconds == pytest.approx(2.5)
    kinds = {finding.file: finding.kind for finding in report.findings}
    assert kinds == {
        "nobody.avi": "no-label",
        "running/bad.avi": "unreadable",
        "running/silent.avi": "silent",
        "walking/mute.avi": "no-sound",
    }
    assert all(finding.do for finding in report.findings)


def test_a_class_that_no_training_clip_shows_is_named(folder):
    (folder / "clips.csv").write_text("file,label,split\nwalking/1.avi,walking,train\nnobody.avi,wind,test\n")
    (found,) = scan(folder).findings
    assert (found.kind, found.file, found.severity) == ("no-training", str(folder), "warning")
    assert "'wind'" in found.what


def test_a_scan_can_be_stopped(folder):
    with pytest.raises(Stopped):
        scan(folder, Control(lambda: "stop"))


def test_a_worker_answers_with_the_first_moments(folder):
    files = ("walking/1.avi", "walking/mute.avi", "running/bad.avi")
    job = ClipThumbnails(folder=str(folder), files=files, fps=4.0, size_px=16, most=6, bars=12, listen_hz=8000)
    finished = answer(job, lambda event: None, Control())
    assert isinstance(finished, Finished)
    first, mute, bad = finished.result.clips
    assert first.pictures.shape == (6, 16, 16, 3)
    assert first.pictures[:, 8, 8, 0].tolist() == pytest.approx([0, 25, 50, 75, 100, 125], abs=6)
    assert first.loudness.shape == (12,)
    assert first.loudness.min() > 0.5
    assert first.wave.shape == (12_000,)
    assert mute.loudness is None
    assert mute.wave is None
    assert bad is None


def test_loudness_is_told_part_by_part():
    wave = np.concatenate([np.zeros(8000), tone(0.5), 0.01 * tone(0.5)]).astype(np.float32)
    quiet, _, loud, _, _, faint = loudness(log_mel(wave).astype(np.float16), 6)
    assert loud > 0.6 > faint > 0.05
    assert quiet == 0.0
    assert loudness(log_mel(np.zeros(16000, np.float32)).astype(np.float16), 4).tolist() == [0.0] * 4
    assert loudness(np.empty((0, 64), np.float16), 4).tolist() == [0.0] * 4


def test_real_clips_are_described(shared_data):
    report = scan(shared_data("grid_av"))
    assert len(report.clips) == 11
    assert {(clip.width_px, clip.height_px, clip.rate_hz, clip.sound) for clip in report.clips} == {
        (360, 288, 25.0, "heard")
    }
    assert not report.findings
