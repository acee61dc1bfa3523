"""Step 2 of a project for video: who teaches whom, by which method, how large and how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from bandbridge.engine.api.catalogue import MethodInfo, Setting
from bandbridge.engine.api.config import DistillConfig, Modality, SettingValue
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.video_catalogue import (
    DEFAULT_VIDEO_METHOD,
    VIDEO_METHODS,
    has_teacher,
    video_method_info,
)
from bandbridge.gui.clip_record import read_clip_record, read_clip_report
from bandbridge.gui.pages.method_choice import MethodChoicePage, show_value
from bandbridge.gui.project import Project, ProjectModel
from bandbridge.gui.quantities import about, counted
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.video_choices import NETWORK_SIZES, VIDEO_EPOCHS, VideoChoices
from bandbridge.gui.widgets.big_choice import BigChoice
from bandbridge.gui.widgets.fields import ChoiceField, NumberField, TextField, WholeNumberField
from bandbridge.gui.widgets.radio_card import RadioCard
from bandbridge.gui.widgets.settings_form import ExplainedForm
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QHBoxLayout, QLayout, QToolButton, QWidget

_DIRECTIONS: tuple[tuple[Modality, str, str], ...] = (
    (
        "sound",
        "Sound teaches pictures",
        "You get a network that recognises videos by what is seen, and finds similar ones. It needs no sound later.",
    ),
    (
        "picture",
        "Pictures teach sound",
        "You get a network that tags sounds; a clip may have several tags. It needs no pictures later.",
    ),
)
_SIZES = {"small": "Small", "medium": "Medium", "published": "As published"}
_SIZE_TIPS = {
    "small": "Enough for a first impression, and for a processor.",
    "medium": "For a graphics card, or a night of a processor.",
    "published": "As in the publication; for a graphics card.",
}
_TASKS = (("auto", "Told by the clips"), ("classes", "One class a clip"), ("tags", "Any number of tags"))
_PARTS = ("csc-only", "mnf-only")


def method_groups() -> list[tuple[str, list[MethodInfo]]]:
    """(title, methods) of the groups the cards stand in."""
    whole = [video_method_info(DEFAULT_VIDEO_METHOD)]
    parts = [video_method_info(key) for key in _PARTS]
    others = [info for info in VIDEO_METHODS if info not in (*whole, *parts)]
    return [
        ("Recommended", whole),
        ("To compare with", others),
        ("Parts of MNF + CSC", parts),
    ]


def seconds_an_epoch(project: Project) -> float | None:
    """How long an epoch took, the teacher's share included, in the last finished run of this size and rate."""
    wanted = _what_costs_time(project.to_distill_config(""))
    for run in reversed(project.runs):
        if run.outcome in ("completed", "kept"):
            found = _seconds_an_epoch_of(run.folder)
            if found is not None and found[0] == wanted:
                return found[1]
    return None


def _what_costs_time(config: DistillConfig) -> tuple[object, ...]:
    teaches = has_teacher(video_method_info(config.method)) and config.teacher_features is None
    return config.teacher, teaches, config.fps, config.size_px, config.window, config.width, config.blocks


@lru_cache(maxsize=32)
def _seconds_an_epoch_of(folder: str) -> tuple[tuple[object, ...], float] | None:
    try:
        config, report = read_clip_record(Path(folder)).config, read_clip_report(Path(folder))
    except BandbridgeError:
        return None
    if report.resumed or not report.epochs_done:  # how long its first part took stands nowhere
        return None
    return _what_costs_time(config), report.seconds / report.epochs_done


def clip_needs_in_words(info: MethodInfo) -> str:
    """What a method for clips needs, and what it goes through."""
    if not has_teacher(info):
        return "Needs labelled clips. Trains the student alone."
    return "Needs labelled clips, most of them with picture and sound. Stages: Teacher, then Student."


