"""What choosing a method has in common for images and clips: cards, one or several, seeds, effort, the fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bandbridge.engine.api.catalogue import MethodInfo, Setting
from bandbridge.engine.api.config import SettingValue
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import Project, ProjectModel, obstacle
from bandbridge.gui.quantities import about, counted
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.big_choice import BigChoice
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
    QLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

EFFORT_TITLES = {"quick": "Quick", "standard": "Standard", "thorough": "Thorough"}
_DEVICES = (("auto", "Fastest found"), ("cpu", "Processor"), ("cuda", "Graphics card"))


class MethodChoicePage(Page):
    """A page that makes the method of a run; what belongs to one kind of project is in its two descendants.

    Args:
        help_text: One line: what this page is for.
        project: The open project.
        theme: Colours and icons.
        parent: Qt parent.
    """

    chapter = "method"
    """Of the manual, while one method is chosen."""
    reset_tip = "Puts everything but the method back."
    same_data = "the same images"
    """What several methods have in common."""

    def __init__(self, help_text: str, project: ProjectModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Method", help_text, parent=parent)
        self._project = project
        self._theme = theme
        self._form: SettingsForm | None = None
        self._form_method = ""
        self.cards: dict[str, MethodCard] = {}
        self._methods = QButtonGroup(self)
        self.effort_choice = BigChoice("Effort", EFFORT_TITLES)
        for part in (self._make_modes(), *self._make_first(), self._make_cards(), *self._make_sizes()):
            if isinstance(part, QLayout):
                self.content.addLayout(part)
            else:
                self.content.addWidget(part)
        self.content.addWidget(self.effort_choice)
        self.content.addWidget(self._make_seeds())
        self.content.addWidget(self._make_advanced())
        self.content.addStretch(1)
        self.reset_button = QPushButton("Rese&t to defaults")
        self.reset_button.setProperty("kind", "quiet")
        self.reset_button.setToolTip(self.reset_tip)
        self.reset_button.clicked.connect(self.reset)
        self.foot.addWidget(self.reset_button)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._follow()

    # ---- what belongs to the kind of project ---------------------------------------------------------------------

    def groups(self) -> Sequence[tuple[str, Sequence[MethodInfo]]]:
        """(title, methods) of the groups the cards stand in."""
        raise NotImplementedError

    def chosen(self) -> MethodInfo:
        """The method chosen."""
        raise NotImplementedError

    def reset(self) -> None:
        """Put everything but what the project is about back to its default."""
        raise NotImplementedError

    def _choose(self, key: str) -> None:
        raise NotImplementedError

    def _settings(self) -> Mapping[str, Mapping[str, SettingValue]]:
        """Method key -> its settings that differ from the defaults."""
        raise NotImplementedError

    def _put_settings(self, settings: Mapping[str, Mapping[str, SettingValue]]) -> None:
        raise NotImplementedError

    def _learning_rate(self) -> float | None:
        raise NotImplementedError

    def _epochs(self) -> int:
        raise NotImplementedError

    def _seconds_an_epoch(self) -> float | None:
        """How long an epoch took in an earlier run of this project; None if that is not known."""
        raise NotImplementedError

    def _in_form_order(self, info: MethodInfo) -> Sequence[Setting]:
        return info.settings

    def _needs(self, info: MethodInfo) -> str | None:
        """What a method needs, in words; None lets its card find them."""
        return None

    def _make_first(self) -> Sequence[QWidget | QLayout]:
        """What stands above the cards."""
        return ()

    def _make_sizes(self) -> Sequence[QWidget]:
        """What stands between cards and effort."""
        return ()

    def _make_common(self) -> ExplainedForm:
        """The settings all methods share."""
        raise NotImplementedError

    def _show_common(self, info: MethodInfo) -> None:
        """Show what the project says in everything above the method's own settings."""
        raise NotImplementedError

    # ---- what the window asks ------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready unless something the method needs is missing; not asked before there is anything to work on."""
        project = self._project.project
        if project.comparing:
            return "ready" if len(project.fitting()) > 1 else "error"
        if not obstacle(self.chosen(), project):
            return "ready"
        return "error" if project.video.clips or (project.target and project.sources) else "empty"

    def state_in_words(self) -> str:
        """The method chosen, or what it lacks."""
        project = self._project.project
        if project.comparing:
            number_of = len(project.fitting())
            if number_of < 2:
                return "Tick two methods or more to compare."
            return f"{counted(number_of, 'method')} to compare."
        return obstacle(self.chosen(), project) or f"{self.chosen().title} is chosen."

    # ---- one or several ------------------------------------------------------------------------------------------

    def _make_modes(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        self.one_button = QPushButton("&One method")
        self.several_button = QPushButton("Compare &several")
        self.several_button.setToolTip(
            f"Runs several methods on {self.same_data} with the same effort, and puts them into one table."
        )
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
            changes["compared"] = tuple(info.key for info in project.methods() if not obstacle(info, project))
        self._project.update(**changes)

    def _tick(self, key: str, on: bool) -> None:
        project = self._project.project
        chosen = {*project.compared} - {key} | ({key} if on else set())
        self._project.update(compared=tuple(info.key for info in project.methods() if info.key in chosen))

    def _make_cards(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID + GRID // 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        for title, infos in self.groups():
            heading = text_label(title, "section", wrap=False)
            heading.setContentsMargins(0, GRID, 0, 0)
            row = grid.rowCount()
            grid.addWidget(heading, row, 0, 1, 2)
            for index, info in enumerate(infos):
                card = MethodCard(info, needs=self._needs(info))
                card.chosen.connect(lambda key=info.key: self._choose(key))
                card.ticked.connect(lambda on, key=info.key: self._tick(key, on))
                self._methods.addButton(card.button)
                self.cards[info.key] = card
                grid.addWidget(card, row + 1 + index // 2, index % 2, 1, 2 if len(infos) == 1 else 1)
        return grid

    def _make_seeds(self) -> Card:
        card = Card("Runs of each method")
        self.seeds = WholeNumberField(1, 50, 3)
        self.seeds.setAccessibleName("Runs of each method, with one seed each")
        self.seeds.valueChanged.connect(lambda value: self._project.update(seeds=value))
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
        self._modes_note.setText(
            "Tick the methods. Each keeps the settings chosen for it under “One method”." if project.comparing else ""
        )
        self._seeds_card.setVisible(project.comparing)
        show_value(self.seeds, project.seeds)
        fitting = project.fitting()
        runs = counted(len(fitting) * project.seeds, "run")
        words = f"{counted(len(fitting), 'method')}, {counted(project.seeds, 'seed')} each: {runs}"
        epoch_s = self._seconds_an_epoch() if project.comparing else None
        if epoch_s is not None and fitting:
            epochs = sum(self._epochs() if info.trains else 1 for info in fitting)
            words += f", {about(epoch_s * epochs * project.seeds)} by the last run of this project"
        if project.seeds < 2:
            words += ". One seed tells nothing about chance"
        self._seeds_note.setText(f"{words}.")

    # ---- advanced ------------------------------------------------------------------------------------------------

    def _make_advanced(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        self.advanced_button = QToolButton()
        self.advanced_button.setText("Advanced")
        self.advanced_button.setProperty("kind", "fold")
        self.advanced_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.advanced_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.advanced_button.setCheckable(True)
        self.advanced_button.toggled.connect(self._fold)
        column.addWidget(self.advanced_button)
        self.advanced = Card()
        self.advanced.body.setSpacing(2 * GRID)
        self.learning_rate = NumberField(0.0, 10.0, 0.0, decimals=6, step=0.0005)
        self.seed = WholeNumberField(0, 2**31 - 1, 0)
        self.device = ChoiceField(_DEVICES, "auto")
        common = self._make_common()
        common.add_row("Seed", self.seed, "Where chance starts: the same seed gives the same result.")
        common.add_row("Compute on", self.device, "The processor, or a graphics card if there is one.")
        self.seed.valueChanged.connect(lambda value: self._project.update(seed=value))
        self.device.activated.connect(lambda _: self._project.update(device=self.device.value()))
        self.advanced.body.addWidget(common)
        self._method_title = text_label("", "section", wrap=False)
        self.advanced.body.addWidget(self._method_title)
        self._form_holder = QVBoxLayout()
        self.advanced.body.addLayout(self._form_holder)
        self.advanced.hide()
        column.addWidget(self.advanced)
        return holder

    def _setting_edited(self, values: dict[str, SettingValue]) -> None:
        key = self.chosen().key
        others = {other: settings for other, settings in self._settings().items() if other != key}
        self._put_settings(others | ({key: values} if values else {}))

    def _fold(self, opened: bool) -> None:
        self.advanced.setVisible(opened)
        self._paint_icons()

    def _paint_icons(self) -> None:
        name = "chevron-down" if self.advanced_button.isChecked() else "chevron-right"
        self.advanced_button.setIcon(self._theme.icon(name, "muted"))

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        project = self._project.project
        info = self.chosen()
        for key, card in self.cards.items():
            card.set_several(project.comparing)
            card.set_chosen(key in project.compared if project.comparing else key == info.key)
            card.set_obstacle(obstacle(card.info, project))
        self._draw_modes(project)
        self.manual_chapter = "compare" if project.comparing else self.chapter
        own = (
            "Each method's own"
            if project.comparing
            else f"Method's own ({self.learning_rate.textFromValue(info.learning_rate)})"
        )
        self.learning_rate.setSpecialValueText(own)
        show_value(self.learning_rate, self._learning_rate() or 0.0)
        show_value(self.seed, project.seed)
        self.device.set_value(project.device)
        self._show_common(info)
        self._show_form(info, dict(self._settings().get(info.key, {})))
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
        self._form = SettingsForm(self._in_form_order(info), values, info.stages)
        self._form.edited.connect(self._setting_edited)
        self._form_method = info.key
        self._form_holder.addWidget(self._form)


def show_value(field: WholeNumberField | NumberField, value: float) -> None:
    """Show a number of the project without taking it for a person's."""
    blocked = field.blockSignals(True)
    if isinstance(field, WholeNumberField):
        field.setValue(int(value))
    else:
        field.setValue(value)
    field.blockSignals(blocked)
