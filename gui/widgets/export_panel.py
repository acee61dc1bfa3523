"""Writing a model file for others, and saying how exactly it was checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import Export
from bandbridge.engine.api.reports import ExportReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.quantities import counted, tiny
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.callout import Callout
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.fields import RadioChoice
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.translate_panel import TranslatePanel
from bandbridge.gui.widgets.work_row import WorkRow
from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

Format = Literal["onnx", "safetensors"]
_SUFFIX: dict[Format, str] = {"onnx": ".onnx", "safetensors": ".safetensors"}
_FORMATS: dict[Format, tuple[str, str]] = {
    "onnx": (
        "&ONNX",
        "For other programs. Takes the sensor's raw values and gives a probability for every class; stretch and "
        "resizing are inside.",
    ),
    "safetensors": (
        "&Bandbridge model",
        "For this program, on any computer: 'bandbridge predict' classifies images with it. Holds no code.",
    ),
}


class ExportPanel(QWidget):
    """Choice of format and file, and the outcome.

    Args:
        desk: Writes and checks the file.
        theme: Colours and icons.
        parent: Qt parent.
        title: Heading.
        formats: Format -> (its title, what it is good for).
        stem: Name of the file proposed, without ending.
        checked_on: What the file was checked on.

    Signals:
        busy_changed: An export has begun or ended.
    """

    busy_changed = Signal(bool)

    def __init__(
        self,
        desk: WorkerThread,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        title: str = "Export the adapted model",
        formats: Mapping[Format, tuple[str, str]] = _FORMATS,
        stem: str = "sensor_model",
        checked_on: str = "real image",
    ) -> None:
        super().__init__(parent)
        self._stem = stem
        self._checked_on = checked_on
        self._desk = desk
        self._folder = Path()
        self._errand: Errand | None = None
        self._written = ""
        card = Card(title)
        self.choices: dict[Format, QRadioButton] = {}
        for key, (name, explain) in formats.items():
            button = RadioChoice(name)
            button.toggled.connect(self._suggest)
            self.choices[key] = button
            card.body.addWidget(button)
            more = text_label(explain, "help")
            more.setContentsMargins(3 * GRID, 0, 0, GRID)
            card.body.addWidget(more)
        self.output = QLineEdit()
        self.output.setAccessibleName("File to write")
        self._browse_button = QPushButton("&Browse…")
        self._browse_button.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(text_label("File", wrap=False))
        row.addWidget(self.output, 1)
        row.addWidget(self._browse_button)
        card.body.addLayout(row)
        self.work = WorkRow("Export progress")
        card.body.addWidget(self.work)
        self.outcome = Callout(theme)
        self._show_button = QPushButton("Open &folder")
        self._show_button.clicked.connect(self._open_folder)
        self.outcome.buttons.addWidget(self._show_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2 * GRID, 0, 0)
        layout.setSpacing(2 * GRID)
        layout.addWidget(card)
        layout.addWidget(self.outcome)
        self.translated = TranslatePanel(desk, theme)
        layout.addWidget(self.translated)
        layout.addStretch(1)
        self.choices["onnx"].setChecked(True)

    @property
    def busy(self) -> bool:
        """Whether an export is at work."""
        return self._errand is not None

    @property
    def format(self) -> Format:
        """The format chosen."""
        return next(key for key, button in self.choices.items() if button.isChecked())

    def set_run(self, folder: Path, target: str) -> None:
        """Export this run's model, and translations of the images in its target folder."""
        self.translated.set_run(folder, target)
        if folder != self._folder:
            self._folder = folder
            self.output.clear()
            self.outcome.hide()
            self._suggest()

    def export(self) -> None:
        """Write the file and check it."""
        output = self.output.text().strip()
        if self.busy:
            return
        if not output:
            self._show_button.hide()
            self.outcome.say("warning", "No file name was given.", "Choose where the model is to be written.")
            return
        self.outcome.hide()
        self._errand = Errand(self._desk, Export(source=str(self._folder), format=self.format, output=output), self)
        self._errand.done.connect(self._tell)
        self._errand.failed.connect(self._fail)
        self._errand.ended.connect(self._end)
        self.work.follow(self._errand, "Writing…")
        self.busy_changed.emit(True)

    def close_down(self) -> None:
        """Stop what is at work; nothing more is heard of it."""
        self.translated.close_down()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _suggest(self) -> None:
        """A file beside the run's own, with the format's ending; a name the person chose keeps its stem."""
        chosen = self.output.text().strip()
        path = Path(chosen) if chosen else self._folder / self._stem
        if path.suffix in ("", *_SUFFIX.values()):
            self.output.setText(str(path.with_suffix(_SUFFIX[self.format])))

    def _browse(self) -> None:
        suffix = _SUFFIX[self.format]
        name, _ = QFileDialog.getSaveFileName(self, "Export the model", self.output.text(), f"Model (*{suffix})")
        if name:
            self.output.setText(name if name.endswith(suffix) else name + suffix)

    def _tell(self, report: ExportReport) -> None:
        self._written = report.output
        self._show_button.show()
        difference = tiny(report.largest_difference)
        name = Path(report.output).name
        if report.checked_images == 0:
            images = f"made-up values, for want of {self._checked_on.split()[-1]}s"
        else:
            images = counted(report.checked_images, self._checked_on)
        checked = (
            f"Checked against the trained model on {images}: the largest difference of any class probability is "
            f"{difference}"
        )
        if report.same_classes:
            self.outcome.say(
                "good", f"“{name}” was written.", f"{checked}; every class is the same. {report.explanation}"
            )
        else:
            self.outcome.say(
                "warning",
                f"“{name}” was written, but does not give the same classes everywhere.",
                f"{checked}. Do not rely on this file before the reason is known.",
            )

    def _fail(self, problem: Problem) -> None:
        self._show_button.hide()
        self.outcome.say_problem(problem)

    def _end(self) -> None:
        self._errand = None
        self.busy_changed.emit(False)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._written).parent)))
