"""The words for what is doubtful about single files and pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reports import Finding, PairShift
from bandbridge.engine.api.sensor_profiles import SensorProposal
from bandbridge.engine.imagery.formats.bands import MissingBandError


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
        do = (
            "Pair by a list: the data set's own map, 'rgb_to_thermal_vid_map.json', or a CSV table with the columns "
            "'rgb' and 'sensor'."
        )
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


def constant_image(name: str, value: float) -> Finding:
    """An image that holds one value."""
    return Finding(
        severity="warning",
        kind="constant",
        file=name,
        what=f"The image '{name}' has the value {value:g} everywhere.",
        why="It shows nothing, yet counts as an image when a model is trained.",
        do="Leave it out, or save it again from the original data.",
    )


def clipped(name: str, share: float, value: float) -> Finding:
    """An image that is cut off at an end of its range."""
    return Finding(
        severity="warning",
        kind="clipped",
        file=name,
        what=f"In the image '{name}', {share:.0%} of the values are exactly {value:g}.",
        why="That is an end of the range: what was beyond it is lost, or the value means that nothing is there.",
        do=f"If {value:g} stands for nothing in all images, give it as the no-data value; otherwise save it again "
        "from the original data, or leave it out.",
        amount=share,
    )


def beyond_stretch(name: str, colour: str) -> Finding:
    """An image that the common stretch turns into black or white."""
    return Finding(
        severity="note",
        kind="beyond-stretch",
        file=name,
        what=f"The image '{name}' becomes {colour} nearly everywhere.",
        why="Its values lie beyond those of the other images, and all images share one stretch.",
        do="Look at it: nothing, if the scene is like that; otherwise leave it out.",
    )


def repeated(name: str, earlier: str) -> Finding:
    """An image whose values are those of an earlier one."""
    return Finding(
        severity="warning",
        kind="duplicate",
        file=name,
        what=f"The image '{name}' is the same as '{earlier}'.",
        why="What is there twice counts twice, and may be learned from and measured on at once.",
        do="Leave one of both out.",
        other=earlier,
    )


def repeated_alike(name: str, earlier: str) -> Finding:
    """An image that shows what an earlier one shows."""
    return Finding(
        severity="note",
        kind="near-duplicate",
        file=name,
        what=f"The image '{name}' looks like '{earlier}' saved again.",
        why="What is there twice counts twice, and may be learned from and measured on at once.",
        do="Look at both, and leave one out if they are the same picture.",
        other=earlier,
    )


def leaked(name: str, target: str, *, exactly: bool) -> Finding:
    """A sensor image of the pairs that is among the target images too."""
    return Finding(
        severity="warning",
        kind="leak",
        file=name,
        what=f"The pairs' sensor image '{name}' {'is' if exactly else 'looks like'} the target image '{target}'.",
        why="The pairs then tell how this very target image looks in RGB, so measurements on it promise too much for "
        "new images.",
        do="Leave it out of the pairs, or measure on other images.",
        other=target,
    )


def same_folder(folder: str) -> Finding:
    """The pairs' sensor side and the target are one folder or scene."""
    kind = "scene" if Path(folder).is_file() else "folder"
    return Finding(
        severity="warning",
        kind="leak",
        file=folder,
        what=f"The pairs' sensor images and the target images are the same {kind}, '{folder}'.",
        why="The pairs then tell how the very target images look in RGB, so measurements on them promise too much for "
        "new images.",
        do="Take pairs of other scenes, or measure on other images.",
    )


def odd_unit(name: str, theirs: str, usual: str) -> Finding:
    """An image in other units than its folder's."""
    return Finding(
        severity="warning",
        kind="units",
        file=name,
        what=f"The values of the image '{name}' look like {theirs}; most others look like {usual}.",
        why="All images share one stretch, so it would be far too dark or too bright.",
        do="Save it again in the units of the others, or leave it out.",
    )


