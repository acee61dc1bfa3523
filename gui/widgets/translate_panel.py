"""Writing the target images as RGB-like pictures, where a run has a translator."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import Translate
from bandbridge.engine.api.reports import TranslateReport
from bandbridge.engine.api.run_files import TRANSLATOR_FILE
from bandbridge.gui.errand import Errand
from bandbridge.gui.quantities import counted, duration
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.callout import Callout
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.work_row import WorkRow
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget


class TranslatePanel(QWidget):
    """A card with a button, the progress and the outcome; hidden for runs without a translator.

    Args:
        desk: Translates.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._folder = Path()
        self._target = ""
        self._errand: Errand | None = None
        self._written = ""
        card = Card("Translated images")
        explain = text_label(
            "Every target image as the RGB-like picture the translator makes of it, with its place on the map where it "
            "has one.",
            "help",
        )
        self.export_button = QPushButton("Export &translated images…")
        self.export_button.setToolTip("Asks for a folder; pictures that are there already are never written over.")
        self.export_button.clicked.connect(self.ask)
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        row.addWidget(explain, 1)
        row.addWidget(self.export_button)
        self.work = WorkRow("Progress of the translation")
        card.body.addLayout(row)
        card.body.addWidget(self.work)
        self.outcome = Callout(theme)
        self._show_button = QPushButton("Open &folder")
        self._show_button.clicked.connect(self._open_folder)
        self.outcome.buttons.addWidget(self._show_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * GRID)
        layout.addWidget(card)
        layout.addWidget(self.outcome)
        self.outcome.hide()
        self.hide()

    @property
    def busy(self) -> bool:
        """Whether images are being translated."""
        return self._errand is not None

    def set_run(self, folder: Path, target: str) -> None:
        """Offer the translator of this run, if it has one.

        Args:
            folder: The run folder.
            target: Folder of the run's target images.
        """
        if folder != self._folder:
            self.outcome.hide()
        self._folder, self._target = folder, target
        self.setVisible((folder / TRANSLATOR_FILE).is_file())

    def ask(self) -> None:
        """Ask for a folder, and translate into it."""
        folder = QFileDialog.getExistingDirectory(self, "Export translated images", str(self._folder))
        if folder:
            self.translate_into(Path(folder))

    def translate_into(self, output: Path) -> None:
        """Write a picture of every target image into this folder."""
        if self.busy:
            return
        self.outcome.hide()
        job = Translate(run=str(self._folder), paths=(self._target,), output=str(output))
        self._errand = Errand(self._desk, job, self)
        self._errand.done.connect(self._tell)
        self._errand.failed.connect(self._fail)
        self._errand.ended.connect(self._end)
        self.work.follow(self._errand, "Translating…")
        self.export_button.setEnabled(False)

    def close_down(self) -> None:
        """Stop what is at work; nothing more is heard of it."""
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _tell(self, report: TranslateReport) -> None:
        self._written = report.output
        self._show_button.show()
        pictures = counted(len(report.images), "picture")
        text = f"They are in “{report.output}”. It took {duration(report.seconds)}."
        if report.set_aside:
            first = report.set_aside[0]
            text += f" {counted(len(report.set_aside), 'image')} set aside, the first: {first.what} {first.why}"
        self.outcome.say("warning" if report.set_aside else "good", f"{pictures} written.", text.strip())

    def _fail(self, problem: Problem) -> None:
        self._show_button.hide()
        self.outcome.say_problem(problem)

    def _end(self) -> None:
        self._errand = None
        self.export_button.setEnabled(True)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._written))
