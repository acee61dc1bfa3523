"""The pages of one project, made together."""

from __future__ import annotations

from dataclasses import dataclass

from bandbridge.gui.pages.clip_method import ClipMethodPage
from bandbridge.gui.pages.clip_results import ClipResultsPage
from bandbridge.gui.pages.clip_run import ClipRunPage
from bandbridge.gui.pages.clips import ClipsPage
from bandbridge.gui.pages.images import ImagesPage
from bandbridge.gui.pages.method import MethodPage
from bandbridge.gui.pages.page import Page
from bandbridge.gui.pages.results import ResultsPage
from bandbridge.gui.pages.run import RunPage
from bandbridge.gui.pages.source_model import SourceModelPage
from bandbridge.gui.project import Project, ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme


@dataclass(frozen=True, slots=True)
class Steps:
    """The pages of a project for images, in the order of the rail."""

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

    def look_again(self) -> None:
        """Look through the images once more."""
        self.images.look_again()

    def first(self, project: Project) -> Page:
        """Where to go on: a run that was interrupted, the results, or the first thing still missing."""
        if project.runs or project.comparisons:
            return self.results if _has_ended_well(project) else self.run
        if not project.sources:
            return self.source_model
        return self.method if project.target and project.pairs else self.images


@dataclass(frozen=True, slots=True)
class VideoSteps:
    """The pages of a project for video, in the order of the rail."""

    clips: ClipsPage
    method: ClipMethodPage
    run: ClipRunPage
    results: ClipResultsPage

    @classmethod
    def of(cls, project: ProjectModel, desk: WorkerThread, runner: WorkerThread, theme: Theme) -> VideoSteps:
        """Make the pages of a project.

        Args:
            project: The open project.
            desk: Does the small jobs.
            runner: Does the long ones.
            theme: Colours and icons.
        """
        steps = cls(
            clips=ClipsPage(project, desk, theme),
            method=ClipMethodPage(project, theme),
            run=ClipRunPage(project, desk, runner, theme),
            results=ClipResultsPage(project, desk, theme),
        )
        steps.run.compared.connect(steps.results.show_comparison)
        return steps

    def pages(self) -> tuple[Page, ...]:
        """All of them, in order."""
        return (self.clips, self.method, self.run, self.results)

    def look_again(self) -> None:
        """Look through the clips once more."""
        self.clips.scan.look_again()

    def first(self, project: Project) -> Page:
        """Where to go on: a run that was interrupted, the results, or the first thing still missing."""
        if project.runs or project.comparisons:
            return self.results if _has_ended_well(project) else self.run
        return self.method if project.video.clips else self.clips


def _has_ended_well(project: Project) -> bool:
    """Whether the last thing that ran, a comparison or a run, left results."""
    comparison = project.latest_comparison()
    if comparison is not None:
        return comparison.outcome == "completed"
    return bool(project.runs) and project.runs[-1].outcome in ("completed", "kept")
