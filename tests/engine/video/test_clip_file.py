"""Reading clips of every kind, and refusing what is none in words."""

from __future__ import annotations

import av
import numpy as np
import pytest
from bandbridge.engine.api.errors import ClipError
from bandbridge.engine.video import clip_file
from bandbridge.engine.video.clip_file import ReadingRule, read_clip, read_wave
from bandbridge.engine.video.log_mel import BANDS, SILENCE, log_mel

from .conftest import RATE_HZ, greys, tone

RULE = ReadingRule(fps=4.0, size_px=16)


def levels(clip):
    return clip.pictures.mean(axis=(1, 2, 3)).round().astype(int).tolist()


def near(found, wanted):
    return len(found) == len(wanted) and all(abs(a - b) <= 6 for a, b in zip(found, wanted, strict=True))


def test_pictures_are_those_seen_at_even_moments(tmp_path, make_clip):
    path = make_clip(tmp_path / "a.avi", greys(list(range(0, 240, 15))), fps=8, wave=tone(2.0))
    clip = read_clip(path, RULE)
    assert clip.pictures.shape == (8, 16, 16, 3)
    assert near(levels(clip), list(range(0, 240, 30)))
    assert clip.sound is not None
    assert clip.sound.shape == (200, BANDS)
    assert clip.seconds == 2.0
    assert clip.remarks == {}


def test_an_uneven_rate_is_read_by_time_and_not_by_count(tmp_path, make_clip):
    """Ten frames in the first second, then one that stands for a second and a half."""
    times = [*range(10), 10, 25]
    path = make_clip(tmp_path / "a.mkv", greys([20 * n for n in range(12)]), fps=10, times=times)
    clip = read_clip(path, RULE)
    seen = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5]
    shown = [max(n for n, at in enumerate(times) if at / 10 <= moment) for moment in seen]
    assert near(levels(clip), [20 * n for n in shown])


def test_one_frame_is_a_clip(tmp_path, make_clip):
    clip = read_clip(make_clip(tmp_path / "a.avi", greys([90])), RULE)
    assert clip.pictures.shape == (1, 16, 16, 3)
    assert set(clip.remarks) == {"no-sound"}


def test_the_middle_of_wide_pictures_is_taken(tmp_path, make_clip):
    pictures = np.zeros((8, 32, 96, 3), np.uint8)
    pictures[:, :, 32:64] = 200
    clip = read_clip(make_clip(tmp_path / "a.avi", pictures), RULE)
    assert clip.pictures[:, :, 2:-2].mean() > 180


def test_sound_begins_with_the_pictures(tmp_path, make_clip):
    wave = np.concatenate([np.zeros(RATE_HZ), tone(1.0, 1000.0)])
    clip = read_clip(make_clip(tmp_path / "a.mkv", greys([50] * 16), wave=wave), RULE)
    loud = clip.sound.astype(np.float32).max(axis=1)
    assert (loud[:95] < SILENCE + 3).all()
    assert (loud[110:190] > 0).all()


def test_the_pitch_of_a_tone_is_its_band():
    middle = [int(log_mel(tone(0.5, pitch).astype(np.float32))[20].argmax()) for pitch in (200.0, 1000.0, 4000.0)]
    mels = [2595 * np.log10(1 + pitch / 700) for pitch in (50.0, 8000.0)]
    wanted = [(2595 * np.log10(1 + p / 700) - mels[0]) / (mels[1] - mels[0]) * 65 - 1 for p in (200.0, 1000.0, 4000.0)]
    assert middle == pytest.approx(wanted, abs=1.0)
    assert log_mel(np.zeros(1600, np.float32)) == pytest.approx(SILENCE)
    assert log_mel(np.zeros(0, np.float32)).shape == (0, BANDS)


def test_sound_to_listen_to_keeps_time_with_the_pictures(tmp_path, make_clip):
    wave = np.concatenate([np.zeros(RATE_HZ), tone(1.0, 1000.0)])
    path = make_clip(tmp_path / "a.mkv", greys([50] * 16), wave=wave)
    heard = read_wave(path, 48_000, 2.0)
    assert heard.shape == (96_000,)
    loud = np.abs(heard) > 0.1
    assert loud.argmax() == pytest.approx(48_000, abs=500)
    assert loud[49_000:].mean() > 0.8
    assert read_wave(path, 48_000, 0.5).shape == (24_000,)
    assert read_wave(make_clip(tmp_path / "b.mkv", greys([50] * 16)), 48_000, 2.0) is None
    with pytest.raises(ClipError, match="cannot be read"):
        read_wave(tmp_path / "none.mp4", 48_000, 2.0)


def test_silence_is_said(tmp_path, make_clip):
    clip = read_clip(make_clip(tmp_path / "a.avi", greys([50] * 8), wave=np.zeros(RATE_HZ)), RULE)
    assert set(clip.remarks) == {"silent"}
    assert clip.sound is not None


def test_sound_alone_is_a_clip_without_pictures(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray((9000 * tone(1.0)).astype(np.int16)[None], format="s16", layout="mono")
        frame.rate = RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = read_clip(path, RULE)
    assert clip.pictures.shape == (0, 16, 16, 3)
    assert clip.sound.shape == (100, BANDS)
    assert set(clip.remarks) == {"no-picture"}


def test_a_clip_that_breaks_off_is_read_as_far_as_it_goes(tmp_path, make_clip):
    random = np.random.default_rng(0)
    whole = make_clip(tmp_path / "a.mkv", random.integers(0, 255, (40, 64, 64, 3), dtype=np.uint8)).read_bytes()
    broken = tmp_path / "b.mkv"
    broken.write_bytes(whole[: len(whole) // 2])
    assert 5 <= len(read_clip(broken, RULE).pictures) < 20


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.mp4", b""), ("text.mp4", b"no video at all\n" * 20), ("header.avi", b"RIFF\x00\x10\x00\x00AVI LIST")],
)
def test_what_is_no_clip_is_refused_in_words(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ClipError) as caught:
        read_clip(path, RULE)
    assert str(path) in caught.value.what
    assert caught.value.why
    assert caught.value.do


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(ClipError, match="cannot be read"):
        read_clip(tmp_path / "none.mp4", RULE)


def test_a_size_no_picture_has_is_refused_before_memory_is_asked_for(tmp_path, make_clip):
    path = make_clip(tmp_path / "a.avi", np.zeros((2, 16, 288, 3), np.uint8))
    with pytest.raises(ClipError, match="288 x 16"):
        read_clip(path, RULE)


def test_a_clip_without_end_is_cut(tmp_path, make_clip, monkeypatch):
    monkeypatch.setattr(clip_file, "LONGEST_S", 1.0)
    clip = read_clip(make_clip(tmp_path / "a.avi", greys([50] * 40), wave=tone(5.0)), RULE)
    assert clip.pictures.shape[0] == 4
    assert clip.sound.shape[0] == 100
    assert "long" in clip.remarks


def test_real_clips_are_read_with_their_sound(shared_data):
    files = sorted((shared_data("grid_av") / "mpg").glob("*.mpg"))
    assert len(files) == 11
    for file in files:
        clip = read_clip(file, ReadingRule())
        assert clip.pictures.shape == (12, 112, 112, 3)  # 75 frames at 25 a second
        assert clip.sound.shape == (300, BANDS)
        assert clip.remarks == {}
        assert clip.pictures.std() > 20
        loud = clip.sound.astype(np.float32).mean(axis=1)
        assert loud.max() - loud.min() > 3  # somebody speaks between silences
