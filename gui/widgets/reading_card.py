"""How raw values are read: what the sensor was taken for, its bands, the stretch, the no-data value."""

from __future__ import annotations

from dataclasses import replace

from bandbridge.engine.api.config import PROPOSED, SURROUNDINGS, StretchKind, StretchRule
from bandbridge.engine.api.reports import FolderReport
from bandbridge.engine.api.sensor_profiles import AUTO, NO_PROFILE, SensorProposal, sensor_profiles
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.fields import BandsField, ChoiceField, NumberField, TextField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import QLocale, QSignalBlocker
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

_ALL, _OWN = "all", "own"
_KINDS = (("percentile", "Percentiles"), ("range", "Fixed range"), ("log", "Logarithmic"))


class ReadingCard(Card):
    """Fields that follow the project and change it; what nobody chose shows what is proposed.

    Args:
        project: The open project.
        parent: Qt parent.
    """

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._project = project
        self._report: FolderReport | None = None
        self._rgb_report: FolderReport | None = None
        self._own = False
        self._labels: dict[str, QLabel] = {}
        self.setAccessibleName("How the values are read")
        self.body.setContentsMargins(2 * GRID, GRID + GRID // 2, 2 * GRID, 2 * GRID)
        self.verdict = text_label("", "help")
        self.back = QPushButton("As &proposed")
        self.back.setProperty("kind", "quiet")
        self.back.setToolTip("Take back what was changed here, and read the images as proposed.")
        self.back.clicked.connect(self._go_back)
        head = QHBoxLayout()
        head.setSpacing(2 * GRID)
        head.addWidget(self.verdict, 1)
        head.addWidget(self.back)
        self.body.addLayout(head)
        self._make_fields()
        self._lay_out()
        project.changed.connect(self._follow)
        self._follow()

    def _make_fields(self) -> None:
        profiles = [(profile.key, profile.title) for profile in sensor_profiles()]
        self.sensor = _choice([(AUTO, "As recognised"), (NO_PROFILE, "Propose nothing"), *profiles])
        self.sensor.setToolTip(
            "What took these images. It proposes bands, stretch and no-data value; whatever you change goes before it."
        )
        self.groups = _choice([])
        self.groups.setToolTip("Bands of the new sensor that go together, with their numbers in the files.")
        self.sensor_bands = BandsField("all")
        self.sensor_bands.setToolTip("Bands of the new sensor, counted from 1, such as 8 or 11-13.")
        self.rgb_bands = BandsField("first three", exactly=3)
        self.rgb_bands.setToolTip("Bands that are red, green and blue, counted from 1, such as 4, 3, 2.")
        self.kind = _choice(_KINDS)
        self.kind.setToolTip(
            "How raw values become black to white. Percentiles: measured once over all images. Fixed range: the same "
            "raw values always. Logarithmic: equal factors are equal steps, as radar on a linear scale needs."
        )
        self.low = NumberField(0.0, 49.0, 2.0, decimals=1, step=0.5)
        self.low.setToolTip("This share of the values, the darkest, becomes black.")
        self.high = NumberField(51.0, 100.0, 98.0, decimals=1, step=0.5)
        self.high.setToolTip("Values above this share become white.")
        for share in (self.low, self.high):
            share.setSuffix(" %")
        self.low_value = NumberField(-1e12, 1e12, 0.0, decimals=4, step=1)
        self.low_value.setToolTip("This raw value and those below become black.")
        self.high_value = NumberField(-1e12, 1e12, 255.0, decimals=4, step=1)
        self.high_value.setToolTip("This raw value and those above become white.")
        sides = [("0", "None"), *((str(side), f"{side} × {side} pixels") for side in SURROUNDINGS)]
        self.speckle = _choice(sides)
        self.speckle.setToolTip(
            "Evens out the grain of radar images and keeps edges: the wider the surroundings, the smoother. "
            "It works on the stretched values and becomes part of the model."
        )
        self.speckle.activated.connect(self._take_speckle)
        self.no_data = TextField("none")
        self.no_data.setToolTip(
            "A raw value that means that nothing was seen there. What files say themselves counts too."
        )
        self.sensor.activated.connect(self._take_sensor)
        self.groups.activated.connect(self._take_group)
        self.rgb_bands.chosen.connect(self._take_rgb_bands)
        self.sensor_bands.chosen.connect(self._take_sensor_bands)
        self.kind.activated.connect(self._take_kind)
        for field in (self.low, self.high):
            field.valueChanged.connect(self._take_percents)
        for field in (self.low_value, self.high_value):
            field.valueChanged.connect(self._take_values)
        self.no_data.textEdited.connect(self._check_no_data)
        self.no_data.editingFinished.connect(self._take_no_data)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        places: tuple[tuple[int, int, int, str, tuple[QWidget, ...]], ...] = (
            (0, 0, 2, "Sensor", (self.sensor,)),
            (0, 2, 1, "Sensor bands", (self.groups, self.sensor_bands)),
            (0, 3, 1, "RGB bands", (self.rgb_bands,)),
            (3, 0, 1, "Stretch", (self.kind,)),
            (3, 1, 1, "Black below", (self.low, self.low_value)),
            (3, 2, 1, "White above", (self.high, self.high_value)),
            (3, 3, 1, "No-data value", (self.no_data,)),
            (6, 0, 1, "Speckle filter", (self.speckle,)),
        )
        for row, column, columns, title, fields in places:
            label: QLabel = text_label(title, "help", wrap=False)
            label.setBuddy(fields[0])
            box = QHBoxLayout()
            box.setSpacing(GRID // 2)
            for field in fields:
                field.setAccessibleName(title)
                box.addWidget(field, 1)
            self._labels[title] = label
            grid.addWidget(label, row, column, 1, columns)
            grid.addLayout(box, row + 1, column, 1, columns)
            grid.setColumnStretch(column, 1)
        for gap in (2, 5):
            grid.setRowMinimumHeight(gap, GRID // 2)
        self.body.addLayout(grid)

    # ---- what is known of the images -----------------------------------------------------------------------------

    def show_reports(self, sensor: FolderReport | None, rgb: FolderReport | None) -> None:
        """Follow what was found in the sensor's images and in the RGB images of pairs."""
        if sensor is not self._report or rgb is not self._rgb_report:
            self._report, self._rgb_report = sensor, rgb
            self._follow()

    @property
    def rule(self) -> StretchRule:
        """The stretch in force: what was chosen, else what is proposed."""
        proposal = self._proposal
        return self._project.project.stretch.or_proposed(proposal.stretch if proposal else StretchRule())

    def move_end(self, end: str, raw: float, percent: float) -> None:
        """An end of the stretch ("low" or "high") was dragged.

        Args:
            end: Which one.
            raw: The raw value it was dragged to.
            percent: The share of values below it.
        """
        if self.rule.kind == "range":
            (self.low_value if end == "low" else self.high_value).setValue(raw)
        else:
            (self.low if end == "low" else self.high).setValue(percent)

    @property
    def _proposal(self) -> SensorProposal | None:
        return self._report.sensor if self._report else None

    @property
    def _band_count(self) -> int:
        return next(iter(self._report.bands), 0) if self._report else 0

    # ---- following -----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        project, proposal = self._project.project, self._proposal
        chosen = (project.sensor_bands, project.rgb_bands, project.no_data)
        changed = any(one is not None for one in chosen) or project.stretch != PROPOSED
        self.back.setEnabled(changed or project.sensor_profile != AUTO)
        self.verdict.setText(self._verdict())
        recognised = f"Recognised: {proposal.title}" if proposal and proposal.key else "As recognised"
        self.sensor.setItemText(0, recognised if project.sensor_profile == AUTO else "As recognised")
        self.sensor.set_value(project.sensor_profile)
        self._follow_bands()
        rule = self.rule
        self.kind.set_value("percentile" if rule.kind == "auto" else rule.kind)
        is_range = rule.kind == "range"
        for share, value in ((self.low, self.low_value), (self.high, self.high_value)):
            share.setVisible(not is_range)
            value.setVisible(is_range)
        pairs: list[tuple[NumberField, float | None]] = [
            (self.low, rule.low_percent),
            (self.high, rule.high_percent),
            (self.low_value, rule.low_value),
            (self.high_value, rule.high_value),
        ]
        for field, number in pairs:
            if number is not None:
                with QSignalBlocker(field):
                    field.setValue(number)
        may_filter = bool((proposal and proposal.has_speckle) or rule.despeckle_px)
        for part in (self.speckle, self._labels["Speckle filter"]):
            part.setVisible(may_filter)
        self.speckle.set_value(str(rule.despeckle_px or 0))
        proposed = proposal.no_data if proposal else None
        self.no_data.setPlaceholderText("none" if proposed is None else f"{_written(proposed)} (proposed)")
        if self._no_data_entered()[0] != project.no_data:
            self.no_data.setText("" if project.no_data is None else _written(project.no_data))

    def _verdict(self) -> str:
        proposal = self._proposal
        if proposal is None:
            if self._report is not None:
                return "Nothing is proposed; the fields say how the values are read."
            return "What took the images is told here once some are chosen."
        title = f"Looks like: {proposal.title}" if proposal.key else proposal.title
        return f"{title} ({proposal.reason})."

    def _follow_bands(self) -> None:
        project, proposal = self._project.project, self._proposal
        groups = proposal.groups if proposal else ()
        every = tuple(range(1, self._band_count + 1))
        bands = project.sensor_bands or (proposal.bands if proposal else None) or every
        with QSignalBlocker(self.groups):
            self.groups.clear()
            for group in groups:
                self.groups.addItem(f"{group.title} ({_listed(group.bands)})", _listed(group.bands))
            self.groups.addItem(f"All {len(every)} bands", _ALL)
            self.groups.addItem("Own choice…", _OWN)
            found = self.groups.findData(_ALL if bands == every else _listed(bands))
            self.groups.set_value(_OWN if self._own or found < 0 else str(self.groups.itemData(found)))
        self.groups.setVisible(bool(groups))
        self.sensor_bands.setVisible(not groups or self.groups.value() == _OWN)
        proposed = proposal.bands if proposal else None
        self.sensor_bands.setPlaceholderText(_listed(proposed) if proposed else "all")
        self.sensor_bands.set_bands(project.sensor_bands)
        rgb = self._rgb_report.chosen_bands if self._rgb_report and project.rgb_bands is None else None
        self.rgb_bands.setPlaceholderText(_listed(rgb) if rgb and rgb != (1, 2, 3) else "first three")
        self.rgb_bands.set_bands(project.rgb_bands)

    # ---- what a person does --------------------------------------------------------------------------------------

    def _go_back(self) -> None:
        self._own = False
        self._project.update(sensor_profile=AUTO, sensor_bands=None, rgb_bands=None, stretch=PROPOSED, no_data=None)
        self._follow()

    def _take_sensor(self) -> None:
        self._project.update(sensor_profile=self.sensor.value())

    def _take_group(self) -> None:
        chosen = self.groups.value()
        self._own = chosen == _OWN
        if self._own:
            self._follow_bands()
            self.sensor_bands.setFocus()
            return
        count = self._band_count
        bands = tuple(range(1, count + 1)) if chosen == _ALL else tuple(map(int, chosen.split(", ")))
        proposed = (self._proposal.bands if self._proposal else None) or tuple(range(1, count + 1))
        self._project.update(sensor_bands=None if bands == proposed else bands)
        self._follow_bands()

    def _take_rgb_bands(self) -> None:
        self._project.update(rgb_bands=self.rgb_bands.bands)

    def _take_sensor_bands(self) -> None:
        self._project.update(sensor_bands=self.sensor_bands.bands)

    def _take_kind(self) -> None:
        rule, kind = self.rule, self.kind.value()
        if kind == "range":
            bands = self._report.histograms if self._report else ()
            low, high = (float(bands[0].low), float(bands[0].high)) if bands else (0.0, 255.0)
            self._project.update(stretch=replace(rule, kind="range", low_value=low, high_value=high))
        elif kind == "log":
            self._project.update(stretch=replace(rule, kind="log", low_value=None, high_value=None))
        else:
            self._project.update(stretch=replace(rule, kind="percentile", low_value=None, high_value=None))

    def _take_percents(self) -> None:
        kind: StretchKind = "log" if self.rule.kind == "log" else "percentile"
        rule = replace(self.rule, kind=kind, low_percent=self.low.value(), high_percent=self.high.value())
        self._project.update(stretch=rule)

    def _take_values(self) -> None:
        rule = replace(self.rule, low_value=self.low_value.value(), high_value=self.high_value.value())
        for field in (self.low_value, self.high_value):
            field.setProperty("wrong", bool(rule.fault()))
        if not rule.fault():
            self._project.update(stretch=rule)

    def _take_speckle(self) -> None:
        self._project.update(stretch=replace(self._project.project.stretch, despeckle_px=int(self.speckle.value())))

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


def _choice(choices: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> ChoiceField:
    """A box as wide as the column, however long its longest entry."""
    field = ChoiceField(choices, "")
    field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    field.setMinimumContentsLength(10)
    return field


def _listed(bands: tuple[int, ...]) -> str:
    return ", ".join(map(str, bands))


def _written(value: float) -> str:
    return QLocale().toString(value, "g", 12)
