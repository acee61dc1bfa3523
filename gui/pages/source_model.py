"""Step 1: the classifier to start from, what the program sees in it, and whether it is the one that was meant."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import InspectModel
from bandbridge.engine.api.reports import ModelReport, Report
from bandbridge.gui.dropped import IMAGE_SUFFIXES, MODEL_SUFFIXES
from bandbridge.gui.errand import Errand
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.quantities import counted
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.callout import Callout
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.class_table import ClassTable
from bandbridge.gui.widgets.fact_sheet import FactSheet
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.top_five import TopFive
from bandbridge.gui.widgets.train_panel import TrainPanel
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget


class SourceModelPage(Page):
    """The source models of the project.

    Args:
        project: The open project.
        desk: Opens model files and predicts.
        theme: Colours and icons.
        trainer: Trains a source model; a worker of its own, so that the desk stays free.
        parent: Qt parent.
    """

    manual_chapter = "source-model"

    def __init__(
        self,
        project: ProjectModel,
        desk: WorkerThread,
        theme: Theme,
        trainer: WorkerThread,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Source model", "The RGB classifier that is to be taken to another sensor.", parent=parent)
        self._project = project
        self._desk = desk
        self._theme = theme
        self._answers: dict[str, ModelReport | Problem] = {}
        self._errands: dict[str, Errand] = {}
        self._list_errand: Errand | None = None
        self._shown = ""
        self._drawn: object = None

        self.train_panel = TrainPanel(trainer, theme)
        self.train_panel.trained.connect(self.add)
        self.train_panel.closed.connect(self._hide_training)
        self.train_panel.hide()
        self.content.addWidget(self.train_panel)
        self._empty = self._make_empty()
        self.content.addWidget(self._empty)
        self._strip = QWidget()
        self._strip_row = QHBoxLayout(self._strip)
        self._strip_row.setContentsMargins(0, 0, 0, 0)
        self._strip_row.setSpacing(GRID)
        self._strip_group = QButtonGroup(self._strip)
        self.content.addWidget(self._strip)
        self._warning_holder = QVBoxLayout()
        self.content.addLayout(self._warning_holder)
        self._filled = QWidget()
        self.content.addWidget(self._filled)
        self._columns = columns = QHBoxLayout(self._filled)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(2 * GRID)
        self._sheet_card = Card("What the program sees")
        self.remove_button = QPushButton("&Remove")
        self.remove_button.setProperty("kind", "quiet")
        self.remove_button.setToolTip("Take this model out of the project. The file itself stays.")
        self._sheet_card.head.addWidget(self.remove_button)
        self._sheet_holder = QVBoxLayout()
        self._sheet_card.body.addLayout(self._sheet_holder)
        self._sheet_card.body.addStretch(1)
        columns.addWidget(self._sheet_card, 3)
        right = QVBoxLayout()
        right.setSpacing(2 * GRID)
        self.top_five = TopFive(desk, theme)
        right.addWidget(self.top_five)
        self._classes = self._make_classes()
        right.addWidget(self._classes, 1)
        columns.addLayout(right, 2)
        self.content.addStretch(1)

        self.add_button = QPushButton("&Add a model file…")
        self.train_button = QPushButton("&Train a source model…")
        self.train_button.setProperty("kind", "quiet")
        self.foot.addWidget(self.add_button)
        self.foot.addWidget(self.train_button)
        self.add_button.clicked.connect(self.browse)
        self.train_button.clicked.connect(self.show_training)
        self.remove_button.clicked.connect(lambda: self.remove(self._shown))
        self.top_five.browse_wanted.connect(self._browse_picture)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._follow()

    # ---- what the rail asks --------------------------------------------------------------------------------------

    def state(self) -> PageState:
        """Ready when every model is a source model of a known network and all tell apart the same number of classes."""
        sources = self._project.project.sources
        if not sources:
            return "empty"
        answers = [self._answers.get(path) for path in sources]
        if any(answer is not None and not _usable(answer) for answer in answers):
            return "error"
        if any(a is None for a in answers):
            return "empty"
        return "warning" if self._disagreement() else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        sources = self._project.project.sources
        if sources and any(path not in self._answers for path in sources):
            return "The model file is being looked at."
        if self.state() == "error":
            return "A model file cannot be used."
        return self._disagreement() or ("No source model yet." if not sources else "Ready.")

    def reports(self) -> tuple[ModelReport, ...]:
        """What was found in the project's models, of those that could be opened."""
        answers = (self._answers.get(path) for path in self._project.project.sources)
        return tuple(answer for answer in answers if isinstance(answer, ModelReport))

    # ---- what a person does --------------------------------------------------------------------------------------

    def add(self, path: str) -> None:
        """Take a model file into the project and look at it."""
        self._shown = path
        self._answers.pop(path, None)
        sources = self._project.project.sources
        if path in sources:
            self._follow()
        else:
            self._project.update(sources=(*sources, path))

    def remove(self, path: str) -> None:
        """Take a model out of the project."""
        sources = tuple(source for source in self._project.project.sources if source != path)
        names = self._project.project.class_names if sources else ()
        self._project.update(sources=sources, class_names=names)

    def show_picture(self, file: str) -> None:
        """Show what the model makes of a picture."""
        if self.reports():
            self.top_five.show_file(file)
        else:
            self.told.emit("note", "Choose a source model first; then a picture can be shown to it.", "")

    def load_names(self, file: str) -> None:
        """Take the class names from a text or CSV list."""
        if not self._shown:
            self.told.emit("note", "Choose a source model first; then its classes can be named.", "")
            return
        job = InspectModel(path=self._shown, class_names=file)
        self._list_errand = Errand(self._desk, job, self)
        self._list_errand.done.connect(self._names_loaded)
        self._list_errand.failed.connect(lambda problem: self.told.emit("error", str(problem), problem.details))

    def show_training(self) -> None:
        """Open the panel that trains a source model."""
        if not self.train_panel.output.text():
            self.train_panel.output.setText(str(self._project.folder / "source_model.safetensors"))
        self.train_panel.show()
        self._empty.hide()
        self.scroll_area.verticalScrollBar().setValue(0)
        self.train_panel.folder.setFocus()

    def _hide_training(self) -> None:
        self.train_panel.hide()
        self._empty.setVisible(not self._project.project.sources)

    def browse(self) -> None:
        """Look for a model file."""
        patterns = " ".join(f"*{suffix}" for suffix in MODEL_SUFFIXES)
        self._ask_file("Choose a model file", f"Model files ({patterns});;All files (*)", self.add)

    def closing(self) -> None:
        """Ask nothing more."""
        self.top_five.stop()
        for errand in self._errands.values():
            errand.cancel()
        self._errands.clear()

    # ---- following the project -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        project = self._project.project
        for path in project.sources:
            if path not in self._answers and path not in self._errands:
                self._inspect(path)
        for path in [path for path in self._errands if path not in project.sources]:
            self._errands.pop(path).cancel()
        if self._shown not in project.sources:
            self._shown = project.sources[0] if project.sources else ""
        self._draw()

    def _inspect(self, path: str) -> None:
        errand = Errand(self._desk, InspectModel(path=path), self)
        self._errands[path] = errand

        def keep(answer: object) -> None:
            if isinstance(answer, ModelReport | Problem):
                self._answers[path] = answer

        def ended() -> None:
            self._errands.pop(path, None)
            self._draw()

        errand.done.connect(keep)
        errand.failed.connect(keep)
        errand.ended.connect(ended)

    def _look_again(self, path: str) -> None:
        """After a failure that may have passed: no memory left, a file that was still being copied."""
        if path not in self._errands:
            self._answers.pop(path, None)
            self._inspect(path)
            self._draw()

    def _draw(self) -> None:
        project = self._project.project
        answer = self._answers.get(self._shown)
        facts = (project.sources, self._shown, id(answer), project.class_names, project.rgb_bands, self._disagreement())
        if facts != self._drawn:
            self._drawn = facts
            self._empty.setVisible(not project.sources and self.train_panel.isHidden())
            self._filled.setVisible(bool(project.sources))
            self._draw_strip()
            self._draw_warning()
            self._draw_sheet(answer)
        self.state_changed.emit()

    def _draw_strip(self) -> None:
        sources = self._project.project.sources
        self._strip.setVisible(len(sources) > 1)
        while (item := self._strip_row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                self._strip_group.removeButton(widget) if isinstance(widget, QPushButton) else None
                widget.deleteLater()
        for path in sources:
            button = QPushButton(Path(path).name)
            button.setCheckable(True)
            button.setChecked(path == self._shown)
            button.setToolTip(path)
            button.clicked.connect(lambda _=False, chosen=path: self._choose(chosen))
            self._strip_group.addButton(button)
            self._strip_row.addWidget(button)
        self._strip_row.addStretch(1)

    def _choose(self, path: str) -> None:
        self._shown = path
        self._draw()

    def _draw_warning(self) -> None:
        _clear(self._warning_holder)
        if text := self._disagreement():
            self._callout(self._warning_holder).say("warning", text)

    def _draw_sheet(self, answer: ModelReport | Problem | None) -> None:
        _clear(self._sheet_holder)
        usable = answer is not None and _usable(answer)
        self.top_five.setVisible(usable)
        self._classes.setVisible(usable)
        self._columns.setStretch(1, 2 if usable else 0)
        if answer is None:
            self._sheet_holder.addWidget(text_label("Looking at the file…", "help"))
        elif isinstance(answer, Problem):
            self._sheet_holder.addWidget(text_label(self._shown, "small"))
            callout = self._callout(self._sheet_holder)
            again = QPushButton("&Try again")
            again.clicked.connect(lambda _=False, path=self._shown: self._look_again(path))
            callout.buttons.insertWidget(0, again)
            callout.say_problem(answer)
        else:
            if not answer.recognised:
                self._callout(self._sheet_holder).say("error", "This file cannot be used as it is.", answer.explanation)
            elif answer.sensor:
                text = "An adaptation starts from a classifier of RGB images. Choose the source model it came from."
                self._callout(self._sheet_holder).say("error", "This model was adapted to a sensor already.", text)
            if answer.notes:
                self._callout(self._sheet_holder).say("note", "Good to know", "\n".join(answer.notes))
            self._sheet_holder.addWidget(FactSheet(answer))
            if usable:
                given = self._project.project.class_names
                names = given if len(given) == len(answer.class_names) else answer.class_names
                self.class_table.set_names(names)
                self._reset_names.setEnabled(names != answer.class_names)
                self._names_count.setText(counted(len(names), "class", "classes"))
                self.top_five.set_model(self._shown, names, self._project.project.rgb_bands)

    def _callout(self, holder: QVBoxLayout) -> Callout:
        callout = Callout(self._theme)
        holder.addWidget(callout)
        return callout

    def _disagreement(self) -> str:
        counts = {len(report.class_names) for report in self.reports() if report.recognised}
        if len(counts) > 1:
            numbers = " and ".join(map(str, sorted(counts)))
            return f"The models tell apart different numbers of classes ({numbers}). They cannot be used together."
        given = self._project.project.class_names
        if given and counts and len(given) not in counts:
            return (
                f"The project names {counted(len(given), 'class', 'classes')}, the model has {counts.pop()}. "
                "Load another list, or use the names in the file."
            )
        return ""

    # ---- class names ---------------------------------------------------------------------------------------------

    def _make_classes(self) -> Card:
        card = Card("Class names")
        self._names_count = text_label("", "help", wrap=False)
        card.head.addWidget(self._names_count)
        self.class_table = ClassTable()
        self.class_table.edited.connect(lambda names: self._project.update(class_names=names))
        card.body.addWidget(self.class_table, 1)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        load = QPushButton("&Load a list…")
        load.setToolTip("A text or CSV file with one name a line, in the order of the model's outputs.")
        load.clicked.connect(self._browse_names)
        self._reset_names = QPushButton("Use the &file's")
        self._reset_names.setProperty("kind", "quiet")
        self._reset_names.setToolTip("Go back to the names in the model file.")
        self._reset_names.clicked.connect(lambda: self._project.update(class_names=()))
        row.addWidget(load)
        row.addWidget(self._reset_names)
        row.addStretch(1)
        card.body.addLayout(row)
        return card

    def _names_loaded(self, report: Report) -> None:
        if isinstance(report, ModelReport):
            self._project.update(class_names=report.class_names)
            self.told.emit("good", f"{counted(len(report.class_names), 'class', 'classes')} named.", "")

    def _browse_names(self) -> None:
        self._ask_file("Choose a list of class names", "Lists (*.txt *.csv);;All files (*)", self.load_names)

    def _browse_picture(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in IMAGE_SUFFIXES)
        self._ask_file("Choose an RGB picture", f"Images ({patterns});;All files (*)", self.show_picture)

    def _ask_file(self, title: str, patterns: str, then: object) -> None:
        dialog = QFileDialog(self.window(), title, str(self._project.folder), patterns)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(then)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- the empty place -----------------------------------------------------------------------------------------

    def _make_empty(self) -> QFrame:
        frame = QFrame()
        frame.setProperty("role", "drop")
        column = QVBoxLayout(frame)
        column.setContentsMargins(4 * GRID, 6 * GRID, 4 * GRID, 6 * GRID)
        column.setSpacing(GRID)
        self._empty_icon = QLabel()
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(self._empty_icon, 0, centre)
        column.addWidget(text_label("Drop a model file here", "section", wrap=False), 0, centre)
        text = text_label(
            "A PyTorch checkpoint, a safetensors file, an ONNX file or a model of this program. It is opened in a "
            "process of its own and no code in it is ever run.",
            "help",
        )
        text.setAlignment(centre)
        text.setFixedWidth(60 * GRID)
        column.addWidget(text, 0, centre)
        column.addSpacing(GRID)
        browse = QPushButton("&Browse…")
        browse.clicked.connect(self.browse)
        column.addWidget(browse, 0, centre)
        return frame

    def _paint_icons(self) -> None:
        self._empty_icon.setPixmap(self._theme.icon("source-model", "muted").pixmap(QSize(40, 40)))


def _usable(answer: ModelReport | Problem) -> bool:
    """Whether an adaptation can start from it."""
    return isinstance(answer, ModelReport) and answer.recognised and not answer.sensor


def _clear(layout: QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
