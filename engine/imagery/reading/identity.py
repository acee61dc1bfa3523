"""Whether files are still what they were when they were read, told without reading them again."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.band_files import files_of
from bandbridge.engine.imagery.formats.envi import envi_files
from bandbridge.engine.imagery.names.tile import tile_of
from bandbridge.engine.imagery.reading.read_ahead import read_ahead

SETTLED_S = 2.0
"""A file changed less than so long ago may change again without its time telling: some file systems count in twos."""

# Files asked about at once.
_PART = 256


def fingerprint(root: Path, names: Sequence[str], control: Control) -> str | None:
    """A digest of the names, and of what the system says of every file behind them.

    Of each file its number on the disk, its size, the time its content was set (which programs may set at will) and the
    time anything about it was last changed (which they may not). A file put in the place of another one, or written to,
    differs in one of these at least.

    Args:
        root: Where the images lie.
        names: Their relative paths, in order.
        control: Pause and stop.

    Returns:
        None if nothing can be told: a file was changed just now, or lies in nothing that is a file.

    Raises:
        DriveError: The drive does not answer.
        Stopped: The person asked to stop.
    """
    digest = hashlib.blake2b(f"{root}\0{len(names)}".encode(errors="surrogateescape"), digest_size=16)
    started = time.time()
    newest = 0.0
    # Side by side, since a network drive takes its time for each.
    parts = [(start, names[start : start + _PART]) for start in range(0, len(names), _PART)]
    for _, told in read_ahead(parts, partial(_told, root, started), control, lambda part: len(part[1])):
        if isinstance(told, ImageError) or told is None:
            return None
        text, newest_here = told
        digest.update(text)
        newest = max(newest, newest_here)
    return None if started - newest < SETTLED_S else digest.hexdigest()


def _told(root: Path, started: float, part: tuple[int, Sequence[str]]) -> tuple[bytes, float] | None:
    """What the system says of some files, and when one of them was changed last."""
    text = bytearray()
    newest = 0.0
    for name in part[1]:
        text += f"\0{name}".encode(errors="surrogateescape")
        for facts in _facts(f"{root}{os.sep}{name}"):
            if facts is None:
                return None
            times = (facts.st_mtime, facts.st_ctime)
            newest = max((newest, *(one for one in times if one < started + SETTLED_S)))  # some clocks run ahead
            text += f"\0{facts.st_ino}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ctime_ns}".encode("ascii")
    return bytes(text), newest


def _facts(path: str) -> Iterator[os.stat_result | None]:
    """Of every file of an image; None where there is no telling."""
    try:
        facts = os.stat(path)
    except OSError:
        facts = None
    if facts is not None and stat.S_ISREG(facts.st_mode) and not path.lower().endswith(".hdr"):
        yield facts
        return
    try:
        is_envi = path.lower().endswith(".hdr") and tile_of(Path(path)) is None
        files = envi_files(Path(path)) if is_envi else files_of(Path(path))
        for file in files:
            yield os.stat(file)
        if not files:
            yield None
    except OSError:
        yield None
