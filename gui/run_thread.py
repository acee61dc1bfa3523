"""The thread between the window and a worker process: hands jobs over, brings events back, outlives the worker."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
from bandbridge.engine.api.control import Command
from bandbridge.engine.api.events import (
    CheckpointSaved,
    Event,
    Finished,
    Losses,
    Notice,
    Problem,
    Progress,
    Samples,
    TrainingStarted,
)
from bandbridge.engine.api.jobs import Adapt, Compare, Distill, Export, Job, Translate
from bandbridge.engine.api.launch import Ask, Message, Quit, Submit, start_worker
from bandbridge.engine.api.reading_board import forget, left_by
from PySide6.QtCore import QObject, QThread, Signal

FLUSH_INTERVAL_S = 0.1
"""Losses, progress and samples reach the window at most this often."""
STOP_PATIENCE_S = 5.0
"""How long a worker may take to stop before it is ended from outside."""
_QUIT_PATIENCE_S = 1.0
# How many workers of one job may die with the same image in hand, and which jobs would meet what they left at first.
_MOST_DEATHS = 3
_ONCE_ONLY = (Compare, Export, Translate)
_NOTICE_LINES = 20


class Mailbox:
    """Collects what a worker says and lets it out in order, a few times a second.

    Losses are joined, of progress and samples only the newest is kept, notices become one; all else stays as it is.
    """

    def __init__(self, interval_s: float = FLUSH_INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._pending: list[Event] = []
        self._notices_dropped = 0
        self._last_s = float("-inf")

    def put(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Losses):
            self._join_losses(event)
        elif isinstance(event, Notice):
            self._join_notice(event)
        else:
            if isinstance(event, Progress | Samples):
                self._pending = [old for old in self._pending if type(old) is not type(event)]
            self._pending.append(event)

    def due_in(self, now_s: float) -> float | None:
        """Seconds until something wants out; None if nothing waits."""
        if not self._pending:
            return None
        if any(isinstance(event, Finished) for event in self._pending):
            return 0.0
        return max(0.0, self._last_s + self._interval_s - now_s)

    def take(self, now_s: float) -> list[Event]:
        """What goes out now; empty while the interval has not passed."""
        due = self.due_in(now_s)
        if due is None or due > 0:
            return []
        taken, self._pending = self._pending, []
        self._notices_dropped = 0
        self._last_s = now_s
        return taken

    def _join_losses(self, event: Losses) -> None:
        for index in range(len(self._pending) - 1, -1, -1):
            old = self._pending[index]
            if isinstance(old, TrainingStarted):
                break
            if isinstance(old, Losses) and old.values.keys() == event.values.keys():
                self._pending[index] = replace(
                    event,
                    steps=np.concatenate([old.steps, event.steps]),
                    values={key: np.concatenate([old.values[key], event.values[key]]) for key in event.values},
                )
                return
        self._pending.append(event)

    def _join_notice(self, event: Notice) -> None:
        for index, old in enumerate(self._pending):
            if isinstance(old, Notice) and old.level == event.level:
                lines = old.text.splitlines()
                if len(lines) < _NOTICE_LINES:
                    lines.append(event.text)
                else:
                    self._notices_dropped += 1
                    lines = [*lines[:_NOTICE_LINES], f"and {self._notices_dropped} more like these."]
                self._pending[index] = replace(old, text="\n".join(lines))
                return
        self._pending.append(event)


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection

    def wait_until_ended(self, patience_s: float) -> bool:
        self.process.join(patience_s)
        return self.process.exitcode is not None

    def end(self, patience_s: float) -> None:
        """Ask, then terminate, then kill. Reads the pipe meanwhile, or a talking worker could not end."""
        is_ended_here = self.process.exitcode is None  # else it died by itself, and its board says over what
        process = self.process.pid
        deadline_s = time.monotonic() + patience_s
        with suppress(OSError, ValueError):
            self.connection.send(Quit())
        while time.monotonic() < deadline_s and self.process.exitcode is None:
            try:
                if self.connection.poll(0.05):
                    self.connection.recv_bytes()
            except (EOFError, OSError):
                break
        self.connection.close()
        if not self.wait_until_ended(max(0.0, deadline_s - time.monotonic())):
            self.process.terminate()
            if not self.wait_until_ended(1.0):
                self.process.kill()
                self.process.join()
        self.process.close()
        if is_ended_here and process is not None:
            forget(process)


@dataclass(slots=True)
class _Assignment:
    number: int
    job: Job
    checkpoint_step: int | None = None
    has_begun: bool = False  # to train: what was read before is not read again
    is_stopping: bool = False
    deaths: Counter[str] = field(default_factory=Counter)  # how often a file was in hand when a worker died of this job


class WorkerThread(QThread):
    """Supervises one worker process at a time and speaks to the window through one signal.

    Every job submitted ends in exactly one `Finished`, whatever happens to the worker: a death is told in words, and
    the next job gets a fresh worker. Jobs are handed over one by one, in order. All public methods may be called from
    the window's thread and return at once.

    Args:
        niceness: How far the worker steps back behind other processes, 0..19.
        start: Starts a worker; returns the process and this side's end of its pipe.
        parent: Qt parent.

    Signals:
        event: (job number, `engine.api.events.Event`), at most about twenty a second.
        idle: Nothing is being done and nothing waits.
    """

    # Shadows QObject.event, which nothing overrides here; Qt still reaches its own.
    event = Signal(int, object)  # type: ignore[assignment]
    idle = Signal()

    def __init__(
        self,
        *,
        niceness: int = 0,
        start: Callable[..., tuple[SpawnProcess, Connection]] = start_worker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("worker supervisor")
        self._niceness = niceness
        self._start_worker = start
        self._lock = threading.Lock()
        self._queue: deque[tuple[int, Job]] = deque()
        self._commands: deque[tuple[int | None, Command]] = deque()
        self._last_number = 0
        self._current = 0
        self._pid: int | None = None
        self._closing = False
        self._warm_up = False
        self._woken = False
        self._wake_out, self._wake_in = Pipe(duplex=False)
        # Touched by the thread alone:
        self._worker: _Worker | None = None
        self._at_work: _Assignment | None = None
        self._mailbox = Mailbox()
        self._stop_by_s: float | None = None

    # ---- called from the window's thread -------------------------------------------------------------------------

    @property
    def current(self) -> int:
        """Number of the job at work, 0 if none."""
        return self._current

    @property
    def busy(self) -> bool:
        """Whether a job is at work or waits."""
        with self._lock:
            return bool(self._current or self._queue)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, if one lives."""
        return self._pid

    def warm_up(self) -> None:
        """Start a worker ahead of the first job, so that this one need not wait for it."""
        with self._lock:
            self._warm_up = True
        self._wake()

    def submit(self, job: Job) -> int:
        """Queue a job.

        Returns:
            Its number, with which its events are marked; from 1 upwards.
        """
        with self._lock:
            if self._closing:
                raise RuntimeError("the thread is shutting down")
            self._last_number += 1
            number = self._last_number
            self._queue.append((number, job))
        self._wake()
        return number

    def ask(self, command: Command, number: int | None = None) -> None:
        """Pause, resume or stop.

        Args:
            command: What is wanted.
            number: The job meant; None is the one at work. A job that still waits is dropped by "stop" and
                "stop_keep"; one that is over already is left alone.
        """
        with self._lock:
            self._commands.append((number, command))
        self._wake()

    def shutdown(self) -> None:
        """Stop everything and end the worker; returns at once, `finished` is emitted when it is done."""
        with self._lock:
            self._closing = True
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            woken, self._woken = self._woken, True
        if not woken:
            self._wake_in.send_bytes(b"!")
        if not self.isRunning() and not (self._closing and not self._queue):
            self.start()

    # ---- in the thread ------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Supervise until `shutdown`."""
        try:
            while self._take_orders():
                self._wait()
                self._deliver()
        finally:
            if self._worker is not None:
                self._worker.end(_QUIT_PATIENCE_S)
                self._worker, self._pid = None, None

    def _take_orders(self) -> bool:
        """Do what the window asked for since the last look; False when all is over."""
        with self._lock:
            commands = list(self._commands)
            self._commands.clear()
            closing, warm_up = self._closing, self._warm_up and not self._closing
            self._warm_up = False
            unwanted = {number for number, command in commands if command in ("stop", "stop_keep")}
            dropped = [entry for entry in self._queue if closing or entry[0] in unwanted]
            self._queue = deque(entry for entry in self._queue if entry not in dropped)
            upcoming = self._queue.popleft() if self._at_work is None and self._queue else None
            if upcoming is not None:
                self._current = upcoming[0]
        for number, _ in dropped:
            self.event.emit(number, Finished(outcome="stopped"))
        if self._worker is None and (upcoming is not None or warm_up):
            self._start_fresh(upcoming)
        if upcoming is not None and self._worker is not None:
            self._at_work = _Assignment(*upcoming)
            self._send(Submit(self._at_work.job))
        if self._at_work is not None:
            for meant, command in commands:
                if meant in (None, self._at_work.number):
                    self._at_work.is_stopping |= command in ("stop", "stop_keep")
                    self._send(Ask(command))
            if closing and self._stop_by_s is None:
                self._send(Ask("stop"))
                self._stop_by_s = time.monotonic() + STOP_PATIENCE_S
        elif dropped:
            self.idle.emit()
        return self._at_work is not None or not closing

    def _start_fresh(self, upcoming: tuple[int, Job] | None) -> None:
        try:
            self._worker = _Worker(*self._start_worker(niceness=self._niceness))
            self._pid = self._worker.process.pid
        except (OSError, RuntimeError) as error:
            if upcoming is None:
                return  # only a warm-up; the first job will tell
            self._at_work = _Assignment(*upcoming)
            problem = Problem(
                what="The process that does the work could not be started.",
                why="The system refused it, perhaps for lack of memory.",
                do="Close other programs and try again.",
                details=repr(error),
            )
            self._mailbox.put(Finished(outcome="failed", problem=problem))

    def _send(self, message: Message) -> None:
        if self._worker is not None:
            with suppress(OSError):  # a dead worker is noticed when listening
                self._worker.connection.send(message)

    def _wait(self) -> None:
        """Sleep until the window, the worker or the clock wants something; then listen to the worker."""
        now_s = time.monotonic()
        due = [self._mailbox.due_in(now_s), None if self._stop_by_s is None else self._stop_by_s - now_s]
        sources: list[Connection | int] = [self._wake_out]
        if self._worker is not None:
            sources += [self._worker.connection, self._worker.process.sentinel]
        ready = wait(sources, min((max(t, 0.0) for t in due if t is not None), default=None))
        if self._wake_out in ready:
            self._wake_out.recv_bytes()
            with self._lock:
                self._woken = False
        if self._worker is None:
            return
        problem = self._listen(self._worker) if len(ready) > (self._wake_out in ready) else None
        in_hand: tuple[str, ...] = ()
        if problem is not None and self._pid is not None:
            in_hand = left_by(self._pid)
        if problem is None and self._stop_by_s is not None and time.monotonic() > self._stop_by_s:
            problem = Problem(what="The work did not stop in time and was ended.")
        if problem is not None:
            self._worker.end(0.0)
            self._worker, self._pid = None, None
            if self._at_work is not None and not self._try_again(self._at_work, in_hand):
                often = max((self._at_work.deaths[file] for file in in_hand), default=0)
                blamed = tuple(file for file in in_hand if self._at_work.deaths[file] == often)
                self._mailbox.put(Finished(outcome="failed", problem=_with_files(problem, blamed)))

    def _try_again(self, work: _Assignment, in_hand: tuple[str, ...]) -> bool:
        """Give a job whose worker died over an image to a fresh one, which tries what was in hand in a safe place."""
        work.deaths.update(in_hand)
        # What is to blame by itself is not read again; what is in hand time after time does its harm beside others.
        is_worth_it = bool(in_hand) and max(work.deaths.values()) < _MOST_DEATHS
        if not is_worth_it or work.has_begun or work.is_stopping or isinstance(work.job, _ONCE_ONLY):
            return False
        if self._stop_by_s is not None:
            return False
        self._start_fresh(None)
        if self._worker is None:
            return False
        text = (
            f"The process that does the work ended while it was reading {_named(in_hand)}. It starts again, tries "
            f"{'that image' if len(in_hand) == 1 else 'each of them'} by itself first, and leaves out what is to blame."
        )
        self._mailbox.put(Notice(level="warning", text=text))
        self._send(Submit(work.job))
        return True

    def _listen(self, worker: _Worker) -> Problem | None:
        """Read all that lies in the pipe; tells what happened if the worker is gone without an answer."""
        details = ""
        try:
            while worker.connection.poll(0):
                event = worker.connection.recv()
                if self._at_work is None:
                    continue  # last words between two jobs concern nobody
                self._mailbox.put(event)
                if isinstance(event, CheckpointSaved):
                    self._at_work.checkpoint_step = event.step
                self._at_work.has_begun |= isinstance(event, CheckpointSaved | TrainingStarted)
                if isinstance(event, Finished):
                    return None
            if worker.process.exitcode is None:
                return None
        except (EOFError, OSError):
            worker.wait_until_ended(_QUIT_PATIENCE_S)
        except Exception as error:  # a broken message: this worker cannot be trusted any more
            details = f"Unreadable message from the worker: {error!r}"
        return _death_in_words(worker.process.exitcode, self._at_work, details)

    def _deliver(self) -> None:
        for event in self._mailbox.take(time.monotonic()):
            if self._at_work is None:
                continue
            number = self._at_work.number
            is_idle = False
            if isinstance(event, Finished):
                self._at_work = None
                self._stop_by_s = None
                with self._lock:
                    self._current = 0
                    is_idle = not self._queue
            self.event.emit(number, event)
            if is_idle:
                self.idle.emit()


