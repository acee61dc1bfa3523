"""Measurements of the window, each in a process of its own: `python -m bandbridge.gui.benchmark NAME`.

The last line printed is a list of measurements as JSON, in the fields of the engine's `Measurement`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.events import Finished, Losses
from bandbridge.engine.api.jobs import MakeSample
from bandbridge.engine.api.reports import SampleReport
from bandbridge.gui.main_window import RUN, MainWindow
from bandbridge.gui.pages.run import RunPage
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

STARTS = 5
START_LIMIT_S = 1.5
TICK_MS = 5
WATCH_S = 60
LATENCY_LIMIT_MS = 17.0
EARLIER_POINTS = 100_000

Row = dict[str, str | float | bool | None]


def _row(
    name: str, what: str, value: float, unit: str, lowest: float, highest: float, limit: float | None = None
) -> Row:
    keeps = None if limit is None else value <= limit
    return {
        "name": name,
        "what": what,
        "value": value,
        "unit": unit,
        "lowest": lowest,
        "highest": highest,
        "limit": limit,
        "keeps": keeps,
    }


class _FirstPaint(QObject):
    """Prints the time of the main window's first paint that the event loop has come back from, then ends the window."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Looks at every event of the program."""
        if event.type() == QEvent.Type.Paint and isinstance(watched, QMainWindow):
            QTimer.singleShot(0, self._tell)
            application = QApplication.instance()
            assert application is not None
            application.removeEventFilter(self)
        return False

    def _tell(self) -> None:
        print(time.time(), flush=True)
        QApplication.exit(0)


def first_paint() -> None:
    """Start the program as the command does and tell when its window can be used."""
    application = QApplication(["bandbridge"])
    watcher = _FirstPaint()
    application.installEventFilter(watcher)
    from bandbridge.gui.app import main

    main([])


def window_start() -> list[Row]:
    """From starting the command's process to a painted window whose event loop answers; one start not counted."""
    times = []
    for _ in range(STARTS + 1):
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-m", "bandbridge.gui.benchmark", "first-paint"],
            capture_output=True,
            text=True,
            check=True,
        )
        times.append(float(done.stdout.split()[-1]) - began)
    times = times[1:]
    what = "from starting the process to a window that can be used"
    return [_row("window-start", what, statistics.median(times), "s", min(times), max(times), START_LIMIT_S)]


class _Ticker:
    """A 5 ms timer that notes how far apart its ticks really come."""

    def __init__(self) -> None:
        self.gaps_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to count."""
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """End."""
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps_ms.append(1000.0 * (now - self._last))
        self._last = now


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Let the event loop run until something holds."""
    loop = QEventLoop()
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(20)
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()
    timer.stop()


def _make_sample(desk: WorkerThread, folder: Path) -> SampleReport:
    answers: list[Finished] = []
    desk.event.connect(lambda _, event: answers.append(event) if isinstance(event, Finished) else None)
    desk.submit(MakeSample(folder=str(folder)))
    _wait(lambda: bool(answers), 120)
    report = answers[0].result
    assert isinstance(report, SampleReport)
    return report


def window_latency() -> list[Row]:
    """The event loop beside an adaptation at full load, the run page in sight with 100,000 earlier loss points."""
    application = QApplication(["bandbridge"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preferences = Preferences(folder / "window.ini")
        theme = Theme("light")
        theme.apply(application)
        desk, runner = WorkerThread(), WorkerThread(niceness=10)
        window = MainWindow(preferences, theme, desk, runner)
        window.resize(1400, 900)
        window.show()
        sample = _make_sample(desk, folder / "sample")
        pairs_rgb, pairs_sensor, target = sample.sensors["nir"]
        window.create_project(folder / "project")
        model = window.model
        assert model is not None
        folders = PairFolders(rgb=pairs_rgb, sensor=pairs_sensor)
        model.update(sources=(sample.source,), pairs=(folders,), target=target, effort="own", epochs=2000)
        window.show_step(RUN)
        page = window.pages[RUN]
        assert isinstance(page, RunPage)
        page.start()
        _wait(lambda: page.story.step > 0, 120)
        _put_earlier_points(page)
        ticker = _Ticker()
        ticker.start()
        _wait(lambda: False, WATCH_S)
        ticker.stop()
        runner.ask("stop")
        for thread in (desk, runner):
            thread.shutdown()
            thread.wait(10_000)
    gaps = np.asarray(ticker.gaps_ms)
    what = f"99th percentile of a {TICK_MS} ms timer's gaps beside an adaptation at full load, over {WATCH_S} s"
    worst = f"longest of {len(gaps)} gaps"
    p99 = float(np.percentile(gaps, 99))
    return [
        _row("window-latency/p99", what, p99, "ms", float(gaps.min()), float(gaps.max()), LATENCY_LIMIT_MS),
        _row("window-latency/longest", worst, float(gaps.max()), "ms", float(gaps.min()), float(gaps.max())),
    ]


def _put_earlier_points(page: RunPage) -> None:
    """As if the run had gone on for long: its curves already hold many points, at steps before the first."""
    steps = np.arange(-EARLIER_POINTS, 0, dtype=np.int64)
    noise = np.random.default_rng(0).normal(size=EARLIER_POINTS).astype(np.float32)
    values = {name: np.exp(steps / -30_000).astype(np.float32) + 0.05 * noise for name in page.story.curves}
    page.story.curves.clear()
    page.story.take(Losses(steps=steps, values=values, images_per_second=1.0, memory_mb=1.0))


MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {"window-start": window_start, "window-latency": window_latency}

if __name__ == "__main__":
    if sys.argv[1] == "first-paint":
        first_paint()
    else:
        print(json.dumps(MEASUREMENTS[sys.argv[1]]()))
