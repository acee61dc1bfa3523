"""How raw values are read: bands, stretch, no-data."""

from __future__ import annotations

from bandbridge.engine.api.config import StretchRule
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.fields import BandsField, NumberField, TextField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QGridLayout, QWidget


class ReadingCard(Card):
    """Five fields that follow the project and change it.

    Args:
        project: The open project.
        parent: Qt parent.
    """

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._project = project
        self.setAccessibleName("How the values are read")
        self.body.setContentsMargins(2 * GRID, GRID + GRID // 2, 2 * GRID, 2 * GRID)
        self.rgb_bands = BandsField("first three", exactly=3)
        self.rgb_bands.setToolTip("Bands that are red, green and blue, counted from 1, such as 4, 3, 2.")
        self.sensor_bands = BandsField("all")
        self.sensor_bands.setToolTip("Bands of the new sensor, counted from 1, such as 8 or 11-13.")
        self.low = NumberField(0.0, 49.0, 2.0, decimals=1, step=0.5)
        self.low.setToolTip("This share of the values, the darkest, becomes black.")
        self.high = NumberField(51.0, 100.0, 98.0, decimals=1, step=0.5)
        self.high.setToolTip("Values above this share become white.")
        self.no_data = TextField("none")
        self.no_data.setToolTip(
            "A raw value that means that nothing was seen there. What files say themselves counts too."
        )
        for share in (self.low, self.high):
            share.setSuffix(" %")
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        fields = (
            ("RGB bands", self.rgb_bands),
            ("Sensor bands", self.sensor_bands),
            ("Black below", self.low),
            ("White above", self.high),
            ("No-data value", self.no_data),
        )
        for column, (title, field) in enumerate(fields):
            label = text_label(title, "help", wrap=False)
            label.setBuddy(field)
            field.setAccessibleName(title)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, 1)
        self.body.addLayout(grid)
        self.rgb_bands.chosen.connect(self._take_rgb_bands)
        self.sensor_bands.chosen.connect(self._take_sensor_bands)
        self.low.valueChanged.connect(self._take_stretch)
        self.high.valueChanged.connect(self._take_stretch)
        self.no_data.textEdited.connect(self._check_no_data)
        self.no_data.editingFinished.connect(self._take_no_data)
        project.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        project = self._project.project
        self.rgb_bands.set_bands(project.rgb_bands)
        self.sensor_bands.set_bands(project.sensor_bands)
        for field, value in ((self.low, project.stretch.low_percent), (self.high, project.stretch.high_percent)):
            blocked = field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(blocked)
        if self._no_data_entered()[0] != project.no_data:
            self.no_data.setText("" if project.no_data is None else QLocale().toString(project.no_data, "g", 12))

    def _take_rgb_bands(self) -> None:
        self._project.update(rgb_bands=self.rgb_bands.bands)

    def _take_sensor_bands(self) -> None:
        self._project.update(sensor_bands=self.sensor_bands.bands)

    def _take_stretch(self) -> None:
        self._project.update(stretch=StretchRule(low_percent=self.low.value(), high_percent=self.high.value()))

    def _no_data_entered(self) -> tuple[float | None, bool]:
        """The value, and whether the text is wrong; written as the person's country does, or with a point."""
        text = self.no_data.text().strip()
        if not text:
            return None, False
        for locale in (QLocale(), QLocale.c()):
            value, understood = locale.toDouble(text)
            if understood:
                return value, False
        return None, True

    def _check_no_data(self) -> None:
        self.no_data.set_wrong(self._no_data_entered()[1])

    def _take_no_data(self) -> None:
        value, wrong = self._no_data_entered()
        if not wrong:
            self._project.update(no_data=value)
