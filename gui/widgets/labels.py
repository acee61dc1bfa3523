"""Plain labels: headings, wrapped text, and paths shortened in their middle."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


def text_label(text: str, role: str = "", *, wrap: bool = True, parent: QWidget | None = None) -> QLabel:
    """A label in one of the theme's roles: "title", "section", "help", "small", "strong" or none."""
    label = QLabel(text, parent)
    label.setProperty("role", role)
    label.setWordWrap(wrap)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


class PathLabel(QLabel):
    """A path on one line, shortened in its middle where it does not fit; the whole is in its tooltip."""

    def __init__(self, path: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_path(path)

    def set_path(self, path: str) -> None:
        """Show this path."""
        self.setText(path)
        self.setToolTip(path)

    def minimumSizeHint(self) -> QSize:
        """Narrow: the text gives way."""
        return QSize(64, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text, shortened."""
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Writes "1 image" or "1,200 images": a number with thousands separated and the noun that goes with it."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
