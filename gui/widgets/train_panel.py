"""Training a source model from labelled RGB folders: what is needed, how far it is, what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bandbridge.engine.api.config import TrainSourceConfig
from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.jobs import TrainSource
from bandbridge.engine.api.reports import Report, TrainSourceReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.quantities import about, counted, percent
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.fields import BandsField, ChoiceField, TextField, TickBox, WholeNumberField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QProgressBar, QPushButton, QWidget

_ARCHITECTURES = (
    ("resnet18", "ResNet-18: small, a good start"),
    ("resnet50", "ResNet-50: larger, slower"),
    ("mobilenetv3_small_100", "MobileNetV3 small: fastest"),
    ("efficientnet_b0", "EfficientNet-B0: between"),
)
_BOTTLENECK_WIDTH = 256


class TrainPanel(Card):
    """The panel; it keeps what was entered while it is hidden.

    Args:
        worker: Does the training.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        trained: (path) a model file was written.
        closed: The person is done here.
    """

    trained = Signal(str)
    closed = Signal()

    def __init__(self, worker: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Train a source model", parent)
        self._worker = worker
        self._theme = theme
        self._errand: Errand | None = None
        self.body.addWidget(
            text_label(
                "For when you have labelled RGB pictures but no classifier yet: one folder a class. A share of every "
                "class is kept aside to measure how good the model is.",
                "help",
            )
        )
        form = QGridLayout()
        form.setHorizontalSpacing(2 * GRID)
        form.setVerticalSpacing(GRID)
        form.setColumnStretch(1, 1)
        self.folder = TextField("Folder with one folder a class")
        self.output = TextField("Model file to write")
        self.weights = TextField("None: start from nothing")
        self._add_row(form, "&Labelled folder", self.folder, self._browse_folder)
        self._add_row(form, "&Write to", self.output, self._browse_output)
        self.architecture = ChoiceField(_ARCHITECTURES, "resnet18")
        self._add_row(form, "&Network", self.architecture)
        self._add_row(form, "Start &from", self.weights, self._browse_weights)
        numbers = QHBoxLayout()
        numbers.setSpacing(2 * GRID)
        self.epochs = WholeNumberField(1, 1000, 30)
        self.epochs.setToolTip("Epochs: how often every picture is seen.")
        self.side = WholeNumberField(0, 1024, 0)
        self.side.setSingleStep(32)
        self.side.setSpecialValueText("As found")
        self.side.setToolTip("Side of the square the pictures are brought to, in pixels.")
        self.bands = BandsField("first three", exactly=3)
        self.bands.setToolTip("1-based bands that are red, green and blue.")
        self.bands.setMaximumWidth(16 * GRID)
        for title, field in (("Epochs", self.epochs), ("Side in pixels", self.side), ("Bands", self.bands)):
            label = text_label(title, "help", wrap=False)
            label.setBuddy(field)
            field.setAccessibleName(title)
            numbers.addWidget(label)
            numbers.addWidget(field)
        numbers.addStretch(1)
        form.addWidget(text_label("How", wrap=False), form.rowCount(), 0)
        form.addLayout(numbers, form.rowCount() - 1, 1, 1, 2)
        self.bottleneck = TickBox("Add SOCKET's bottleneck, as its authors do")
        self.bottleneck.setToolTip("A narrow layer of 256 features and a normalisation layer before the classes.")
        form.addWidget(self.bottleneck, form.rowCount(), 1, 1, 2)
        self.body.addLayout(form)
        self._status = text_label("")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Training the source model")
        self.body.addWidget(self._bar)
        self.body.addWidget(self._status)
        self._bar.hide()
        self._status.hide()
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        self.start_button = QPushButton("&Train")
        self.stop_button = QPushButton("Sto&p")
        self.stop_button.hide()
        close = QPushButton("Clos&e")
        close.setProperty("kind", "quiet")
        for button in (self.start_button, self.stop_button, close):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.body.addLayout(buttons)
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        close.clicked.connect(self.closed)
        for entry in (self.folder, self.output):
            entry.textChanged.connect(self._may_start)
        self._may_start()

    @property
    def busy(self) -> bool:
        """Whether a training is on."""
        return self._errand is not None

    def config(self) -> TrainSourceConfig:
        """What was entered."""
        return TrainSourceConfig(
            folder=self.folder.text().strip(),
            output=self.output.text().strip(),
            architecture=self.architecture.value(),
            weights=self.weights.text().strip() or None,
            epochs=self.epochs.value(),
            size_px=self.side.value() or None,
            rgb_bands=self.bands.bands,
            bottleneck=_BOTTLENECK_WIDTH if self.bottleneck.isChecked() else 0,
        )

    def start(self) -> None:
        """Train with what was entered."""
        self._errand = Errand(self._worker, TrainSource(config=self.config()), self)
        self._errand.progressed.connect(self._show_progress)
        self._errand.done.connect(self._done)
        self._errand.failed.connect(self._failed)
        self._errand.ended.connect(self._ended)
        self._say("Looking at the pictures…", "help")
        self._bar.setRange(0, 0)
        self._bar.show()
        self.stop_button.show()
        self._may_start()

    def stop(self) -> None:
        """Stop, and keep what was learned so far if the engine can."""
        if self._errand is not None:
            self._errand.stop()
            self._say("Stopping…", "help")

    def _may_start(self) -> None:
        entered = bool(self.folder.text().strip() and self.output.text().strip())
        self.start_button.setEnabled(entered and not self.busy)

    def _show_progress(self, progress: Progress) -> None:
        left = f", {about(progress.seconds_left)} left" if progress.seconds_left is not None else ""
        detail = f" · {progress.detail}" if progress.detail else ""
        self._say(f"{progress.title}{detail}{left}", "help")
        if progress.fraction is not None:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * progress.fraction))

    def _done(self, report: Report) -> None:
        if not isinstance(report, TrainSourceReport):
            return
        text = (
            f"Trained on {counted(report.images, 'picture')} of {counted(len(report.class_names), 'class', 'classes')}."
        )
        if report.held_out is not None:
            kept = counted(report.held_out.images, "picture")
            text += f" Right on {percent(report.held_out.accuracy, 1)} of {kept} kept aside."
        if report.set_aside:
            text += f" {counted(len(report.set_aside), 'file')} could not be used."
        self._say(text, "good")
        self.trained.emit(report.model)

    def _failed(self, problem: Problem) -> None:
        self._say(str(problem), "error")

    def _ended(self) -> None:
        self._errand = None
        self._bar.hide()
        self.stop_button.hide()
        if self._status.text() == "Stopping…":
            self._say("Stopped; no model was written.", "help")
        self._may_start()

    def _say(self, text: str, role: str) -> None:
        self._status.setText(text)
        self._status.setProperty("role", role)
        self._status.style().polish(self._status)
        self._status.show()

    def _add_row(self, form: QGridLayout, title: str, field: QWidget, browse: Callable[[], None] | None = None) -> None:
        row = form.rowCount()
        label = text_label(title, wrap=False)
        label.setBuddy(field)
        name = title.replace("&", "")
        field.setAccessibleName(name)
        form.addWidget(label, row, 0)
        form.addWidget(field, row, 1, 1, 1 if browse else 2)
        if browse is not None:
            button = QPushButton("Browse…")
            button.setAccessibleName(f"Browse for {name}")
            button.clicked.connect(browse)
            form.addWidget(button, row, 2)

    def _browse_folder(self) -> None:
        dialog = QFileDialog(self.window(), "Folder with one folder a class")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        _ask(dialog, self.folder)

    def _browse_output(self) -> None:
        dialog = QFileDialog(self.window(), "Model file to write", str(Path(self.output.text()).parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("safetensors")
        dialog.setNameFilter("Bandbridge model (*.safetensors)")
        _ask(dialog, self.output)

    def _browse_weights(self) -> None:
        dialog = QFileDialog(self.window(), "Model file to start from")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        _ask(dialog, self.weights)


def _ask(dialog: QFileDialog, field: TextField) -> None:
    dialog.fileSelected.connect(field.setText)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
