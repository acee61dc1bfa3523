"""Step 3 of a project for video: start the run, and watch teacher and student learn."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.config import DistillConfig
from bandbridge.gui.pages.run import Panel, RunPage
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.matched_clips import MatchedClips
from PySide6.QtWidgets import QSplitter, QWidget


class ClipRunPage(RunPage):
    """The run of a project for video.

    Args:
        project: The open project.
        desk: Reads clips to be shown.
        worker: Carries out runs, and nothing else.
        theme: Colours and icons.
        parent: Qt parent.
    """

    doing = "training"
    help_text = "Train the teacher, then the student, and watch what they learn."
    before_a_run = (
        "Once the run has started, its loss curves, what the validation clips say, and the clips whose picture and "
        "sound go together best and worst appear here."
    )
    noun = "clip"

    def __init__(
        self,
        project: ProjectModel,
        desk: WorkerThread,
        worker: WorkerThread,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        self._desk = desk
        super().__init__(project, worker, theme, parent)

    def closing(self) -> None:
        """Stop redrawing and listening."""
        super().closing()
        self.matched.stop()

    def _make_lower(self, row: QSplitter) -> list[Panel]:
        self.matched = MatchedClips(self._desk, self._theme)
        row.addWidget(self.matched)
        return [Panel("signs", row, self._show_matched)]

    def _make_other_charts(self, row: QSplitter) -> list[Panel]:
        from bandbridge.gui.widgets.signs_chart import ClipProgressPanel

        progress = ClipProgressPanel(self._theme)
        row.addWidget(progress)
        return [
            Panel("epoch", progress, progress.show_validation),
            Panel("signs", progress, progress.show_signs),
        ]

    def _show_matched(self, story: RunStory) -> None:
        if isinstance(self._config, DistillConfig):
            place = Path(self._config.clips)
            folder = place if place.is_dir() else place.parent
            self.matched.set_source(str(folder), self._config.fps, self._config.size_px)
        self.matched.show_story(story)
