"""Asks, without interrupting, what a dropped folder or scene holds; our guess is chosen already."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.reports import SceneReport
from bandbridge.gui.dropped import FolderGuess
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.fields import BandsField, ChoiceField, RadioChoice
from bandbridge.gui.widgets.image_slot import scene_in_words
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QRadioButton, QVBoxLayout, QWidget

_ROLES = (
    ("rgb", "&RGB images of pairs", "&RGB scene of pairs"),
    ("sensor", "&Sensor images of pairs", "&Sensor's scene of pairs"),
    ("both", "", "&Both: RGB and sensor in one file"),
    ("target", "Tar&get images", "Tar&get scene"),
    ("several", "Se&veral of these", "Se&veral of these"),
)
_PARTS = (
    ("rgb", "RGB images of pairs", "RGB scene of pairs"),
    ("sensor", "Sensor images of pairs", "Sensor's scene of pairs"),
    ("target", "Target images", "Target scene"),
)


class FolderChooser(QFrame):
    """The question, and three fields if one folder holds several, or two for the bands if one scene holds both.

    Args:
        guess: What we think.
        may_be_both: Whether a scene with bands enough is rather both sides of pairs: there are no pairs yet.
        parent: Qt parent.

    Signals:
        answered: (dict) role -> folder or scene, for "rgb", "sensor" and "target"; only those chosen.
        dismissed: Neither of these.
    """

    answered = Signal(object)
    dismissed = Signal()

    def __init__(self, guess: FolderGuess, *, may_be_both: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._guess = guess
        self._may_be_both = may_be_both
        self._is_scene = guess.folder.is_file()
        # Of several scenes dropped together, the folder they lie in says nothing.
        self._are_scenes = bool(guess.inside) and all((guess.folder / name).is_file() for name in guess.inside)
        self._is_touched = False
        self.setProperty("role", "bar")
        self.setAccessibleName(f"What is in {guess.folder.name}?")
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        words = "What do these scenes show?" if self._are_scenes else f"What is in '{guess.folder.name}'?"
        question = text_label(words, "section")
        question.setToolTip(str(guess.folder))
        column.addWidget(question)
        self.facts = text_label("", "help")
        self.facts.hide()
        column.addWidget(self.facts)
        choices = QHBoxLayout()
        choices.setSpacing(3 * GRID)
        self.buttons: dict[str, QRadioButton] = {}
        for role, title, scene_title in _ROLES:
            button = RadioChoice(scene_title if self._is_scene else title)
            button.setChecked(role == guess.role)
            button.setVisible(self._offers(role))
            button.toggled.connect(self._fit)
            button.clicked.connect(self._touch)
            self.buttons[role] = button
            choices.addWidget(button)
        choices.addStretch(1)
        column.addLayout(choices)
        self._parts = QWidget()
        grid = QGridLayout(self._parts)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        inside = [("", "none"), *((name, name) for name in guess.inside)]
        self.fields: dict[str, ChoiceField] = {}
        for index, (role, images, scene) in enumerate(_PARTS):
            title = scene if self._are_scenes else images
            field = ChoiceField(inside, getattr(guess, role))
            field.setAccessibleName(title)
            field.activated.connect(self._touch)
            self.fields[role] = field
            grid.addWidget(text_label(title, "help", wrap=False), 0, index)
            grid.addWidget(field, 1, index)
            grid.setColumnStretch(index, 1)
        column.addWidget(self._parts)
        self._bands = QWidget()
        bands = QGridLayout(self._bands)
        bands.setContentsMargins(0, 0, 0, 0)
        bands.setHorizontalSpacing(2 * GRID)
        self.rgb_bands = BandsField("first three", exactly=3)
        self.sensor_bands = BandsField("all")
        for index, (title, edit) in enumerate((("RGB bands", self.rgb_bands), ("Sensor bands", self.sensor_bands))):
            edit.setAccessibleName(title)
            edit.textEdited.connect(self._touch)
            bands.addWidget(text_label(title, "help", wrap=False), 0, index)
            bands.addWidget(edit, 1, index)
            bands.setColumnStretch(index, 1)
        column.addWidget(self._bands)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        self.use_button = QPushButton("&Use")
        self.use_button.setProperty("kind", "primary")
        cancel = QPushButton("Ca&ncel")
        row.addWidget(self.use_button)
        row.addWidget(cancel)
        row.addStretch(1)
        column.addLayout(row)
        self.use_button.clicked.connect(self._answer)
        cancel.clicked.connect(self.dismissed)
        self._fit()

    def _offers(self, role: str) -> bool:
        if role == "both":
            return self._is_scene
        return not self._are_scenes and (role != "several" or bool(self._guess.inside))

    def show_scene(self, scene: SceneReport) -> None:
        """Tell what a scene says about itself, and guess by that, unless the person has chosen already."""
        if not self._is_scene:
            self._guess_side(scene)
            return
        sensor = (f"Looks like: {scene.sensor}",) if scene.sensor else ()
        self.facts.setText(" · ".join((*scene_in_words(scene), *sensor)))
        self.facts.show()
        if self._is_touched:
            return
        self.rgb_bands.set_bands(scene.rgb_bands)
        self.sensor_bands.set_bands(scene.sensor_bands or None)
        if self._may_be_both and scene.bands > len(scene.rgb_bands) and scene.sensor_bands:
            self.buttons["both"].setChecked(True)

    def show_problem(self, problem: Problem) -> None:
        """Tell why a scene cannot be used."""
        self.facts.setText(str(problem))
        self.facts.show()

    @property
    def bands(self) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None] | None:
        """RGB bands and sensor bands, where one scene is to be both; None otherwise."""
        if not self.buttons["both"].isChecked():
            return None
        return self.rgb_bands.bands, self.sensor_bands.bands

    def _guess_side(self, scene: SceneReport) -> None:
        """Of several scenes of which names say nothing, one of three bands is RGB, and one of fewer cannot be."""
        name = Path(scene.path).relative_to(self._guess.folder).as_posix()
        if self._is_touched or name in (field.value() for field in self.fields.values()):
            return
        order = ("rgb", "sensor") if scene.bands >= len(scene.rgb_bands) else ("sensor",)
        sides = order if scene.bands == len(scene.rgb_bands) else reversed(order)
        free = next((side for side in sides if not self.fields[side].value()), None)
        if free is not None:
            self.fields[free].set_value(name)

    def _touch(self) -> None:
        self._is_touched = True

    def chosen(self) -> dict[str, str]:
        """Role -> folder or scene as chosen now."""
        role = next((role for role, button in self.buttons.items() if button.isChecked()), "target")
        if role == "both":
            return dict.fromkeys(("rgb", "sensor"), str(self._guess.folder))
        if role != "several":
            return {role: str(self._guess.folder)}
        parts = {role: field.value() for role, field in self.fields.items()}
        return {role: str(self._guess.folder / name) for role, name in parts.items() if name}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return uses, Escape dismisses."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._answer()
        elif event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
        else:
            super().keyPressEvent(event)

    def _answer(self) -> None:
        if (self.bands is not None) and (self.rgb_bands.problem() or self.sensor_bands.problem()):
            return  # the fields say what is wrong
        if chosen := self.chosen():
            self.answered.emit(chosen)

    def _fit(self) -> None:
        self._parts.setVisible(self.buttons["several"].isChecked())
        self._bands.setVisible(self.buttons["both"].isChecked())
