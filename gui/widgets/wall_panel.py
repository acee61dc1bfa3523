"""Random pairs of the project on a wall, others at the press of a button."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.jobs import InPlace, Thumbnails
from bandbridge.engine.api.reports import FolderReport, PairsReport, Report, ThumbnailsReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.folder_pictures import folder_pictures
from bandbridge.gui.image_scans import ImageScans
from bandbridge.gui.moved_pairs import in_place, moves_of
from bandbridge.gui.picture import as_pixmap, keep_side_by_side
from bandbridge.gui.project import THUMBNAIL_FILE, ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.labels import text_label
from bandbridge.gui.widgets.pair_wall import SIDE, PairWall, WallItem
from PySide6.QtGui import QPixmap, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

_PAIRS = 12
_TARGETS = 24


class WallPanel(QWidget):
    """Pairs side by side; single target images while there are no pairs.

    Args:
        project: The open project.
        scans: What its folders hold.
        desk: Makes the small pictures.
        theme: Colours.
        parent: Qt parent.
    """

    def __init__(
        self,
        project: ProjectModel,
        scans: ImageScans,
        desk: WorkerThread,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._scans = scans
        self._desk = desk
        self._theme = theme
        self._seed = 0
        self._shown: object = None
        self._errands: list[Errand] = []
        self._words = text_label("", "help", wrap=False)
        self.others_button = QPushButton("Show &others")
        self.others_button.clicked.connect(self._show_others)
        self.wall = PairWall(theme)
        row = QHBoxLayout()
        row.addWidget(self._words, 1)
        row.addWidget(self.others_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2 * GRID, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self.wall)
        column.addStretch(1)

    def stop(self) -> None:
        """Ask nothing more."""
        for errand in self._errands:
            errand.cancel()
        self._errands = []

    def refresh(self) -> None:
        """Follow what is known now; pictures are made only while the wall can be seen."""
        reports = self._scans.pairs_reports()
        target = self._scans.target_report()
        for widget in (self._words, self.others_button):
            widget.setVisible(bool(reports) or target is not None)
        if not reports and target is None:
            self._shown = None
            self.wall.show_text("Pairs appear here side by side, to see at a glance whether they belong together.")
            return
        excluded = self._project.project.exclude
        shifts = tuple(pair.shifts for pair, _ in reports)
        wanted = (self._seed, tuple(id(report) for _, report in reports), shifts, id(target), excluded)
        if not self.isVisible() or wanted == self._shown:
            return
        self._shown = wanted
        self.stop()
        chance = random.Random(self._seed)
        if reports:
            self._words.setText("Do the two images of each pair show the same scene?")
            out = frozenset(excluded)
            kept = (one for one in _in_random_order(reports, chance) if one[3] not in out and one[4] not in out)
            chosen = list(itertools.islice(kept, _PAIRS))
            self._fill(
                [name for _, _, name, _, _ in chosen],
                _requests("rgb", [(r.rgb, rgb, _place(pair, rgb, s, "rgb")) for pair, r, _, rgb, s in chosen])
                + _requests("sensor", [(r.sensor, s, _place(pair, rgb, s, "sensor")) for pair, r, _, rgb, s in chosen]),
            )
        elif target is not None:
            self._words.setText("Target images at random")
            names = chance.sample(target.files, min(_TARGETS, len(target.files)))
            self._fill(names, _requests("sensor", [(target, name, None) for name in names]))

    def showEvent(self, event: QShowEvent) -> None:
        """Fill the wall if it waits."""
        super().showEvent(event)
        self.refresh()

    def _show_others(self) -> None:
        self._seed += 1
        self.refresh()

    def _fill(self, names: Sequence[str], requests: Sequence[_Request]) -> None:
        pictures: dict[str, list[QPixmap | None]] = {"rgb": [None] * len(names), "sensor": [None] * len(names)}

        def show() -> None:
            items = zip(names, pictures["rgb"], pictures["sensor"], strict=True)
            self.wall.show_items([WallItem(name, *both) for name, *both in items])

        def take(request: _Request, report: Report) -> None:
            if isinstance(report, ThumbnailsReport):
                for place, array in zip(request.places, report.pictures, strict=True):
                    pictures[request.side][place] = None if array is None else as_pixmap(array)
                show()
                self._keep_thumbnail(pictures["rgb"], pictures["sensor"])

        show()
        for request in requests:
            errand = Errand(self._desk, request.job, self)
            errand.done.connect(lambda report, request=request: take(request, report))
            self._errands.append(errand)

    def _keep_thumbnail(self, rgb: Sequence[QPixmap | None], sensor: Sequence[QPixmap | None]) -> None:
        """The project's picture among the recent ones: one scene by both sensors, or two target images."""
        pairs = [(one, other) for one, other in zip(rgb, sensor, strict=True) if one is not None and other is not None]
        alone = [picture for picture in sensor if picture is not None]
        if not pairs and (any(picture is not None for picture in rgb) or len(alone) < 2):
            return
        file = self._project.folder / THUMBNAIL_FILE
        keep_side_by_side(pairs[0] if pairs else alone[:2], 2 * SIDE, file)


def _in_random_order(
    reports: Sequence[tuple[PairFolders, PairsReport]], chance: random.Random
) -> Iterator[tuple[PairFolders, PairsReport, str, str, str]]:
    """All pairs of all folders, drawn one by one: of a hundred thousand, a dozen are wanted."""
    ends = list(itertools.accumulate(len(report.pairs) for _, report in reports))
    drawn: set[int] = set()
    while len(drawn) < ends[-1]:
        number = chance.randrange(ends[-1])
        if number not in drawn:
            drawn.add(number)
            at = bisect.bisect_right(ends, number)
            pair, report = reports[at]
            yield pair, report, *report.pairs[number - ends[at]]


@dataclass(frozen=True, slots=True)
class _Request:
    """Pictures of one folder: the side they are on, their places on the wall, and the job that makes them."""

    side: Literal["rgb", "sensor"]
    places: tuple[int, ...]
    job: Thumbnails


def _place(pair: PairFolders, rgb: str, sensor: str, side: Literal["rgb", "sensor"]) -> InPlace | None:
    move = moves_of(pair).get((rgb, sensor))
    return None if move is None else in_place(pair, rgb, sensor, move, side)


def _requests(
    side: Literal["rgb", "sensor"], files: Sequence[tuple[FolderReport, str, InPlace | None]]
) -> list[_Request]:
    """One request a folder, for every folder has a stretch of its own."""
    folders: dict[str, list[int]] = {}
    for place, (report, _, _) in enumerate(files):
        folders.setdefault(report.folder, []).append(place)
    return [
        _Request(
            side,
            tuple(places),
            folder_pictures(
                [str(Path(folder) / files[place][1]) for place in places],
                files[places[0]][0],
                2 * SIDE,
                [files[place][2] for place in places],
            ),
        )
        for folder, places in folders.items()
    ]
