"""Small pictures for a gallery of any length: only those asked for are fetched, a page at a time, newest first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.jobs import Thumbnails
from bandbridge.engine.api.reports import ThumbnailsReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.run_thread import WorkerThread
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPixmap

_PAGE = 24
_MOST_KEPT = 1500
_MOST_WAITING = 10 * _PAGE
_GATHER_MS = 20


class ThumbnailFeed(QObject):
    """Fetches thumbnails through the desk's worker.

    Args:
        desk: Reads the images.
        size_px: Longest side, in picture pixels.
        parent: Qt parent.

    Signals:
        loaded: More pictures are there.
    """

    loaded = Signal()

    def __init__(self, desk: WorkerThread, size_px: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._size_px = size_px
        self._folder = Path()
        self._bands: tuple[int, ...] | None = None
        self._kept: OrderedDict[str, QPixmap | None] = OrderedDict()
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._errand: Errand | None = None
        self._asked: Sequence[str] = ()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_GATHER_MS)
        self._timer.timeout.connect(self._fetch)

    def set_folder(self, folder: Path, bands: tuple[int, ...] | None) -> None:
        """Read from this folder, these bands; forgets everything if they are others than before."""
        if (folder, bands) == (self._folder, self._bands):
            return
        self.stop()
        self._folder, self._bands = folder, bands
        self._kept.clear()

    def find(self, file: str) -> QPixmap | None:
        """The picture of a file, or None while it is not there; it will be fetched then.

        Args:
            file: Relative to the folder.
        """
        if file in self._kept:
            self._kept.move_to_end(file)
            return self._kept[file]
        self._waiting[file] = None
        self._waiting.move_to_end(file)
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)  # scrolled past long ago
        if self._errand is None and not self._timer.isActive():
            self._timer.start()
        return None

    def is_broken(self, file: str) -> bool:
        """Whether the file turned out to be unreadable."""
        return file in self._kept and self._kept[file] is None

    def stop(self) -> None:
        """Ask for nothing more."""
        self._timer.stop()
        self._waiting.clear()
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _fetch(self) -> None:
        if self._errand is not None or not self._waiting:
            return
        page = list(self._waiting)[-_PAGE:]
        for file in page:
            del self._waiting[file]
        self._asked = page
        paths = tuple(str(self._folder / file) for file in page)
        self._errand = Errand(self._desk, Thumbnails(paths=paths, bands=self._bands, size_px=self._size_px), self)
        self._errand.done.connect(self._take)
        self._errand.failed.connect(self._fail)
        self._errand.ended.connect(self._go_on)

    def _take(self, report: ThumbnailsReport) -> None:
        for file, picture in zip(self._asked, report.pictures, strict=True):
            self._kept[file] = None if picture is None else as_pixmap(picture)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        self.loaded.emit()

    def _fail(self, problem: object) -> None:
        """The worker is gone; those pictures are not asked for again, or a broken file would do it once more."""
        for file in self._asked:
            self._kept[file] = None
        self.loaded.emit()

    def _go_on(self) -> None:
        self._errand = None
        if self._waiting:
            self._timer.start()
