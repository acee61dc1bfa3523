"""What the window's tests share: nothing is left behind by a test, and Qt has nothing to warn of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import shiboken6
from bandbridge.gui import speaker
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication

# A spawned worker finds the scripted one by name: it gets this process's search path.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Any warning of Qt fails the test, as any Python warning does."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.get_closest_marker("qt_log_level_fail") is None:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            # The platform without a screen says so of what only a window manager can do.
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support (propagateSizeHints|raise)"))


@pytest.fixture(autouse=True)
def _nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    started: list[QObject] = []

    def recording(start: Callable[..., None]) -> Callable[..., None]:
        def record(self: QObject, *args: object) -> None:
            started.append(self)
            start(self, *args)

        return record

    monkeypatch.setattr(QThread, "start", recording(QThread.start))
    monkeypatch.setattr(QTimer, "start", recording(QTimer.start))
    children = {child.pid for child in psutil.Process().children()}
    windows = set(QApplication.topLevelWidgets()) if QApplication.instance() else set()
    yield
    if QApplication.instance() is None:
        return
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    alive = [thing for thing in started if shiboken6.isValid(thing)]
    assert not [thing for thing in alive if isinstance(thing, QThread) and thing.isRunning()], "a thread is left"
    assert not [thing for thing in alive if isinstance(thing, QTimer) and thing.isActive()], "a timer is left"
    left = [w for w in QApplication.topLevelWidgets() if w not in windows and w.isVisible()]
    assert not left, "a window is left"
    processes = [child for child in psutil.Process().children() if child.pid not in children]
    processes = [child for child in processes if "resource_tracker" not in " ".join(child.cmdline())]
    assert not processes, "a process is left"


@pytest.fixture(autouse=True)
def _no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test makes a noise; those about sound bring an output of their own."""

    @contextmanager
    def open_nothing(rate_hz: int, fill: speaker.Fill) -> Iterator[None]:
        raise speaker.NoOutputError(speaker.NO_DEVICE)
        yield

    monkeypatch.setattr(speaker, "open_output", open_nothing)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The light theme, applied; taken off again after the test."""
    look = Theme("light")
    look.apply(qapp)
    yield look
    qapp.setStyleSheet("")


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    """Empty preferences in a file of their own."""
    return Preferences(tmp_path / "preferences" / "window.ini")


@pytest.fixture
def scripted_desk(qapp: QApplication) -> Iterator[WorkerThread]:
    """A thread whose worker process answers every job at once, without the engine (see scripted_worker.py)."""
    import scripted_worker

    thread = WorkerThread(start=scripted_worker.start)
    yield thread
    thread.shutdown()
    assert thread.wait(10_000)


@pytest.fixture
def scripted_runner(qapp: QApplication) -> Iterator[WorkerThread]:
    """A second such thread, for the long jobs."""
    import scripted_worker

    thread = WorkerThread(start=scripted_worker.start)
    yield thread
    thread.shutdown()
    assert thread.wait(10_000)
