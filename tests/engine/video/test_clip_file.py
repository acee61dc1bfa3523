"""Reading clips of every kind, and refusing what is none in words."""

from __future__ import annotations

import struct
from fractions import Fraction

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


def test_channels_are_averaged_and_loud_ones_not_clipped(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="stereo")
        both = np.stack([tone(1.0, loud=0.9), np.zeros(RATE_HZ)])
        both[1, RATE_HZ // 2 :] = both[0, RATE_HZ // 2 :]
        frame = av.AudioFrame.from_ndarray((32767 * both).T.ravel().astype(np.int16)[None], "s16", "stereo")
        frame.rate = RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    heard = read_wave(path, RATE_HZ, 1.0)
    assert heard == pytest.approx(both.mean(axis=0), abs=1e-3)


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


KINDS = {
    "mkv": ("mpeg4", "pcm_s16le", {}),
    "webm": ("libvpx", "libopus", {}),
    "avi": ("mpeg4", "pcm_s16le", {}),
    "flv": ("flv", "aac", {}),
    "wmv": ("wmv2", "libmp3lame", {}),
    "mov": ("mpeg4", "pcm_s16le", {"movflags": "faststart"}),
    "mp4": ("libx264", "aac", {"movflags": "faststart"}),
    "3gp": ("mpeg4", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    "ts": ("mpeg2video", "mp2", {}),
    "mpg": ("mpeg1video", "mp2", {}),
}
"""Container -> how pictures and sound are kept in it, and options."""


@pytest.fixture(scope="module", params=KINDS)
def whole(request, tmp_path_factory, make_clip):
    """Four seconds of noise, seen and heard."""
    codec, sound_codec, options = KINDS[request.param]
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (100, 64, 64, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("whole") / f"a.{request.param}"
    wave = random.uniform(-0.3, 0.3, 4 * RATE_HZ)
    return make_clip(path, pictures, fps=25, wave=wave, codec=codec, sound_codec=sound_codec, options=options)


def test_a_whole_clip_is_not_said_to_break_off(whole):
    clip = read_clip(whole, RULE)
    assert clip.remarks == {}
    assert len(clip.pictures) in (16, 17)  # the length of a last picture is often unknown


@pytest.mark.parametrize("share", [0.4, 0.73])
def test_a_clip_that_breaks_off_is_read_as_far_as_it_goes_and_said(whole, tmp_path, share):
    broken = tmp_path / whole.name
    broken.write_bytes(whole.read_bytes()[: round(share * whole.stat().st_size)])
    clip = read_clip(broken, RULE)
    assert 2 <= len(clip.pictures) <= 16 * share + 2
    silent_header = whole.suffix in (".ts", ".mpg", ".3gp", ".wmv")
    assert ("breaks off" if silent_header else "its header tells of 4.") in clip.remarks["broken"]


def test_a_piece_that_is_not_whole_tells_that_a_clip_breaks_off_between_pictures(tmp_path, make_clip):
    path = make_clip(tmp_path / "a.ts", greys([90] * 16), codec="mpeg2video")
    path.write_bytes(path.read_bytes() + path.read_bytes()[:100])
    assert "breaks off" in read_clip(path, RULE).remarks["broken"]


@pytest.mark.parametrize("ending", ["mkv", "mov", "avi"])
@pytest.mark.parametrize(("pictures_s", "sound_s"), [(1, 4), (4, 1)])
def test_sound_of_another_length_than_the_pictures_is_no_damage(tmp_path, make_clip, ending, pictures_s, sound_s):
    path = make_clip(tmp_path / f"a.{ending}", greys([90] * (8 * pictures_s)), wave=tone(sound_s))
    clip = read_clip(path, RULE)
    assert clip.remarks == {}
    assert len(clip.pictures) == 4 * pictures_s


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_few_pictures_at_uneven_times_are_no_damage(tmp_path, make_clip, ending):
    path = make_clip(tmp_path / f"a.{ending}", greys([20, 90, 160]), fps=10, times=[0, 3, 80])
    assert set(read_clip(path, RULE).remarks) == {"no-sound"}


@pytest.mark.parametrize("ending", ["mkv", "ts", "mpg"])
def test_damage_in_the_middle_is_said(tmp_path, make_clip, ending):
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (100, 64, 64, 3), dtype=np.uint8)
    path = make_clip(tmp_path / f"a.{ending}", pictures, fps=25, codec=KINDS[ending][0])
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = random.bytes(3000)
    path.write_bytes(content)
    clip = read_clip(path, RULE)
    assert "damaged" in clip.remarks["broken"]
    assert len(clip.pictures) >= 14


def matrix_put(path, values):
    """Write the display matrix of an MP4's only track: nine numbers, of which a, b, c, d are 16.16."""
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 44
    assert content[at - 40] == 0  # the short form
    content[at : at + 36] = struct.pack(">9i", *(round(value * 65536) for value in values))
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "matrix", "shown"),
    [
        ("as it is", (1, 0, 0, 1), lambda seen: seen),
        ("a quarter to the right", (0, 1, -1, 0), lambda seen: np.rot90(seen, -1)),
        ("a quarter to the left", (0, -1, 1, 0), lambda seen: np.rot90(seen, 1)),
        ("upside down", (-1, 0, 0, -1), lambda seen: seen[::-1, ::-1]),
        ("mirrored", (-1, 0, 0, 1), lambda seen: seen[:, ::-1]),
        ("mirrored top to bottom", (1, 0, 0, -1), lambda seen: seen[::-1]),
        ("mirrored and turned", (0, 1, 1, 0), lambda seen: seen.swapaxes(0, 1)),
        ("mirrored and turned the other way", (0, -1, -1, 0), lambda seen: np.rot90(seen, 2).swapaxes(0, 1)),
    ],
)
def test_turned_and_mirrored_pictures_are_shown_as_a_player_shows_them(tmp_path, make_clip, name, matrix, shown):
    stored = np.full((4, 32, 32, 3), 30, np.uint8)
    stored[:, :16, :16] = 220  # top left
    stored[:, :16, 16:] = 120  # top right
    path = make_clip(tmp_path / "a.mp4", stored)
    a, b, c, d = matrix
    matrix_put(path, (a, b, 0, c, d, 0, 0, 0, 16384))
    found = read_clip(path, RULE).pictures[0].astype(float)
    quarters = [[found[y : y + 6, x : x + 6].mean() for x in (1, 9)] for y in (1, 9)]
    assert np.allclose(quarters, shown(np.array([[220.0, 120.0], [30.0, 30.0]])), atol=8), name


