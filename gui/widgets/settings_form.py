"""A form made from a method's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bandbridge.engine.api.catalogue import Setting
from bandbridge.engine.api.config import SettingValue
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.fields import ChoiceField, NumberField, WholeNumberField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

_FIELD_WIDTH = 22 * GRID
_NAMES = {"u-net": "U-Net", "flip-shift": "Mirror and shift"}


class ExplainedForm(QWidget):
    """Rows of name, field and what it does."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID + GRID // 2)
        self._grid.setColumnMinimumWidth(0, 26 * GRID)
        self._grid.setColumnStretch(2, 1)

    def add_row(self, title: str, field: QWidget, explain: str) -> None:
        """Add a row; the explanation is also the field's tooltip."""
        row = self._grid.rowCount()
        label = text_label(title)
        label.setBuddy(field)
        label.setToolTip(explain)
        field.setToolTip(explain)
        field.setAccessibleName(title)
        field.setAccessibleDescription(explain)
        if not isinstance(field, QCheckBox):
            field.setFixedWidth(_FIELD_WIDTH)
        self._grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(field, row, 1, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        self._grid.addWidget(text_label(explain, "small"), row, 2, Qt.AlignmentFlag.AlignVCenter)

    def add_heading(self, title: str) -> None:
        """Begin a group of rows."""
        label = text_label(title, "strong", wrap=False)
        row = self._grid.rowCount()
        label.setContentsMargins(0, GRID if row > 1 else 0, 0, 0)
        self._grid.addWidget(label, row, 0, 1, 3)


class SettingsForm(ExplainedForm):
    """The fields of one method's settings, stage by stage where they belong to several.

    Args:
        settings: The catalogue's settings.
        values: Those that differ from their defaults.
        stages: Names of all stages of the method, in order.
        parent: Qt parent.

    Signals:
        edited: (dict) settings that differ from their defaults now.
    """

    edited = Signal(object)

    def __init__(
        self,
        settings: Sequence[Setting],
        values: Mapping[str, SettingValue],
        stages: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = tuple(settings)
        self._read: dict[str, Callable[[], SettingValue]] = {}
        self._write: dict[str, Callable[[SettingValue], None]] = {}
        former: str | None = None
        staged = len(stages) > 1 and any(setting.stage for setting in settings)
        for setting in self._settings:
            if staged and setting.stage != former:
                former = setting.stage
                self.add_heading(f"Stage {stages.index(former) + 1}: {former}" if former else "All stages")
            self.add_row(setting.title, self._field(setting), setting.explain)
        self.show_values(values)

    def show_values(self, values: Mapping[str, SettingValue]) -> None:
        """Show these values, and the defaults of all others."""
        for setting in self._settings:
            value = values.get(setting.key, setting.default)
            if self._read[setting.key]() != value:
                self._write[setting.key](value)

    def values(self) -> dict[str, SettingValue]:
        """Settings that differ from their defaults."""
        entered = {setting.key: (self._read[setting.key](), setting.default) for setting in self._settings}
        return {key: value for key, (value, default) in entered.items() if value != default}

    def _field(self, setting: Setting) -> QWidget:
        default = setting.default
        if isinstance(default, bool):
            box = QCheckBox()
            box.clicked.connect(self._tell)
            self._read[setting.key] = box.isChecked
            self._write[setting.key] = lambda value: box.setChecked(bool(value))
            return box
        if isinstance(default, int):
            whole = WholeNumberField(int(setting.low or 0), int(setting.high or 10**6), default)
            whole.valueChanged.connect(self._tell)
            self._read[setting.key] = whole.value
            self._write[setting.key] = lambda value: whole.setValue(int(value))
            return whole
        if isinstance(default, float):
            number = NumberField(setting.low or 0.0, setting.high or 1e6, default, decimals=4, step=0.05)
            number.valueChanged.connect(self._tell)
            self._read[setting.key] = number.value
            self._write[setting.key] = lambda value: number.setValue(float(value))
            return number
        choice = ChoiceField(
            [(key, _NAMES.get(key, key.replace("-", " ").capitalize())) for key in setting.choices], default
        )
        choice.activated.connect(self._tell)
        self._read[setting.key] = choice.value
        self._write[setting.key] = lambda value: choice.set_value(str(value))
        return choice

    def _tell(self) -> None:
        self.edited.emit(self.values())
