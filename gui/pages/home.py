"""Home: the sample projects, a new one, an old one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from bandbridge.engine.api.catalogue import DEFAULT_METHOD
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.errors import BandbridgeError
from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.jobs import MakeSample, MakeVideoSample
from bandbridge.engine.api.reports import Report, SampleReport, VideoSampleReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.project import THUMBNAIL_FILE, Project, ProjectKind, ProjectModel, project_folder_of
from bandbridge.gui.quantities import counted
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.video_choices import VideoChoices
from bandbridge.gui.widgets.card import Card, ClickCard
from bandbridge.gui.widgets.flow_layout import FlowLayout
from bandbridge.gui.widgets.labels import PathLabel, text_label
from bandbridge.gui.widgets.run_table import method_title
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

_SAMPLE_SENSOR = "nir"
_SAMPLE_FPS = 8.0


def projects_folder() -> Path:
    """Where projects go unless the person says otherwise."""
    return platformdirs.user_documents_path() / "Bandbridge"


def sample_project(report: SampleReport) -> Project:
    """The sample's near-infrared task, ready to run."""
    names = {name.lower(): name for name in report.sensors}
    sensor = names.get(_SAMPLE_SENSOR, next(iter(report.sensors)))
    rgb, other, target = report.sensors[sensor]
    return Project(
        name="Sample landscape",
        sources=(report.source,),
        pairs=(PairFolders(rgb=rgb, sensor=other),),
        target=target,
        method=DEFAULT_METHOD,
    )


def sample_video_project(report: VideoSampleReport) -> Project:
    """The sample's clips, ready to run: pictures often enough to tell what moves how, small networks."""
    return Project(name="Sample clips", kind="video", video=VideoChoices(clips=report.folder, fps=_SAMPLE_FPS))


@dataclass(frozen=True, slots=True)
class RecentProject:
    """A recent project as its card shows it."""

    folder: Path
    name: str
    state: str
    kind: ProjectKind = "images"


def recent_project(folder: Path) -> RecentProject | None:
    """Look at a recent project; None if it is not there any more."""
    if project_folder_of(folder) is None:
        return None
    try:
        model = ProjectModel.open(folder)
    except BandbridgeError:
        return RecentProject(folder, folder.name, "Cannot be read")
    runs = model.project.runs
    if not runs:
        return RecentProject(folder, model.project.name, "Not run yet", model.project.kind)
    ended = {"completed": "finished", "kept": "stopped and kept", "stopped": "stopped", "failed": "failed"}
    last = f"last {method_title(runs[-1].method)} {ended.get(runs[-1].outcome, 'interrupted')}"
    return RecentProject(folder, model.project.name, f"{counted(len(runs), 'run')}, {last}", model.project.kind)


