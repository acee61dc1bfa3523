"""The window: rail, pages, menus, messages, dropping, opening and closing projects."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from bandbridge.engine.api.cache_folder import CacheFolder
from bandbridge.engine.api.errors import BandbridgeError, UsageError
from bandbridge.engine.api.events import Event, Problem, Progress
from bandbridge.engine.api.jobs import InspectScene
from bandbridge.gui.dropped import Dropped, guess, is_large_scene, is_pair_table, is_scene_file, recognise, why_refused
from bandbridge.gui.errand import Errand
from bandbridge.gui.pages.home import HomePage, projects_folder
from bandbridge.gui.pages.page import Page
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.project import PROJECT_FILE, Project, ProjectKind, ProjectModel, project_folder_of
from bandbridge.gui.relink import (
    Move,
    Place,
    PlaceCheck,
    found_in_words,
    lost_in_words,
    places_of,
    relink_run,
    relinked,
)
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Mode, Theme
from bandbridge.gui.widgets.folder_chooser import FolderChooser
from bandbridge.gui.widgets.message_bar import MessageStack
from bandbridge.gui.widgets.rail import STEPS, Rail
from PySide6.QtCore import QLockFile, QRect, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from bandbridge.gui.pages.steps import Steps, VideoSteps

SOURCE_MODEL, IMAGES, METHOD, RUN, RESULTS = range(5)
"""Places of the pages of a project for images."""
_LOCK_FILE = ".open.lock"
_THEMES: tuple[tuple[Mode, str], ...] = (("system", "As the &system"), ("light", "&Light"), ("dark", "&Dark"))


class MainWindow(QMainWindow):
    """The one window.

    Args:
        preferences: What is remembered about the person.
        theme: Colours and icons.
        desk: Does the small jobs: opening, scanning, thumbnails, predictions, exports.
        runner: Does the long ones: adaptation, training a source model.
    """

    def __init__(self, preferences: Preferences, theme: Theme, desk: WorkerThread, runner: WorkerThread) -> None:
        super().__init__()
        self._preferences = preferences
        self._theme = theme
        self._desk = desk
        self._runner = runner
        self._model: ProjectModel | None = None
        self._lock: QLockFile | None = None
        self._chooser: FolderChooser | None = None
        self._looks: list[Errand] = []
        self._manual: QWidget | None = None
        self._place_check: PlaceCheck | None = None
        self._may_close = False
        self._may_lose = False
        self.steps: Steps | VideoSteps | None = None
        self.setWindowTitle("Bandbridge")
        self.setMinimumSize(QSize(960, 600))
        self.setAcceptDrops(True)

        self.rail = Rail(STEPS["images"], theme)
        self.messages = MessageStack(theme)
        self.home = HomePage(preferences, desk, theme)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.home)
        self._chooser_holder = QVBoxLayout()
        self._chooser_holder.setContentsMargins(3 * GRID, 0, 3 * GRID, 0)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.messages)
        right.addLayout(self._chooser_holder)
        right.addWidget(self.stack, 1)
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(right, 1)
        self.setCentralWidget(centre)
        self._overlay = QLabel(centre)
        self._overlay.setObjectName("overlay")
        self._overlay.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._overlay.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._overlay.hide()
        self._make_menus()

        self.rail.home_chosen.connect(self.show_home)
        self.rail.step_chosen.connect(self.show_step)
        self.home.new_wanted.connect(self.ask_new)
        self.home.new_video_wanted.connect(self.ask_new_video)
        self.home.open_wanted.connect(self.ask_open)
        self.home.project_chosen.connect(self.open_project)
        self.home.failed.connect(self.show_problem)
        desk.event.connect(self._desk_says)
        desk.idle.connect(self._desk_rests)
        self.resize(1280, 820)
        if not preferences.geometry.isEmpty():
            self.restoreGeometry(preferences.geometry)
        self.show_home()

    # ---- menus ---------------------------------------------------------------------------------------------------

    def _make_menus(self) -> None:
        keys = QKeySequence.StandardKey
        file = self.menuBar().addMenu("&File")
        self.new_action = self._action(file, "&New project…", self.ask_new, keys.New)
        self.new_video_action = self._action(
            file, "New &video project…", self.ask_new_video, QKeySequence("Ctrl+Shift+N")
        )
        self.open_action = self._action(file, "&Open…", self.ask_open, keys.Open)
        self.recent_menu = file.addMenu("Open &recent")
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        file.addSeparator()
        self.save_action = self._action(file, "&Save", self.save, keys.Save)
        self.save_as_action = self._action(file, "Save &as…", self.ask_save_as, QKeySequence("Ctrl+Shift+S"))
        self.export_action = self._action(file, "&Export model…", self.export, QKeySequence("Ctrl+E"))
        file.addSeparator()
        self.close_project_action = self._action(file, "&Close project", self.close_project, keys.Close)
        self._action(file, "E&mpty the cache of images and clips", self.empty_cache)
        self._action(file, "&Quit", self.close, keys.Quit)
        edit = self.menuBar().addMenu("&Edit")
        self.undo_action = self._action(edit, "&Undo", self._undo, keys.Undo)
        self.redo_action = self._action(edit, "&Redo", self._redo, keys.Redo)
        run = self.menuBar().addMenu("&Run")
        self.start_action = self._action(run, "&Start adaptation", self._start_run, QKeySequence("Ctrl+R"))
        self.pause_action = self._action(run, "&Pause or go on", self._pause_run, QKeySequence("Ctrl+P"))
        view = self.menuBar().addMenu("&View")
        self._action(view, "&Home", self.show_home, QKeySequence("Ctrl+0"))
        self.step_actions = [
            self._action(view, f"&{i} {name}", self._step_shower(i - 1), QKeySequence(f"Ctrl+{i}"))
            for i, (_, name) in enumerate(STEPS["images"], start=1)
        ]
        view.addSeparator()
        themes = view.addMenu("&Theme")
        group = QActionGroup(self)
        for mode, title in _THEMES:
            action = self._action(themes, title, self._theme_setter(mode))
            action.setCheckable(True)
            action.setChecked(mode == self._theme.mode)
            group.addAction(action)
        help_menu = self.menuBar().addMenu("&Help")
        self._action(help_menu, "&Manual", self.show_manual, keys.HelpContents)
        self._action(help_menu, "&About Bandbridge", self._about)
        self._fit_actions()

    def _action(
        self,
        menu: QMenu,
        title: str,
        act: Callable[[], object],
        keys: QKeySequence | QKeySequence.StandardKey | None = None,
    ) -> QAction:
        action = QAction(title, self)
        action.triggered.connect(lambda _=False: act())
        if keys is not None:
            action.setShortcut(keys)
        menu.addAction(action)
        return action

    def _step_shower(self, index: int) -> Callable[[], None]:
        return lambda: self.show_step(index)

    def _theme_setter(self, mode: Mode) -> Callable[[], None]:
        return lambda: self.set_theme(mode)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for folder in self._preferences.recent:
            if project_folder_of(folder) is not None:
                self._action(self.recent_menu, str(folder).replace("&", "&&"), self._opener(folder))
        if self.recent_menu.isEmpty():
            nothing = self.recent_menu.addAction("No projects yet")
            nothing.setEnabled(False)

    def _opener(self, folder: Path) -> Callable[[], object]:
        return lambda: self.open_project(folder)

    def _fit_actions(self) -> None:
        model = self._model
        has_project = model is not None
        for action in (self.save_action, self.save_as_action, self.export_action, self.close_project_action):
            action.setEnabled(has_project)
        for action in (self.start_action, self.pause_action, *self.step_actions):
            action.setEnabled(has_project)
        names = [name for _, name in STEPS[model.project.kind if model is not None else "images"]]
        for i, action in enumerate(self.step_actions):
            action.setVisible(i < len(names))
            if i < len(names):
                action.setText(f"&{i + 1} {names[i]}")
        is_video = model is not None and model.project.kind == "video"
        self.start_action.setText("&Start training" if is_video else "&Start adaptation")
        self.undo_action.setEnabled(model is not None and model.can_undo)
        self.redo_action.setEnabled(model is not None and model.can_redo)

    def set_theme(self, mode: Mode) -> None:
        """Light, dark or as the system."""
        self._preferences.theme = mode
        self._theme.set_mode(mode)

    # ---- where we are --------------------------------------------------------------------------------------------

    def show_home(self) -> None:
        """Show the recent projects."""
        self.home.refresh()
        self.stack.setCurrentWidget(self.home)
        self.rail.show_home()
        self.home.sample_button.setFocus()

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages of the open project; none at home."""
        return self.steps.pages() if self.steps is not None else ()

    def show_step(self, index: int) -> None:
        """Show one of the steps."""
        if self.steps is None or index >= len(self.pages):
            return
        page = self.pages[index]
        self.stack.setCurrentWidget(page)
        self.rail.show_step(index)
        for bar in self.messages.bars():
            if bar.property("page") == index:
                bar.dismiss()  # the page itself tells it
        page.shown()
        if not self.rail.isAncestorOf(self.focusWidget() or self):
            (page.primary if page.primary.isEnabled() else page).setFocus()

    def current_page(self) -> Page | None:
        """The step in sight, None at home."""
        widget = self.stack.currentWidget()
        return widget if isinstance(widget, Page) else None

    def show_manual(self) -> None:
        """Open the manual at the chapter of the page in sight."""
        from bandbridge.gui.manual import ManualWindow

        if not isinstance(self._manual, ManualWindow):
            self._manual = ManualWindow(self)
        page = self.current_page()
        self._manual.open_chapter(page.manual_chapter if page is not None else "index")

    def show_problem(self, problem: Problem | BandbridgeError) -> None:
        """Tell a failure."""
        self.messages.show_problem(problem)

    def report_mistake(self, details: str) -> None:
        """Tell that the window itself went wrong, which no person can mend."""
        text = "Something went wrong in the window that was not expected. Your project is saved."
        self.messages.show_message("error", text, details)

    def empty_cache(self) -> None:
        """Delete what is kept of images so that they need not be read again."""
        try:
            freed = CacheFolder.within(platformdirs.user_cache_path("bandbridge", appauthor=False)).clear()
        except BandbridgeError as error:
            self.show_problem(error)
            return
        text = f"The image cache is empty; {freed / 1e9:.2f} GB were freed. Images are read anew when they are needed."
        self.messages.show_message("good", text)

    def _about(self) -> None:
        box = QMessageBox(self)
        box.setWindowTitle("About Bandbridge")
        box.setText(f"<b>Bandbridge {metadata.version('bandbridge')}</b>")
        box.setInformativeText(
            "Takes a trained RGB image classifier to another sensor, without its training data and without labels. "
            "Nothing leaves this computer. Licence: Apache 2.0."
        )
        box.finished.connect(box.deleteLater)
        box.open()

    # ---- projects ------------------------------------------------------------------------------------------------

    @property
    def model(self) -> ProjectModel | None:
        """The open project."""
        return self._model

    def ask_new(self) -> None:
        """Ask where the new project is to be, then start it."""
        folder = _free_folder("New project")
        self._ask_project_folder("New project: where should its folder be?", folder, self.create_project)

    def ask_new_video(self) -> None:
        """Ask where the new project for video is to be, then start it."""

        def start(folder: Path) -> None:
            self.create_project(folder, "video")

        self._ask_project_folder(
            "New video project: where should its folder be?", _free_folder("New video project"), start
        )

    def ask_save_as(self) -> None:
        """Ask where the project is to go on."""
        if self._model is not None:
            folder = self._model.folder.with_name(f"{self._model.folder.name} copy")
            self._ask_project_folder("Save project as: where should its folder be?", folder, self.save_as)

    def ask_open(self) -> None:
        """Ask for a project and open it."""
        dialog = QFileDialog(self, "Open a project", str(projects_folder()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(f"Bandbridge projects ({PROJECT_FILE})")
        dialog.fileSelected.connect(lambda file: self.open_project(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_project_folder(self, title: str, folder: Path, then: Callable[[Path], object]) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        dialog = QFileDialog(self, title, str(folder.parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setLabelText(QFileDialog.DialogLabel.FileName, "Name")
        dialog.selectFile(folder.name)
        dialog.fileSelected.connect(lambda path: then(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def create_project(self, folder: Path, kind: ProjectKind = "images") -> bool:
        """Start an empty project in a new folder and open it."""
        if project_folder_of(folder) is not None:
            self.messages.show_message("warning", f"There is a project in '{folder.name}' already; it was opened.")
            return self.open_project(folder)
        try:
            ProjectModel(Project(name=folder.name, kind=kind), folder).save()
        except BandbridgeError as error:
            self.show_problem(error)
            return False
        return self.open_project(folder)

    def open_project(self, path: Path) -> bool:
        """Open a project by its folder or file; says why if it cannot be."""
        folder = project_folder_of(Path(path))
        if self._model is not None and self.steps is not None and folder and folder.resolve() == self._model.folder:
            self._show_page(self.steps.first(self._model.project))
            return True
        if self._is_running():
            text = "A run is going on. Let it end or stop it, then open another project."
            self.messages.show_message("warning", text)
            return False
        lock: QLockFile | None = None
        try:
            if folder is not None:
                lock = _lock(folder)
            model = ProjectModel.open(path)
        except BandbridgeError as error:
            if lock is not None:
                lock.unlock()
            if folder is None:
                self._preferences.forget(Path(path))
            self.show_problem(error)
            return False
        if not self.close_project():
            if lock is not None:
                lock.unlock()
            return False
        self._lock = lock
        self._adopt(model)
        return True

    def _adopt(self, model: ProjectModel) -> None:
        model.setParent(self)
        self._model = model
        self.messages.clear()
        self._preferences.remember(model.folder)
        self._preferences.left_open = model.folder
        # The pages' modules are needed with the first project, not with the first sight of the window.
        from bandbridge.gui.pages.steps import Steps, VideoSteps

        kind = model.project.kind
        self.rail.set_steps(STEPS[kind])
        make = VideoSteps.of if kind == "video" else Steps.of
        self.steps = make(model, self._desk, self._runner, self._theme)
        for index, page in enumerate(self.pages):
            self.stack.addWidget(page)
            page.state_changed.connect(self._mark_steps)
            page.told.connect(self._teller(index))
            page.forward.connect(self._step_shower(min(index + 1, len(self.pages) - 1)))
        self.steps.run.running_changed.connect(self._mark_steps)
        self.steps.run.run_chosen.connect(self._show_results_of)
        model.changed.connect(self._follow)
        model.saved.connect(self._dismiss_unsaved)
        model.save_failed.connect(self._tell_unsaved)
        self._follow()
        self._mark_steps()
        self._show_page(self.steps.first(model.project))
        self._look_for_places()

    # ---- what was moved ------------------------------------------------------------------------------------------

    def _look_for_places(self) -> None:
        """Look whether everything the project names is still there."""
        assert self._model is not None
        self._place_check = PlaceCheck(places_of(self._model.project), self)
        self._place_check.done.connect(self._tell_lost)
        self._place_check.start()

    def _tell_lost(self, places: tuple[Place, ...], lost: tuple[Place, ...]) -> None:
        """Say what is not there any more, and offer to find it."""
        if self._model is None or places != places_of(self._model.project):
            return  # another project, or other choices, meanwhile
        for bar in self.messages.bars():
            if bar.property("lost"):
                bar.dismiss()
        if not lost:
            return
        actions = (("&Find it…", lambda: self._ask_where(lost[0])), ("Look a&gain", self._look_again))
        bar = self.messages.show_message("warning", lost_in_words(lost), actions=actions)
        bar.setProperty("lost", True)

    def _look_again(self) -> None:
        if self.steps is not None:
            self._look_for_places()
            self.steps.look_again()

    def _ask_where(self, lost: Place) -> None:
        """Ask where something is now."""
        dialog = QFileDialog(self, f"Where is '{Path(lost.path).name}' now?", str(Path.home()))
        if lost.is_file:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(lambda chosen: self.relink(lost, Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def relink(self, lost: Place, chosen: Path) -> bool:
        """Let the project, and the records of its runs, name everything that was moved together with a lost place.

        Args:
            lost: What is not there any more.
            chosen: Where it is now.

        Returns:
            Whether it was found there.
        """
        if self._model is None:
            return False
        move = Move.of(Path(lost.path), chosen)
        project, count_found = relinked(self._model.project, move)
        if lost in places_of(project) or not (lost.is_file or any(chosen.iterdir())):
            self.messages.show_message("warning", f"'{chosen}' does not hold what is looked for. Nothing was changed.")
            return False
        try:
            for run in project.runs:
                relink_run(Path(run.folder), move)
        except BandbridgeError as error:
            self.show_problem(error)
        self._model.update(
            sources=project.sources,
            target=project.target,
            pairs=project.pairs,
            runs=project.runs,
            comparisons=project.comparisons,
            video=project.video,
        )
        self.messages.show_message("good", found_in_words(count_found, move))
        self._look_for_places()
        return True

    # ---- pages ---------------------------------------------------------------------------------------------------

    def _show_page(self, page: Page) -> None:
        self.show_step(self.pages.index(page))

    def _show_results_of(self, run_folder: str) -> None:
        if self.steps is not None:
            self._show_page(self.steps.results)
            self.steps.results.open_run(run_folder)

    def _teller(self, index: int) -> Callable[[str, str, str], None]:
        """Shows what a page says; if it is out of sight, with a way there, on which the message goes."""

        def tell(severity: str, text: str, details: str) -> None:
            here = self.current_page() is self.pages[index]
            actions = () if here else (("Sho&w", self._step_shower(index)),)
            bar = self.messages.show_message(severity, text, details, actions)
            bar.setProperty("page", -1 if here else index)

        return tell

    def close_project(self, *, losing_changes: bool = False) -> bool:
        """Save and put away the open project.

        Args:
            losing_changes: Close it even if it cannot be saved.

        Returns:
            Whether none is open now.
        """
        if self._model is None:
            return True
        if self._is_running():
            self.messages.show_message("warning", "A run is going on. Let it end or stop it first.")
            return False
        if not losing_changes and not self._save_changes(lambda: self.close_project(losing_changes=True)):
            return False
        self._dismiss_chooser()
        for page in self.pages:
            page.closing()
            self.stack.removeWidget(page)
            page.deleteLater()
        self.steps = None
        self._model.close()
        self._model.deleteLater()
        self._model = None
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None
        self._preferences.left_open = None
        self.rail.set_project("")
        self.setWindowTitle("Bandbridge")
        self._fit_actions()
        self.show_home()
        return True

    def _save_changes(self, close_anyway: Callable[[], object]) -> bool:
        """Save what is not on the disk yet; if that fails, say so and offer to close all the same."""
        assert self._model is not None
        if self._model.unsaved:
            try:
                self._model.save()
            except BandbridgeError as error:
                self._tell_unsaved(error, ("Close &without saving", close_anyway))
                return False
        return True

    def _tell_unsaved(self, error: BandbridgeError, *more: tuple[str, Callable[[], object]]) -> None:
        """The project could not be saved: it can go on elsewhere."""
        text = f"The last changes of the project are not saved. {error}"
        bar = self.messages.show_message("error", text, error.details, (("Save &as…", self.ask_save_as), *more))
        bar.setProperty("unsaved", True)

    def _dismiss_unsaved(self) -> None:
        for bar in self.messages.bars():
            if bar.property("unsaved"):
                bar.dismiss()

    def save(self) -> None:
        """Save now; the project also saves itself."""
        if self._model is not None:
            try:
                self._model.save()
            except BandbridgeError as error:
                self._tell_unsaved(error)
                return
            self.messages.show_message("good", "Saved. The project also saves itself after every change.")

    def save_as(self, folder: Path) -> bool:
        """Go on with the project in another folder."""
        if self._model is None:
            return False
        if project_folder_of(folder) is not None:
            self.messages.show_message(
                "warning", f"There is a project in '{folder.name}' already. Choose another name."
            )
            return False
        try:
            self._model.save_as(folder)
        except BandbridgeError as error:
            self.show_problem(error)
            return False
        if self._lock is not None:
            self._lock.unlock()
        self._lock = _lock(folder)
        self._preferences.remember(folder)
        self._preferences.left_open = folder
        return True

    def offer_to_go_on(self) -> None:
        """After a crash: open the project that was open then."""
        folder = self._preferences.left_open
        if folder is None or project_folder_of(folder) is None:
            return
        try:
            _lock(folder).unlock()
        except UsageError:
            return  # no crash: another window has it open
        if self.open_project(folder):
            text = "Bandbridge ended unexpectedly last time. The project is as it was then."
            self.messages.show_message("warning", text)

    def _follow(self) -> None:
        if self._model is not None:
            self.rail.set_project(self._model.project.name)
            self.setWindowTitle(f"{self._model.project.name} – Bandbridge")
        self._fit_actions()

    def _mark_steps(self) -> None:
        for page, button in zip(self.pages, self.rail.steps, strict=False):
            button.set_state(page.state(), page.state_in_words())
        if self.steps is not None and self.steps.run.running:
            self.rail.steps[self.pages.index(self.steps.run)].set_state("busy", self.steps.run.state_in_words())

    def _undo(self) -> None:
        if self._model is not None:
            self._model.undo()

    def _redo(self) -> None:
        if self._model is not None:
            self._model.redo()

    # ---- run and results -----------------------------------------------------------------------------------------

    def _is_running(self) -> bool:
        return self._runner.busy

    def _start_run(self) -> None:
        if self.steps is not None:
            self._show_page(self.steps.run)
            self.steps.run.start()

    def _pause_run(self) -> None:
        if self.steps is not None and self.steps.run.running:
            self.steps.run.toggle_pause()

    def export(self) -> None:
        """Lead to the results, where a model is exported."""
        if self.steps is not None:
            self._show_page(self.steps.results)
            self.steps.results.on_primary()

    def _desk_says(self, number: int, event: Event) -> None:
        if isinstance(event, Progress):
            self.rail.activity.setText(f"{event.title}…")

    def _desk_rests(self) -> None:
        self.rail.activity.setText("")

    # ---- dropping ------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Say what dropping would do."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            event.ignore()
            return
        event.acceptProposedAction()
        words = {
            "project": "Open this project",
            "model": "Use as source model",
            "folder": "Add these images",
            "clips": "Use these clips",
            "clip": "Find clips like this one",
            "picture": "Show this picture to the model",
            "list": "Use this list",
            "refused": "This file is of no use here",
        }
        kind = recognise(paths[0]).kind
        scenes = [path for path in paths if self._is_meant_as_scene(path, paths)]
        self._overlay.setText("Add this scene" if paths[0] in scenes else words[kind])
        accent, surface = self._theme.colour("accent").name(), self._theme.colour("surface")
        ground = f"rgba({surface.red()}, {surface.green()}, {surface.blue()}, 240)"
        self._overlay.setStyleSheet(
            f"QLabel#overlay {{ border: 3px dashed {accent}; border-radius: 12px; color: {accent}; "
            f"background: {ground}; font-size: {self._theme.font('title').pointSizeF():.1f}pt; font-weight: 600; }}"
        )
        room = QRect(self.rail.width(), 0, self.width() - self.rail.width(), self.rail.height())
        self._overlay.setGeometry(room.adjusted(2 * GRID, 2 * GRID, -2 * GRID, -2 * GRID))
        self._overlay.raise_()
        self._overlay.show()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing was dropped."""
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self._overlay.hide()
        event.acceptProposedAction()
        self.take_dropped([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    def take_dropped(self, paths: list[Path]) -> None:
        """Do with files and folders what was meant."""
        things = [recognise(path) for path in paths]
        projects = [thing.path for thing in things if thing.kind == "project"]
        if projects:
            self.open_project(projects[0])
            return
        for thing in things:
            if thing.kind == "refused":
                self.messages.show_message("warning", why_refused(thing.path))
        things = [thing for thing in things if thing.kind != "refused"]
        if any(thing.kind in ("clips", "clip") for thing in things) or (things and self._is_video()):
            self._take_clips(things)
            return
        if not things or not self._has_project():
            return
        steps = self._image_steps()
        page = steps.source_model
        scenes = [thing.path for thing in things if self._is_meant_as_scene(thing.path, paths)]
        folders = [thing.path for thing in things if thing.kind == "folder"] or scenes
        things = [thing for thing in things if thing.path not in scenes]
        for thing in things:
            if thing.kind == "model":
                self.show_step(SOURCE_MODEL)
                page.add(str(thing.path))
            elif thing.kind == "picture":
                self.show_step(SOURCE_MODEL)
                page.show_picture(str(thing.path))
            elif thing.kind == "list":
                self._take_list(thing.path, steps)
        if folders:
            self._ask_about(folders)

    def _is_meant_as_scene(self, path: Path, dropped: Sequence[Path]) -> bool:
        """Whether a dropped file is data, not a single picture to be shown to the model."""
        if not is_scene_file(path):
            return False
        on_images = self.steps is not None and self.current_page() is self._image_steps().images
        return on_images or is_large_scene(path) or sum(map(is_scene_file, dropped)) > 1

    def _has_project(self) -> bool:
        """Whether a project is open; without one, a new one is started for what was dropped."""
        return self._model is not None or self.create_project(_free_folder("Untitled"))

    def _image_steps(self) -> Steps:
        """The pages of the open project, which is one for images."""
        from bandbridge.gui.pages.steps import Steps

        assert isinstance(self.steps, Steps)
        return self.steps

    def _is_video(self) -> bool:
        return self._model is not None and self._model.project.kind == "video"

    def _take_clips(self, things: Sequence[Dropped]) -> None:
        """Clips go to the clips of a project for video; one is started where none is open."""
        from bandbridge.gui.pages.steps import VideoSteps

        clips = [thing.path for thing in things if thing.kind == "clips"]
        films = [thing.path for thing in things if thing.kind == "clip"]
        if not clips and not films:
            text = f"'{things[0].path.name}' belongs into a project for images; this one is for video."
            again = [thing.path for thing in things]
            actions = (("Start an &image project", lambda: self._start_with("images", again)),)
            self.messages.show_message("note", text, "", actions)
            return
        if self._model is not None and not self._is_video():
            what = clips[0] if clips else films[0]
            text = f"'{what.name}' belongs into a project for video; this one is for images."
            again = [thing.path for thing in things if thing.kind in ("clips", "clip")]
            actions = (("Start a &video project", lambda: self._start_with("video", again)),)
            self.messages.show_message("note", text, "", actions)
            return
        if not clips and self._model is None:
            text = f"'{films[0].name}' is one video. Drop the folder it lies in, with a folder for every class."
            self.messages.show_message("note", text)
            return
        if self._model is None and not self.create_project(_free_folder("Untitled video"), "video"):
            return
        assert isinstance(self.steps, VideoSteps)
        if clips:
            self._show_page(self.steps.clips)
            self.steps.clips.set_clips(str(clips[0]))
        elif self.steps.results.can_find:
            self._show_page(self.steps.results)
            self.steps.results.find_like(str(films[0]))
        else:
            text = "Clips like this one can be found once a run has finished. To learn from clips, drop their folder."
            self.messages.show_message("note", text)

    def _start_with(self, kind: ProjectKind, paths: list[Path]) -> None:
        """Go on with what was dropped in a new project of the kind it belongs to."""
        if self.create_project(_free_folder("Untitled video" if kind == "video" else "Untitled"), kind):
            self.take_dropped(paths)

    def _take_list(self, file: Path, steps: Steps) -> None:
        assert self._model is not None
        if is_pair_table(file):
            pairs = self._model.project.pairs
            if pairs:
                self.show_step(IMAGES)
                steps.images.set_pair_table(len(pairs) - 1, str(file))
            else:
                text = "Choose the two folders of the pairs first, then drop the list that pairs them."
                self.messages.show_message("note", text)
            return
        self.show_step(SOURCE_MODEL)
        steps.source_model.load_names(str(file))

    def _ask_about(self, folders: list[Path]) -> None:
        assert self._model is not None
        project = self._model.project
        has_rgb = any(pair.rgb for pair in project.pairs)
        has_sensor = any(pair.sensor for pair in project.pairs)
        if len(folders) == 1:
            found = guess(folders[0], has_rgb=has_rgb, has_sensor=has_sensor)
        else:
            parent = Path(os.path.commonpath(folders))
            names = [folder.relative_to(parent).as_posix() for folder in folders]
            found = guess(parent, has_rgb=has_rgb, has_sensor=has_sensor, only=names)
        self._dismiss_chooser()
        self.show_step(IMAGES)
        self._chooser = FolderChooser(found, may_be_both=not has_rgb and not has_sensor)
        self._chooser.answered.connect(self._use_folders)
        self._chooser.dismissed.connect(self._dismiss_chooser)
        self._chooser_holder.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 0)
        self._chooser_holder.addWidget(self._chooser)
        self._chooser.use_button.setFocus()
        for scene in filter(is_scene_file, folders):
            look = Errand(self._desk, InspectScene(path=str(scene)), self._chooser)
            look.done.connect(self._chooser.show_scene)
            look.failed.connect(self._chooser.show_problem)
            self._looks.append(look)

    def _use_folders(self, chosen: dict[str, str]) -> None:
        assert self.steps is not None
        assert self._model is not None
        page = self._image_steps().images
        bands = self._chooser.bands if self._chooser is not None else None
        self._dismiss_chooser()
        if bands is not None:
            self._model.update(rgb_bands=bands[0], sensor_bands=bands[1])
        if "rgb" in chosen and "sensor" in chosen:
            index = page.free_pair("rgb")
            page.set_pair(index, "rgb", chosen["rgb"])
            page.set_pair(index, "sensor", chosen["sensor"])
        else:
            for side in ("rgb", "sensor"):
                if side in chosen:
                    page.set_pair(page.free_pair(side), side, chosen[side])
        if "target" in chosen:
            page.set_target(chosen["target"])

    def _dismiss_chooser(self) -> None:
        for look in self._looks:
            look.cancel()
        self._looks.clear()
        if self._chooser is not None:
            self._chooser.hide()
            self._chooser.deleteLater()
            self._chooser = None
            self._chooser_holder.setContentsMargins(3 * GRID, 0, 3 * GRID, 0)

    # ---- keyboard ------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return presses the button that has the focus, which Qt does in dialogs only."""
        button = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(button, QPushButton):
            button.click()
            return
        super().keyPressEvent(event)

    # ---- closing -------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if something is at work, then put everything away."""
        if self._is_running() and not self._may_close:
            event.ignore()
            self._ask_to_close()
            return
        if self._model is not None and not self._may_lose and not self._save_changes(self._close_without_saving):
            event.ignore()
            return
        self._preferences.geometry = self.saveGeometry()
        for page in self.pages:
            page.closing()
        if self._model is not None:
            self._model.close()
        if self._lock is not None:
            self._lock.unlock()
        self._preferences.left_open = None
        self._desk.shutdown()
        self._runner.shutdown()
        event.accept()

    def _close_without_saving(self) -> None:
        self._may_lose = True
        self.close()

    def _ask_to_close(self) -> None:
        box = QMessageBox(self)
        box.setIconPixmap(self._theme.icon("help", "accent").pixmap(QSize(32, 32)))
        box.setWindowTitle("Bandbridge")
        box.setText("A run is going on.")
        box.setInformativeText(
            "If you close now it stops. Its last checkpoint is kept, and it can go on from there later."
        )
        stop = box.addButton("&Stop and close", QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton("&Keep working", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)

        def answered() -> None:
            if box.clickedButton() is stop:
                self._may_close = True
                self.close()
            box.deleteLater()

        box.finished.connect(answered)
        box.open()


def _free_folder(name: str) -> Path:
    """A folder among the projects that is not there yet."""
    folder = projects_folder() / name
    number = 2
    while folder.exists():
        folder = projects_folder() / f"{name} {number}"
        number += 1
    return folder


def _lock(folder: Path) -> QLockFile:
    """Mark a project as open in this window.

    Raises:
        UsageError: Another window has it open.
    """
    lock = QLockFile(str(folder / _LOCK_FILE))
    lock.setStaleLockTime(0)
    if not lock.tryLock(0) and lock.error() == QLockFile.LockError.LockFailedError:
        raise UsageError(
            f"The project '{folder.name}' is open in another window.",
            "Two windows would overwrite each other's changes.",
            "Go on there, or close it there first.",
        )
    return lock
