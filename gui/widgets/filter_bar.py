"""What to see in the gallery: a class, a range of confidence, only changed or only wrong images."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

from bandbridge.gui.prediction_filter import Order, PredictionFilter
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.run_record import Predictions
from bandbridge.gui.theme import FIELD_HEIGHT, GRID
from bandbridge.gui.widgets.fields import ChoiceField, TickBox, WholeNumberField
from bandbridge.gui.widgets.flow_layout import FlowLayout
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

_ORDERS: dict[Order, str] = {
    "file": "by file name",
    "least confident": "least confident first",
    "most confident": "most confident first",
}


class FilterBar(QWidget):
    """The gallery's conditions.

    Args:
        parent: Qt parent.

    Signals:
        changed: The filter is another one.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter = PredictionFilter()
        self._quiet = False
        self.class_choice = ChoiceField([("", "any class")], "")
        self.low = WholeNumberField(0, 100, 0)
        self.high = WholeNumberField(0, 100, 100)
        for field, name in ((self.low, "Least confidence"), (self.high, "Greatest confidence")):
            field.setSuffix("\u202f%")
            field.setFixedWidth(11 * GRID)
            field.setSingleStep(5)
            field.setAccessibleName(name)
            field.valueChanged.connect(self._read)
        self.changed_only = TickBox("C&hanged")
        self.changed_only.setToolTip("Only images whose class is another one than before.")
        self.wrong_only = TickBox("&Wrong")
        self.wrong_only.setToolTip("Only labelled images the adapted model gets wrong.")
        self.order_choice = ChoiceField([(key, _ORDERS[key]) for key in get_args(Order)], "file")
        self.order_choice.setAccessibleName("Order")
        self.cell_button = QPushButton()
        self.cell_button.setToolTip("Chosen in the confusion matrix. Press to see all again.")
        self.cell_button.clicked.connect(self.clear)
        self.clear_button = QPushButton("Show a&ll")
        self.clear_button.setProperty("kind", "quiet")
        self.clear_button.clicked.connect(self.clear)
        self._found = text_label("", "help", wrap=False)
        for choice in (self.class_choice, self.order_choice):
            choice.currentIndexChanged.connect(self._read)
        for box in (self.changed_only, self.wrong_only):
            box.toggled.connect(self._read)
        flow = FlowLayout(GRID)
        for widget in (
            _group(text_label("Now", wrap=False), self.class_choice),
            _group(text_label("Confidence", wrap=False), self.low, text_label("to", wrap=False), self.high),
            self.changed_only,
            self.wrong_only,
            self.order_choice,
            self.cell_button,
            _group(self._found, self.clear_button),
        ):
            widget.setMinimumHeight(FIELD_HEIGHT)
            flow.addWidget(widget)
        self.setLayout(flow)

    @property
    def filter(self) -> PredictionFilter:
        """The conditions chosen."""
        return self._filter

    def set_predictions(self, predictions: Predictions | None) -> None:
        """Offer the classes of another run; conditions are dropped."""
        self._quiet = True
        self.class_choice.clear()
        self.class_choice.addItem("any class", "")
        for name in predictions.class_names if predictions is not None else ():
            self.class_choice.addItem(name, name)
        self.wrong_only.setVisible(predictions is not None and predictions.has_labels)
        self._quiet = False
        self.clear()

    def choose(self, chosen: PredictionFilter) -> None:
        """Take these conditions, e.g. those of a cell of the confusion matrix."""
        self._quiet = True
        self.class_choice.set_value(chosen.after or "")
        self.low.setValue(round(100 * chosen.low))
        self.high.setValue(round(100 * chosen.high))
        self.changed_only.setChecked(chosen.changed)
        self.wrong_only.setChecked(chosen.wrong)
        self.order_choice.set_value(chosen.order)
        self._quiet = False
        self._take(chosen)

    def clear(self) -> None:
        """See all images."""
        self.choose(PredictionFilter(order=self._filter.order))

    def tell_found(self, found: int, of: int) -> None:
        """How many images the conditions let through."""
        self._found.setText(counted(of, "image") if found == of else f"{count(found)} of {counted(of, 'image')}")
        self.clear_button.setVisible(found != of)

    def _read(self) -> None:
        if self._quiet:
            return
        order: Order = next(key for key in get_args(Order) if key == self.order_choice.value())
        self._take(
            replace(
                self._filter,
                after=self.class_choice.value() or None,
                low=self.low.value() / 100,
                high=self.high.value() / 100,
                changed=self.changed_only.isChecked(),
                wrong=self.wrong_only.isChecked(),
                order=order,
            )
        )

    def _take(self, chosen: PredictionFilter) -> None:
        self._filter = chosen
        words = []
        if chosen.truth is not None:
            words.append(f"really {chosen.truth}")
        if chosen.before is not None:
            words.append(f"called {chosen.before} before")
        text = ", ".join(words)
        self.cell_button.setText(f"{text[:1].upper()}{text[1:]}  ✕")
        self.cell_button.setVisible(bool(words))
        self.changed.emit()


def _group(*widgets: QWidget) -> QWidget:
    """Widgets that stay together when the row breaks."""
    group = QWidget()
    row = QHBoxLayout(group)
    row.setContentsMargins(0, 0, GRID, 0)
    row.setSpacing(GRID // 2)
    for widget in widgets:
        row.addWidget(widget)
    for label, field in pairwise(widgets):
        if isinstance(label, QLabel):
            label.setAlignment(Qt.AlignmentFlag.AlignVCenter)
            label.setBuddy(field)
    return group
