"""The doctor: everything in pairs and target images that would harm a run, found before it begins."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.finding_table import finding_table
from bandbridge.engine.api.jobs import CheckData, ScanPairs
from bandbridge.engine.api.reports import CheckedPart, CheckReport, Finding, FolderReport, PairShift
from bandbridge.engine.api.sensor_profiles import SensorProposal
from bandbridge.engine.api.shift_table import Move, Moves, shift_table
from bandbridge.engine.api.storage import check_writable, write_text
from bandbridge.engine.imagery.common_ground import moves_of
from bandbridge.engine.imagery.doubts import findings as words
from bandbridge.engine.imagery.doubts.duplicates import leaks, repeats
from bandbridge.engine.imagery.doubts.exposure import exposure_findings
from bandbridge.engine.imagery.doubts.glimpse import Glimpse, grey, take_glimpse
from bandbridge.engine.imagery.doubts.registration import (
    LEAST_CONFIDENCE_TOGETHER,
    LEAST_SHIFT_PX,
    Shift,
    Together,
    correlate,
)
from bandbridge.engine.imagery.doubts.units import odd_units
from bandbridge.engine.imagery.folder import Reading, list_images, scan_sensor
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.pairing import Pairing, pair_folders, scan_pair_images
from bandbridge.engine.imagery.sensors.stretch import Stretch
from numpy.typing import NDArray

Emit = Callable[[Event], None]

LARGEST_COMPARED_PX = 256
FEWEST_ALIKE = 5
"""Pairs from which a shift they have in common is named."""
MOST_STRANGE = 0.2
"""Share of the pairs measured alone that may contradict a shift all have in common, before others are taken for it."""

_PictureKind = tuple[int, int, float]
"""Height and width of the pictures compared, and pixels of the sensor image to one of theirs."""

# The RGB side's small pictures wait in memory for their partners.
_MOST_WAITING_BYTES = 512 << 20


def check_data(job: CheckData, emit: Emit, control: Control) -> CheckReport:
    """Look through all images, every file decoded once for all checks (twice if it is both sides of a pair).

    Raises:
        PairingError: A table of pairs or of shifts cannot be used.
        Stopped: The person asked to stop.
        StorageError: A table cannot be written.
        UsageError: There is nothing to look at, a folder cannot be read, or the stretch rule or a choice of bands is
            none.
    """
    if not job.pairs and job.target is None:
        raise UsageError("There is nothing to check.", "Neither pairs nor target images were named.", "Name folders.")
    tables = (*((job.table,) if job.table is not None else ()), *job.shifts)
    for table in tables:
        check_writable(Path(table))
    started = time.monotonic()
    parts: list[CheckedPart] = []
    target = None
    if job.target is not None:
        target, part = _look_at_target(job, job.target, emit, control)
        parts.append(part)
    for folders in job.pairs:
        parts += _look_at_pairs(job, folders, target, emit, control)
    if job.table is not None:
        write_text(Path(job.table), finding_table(parts))
    for table, part in zip(job.shifts, (part for part in parts if part.role == "pairs"), strict=False):
        write_text(Path(table), shift_table(part.shifts))
    return CheckReport(
        parts=tuple(parts),
        counts=dict(Counter(finding.kind for part in parts for finding in part.findings).most_common()),
        images=sum(part.images for part in parts if part.role != "pairs"),
        seconds=time.monotonic() - started - control.paused_s,
        written=tables,
    )


class _Records:
    """The records of a folder's images, taken as they are decoded, by several threads at once."""

    def __init__(self) -> None:
        self._taken: dict[str, Glimpse | None] = {}

    @property
    def seen(self) -> int:
        """Images that could be read."""
        return len(self._taken)

    def see(self, name: str, image: Image) -> None:
        """Take an image's record; one without any data has none."""
        self._taken[name] = None if np.isnan(image.values).all() else take_glimpse(image)

    def of(self, report: FolderReport) -> dict[str, Glimpse]:
        """File -> record of the usable images, in order."""
        return {name: one for name in report.files if (one := self._taken[name]) is not None}


