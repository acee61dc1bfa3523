"""Step 3: which method adapts the model, and how much effort it takes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from bandbridge.engine.api.catalogue import DEFAULT_METHOD, METHODS, MethodInfo, method_info
from bandbridge.engine.api.config import SettingValue
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import EFFORT_EPOCHS, Project, ProjectModel, bridge_epochs, obstacle
from bandbridge.gui.quantities import about, counted, number
from bandbridge.gui.run_record import read_report
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.fields import ChoiceField, NumberField, WholeNumberField
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.method_card import MethodCard
from bandbridge.gui.widgets.settings_form import ExplainedForm, SettingsForm
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

_EFFORT_TITLES = {"quick": "Quick", "standard": "Standard", "thorough": "Thorough"}
_ADAPTERS = (
    ("auto", "Choose for me"),
    ("replicate", "Repeat the band"),
    ("first-layer", "Average the first layer"),
    ("learned", "Learn a mixture"),
)
_DEVICES = (("auto", "Fastest found"), ("cpu", "Processor"), ("cuda", "Graphics card"))
_RECOMMENDED = (DEFAULT_METHOD, "anchored")
_RESET = ("epochs", "effort", "batch_size", "learning_rate", "adapter", "seed", "seeds", "device")


def method_groups() -> list[tuple[str, list[MethodInfo]]]:
    """(title, methods) of the groups the cards stand in, the most elaborate methods of each first."""
    recommended = [method_info(key) for key in _RECOMMENDED]
    others = [info for info in reversed(METHODS) if info not in recommended]
    return [
        ("Recommended", recommended),
        ("Learning from pairs", [info for info in others if info.trains and info.learns_from_pairs]),
        ("Without pairs", [info for info in others if info.trains and not info.learns_from_pairs]),
        ("Quick, to compare with", [info for info in others if not info.trains]),
    ]


def seconds_an_epoch(project: Project) -> float | None:
    """How long an epoch took in the project's last finished run that trained, on this machine.

    Runs with a translator or with several stages do not count: their time is mostly not that of their last stage.
    """
    for run in reversed(project.runs):
        info = method_info(run.method)
        plain = info.trains and len(info.stages) == 1 and not bridge_epochs(info, project)
        if run.outcome in ("completed", "kept") and plain:
            return _seconds_an_epoch_of(run.folder)
    return None


@lru_cache(maxsize=32)
def _seconds_an_epoch_of(run_folder: str) -> float | None:
    try:
        report = read_report(Path(run_folder))
    except BandbridgeError:
        return None
    return report.seconds / report.epochs_done if report.epochs_done else None


class MethodPage(Page):
    """The methods, their effort, and everything else for those who want it.

    Args:
        project: The open project.
        theme: Colours and icons.
        parent: Qt parent.
    """

    manual_chapter = "method"

    def __init__(self, project: ProjectModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "Method", "How the model is taken to the new sensor. In doubt, let the program choose.", parent=parent
        )
        self._project = project
        self._theme = theme
        self._form: SettingsForm | None = None
        self._form_method = ""

        self.cards: dict[str, MethodCard] = {}
        self._group = QButtonGroup(self)
        self.content.addWidget(self._make_modes())
        self.content.addLayout(self._make_cards())
        self.content.addWidget(self._make_effort())
        self.content.addWidget(self._make_seeds())
        self.content.addWidget(self._make_advanced())
        self.content.addStretch(1)
        self.reset_button = QPushButton("Rese&t to defaults")
        self.reset_button.setProperty("kind", "quiet")
        self.reset_button.setToolTip("Forget all changes on this page but the method itself.")
        self.reset_button.clicked.connect(self.reset)
        self.foot.addWidget(self.reset_button)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._follow()

    def state(self) -> PageState:
        """Ready unless something the method needs is missing; not asked before there are any images."""
        project = self._project.project
        if project.comparing:
            return "ready" if len(project.fitting()) > 1 else "error"
        if not obstacle(method_info(project.method), project):
            return "ready"
        return "error" if project.target and project.sources else "empty"

    def state_in_words(self) -> str:
        """The method chosen, or what it lacks."""
        if self._project.project.comparing:
            number = len(self._project.project.fitting())
            return f"{counted(number, 'method')} to compare." if number > 1 else "Tick two methods or more to compare."
        info = method_info(self._project.project.method)
        return obstacle(info, self._project.project) or f"{info.title} is chosen."

    def reset(self) -> None:
        """Put everything but the method back to its default."""
        defaults = Project()
        project = self._project.project
        settings = {key: value for key, value in project.settings.items() if key != project.method}
        self._project.update(settings=settings, **{name: getattr(defaults, name) for name in _RESET})

    def _make_cards(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID + GRID // 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        for title, infos in method_groups():
            heading = text_label(title, "section", wrap=False)
            heading.setContentsMargins(0, GRID, 0, 0)
            row = grid.rowCount()
            grid.addWidget(heading, row, 0, 1, 2)
            for index, info in enumerate(infos):
                card = MethodCard(info)
                card.chosen.connect(lambda key=info.key: self._project.update(method=key))
                card.ticked.connect(lambda on, key=info.key: self._tick(key, on))
                self._group.addButton(card.button)
                self.cards[info.key] = card
                grid.addWidget(card, row + 1 + index // 2, index % 2)
        return grid

    # ---- one or several ------------------------------------------------------------------------------------------

    def _make_modes(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        self.one_button = QPushButton("&One method")
        self.several_button = QPushButton("Compare &several")
        self.several_button.setToolTip("Runs several methods on the same images with the same effort: one table.")
        self._modes = QButtonGroup(self)
        for button, comparing in ((self.one_button, False), (self.several_button, True)):
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, comparing=comparing: self._set_comparing(comparing))
            self._modes.addButton(button)
            row.addWidget(button)
        self._modes_note = text_label("", "help")
        row.addWidget(self._modes_note, 1)
        return holder

    def _set_comparing(self, comparing: bool) -> None:
        project = self._project.project
        changes: dict[str, Any] = {"comparing": comparing}
        if comparing and not project.compared:
            changes["compared"] = tuple(info.key for info in METHODS if not obstacle(info, project))
        self._project.update(**changes)

    def _tick(self, key: str, on: bool) -> None:
        chosen = {*self._project.project.compared} - {key} | ({key} if on else set())
        self._project.update(compared=tuple(info.key for info in METHODS if info.key in chosen))

    def _make_seeds(self) -> Card:
        card = Card("Runs of each method")
        self.seeds = WholeNumberField(1, 50, 3)
        self.seeds.setAccessibleName("Runs of each method, with one seed each")
        self.seeds.valueChanged.connect(lambda value: self._update("seeds", value))
        self._seeds_note = text_label("", "help")
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        row.addWidget(self.seeds)
        row.addWidget(self._seeds_note, 1)
        card.body.addLayout(row)
        card.setToolTip("Runs with other seeds show how much of a difference is chance. Three tell it roughly.")
        self._seeds_card = card
        return card

    def _draw_modes(self, project: Project) -> None:
        for button, on in ((self.one_button, not project.comparing), (self.several_button, project.comparing)):
            button.setChecked(on)
        number = len(project.fitting())
        self._modes_note.setText(
            "Tick the methods. Each keeps the settings chosen for it under “One method”." if project.comparing else ""
        )
        self._seeds_card.setVisible(project.comparing)
        blocked = self.seeds.blockSignals(True)
        self.seeds.setValue(project.seeds)
        self.seeds.blockSignals(blocked)
        runs = counted(number * project.seeds, "run")
        words = f"{counted(number, 'method')}, {counted(project.seeds, 'seed')} each: {runs}"
        epoch_s = seconds_an_epoch(project)
        if epoch_s is not None and number:
            epochs = sum(project.epochs if info.trains else 1 for info in project.fitting())
            words += f", {about(epoch_s * epochs * project.seeds)} by the last run of this project"
        if project.seeds < 2:
            words += ". One seed tells nothing about chance"
        self._seeds_note.setText(f"{words}.")

    # ---- effort --------------------------------------------------------------------------------------------------

    def _make_effort(self) -> Card:
        card = Card("Effort")
        self._effort_note = text_label("", "help", wrap=False)
        card.head.addWidget(self._effort_note)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        self._effort_group = QButtonGroup(self)
        self.effort_buttons: dict[str, QPushButton] = {}
        for key, title in _EFFORT_TITLES.items():
            button = QPushButton(title)
            button.setCheckable(True)
            button.setMinimumHeight(6 * GRID)
            button.clicked.connect(lambda _=False, chosen=key: self._choose_effort(chosen))
            self._effort_group.addButton(button)
            self.effort_buttons[key] = button
            row.addWidget(button, 1)
        card.body.addLayout(row)
        self._effort_card = card
        return card

    def _draw_effort(self, project: Project, info: MethodInfo) -> None:
        trains = project.comparing or info.trains
        chooses = trains and (project.comparing or not bridge_epochs(info, project) or len(info.stages) > 1)
        several = len(info.stages) > 1  # an epoch tells nothing of the stages before the last
        epoch_s = seconds_an_epoch(project) if chooses and not project.comparing and not several else None
        self._effort_group.setExclusive(False)
        for key, button in self.effort_buttons.items():
            words = counted(EFFORT_EPOCHS[key], "epoch")
            tip = "An epoch is one pass over all target images."
            if epoch_s is not None:
                words += f" · {about(EFFORT_EPOCHS[key] * epoch_s)}"
                tip += " The time is judged by the last run of this project."
            button.setText(f"{_EFFORT_TITLES[key]}\n{words}")
            button.setAccessibleName(f"{_EFFORT_TITLES[key]}, {words}")
            button.setToolTip(tip)
            button.setChecked(key == project.effort and chooses)
            button.setEnabled(chooses)
        self._effort_group.setExclusive(True)
        bridge = 0 if project.comparing else bridge_epochs(info, project)
        if not trains:
            self._effort_note.setText("Nothing is trained: there is nothing to choose.")
        elif bridge and len(info.stages) < 2:
            self._effort_note.setText(f"{counted(bridge, 'epoch')} of the translator alone, set under Advanced.")
        elif bridge:
            own = f"Your own: {counted(project.epochs, 'epoch')}. " if project.effort == "own" else ""
            self._effort_note.setText(f"{own}Before it {counted(bridge, 'epoch')} of the bridge, set under Advanced.")
        elif project.effort == "own":
            self._effort_note.setText(f"Your own: {counted(project.epochs, 'epoch')}")
        else:
            self._effort_note.setText("")

    def _choose_effort(self, key: str) -> None:
        self._project.update(effort=key, epochs=EFFORT_EPOCHS[key])

    # ---- advanced ------------------------------------------------------------------------------------------------

    def _make_advanced(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        self.advanced_button = QToolButton()
        self.advanced_button.setText("Advanced")
        self.advanced_button.setProperty("kind", "fold")
        self.advanced_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.advanced_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.advanced_button.setCheckable(True)
        self.advanced_button.toggled.connect(self._fold)
        column.addWidget(self.advanced_button)
        self.advanced = Card()
        self.advanced.body.setSpacing(2 * GRID)
        self.advanced.body.addWidget(self._make_common())
        self._method_title = text_label("", "section", wrap=False)
        self.advanced.body.addWidget(self._method_title)
        self._form_holder = QVBoxLayout()
        self.advanced.body.addLayout(self._form_holder)
        self.advanced.hide()
        column.addWidget(self.advanced)
        return holder

    def _make_common(self) -> ExplainedForm:
        form = ExplainedForm()
        self.epochs = WholeNumberField(1, 10_000, 15)
        self.batch_size = WholeNumberField(2, 4096, 32)
        self.learning_rate = NumberField(0.0, 10.0, 0.0, decimals=6, step=0.0005)
        self.adapter = ChoiceField(_ADAPTERS, "auto")
        self.seed = WholeNumberField(0, 2**31 - 1, 0)
        self.device = ChoiceField(_DEVICES, "auto")
        form.add_row("Epochs", self.epochs, "How often all target images are gone through.")
        form.add_row("Batch size", self.batch_size, "Images in one step. Smaller needs less memory.")
        form.add_row("Learning rate", self.learning_rate, "How far the model moves in one step. 0 takes the method's.")
        form.add_row(
            "Sensor bands into the network",
            self.adapter,
            "How bands of the sensor, one or many, take the place of red, green and blue.",
        )
        form.add_row("Seed", self.seed, "Where chance starts: the same seed gives the same result.")
        form.add_row("Compute on", self.device, "The processor, or a graphics card if there is one.")
        self.epochs.valueChanged.connect(self._epochs_edited)
        for field, name in ((self.batch_size, "batch_size"), (self.seed, "seed")):
            field.valueChanged.connect(lambda value, name=name: self._update(name, value))
        self.learning_rate.valueChanged.connect(lambda value: self._update("learning_rate", value or None))
        self.adapter.activated.connect(lambda _: self._update("adapter", self.adapter.value()))
        self.device.activated.connect(lambda _: self._update("device", self.device.value()))
        return form

    def _epochs_edited(self, epochs: int) -> None:
        effort = next((key for key, number in EFFORT_EPOCHS.items() if number == epochs), "own")
        self._project.update(epochs=epochs, effort=effort)

    def _update(self, name: str, value: Any) -> None:
        self._project.update(**{name: value})

    def _setting_edited(self, values: dict[str, SettingValue]) -> None:
        project = self._project.project
        others = {key: settings for key, settings in project.settings.items() if key != project.method}
        self._project.update(settings=others | ({project.method: values} if values else {}))

    def _fold(self, opened: bool) -> None:
        self.advanced.setVisible(opened)
        self._paint_icons()

    def _paint_icons(self) -> None:
        name = "chevron-down" if self.advanced_button.isChecked() else "chevron-right"
        self.advanced_button.setIcon(self._theme.icon(name, "muted"))

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        project = self._project.project
        info = method_info(project.method)
        trains = project.comparing or info.trains
        for key, card in self.cards.items():
            card.set_several(project.comparing)
            card.set_chosen(key in project.compared if project.comparing else key == project.method)
            card.set_obstacle(obstacle(card.info, project))
        self._draw_modes(project)
        self._draw_effort(project, info)
        self.manual_chapter = "compare" if project.comparing else "method"
        own = "Each method's own" if project.comparing else f"Method's own ({number(info.learning_rate)})"
        self.learning_rate.setSpecialValueText(own)
        fields: tuple[tuple[WholeNumberField | NumberField, float], ...] = (
            (self.epochs, project.epochs),
            (self.batch_size, project.batch_size),
            (self.learning_rate, project.learning_rate or 0.0),
            (self.seed, project.seed),
        )
        for field, value in fields:
            blocked = field.blockSignals(True)
            field.setValue(value)  # type: ignore[arg-type]  # whole numbers for whole number fields
            field.blockSignals(blocked)
        self.adapter.set_value(project.adapter)
        self.device.set_value(project.device)
        for trained_only in (self.epochs, self.batch_size, self.learning_rate):
            trained_only.setEnabled(trains)
        self._show_form(info, dict(project.settings.get(info.key, {})))
        if self._form is not None:
            self._form.setVisible(not project.comparing)
        self._method_title.setVisible(bool(info.settings) and not project.comparing)
        self.state_changed.emit()

    def _show_form(self, info: MethodInfo, values: dict[str, SettingValue]) -> None:
        if self._form is not None and self._form_method == info.key:
            self._form.blockSignals(True)
            self._form.show_values(values)
            self._form.blockSignals(False)
            return
        if self._form is not None:
            self._form_holder.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        self._method_title.setText(f"{info.title}: its own settings")
        self._method_title.setVisible(bool(info.settings))
        self._form = SettingsForm(info.settings, values, info.stages)
        self._form.edited.connect(self._setting_edited)
        self._form_method = info.key
        self._form_holder.addWidget(self._form)
