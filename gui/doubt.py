"""Everything doubtful about a project's images, from the look through its folders and from the doctor, in one list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.reports import CheckedPart, CheckedRole, CheckReport, Finding, PairShift
from bandbridge.gui.image_scans import ImageScans
from bandbridge.gui.moved_pairs import fault_of, moves_of
from bandbridge.gui.project import Project

KIND_TITLES: Mapping[str, str] = {
    "unreadable": "Damaged",
    "empty": "No images",
    "no-data": "Without data",
    "depth": "Number type",
    "bands": "Bands",
    "size": "Size",
    "pages": "Several images in a file",
    "transparency": "Transparency",
    "radar": "Radar unit",
    "class": "Class folders",
    "unmatched": "Without a partner",
    "ambiguous": "Several candidates",
    "constant": "Constant",
    "clipped": "Clipped",
    "beyond-stretch": "Black or white",
    "duplicate": "There twice",
    "near-duplicate": "Looks like another",
    "leak": "In pairs and target",
    "units": "Other units",
    "shift": "Shifted pairs",
    "broken": "Incomplete",
    "no-picture": "Without pictures",
    "no-sound": "Without sound",
    "silent": "Silent",
    "long": "Very long",
    "missing": "Not on the disk",
    "passed-over": "Other files",
    "elsewhere": "Outside the folder",
    "no-label": "Without a label",
    "no-training": "No training clip",
    "left out": "Left out by you",
}
_REPEATS = frozenset(("duplicate", "near-duplicate", "leak"))
_OF_WHOLE_FOLDERS = frozenset(("shift", "leak", "units"))

Moved = AbstractSet[tuple[int, str, str]]
"""(index of the pair folders, RGB file, sensor file) of the pairs that are moved into place."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding, and which folder it is about.

    Attributes:
        where: E.g. "Target".
        finding: The finding.
        is_file: Whether it is about one file, that may be left out.
        role: The folder's part in the project.
        folder: The folder; of "pairs", that of the sensor images.
        pair: Index among the project's pair folders; -1 for the target.
        shift: How far a shifted pair is off; None for all other findings.
        shifted: Of a shift that many pairs have in common: their (RGB file, sensor file).
    """

    where: str
    finding: Finding
    is_file: bool
    role: CheckedRole = "target"
    folder: str = ""
    pair: int = -1
    shift: PairShift | None = None
    shifted: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """The kind of finding, in words."""
        key = self.finding.kind
        return KIND_TITLES.get(key, key.capitalize())

    def is_moved(self, moved: Moved) -> bool:
        """Whether it is a shifted pair that is moved into place."""
        return self.shift is not None and (self.pair, self.shift.rgb, self.shift.sensor) in moved

    def is_settled(self, excluded: AbstractSet[str], moved: Moved) -> bool:
        """Whether the person has done something about it."""
        if self.is_moved(moved) or (self.is_file and self.finding.file in excluded):
            return True
        if self.shifted:
            return all((self.pair, *files) in moved or not excluded.isdisjoint(files) for files in self.shifted)
        concerns_other = self.shift is not None or self.finding.kind in _REPEATS
        return concerns_other and self.finding.other in excluded

    def pictures(self) -> tuple[tuple[CheckedRole, str], ...]:
        """The images to look at: whose they are, and their file in that folder."""
        finding = self.finding
        if self.shift is not None:
            return ("rgb", self.shift.rgb), ("sensor", self.shift.sensor)
        if finding.kind == "leak" and finding.other:
            return ("sensor", finding.file), ("target", finding.other)
        if finding.other and finding.kind in _REPEATS:
            return (self.role, finding.other), (self.role, finding.file)
        return ((self.role, finding.file),)


def collect_doubts(scans: ImageScans, check: CheckReport | None, project: Project) -> list[Doubt]:
    """All of them: what is wrong with files of their own comes before what follows from it for their partners.

    Args:
        scans: What the folders hold.
        check: What the doctor found; the look through the folders may know some of it too, or newer things.
        project: What the person has chosen.
    """
    parts = [*_scanned(scans, project), *(_checked(check, project) if check is not None else ())]
    found: list[Doubt] = []
    known: set[tuple[str, int, Finding]] = set()
    for together in (False, True):
        for title, pair, part in parts:
            if (part.role == "pairs") == together:
                folders = project.pairs[pair] if pair >= 0 else None
                for doubt in _of_part(title, pair, part, folders):
                    if check is not None:  # only then can a finding come twice
                        if (key := (doubt.role, pair, doubt.finding)) in known:
                            continue
                        known.add(key)
                    found.append(doubt)
    for pair, folders in enumerate(project.pairs):
        if (error := fault_of(folders)) is not None:
            fault = Finding(
                severity="error", kind="shift", file=folders.sensor, what=error.what, why=error.why, do=error.do
            )
            found.append(Doubt("Pairs", fault, False, "pairs", folders.sensor, pair))
    listed = {doubt.finding.file for doubt in found if doubt.is_file} if project.exclude else set()
    for file in project.exclude:
        if file not in listed:
            out = Finding(severity="note", kind="left out", file=file, what="Left out by you.")
            found.append(Doubt("", out, True))
    return found


def moved_in(project: Project) -> Moved:
    """The pairs that a project moves into place."""
    return {(index, *files) for index, pair in enumerate(project.pairs) for files in moves_of(pair)}


def as_parts(doubts: Sequence[Doubt]) -> tuple[CheckedPart, ...]:
    """The same findings as a check reports them, folder by folder."""
    parts: dict[tuple[CheckedRole, str], list[Doubt]] = {}
    for doubt in doubts:
        parts.setdefault((doubt.role, doubt.folder), []).append(doubt)
    return tuple(
        CheckedPart(
            role=role,
            folder=folder,
            images=0,
            findings=tuple(doubt.finding for doubt in some),
            shifts=tuple(doubt.shift for doubt in some if doubt.shift is not None),
        )
        for (role, folder), some in parts.items()
    )


def _scanned(scans: ImageScans, project: Project) -> Iterator[tuple[str, int, CheckedPart]]:
    places = {pair: index for index, pair in enumerate(project.pairs)}
    for side in scans.sides():
        pair = -1 if side.pair is None else places.get(side.pair)
        if pair is None:
            continue  # its folders have just been replaced; the scans of the new ones follow
        yield side.title, pair, CheckedPart(role=side.role, folder=side.folder, images=0, findings=side.report.findings)
    for folders, report in scans.pairs_reports():
        if folders in places:
            part = CheckedPart(role="pairs", folder=folders.sensor, images=len(report.pairs), findings=report.findings)
            yield "Pairs", places[folders], part


def _checked(check: CheckReport, project: Project) -> Iterator[tuple[str, int, CheckedPart]]:
    indices = [index for index, pair in enumerate(project.pairs) if pair.rgb and pair.sensor]
    titles = {"rgb": "RGB", "sensor": "sensor"}
    others = [part for part in check.parts if part.role != "target"]
    for number, part in enumerate(others):
        place = number // 3  # RGB, sensor, and both together
        more = f" {place + 1}" if len(indices) > 1 else ""
        title = "Pairs" if part.role == "pairs" else f"Pairs{more}: {titles[part.role]}"
        yield title, indices[place], _without_counts(part)
    for part in check.parts:
        if part.role == "target":
            yield "Target images", -1, _without_counts(part)


def _without_counts(part: CheckedPart) -> CheckedPart:
    """What the doctor alone knows of a folder as a whole; all else is counted anew with every look through it."""
    return replace(
        part, findings=tuple(one for one in part.findings if one.file != part.folder or one.kind in _OF_WHOLE_FOLDERS)
    )


def _of_part(title: str, pair: int, part: CheckedPart, folders: PairFolders | None) -> Iterator[Doubt]:
    shifts = {(one.rgb, one.sensor): one for one in part.shifts}
    shifted = tuple((one.other, one.file) for one in part.findings if one.kind == "shift" and one.other)
    no_images = {"", part.folder}
    if folders is not None:
        no_images |= {folders.rgb, folders.sensor, folders.table or "", folders.shifts or ""}
    for finding in part.findings:
        is_shift = finding.kind == "shift"
        shift = shifts.get((finding.other, finding.file)) if is_shift else None
        is_file = finding.file not in no_images
        together = () if is_file or not is_shift else shifted
        yield Doubt(title, finding, is_file, part.role, part.folder, pair, shift, together)
