"""Step 3: which method adapts the model, and how much effort it takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bandbridge.engine.api.catalogue import DEFAULT_METHOD, METHODS, MethodInfo, method_info
from bandbridge.engine.api.config import SettingValue
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.gui.pages.method_choice import MethodChoicePage, show_value
from bandbridge.gui.project import EFFORT_EPOCHS, Project, ProjectModel, bridge_epochs
from bandbridge.gui.quantities import about, counted
from bandbridge.gui.run_record import read_report
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.fields import ChoiceField, WholeNumberField
from bandbridge.gui.widgets.settings_form import ExplainedForm
from PySide6.QtWidgets import QWidget

_ADAPTERS = (
    ("auto", "Choose for me"),
    ("replicate", "Repeat the band"),
    ("first-layer", "Average the first layer"),
    ("learned", "Learn a mixture"),
)
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
    if report.resumed or not report.epochs_done:  # how long its first part took stands nowhere
        return None
    return report.seconds / report.epochs_done


class MethodPage(MethodChoicePage):
    """The methods, their effort, and everything else for those who want it.

    Args:
        project: The open project.
        theme: Colours and icons.
        parent: Qt parent.
    """

    reset_tip = "Forget all changes on this page but the method itself."

    def __init__(self, project: ProjectModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "How the model is taken to the new sensor. In doubt, let the program choose.", project, theme, parent
        )
        self.effort_choice.chosen.connect(self._choose_effort)

    def groups(self) -> list[tuple[str, list[MethodInfo]]]:
        """(title, methods) of the groups the cards stand in."""
        return method_groups()

    def chosen(self) -> MethodInfo:
        """The method chosen."""
        return method_info(self._project.project.method)

    def reset(self) -> None:
        """Put everything but the method back to its default."""
        defaults = Project()
        project = self._project.project
        settings = {key: value for key, value in project.settings.items() if key != project.method}
        self._project.update(settings=settings, **{name: getattr(defaults, name) for name in _RESET})

    def _choose(self, key: str) -> None:
        self._project.update(method=key)

    def _settings(self) -> Mapping[str, Mapping[str, SettingValue]]:
        return self._project.project.settings

    def _put_settings(self, settings: Mapping[str, Mapping[str, SettingValue]]) -> None:
        self._project.update(settings=settings)

    def _learning_rate(self) -> float | None:
        return self._project.project.learning_rate

    def _epochs(self) -> int:
        return self._project.project.epochs

    def _seconds_an_epoch(self) -> float | None:
        return seconds_an_epoch(self._project.project)

    # ---- effort --------------------------------------------------------------------------------------------------

    def _draw_effort(self, project: Project, info: MethodInfo) -> None:
        trains = project.comparing or info.trains
        chooses = trains and (project.comparing or not bridge_epochs(info, project) or len(info.stages) > 1)
        several = len(info.stages) > 1  # an epoch tells nothing of the stages before the last
        epoch_s = seconds_an_epoch(project) if chooses and not project.comparing and not several else None
        lines = {}
        for key, epochs in EFFORT_EPOCHS.items():
            lines[key] = counted(epochs, "epoch") + ("" if epoch_s is None else f" · {about(epochs * epoch_s)}")
        by_what = "" if epoch_s is None else " The time is judged by the last run of this project."
        for button in self.effort_choice.buttons.values():
            button.setToolTip(f"An epoch is one pass over all target images.{by_what}")
            button.setEnabled(chooses)
        self.effort_choice.show_choice(project.effort if chooses else "", lines, self._effort_note(project, info))

    def _effort_note(self, project: Project, info: MethodInfo) -> str:
        bridge = 0 if project.comparing else bridge_epochs(info, project)
        if not (project.comparing or info.trains):
            return "Nothing is trained: there is nothing to choose."
        if bridge and len(info.stages) < 2:
            return f"{counted(bridge, 'epoch')} of the translator alone, set under Advanced."
        own = f"Your own: {counted(project.epochs, 'epoch')}" if project.effort == "own" else ""
        if bridge:
            before = f"Before it {counted(bridge, 'epoch')} of the bridge, set under Advanced."
            return f"{own}. {before}" if own else before
        return own

    def _choose_effort(self, key: str) -> None:
        self._project.update(effort=key, epochs=EFFORT_EPOCHS[key])

    def _epochs_edited(self, epochs: int) -> None:
        effort = next((key for key, number in EFFORT_EPOCHS.items() if number == epochs), "own")
        self._project.update(epochs=epochs, effort=effort)

    # ---- advanced ------------------------------------------------------------------------------------------------

    def _make_common(self) -> ExplainedForm:
        form = ExplainedForm()
        self.epochs = WholeNumberField(1, 10_000, 15)
        self.batch_size = WholeNumberField(2, 4096, 32)
        self.adapter = ChoiceField(_ADAPTERS, "auto")
        form.add_row("Epochs", self.epochs, "How often all target images are gone through.")
        form.add_row("Batch size", self.batch_size, "Images in one step. Smaller needs less memory.")
        form.add_row("Learning rate", self.learning_rate, "How far the model moves in one step. 0 takes the method's.")
        form.add_row(
            "Sensor bands into the network",
            self.adapter,
            "How bands of the sensor, one or many, take the place of red, green and blue.",
        )
        self.epochs.valueChanged.connect(self._epochs_edited)
        self.batch_size.valueChanged.connect(lambda value: self._project.update(batch_size=value))
        self.learning_rate.valueChanged.connect(lambda value: self._project.update(learning_rate=value or None))
        self.adapter.activated.connect(lambda _: self._project.update(adapter=self.adapter.value()))
        return form

    def _show_common(self, info: MethodInfo) -> None:
        project = self._project.project
        self._draw_effort(project, info)
        show_value(self.epochs, project.epochs)
        show_value(self.batch_size, project.batch_size)
        self.adapter.set_value(project.adapter)
        for trained_only in (self.epochs, self.batch_size, self.learning_rate):
            trained_only.setEnabled(project.comparing or info.trains)
