"""Clips at random, playing, to see and read at a glance what there is."""

from __future__ import annotations

import random

from bandbridge.engine.api.reports import ClipsReport, SeenClip
from bandbridge.gui.clip_pictures import ClipPictures
from bandbridge.gui.clip_scan import ClipScan
from bandbridge.gui.picture import keep_side_by_side
from bandbridge.gui.project import THUMBNAIL_FILE, ProjectModel
from bandbridge.gui.quantities import plain
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.clip_wall import ClipWall, WallClip
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

_CLIPS = 12
"""At least, if there are so many."""
_SIDE = 192


class ClipWallPanel(QWidget):
    """The wall with its buttons.

    Args:
        project: The open project.
        scan: Knows the clips.
        desk: Reads them.
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(
        self,
        project: ProjectModel,
        scan: ClipScan,
        desk: WorkerThread,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._scan = scan
        self._theme = theme
        self._seed = 0
        self._chosen: list[SeenClip] = []
        self._drawn_for: object = None
        self._pictures = ClipPictures(desk, self)
        self._pictures.loaded.connect(self._draw)
        self._words = text_label("", "help")
        self.play_button = QPushButton("&Stand still")
        self.play_button.clicked.connect(self._toggle)
        self.others_button = QPushButton("Show &others")
        self.others_button.clicked.connect(self._show_others)
        self.wall = ClipWall("Clips at random", theme)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self._words, 1)
        row.addWidget(self.play_button)
        row.addWidget(self.others_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2 * GRID, 0, 0)
        column.setSpacing(GRID + GRID // 2)
        column.addLayout(row)
        column.addWidget(self.wall)
        column.addStretch(1)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()

    def stop(self) -> None:
        """Ask nothing more."""
        self._pictures.stop()

    def refresh(self) -> None:
        """Follow what is known now; clips are read only while the wall can be seen."""
        report = self._scan.report
        for widget in (self._words, self.play_button, self.others_button):
            widget.setVisible(report is not None)
        if report is None:
            self._drawn_for = None
            self._pictures.stop()
            self.wall.show_text("Clips appear here and play, with their loudness beneath.")
            return
        video = self._project.project.video
        columns = self.wall.columns
        most = -(-_CLIPS // columns) * columns  # whole rows
        wanted = (self._seed, id(report), video.exclude, video.fps, video.size_px, most)
        if not self.isVisible() or wanted == self._drawn_for:
            return
        self._drawn_for = wanted
        rate = plain(video.fps)
        self._words.setText(
            f"As a network would see them: {rate} pictures a second, the middle square, {video.size_px} pixels wide. "
            "Loudness beneath."
        )
        self._chosen = _some(report, video.exclude, self._seed, most)
        self._pictures.set_source(report.folder, video.fps, video.size_px)
        self._pictures.want([clip.file for clip in self._chosen])
        self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Fill the wall if it waits."""
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the last row of another width."""
        super().resizeEvent(event)
        self.refresh()

    def _show_others(self) -> None:
        self._seed += 1
        self.refresh()

    def _toggle(self) -> None:
        self.wall.set_playing(not self.wall.playing)
        self.play_button.setText("&Stand still" if self.wall.playing else "&Play")
        self._paint_icons()

    def _draw(self) -> None:
        self.wall.show_clips(
            [
                WallClip(
                    clip.file,
                    (", ".join(clip.labels) or "no label", clip.file.rpartition("/")[2]),
                    self._pictures.find(clip.file),
                    self._pictures.is_broken(clip.file),
                )
                for clip in self._chosen
            ]
        )
        self._keep_thumbnail()

    def _keep_thumbnail(self) -> None:
        """The project's picture among the recent ones: two clips side by side."""
        found = [self._pictures.find(clip.file) for clip in self._chosen]
        pictures = [one.pictures[len(one.pictures) // 2] for one in found if one is not None and one.pictures][:2]
        if len(pictures) == 2:
            keep_side_by_side(pictures, _SIDE, self._project.folder / THUMBNAIL_FILE)

    def _paint_icons(self) -> None:
        self.play_button.setIcon(self._theme.icon("pause" if self.wall.playing else "play"))
        self.others_button.setIcon(self._theme.icon("refresh"))


def _some(report: ClipsReport, excluded: tuple[str, ...], seed: int, most: int) -> list[SeenClip]:
    """Clips at random, one of every class before a second of any."""
    chance = random.Random(seed)
    waiting = [clip for clip in report.clips if clip.file not in excluded]
    chance.shuffle(waiting)
    turns: dict[tuple[str, ...], int] = {}
    ranked = []
    for clip in waiting:
        turns[clip.labels] = turns.get(clip.labels, 0) + 1
        ranked.append((turns[clip.labels], clip))
    return [clip for _, clip in sorted(ranked, key=lambda one: one[0])[:most]]