def _named(files: tuple[str, ...]) -> str:
    names = [f"'{Path(file).name}'" for file in files]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _with_files(problem: Problem, in_hand: tuple[str, ...]) -> Problem:
    """The problem of a worker that died, with the images it was reading."""
    if not in_hand:
        return problem
    paths = "\n".join(in_hand)
    return replace(
        problem,
        why=f"{problem.why} It was reading {_named(in_hand)}.",
        do=f"Start it again, or leave out {'that image' if len(in_hand) == 1 else 'these images'} if it comes back.",
        details=f"{problem.details}\nin hand:\n{paths}",
    )


def _death_in_words(exit_code: int | None, assignment: _Assignment | None, details: str) -> Problem:
    what = "The process that does the work has ended unexpectedly."
    again = "Try again"
    if assignment is not None and isinstance(assignment.job, Adapt | Distill):
        step = assignment.checkpoint_step
        what += f" The last checkpoint{'' if step is None else f' (step {step})'} is kept"
        what += ", if there was one." if step is None and not assignment.job.resume else "."
        again = "Go on from the last checkpoint"
    if assignment is not None and isinstance(assignment.job, Compare):
        what += " The runs that are complete are kept."
        again = "Go on with the comparison"
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else f"signal {-exit_code}"
        details = details or f"worker ended by {name}"
        why = f"It crashed or was ended from outside ({name})."
        if name == "SIGKILL":
            why = "The system ended it, most often because memory ran out."
            return Problem(what=what, why=why, do=f"Close other programs. {again}.", details=details)
    else:
        details = details or f"worker ended with exit code {exit_code}"
        why = "It ended without an answer."
    return Problem(what=what, why=why, do=f"{again}; if it happens again, please report the details.", details=details)
