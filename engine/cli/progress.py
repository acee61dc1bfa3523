"""Telling on a terminal how far the work is: a line that changes, or lines now and then where there is none."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, TextIO

from bandbridge.engine.api.events import Compared, EpochEnd, Event, Losses, Notice, Progress, TrainingStarted
from bandbridge.engine.api.measures import leading, measure
from bandbridge.engine.api.reports import Alarm, ComparedRun
from bandbridge.engine.api.rounding import in_percent
from bandbridge.engine.api.video_catalogue import any_method_info
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar


class Reporter(Protocol):
    """Takes the engine's events; entered before the work and left after it."""

    def __enter__(self) -> Reporter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def emit(self, event: Event) -> None:
        """Take one event."""
        ...

    def say(self, text: str) -> None:
        """Say a sentence."""
        ...


def reporter(stream: TextIO | None = None) -> Reporter:
    """The reporter that suits where the words go; the error stream if not given."""
    stream = stream or sys.stderr
    return BarReporter(stream) if stream.isatty() else LineReporter(stream)


class _Story:
    """Those events that are worth a line of their own, as sentences."""

    def __init__(self) -> None:
        self._epochs = 0
        self._states: dict[str, str] | None = None  # of a comparison's runs, by folder

    def line(self, event: Event) -> str | None:
        if isinstance(event, Compared):
            return self._of_comparison(event)
        if self._states is not None and not isinstance(event, Notice):
            return None  # a comparison tells a line a run, not a line an epoch
        if isinstance(event, Notice):
            return f"Warning: {event.text}" if event.level == "warning" else event.text
        if isinstance(event, TrainingStarted):
            self._epochs = round(event.steps / max(event.steps_per_epoch, 1))
            amount = f"{counted(event.steps, 'step')} in {counted(self._epochs, 'epoch')}"
            begun = f", going on after step {event.first_step}" if event.first_step else ""
            name = event.stage
            if len(event.stages) > 1:
                name = f"Stage {event.number + 1} of {len(event.stages)}, {name}"
            return f"{name}: {amount} on {event.device}{begun}"
        if isinstance(event, EpochEnd):
            of = f" of {self._epochs}" if self._epochs else ""
            agreement = event.held_out_agreement
            held_out = "" if agreement is None else f", agreement on held-out pairs {in_percent(agreement)}%"
            found = "".join(f", {measure(key).within} {in_percent(value)}%" for key, value in event.measured.items())
            return f"Epoch {event.epoch}{of}: confidence {in_percent(event.mean_confidence)}%{held_out}{found}"
        if isinstance(event, Alarm):
            return f"Alarm: {event.what} {event.why} {event.do}" if event.standing else f"No longer: {event.what}"
        return None

    def _of_comparison(self, event: Compared) -> str | None:
        """What became of runs since the last look."""
        former, self._states = self._states, {run.folder: run.state for run in event.report.runs}
        ended = [
            run
            for run in event.report.runs
            if run.state in ("completed", "failed", "unfit") and (former or {}).get(run.folder) != run.state
        ]
        if former is None and any(run.state == "completed" for run in ended):
            complete = [run for run in ended if run.state == "completed"]
            ended = [run for run in ended if run.state != "completed"]
            return "\n".join([f"{counted(len(complete), 'run')} complete already", *map(_ended, ended)])
        return "\n".join(map(_ended, ended)) or None


def _ended(run: ComparedRun) -> str:
    """What a run of a comparison came to, in a line."""
    name = f"{any_method_info(run.method).title}, seed {run.seed}"
    if run.state != "completed":
        return f"{name}: {'failed' if run.state == 'failed' else 'does not fit'}. {run.problem}"
    key = leading(run.values)
    found = [f"{measure(key).within} {in_percent(run.values[key])}%"] if key else []
    alarms = "".join(f" Alarm: {alarm}" for alarm in run.alarms)
    if "seconds" in run.values:
        found.append(duration(run.values["seconds"]))
    return f"{name}: {', '.join(found) or 'complete'}{alarms}"


class LineReporter:
    """A line where something new begins, and otherwise one every `SECONDS_BETWEEN_LINES`."""

    SECONDS_BETWEEN_LINES = 10.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._story = _Story()
        self._title = ""
        self._spoken = time.monotonic()

    def __enter__(self) -> LineReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def say(self, text: str) -> None:
        """Say a sentence."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def emit(self, event: Event) -> None:
        """Take one event."""
        line = self._story.line(event)
        if line is not None:
            self.say(line)
        if not isinstance(event, Progress):
            return
        now = time.monotonic()
        if event.title != self._title:
            self._title = event.title
            self._spoken = now
            if event.unit != "step":  # `TrainingStarted` said so already
                self.say(event.title)
        elif now - self._spoken >= self.SECONDS_BETWEEN_LINES:
            self._spoken = now
            self.say(f"  {_amount(event)}")


class BarReporter:
    """One line that changes, under the lines that stay."""

    def __init__(self, stream: TextIO) -> None:
        console = Console(file=stream, highlight=False, markup=False)
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("Starting", total=None, detail="")
        self._story = _Story()
        self._speed = ""

    def __enter__(self) -> BarReporter:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Say a sentence."""
        self._bar.console.print(text)

    def emit(self, event: Event) -> None:
        """Take one event."""
        line = self._story.line(event)
        if line is not None:
            self.say(line)
        if isinstance(event, Losses):
            total = event.values.get("total")
            loss = f"loss {float(total[-1]):.3f}, " if total is not None and len(total) else ""
            self._speed = f"{loss}{event.images_per_second:.0f} images/s"
        elif isinstance(event, Progress):
            share = event.fraction
            if share is None and event.total:
                share = event.done / event.total
            parts = (_amount(event), self._speed if event.unit == "step" else "")
            self._bar.update(
                self._task,
                description=event.title,
                total=None if share is None else 1.0,
                completed=share or 0.0,
                detail=", ".join(part for part in parts if part),
            )


def _amount(event: Progress) -> str:
    """E.g. "120 of 400 images, 2 min left"."""
    parts = []
    if event.total:
        parts.append(f"{event.done} of {event.total} {event.unit}{'s' if event.unit else ''}".strip())
    elif event.done:
        parts.append(f"{event.done} {event.unit}{'s' if event.unit else ''}".strip())
    if event.seconds_left is not None:
        parts.append(f"{duration(event.seconds_left)} left")
    return ", ".join(parts)


def counted(number: int, noun: str) -> str:
    """E.g. "1 image", "2 images"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A length of time for people, e.g. "45 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
