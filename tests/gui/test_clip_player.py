"""A clip with its sound: what is seen follows what is heard, and nothing is heard of a clip out of sight."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from bandbridge.engine.api.reports import ClipThumbnail, ClipThumbnailsReport
from bandbridge.gui import speaker
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.clip_player import ClipPlayer
from made_up_runs import QuietWorker
from made_up_sound import FakeOutput
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


def test_the_picture_follows_the_clock_of_the_sound(qtbot: QtBot, player: ClipPlayer, output: FakeOutput) -> None:
    output.speed = 0.7
    player._take(clip(3.0))
    late = []
    began = time.monotonic()
    while time.monotonic() - began < 1.2:
        QTest.qWait(20)
        if output.heard_s > 0.1:
            late.append(output.heard_s - (player.place.value() + 0.5) / 12)
    assert 0.5 < output.heard_s < 0.95, "a slow card"
    assert np.abs(late).max() < 0.1
    assert np.concatenate(output.given)[:1000] == pytest.approx(np.linspace(0.1, 0.9, 3 * LISTEN_HZ)[:1000])


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
