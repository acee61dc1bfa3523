"""Starting the window."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from types import TracebackType

import platformdirs
from bandbridge.gui.main_window import MainWindow
from bandbridge.gui.preferences import Preferences
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

_PATIENCE_MS = 10_000
_RUNNER_NICENESS = 10


def main(argv: Sequence[str] = ()) -> int:
    """Open the window and stay until it is closed.

    Args:
        argv: A project's folder or file to open, or nothing.

    Returns:
        Exit code.
    """
    multiprocessing.freeze_support()
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C in the terminal ends the window
    app = QApplication.instance() or QApplication(["bandbridge"])
    assert isinstance(app, QApplication)
    app.setApplicationName("Bandbridge")
    app.setDesktopFileName("bandbridge")
    app.setWindowIcon(QIcon(str(Path(str(files("bandbridge.resources"))) / "icons" / "bandbridge.svg")))
    preferences = Preferences(platformdirs.user_config_path("bandbridge", appauthor=False) / "window.ini")
    theme = Theme(preferences.theme)
    theme.apply(app)
    desk, runner = WorkerThread(), WorkerThread(niceness=_RUNNER_NICENESS)
    window = MainWindow(preferences, theme, desk, runner)
    _tell_mistakes(window)
    window.show()

    def after_first_paint() -> None:
        desk.warm_up()
        if argv:
            window.open_project(Path(argv[0]).absolute())
        else:
            window.offer_to_go_on()

    QTimer.singleShot(0, after_first_paint)
    code = app.exec()
    for thread in (desk, runner):
        thread.shutdown()
        thread.wait(_PATIENCE_MS)
    sys.excepthook = sys.__excepthook__
    return code


def _tell_mistakes(window: MainWindow) -> None:
    """A mistake in the window's own code is told in the window too; its terminal may be nowhere in sight."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        window.report_mistake("".join(traceback.format_exception(kind, error, trace)))

    sys.excepthook = tell


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
