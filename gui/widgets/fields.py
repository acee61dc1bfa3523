"""Entry fields that a wheel over them does not change, a field for a list of bands, boxes that never cut their text."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.engine.api.errors import UsageError
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QRadioButton, QSpinBox, QWidget

_INDENT = 7


_SLACK = QSize(4, 0)
"""Qt gives a tick or radio button just the room its text takes at 100 %; drawn at 200 % it can be a pixel wider."""


class TickBox(QCheckBox):
    """A tick box whose text is never cut."""

    def sizeHint(self) -> QSize:
        """As usual, with a little slack."""
        return super().sizeHint() + _SLACK

    def minimumSizeHint(self) -> QSize:
        """As usual, with a little slack."""
        return super().minimumSizeHint() + _SLACK


class RadioChoice(QRadioButton):
    """A radio button whose text is never cut."""

    def sizeHint(self) -> QSize:
        """As usual, with a little slack."""
        return super().sizeHint() + _SLACK

    def minimumSizeHint(self) -> QSize:
        """As usual, with a little slack."""
        return super().minimumSizeHint() + _SLACK


class WholeNumberField(QSpinBox):
    """A spin box that scrolls the page instead of changing, unless it has the focus."""

    def __init__(self, low: int, high: int, value: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRange(low, high)
        self.setValue(value)
        self.setKeyboardTracking(False)
        self.setMinimumWidth(104)
        self.lineEdit().setTextMargins(_INDENT, 0, 0, 0)  # a stylesheet's padding does not reach it

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class NumberField(QDoubleSpinBox):
    """A decimal spin box that scrolls the page instead of changing, unless it has the focus."""

    def __init__(
        self,
        low: float,
        high: float,
        value: float,
        *,
        decimals: int = 2,
        step: float = 0.1,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setValue(value)
        self.setKeyboardTracking(False)
        self.setMinimumWidth(104)
        self.lineEdit().setTextMargins(_INDENT, 0, 0, 0)  # a stylesheet's padding does not reach it

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def textFromValue(self, value: float) -> str:
        """No more decimals than the value has."""
        text = self.locale().toString(value, "f", self.decimals())
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


class ChoiceField(QComboBox):
    """A combo box that scrolls the page instead of changing, unless it has the focus."""

    def __init__(self, choices: Sequence[tuple[str, str]], value: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for key, title in choices:
            self.addItem(title, key)
        self.set_value(value)

    def value(self) -> str:
        """The key of the choice."""
        return str(self.currentData())

    def set_value(self, key: str) -> None:
        """Choose by key."""
        self.setCurrentIndex(max(0, self.findData(key)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class TextField(QLineEdit):
    """A line that leaves dropped files to the window."""

    def __init__(self, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(False)
        self.setPlaceholderText(placeholder)

    def set_wrong(self, wrong: bool) -> None:
        """Mark the text as not usable."""
        if bool(self.property("wrong")) != wrong:
            self.setProperty("wrong", wrong)
            self.style().unpolish(self)
            self.style().polish(self)


def parse_bands(text: str) -> tuple[int, ...] | None:
    """Read "4, 3, 2" or "1-4"; nothing means None.

    Raises:
        UsageError: It is not a list of band numbers from 1 upwards.
    """
    bands: list[int] = []
    for part in text.replace(";", ",").replace(" ", ",").split(","):
        if not part:
            continue
        first, dash, last = part.partition("-")
        try:
            span = range(int(first), int(last if dash else first) + 1)
        except ValueError as error:
            raise UsageError(f"'{part}' is not a band.", "", "Write numbers such as 4, 3, 2 or 1-4.") from error
        if not span or span.start < 1 or span.stop > 10_000:
            raise UsageError(f"'{part}' is not a band.", "Bands count from 1.", "Write numbers such as 4, 3, 2 or 1-4.")
        bands += span
    if len(set(bands)) != len(bands):
        raise UsageError("A band is named twice.", "", "Name every band once.")
    return tuple(bands) or None


class BandsField(TextField):
    """A list of 1-based bands, checked while typing.

    Args:
        placeholder: What nothing means, e.g. "first three".
        exactly: How many bands there must be, or None for any number.
        parent: Qt parent.

    Signals:
        chosen: A valid list (or None) was entered; `bands` holds it.
    """

    chosen = Signal()

    def __init__(self, placeholder: str, *, exactly: int | None = None, parent: QWidget | None = None) -> None:
        super().__init__(placeholder, parent)
        self._exactly = exactly
        self._plain_tip = ""
        self.bands: tuple[int, ...] | None = None
        self.textEdited.connect(self._check)
        self.editingFinished.connect(self._take)

    def set_bands(self, bands: tuple[int, ...] | None) -> None:
        """Show these bands."""
        self.bands = bands
        if self._parsed() != (bands, ""):
            self.setText(", ".join(map(str, bands or ())))
        self._check()

    def problem(self) -> str:
        """What is wrong with the text, or ""."""
        return self._parsed()[1]

    def _parsed(self) -> tuple[tuple[int, ...] | None, str]:
        try:
            bands = parse_bands(self.text())
        except UsageError as error:
            return None, str(error)
        if bands and self._exactly and len(bands) != self._exactly:
            return None, f"Name {self._exactly} bands, or leave it empty."
        return bands, ""

    def _check(self) -> None:
        problem = self.problem()
        self.set_wrong(bool(problem))
        self._plain_tip = self._plain_tip or self.toolTip()
        self.setToolTip(problem or self._plain_tip)

    def _take(self) -> None:
        bands, problem = self._parsed()
        self._check()
        if not problem and bands != self.bands:
            self.bands = bands
            self.chosen.emit()
