"""Clips kept in memory, in the cache, and cut into windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.cache_folder import CacheFolder
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, Stopped
from bandbridge.engine.imagery.reading import identity
from bandbridge.engine.imagery.reading.image_cache import ImageCache
from bandbridge.engine.video import clip_cache, clip_set
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import ReadingRule
from bandbridge.engine.video.clip_set import read_clips

from .conftest import greys, tone

RULE = ReadingRule(fps=4.0, size_px=16)


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files a test has just written may be cached at once."""
    monkeypatch.setattr(identity, "SETTLED_S", 0.0)


def cache_in(folder, rule=RULE, limit_bytes=10**9):
    return ClipCache(rule, ImageCache(CacheFolder(folder, limit_bytes)))


def read(folder, names, cache=None, window=4, control=None):
    return read_clips(folder, names, RULE, window, emit=lambda event: None, control=control or Control(), cache=cache)


@pytest.fixture
def folder(tmp_path, make_clip) -> Path:
    place = tmp_path / "clips"
    place.mkdir()
    make_clip(place / "long.avi", greys([25 * n for n in range(10)]), fps=4, wave=tone(2.5))
    make_clip(place / "short.avi", greys([10, 110, 210]), fps=4, wave=tone(0.75))
    make_clip(place / "mute.avi", greys([60] * 8), fps=4)
    (place / "broken.avi").write_bytes(b"nothing")
    return place


def test_windows_cover_a_clip_and_a_short_one_begins_again(folder):
    clips, findings = read(folder, ["broken.avi", "long.avi", "mute.avi", "short.avi"])
    assert clips.names == ("long.avi", "mute.avi", "short.avi")
    assert [(f.kind, f.file) for f in findings] == [("unreadable", "broken.avi"), ("no-sound", "mute.avi")]
    assert clips.window_starts(0) == [0, 4, 6]
    assert clips.window_starts(2) == [0]
    shown = clips.pictures(2, 0).mean(axis=(1, 2, 3))
    assert shown[3] == pytest.approx(shown[0])
    assert clips.pictures(0, 6).mean(axis=(1, 2, 3)) == pytest.approx([150, 175, 200, 225], abs=8)
    assert clips.sound(0, 0).shape == (100, 64)
    assert (clips.sound(2, 0)[80:] == clips.sound(1, 0)[0]).all()  # silence behind the end and where there is no sound
    assert clips.has_sound.tolist() == [True, False, True]


def test_a_second_reading_comes_from_the_cache_and_is_the_same(folder, tmp_path, monkeypatch):
    cache = cache_in(tmp_path / "cache")
    first, said = read(folder, ["long.avi", "mute.avi"], cache)
    monkeypatch.setattr(clip_cache, "read_clip", None)
    again, said_again = read(folder, ["long.avi", "mute.avi"], cache)
    assert said == said_again
    for index in range(2):
        assert np.array_equal(first.pictures(index, 0), again.pictures(index, 0))
        assert np.array_equal(first.sound(index, 0), again.sound(index, 0))


def test_a_changed_clip_and_another_rule_are_read_anew(folder, tmp_path, make_clip):
    cache = cache_in(tmp_path / "cache")
    read(folder, ["long.avi"], cache)
    make_clip(folder / "long.avi", greys([200] * 30), fps=4)
    assert read(folder, ["long.avi"], cache)[0].lengths.tolist() == [30]
    other = cache_in(tmp_path / "cache", ReadingRule(fps=2.0, size_px=16))
    assert read(folder, ["long.avi"], other)[0].lengths.tolist() == [15]


def test_a_damaged_entry_is_made_anew_and_a_full_cache_only_costs_time(folder, tmp_path):
    cache = cache_in(tmp_path / "cache")
    read(folder, ["long.avi"], cache)
    (kept,) = (tmp_path / "cache").glob("*.h5")
    kept.write_bytes(kept.read_bytes()[:300])
    assert read(folder, ["long.avi"], cache)[0].lengths.tolist() == [10]
    assert read(folder, ["short.avi"], cache_in(tmp_path / "none", limit_bytes=0))[0].lengths.tolist() == [3]
    assert not (tmp_path / "none").exists()


def test_what_does_not_fit_in_memory_comes_from_the_cache(folder, tmp_path, monkeypatch):
    cache = cache_in(tmp_path / "cache")
    held, _ = read(folder, ["long.avi"], cache)

    class Full:
        available = 0

    monkeypatch.setattr(clip_set.psutil, "virtual_memory", Full)
    spilled, _ = read(folder, ["long.avi"], cache)
    assert np.array_equal(held.pictures(0, 6), spilled.pictures(0, 6))
    assert np.array_equal(held.pictures(0, 0), spilled.pictures(0, 0))


def test_stopping_loses_nothing_that_was_decoded(folder, tmp_path):
    cache = cache_in(tmp_path / "cache")
    looks = iter(range(100))
    control = Control(lambda: "stop" if next(looks) >= 1 else None)
    with pytest.raises(Stopped):
        read(folder, ["long.avi", "short.avi", "mute.avi"] * 9, cache, control=control)
    assert list((tmp_path / "cache").glob("*.h5"))
    assert not list((tmp_path / "cache").glob(".*"))


def test_nothing_readable_is_an_error_in_words(folder):
    with pytest.raises(ClipError, match=r"broken\.avi"):
        read(folder, ["broken.avi"])
