"""Which clips there are, what they show, and which of them are learned from.

A folder holds class folders, perhaps in the folders `train`, `validation` and `test`; or a list, `clips.csv` or
`clips.json`, with the columns `file` and `label` and, where wanted, `split` and `sound`:

    file             relative to the list, or a whole path
    label            the class; several tags are separated by ";"
    split            "train", "validation" or "test"
    sound            "matched", or how the sound does not belong to the picture; for measuring, never for learning
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from bandbridge.engine.api.clip_endings import SOUND_ENDINGS, VIDEO_ENDINGS
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.reports import Finding

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
LISTS = ("clips.csv", "clips.json")

DRAWN_SHARE = 0.2
"""Of every class for validation, and as much for testing, where nobody said which clips these are."""

_SPLIT_WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "val": VALIDATION,
    "valid": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
_TEXTS = "csv db doc docx h5 htm html ini json log md npy npz odt pdf rtf srt toml tsv txt vtt xls xlsx xml yaml yml"
"""Beside clips, never clips."""
_ENDINGS = frozenset((*VIDEO_ENDINGS, *SOUND_ENDINGS))
_BESIDE = frozenset(f".{ending}" for ending in _TEXTS.split())


@dataclass(frozen=True, slots=True)
class ListedClip:
    """One clip before it is read.

    Attributes:
        file: Relative to the folder, or a whole path.
        labels: What it shows; usually one class, () if nobody said.
        split: "train", "validation" or "test".
        sound: What the list says about its sound, "" if nothing.
    """

    file: str
    labels: tuple[str, ...]
    split: str
    sound: str = ""


@dataclass(frozen=True, slots=True)
class ClipList:
    """All clips of a folder.

    Attributes:
        folder: What their names are relative to.
        clips: Sorted by name.
        class_names: Of all labels, sorted.
        drawn: Whether the splits were drawn here, since nobody gave any.
        findings: Lines of the list without a file, clips of it that lie elsewhere, and what was passed over.
    """

    folder: Path
    clips: tuple[ListedClip, ...]
    class_names: tuple[str, ...]
    drawn: bool
    findings: tuple[Finding, ...] = ()


def find_clips(place: Path) -> ClipList:
    """The clips of a folder or of a list.

    Without splits, 20 % of every class are drawn for validation and 20 % for testing, by the clips' names alone: every
    run on the same clips gets the same ones, whatever its seed. A list may name files of any ending anywhere.

    Raises:
        UsageError: There are none, the list is wrong, or one file is there by two names.
    """
    table = place if place.is_file() else next((place / name for name in LISTS if (place / name).is_file()), None)
    folder = place.parent if place.is_file() else place
    if table is not None:
        listed, findings = _present(folder, _listed(table))
        findings += _far(folder, listed)
    else:
        names, findings = look_for_clips(folder)
        _refuse_twins(folder, names)
        listed = [_by_folders(name) for name in names]
    if not listed:
        raise UsageError(
            f"There are no clips in '{place}'.",
            " ".join(
                [
                    "A folder of class folders with videos is wanted, or one with a list called clips.csv.",
                    *(finding.what for finding in findings[:3]),
                ]
            ),
            "Choose another folder, or write the list.",
        )
    listed.sort(key=lambda clip: clip.file)
    drawn = not any(clip.split for clip in listed)
    clips = _drawn(listed) if drawn else tuple(replace(c, split=c.split or TRAIN) for c in listed)
    names_of_classes = tuple(sorted({label for clip in clips for label in clip.labels}))
    return ClipList(folder, clips, names_of_classes, drawn, findings)


def look_for_clips(folder: Path) -> tuple[list[str], tuple[Finding, ...]]:
    """All videos and sound files under a folder, and what was passed over: other endings, links that lead nowhere.

    Returns:
        Names relative to the folder, sorted, those in linked folders too and hidden ones not; and what to say.
    """
    found: list[str] = []
    findings: list[Finding] = []
    others: Counter[str] = Counter()
    for path in _files_below(folder):
        name, ending = path.relative_to(folder).as_posix(), path.suffix.lower()
        if ending in _ENDINGS and path.exists():
            found.append(name)
        elif ending in _ENDINGS:
            findings.append(_missing(name, f"The clip '{name}' is a link that leads nowhere."))
        elif ending not in _BESIDE:
            others[ending] += 1
    findings.sort(key=lambda finding: finding.file)
    if others:
        kinds = ", ".join(
            f"{ending or 'without ending'} ({count})"
            for ending, count in sorted(others.items(), key=lambda one: (-one[1], one[0]))[:6]
        )
        findings.append(
            Finding(
                severity="note",
                kind="passed-over",
                file=str(folder),
                what=f"Passed over were files that are not named like clips: {kinds}.",
                why="What is a video or sound is told by the ending of its name.",
                do="If they are clips, rename them or write a list: its files are read whatever their names.",
            )
        )
    return sorted(found), tuple(findings)


def _files_below(folder: Path) -> Iterator[Path]:
    """Files and dangling links, in linked folders too, but not round in circles."""
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and not ((here / name).is_symlink() and here.resolve().is_relative_to((here / name).resolve()))
        ]
        yield from (here / name for name in files if not name.startswith("."))


def some(names: Sequence[str]) -> str:
    """The first three names in quotes, and how many more there are."""
    return ", ".join(f"'{name}'" for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _refuse_twins(folder: Path, names: Sequence[str]) -> None:
    known: dict[str, str] = {}
    folders = _RealFolders()
    for name in names:
        first = known.setdefault(_real_place(folder / name, folders), name)
        if first != name:
            raise UsageError(
                f"'{first}' and '{name}' in '{folder}' are one file: a link leads from one to the other.",
                "A clip that is there twice may be learned from and measured on at once.",
                "Take one of the two away; several labels of a clip are said in a list, separated by ';'.",
            )


class _RealFolders(dict[Path, str]):
    """Folders -> where they lie behind all links, each looked up once."""

    def __missing__(self, folder: Path) -> str:
        self[folder] = os.path.realpath(folder)
        return self[folder]


def _real_place(file: Path, folders: _RealFolders) -> str:
    """Where a file lies behind all links."""
    linked = os.path.realpath(file) if file.is_symlink() else os.path.join(folders[file.parent], file.name)
    return os.path.normcase(linked)


def _by_folders(name: str) -> ListedClip:
    folders = PurePosixPath(name).parts[:-1]
    split = _SPLIT_WORDS.get(folders[0].lower(), "") if folders else ""
    rest = folders[1:] if split else folders
    return ListedClip(name, rest[:1], split)


def _listed(table: Path) -> list[ListedClip]:
    rows = _json_rows(table) if table.suffix.lower() == ".json" else _csv_rows(table)
    clips: dict[str, ListedClip] = {}
    folders = _RealFolders()
    for number, row in rows:
        clip = _clip_of(table, number, row)
        first = clips.setdefault(_real_place(table.parent / clip.file, folders), clip)
        if first.file != clip.file:
            raise _wrong(table, number, f"'{clip.file}' is the file '{first.file}', which is listed already")
        if first is not clip:
            raise _wrong(table, number, f"the file '{clip.file}' is listed twice")
    return list(clips.values())


def _clip_of(table: Path, number: int, row: Mapping[str, Any]) -> ListedClip:
    file = row.get("file")
    if not isinstance(file, str) or not file.strip():
        raise _wrong(table, number, "it names no file")
    said = str(row.get("split") or "").strip().lower()
    if said and said not in _SPLIT_WORDS:
        raise _wrong(table, number, f"the split '{said}' is none of train, validation, test")
    return ListedClip(
        file=PurePosixPath(file.strip().replace("\\", "/")).as_posix(),
        labels=_labels_of(table, number, row.get("label", row.get("labels"))),
        split=_SPLIT_WORDS.get(said, ""),
        sound=str(row.get("sound") or "").strip().lower(),
    )


def _labels_of(table: Path, number: int, given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    parts = given.split(";") if isinstance(given, str) else given if isinstance(given, list) else [given]
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, str | int):
            raise _wrong(table, number, f"the label {json.dumps(part)} is neither a word nor a whole number")
    return tuple(sorted({str(part).strip() for part in parts} - {""}))


def _csv_rows(table: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            heads = [head.strip().lower() for head in reader.fieldnames or ()]
            _require_columns(table, heads, "Name its columns file,label,split in the first line.")
            reader.fieldnames = heads
            return [(number, dict(row)) for number, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The list '{table}' cannot be read.", f"{error}.", "Save it as CSV in UTF-8.") from error


def _json_rows(table: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The list '{table}' cannot be read.", f"{error}.", "Correct it.") from error
    example = 'Write [{"file": "a.mp4", "label": "walking", "split": "train"}, ...].'
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"The list '{table}' does not hold a list of clips.", "", example)
    rows = [{key.strip().lower(): value for key, value in row.items()} for row in rows]
    if rows:
        _require_columns(table, list(dict.fromkeys(key for row in rows for key in row)), example)
    return list(enumerate(rows, start=1))


def _require_columns(table: Path, there: Sequence[str], do: str) -> None:
    for wanted in (("file",), ("label", "labels")):
        if not set(wanted) & set(there):
            raise UsageError(
                f"The list '{table}' has no column '{wanted[0]}'.",
                f"Its columns are: {', '.join(there) or 'none'}.",
                do,
            )


def _wrong(table: Path, number: int, why: str) -> UsageError:
    line = "Entry" if table.suffix.lower() == ".json" else "Line"
    return UsageError(f"{line} {number} of '{table}' is wrong.", f"{why[0].upper()}{why[1:]}.", "Correct it.")


def _present(folder: Path, listed: Iterable[ListedClip]) -> tuple[list[ListedClip], tuple[Finding, ...]]:
    there: list[ListedClip] = []
    findings: list[Finding] = []
    for clip in listed:
        if (folder / clip.file).is_file():
            there.append(clip)
        else:
            findings.append(_missing(clip.file, f"The clip '{clip.file}' is in the list and not on the disk."))
    return there, tuple(findings)


def _missing(file: str, what: str) -> Finding:
    return Finding(
        severity="warning",
        kind="missing",
        file=file,
        what=what,
        why="It was moved or deleted, or its drive is not there.",
        do="Bring it back, or leave it out.",
    )


def _far(folder: Path, listed: Sequence[ListedClip]) -> tuple[Finding, ...]:
    """A note on clips that a list names outside its own folder."""
    far = [clip.file for clip in listed if os.path.isabs(clip.file) or os.path.normpath(clip.file).startswith("..")]
    if not far:
        return ()
    return (
        Finding(
            severity="note",
            kind="elsewhere",
            file=str(folder),
            what=f"The list names clips outside its folder: {some(far)}.",
            why="They are read where they lie; whoever moves or copies the folder does not take them along.",
            do="Put them into the folder if it is to be moved or passed on.",
        ),
    )


def _drawn(clips: Sequence[ListedClip]) -> tuple[ListedClip, ...]:
    """The clips with splits drawn class by class by a scrambled order of their names."""
    groups: dict[tuple[str, ...], list[ListedClip]] = defaultdict(list)
    for clip in clips:
        groups[clip.labels].append(clip)
    split_of: dict[str, str] = {}
    for group in groups.values():
        scrambled = sorted(group, key=lambda clip: hashlib.blake2b(clip.file.encode(), digest_size=8).digest())
        aside = min(max(round(DRAWN_SHARE * len(group)), 1), (len(group) - 1) // 2)
        for place, clip in enumerate(scrambled):
            split_of[clip.file] = TEST if place < aside else VALIDATION if place < 2 * aside else TRAIN
    return tuple(replace(clip, split=split_of[clip.file]) for clip in clips)