class ClipMethodPage(MethodChoicePage):
    """Direction, method, effort, and everything else for those who want it.

    Args:
        project: The open project.
        theme: Colours and icons.
        parent: Qt parent.
    """

    chapter = "video-methods"
    reset_tip = "Puts everything but the clips, the direction and the method back."
    same_data = "the same clips"

    def __init__(self, project: ProjectModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            "A teacher learns the clips first, then helps a student that sees (or hears) the other half of them.",
            project,
            theme,
            parent,
        )
        self.effort_choice.chosen.connect(lambda key: self._project.update_video(epochs=VIDEO_EPOCHS[key]))
        for button in self.effort_choice.buttons.values():
            button.setToolTip("An epoch is one pass over all training clips.")

    def state_in_words(self) -> str:
        """The method and the direction chosen, or what it lacks."""
        if self.state() != "ready" or self._project.project.comparing:
            return super().state_in_words()
        return f"{self.chosen().title}: {_direction_words(self._project.project.video.teacher)}."

    def groups(self) -> list[tuple[str, list[MethodInfo]]]:
        """(title, methods) of the groups the cards stand in."""
        return method_groups()

    def chosen(self) -> MethodInfo:
        """The method chosen."""
        return video_method_info(self._project.project.video.method)

    def reset(self) -> None:
        """Put everything but clips, direction and method back to its default."""
        video = self._project.project.video
        kept = VideoChoices(
            clips=video.clips,
            exclude=video.exclude,
            teacher=video.teacher,
            method=video.method,
            settings={key: values for key, values in video.settings.items() if key != video.method},
        )
        defaults = Project()
        self._project.update(video=kept, seed=defaults.seed, seeds=defaults.seeds, device=defaults.device)

    def _choose(self, key: str) -> None:
        self._project.update_video(method=key)

    def _settings(self) -> Mapping[str, Mapping[str, SettingValue]]:
        return self._project.project.video.settings

    def _put_settings(self, settings: Mapping[str, Mapping[str, SettingValue]]) -> None:
        self._project.update_video(settings=settings)

    def _learning_rate(self) -> float | None:
        return self._project.project.video.learning_rate

    def _epochs(self) -> int:
        return self._project.project.video.epochs

    def _seconds_an_epoch(self) -> float | None:
        return seconds_an_epoch(self._project.project)

    def _in_form_order(self, info: MethodInfo) -> Sequence[Setting]:
        order = (*info.stages, "")
        return sorted(info.settings, key=lambda setting: order.index(setting.stage))

    def _needs(self, info: MethodInfo) -> str:
        return clip_needs_in_words(info)

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _make_first(self) -> Sequence[QWidget | QLayout]:
        return (self._make_directions(),)

    def _make_sizes(self) -> Sequence[QWidget]:
        self.size_choice = BigChoice("Size of pictures and networks", _SIZES)
        self.size_choice.chosen.connect(self._choose_size)
        for key, button in self.size_choice.buttons.items():
            button.setToolTip(_SIZE_TIPS[key])
        return (self.size_choice,)

    def _make_directions(self) -> QHBoxLayout:
        self.directions: dict[Modality, RadioCard] = {}
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        group = QButtonGroup(self)
        for key, title, explain in _DIRECTIONS:
            card = RadioCard(title, explain)
            card.button.clicked.connect(lambda _=False, key=key: self._project.update_video(teacher=key))
            group.addButton(card.button)
            self.directions[key] = card
            row.addWidget(card, 1)
        return row

    def _choose_size(self, key: str) -> None:
        width, size_px = NETWORK_SIZES[key]
        self._project.update_video(width=width, size_px=size_px)

    def _make_common(self) -> ExplainedForm:
        form = ExplainedForm()
        defaults = VideoChoices()
        self.fps = NumberField(0.1, 60.0, defaults.fps, decimals=2, step=1.0)
        self.window_length = WholeNumberField(2, 256, defaults.window)
        self.size_px = WholeNumberField(8, 1024, defaults.size_px)
        self.width_field = WholeNumberField(2, 512, defaults.width)
        self.width_field.setSingleStep(2)
        self.blocks = WholeNumberField(1, 8, defaults.blocks)
        self.epochs = WholeNumberField(1, 10_000, defaults.epochs)
        self.batch_size = WholeNumberField(2, 4096, defaults.batch_size)
        self.task = ChoiceField(_TASKS, "auto")
        rows: tuple[tuple[str, QWidget, str], ...] = (
            ("Pictures a second", self.fps, "More tell quick motion apart; as many are read of every clip."),
            (
                "Pictures in a window",
                self.window_length,
                "What a network sees at once; clips are cut into windows.",
            ),
            ("Side of the pictures", self.size_px, "In pixels. Half of it takes a quarter of the time."),
            (
                "Width of the networks",
                self.width_field,
                "Channels of the first stage, an even number.",
            ),
            ("Blocks a stage", self.blocks, "Of the network for pictures; 1 as published, 2 is R(2+1)D-18."),
            ("Epochs", self.epochs, "How often the student goes through all training clips; 200 as published."),
            ("Batch size", self.batch_size, "Clips in one step. Smaller needs less memory; contrast wants many."),
            ("Learning rate", self.learning_rate, "How far the student moves in one step. 0 takes the method's."),
            (
                "Labels are",
                self.task,
                "Classes exclude each other, of tags a clip may have any number. The clips tell: tags where one has "
                "several, and wherever pictures teach sound.",
            ),
        )
        for title, field, explain in rows:
            form.add_row(title, field, explain)
        form.add_row("Teacher's features", self._make_features(), "Of a teacher trained elsewhere; see the manual.")
        self.fps.valueChanged.connect(lambda value: self._project.update_video(fps=value))
        for whole, name in (
            (self.window_length, "window"),
            (self.size_px, "size_px"),
            (self.blocks, "blocks"),
            (self.epochs, "epochs"),
            (self.batch_size, "batch_size"),
        ):
            whole.valueChanged.connect(lambda value, name=name: self._project.update_video(**{name: value}))
        self.width_field.valueChanged.connect(lambda value: self._project.update_video(width=value + value % 2))
        self.learning_rate.valueChanged.connect(lambda v: self._project.update_video(learning_rate=v or None))
        self.task.activated.connect(lambda _: self._project.update_video(task=self.task.value()))
        return form

    def _make_features(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        self.features = TextField("learned here")
        self.features.setAccessibleName("Teacher's features")
        self.features.editingFinished.connect(
            lambda: self._project.update_video(teacher_features=self.features.text().strip())
        )
        self.features_button = QToolButton()
        self.features_button.setAccessibleName("Browse for the teacher's features")
        self.features_button.setToolTip("An HDF5 file; a folder of NPY files can be typed.")
        self.features_button.clicked.connect(self._browse_features)
        row.addWidget(self.features, 1)
        row.addWidget(self.features_button)
        return holder

    def _browse_features(self) -> None:
        dialog = QFileDialog(
            self.window(), "Teacher's features", str(self._project.folder), "Features (*.h5 *.hdf5);;All files (*)"
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda file: self._project.update_video(teacher_features=file))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _paint_icons(self) -> None:
        super()._paint_icons()
        self.features_button.setIcon(self._theme.icon("folder", "muted"))

    # ---- following the project -----------------------------------------------------------------------------------

    def _show_common(self, info: MethodInfo) -> None:
        project = self._project.project
        video = project.video
        for teacher, card in self.directions.items():
            card.set_chosen(teacher == video.teacher)
        lines = {key: f"{width} channels, {size_px} px" for key, (width, size_px) in NETWORK_SIZES.items()}
        own = f"Your own: {video.width} channels, {video.size_px} px" if video.size == "own" else ""
        self.size_choice.show_choice(video.size, lines, own)
        self._draw_effort(project, info)
        for field, value in (
            (self.fps, video.fps),
            (self.window_length, video.window),
            (self.size_px, video.size_px),
            (self.width_field, video.width),
            (self.blocks, video.blocks),
            (self.epochs, video.epochs),
            (self.batch_size, video.batch_size),
        ):
            show_value(field, value)
        self.task.set_value(video.task)
        if self.features.text() != video.teacher_features:
            self.features.setText(video.teacher_features)
        for widget in (self.features, self.features_button):
            widget.setEnabled(project.comparing or has_teacher(info) or bool(video.teacher_features))

    def _draw_effort(self, project: Project, info: MethodInfo) -> None:
        video = project.video
        epoch_s = seconds_an_epoch(project)
        lines: dict[str, str] = {}
        for key, epochs in VIDEO_EPOCHS.items():
            lines[key] = counted(epochs, "epoch") + ("" if epoch_s is None else f" · {about(epoch_s * epochs)}")
        notes = [f"Your own: {counted(video.epochs, 'epoch')}"] if video.effort == "own" else []
        if not project.comparing and (taught := video.teacher_epochs):
            notes.append(f"before it {counted(taught, 'epoch')} of the teacher")
        notes.append("a first run tells how long it takes" if epoch_s is None else "times by the last run of this size")
        text = "; ".join(notes)
        self.effort_choice.show_choice(video.effort, lines, f"{text[0].upper()}{text[1:]}.")


def _direction_words(teacher: Modality) -> str:
    return next(title for key, title, _ in _DIRECTIONS if key == teacher).lower()
