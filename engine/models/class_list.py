"""Names of classes: from a model file's metadata, from a text or CSV file, or numbers."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from bandbridge.engine.api.errors import ModelError

_KEYS = ("class_names", "classes", "names", "label_names", "labels", "class_to_idx", "idx_to_class", "id2label")
_HEADINGS = ("class", "classes", "name", "names", "label", "labels")


def read_class_list(path: str | Path, classes: int) -> tuple[str, ...]:
    """Read class names from a text file (one a line) or a CSV file (`index,name` or `name`), header or not.

    Args:
        path: The file, UTF-8.
        classes: Number of classes K the model has.

    Raises:
        ModelError: Not readable, or not exactly K names.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"The list of classes '{file.name}' cannot be read.", str(error), "Save it as plain text (UTF-8)."
        ) from error
    rows = [
        [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)
    ]
    headed = bool(rows) and not rows[0][0].isdecimal()
    names = _numbered(rows[1:] if headed else rows) or [", ".join(row) for row in rows]
    if headed and len(names) == classes + 1 and names[0].lower() in _HEADINGS:
        names = names[1:]
    if len(names) != classes:
        raise ModelError(
            f"'{file.name}' names {len(names)} classes, but the model has {classes}.",
            "Every class of the model needs one name, in the model's order.",
            "Correct the list, or leave it out to number the classes.",
        )
    return tuple(names)


def _numbered(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names of rows `index,name` whose indices run from 0 (or 1) without a gap, else nothing."""
    if not rows or not all(len(row) >= 2 and row[0].isdecimal() for row in rows):
        return []
    named = {int(row[0]): row[1] for row in rows}
    first = min(named)
    whole = first in (0, 1) and sorted(named) == list(range(first, first + len(rows)))
    return [named[number] for number in sorted(named)] if whole else []


def names_in(metadata: Mapping[str, object], classes: int) -> tuple[tuple[str, ...] | None, str]:
    """Class names a model file carries under one of the usual keys.

    Returns:
        The names, or None if there are none that fit; and a note if some were found that do not.
    """
    note = ""
    for key in _KEYS:
        names = _as_names(metadata.get(key))
        if names is not None and len(names) == classes:
            return names, ""
        if names:
            note = f"The file names {len(names)} classes, but its last layer has {classes}; they are numbered instead."
    return None, note


def _as_names(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    if not isinstance(value, Mapping) or not value:
        return None
    if all(isinstance(number, int) for number in value.values()):
        value = {number: name for name, number in value.items()}
    try:
        by_number = {int(number): str(name) for number, name in value.items()}
    except ValueError:
        return None
    return tuple(by_number[n] for n in sorted(by_number)) if sorted(by_number) == list(range(len(by_number))) else None


def numbers(classes: int) -> tuple[str, ...]:
    """Names for classes nobody named: their numbers, from 0."""
    return tuple(str(number) for number in range(classes))
