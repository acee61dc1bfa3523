"""The doctor's look at a project's pairs and target images, at the press of a button."""

from __future__ import annotations

from dataclasses import replace

from bandbridge.engine.api.events import Problem
from bandbridge.engine.api.jobs import CheckData
from bandbridge.engine.api.reports import CheckReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.project import Project
from bandbridge.gui.run_thread import WorkerThread
from PySide6.QtCore import QObject, Signal


class ImageCheck(QObject):
    """Keeps the answer for every choice of folders, bands and values that was checked.

    Leaving files out or moving pairs into place does not make an answer out of date: what was found in the other files
    stays true.

    Args:
        desk: Does the checking.
        parent: Qt parent.

    Signals:
        changed: A check has begun or ended, or the project asks for another one.
        started: (`Errand`) a check has begun.
    """

    changed = Signal()
    started = Signal(object)

    def __init__(self, desk: WorkerThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._project = Project()
        self._answers: dict[CheckData, CheckReport | Problem] = {}
        self._errand: Errand | None = None
        self._asked: CheckData | None = None

    @property
    def possible(self) -> bool:
        """Whether there is anything to check."""
        job = self._job()
        return bool(job.pairs) or job.target is not None

    @property
    def busy(self) -> bool:
        """Whether a check is under way."""
        return self._errand is not None

    @property
    def report(self) -> CheckReport | None:
        """What was found in the project's images as they are chosen now."""
        answer = self._answers.get(_lasting(self._job()))
        return answer if isinstance(answer, CheckReport) else None

    @property
    def problem(self) -> Problem | None:
        """Why they could not be checked."""
        answer = self._answers.get(_lasting(self._job()))
        return answer if isinstance(answer, Problem) else None

    def follow(self, project: Project) -> None:
        """Be about this project; a check of other images is given up."""
        self._project = project
        if self._asked is not None and self._asked != _lasting(self._job()):
            self.stop()

    def start(self) -> None:
        """Check now."""
        self.stop()
        job = self._job()
        key = self._asked = _lasting(job)
        errand = self._errand = Errand(self._desk, job, self)

        def keep(answer: object) -> None:
            if isinstance(answer, CheckReport | Problem):
                self._answers[key] = answer

        errand.done.connect(keep)
        errand.failed.connect(keep)
        errand.ended.connect(self._end)
        self.started.emit(errand)
        self.changed.emit()

    def stop(self) -> None:
        """Give up a check that is under way."""
        if self._errand is not None:
            self._errand.cancel()
            self._end()

    def forget(self) -> None:
        """Forget everything found: files may have changed."""
        self.stop()
        self._answers.clear()
        self.changed.emit()

    def _end(self) -> None:
        self._errand = self._asked = None
        self.changed.emit()

    def _job(self) -> CheckData:
        project = self._project
        return CheckData(
            # Measured as they lie, so that what was found lasts when pairs are moved.
            pairs=tuple(replace(pair, shifts=None) for pair in project.whole_pairs()),
            target=project.target or None,
            rgb_bands=project.rgb_bands,
            sensor_bands=project.sensor_bands,
            profile=project.sensor_profile,
            stretch=project.stretch,
            no_data=project.no_data,
            exclude=project.exclude,
            tiles=project.tiles,
        )


def _lasting(job: CheckData) -> CheckData:
    return replace(job, exclude=())
