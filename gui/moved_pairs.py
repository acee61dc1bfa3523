"""Pairs the person moves into place: tables of shifts in the project's folder.

A table is never written over: each state has a file of its own, named after its content. So undo finds the earlier
one, and a run goes on from the one it was started with.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.errors import PairingError
from bandbridge.engine.api.jobs import InPlace
from bandbridge.engine.api.reports import PairShift
from bandbridge.engine.api.shift_table import Move, Moves, read_shift_table, shift_table
from bandbridge.engine.api.storage import write_text

FOLDER = "pair-shifts"
"""Inside the project's folder."""


def moves_of(pair: PairFolders) -> Moves:
    """The pairs of two folders that are moved into place, {} where the table cannot be read."""
    return {} if pair.shifts is None or fault_of(pair) is not None else _read(pair.shifts, _stamp(pair.shifts))


def fault_of(pair: PairFolders) -> PairingError | None:
    """Why the table of two folders cannot be used, None if it can or if there is none."""
    if pair.shifts is None:
        return None
    try:
        _read(pair.shifts, _stamp(pair.shifts))
    except PairingError as error:
        return error
    return None


def with_moves(pair: PairFolders, moves: Moves, project: Path) -> PairFolders:
    """The same folders with just these pairs moved into place.

    Args:
        pair: The folders.
        moves: (RGB file, sensor file) -> shift.
        project: The project's folder, where the table is written.

    Raises:
        StorageError: It cannot be written.
    """
    if not moves:
        return replace(pair, shifts=None)
    text = shift_table(
        PairShift(
            pair=str(PurePosixPath(rgb).with_suffix("")),
            rgb=rgb,
            sensor=sensor,
            right_px=move.right_px,
            down_px=move.down_px,
            confidence=0.0,
            sure=True,
        )
        for (rgb, sensor), move in sorted(moves.items())
    )
    table = project / FOLDER / f"{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.csv"
    if not table.is_file():
        write_text(table, text)
    return replace(pair, shifts=str(table))


def in_place(pair: PairFolders, rgb: str, sensor: str, move: Move, side: Literal["rgb", "sensor"]) -> InPlace:
    """How a picture of one side of a pair is made that shows it moved into place."""
    partner = Path(pair.sensor) / sensor if side == "rgb" else Path(pair.rgb) / rgb
    return InPlace(partner=str(partner), side=side, right_px=move.right_px, down_px=move.down_px)


def _stamp(table: str) -> int:
    try:
        return Path(table).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=32)
def _read(table: str, stamp: int) -> Moves:
    return read_shift_table(table)
