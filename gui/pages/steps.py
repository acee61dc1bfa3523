"""The five pages of one project, made together."""

from __future__ import annotations

from dataclasses import dataclass

from bandbridge.gui.pages.images import ImagesPage
from bandbridge.gui.pages.method import MethodPage
from bandbridge.gui.pages.page import Page
from bandbridge.gui.pages.results import ResultsPage
from bandbridge.gui.pages.run import RunPage
from bandbridge.gui.pages.source_model import SourceModelPage
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme


@dataclass(frozen=True, slots=True)
class Steps:
    """The pages, in the order of the rail."""

    source_model: SourceModelPage
    images: ImagesPage
    method: MethodPage
    run: RunPage
    results: ResultsPage

    @classmethod
    def of(cls, project: ProjectModel, desk: WorkerThread, runner: WorkerThread, theme: Theme) -> Steps:
        """Make the pages of a project.

        Args:
            project: The open project.
            desk: Does the small jobs.
            runner: Does the long ones.
            theme: Colours and icons.
        """
        steps = cls(
            source_model=SourceModelPage(project, desk, theme, runner),
            images=ImagesPage(project, desk, theme),
            method=MethodPage(project, theme),
            run=RunPage(project, runner, theme),
            results=ResultsPage(project, desk, theme),
        )
        steps.run.compared.connect(steps.results.show_comparison)
        return steps

    def pages(self) -> tuple[Page, ...]:
        """All of them, in order."""
        return (self.source_model, self.images, self.method, self.run, self.results)
