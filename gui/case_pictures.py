"""Fetching the pictures of doubtful images and pairs, each under the stretch of its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.jobs import InPlace
from bandbridge.engine.api.reports import CheckedRole, FolderReport, ThumbnailsReport
from bandbridge.engine.api.shift_table import Move
from bandbridge.gui.doubt import Doubt
from bandbridge.gui.errand import Errand
from bandbridge.gui.folder_pictures import folder_pictures
from bandbridge.gui.image_scans import ImageScans
from bandbridge.gui.moved_pairs import in_place
from bandbridge.gui.run_thread import WorkerThread
from numpy.typing import NDArray
from PySide6.QtCore import QObject

Pixels = NDArray[np.uint8] | None
"""(H, W, 3), or None for a file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One picture of a case.

    Attributes:
        case: Number of the case it belongs to.
        place: Its number among the case's pictures.
        report: Of its folder.
        path: The file.
        in_place: How its pair is moved into place, None to see it as it lies.
    """

    case: int
    place: int
    report: FolderReport
    path: str
    in_place: InPlace | None = None


class CasePictures(QObject):
    """Asks for pictures folder by folder, and forgets what is no longer wanted.

    Args:
        desk: Reads the images.
        parent: Qt parent.
    """

    def __init__(self, desk: WorkerThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._errands: list[Errand] = []

    def fetch(self, wanted: Sequence[Wanted], size_px: int, take: Callable[[Wanted, Pixels], None]) -> None:
        """Ask for these instead of any asked for before.

        Args:
            wanted: The pictures.
            size_px: Longest side.
            take: Gets each of them when it has come.
        """
        self.stop()
        folders: dict[int, list[Wanted]] = {}
        for one in wanted:
            folders.setdefault(id(one.report), []).append(one)
        for some in folders.values():
            job = folder_pictures([one.path for one in some], some[0].report, size_px, [one.in_place for one in some])
            errand = Errand(self._desk, job, self)
            errand.done.connect(lambda report, some=some: _hand_out(report, some, take))
            self._errands.append(errand)

    def stop(self) -> None:
        """Wait for nothing more."""
        for errand in self._errands:
            if not errand.over:
                errand.cancel()
        self._errands = []


def wanted_of(case: int, doubt: Doubt, scans: ImageScans, *, moved: bool = False) -> list[Wanted]:
    """The pictures of a doubtful image or pair; none where its folder is not known.

    Args:
        case: Its number.
        doubt: What it is about.
        scans: What the folders hold.
        moved: Whether a shifted pair is to be seen moved into place.
    """
    sides = {(side.role, side.pair if side.role != "target" else None): side for side in scans.sides()}
    pair = scans.pair_at(doubt.pair)
    wanted = []
    for place, (role, file) in enumerate(doubt.pictures()):
        side = sides.get((role, pair if role != "target" else None))
        if side is None:
            return []
        how = _in_place(doubt, pair, role) if moved and pair is not None else None
        wanted.append(Wanted(case, place, side.report, str(Path(side.folder) / file), how))
    return wanted


def _in_place(doubt: Doubt, pair: PairFolders, role: CheckedRole) -> InPlace | None:
    if (shift := doubt.shift) is None:
        return None
    side: Literal["rgb", "sensor"] = "rgb" if role == "rgb" else "sensor"
    return in_place(pair, shift.rgb, shift.sensor, Move(shift.right_px, shift.down_px), side)


def _hand_out(report: object, wanted: Sequence[Wanted], take: Callable[[Wanted, Pixels], None]) -> None:
    if isinstance(report, ThumbnailsReport):
        for one, pixels in zip(wanted, report.pictures, strict=True):
            take(one, pixels)
