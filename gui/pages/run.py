"""Step 4: start the run, watch it, pause it, stop it, and go on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bandbridge.engine.api.config import AnyRunConfig, CompareConfig, DistillConfig
from bandbridge.engine.api.control import Command
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Compared, Event, Finished, TrainingStarted
from bandbridge.engine.api.jobs import Adapt, Compare, Distill
from bandbridge.engine.api.reports import AdaptReport, Alarm, CompareReport, DistillReport
from bandbridge.engine.api.video_catalogue import any_method_info
from bandbridge.gui.clip_record import read_clip_record
from bandbridge.gui.clip_verdict import judge_clips
from bandbridge.gui.comparison_record import read_comparison
from bandbridge.gui.pages.page import Page, PageState
from bandbridge.gui.project import ComparisonEntry, Project, ProjectModel, RunEntry, RunOutcome
from bandbridge.gui.quantities import counted
from bandbridge.gui.run_record import has_checkpoint, read_course, read_record
from bandbridge.gui.run_story import Part, RunStory
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.verdict import judge
from bandbridge.gui.widgets.callout import Callout, Severity
from bandbridge.gui.widgets.class_counts import ClassCounts
from bandbridge.gui.widgets.comparison_table import ComparisonTable, comparison_in_words
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.run_status import RunStatus
from bandbridge.gui.widgets.run_summary import RunSummary, what_is_missing
from bandbridge.gui.widgets.run_table import method_title
from bandbridge.gui.widgets.sample_strip import SampleStrip
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QSplitter, QWidget

_TICK_MS = 25
_REDRAW_S = 0.1
_CLOCK_S = 1.0
_WAITING = "Waiting until other work is done…"
_PAUSING, _GOING_ON = "Pausing…", "Going on…"
_TABLE_HEIGHT = 32 * GRID
_BEFORE_COMPARING = "Once the comparison has started, its table grows here, with the curves of the run at work."
_STOP_TIP = "Ends now without a result. You can go on from the last checkpoint later."
_SPACING = GRID + GRID // 2


Config = AnyRunConfig | CompareConfig


class Panel:
    """A part of the page that is drawn anew when its part of the story changed and it can be seen.

    Args:
        part: Of the story.
        widget: That must be in sight.
        show: Draws it.
    """

    def __init__(self, part: Part, widget: QWidget, show: Callable[[RunStory], None]) -> None:
        self._part: Part = part
        self._widget = widget
        self._show = show
        self._drawn: tuple[RunStory, int] | None = None
        self.drawn_at = 0.0

    def can_be_seen(self) -> bool:
        """Whether its widget is in sight."""
        return self._widget.isVisible()

    def is_due(self, story: RunStory) -> bool:
        """Whether there is something new to draw, and somebody to see it."""
        return self.can_be_seen() and self._drawn != (story, story.revision(self._part))

    def draw(self, story: RunStory) -> None:
        """Draw it."""
        self._drawn = (story, story.revision(self._part))
        self.drawn_at = time.monotonic()
        self._show(story)


class RunPage(Page):
    """The run of the open project, or its comparison of methods: many runs, one after the other, and their table.

    Args:
        project: The open project.
        worker: Carries out runs, and nothing else.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        running_changed: A run has begun (True) or ended (False).
        compared: The table of the comparison at work has grown.
        run_chosen: Folder of a run of the table that shall be shown.
    """

    running_changed = Signal(bool)
    compared = Signal(object)
    run_chosen = Signal(str)

    manual_chapter = "run"
    doing = "adaptation"
    help_text = "Adapt the model, and watch what it learns."
    before_a_run = "Once the run has started, its loss curves, the modality gap and sample predictions appear here."
    noun = "target image"

    def __init__(
        self, project: ProjectModel, worker: WorkerThread, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__("Run", self.help_text, primary=f"&Start {self.doing}", parent=parent)
        self._project = project
        self._worker = worker
        self._theme = theme
        self._story = RunStory()
        self._job = 0
        self._config: Config | None = None
        self._choices: Config | None = None  # of the project when the run shown ended
        self._asked = ""

        self.summary = RunSummary()
        self.outcome = Callout(theme)
        self.go_on_button = QPushButton("&Go on from the last checkpoint")
        self.go_on_button.clicked.connect(self.go_on)
        self.outcome.buttons.insertWidget(0, self.go_on_button)
        self.alarm = Callout(theme)
        self.alarm_button = QPushButton("Stop now and keep")
        self.alarm_button.setToolTip("Ends now; what has been learned so far becomes the result.")
        self.alarm_button.clicked.connect(self._stop_and_keep)
        self.alarm.buttons.insertWidget(0, self.alarm_button)
        self.status = RunStatus(self.noun)
        self.pause_button = QPushButton("&Pause")
        self.pause_button.setToolTip("Space")
        self.pause_button.clicked.connect(self.toggle_pause)
        self.keep_button = QPushButton("Stop and &keep")
        self.keep_button.setToolTip("Ends now; what has been learned so far becomes the result.")
        self.keep_button.clicked.connect(self._stop_and_keep)
        self.stop_button = QPushButton("S&top")
        self.stop_button.setProperty("kind", "danger")
        self.stop_button.clicked.connect(lambda: self._ask("stop", "Stopping…"))
        for button in (self.pause_button, self.keep_button, self.stop_button):
            self.status.buttons.addWidget(button)
        self._waiting = text_label(self.before_a_run, "help")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._charts = QSplitter(Qt.Orientation.Horizontal)
        self._charts.setChildrenCollapsible(False)
        self._charts.setHandleWidth(_SPACING)
        self.table = ComparisonTable(theme)
        self.table.setMinimumHeight(_TABLE_HEIGHT)
        self.table.chosen.connect(self.run_chosen)
        self._lower = QSplitter(Qt.Orientation.Horizontal)
        self._lower.setChildrenCollapsible(False)
        self._lower.setHandleWidth(_SPACING)
        self._status_panel = Panel("status", self.status, lambda story: self.status.show_story(story, self._asked))
        self._panels = [
            self._status_panel,
            Panel("comparison", self.table, self._show_table),
            *self._make_lower(self._lower),
        ]
        self.again_button = QPushButton("Start a&gain")
        self.again_button.setToolTip("Starts a new run with the present choices; this one stays among the results.")
        self.again_button.clicked.connect(self.start)
        self.foot.addWidget(self.again_button)
        self.content.setSpacing(_SPACING)
        self.content.addWidget(self.outcome)
        self.content.addWidget(self.alarm)
        self.content.addWidget(self.summary)
        self.content.addWidget(self._waiting, 1)
        self.content.addWidget(self.status)
        self.content.addWidget(self.table, 5)
        self.content.addWidget(self._charts, 5)
        self.content.addWidget(self._lower, 1)

        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._redraw_one)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        worker.event.connect(self._hear)
        project.changed.connect(self._follow)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self._offer_to_go_on()
        self._follow()

    def _make_lower(self, row: QSplitter) -> list[Panel]:
        """Fill the row below the charts."""
        samples, counts = self._samples, self._counts = SampleStrip(self._theme), ClassCounts(self._theme)
        row.addWidget(samples)
        row.addWidget(counts)
        row.setStretchFactor(0, 4)
        row.setStretchFactor(1, 1)
        return [Panel("samples", samples, samples.show_story), Panel("epoch", counts, counts.show_story)]

    # ---- what the window asks ------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a run is at work."""
        return bool(self._job)

    @property
    def story(self) -> RunStory:
        """What the present or last run has told."""
        return self._story

    def state(self) -> PageState:
        """Empty until a run could start, an error after a failure."""
        finished = self._story.finished
        if self._shows_run() and self._story.alarms and (finished is None or finished.outcome in ("completed", "kept")):
            return "warning"
        if finished is not None and self._shows_run():
            return {"completed": "ready", "kept": "ready", "stopped": "warning", "failed": "error"}[finished.outcome]  # type: ignore[return-value]
        if self.outcome.isVisibleTo(self):
            return "warning"
        return "empty" if what_is_missing(self._project.project) else "ready"

    def state_in_words(self) -> str:
        """Why the mark is what it is."""
        if self.running:
            at_work = "A comparison is at work." if self._comparing else "A run is at work."
            return next((alarm.what for alarm in self._story.alarms.values()), at_work)
        if self._story.finished is not None and self._shows_run():
            return self.outcome.headline
        missing = what_is_missing(self._project.project)
        return missing[0] if missing else "Ready to start."

    def closing(self) -> None:
        """Stop redrawing and listening."""
        self._timer.stop()

    # ---- what a person does --------------------------------------------------------------------------------------

    def on_primary(self) -> None:
        """Start, or lead on to the results."""
        finished = self._story.finished
        if finished is not None and finished.outcome in ("completed", "kept") and self._shows_run():
            self.forward.emit()
        else:
            self.start()

    def start(self) -> None:
        """Start a run with the project's present choices."""
        if self.running:
            return
        missing = what_is_missing(self._project.project)
        if missing:
            self.told.emit("warning", " ".join(missing), "")
            return
        folder = self._project.new_run_folder()
        self._story = RunStory()
        config = self._configured(folder)
        if isinstance(config, CompareConfig):
            self._begin_comparison(config)
        else:
            self._begin(config, resume=False)

    def go_on(self) -> None:
        """Go on where the run or the comparison shown stood, or the one that ended unexpectedly."""
        if self.running or self._config is None:
            return
        if isinstance(self._config, CompareConfig):
            self._begin_comparison(self._config)
        else:
            if not self._story.stages:
                stages = any_method_info(self._config.method).stages
                self._story.recall(read_course(Path(self._config.run), stages))
            self._begin(self._config, resume=True)

    def toggle_pause(self) -> None:
        """Pause, or resume."""
        if self._story.paused:
            self._ask("resume", _GOING_ON)
        else:
            self._ask("pause", _PAUSING)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pauses and resumes wherever it does not press something else."""
        if event.key() == Qt.Key.Key_Space and self.running and not event.isAutoRepeat():
            self.toggle_pause()
        else:
            super().keyPressEvent(event)

    # ---- the run -------------------------------------------------------------------------------------------------

    @property
    def _comparing(self) -> bool:
        return isinstance(self._config, CompareConfig)

    def _begin(self, config: AnyRunConfig, *, resume: bool) -> None:
        entry = RunEntry(folder=config.run, method=config.method, seed=config.seed, started=_now(), outcome="running")
        others = tuple(run for run in self._project.project.runs if run.folder != config.run)
        job: Adapt | Distill
        if isinstance(config, DistillConfig):
            job = Distill(config=config, resume=resume)
        else:
            job = Adapt(config=config, resume=resume)
        self._set_out(config, job, runs=(*others, entry))

    def _begin_comparison(self, config: CompareConfig) -> None:
        entry = ComparisonEntry(folder=config.output, started=_now(), outcome="running")
        others = tuple(other for other in self._project.project.comparisons if other.folder != config.output)
        self._set_out(config, Compare(config=config), comparisons=(*others, entry))

    def _set_out(self, config: Config, job: Adapt | Compare | Distill, **entries: object) -> None:
        self._config = config
        self._asked = _WAITING if self._worker.busy else ""
        self._story.begin()
        self._job = self._worker.submit(job)
        self._project.update(**entries)
        self._build_charts()
        self._arrange()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._redraw()
        self._timer.start()
        self.running_changed.emit(True)

    def _ask(self, command: Command, words: str) -> None:
        if not self.running:
            return
        self._worker.ask(command, self._job)
        self._asked = words
        self._keep_focus()  # the buttons can't be pressed until it has happened
        self._arrange()
        self.status.show_story(self._story, self._asked)

    def _keep_focus(self) -> bool:
        """Take the focus from the run's buttons to the page; False if it was elsewhere."""
        buttons = (self.pause_button, self.keep_button, self.stop_button, self.alarm_button)
        if not any(button.hasFocus() for button in buttons):
            return self.hasFocus()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

    def _stop_and_keep(self) -> None:
        self._ask("stop_keep", "Stopping, and keeping what was learned…")

    def _hear(self, number: int, event: Event) -> None:
        if not self._job or number != self._job:
            return
        paused = self._story.paused
        self._story.take(event)
        if self._story.paused != paused or self._asked == _WAITING:
            self._asked = ""
            self._arrange()
        if isinstance(event, Alarm | TrainingStarted):
            self._arrange()
        if isinstance(event, Compared):
            self._take_table(event.report)
        if isinstance(event, Alarm) and event.standing and not self.isVisible() and not self._comparing:
            self.told.emit("warning", f"{event.what} {event.do}", event.why)
        if isinstance(event, Finished):
            self._end(event)

    def _take_table(self, report: CompareReport) -> None:
        """Runs that are complete now belong to the project like any other."""
        known = {run.folder for run in self._project.project.runs}
        new = [run for run in report.runs if run.state == "completed" and run.folder not in known]
        entries = [
            RunEntry(folder=run.folder, method=run.method, seed=run.seed, started=_now(), outcome="completed")
            for run in new
        ]
        self._project.update(runs=(*self._project.project.runs, *entries))
        self.compared.emit(report)

    def _show_table(self, story: RunStory) -> None:
        if story.comparison is not None:
            self.table.show_report(story.comparison)

    def _end(self, event: Finished) -> None:
        self._job = 0
        self._asked = ""
        self._choices = self._wanted()
        assert self._config is not None
        if isinstance(self._config, CompareConfig):
            outcome: RunOutcome = "stopped" if event.outcome == "kept" else event.outcome
            self._project.update(comparisons=_comparisons_with(self._project.project, self._config.output, outcome))
            self._tell_comparison(event)
        else:
            self._project.update(runs=_with_outcome(self._project.project, self._config.run, event.outcome))
            self._tell_outcome(event, self._config)
        had_focus = self._keep_focus()
        self._arrange()
        if had_focus:
            self.primary.setFocus(Qt.FocusReason.OtherFocusReason)
        self._redraw()
        if not self.isVisible():
            self.told.emit(self.outcome.severity, f"{self.outcome.headline} {self.outcome.text}".strip(), "")
        self.running_changed.emit(False)

    def _tell_comparison(self, event: Finished) -> None:
        report = event.result if isinstance(event.result, CompareReport) else None
        self.go_on_button.setVisible(event.outcome != "completed")
        self.go_on_button.setText("&Go on with the comparison")
        if event.problem is not None:
            self.outcome.say_problem(event.problem)
        elif report is None:
            self.outcome.say("note", "Stopped before the first run.", "You can go on at any time.")
        elif report.stopped_early:
            complete = counted(sum(run.state == "completed" for run in report.runs), "run")
            text = f"{comparison_in_words(report)} You can go on at any time."
            self.outcome.say("note", f"Stopped; {complete} of {len(report.runs)} complete and kept.", text)
        else:
            failed = _failed_in_words(report)
            severity: Severity = "warning" if failed else "good"
            self.outcome.say(severity, "The comparison is complete.", f"{comparison_in_words(report)} {failed}".strip())
            self.go_on_button.setVisible(bool(failed))
            self.go_on_button.setText("&Try what failed again")

    def _tell_outcome(self, event: Finished, config: AnyRunConfig) -> None:
        can_go_on = event.outcome in ("stopped", "failed") and has_checkpoint(Path(config.run))
        self.go_on_button.setVisible(can_go_on)
        self.go_on_button.setText("&Go on from the last checkpoint")
        if event.problem is not None:
            self.outcome.say_problem(event.problem)
        elif isinstance(event.result, AdaptReport | DistillReport):
            verdict = judge(event.result) if isinstance(event.result, AdaptReport) else judge_clips(event.result)
            severity = "note" if verdict.tone == "neutral" else verdict.tone
            self.outcome.say(severity, verdict.headline, verdict.explanation)
        else:
            words = (
                "You can go on from the last checkpoint at any time." if can_go_on else "Nothing had been saved yet."
            )
            if isinstance(config, DistillConfig) and set(self._story.stages) == {0} and _has_teacher_stage(config):
                words = f"The teacher was still learning, so there is no student to keep. {words}"
            self.outcome.say("note", "Stopped without a result.", words)

    def _offer_to_go_on(self) -> None:
        """The last run was stopped or failed; one still marked as running, though nobody works at it, has crashed."""
        runs = self._project.project.runs
        comparison = self._project.project.latest_comparison()
        if comparison is not None:
            self._offer_to_go_on_comparing(comparison)
            return
        if not runs or runs[-1].outcome not in ("running", "stopped", "failed"):
            return
        last = runs[-1]
        folder = Path(last.folder)
        crashed = last.outcome == "running"
        if crashed:
            self._project.update(runs=_with_outcome(self._project.project, last.folder, "failed"))
        can_go_on = has_checkpoint(folder)
        try:
            is_video = self._project.project.kind == "video"
            config = read_clip_record(folder).config if is_video else read_record(folder).config
        except UsageError as error:
            if crashed:
                self.go_on_button.hide()
                self.outcome.say("warning", "The last run ended unexpectedly.", str(error), error.details)
            return
        if not crashed and not can_go_on:
            return
        self._config = config
        how = {"running": "ended unexpectedly", "stopped": "was stopped", "failed": "failed"}[last.outcome]
        self.go_on_button.setVisible(can_go_on)
        self.outcome.say(
            "warning" if crashed else "note",
            f"The last run ({method_title(config.method)}) {how}.",
            "It can go on from its last checkpoint, or you can start anew."
            if can_go_on
            else "It had not saved a checkpoint yet, so it has to be started anew.",
        )

    def _offer_to_go_on_comparing(self, last: ComparisonEntry) -> None:
        crashed = last.outcome == "running"
        if crashed:
            self._project.update(comparisons=_comparisons_with(self._project.project, last.folder, "failed"))
        try:
            record = read_comparison(Path(last.folder))
        except UsageError as error:
            self.go_on_button.hide()
            if crashed:
                self.outcome.say("warning", "The last comparison ended unexpectedly.", str(error), error.details)
            return
        if last.outcome == "completed":
            if failed := _failed_in_words(record.report):
                self._config = record.config
                self.go_on_button.setText("&Try what failed again")
                self.outcome.say("note", "Not every run of the last comparison is complete.", failed)
            return
        self._config = record.config
        self.go_on_button.setText("&Go on with the comparison")
        how = {"running": "ended unexpectedly", "failed": "failed"}.get(last.outcome, "was stopped")
        complete = sum(run.state == "completed" for run in record.report.runs)
        self.outcome.say(
            "warning" if crashed else "note",
            f"The last comparison {how}.",
            f"{complete} of {counted(len(record.report.runs), 'run')} complete and kept. It can go on from there, or "
            "you can start anew.",
        )

    # ---- what is shown -------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Bring everything up to date."""
        self._redraw()

    def showEvent(self, event: QShowEvent) -> None:
        """Redraw while in sight only."""
        super().showEvent(event)
        if self.running:
            self._timer.start()
        self._redraw()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop redrawing; the story goes on being told."""
        super().hideEvent(event)
        self._timer.stop()

    def _build_charts(self) -> None:
        """The first chart brings pyqtgraph with it, which the window does not wait for at its start."""
        if self._charts.count():
            return
        from bandbridge.gui.widgets.loss_chart import LossChart

        losses = LossChart(self._theme)
        self._charts.addWidget(losses)
        self._panels += [Panel("losses", losses, losses.show_story), *self._make_other_charts(self._charts)]
        self._charts.setSizes([10_000, 10_000])  # equal parts of what there is

    def _make_other_charts(self, row: QSplitter) -> list[Panel]:
        """Fill the place right of the losses."""
        from bandbridge.gui.widgets.gap_panel import GapPanel

        gap = GapPanel(self._theme)
        row.addWidget(gap)
        return [Panel("gap", gap, gap.show_story)]

    def _redraw(self) -> None:
        """Draw all that has changed and can be seen."""
        if not self.running:
            self._timer.stop()
        for panel in self._panels:
            if panel.is_due(self._story):
                panel.draw(self._story)

    def _redraw_one(self) -> None:
        """Draw one changed panel, the one that has waited longest: several at once would be felt."""
        now = time.monotonic()
        due = [p for p in self._panels if now - p.drawn_at >= _REDRAW_S and p.is_due(self._story)]
        if due:
            min(due, key=lambda panel: panel.drawn_at).draw(self._story)
        elif now - self._status_panel.drawn_at >= _CLOCK_S and self._status_panel.can_be_seen():
            self._status_panel.draw(self._story)  # time goes on though the worker says nothing

    def _shows_run(self) -> bool:
        """Whether the page shows a run rather than what a run would do: until other choices are made."""
        if self.running:
            return True
        return self._story.finished is not None and self._choices == self._wanted()

    def _wanted(self) -> Config:
        """What the project's present choices would run."""
        return self._configured("")

    def _configured(self, folder: str) -> Config:
        project = self._project.project
        if project.comparing:
            return project.to_compare_config(folder)
        return project.to_distill_config(folder) if project.kind == "video" else project.to_run_config(folder)

    def _follow(self) -> None:
        if not self.running:
            self.summary.show_project(self._project.project)
        self._arrange()

    def _arrange(self) -> None:
        """Show what belongs to before, during or after a run."""
        shows_run = self._shows_run()
        finished = self._story.finished if shows_run else None
        has_result = finished is not None and finished.outcome in ("completed", "kept")
        crashed = self._story.finished is None and not self.running and bool(self.outcome.headline)
        self.help_label.setVisible(not shows_run)
        self.summary.setVisible(not shows_run)
        self._waiting.setVisible(not shows_run)
        self.outcome.setVisible(finished is not None or crashed)
        self._show_alarms(shows_run)
        self.status.setVisible(shows_run)
        self._charts.setVisible(shows_run and (self.running or not self._comparing))
        self._lower.setVisible(shows_run and not self._comparing)
        self.table.setVisible(shows_run and self._comparing and (self.running or self._story.comparison is not None))
        for button in (self.pause_button, self.keep_button, self.stop_button):
            button.setVisible(self.running)
            button.setEnabled(not self._asked)
        self.stop_button.setEnabled(self._asked in ("", _PAUSING, _GOING_ON))  # pausing may take a while
        if self._comparing:
            self.keep_button.hide()
        tip = "Ends now; complete runs are kept. You can go on later." if self._comparing else _STOP_TIP
        self.stop_button.setToolTip(tip)
        self._waiting.setText(_BEFORE_COMPARING if self._project.project.comparing else self.before_a_run)
        what = "comparison" if self._project.project.comparing else self.doing
        self.pause_button.setText("&Resume" if self._story.paused else "&Pause")
        if self.running or has_result:
            self.primary.setText("See &results")
        else:
            self.primary.setText("&Start again" if shows_run else f"&Start {what}")
        self.primary.setEnabled(has_result or not (self.running or what_is_missing(self._project.project)))
        self.again_button.setVisible(has_result)
        self._paint_icons()
        self.state_changed.emit()

    def _show_alarms(self, shows_run: bool) -> None:
        """A standing banner while an alarm stands; of several the gravest leads."""
        alarms = sorted(self._story.alarms.values(), key=lambda alarm: alarm.kind != "collapse")
        if not alarms or not shows_run:
            self.alarm.hide()
            return
        first, others = alarms[0], alarms[1:]
        words = [first.why, *(f"{alarm.what} {alarm.why}" for alarm in others), first.do]
        self.alarm.say("error" if first.kind == "collapse" else "warning", first.what, " ".join(words))
        self.alarm_button.setVisible(self.running and not self._comparing)
        self.alarm_button.setEnabled(not self._asked)

    def _paint_icons(self) -> None:
        self.pause_button.setIcon(self._theme.icon("play" if self._story.paused else "pause"))
        self.keep_button.setIcon(self._theme.icon("keep"))
        self.stop_button.setIcon(self._theme.icon("stop", "error"))


def _has_teacher_stage(config: DistillConfig) -> bool:
    return len(any_method_info(config.method).stages) > 1


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")


def _comparisons_with(project: Project, folder: str, outcome: RunOutcome) -> tuple[ComparisonEntry, ...]:
    return tuple(replace(one, outcome=outcome) if one.folder == folder else one for one in project.comparisons)


def _failed_in_words(report: CompareReport) -> str:
    """Which methods failed, "" if none did."""
    failed = [method_title(entry.method) for entry in report.methods if entry.state == "failed"]
    return f"Failed: {', '.join(failed)}." if failed else ""


def _with_outcome(project: Project, folder: str, outcome: RunOutcome) -> tuple[RunEntry, ...]:
    return tuple(replace(run, outcome=outcome) if run.folder == folder else run for run in project.runs)
