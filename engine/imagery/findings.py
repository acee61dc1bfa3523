"""The words for what is doubtful about single files."""

from __future__ import annotations

from pathlib import Path

from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.bands import MissingBandError


def unreadable(name: str, path: Path, error: ImageError) -> Finding:
    """A file that could not be read; the error speaks of its full path, the finding of its name in the folder."""
    return Finding(
        severity="warning",
        kind="bands" if isinstance(error, MissingBandError) else "unreadable",
        file=name,
        what=error.what.replace(str(path), name),
        why=error.why,
        do=error.do,
    )


def without_data(name: str) -> Finding:
    """A file of which every value is missing."""
    return Finding(
        severity="warning",
        kind="no-data",
        file=name,
        what=f"The image '{name}' holds no data.",
        why="Every pixel is declared as no-data, transparent or not a number.",
        do="Leave it out, or check the no-data value.",
    )
