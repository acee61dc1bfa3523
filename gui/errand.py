"""One job given to a worker by a page: its progress, and its answer in one of three ways."""

from __future__ import annotations

from bandbridge.engine.api.events import Event, Finished, Progress
from bandbridge.engine.api.jobs import Job
from bandbridge.gui.run_thread import WorkerThread
from PySide6.QtCore import QObject, Signal


class Errand(QObject):
    """Submits a job and listens to that job alone.

    Args:
        worker: Who does it.
        job: What is to be done.
        parent: Qt parent; with it goes the errand, but not the job: `cancel` first.

    Signals:
        said: Every `engine.api.events.Event` of the job but the last.
        progressed: `Progress`.
        done: The job's report.
        failed: `Problem`, in words.
        ended: After any of them, and after a stop.
    """

    said = Signal(object)
    progressed = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, worker: WorkerThread, job: Job, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self._worker = worker
        self._over = False
        worker.event.connect(self._hear)  # before submitting, or the first events could be missed
        self._number = worker.submit(job)

    @property
    def over(self) -> bool:
        """Whether it has ended or was cancelled."""
        return self._over

    def cancel(self) -> None:
        """Ask the worker to stop; from now on nothing is heard of this errand any more."""
        if not self._over:
            self._worker.ask("stop", self._number)
            self._leave()

    def stop(self) -> None:
        """Ask the worker to stop, and go on listening: `ended` comes when it has."""
        self._worker.ask("stop", self._number)

    def _hear(self, number: int, event: Event) -> None:
        if self._over or number != self._number:
            return
        if not isinstance(event, Finished):
            self.said.emit(event)
            if isinstance(event, Progress):
                self.progressed.emit(event)
            return
        self._leave()
        if event.problem is not None:
            self.failed.emit(event.problem)
        elif event.result is not None:
            self.done.emit(event.result)
        self.ended.emit()

    def _leave(self) -> None:
        self._over = True
        self._worker.event.disconnect(self._hear)
        self.deleteLater()