class HomePage(QWidget):
    """What the window shows while no project is open.

    Args:
        preferences: Knows the recent projects.
        desk: Makes the sample projects.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        new_wanted: Start a new project.
        new_video_wanted: Start a new project for video.
        open_wanted: Look for a project to open.
        project_chosen: (Path) open this project's folder.
        failed: (Problem or BandbridgeError) to be shown in words.
    """

    new_wanted = Signal()
    new_video_wanted = Signal()
    open_wanted = Signal()
    project_chosen = Signal(object)
    failed = Signal(object)

    def __init__(
        self, preferences: Preferences, desk: WorkerThread, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._desk = desk
        self._theme = theme
        self._errand: Errand | None = None
        self._icons: list[tuple[QLabel, str]] = []
        self.sample_folder = projects_folder() / "Sample landscape"
        self.video_sample_folder = projects_folder() / "Sample clips"
        self._made_in = self.sample_folder

        inner = QWidget()
        inner.setProperty("role", "page")
        column = QVBoxLayout(inner)
        column.setContentsMargins(5 * GRID, 5 * GRID, 5 * GRID, 4 * GRID)
        column.setSpacing(GRID)
        column.addWidget(text_label("Bandbridge", "title", wrap=False))
        column.addWidget(
            text_label(
                "Takes an image classifier that knows RGB pictures to another sensor, such as near infrared, thermal "
                "or radar. It needs neither the pictures the classifier was trained on nor labels for the new sensor. "
                "And it lets sound teach a network to recognise videos, or pictures teach one to recognise sounds.",
                "help",
            )
        )
        column.addSpacing(2 * GRID)
        self.sample_button = QPushButton("&Try it")
        self.sample_button.setProperty("kind", "primary")
        self.video_sample_button = QPushButton("Tr&y it")
        self.video_sample_button.setProperty("kind", "primary")
        self.new_button = QPushButton("&New project…")
        self.new_video_button = QPushButton("New &video project…")
        self.open_button = QPushButton("&Open…")
        cards = QGridLayout()
        cards.setSpacing(2 * GRID)
        for place, icon, title, text, button in (
            (
                (0, 0),
                "sample",
                "Try the sample project",
                "A simulated landscape seen in RGB and near infrared, with a ready source model. Made on this computer "
                "in less than a minute.",
                self.sample_button,
            ),
            (
                (0, 1),
                "new",
                "New project",
                "Your own model and your own images. Everything you choose is saved as you go.",
                self.new_button,
            ),
            (
                (1, 0),
                "clips",
                "Try the video sample",
                "Short clips of ten things that move and sound, some with the wrong sound on purpose. Made on this "
                "computer in about a minute.",
                self.video_sample_button,
            ),
            (
                (1, 1),
                "new",
                "New video project",
                "Your own clips: sound teaches a network for pictures, or the other way round.",
                self.new_video_button,
            ),
        ):
            cards.addWidget(self._action_card(icon, title, text, button), *place)
        for number in range(2):
            cards.setColumnStretch(number, 1)
        column.addLayout(cards)
        self._progress = self._make_progress()
        column.addSpacing(GRID)
        column.addWidget(self._progress)
        column.addSpacing(3 * GRID)
        heading = QHBoxLayout()
        heading.addWidget(text_label("Recent projects", "section", wrap=False), 1)
        heading.addWidget(self.open_button)
        column.addLayout(heading)
        self._recent_holder = QWidget()
        self._recent = FlowLayout(2 * GRID, self._recent_holder)
        column.addWidget(self._recent_holder)
        self._no_recent = text_label(
            "Projects you open or make appear here. You can also drop a project's folder anywhere on this window.",
            "help",
        )
        column.addWidget(self._no_recent)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.sample_button.clicked.connect(self.try_sample)
        self.video_sample_button.clicked.connect(self.try_video_sample)
        self.new_button.clicked.connect(self.new_wanted)
        self.new_video_button.clicked.connect(self.new_video_wanted)
        self.open_button.clicked.connect(self.open_wanted)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()

    def _action_card(self, icon: str, title: str, text: str, button: QPushButton) -> Card:
        card = Card()
        picture = QLabel()
        self._icons.append((picture, icon))
        card.body.addWidget(picture)
        card.body.addWidget(text_label(title, "section", wrap=False))
        card.body.addWidget(text_label(text, "help"), 1, Qt.AlignmentFlag.AlignTop)
        button.setAccessibleDescription(text)
        card.body.addSpacing(GRID)
        card.body.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return card

    def _make_progress(self) -> Card:
        card = Card()
        self._progress_text = text_label("", wrap=False)
        self._progress_bar = QProgressBar()
        self._progress_bar.setTextVisible(False)
        self._progress_bar.setAccessibleName("Making the sample project")
        self.cancel_button = QPushButton("&Cancel")
        self.cancel_button.clicked.connect(self._cancel)
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        column = QVBoxLayout()
        column.addWidget(self._progress_text)
        column.addWidget(self._progress_bar)
        row.addLayout(column, 1)
        row.addWidget(self.cancel_button)
        card.body.addLayout(row)
        card.hide()
        return card

    def refresh(self) -> None:
        """Show the recent projects as they are now."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        found = [entry for entry in map(recent_project, self._preferences.recent) if entry is not None]
        for entry in found:
            self._recent.addWidget(self._recent_card(entry))
        self._no_recent.setVisible(not found)
        self._recent_holder.setVisible(bool(found))

    def _recent_card(self, entry: RecentProject) -> QWidget:
        card = ClickCard(f"Open {entry.name}")
        card.setFixedWidth(30 * GRID)
        card.body.setContentsMargins(GRID, GRID, GRID, GRID + GRID // 2)
        picture = QLabel()
        picture.setFixedSize(QSize(28 * GRID, 12 * GRID))
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        saved = QPixmap(str(entry.folder / THUMBNAIL_FILE))
        if saved.isNull():
            picture.setPixmap(
                self._theme.icon("clips" if entry.kind == "video" else "images", "muted").pixmap(QSize(40, 40))
            )
        else:
            ratio = self.devicePixelRatioF()
            aspect = Qt.AspectRatioMode.KeepAspectRatioByExpanding
            scaled = saved.scaled(picture.size() * ratio, aspect, Qt.TransformationMode.SmoothTransformation)
            scaled.setDevicePixelRatio(ratio)
            picture.setPixmap(scaled)
        card.body.addWidget(picture)
        name = PathLabel(entry.name)
        name.setProperty("role", "strong")
        card.body.addWidget(name)
        state = text_label(entry.state, "small")
        card.body.addWidget(state)
        card.setToolTip(str(entry.folder))
        card.setAccessibleDescription(entry.state)
        card.pressed.connect(self._opener(entry.folder))
        return card

    def _opener(self, folder: Path) -> Callable[[], None]:
        return lambda: self.project_chosen.emit(folder)

    # ---- the sample ----------------------------------------------------------------------------------------------

    def try_sample(self) -> None:
        """Make the sample project, or open it if it was made before."""
        folder = self.sample_folder
        self._try(folder, MakeSample(folder=str(folder / "data")), "Making the sample landscape…")

    def try_video_sample(self) -> None:
        """Make the sample project for video, or open it if it was made before."""
        folder = self.video_sample_folder
        self._try(folder, MakeVideoSample(folder=str(folder / "data")), "Filming the sample clips…")

    def _try(self, folder: Path, job: MakeSample | MakeVideoSample, words: str) -> None:
        if project_folder_of(folder) is not None:
            self.project_chosen.emit(folder)
            return
        if self._errand is not None:
            return
        self._made_in = folder
        self._progress_text.setText(words)
        self._progress_bar.setRange(0, 0)
        self._progress.show()
        for button in (self.sample_button, self.video_sample_button):
            button.setEnabled(False)
        self._errand = Errand(self._desk, job, self)
        self._errand.progressed.connect(self._show_progress)
        self._errand.done.connect(self._sample_made)
        self._errand.failed.connect(self.failed)
        self._errand.ended.connect(self._sample_ended)

    def _cancel(self) -> None:
        if self._errand is not None:
            self._progress_text.setText("Stopping…")
            self._errand.stop()

    def _show_progress(self, progress: Progress) -> None:
        self._progress_text.setText(progress.title)
        if progress.fraction is not None:
            self._progress_bar.setRange(0, 1000)
            self._progress_bar.setValue(round(1000 * progress.fraction))

    def _sample_made(self, report: Report) -> None:
        if isinstance(report, SampleReport):
            project = sample_project(report)
        elif isinstance(report, VideoSampleReport):
            project = sample_video_project(report)
        else:
            return
        try:
            ProjectModel(project, self._made_in).save()
        except BandbridgeError as error:
            self.failed.emit(Problem(what=error.what, why=error.why, do=error.do, details=error.details))
            return
        self.project_chosen.emit(self._made_in)

    def _sample_ended(self) -> None:
        self._errand = None
        self._progress.hide()
        for button in (self.sample_button, self.video_sample_button):
            button.setEnabled(True)

    def _paint_icons(self) -> None:
        for label, icon in self._icons:
            label.setPixmap(self._theme.icon(icon, "accent").pixmap(QSize(32, 32)))
