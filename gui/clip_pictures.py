"""The first moments of clips, fetched a few at a time and kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandbridge.engine.api.jobs import ClipThumbnails
from bandbridge.engine.api.reports import ClipThumbnailsReport, Report
from bandbridge.gui.errand import Errand
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.run_thread import WorkerThread
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

_MOST_KEPT = 120
_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """What is shown of a clip.

    Attributes:
        pictures: One after the other; empty for a clip that has none.
        loudness: (n,) 0..1 over the same time, None without sound.
        fps: Pictures a second.
    """

    pictures: tuple[QPixmap, ...]
    loudness: NDArray[np.float32] | None
    fps: float


class ClipPictures(QObject):
    """Fetches the first moments of clips through the desk's worker; nothing is decoded in the window's process.

    Args:
        desk: Reads the clips.
        parent: Qt parent.

    Signals:
        loaded: More of those asked for are there.
    """

    loaded = Signal()

    def __init__(self, desk: WorkerThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._source: tuple[str, float, int] = ("", 4.0, 64)
        self._kept: OrderedDict[str, MovingPicture | None] = OrderedDict()
        self._waiting: list[str] = []
        self._asked: tuple[str, ...] = ()
        self._errand: Errand | None = None

    def set_source(self, folder: str, fps: float, size_px: int) -> None:
        """Read from this folder at this rate and size; forgets everything if they are others than before."""
        if (folder, fps, size_px) != self._source:
            self.stop()
            self._source = (folder, fps, size_px)
            self._kept.clear()

    def find(self, file: str) -> MovingPicture | None:
        """What is shown of a clip, None while it is not there or if it cannot be read."""
        return self._kept.get(file)

    def is_broken(self, file: str) -> bool:
        """Whether the clip cannot be read."""
        return file in self._kept and self._kept[file] is None

    def want(self, files: Sequence[str]) -> None:
        """Fetch these, and nothing else that waits."""
        self._waiting = [file for file in files if file not in self._kept]
        for file in files:
            if file in self._kept:
                self._kept.move_to_end(file)
        if self._errand is None:
            self._fetch()

    def stop(self) -> None:
        """Ask for nothing more."""
        self._waiting = []
        if self._errand is not None:
            self._errand.cancel()
            self._errand = None

    def _fetch(self) -> None:
        self._waiting = [file for file in self._waiting if file not in self._kept]
        if not self._waiting:
            return
        self._asked = tuple(self._waiting[:_AT_ONCE])
        folder, fps, size_px = self._source
        job = ClipThumbnails(folder=folder, files=self._asked, fps=fps, size_px=size_px)
        self._errand = Errand(self._desk, job, self)
        self._errand.done.connect(self._take)
        self._errand.failed.connect(self._fail)
        self._errand.ended.connect(self._go_on)

    def _take(self, report: Report) -> None:
        if not isinstance(report, ClipThumbnailsReport):
            return
        for file, clip in zip(self._asked, report.clips, strict=True):
            shown = None
            if clip is not None:
                shown = MovingPicture(tuple(as_pixmap(one) for one in clip.pictures), clip.loudness, self._source[1])
            self._kept[file] = shown
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        self.loaded.emit()

    def _fail(self, problem: object) -> None:
        """The worker is gone; those clips are not asked for again, or a broken file would do it once more."""
        self._kept |= dict.fromkeys(self._asked)
        self.loaded.emit()

    def _go_on(self) -> None:
        self._errand = None
        self._fetch()