class _Shifts:
    """Measures every pair as soon as its sensor image is decoded; the RGB side is kept small until then.

    Args:
        pairing: Which files belong together.
        moves: Pairs that are moved into place: only what is left of their shifts is a fault.
    """

    def __init__(self, pairing: Pairing, moves: Moves) -> None:
        self._moves = moves
        self._wanted = Counter(rgb for _, rgb, _ in pairing.pairs)
        self._partners: dict[str, list[tuple[str, str]]] = {}
        for key, rgb, sensor in pairing.pairs:
            self._partners.setdefault(sensor, []).append((key, rgb))
        room = math.isqrt(_MOST_WAITING_BYTES // max(1, len(self._wanted)))
        self._size_px = min(LARGEST_COMPARED_PX, room)
        self._waiting: dict[str, NDArray[np.uint8]] = {}
        self._measured: dict[tuple[str, str], PairShift] = {}
        # Pictures of one shape and scale can be looked at together.
        self._kinds: dict[tuple[str, str], _PictureKind] = {}
        self._together: dict[_PictureKind, Together] = {}
        self._lock = Lock()

    def see_rgb(self, name: str, image: Image) -> None:
        """Keep what the partner will be compared with."""
        if name in self._wanted:
            self._waiting[name] = grey(image.values, self._size_px)

    def see_sensor(self, name: str, image: Image) -> None:
        """Compare with the partners."""
        for key, rgb in self._partners.get(name, ()):
            if rgb in self._waiting:
                picture = grey(image.values, self._size_px)
                correlation = correlate(self._waiting[rgb], picture)
                shift = Shift(0.0, 0.0, 0.0) if correlation is None else correlation.shift()
                scale = image.header.width / picture.shape[1]
                self._measured[rgb, name] = _pair_shift(key, rgb, name, shift, scale)
                if correlation is not None:
                    kind = (*picture.shape, scale)
                    with self._lock:
                        self._kinds[rgb, name] = kind
                        self._together.setdefault(kind, Together()).add(correlation)

    def measured(self, pairs: Sequence[tuple[str, str, str]]) -> list[PairShift]:
        """Those of the pairs that were kept, in their order.

        Where all pairs together are surely shifted, and hardly one that can be measured alone contradicts, those that
        cannot are taken to be shifted so too.
        """
        kept = [self._measured[rgb, sensor] for _, rgb, sensor in pairs if (rgb, sensor) in self._measured]
        for kind, together in self._together.items():
            shift = together.shift()
            is_sure = together.pairs >= FEWEST_ALIKE and shift.confidence >= LEAST_CONFIDENCE_TOGETHER
            if not is_sure or shift.length_px < LEAST_SHIFT_PX:
                continue
            common = _pair_shift("", "", "", shift, kind[2])
            alone = [one for one in kept if one.sure and self._kinds.get((one.rgb, one.sensor)) == kind]
            strange = sum(_apart(one, common) > kind[2] for one in alone)
            if strange <= MOST_STRANGE * len(alone):
                kept = [self._as_all(one, kind, common) for one in kept]
        return kept

    def _as_all(self, one: PairShift, kind: _PictureKind, common: PairShift) -> PairShift:
        if one.sure or self._kinds.get((one.rgb, one.sensor)) != kind:
            return one
        return replace(one, right_px=common.right_px, down_px=common.down_px, sure=True, together=True)

    def _is_misplaced(self, one: PairShift) -> bool:
        """Whether the pair surely is shifted, once it is moved as it shall be."""
        if not one.sure:
            return False
        move = self._moves.get((one.rgb, one.sensor), Move(0.0, 0.0))
        scale = self._kinds[one.rgb, one.sensor][2]
        return math.hypot(one.right_px - move.right_px, one.down_px - move.down_px) >= LEAST_SHIFT_PX * scale

    def findings(self, folder: str, shifts: Sequence[PairShift]) -> Iterator[Finding]:
        """What is wrong with the pairs measured: all of them alike, and each."""
        wrong = [one for one in shifts if self._is_misplaced(one)]
        if len(wrong) >= FEWEST_ALIKE:
            right, down = (float(np.median([getattr(one, way) for one in wrong])) for way in ("right_px", "down_px"))
            alike = [
                one
                for one in wrong
                if math.hypot(one.right_px - right, one.down_px - down) <= max(1.0, self._kinds[one.rgb, one.sensor][2])
            ]
            sure = sum(one.sure for one in shifts)
            if 2 * len(alike) > sure:
                together = sum(one.together for one in alike)
                yield words.misplaced_together(folder, right, down, len(alike), sure, together)
        for one in wrong:
            yield words.misplaced(one)


@dataclass(frozen=True, slots=True)
class _Target:
    folder: str
    records: Mapping[str, Glimpse]
    """Of usable images in the usual units."""
    sensor: SensorProposal | None


def _look_at_target(job: CheckData, folder: str, emit: Emit, control: Control) -> tuple[_Target, CheckedPart]:
    records = _Records()
    names = list_images(folder, job.exclude, job.tiles, control)
    chosen = Reading(job.profile, job.sensor_bands, job.stretch, job.no_data, job.tiles)
    scan = scan_sensor(folder, names, chosen, control, emit, "Looking through target images", records.see)
    usual, found = _judge(records.of(scan.report), scan.stretch, control)
    part = CheckedPart(
        role="target",
        folder=folder,
        images=records.seen,
        findings=(*scan.report.findings, *found),
        sensor=scan.report.sensor,
    )
    return _Target(folder, usual, scan.report.sensor), part


def _look_at_pairs(
    job: CheckData, folders: PairFolders, target: _Target | None, emit: Emit, control: Control
) -> list[CheckedPart]:
    asked = ScanPairs(
        folders=folders,
        rgb_bands=job.rgb_bands,
        sensor_bands=job.sensor_bands,
        profile=job.profile,
        stretch=job.stretch,
        no_data=job.no_data,
        exclude=job.exclude,
        tiles=job.tiles,
    )
    rgb_records, sensor_records = _Records(), _Records()
    compared = _Shifts(pair_folders(folders, job.exclude, job.tiles), moves_of(folders))

    def see_rgb(name: str, image: Image) -> None:
        rgb_records.see(name, image)
        compared.see_rgb(name, image)

    def see_sensor(name: str, image: Image) -> None:
        sensor_records.see(name, image)
        compared.see_sensor(name, image)

    scan = scan_pair_images(asked, control, emit, see_rgb, see_sensor)
    report = scan.report
    shifts = compared.measured(report.pairs)
    _, rgb_found = _judge(rgb_records.of(report.rgb), scan.rgb_stretch, control)
    usual, sensor_found = _judge(sensor_records.of(report.sensor), scan.sensor_stretch, control)
    if target is not None:
        sensor_found += _against_target(folders.sensor, usual, target, control)
        sensor_found += words.other_sensor(folders.sensor, report.sensor.sensor, target.sensor, job.sensor_bands)
    control.check()
    together = (*report.findings, *compared.findings(folders.sensor, shifts))
    return [
        CheckedPart(
            role="rgb",
            folder=folders.rgb,
            images=rgb_records.seen,
            findings=(*report.rgb.findings, *rgb_found),
            sensor=report.rgb.sensor,
        ),
        CheckedPart(
            role="sensor",
            folder=folders.sensor,
            images=sensor_records.seen,
            findings=(*report.sensor.findings, *sensor_found),
            sensor=report.sensor.sensor,
        ),
        CheckedPart(
            role="pairs", folder=folders.sensor, images=len(report.pairs), findings=together, shifts=tuple(shifts)
        ),
    ]


def _judge(
    records: Mapping[str, Glimpse], stretch: Stretch | None, control: Control
) -> tuple[dict[str, Glimpse], list[Finding]]:
    """The records of images in the usual units, and what is wrong with the images of one folder."""
    found: list[Finding] = []
    usual = dict(records)
    odd = odd_units(records)
    if odd is not None:
        found += [words.odd_unit(name, odd.theirs, odd.usual) for name in odd.names]
        usual = {name: one for name, one in records.items() if name not in odd.names}
    found += exposure_findings(usual, stretch)
    for one in repeats(records, control):
        tell = words.repeated if one.sameness == "same" else words.repeated_alike
        found.append(tell(one.name, one.earlier))
    return usual, found


def _against_target(folder: str, records: Mapping[str, Glimpse], target: _Target, control: Control) -> list[Finding]:
    """What is wrong with the sensor side of pairs beside the target."""
    found: list[Finding] = []
    if records and _kind(records) == _kind(target.records):
        # Both are of one kind by themselves, so if they disagree together, they disagree with each other.
        mine, others = (
            {f"{side}/{name}": one for name, one in side_records.items()}
            for side, side_records in (("pairs", records), ("target", target.records))
        )
        odd = odd_units(mine | others)
        if odd is not None and set(odd.names) == set(mine):
            found.append(words.units_apart(folder, odd.theirs, odd.usual))
        elif odd is not None and set(odd.names) == set(others):
            found.append(words.units_apart(folder, odd.usual, odd.theirs))
    if Path(folder).samefile(target.folder):
        return [*found, words.same_folder(folder)]
    found += [
        words.leaked(one.name, one.earlier, exactly=one.sameness == "same")
        for one in leaks(records, target.records, control)
    ]
    return found


def _pair_shift(pair: str, rgb: str, sensor: str, shift: Shift, scale: float) -> PairShift:
    return PairShift(
        pair=pair,
        rgb=rgb,
        sensor=sensor,
        right_px=shift.right_px * scale,
        down_px=shift.down_px * scale,
        confidence=shift.confidence,
        sure=shift.is_sure,
    )


def _apart(one: PairShift, other: PairShift) -> float:
    return math.hypot(one.right_px - other.right_px, one.down_px - other.down_px)


def _kind(records: Mapping[str, Glimpse]) -> tuple[str, int] | None:
    """Number type and number of bands that all these records have in common."""
    first = next(iter(records.values()), None)
    return None if first is None else (first.dtype, len(first.low))
