"""The look: readable in light and dark, and the colours of the sensors the same everywhere."""

from __future__ import annotations

import pytest
from bandbridge.gui.colours import contrast, mixed, readable
from bandbridge.gui.theme import Theme
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_can_be_read(qapp: QApplication, mode: str) -> None:
    theme = Theme(mode)
    for ground in ("window", "surface", "raised"):
        for ink in ("text", "muted", "error", "warning", "good"):
            needed = 4.5 if ground != "raised" else 4.0
            assert contrast(theme.colour(ink), theme.colour(ground)) >= needed, (ink, ground)
    assert contrast(theme.colour("on_accent"), theme.colour("accent")) >= 4.5
    for sensor in ("source", "sensor", "translated"):
        assert contrast(theme.colour(sensor), theme.colour("surface")) >= 1.9


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_numbers_can_be_read_on_every_mixture_of_a_colour(qapp: QApplication, mode: str) -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    theme = Theme(mode)
    surface = theme.colour("surface")
    for name in ("accent", "warning"):
        for share in range(0, 89, 4):
            ground = mixed(theme.colour(name), surface, share / 100)
            assert contrast(readable(ground), ground) >= 4.5, (name, share)


def test_sensor_colours_are_those_agreed_in_both_looks(qapp: QApplication) -> None:
    for mode in ("light", "dark"):
        theme = Theme(mode)
        names = [theme.colour(name).name() for name in ("source", "sensor", "translated")]
        assert names == ["#0072b2", "#e69f00", "#009e73"]


def test_an_unknown_system_scheme_is_light_and_a_choice_repaints(qtbot: QtBot, qapp: QApplication) -> None:
    theme = Theme("system")
    theme.apply(qapp)
    label = QLabel("x")
    qtbot.addWidget(label)
    assert not theme.is_dark
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("dark")
    assert label.palette().windowText().color() == theme.colour("text")
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("dark")
    qapp.setStyleSheet("")


def test_every_icon_can_be_drawn_in_a_colour(theme: Theme) -> None:
    image = theme.icon("run", "error").pixmap(32, 32).toImage()
    inked = {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 200
    }
    assert theme.colour("error").name() in inked
