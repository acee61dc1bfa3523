"""What models say about one image, side by side: whose answer it is, the class, the confidence as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandbridge.gui.quantities import percent
from bandbridge.gui.theme import GRID, Theme
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_BAR = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's answer.

    Attributes:
        title: Whose it is, short: "Before", "Translated", "Now".
        meaning: The same in full, for tooltips and screen readers.
        class_name: The most probable class.
        confidence: Its probability, 0..1.
        colour: Role of the bar's colour.
        right: Whether it is the true class, None where that is unknown.
    """

    title: str
    meaning: str
    class_name: str
    confidence: float
    colour: str
    right: bool | None = None

    def in_words(self) -> str:
        """E.g. "Before: Forest, 61 %, wrong"."""
        verdict = {None: "", True: ", right", False: ", wrong"}[self.right]
        return f"{self.meaning}: {self.class_name}, {percent(self.confidence)}{verdict}"


def answers(
    class_names: Sequence[str],
    before: NDArray[np.float32] | None,
    bridged: NDArray[np.float32] | None,
    after: NDArray[np.float32] | None,
    truth: int | None,
) -> list[Answer]:
    """The answers there are: source model on the sensor image, on the translated image, and the adapted model.

    Args:
        class_names: K names.
        before: (K,) probabilities of the untouched source model on the sensor image, or None.
        bridged: (K,) the same on the translated image, or None.
        after: (K,) probabilities of the adapted model, or None.
        truth: Index of the true class, or None.
    """
    found = []
    for probabilities, title, meaning, colour in (
        (before, "Before", "Before, on the sensor image", "muted"),
        (bridged, "Translated", "Before, on the translated picture", "translated"),
        (after, "Now", "Now, the adapted model", "accent"),
    ):
        if probabilities is not None:
            best = int(probabilities.argmax())
            right = None if truth is None else best == truth
            found.append(Answer(title, meaning, class_names[best], float(probabilities[best]), colour, right))
    return found


def paint_answers(
    painter: QPainter, box: QRectF, shown: Sequence[Answer], theme: Theme, *, in_full: bool = False
) -> None:
    """Draw answers below each other; on two lines each where the height allows, otherwise on one.

    Args:
        painter: With the font to write in.
        box: Where.
        shown: The answers.
        theme: Colours.
        in_full: Whether to say in full whose answer it is; needs the two lines.
    """
    metrics = painter.fontMetrics()
    height = box.height() / max(len(shown), 1)
    roomy = height >= 2 * metrics.height() + _BAR
    titles = max((metrics.horizontalAdvance(answer.title) for answer in shown), default=0) + GRID
    for number, answer in enumerate(shown):
        row = QRectF(box.left(), box.top() + number * height, box.width(), metrics.height())
        painter.setPen(theme.colour("muted"))
        brief = in_full or not roomy
        verdict = {None: "", True: "✓" if brief else "✓ right", False: "✗" if brief else "✗ wrong"}[answer.right]
        title = answer.meaning if in_full else answer.title
        left = int(row.width()) - (metrics.horizontalAdvance(verdict) + GRID if verdict else 0)
        painter.drawText(row, metrics.elidedText(title, Qt.TextElideMode.ElideRight, left))
        if verdict:
            painter.setPen(theme.colour("good" if answer.right else "error"))
            painter.drawText(row, Qt.AlignmentFlag.AlignRight, verdict)
        if roomy:
            row.translate(0, metrics.height() - (0 if in_full else 2))
        else:
            row.setLeft(row.left() + titles)
            if answer.right is not None:
                row.setRight(row.right() - metrics.horizontalAdvance("✓") - GRID // 2)
        share = percent(answer.confidence)
        room = int(row.width()) - metrics.horizontalAdvance(share) - GRID
        painter.setPen(theme.colour("text"))
        painter.drawText(row, metrics.elidedText(answer.class_name, Qt.TextElideMode.ElideRight, room))
        painter.drawText(row, Qt.AlignmentFlag.AlignRight, share)
        bar = QRectF(box.left(), row.bottom() + (0 if roomy else 1), box.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("line"))
        painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        painter.setBrush(theme.colour(answer.colour))
        bar.setWidth(max(_BAR, bar.width() * answer.confidence))
        painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)


class AnswerLines(QWidget):
    """The answers to one image, two lines each.

    Args:
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._answers: list[Answer] = []
        self.setFont(theme.font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Answers")
        theme.changed.connect(self.update)

    def show_answers(self, shown: Sequence[Answer]) -> None:
        """Show these."""
        self._answers = list(shown)
        words = [answer.in_words() for answer in shown]
        self.setAccessibleDescription("; ".join(words))
        self.setToolTip("\n".join(words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines, a bar and a gap each."""
        return QSize(200, len(self._answers) * (2 * self.fontMetrics().height() + _BAR + 2 * GRID))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("small"))
        paint_answers(painter, QRectF(self.rect()), self._answers, self._theme, in_full=True)
        painter.end()
