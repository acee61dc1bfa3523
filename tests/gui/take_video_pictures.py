"""Takes pictures of a project for video as a person sees it, for the manual and to be looked at.

    python tests/gui/take_video_pictures.py OUT [--clips FOLDER] [--size 32] [--width 8] [--epochs 8] ...

Drives the real window: clips are looked through, a run is started and watched to its end, its clips are played, methods
are compared. Without `--clips` the video sample is made first. Every picture is written as `NAME-LOOK.png`; what the
manual shows is `clips`, `run`, `similar` and `comparison` in the look `light-1280`. For another scale of the screen set
QT_SCALE_FACTOR, and give `--looks`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import MakeVideoSample
from bandbridge.engine.worker.perform import perform
from bandbridge.gui import speaker
from bandbridge.gui.main_window import MainWindow
from bandbridge.gui.pages.clip_results import ClipResultsPage
from bandbridge.gui.pages.steps import VideoSteps
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from made_up_sound import FakeOutput
from PySide6.QtWidgets import QApplication

SIZES = {"1280": (1280, 820), "1100": (1100, 700)}
LOOKS = ("light-1280", "light-1100", "dark-1280", "dark-1100")
LONGEST_S = 3600.0


def main(argv: list[str]) -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path, help="folder or list of clips; none makes the video sample")
    parser.add_argument("--clips-per-class", type=int, default=20, help="of the sample")
    parser.add_argument("--teacher", default="sound")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--fps", type=float, default=8.0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--teacher-epochs", type=int, default=8)
    parser.add_argument("--compare", nargs="*", default=[], help="methods to compare after the run")
    parser.add_argument("--looks", nargs="*", default=list(LOOKS))
    asked = parser.parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication(["bandbridge"])
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        _Tour(app, Path(place), asked).take()
    return 0


class _Tour:
    """One way through the window."""

    def __init__(self, app: QApplication, place: Path, asked: argparse.Namespace) -> None:
        speaker.open_output = FakeOutput()  # pictures do not tell which machine they were taken on
        self._asked = asked
        self._app = app
        self._place = place
        self._theme = Theme("light")
        self._theme.apply(app)
        self._threads = [WorkerThread(), WorkerThread()]
        self._window = MainWindow(Preferences(place / "window.ini"), self._theme, *self._threads)
        self._window.show()

    def take(self) -> None:
        asked, window = self._asked, self._window
        clips = asked.clips
        if clips is None:
            job = MakeVideoSample(folder=str(self._place / "clips"), clips_per_class=asked.clips_per_class)
            perform(job, lambda event: None, Control())
            clips = self._place / "clips"
        window.create_project(self._place / "project", "video")
        steps, model = window.steps, window.model
        assert isinstance(steps, VideoSteps)
        assert model is not None
        steps.clips.set_clips(str(clips.absolute()))
        model.update_video(
            teacher=asked.teacher,
            size_px=asked.size,
            width=asked.width,
            fps=asked.fps,
            epochs=asked.epochs,
            settings={model.project.video.method: {"teacher_epochs": asked.teacher_epochs}},
        )
        self._until(lambda: steps.clips.scan.report is not None and not steps.clips.scan.busy)
        self._go_on(3.0)
        window.show_step(0)
        self._grab("clips")
        for index, name in ((1, "clip-classes"), (2, "clip-doubts")):
            steps.clips.tabs.setCurrentIndex(index)
            self._grab(name)
        window.show_step(1)
        self._grab("method")
        steps.method.advanced_button.setChecked(True)
        self._go_on(0.3)
        bar = steps.method.scroll_area.verticalScrollBar()
        for number, share in enumerate((0.5, 1.0), start=1):
            self._grab(f"method-{number}", before=lambda share=share: bar.setValue(round(bar.maximum() * share)))
        steps.method.advanced_button.setChecked(False)
        window.show_step(2)
        self._grab("before-run")
        steps.run.start()
        self._until(lambda: bool(steps.run.story.stages.get(0)) and steps.run.story.epoch > 1)
        self._go_on(2.0)
        self._grab("run-teacher")
        self._until(lambda: len(steps.run.story.stages) > 1 and steps.run.story.epoch > 2)
        self._go_on(2.0)
        self._grab("run-student")
        self._until(lambda: not steps.run.running)
        self._go_on(3.0)
        self._grab("run")
        window.show_step(3)
        self._take_results(steps.results)
        if asked.compare:
            model.update(comparing=True, compared=tuple(asked.compare), seeds=2)
            window.show_step(1)
            self._grab("method-several")
            window.show_step(2)
            self._grab("before-comparison")
            steps.run.start()
            self._until(lambda: steps.run.story.comparison is not None and bool(steps.run.story.stages))
            self._go_on(2.0)
            self._grab("comparing")
            self._until(lambda: not steps.run.running)
            self._grab("compared")
            window.show_step(3)
            steps.results.tabs.setCurrentWidget(steps.results.comparison)
            self._grab("comparison")
        window.close()
        for thread in self._threads:
            thread.shutdown()
            thread.wait(10_000)

    def _take_results(self, page: ClipResultsPage) -> None:
        for index in range(page.tabs.count()):
            if page.tabs.isTabEnabled(index) and page.tabs.widget(index) is not page.browser:
                page.tabs.setCurrentIndex(index)
                self._grab(f"results-{page.tabs.tabText(index).lower()}")
        page.tabs.setCurrentWidget(page.browser)
        self._go_on(1.0)
        self._grab("results-clips")
        browser = page.browser
        wrong = next((clip for clip in browser._shown if clip.truth != clip.predicted), browser._shown[0])
        browser.look_at(wrong.file)
        self._until(lambda: browser._query is not None and browser.player.screen_area.shown is not None)
        self._go_on(1.5)
        self._grab("similar")

    def _grab(self, name: str, before: Callable[[], object] = lambda: None) -> None:
        for look in self._asked.looks:
            mode, size = look.split("-")
            self._theme.set_mode(mode)  # type: ignore[arg-type]
            self._window.resize(*SIZES[size])
            self._go_on(0.5)
            before()
            self._go_on(0.3)
            self._window.grab().save(str(self._asked.out / f"{name}-{look}.png"))
        self._theme.set_mode("light")

    def _until(self, done: Callable[[], bool]) -> None:
        by = time.monotonic() + LONGEST_S
        while not done():
            if time.monotonic() > by:
                raise TimeoutError("the window does not come to an end")
            self._go_on(0.1)

    def _go_on(self, seconds: float) -> None:
        """Let the window live; QTest.qWait would keep the interpreter from its other threads."""
        by = time.monotonic() + seconds
        while time.monotonic() < by:
            self._app.processEvents()
            time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
