"""What is known about a project's image folders, looked through anew whenever a choice changes what would be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.jobs import InspectScene, ScanFolder, ScanPairs
from bandbridge.engine.api.reports import CheckedRole, FolderReport, PairsReport, SceneReport
from bandbridge.gui.errand import Errand
from bandbridge.gui.project import Project
from bandbridge.gui.run_thread import WorkerThread
from PySide6.QtCore import QObject, QTimer, Signal

SCENE_SUFFIXES = (".tif", ".tiff", ".gtiff", ".jp2", ".j2k", ".hdr")
"""Endings of the names of files that may be scenes."""

_TILE = re.compile(r"/r\d{5,}_c\d{5,}_\d+px(@|$)")
"""Ends the name of a tile of a scene in a folder."""

Scan = ScanFolder | ScanPairs
Answer = FolderReport | PairsReport | Problem

_DELAY_MS = 250
_DELAY_AFTER_EXCLUSION_MS = 1200  # a person ticks several files in a row


@dataclass(frozen=True, slots=True)
class Side:
    """One folder of the project with what was found in it.

    Attributes:
        title: E.g. "Pairs: RGB".
        colour: "source" or "sensor".
        folder: The folder.
        report: What was found.
        role: Its part in the project: "rgb", "sensor" or "target".
        pair: The pair folders it is a side of, None for the target.
    """

    title: str
    colour: str
    folder: str
    report: FolderReport
    role: CheckedRole
    pair: PairFolders | None = None


class ImageScans(QObject):
    """Keeps one answer for every scan the project needs.

    Answers are kept for as long as the window has the project, so undoing a change shows at once what was found before.
    While a scan is under way for folders that were looked through with other settings, the old answer stands.

    Args:
        desk: Does the scanning.
        parent: Qt parent.

    Signals:
        changed: An answer has come, or is being waited for.
        progressed: (scan, `Progress`).
    """

    changed = Signal()
    progressed = Signal(object, object)

    def __init__(self, desk: WorkerThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._project = Project()
        self._answers: dict[Scan, Answer] = {}
        self._before: dict[tuple[str, ...], Answer] = {}
        self._errands: dict[Scan, Errand] = {}
        self._scenes: dict[InspectScene, SceneReport | Problem] = {}
        self._looks: dict[InspectScene, Errand] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start_missing)

    # ---- what is wanted ------------------------------------------------------------------------------------------

    def follow(self, project: Project) -> None:
        """Look through whatever this project needs looked through."""
        only_exclusions = project.exclude != self._project.exclude
        self._project = project
        self._look_at_scenes()
        wanted = self.wanted()
        for scan in [scan for scan in self._errands if scan not in wanted]:
            self._errands.pop(scan).cancel()
        if any(scan not in self._answers and scan not in self._errands for scan in wanted):
            self._timer.start(_DELAY_AFTER_EXCLUSION_MS if only_exclusions else _DELAY_MS)

    def look_again(self) -> None:
        """Forget everything and look through all folders anew."""
        self.stop()
        self._answers.clear()
        self._before.clear()
        self._scenes.clear()
        self.follow(self._project)
        self.changed.emit()

    def stop(self) -> None:
        """Ask nothing more."""
        self._timer.stop()
        for errand in self._errands.values():
            errand.cancel()
        self._errands.clear()
        for errand in self._looks.values():
            errand.cancel()
        self._looks.clear()

    def wanted(self) -> list[Scan]:
        """The scans the project needs: of its pair folders in order, then of the target."""
        project = self._project
        scans: list[Scan] = [scan for pair in project.pairs if (scan := self.pair_scan(pair)) is not None]
        return [*scans, self.target_scan()] if project.target else scans

    def pair_scan(self, pair: PairFolders) -> Scan | None:
        """The scan of pair folders; of one folder while the other is missing, None while both are."""
        project = self._project
        if pair.rgb and pair.sensor:
            return ScanPairs(
                folders=replace(pair, shifts=None),  # moving pairs changes nothing that is found here
                rgb_bands=project.rgb_bands,
                sensor_bands=project.sensor_bands,
                profile=project.sensor_profile,
                stretch=project.stretch,
                no_data=project.no_data,
                exclude=project.exclude,
                tiles=project.tiles,
            )
        if pair.rgb:
            return self._folder_scan(pair.rgb, project.rgb_bands, "rgb")
        return self._folder_scan(pair.sensor, project.sensor_bands) if pair.sensor else None

    def target_scan(self) -> ScanFolder:
        """The scan of the target folder."""
        return self._folder_scan(self._project.target, self._project.sensor_bands)

    def _folder_scan(
        self, folder: str, bands: tuple[int, ...] | None, side: Literal["rgb", "sensor"] = "sensor"
    ) -> ScanFolder:
        project = self._project
        return ScanFolder(
            folder=folder,
            bands=bands,
            profile=project.sensor_profile,
            side=side,
            stretch=project.stretch,
            no_data=project.no_data,
            exclude=project.exclude,
            tiles=project.tiles,
        )

    # ---- what is known -------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a scan is under way or about to be."""
        return bool(self._errands) or self._timer.isActive()

    def is_current(self, scan: Scan) -> bool:
        """Whether the answer is for just this scan, not for the same folders with other settings."""
        return scan in self._answers

    def answer(self, scan: Scan | None) -> Answer | None:
        """What was found; from before a change of settings while the scan with the new ones is under way."""
        if scan is None:
            return None
        return self._answers.get(scan) or self._before.get(_folders(scan))

    def pairs_reports(self) -> list[tuple[PairFolders, PairsReport]]:
        """The pair folders that could be looked through."""
        answers = ((pair, self.answer(self.pair_scan(pair))) for pair in self._project.pairs)
        return [(pair, answer) for pair, answer in answers if isinstance(answer, PairsReport)]

    def pair_at(self, index: int) -> PairFolders | None:
        """The pair folders with this index, None if there are none."""
        pairs = self._project.pairs
        return pairs[index] if 0 <= index < len(pairs) else None

    def target_report(self) -> FolderReport | None:
        """The target folder, if it could be looked through."""
        answer = self.answer(self.target_scan()) if self._project.target else None
        return answer if isinstance(answer, FolderReport) else None

    def sides(self) -> Iterator[Side]:
        """Every folder that could be looked through, with the name it has on the page."""
        reports = self.pairs_reports()
        for index, (pair, report) in enumerate(reports, start=1):
            more = f" {index}" if len(reports) > 1 else ""
            yield Side(f"Pairs{more}: RGB", "source", pair.rgb, report.rgb, "rgb", pair)
            yield Side(f"Pairs{more}: sensor", "sensor", pair.sensor, report.sensor, "sensor", pair)
        if (target := self.target_report()) is not None:
            yield Side("Target images", "sensor", target.folder, target, "target")

    # ---- scenes ------------------------------------------------------------------------------------------------

    def scene(self, path: str) -> SceneReport | None:
        """What a scene says about itself; None while that is not known, or if it is none."""
        found = self._scenes.get(InspectScene(path=path, tiles=self._project.tiles))
        return found if isinstance(found, SceneReport) else None

    def scenes(self) -> list[SceneReport]:
        """The scenes of the project that could be looked at, each once, the target's first."""
        found = (self.scene(path) for path in self._scene_files())
        return [report for report in found if report is not None]

    def has_scenes(self) -> bool:
        """Whether a scene was chosen for anything, or there are some in a folder."""
        files = (file for side in self.sides() for file in (*side.report.files[:1], *side.report.files[-1:]))
        return bool(self._scene_files()) or any(map(_TILE.search, files))

    def _scene_files(self) -> list[str]:
        project = self._project
        chosen = (project.target, *(path for pair in project.pairs for path in (pair.rgb, pair.sensor)))
        return list(dict.fromkeys(path for path in chosen if path.lower().endswith(SCENE_SUFFIXES)))

    def _look_at_scenes(self) -> None:
        """Ask for the headers at once: they are there long before the tiles have been looked through."""
        wanted = [InspectScene(path=path, tiles=self._project.tiles) for path in self._scene_files()]
        for job in [job for job in self._looks if job not in wanted]:
            self._looks.pop(job).cancel()
        for job in wanted:
            if job not in self._scenes and job not in self._looks:
                self._look_at(job)

    def _look_at(self, job: InspectScene) -> None:
        errand = Errand(self._desk, job, self)
        self._looks[job] = errand

        def keep(answer: object) -> None:
            if isinstance(answer, SceneReport | Problem):
                self._scenes[job] = answer

        def ended() -> None:
            self._looks.pop(job, None)
            self.changed.emit()

        errand.done.connect(keep)
        errand.failed.connect(keep)
        errand.ended.connect(ended)

    # ---- scanning ------------------------------------------------------------------------------------------------

    def _start_missing(self) -> None:
        for scan in self.wanted():
            if scan not in self._answers and scan not in self._errands:
                self._start(scan)
        self.changed.emit()

    def _start(self, scan: Scan) -> None:
        errand = Errand(self._desk, scan, self)
        self._errands[scan] = errand

        def keep(answer: object) -> None:
            if isinstance(answer, FolderReport | PairsReport | Problem):
                self._answers[scan] = answer
                self._before[_folders(scan)] = answer

        def ended() -> None:
            self._errands.pop(scan, None)
            self.changed.emit()

        def tell(progress: Progress) -> None:
            self.progressed.emit(scan, progress)

        errand.progressed.connect(tell)
        errand.done.connect(keep)
        errand.failed.connect(keep)
        errand.ended.connect(ended)


def _folders(scan: Scan) -> tuple[str, ...]:
    if isinstance(scan, ScanPairs):
        return scan.folders.rgb, scan.folders.sensor, scan.folders.table or ""
    return (scan.folder,)
