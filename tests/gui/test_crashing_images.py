"""Images whose decoder takes the worker down: the job goes on, and names exactly them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import crashing_worker
import cv2
import numpy as np
import pytest
from bandbridge.engine.api.events import Event, Finished, Notice
from bandbridge.engine.api.jobs import ScanFolder, Thumbnails
from bandbridge.engine.api.reading_board import reading_folder
from bandbridge.gui.run_thread import WorkerThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the planted faults are signals")


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[WorkerThread]:
    thread = WorkerThread(start=crashing_worker.start)
    yield thread
    thread.shutdown()
    assert thread.wait(10_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        values = np.random.default_rng(number).integers(0, 4000, (16, 16)).astype(np.uint16)
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), values)
    return tmp_path


def do(qtbot: QtBot, desk: WorkerThread, job: object) -> tuple[Finished, list[Event]]:
    said: list[Event] = []
    desk.event.connect(lambda number, event: said.append(event))
    desk.submit(job)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: any(isinstance(event, Finished) for event in said), timeout=60_000)
    return next(event for event in said if isinstance(event, Finished)), said


@pytest.mark.parametrize("fault", ["crash", "greedy", "endless"])
def test_a_scan_goes_on_without_the_image_that_ends_its_worker(
    fault: str, qtbot: QtBot, desk: WorkerThread, folder: Path
) -> None:
    shutil.copy(folder / "03.png", folder / f"05_{fault}.png")
    finished, said = do(qtbot, desk, ScanFolder(folder=str(folder)))
    assert finished.outcome == "completed", finished.problem
    assert finished.result is not None
    assert len(finished.result.files) == 12  # type: ignore[union-attr]
    [finding] = [one for one in finished.result.findings if one.severity == "warning"]  # type: ignore[union-attr]
    assert finding.file == f"05_{fault}.png"
    assert "ended the process" in finding.why
    told = "\n".join(event.text for event in said if isinstance(event, Notice))
    assert f"05_{fault}.png" in told
    # The next job, in the worker that lives, and one in a fresh worker know of it without another death.
    pid = desk.worker_pid
    finished, said = do(qtbot, desk, Thumbnails(paths=(str(folder / f"05_{fault}.png"), str(folder / "01.png"))))
    assert [picture is None for picture in finished.result.pictures] == [True, False]  # type: ignore[union-attr]
    assert desk.worker_pid == pid


def test_several_such_images_are_found_one_by_one(qtbot: QtBot, desk: WorkerThread, folder: Path) -> None:
    bad = {"04_crash.png", "07_greedy.png", "08_crash.png"}
    for name in bad:
        shutil.copy(folder / "03.png", folder / name)
    finished, _ = do(qtbot, desk, ScanFolder(folder=str(folder)))
    assert finished.outcome == "completed", finished.problem
    assert len(finished.result.files) == 12  # type: ignore[union-attr]
    named = {one.file for one in finished.result.findings if one.severity == "warning"}  # type: ignore[union-attr]
    assert named == bad


def test_an_image_that_does_no_harm_alone_is_named_when_the_job_cannot_go_on(
    qtbot: QtBot, desk: WorkerThread, folder: Path
) -> None:
    shutil.copy(folder / "03.png", folder / "05_together.png")
    finished, _ = do(qtbot, desk, ScanFolder(folder=str(folder)))
    assert finished.outcome == "failed"
    assert finished.problem is not None
    assert "05_together.png" in finished.problem.why
    assert str(folder / "05_together.png") in finished.problem.details
    finished, _ = do(qtbot, desk, ScanFolder(folder=str(folder), exclude=("05_together.png",)))
    assert finished.outcome == "completed"


def test_workers_that_end_as_they_should_leave_no_board(qtbot: QtBot, desk: WorkerThread, folder: Path) -> None:
    do(qtbot, desk, ScanFolder(folder=str(folder)))
    assert len(list(reading_folder().glob("*.board"))) == 1
    desk.shutdown()
    assert desk.wait(10_000)
    assert list(reading_folder().glob("*.board")) == []
