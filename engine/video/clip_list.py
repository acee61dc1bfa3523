"""Which clips there are, what they show, and which of them are learned from.

A folder holds class folders, perhaps in the folders `train`, `validation` and `test`; or a list, `clips.csv` or
`clips.json`, with the columns `file` and `label` and, where wanted, `split` and `sound`:

    file             relative to the list
    label            the class; several tags are separated by ";"
    split            "train", "validation" or "test"
    sound            "matched", or how the sound does not belong to the picture; for measuring, never for learning
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

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
_VIDEOS = (
    "3g2 3gp asf avi dv f4v flv gif m2ts m2v m4v mjpeg mkv mov mp4 mpe mpeg mpg mts mxf nut ogm ogv rm rmvb ts vob "
    "webm wmv y4m"
)
_SOUNDS = "aac ac3 aif aiff flac m4a mp2 mp3 oga ogg opus wav wma"
_ENDINGS = frozenset(f".{ending}" for ending in f"{_VIDEOS} {_SOUNDS}".split())


@dataclass(frozen=True, slots=True)
class ListedClip:
    """One clip before it is read.

    Attributes:
        file: Relative to the folder.
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
        findings: Lines of the list without a file.
    """

    folder: Path
    clips: tuple[ListedClip, ...]
    class_names: tuple[str, ...]
    drawn: bool
    findings: tuple[Finding, ...] = ()


def find_clips(place: Path) -> ClipList:
    """The clips of a folder or of a list.

    Without splits, 20 % of every class are drawn for validation and 20 % for testing, by the clips' names alone: every
    run on the same clips gets the same ones, whatever its seed.

    Raises:
        UsageError: There are none, or the list is wrong.
    """
    table = place if place.is_file() else next((place / name for name in LISTS if (place / name).is_file()), None)
    folder = place.parent if place.is_file() else place
    if table is not None:
        listed, findings = _present(folder, _listed(table))
    else:
        listed, findings = [_by_folders(name) for name in clip_files(folder)], ()
    if not listed:
        raise UsageError(
            f"There are no clips in '{place}'.",
            "A folder of class folders with videos is wanted, or one with a list called clips.csv.",
            "Choose another folder, or write the list.",
        )
    listed.sort(key=lambda clip: clip.file)
    drawn = not any(clip.split for clip in listed)
    clips = _drawn(listed) if drawn else tuple(replace(c, split=c.split or TRAIN) for c in listed)
    names = tuple(sorted({label for clip in clips for label in clip.labels}))
    return ClipList(folder, clips, names, drawn, findings)


def clip_files(folder: Path) -> list[str]:
    """All videos and sound files under a folder, relative to it, sorted; hidden ones are left alone."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.suffix.lower() in _ENDINGS and path.is_file() and not any(part.startswith(".") for part in name.parts):
            found.append(name.as_posix())
    return sorted(found)


def _by_folders(name: str) -> ListedClip:
    folders = PurePosixPath(name).parts[:-1]
    split = _SPLIT_WORDS.get(folders[0].lower(), "") if folders else ""
    rest = folders[1:] if split else folders
    return ListedClip(name, rest[:1], split)


def _listed(table: Path) -> list[ListedClip]:
    rows = _json_rows(table) if table.suffix.lower() == ".json" else _csv_rows(table)
    clips: dict[str, ListedClip] = {}
    for number, row in rows:
        clip = _clip_of(table, number, row)
        if clip.file in clips:
            raise _wrong(table, number, f"the file '{clip.file}' is listed twice")
        clips[clip.file] = clip
    return list(clips.values())


def _clip_of(table: Path, number: int, row: Mapping[str, Any]) -> ListedClip:
    file = row.get("file")
    if not isinstance(file, str) or not file.strip():
        raise _wrong(table, number, "it names no file")
    given = row.get("label", row.get("labels"))
    parts = given if isinstance(given, list) else str(given or "").split(";")
    said = str(row.get("split") or "").strip().lower()
    if said and said not in _SPLIT_WORDS:
        raise _wrong(table, number, f"the split '{said}' is none of train, validation, test")
    return ListedClip(
        file=PurePosixPath(file.strip().replace("\\", "/")).as_posix(),
        labels=tuple(sorted({str(part).strip() for part in parts} - {""})),
        split=_SPLIT_WORDS.get(said, ""),
        sound=str(row.get("sound") or "").strip().lower(),
    )


def _csv_rows(table: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            heads = [head.strip().lower() for head in reader.fieldnames or ()]
            if "file" not in heads:
                raise UsageError(
                    f"The list '{table}' has no column 'file'.",
                    f"Its columns are: {', '.join(heads) or 'none'}.",
                    "Name its columns file,label,split in the first line.",
                )
            reader.fieldnames = heads
            return [(number, dict(row)) for number, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The list '{table}' cannot be read.", f"{error}.", "Save it as CSV in UTF-8.") from error


def _json_rows(table: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The list '{table}' cannot be read.", f"{error}.", "Correct it.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(
            f"The list '{table}' does not hold a list of clips.",
            "",
            'Write [{"file": "a.mp4", "label": "walking", "split": "train"}, ...].',
        )
    return list(enumerate(rows, start=1))


def _wrong(table: Path, number: int, why: str) -> UsageError:
    return UsageError(f"Line {number} of '{table}' is wrong.", f"{why[0].upper()}{why[1:]}.", "Correct it.")


def _present(folder: Path, listed: Iterable[ListedClip]) -> tuple[list[ListedClip], tuple[Finding, ...]]:
    there: list[ListedClip] = []
    findings: list[Finding] = []
    for clip in listed:
        if (folder / clip.file).is_file():
            there.append(clip)
        else:
            findings.append(
                Finding(
                    severity="warning",
                    kind="missing",
                    file=clip.file,
                    what=f"The clip '{clip.file}' is in the list and not on the disk.",
                    do="Add it, or leave it out of the list.",
                )
            )
    return there, tuple(findings)


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
