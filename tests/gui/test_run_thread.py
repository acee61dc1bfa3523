"""The thread between window and worker: every job ends exactly once, whatever happens to the worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest
from bandbridge.engine.api.config import DistillConfig, RunConfig
from bandbridge.engine.api.events import CheckpointSaved, Event, Finished, Losses, Notice, Progress, TrainingStarted
from bandbridge.engine.api.jobs import Adapt, Distill, ScanFolder
from bandbridge.gui.errand import Errand
from bandbridge.gui.run_thread import Mailbox, WorkerThread
from pytestqt.qtbot import QtBot


def losses(step: int, *names: str) -> Losses:
    values = {name: np.array([float(step)], np.float32) for name in names or ("total",)}
    return Losses(steps=np.array([step]), values=values, images_per_second=step, memory_mb=step)


class Log:
    """What a thread has said so far."""

    def __init__(self, thread: WorkerThread) -> None:
        self.events: list[tuple[int, Event]] = []
        thread.event.connect(lambda number, event: self.events.append((number, event)))

    def finished(self, number: int) -> list[Finished]:
        return [event for n, event in self.events if n == number and isinstance(event, Finished)]

    def has_finished(self, number: int) -> Callable[[], bool]:
        return lambda: bool(self.finished(number))


def test_mailbox_joins_losses_and_keeps_the_newest_progress() -> None:
    box = Mailbox(interval_s=1.0)
    box.put(losses(1))
    assert len(box.take(10.0)) == 1
    for step in range(2, 5):
        box.put(losses(step))
        box.put(Progress(title="x", done=step))
    assert box.take(10.5) == []
    joined, progress = box.take(11.0)
    assert isinstance(joined, Losses)
    assert joined.steps.tolist() == joined.values["total"].tolist() == [2, 3, 4]
    assert joined.images_per_second == 4
    assert progress == Progress(title="x", done=4)


def test_mailbox_never_joins_losses_of_two_stages() -> None:
    box = Mailbox(interval_s=1.0)
    started = TrainingStarted(stage="B", steps=1, steps_per_epoch=1, device="", terms=("total",))
    for event in (losses(1), started, losses(1), losses(2, "other"), Finished(outcome="stopped")):
        box.put(event)
    assert [type(event).__name__ for event in box.take(0.0)] == [
        "Losses",
        "TrainingStarted",
        "Losses",
        "Losses",
        "Finished",
    ]


def test_mailbox_keeps_many_notices_readable() -> None:
    box = Mailbox(interval_s=1.0)
    for number in range(50):
        box.put(Notice(level="warning", text=f"file {number}"))
    (notice,) = box.take(0.0)
    assert isinstance(notice, Notice)
    lines = notice.text.splitlines()
    assert lines[0] == "file 0"
    assert lines[-1] == "and 30 more like these."
    assert len(lines) == 21


def test_a_flood_reaches_the_window_as_a_trickle(qtbot: QtBot, scripted_desk: WorkerThread) -> None:
    log = Log(scripted_desk)
    scripted_desk.warm_up()
    began = time.monotonic()
    number = scripted_desk.submit(ScanFolder(folder="do:flood"))
    qtbot.waitUntil(log.has_finished(number), timeout=20_000)
    seconds = time.monotonic() - began
    assert len(log.events) <= 30 * seconds + 5
    steps = np.concatenate([event.steps for _, event in log.events if isinstance(event, Losses)])
    assert steps.tolist() == list(range(5000))
    assert isinstance(log.events[-1][1], Finished)


def test_jobs_are_done_in_order_and_idle_is_told_once(qtbot: QtBot, scripted_desk: WorkerThread) -> None:
    log = Log(scripted_desk)
    with qtbot.waitSignal(scripted_desk.idle, timeout=10_000):
        numbers = [scripted_desk.submit(ScanFolder(folder=name)) for name in ("a", "b", "c")]
    assert [number for number, _ in log.events] == numbers
    assert [event.result.folder for _, event in log.events] == ["a", "b", "c"]  # type: ignore[union-attr]
    assert not scripted_desk.busy


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
@pytest.mark.parametrize(
    "job",
    [
        Adapt(config=RunConfig(sources=("m",), target="t", run="r")),
        Distill(config=DistillConfig(clips="c", run="r")),
    ],
)
def test_a_killed_run_is_told_in_words_and_the_next_gets_a_fresh_worker(
    qtbot: QtBot, scripted_desk: WorkerThread, job: Adapt | Distill
) -> None:
    log = Log(scripted_desk)
    number = scripted_desk.submit(job)
    qtbot.waitUntil(lambda: any(isinstance(event, CheckpointSaved) for _, event in log.events), timeout=10_000)
    pid = scripted_desk.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(log.has_finished(number), timeout=10_000)
    (finished,) = log.finished(number)
    assert finished.outcome == "failed"
    assert finished.problem is not None
    assert "ended unexpectedly" in finished.problem.what
    assert "last checkpoint (step 12) is kept" in finished.problem.what
    assert "memory" in finished.problem.why
    assert finished.problem.do
    again = scripted_desk.submit(ScanFolder(folder="a"))
    qtbot.waitUntil(log.has_finished(again), timeout=10_000)
    assert log.finished(again)[0].outcome == "completed"
    assert scripted_desk.worker_pid != pid


def test_a_worker_that_ends_without_a_word(qtbot: QtBot, scripted_desk: WorkerThread) -> None:
    log = Log(scripted_desk)
    first, second = scripted_desk.submit(ScanFolder(folder="do:exit")), scripted_desk.submit(ScanFolder(folder="a"))
    qtbot.waitUntil(log.has_finished(second), timeout=10_000)
    (finished,) = log.finished(first)
    assert finished.problem is not None
    assert "checkpoint" not in finished.problem.what
    assert "exit code 3" in finished.problem.details
    assert log.finished(second)[0].outcome == "completed"


def test_a_worker_that_cannot_be_started(qtbot: QtBot) -> None:
    def refuse(*, niceness: int) -> None:
        raise OSError("no more processes")

    thread = WorkerThread(start=refuse)
    log = Log(thread)
    number = thread.submit(ScanFolder(folder="a"))
    qtbot.waitUntil(log.has_finished(number), timeout=10_000)
    (finished,) = log.finished(number)
    assert finished.problem is not None
    assert "could not be started" in finished.problem.what
    assert not thread.busy
    thread.shutdown()
    assert thread.wait(5000)


def test_stop_reaches_the_job_at_work_and_drops_one_that_waits(qtbot: QtBot, scripted_desk: WorkerThread) -> None:
    log = Log(scripted_desk)
    first, second = scripted_desk.submit(ScanFolder(folder="do:wait")), scripted_desk.submit(ScanFolder(folder="b"))
    scripted_desk.ask("stop", second)
    qtbot.waitUntil(log.has_finished(second), timeout=10_000)
    assert log.finished(second)[0].outcome == "stopped"
    assert not log.finished(first)
    scripted_desk.ask("stop", first)
    qtbot.waitUntil(log.has_finished(first), timeout=10_000)
    assert log.finished(first)[0].outcome == "stopped"


def test_a_stop_meant_for_a_past_job_does_not_hit_the_next(qtbot: QtBot, scripted_desk: WorkerThread) -> None:
    log = Log(scripted_desk)
    first = scripted_desk.submit(ScanFolder(folder="a"))
    qtbot.waitUntil(log.has_finished(first), timeout=10_000)
    second = scripted_desk.submit(ScanFolder(folder="do:flood"))
    scripted_desk.ask("stop", first)
    qtbot.waitUntil(log.has_finished(second), timeout=20_000)
    assert log.finished(second)[0].outcome == "completed"


def test_shutdown_ends_a_worker_that_does_not_listen(
    qtbot: QtBot, scripted_desk: WorkerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandbridge.gui.run_thread.STOP_PATIENCE_S", 0.3)
    log = Log(scripted_desk)
    number = scripted_desk.submit(ScanFolder(folder="do:deaf"))
    qtbot.waitUntil(lambda: scripted_desk.worker_pid is not None, timeout=10_000)
    scripted_desk.shutdown()
    assert scripted_desk.isRunning()  # it did not wait for the end
    qtbot.waitUntil(scripted_desk.isFinished, timeout=10_000)
    qtbot.waitUntil(log.has_finished(number), timeout=1000)
    with pytest.raises(RuntimeError):
        scripted_desk.submit(ScanFolder(folder="a"))


def test_an_errand_hears_only_its_own_job(qtbot: QtBot, scripted_desk: WorkerThread) -> None:
    answers: list[str] = []
    errands = [Errand(scripted_desk, ScanFolder(folder=name)) for name in ("a", "b", "c")]
    for errand in errands:
        errand.done.connect(lambda report: answers.append(report.folder))
    errands[1].cancel()
    with qtbot.waitSignal(scripted_desk.idle, timeout=10_000):
        pass
    assert answers == ["a", "c"]
    assert all(errand.over for errand in errands)
