"""What is known about a project's clips, looked through anew whenever another folder or list is chosen."""

from __future__ import annotations

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import ScanClips
from bandbridge.engine.api.reports import ClipsReport, Report
from bandbridge.gui.errand import Errand
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.video_choices import VideoChoices
from PySide6.QtCore import QObject, QTimer, Signal

_DELAY_MS = 250


class ClipScan(QObject):
    """Keeps one answer for the clips chosen.

    Answers are kept for as long as the window has the project, so undoing a choice shows at once what was found before.

    Args:
        desk: Does the scanning.
        parent: Qt parent.

    Signals:
        changed: An answer has come, or is being waited for.
        progressed: `Progress`.
    """

    changed = Signal()
    progressed = Signal(object)

    def __init__(self, desk: WorkerThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._choices = VideoChoices()
        self._answers: dict[str, ClipsReport | Problem] = {}
        self._errand: Errand | None = None
        self._looked_at = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._start)

    @property
    def busy(self) -> bool:
        """Whether the clips are being looked through or about to be."""
        return self._errand is not None or self._timer.isActive()

    @property
    def report(self) -> ClipsReport | None:
        """What was found, None while unknown."""
        answer = self._answers.get(self._choices.clips)
        return answer if isinstance(answer, ClipsReport) else None

    @property
    def problem(self) -> Problem | None:
        """Why the clips cannot be looked through."""
        answer = self._answers.get(self._choices.clips)
        return answer if isinstance(answer, Problem) else None

    def follow(self, choices: VideoChoices) -> None:
        """Look through the clips of these choices, if that was not done yet."""
        self._choices = choices
        if self._errand is not None and self._looked_at != choices.clips:
            self.stop()
        if choices.clips and choices.clips not in self._answers and self._errand is None:
            self._timer.start()
        elif not choices.clips:
            self._timer.stop()

    def look_again(self) -> None:
        """Forget what was found and look anew."""
        self.stop()
        self._answers.pop(self._choices.clips, None)
        self.follow(self._choices)
        self.changed.emit()

    def stop(self) -> None:
        """Ask nothing more."""
        self._timer.stop()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _start(self) -> None:
        choices = self._choices
        self._looked_at = choices.clips
        job = ScanClips(place=choices.clips, fps=choices.fps, size_px=choices.size_px)
        self._errand = Errand(self._desk, job, self)
        self._errand.progressed.connect(self.progressed)
        self._errand.done.connect(self._keep)
        self._errand.failed.connect(self._keep)
        self._errand.ended.connect(self._end)
        self.changed.emit()

    def _keep(self, answer: Report | Problem) -> None:
        if isinstance(answer, ClipsReport | Problem):
            self._answers[self._looked_at] = answer

    def _end(self) -> None:
        self._errand = None
        self.changed.emit()