def test_pixels_that_are_not_square_are_made_so(tmp_path, make_clip):
    """Of 32 x 32 pixels twice as wide as high the middle 16 columns are seen, and all rows."""
    pictures = np.zeros((4, 32, 32, 3), np.uint8)
    pictures[:, :, 8:24] = 200
    path = make_clip(tmp_path / "a.mkv", pictures, pixel_shape=Fraction(2, 1))
    assert read_clip(path, RULE).pictures[:, :, 1:-1].mean() > 180
    tall = np.ascontiguousarray(pictures.swapaxes(1, 2))
    path = make_clip(tmp_path / "b.mkv", tall, pixel_shape=Fraction(1, 2))
    assert read_clip(path, RULE).pictures[:, 1:-1].mean() > 180


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


def test_what_nobody_can_decode_counts_as_not_there(tmp_path, make_clip):
    content = make_clip(tmp_path / "a.mkv", greys([50] * 8), wave=tone(1.0)).read_bytes()
    assert b"V_MPEG4/ISO/ASP" in content
    assert b"A_PCM/INT/LIT" in content
    (tmp_path / "a.mkv").write_bytes(content.replace(b"V_MPEG4/ISO/ASP", b"V_MPEG4/ISO/XYZ"))
    assert set(read_clip(tmp_path / "a.mkv", RULE).remarks) == {"no-picture"}
    (tmp_path / "a.mkv").write_bytes(content.replace(b"A_PCM/INT/LIT", b"A_PCM/INT/XYZ"))
    assert set(read_clip(tmp_path / "a.mkv", RULE).remarks) == {"no-sound"}
    assert read_wave(tmp_path / "a.mkv", RATE_HZ, 1.0) is None


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
