"""Entry fields: what is typed is checked at once, and a wheel that only passes by changes nothing."""

from __future__ import annotations

import pytest
from bandbridge.engine.api.errors import UsageError
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.fields import (
    BandsField,
    ChoiceField,
    NumberField,
    RadioChoice,
    TickBox,
    WholeNumberField,
    parse_bands,
)
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot


@pytest.mark.parametrize(
    ("text", "bands"),
    [
        ("", None),
        ("  ", None),
        ("8", (8,)),
        ("4, 3, 2", (4, 3, 2)),
        ("4 3;2", (4, 3, 2)),
        ("11-13, 1", (11, 12, 13, 1)),
    ],
)
def test_bands_are_read(text: str, bands: tuple[int, ...] | None) -> None:
    assert parse_bands(text) == bands


@pytest.mark.parametrize("text", ["0", "red", "3-1", "-2", "1,1", "1-99999999999", "2-"])
def test_what_is_no_band_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_bands(text)


def test_a_wrong_list_of_bands_is_marked_and_not_taken(qtbot: QtBot, theme: Theme) -> None:
    field = BandsField("first three", exactly=3)
    qtbot.addWidget(field)
    with qtbot.assertNotEmitted(field.chosen):
        qtbot.keyClicks(field, "4,3")
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.property("wrong")
    assert "3 bands" in field.toolTip()
    with qtbot.waitSignal(field.chosen):
        qtbot.keyClicks(field, ",2")
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.bands == (4, 3, 2)
    assert not field.property("wrong")


def test_the_wheel_over_an_unfocused_field_changes_nothing(qtbot: QtBot, theme: Theme) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    fields = [
        WholeNumberField(0, 10, 5),
        NumberField(0, 10, 5.0),
        ChoiceField([("a", "A"), ("b", "B"), ("c", "C")], "b"),
    ]
    layout = QVBoxLayout(holder)
    for field in fields:
        layout.addWidget(field)
    holder.show()
    holder.setFocus()
    for field in fields:
        centre = QPointF(field.rect().center())
        event = QWheelEvent(
            centre,
            field.mapToGlobal(centre),
            QPoint(0, 0),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(field, event)
        assert not event.isAccepted(), "the page must get it"
    assert fields[0].value() == 5
    assert fields[1].value() == 5.0
    assert fields[2].value() == "b"


def test_a_number_shows_no_idle_decimals(qtbot: QtBot, theme: Theme) -> None:
    field = NumberField(0, 100, 0.5, decimals=4)
    qtbot.addWidget(field)
    shown = []
    for value in (0.5, 20.0, 0.0125, 0.0):
        field.setValue(value)
        shown.append(field.text())
    assert shown == ["0.5", "20", "0.0125", "0"]


@pytest.mark.parametrize("kind", [TickBox, RadioChoice])
def test_a_tick_box_leaves_its_text_some_room(qtbot: QtBot, theme: Theme, kind: type[TickBox | RadioChoice]) -> None:
    box = kind("&Log axis")
    qtbot.addWidget(box)
    box.show()
    box.resize(box.minimumSizeHint())
    option = QStyleOptionButton()
    box.initStyleOption(option)
    part = QStyle.SubElement.SE_CheckBoxContents if kind is TickBox else QStyle.SubElement.SE_RadioButtonContents
    room = box.style().subElementRect(part, option, box).width()
    assert room >= box.fontMetrics().horizontalAdvance("Log axis") + 2
