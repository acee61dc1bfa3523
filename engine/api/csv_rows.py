"""Tables that people write or change: CSV files with a heading, whatever separates their columns."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bandbridge.engine.api.errors import PairingError


@dataclass(frozen=True, slots=True)
class CsvRows:
    """What a table holds.

    Attributes:
        heading: Its first line as it stands there.
        columns: Their names in small letters.
        rows: Line number, and column -> cell without blanks around it; "" where a line ends early.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_csv_rows(table: Path, what: str) -> CsvRows:
    """Read a table; comma, semicolon and tab separate columns.

    Args:
        table: The file.
        what: What it is to people, e.g. "table".

    Raises:
        PairingError: It cannot be read.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
        heading = text.partition("\n")[0]
        reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=heading.count), restval="")
        reader.fieldnames = [name.strip().casefold() for name in reader.fieldnames or ()]
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PairingError(
            f"The {what} '{table}' cannot be read.",
            f"The system says: {error}.",
            "Save it as a CSV file with UTF-8 encoding.",
        ) from error
    columns = tuple(reader.fieldnames)
    return CsvRows(
        heading.strip(), columns, tuple((line, {name: row[name].strip() for name in columns}) for line, row in rows)
    )


def as_listed(cell: str) -> str:
    """A path as `list_images` writes it."""
    plain = cell.replace("\\", "/")
    return PurePosixPath(plain).as_posix() if plain else ""
