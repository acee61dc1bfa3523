"""Moving the two images of a pair into place: both are cut to the ground they have in common.

Nothing is interpolated and no border is made up: whole pixels keep every value as it was measured, and what is cut off
half a pixel too early or late is less than a measured shift scatters by. Where one image has finer pixels than the
other, these make up for the parts of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.api.shift_table import Move, Moves, read_shift_table
from bandbridge.engine.imagery.doubts.findings import moved_too_far, moves_nothing
from bandbridge.engine.imagery.doubts.registration import LEAST_SHIFT_PX
from bandbridge.engine.imagery.reader import read_header
from numpy.typing import NDArray

LEAST_LEFT = 0.5
"""Share of both sides of an image that must be left; a larger shift is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A rectangle of an image, in its own pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of (C, H, W) values inside it."""
        return values[:, self.top : self.top + self.height, self.left : self.left + self.width]


Cuts = tuple[Cut, Cut]
"""Of the RGB image and of the sensor image."""


def common_ground(rgb: tuple[int, int], sensor: tuple[int, int], move: Move) -> Cuts | None:
    """What two images of a scene both show.

    Args:
        rgb: Width and height of the RGB image.
        sensor: Of the sensor image, which may be finer or coarser.
        move: The shift, in pixels of the sensor image.

    Returns:
        The two cuts, or None if less than half of a side would be left.
    """
    (left, width), (sensor_left, sensor_width) = _along(rgb[0], sensor[0], move.right_px)
    (top, height), (sensor_top, sensor_height) = _along(rgb[1], sensor[1], move.down_px)
    cuts = Cut(left, top, width, height), Cut(sensor_left, sensor_top, sensor_width, sensor_height)
    for cut, size in zip(cuts, (rgb, sensor), strict=True):
        if cut.width < max(1, LEAST_LEFT * size[0]) or cut.height < max(1, LEAST_LEFT * size[1]):
            return None
    return cuts


def cut_pair(rgb: Path, sensor: Path, move: Move) -> Cuts | None:
    """The common ground of two files.

    Raises:
        ImageError: A file cannot be read.
    """
    first, second = read_header(rgb), read_header(sensor)
    return common_ground((first.width, first.height), (second.width, second.height), move)


@dataclass(frozen=True, slots=True)
class MovedPairs:
    """Which pairs are moved into place.

    Attributes:
        cuts: (RGB file, sensor file) -> their cuts, of the pairs that are moved.
        lost: Pairs of which too little would be left.
        findings: One for each of those, or one if the table moves no pair at all.
    """

    cuts: dict[tuple[str, str], Cuts]
    lost: frozenset[tuple[str, str]]
    findings: tuple[Finding, ...]


def moves_of(folders: PairFolders) -> Moves:
    """The shifts that the pairs of two folders are to be moved by, {} without a table.

    Raises:
        PairingError: The table cannot be used.
    """
    return read_shift_table(folders.shifts) if folders.shifts is not None else {}


def moved_pairs(folders: PairFolders, pairs: Sequence[tuple[str, str, str]], control: Control) -> MovedPairs:
    """How the pairs that a table of shifts names are to be cut.

    Shifts shorter than a measurement scatters are left alone: of pairs that lie in place, one in ten would be moved.

    Args:
        folders: Where they lie, and the table if there is one.
        pairs: (key, RGB file, sensor file).
        control: Pause and stop.

    Raises:
        PairingError: The table cannot be used.
        Stopped: The person asked to stop.
    """
    moves = moves_of(folders)
    cuts: dict[tuple[str, str], Cuts] = {}
    named = 0
    lost: list[Finding] = []
    lost_pairs: set[tuple[str, str]] = set()
    for key, rgb, sensor in pairs:
        move = moves.get((rgb, sensor))
        if move is None:
            continue
        named += 1
        if math.hypot(move.right_px, move.down_px) < LEAST_SHIFT_PX:
            continue
        control.check()
        try:
            cut = cut_pair(Path(folders.rgb) / rgb, Path(folders.sensor) / sensor, move)
        except ImageError:
            continue  # it is named when its pixels are read
        if cut is None:
            lost.append(moved_too_far(key, rgb, sensor))
            lost_pairs.add((rgb, sensor))
        else:
            cuts[rgb, sensor] = cut
    if moves and not named and folders.shifts is not None:
        lost.append(moves_nothing(folders.shifts, next(iter(moves))))
    return MovedPairs(cuts, frozenset(lost_pairs), tuple(lost))


def _along(first_px: int, second_px: int, by_px: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Start and length in both images along one side; the second shows everything `by_px` of its pixels further on."""
    if by_px < 0:  # the same, seen from the other image
        second, first = _along(second_px, first_px, -by_px * first_px / second_px)
        return first, second
    finer = first_px / second_px
    start = round(by_px) if finer <= 1 else math.ceil(by_px)
    # What a whole pixel takes too much, the finer pixels of the first image make up for.
    first_start = round((start - by_px) * finer)
    length = second_px - start
    first_length = min(first_px - first_start, round(length * finer))
    if finer < 1:
        length = min(length, round(first_length / finer))
    return (first_start, first_length), (start, length)