def units_apart(folder: str, theirs: str, usual: str) -> Finding:
    """The pairs' sensor images are in other units than the target's."""
    return Finding(
        severity="warning",
        kind="units",
        file=folder,
        what=f"The values of the pairs' sensor images look like {theirs}; those of the target look like {usual}.",
        why="The pairs are seen through the target's stretch, so they would be far too dark or too bright.",
        do="Save both in the same units.",
    )


def misplaced(shift: PairShift) -> Finding:
    """A pair whose images do not lie on each other."""
    alone = ", as all pairs together are; alone it cannot be measured" if shift.together else ""
    return Finding(
        severity="warning",
        kind="shift",
        file=shift.sensor,
        what=f"In the pair '{shift.pair}', the sensor image is shifted {_way(shift.right_px, shift.down_px)} "
        f"against the RGB image{alone}.",
        why="What is learned from a pair assumes that both images show the same place at the same pixel; a translator "
        "learns blurred pictures otherwise.",
        do="Move the pair into place, or leave it out.",
        other=shift.rgb,
        amount=math.hypot(shift.right_px, shift.down_px),
    )


def moved_too_far(pair: str, rgb: str, sensor: str) -> Finding:
    """A pair that a table of shifts would move apart."""
    return Finding(
        severity="warning",
        kind="shift",
        file=sensor,
        what=f"The pair '{pair}' is not used, for moving it into place would leave less than half of it.",
        why="So large a shift is hardly a true one.",
        do="Correct its row in the table of shifts, write 'no' there, or leave the pair out.",
        other=rgb,
    )


def moves_nothing(table: str, first: tuple[str, str]) -> Finding:
    """A table of shifts that names none of the pairs."""
    return Finding(
        severity="warning",
        kind="shift",
        file=table,
        what="The table of shifts moves none of the pairs.",
        why=f"Its files are others, '{first[0]}' with '{first[1]}' for one; paths are relative to the two folders.",
        do="Give the table that was written for these folders.",
    )


def misplaced_together(
    folder: str, right_px: float, down_px: float, count: int, measured: int, together: int
) -> Finding:
    """All pairs are shifted alike; so many of them can be measured together with the others alone."""
    how = f", {together} of them only together with the others," if together else ""
    return Finding(
        severity="warning",
        kind="shift",
        file=folder,
        what=f"{count} of the {measured} pairs that could be measured{how} are shifted alike: the sensor images lie "
        f"about {_way(right_px, down_px)}.",
        why="A common shift comes from how the two cameras look, or how the images were cut.",
        do="Move the pairs into place, or all sensor images back by it, once.",
    )


def _way(right_px: float, down_px: float) -> str:
    across = f"{abs(right_px):.1f} pixels to the {'right' if right_px > 0 else 'left'}"
    return f"{across} and {abs(down_px):.1f} pixels {'down' if down_px > 0 else 'up'}"


def other_sensor(
    folder: str, theirs: SensorProposal | None, usual: SensorProposal | None, bands: tuple[int, ...] | None
) -> list[Finding]:
    """The pairs' sensor images are of another kind than the target images, as far as both were recognised.

    A band of a file that holds many is what it shows: near infrared, not "13 bands in one file".

    Args:
        folder: Of the pairs' sensor images.
        theirs: What these look like.
        usual: What the target images look like.
        bands: 1-based bands that are read of both, None for those proposed.
    """
    if theirs is None or usual is None or not theirs.key or not usual.key or theirs.title == usual.title:
        return []
    shown = theirs.shown(bands), usual.shown(bands)
    if "" in shown or shown[0] == shown[1]:
        return []
    return [
        Finding(
            severity="warning",
            kind="sensor",
            file=folder,
            what=f"The sensor images of the pairs look like '{theirs.title}', the target images like '{usual.title}'.",
            why="Pairs teach what the sensor sees; pairs of another sensor can do more harm than good.",
            do="Check that both folders are of the sensor the model is for.",
        )
    ]
