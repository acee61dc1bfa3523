"""A clip with its sound: what is seen follows what is heard, and nothing is heard of a clip out of sight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from bandbridge.engine.api.reports import ClipThumbnail, ClipThumbnailsReport
from bandbridge.gui import speaker
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets import clip_player
from bandbridge.gui.widgets.clip_player import ClipPlayer
from made_up_runs import QuietWorker
from made_up_sound import AHEAD_S, BUFFER, FakeOutput
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

LISTEN_HZ = 48_000


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> FakeOutput:
    made = FakeOutput()
    monkeypatch.setattr(speaker, "open_output", made)
    return made


@pytest.fixture
def player(qtbot: QtBot, theme: Theme) -> Iterator[ClipPlayer]:
    player = ClipPlayer(QuietWorker(), theme)  # type: ignore[arg-type]
    qtbot.addWidget(player)
    player.show()
    player._show_controls(True)
    yield player
    player.stop()


def clip(seconds: float, *, sound: bool = True) -> ClipThumbnailsReport:
    wave = np.linspace(0.1, 0.9, round(seconds * LISTEN_HZ), dtype=np.float32)
    pictures = np.zeros((round(seconds * 12), 8, 8, 3), np.uint8)
    loudness = np.ones(4, np.float32) if sound else None
    return ClipThumbnailsReport(
        clips=(ClipThumbnail(pictures=pictures, loudness=loudness, wave=wave if sound else None),)
    )


def test_the_picture_follows_the_clock_of_the_sound(
    qtbot: QtBot, player: ClipPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that plays too slowly takes the picture with it; all by a clock of the test's own."""
    now_s, speed = 0.0, 0.7
    opened: list[speaker.Fill] = []

    @contextmanager
    def open_by_hand(rate_hz: int, fill: speaker.Fill) -> Iterator[None]:
        opened.append(fill)
        yield

    clock = SimpleNamespace(monotonic=lambda: now_s)
    monkeypatch.setattr(speaker, "open_output", open_by_hand)
    monkeypatch.setattr(speaker, "time", clock)
    monkeypatch.setattr(clip_player, "time", clock)
    player._take(clip(3.0))
    player._timer.stop()  # it is ticked by hand
    qtbot.waitUntil(lambda: bool(opened))
    given, samples, off = 0, np.empty((BUFFER, 2), np.float32), []
    while (heard_s := speed * now_s - AHEAD_S) < 2.9:
        while given * BUFFER / LISTEN_HZ <= speed * now_s:
            opened[0](samples, AHEAD_S)
            given += 1
        player._tick()
        off.append(max(heard_s, 0.0) - (player.place.value() + 0.5) / 12)
        now_s += 0.025
    assert np.abs(off).max() < 0.1
    assert now_s > 4.0, "by the clock on the wall it would be over"


def test_out_of_sight_nothing_is_heard(qtbot: QtBot, player: ClipPlayer, output: FakeOutput) -> None:
    player._take(clip(3.0))
    qtbot.waitUntil(lambda: output.is_open)
    player.hide()
    qtbot.waitUntil(lambda: not output.is_open)
    player.show()
    QTest.qWait(50)
    assert not output.is_open, "it waits to be played"
    player.play_button.click()
    qtbot.waitUntil(lambda: output.is_open)
    player.stop()
    qtbot.waitUntil(lambda: not output.is_open)


def test_mute_silences_and_time_goes_on(qtbot: QtBot, player: ClipPlayer, output: FakeOutput) -> None:
    player._take(clip(3.0))
    player.mute_button.click()
    qtbot.waitUntil(lambda: player.place.value() > 1)
    assert not output.given[-1].any()
    player.mute_button.click()
    qtbot.waitUntil(lambda: output.given[-1].min() > 0.1)


def test_it_plays_on_from_where_the_slider_is_put_and_ends_by_itself(
    qtbot: QtBot, player: ClipPlayer, output: FakeOutput
) -> None:
    player._take(clip(1.0))
    player.place.setValue(9)
    first = pytest.approx(0.1 + 0.8 * 9 / 12, abs=0.001)
    qtbot.waitUntil(lambda: any(given[0] == first for given in output.given[:1]))
    qtbot.waitUntil(lambda: not player.play_button.isChecked())
    assert player.place.value() == 11
    qtbot.waitUntil(lambda: not output.is_open)
    player.play_button.click()
    assert player.place.value() == 0, "once more from its beginning"


def test_without_a_device_it_plays_silently_and_says_so(qtbot: QtBot, player: ClipPlayer) -> None:
    player._take(clip(0.5))
    qtbot.waitUntil(lambda: player._note.text().endswith("No sound device on this machine."))
    assert not player.mute_button.isEnabled()
    qtbot.waitUntil(lambda: not player.play_button.isChecked())
    assert player.place.value() == 5
    player._take(clip(0.5, sound=False))
    assert player._note.text().endswith("This clip has no sound.")
    assert player.play_button.isChecked()
    qtbot.waitUntil(lambda: not player.play_button.isChecked())
    assert player.place.value() == 5
