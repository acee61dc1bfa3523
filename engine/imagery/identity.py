"""Whether files are still what they were when they were read, told without reading them again."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bandbridge.engine.imagery.band_files import files_of
from bandbridge.engine.imagery.envi import envi_files
from bandbridge.engine.imagery.tile import tile_of

SETTLED_S = 2.0
"""A file changed less than so long ago may change again without its time telling: some file systems count in twos."""


def fingerprint(root: Path, names: Sequence[str]) -> str | None:
    """A digest of the names, and of what the system says of every file behind them.

    Of each file its number on the disk, its size, the time its content was set (which programs may set at will) and the
    time anything about it was last changed (which they may not). A file put in the place of another one, or written to,
    differs in one of these at least.

    Args:
        root: Where the images lie.
        names: Their relative paths, in order.

    Returns:
        None if nothing can be told: a file was changed just now, or lies in nothing that is a file.
    """
    digest = hashlib.blake2b(f"{root}\0{len(names)}".encode(errors="surrogateescape"), digest_size=16)
    newest = 0.0
    now = time.time()
    for name in names:
        digest.update(f"\0{name}".encode(errors="surrogateescape"))
        for facts in _facts(f"{root}{os.sep}{name}"):
            if facts is None:
                return None
            times = (facts.st_mtime, facts.st_ctime)
            newest = max((newest, *(one for one in times if one < now + SETTLED_S)))  # some clocks of cameras run ahead
            digest.update(
                f"\0{facts.st_ino}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ctime_ns}".encode("ascii")
            )
    return None if now - newest < SETTLED_S else digest.hexdigest()


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
        for file in files or _holder(Path(path)):
            yield os.stat(file)
    except OSError:
        yield None


def _holder(path: Path) -> tuple[Path]:
    """The file that a path leads into, as if it were a folder.

    Raises:
        FileNotFoundError: There is none.
    """
    there = next((above for above in path.parents if above.exists()), None)
    if there is None or not there.is_file():
        raise FileNotFoundError(path)
    return (there,)
