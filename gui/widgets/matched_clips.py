"""The training clips whose picture and sound go together best and worst, as MNF + CSC sees it."""

from __future__ import annotations

import numpy as np
from bandbridge.engine.api.events import ClipSignsSeen
from bandbridge.gui.clip_pictures import ClipPictures
from bandbridge.gui.quantities import fixed
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.clip_wall import ClipWall, WallClip
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

_MOST = 6
_HEIGHT = 32 * GRID


class MatchedClips(QFrame):
    """Card with both rows.

    Args:
        desk: Reads the clips.
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(self, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Best and worst matched clips")
        self._pictures = ClipPictures(desk, self)
        self._pictures.loaded.connect(self._draw)
        self._best: list[tuple[str, float]] = []
        self._worst: list[tuple[str, float]] = []
        self._few = 3
        self._latest: ClipSignsSeen | None = None
        self.best, self.worst = ClipWall("Best matched clips", theme), ClipWall("Worst matched clips", theme)
        row = QHBoxLayout()
        row.setSpacing(3 * GRID)
        for title, tip, wall in (
            (
                "Go together best: correspondence",
                "Picture and sound of these clips agree most, by what was learned so far.",
                self.best,
            ),
            (
                "Go together worst: correspondence",
                "Sound that may not belong to its picture, or that says nothing.",
                self.worst,
            ),
        ):
            label = text_label(title, "section", wrap=False)
            label.setToolTip(tip)
            column = QVBoxLayout()
            column.setSpacing(GRID)
            column.addWidget(label)
            column.addWidget(wall)
            column.addStretch(1)
            row.addLayout(column, 1)
        self.setMinimumHeight(_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID)
        layout.addLayout(row)

    def set_source(self, folder: str, fps: float, size_px: int) -> None:
        """Where the clips are, and how they are read."""
        self._pictures.set_source(folder, fps, size_px)

    def stop(self) -> None:
        """Ask nothing more."""
        self._pictures.stop()

    def show_story(self, story: RunStory) -> None:
        """Show the clips by the last look at them."""
        self.setVisible(bool(story.signs))
        if story.signs:
            self._latest = story.signs[-1]
            self._choose()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many as there is room for."""
        super().resizeEvent(event)
        few = max(1, min(_MOST, self.best.columns, self.worst.columns))
        if few != self._few:
            self._few = few
            self._choose()

    def _choose(self) -> None:
        seen = self._latest
        if seen is None:
            return
        values = seen.correspondence
        known = np.flatnonzero(np.isfinite(values))
        order = known[np.argsort(values[known], kind="stable")].tolist()
        few = min(self._few, len(order) // 2)
        self._worst = [(seen.files[index], float(values[index])) for index in order[:few]]
        self._best = [(seen.files[index], float(values[index])) for index in order[::-1][:few]]
        self._pictures.want([file for file, _ in (*self._best, *self._worst)])
        self._draw()

    def _draw(self) -> None:
        for wall, clips in ((self.best, self._best), (self.worst, self._worst)):
            wall.show_clips(
                [
                    WallClip(
                        file,
                        (file, fixed(value, 2)),
                        self._pictures.find(file),
                        self._pictures.is_broken(file),
                    )
                    for file, value in clips
                ]
            )
