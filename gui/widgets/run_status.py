"""Where a run stands: what is being done, how far it is, how long it will take, and on what."""

from __future__ import annotations

from bandbridge.engine.api.events import TrainingStarted
from bandbridge.gui.quantities import about, count, counted, duration, memory, number
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QProgressBar, QToolButton, QVBoxLayout, QWidget

_FINE = 1000
_LOADING = "Loading what computes. On a busy machine this can take a minute or more."
_FACTS = {
    "epoch": "An epoch is one pass over every {noun} to learn from.",
    "left": "Estimated from the speed so far.",
    "spent": "Time spent at work, pauses left out.",
    "speed": "{Noun}s going through training each second.",
    "device": "What the computations run on.",
    "memory": "Memory the worker process holds.",
}


class RunStatus(QFrame):
    """Card with stage, progress, and a line of facts; the run's buttons stand right of the stage.

    Args:
        noun: What goes through training.
        parent: Qt parent.

    Attributes:
        buttons: Row for the run's buttons.
    """

    def __init__(self, noun: str = "target image", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = f"{noun.split()[-1]}s/s"
        self.setProperty("role", "card")
        self.setAccessibleName("Progress of the run")
        self._stage = text_label("", "section", wrap=False)
        self._detail = text_label("", "small", wrap=False)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(GRID)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._facts = {key: text_label("", wrap=False) for key in _FACTS}
        foot = QHBoxLayout()
        foot.setSpacing(3 * GRID)
        for key, label in self._facts.items():
            label.setToolTip(_FACTS[key].format(noun=noun, Noun=noun.capitalize()))
            label.hide()
            foot.addWidget(label)
        foot.addStretch(1)
        self.notes_button = QToolButton()
        self.notes_button.setCheckable(True)
        self.notes_button.setToolTip("Files set aside and other things worth knowing.")
        self.notes_button.hide()
        self._notes = QPlainTextEdit()
        self._notes.setReadOnly(True)
        self._notes.setFixedHeight(12 * GRID)
        self._notes.setAccessibleName("Notes of the run")
        self._notes.hide()
        self.notes_button.toggled.connect(self._notes.setVisible)

        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._stage)
        words.addWidget(self._detail)
        head = QHBoxLayout()
        head.setSpacing(2 * GRID)
        head.addLayout(words, 1)
        head.addWidget(self.notes_button)
        head.addLayout(self.buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID + 4)
        layout.setSpacing(GRID)
        layout.addLayout(head)
        layout.addWidget(self._bar)
        layout.addLayout(foot)
        layout.addWidget(self._notes)

    def show_story(self, story: RunStory, asked: str = "") -> None:
        """Show where a run stands.

        Args:
            story: The run.
            asked: What was asked for and has not happened yet, e.g. "Stopping…", or "".
        """
        progress = story.progress
        self._stage.setText(asked or self._headline(story))
        detail = ""
        if progress is not None and story.running:
            parts = [progress.detail]
            if progress.total and progress.unit:
                parts.insert(0, f"{count(progress.done)} of {counted(progress.total, progress.unit)}")
            detail = " · ".join(part for part in parts if part)
        elif story.running and not asked:
            detail = _LOADING
        self._detail.setText(detail)
        self._show_bar(story)
        self._say("epoch", f"Epoch {count(story.epoch)} of {count(story.epochs)}" if story.epochs else "")
        left = progress.seconds_left if progress is not None else None
        more = story.training is not None and story.comparison is None and _stages_to_come(story.training)
        of_stage = " in this stage" if more else ""
        known = left is not None and story.running and not story.paused
        self._say("left", f"{about(left)} left{of_stage}" if left is not None and known else "")
        self._say("spent", f"{duration(story.seconds)} spent")
        speed = story.images_per_second
        self._say("speed", f"{number(speed, 3)} {self._unit}" if speed > 0 else "")
        self._say("device", story.training.device if story.training is not None else "")
        self._say("memory", f"{memory(story.memory_mb)} memory" if story.memory_mb > 0 else "")
        self._show_notes(story)

    def _headline(self, story: RunStory) -> str:
        if story.finished is not None and story.comparison is not None:
            return {"completed": "Complete", "failed": "Failed"}.get(story.finished.outcome, "Stopped")
        if story.finished is not None:
            return {
                "completed": "Finished",
                "kept": "Stopped, and kept what was learned so far",
                "stopped": "Stopped",
                "failed": "Failed",
            }[story.finished.outcome]
        if story.paused:
            training = story.training
            if training is None or len(training.stages) < 2:
                return "Paused"
            return f"Paused in stage {training.number + 1} of {len(training.stages)}: {training.stage}"
        return story.progress.title if story.progress is not None else "Starting…"

    def _show_bar(self, story: RunStory) -> None:
        if story.finished is not None:
            self._bar.setRange(0, _FINE)
            if story.finished.outcome == "completed" or (story.finished.outcome == "kept" and not story.comparison):
                self._bar.setValue(_FINE)
        elif story.fraction is not None:
            self._bar.setRange(0, _FINE)
            self._bar.setValue(round(_FINE * story.fraction))
        else:
            self._bar.setRange(0, 0)

    def _say(self, key: str, text: str) -> None:
        label = self._facts[key]
        if label.text() != text:
            label.setText(text)
            label.setVisible(bool(text))

    def _show_notes(self, story: RunStory) -> None:
        lines = [line for notice in story.notices for line in notice.text.splitlines()]
        title = counted(len(lines), "note")
        if title == self.notes_button.text():
            return
        self.notes_button.setText(title)
        self.notes_button.setVisible(bool(lines))
        self._notes.setPlainText("\n".join(lines))


def _stages_to_come(training: TrainingStarted) -> bool:
    return training.number < len(training.stages) - 1
