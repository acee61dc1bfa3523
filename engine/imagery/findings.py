"""The words for what is doubtful about single files and pairs."""

from __future__ import annotations

from collections.abc import Sequence
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


def odd_depth(name: str, depth: str, usual: str) -> Finding:
    """A file whose number type differs from its folder's."""
    return Finding(
        severity="warning",
        kind="depth",
        file=name,
        what=f"The image '{name}' holds numbers of type {depth}; the images used hold {usual}.",
        why="Its values are on another scale, so the common stretch would show it far too dark or too bright.",
        do="Save it again from the original data, or leave it out.",
    )


def foreign_depth(name: str, depth: str, usual: str) -> Finding:
    """A file whose number type is not that of the images something was learned on."""
    return Finding(
        severity="warning",
        kind="depth",
        file=name,
        what=f"The image '{name}' holds numbers of type {depth}; the translator learned on {usual}.",
        why="Its values are on another scale, so the translator's stretch would show it far too dark or too bright.",
        do="Choose the images' own stretch (--stretch own), or save it again from the original data.",
    )


def same_picture(name: str, other: str, picture: str) -> Finding:
    """A file that would be written to where another one's picture goes."""
    return Finding(
        severity="warning",
        kind="duplicate",
        file=name,
        what=f"The image '{name}' was left out: its picture '{picture}' would replace that of '{other}'.",
        why="Both files differ in their ending or their folder alone, and pictures are named like their images.",
        do="Rename one of them, or translate it into another folder.",
    )


def odd_bands(name: str, bands: int, usual: int) -> Finding:
    """A file whose number of bands differs from its folder's."""
    return Finding(
        severity="warning",
        kind="bands",
        file=name,
        what=f"The image '{name}' has {bands} band{'s' * (bands > 1)}; the images used have {usual}.",
        why="All images must have the same bands in the same order.",
        do="Choose bands by number, or leave it out.",
    )


def unmatched(name: str, side: str) -> Finding:
    """A file of one side ("RGB" or "sensor") without a partner on the other."""
    other = "sensor" if side == "RGB" else "RGB"
    return Finding(
        severity="warning",
        kind="unmatched",
        file=name,
        what=f"The {side} image '{name}' has no {other} partner.",
        why="No file of the other side has the same name, with or without a sensor's word.",
        do="Add or rename the partner, name the pair in a table, or leave it out.",
    )


def ambiguous(key: str, files: Sequence[str]) -> Finding:
    """A scene with several candidates on a side."""
    return Finding(
        severity="warning",
        kind="ambiguous",
        file=files[0],
        what=f"The scene '{key}' has several candidates: {', '.join(files)}.",
        why="Names alone do not say which two of them belong together, and guessing could teach wrong pairs.",
        do="Leave out all but one of each side, or name the pair in a table.",
    )


def partner_set_aside(name: str, partner: str) -> Finding:
    """A usable image whose partner is not."""
    return Finding(
        severity="warning",
        kind="unmatched",
        file=name,
        what=f"The image '{name}' is not used, for its partner '{partner}' was set aside.",
        why="A pair needs both its images.",
        do="See the partner's own entry in this list.",
    )


def same_bands(folder: str) -> Finding:
    """One folder of files for both sides, and the same bands chosen for both."""
    return Finding(
        severity="error",
        kind="bands",
        file=folder,
        what="Both sides of the pairs read the same bands of the same files.",
        why="RGB and sensor images must differ for anything to be learned from them.",
        do="Choose the sensor's bands by number, or choose a second folder.",
    )


def missing_in_table(table: str, row: int, side: str, name: str) -> Finding:
    """A row of a table that names a file that is not there."""
    return Finding(
        severity="warning",
        kind="unmatched",
        file=table,
        what=f"Row {row} of the table names the {side} image '{name}', which is not in its folder.",
        why="Paths in the table are relative to the two folders, and capital letters count.",
        do="Correct the row, or add the file.",
    )


def nothing_paired(rgb: Sequence[str], sensor: Sequence[str], crowded: Sequence[str], *, needs_map: bool) -> Finding:
    """Not a single pair was found."""
    if needs_map:
        why = "These are names of the FLIR ADAS 2 data set, whose RGB and thermal frames are numbered apart."
        do = "Make a CSV table with the columns 'rgb' and 'sensor' from the data set's own map, and give that."
    elif crowded:
        why = f"Every scene has several candidates, for instance {', '.join(crowded[:4])}."
        do = "Keep one sensor a folder, or name the pairs in a CSV table with the columns 'rgb' and 'sensor'."
    elif rgb and sensor:
        why = f"No names are alike, with or without a sensor's word: '{rgb[0]}' against '{sensor[0]}', for instance."
        do = "Rename the files alike, or name the pairs in a CSV table with the columns 'rgb' and 'sensor'."
    else:
        why = f"There are {len(rgb)} RGB images and {len(sensor)} sensor images."
        do = "Choose folders that hold images."
    return Finding(
        severity="error",
        kind="unmatched",
        file="",
        what="No RGB image and sensor image could be paired.",
        why=why,
        do=do,
    )
