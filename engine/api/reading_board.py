"""The reading board: which image files a process is reading, told even by one that has crashed.

Libraries that decode images are written in languages in which a hostile or damaged file can end the process. Every
process that reads images keeps a small file, mapped into its memory, with the files it has in hand; what a process
writes there outlives it.
"""

from __future__ import annotations

import atexit
import contextlib
import mmap
import os
import secrets
import sys
from collections import deque
from pathlib import Path

BOARD_ENDING = ".board"
"""Of the names of boards, which begin with the number of their process and a hyphen."""

_SLOTS = 64
_SLOT_BYTES = 4096
_LENGTH_BYTES = 2
_NOTHING = bytes(_LENGTH_BYTES)


def reading_folder() -> Path:
    """Where this user's boards lie: among what programs keep for themselves, by the custom of the system."""
    if sys.platform == "win32":
        kept = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        kept = os.path.expanduser("~/Library/Caches")
    else:
        kept = os.environ.get("XDG_CACHE_HOME")
    return Path(kept or os.path.expanduser("~/.cache")) / "bandbridge" / "reading"


class ReadingBoard:
    """The board of this process. It is taken down when the process ends by itself.

    Args:
        folder: Where it lies.

    Raises:
        OSError: It cannot be written there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{BOARD_ENDING}"
        with self._path.open("w+b") as file:
            file.truncate(_SLOTS * _SLOT_BYTES)
            self._map = mmap.mmap(file.fileno(), _SLOTS * _SLOT_BYTES)
        self._free = deque(range(0, _SLOTS * _SLOT_BYTES, _SLOT_BYTES))
        atexit.register(self.take_down)

    def note(self, name: str) -> int | None:
        """Note that a file is in hand.

        Returns:
            What `strike` takes; None if it is not noted, for there are 64 already or its name is too long.
        """
        text = os.fsencode(name)
        if not self._free or len(text) > _SLOT_BYTES - _LENGTH_BYTES:
            return None
        try:
            slot = self._free.pop()
        except IndexError:  # another thread was faster
            return None
        start = slot + _LENGTH_BYTES
        self._map[start : start + len(text)] = text
        self._map[slot:start] = len(text).to_bytes(_LENGTH_BYTES, "little")
        return slot

    def strike(self, slot: int) -> None:
        """Note that a file is no longer in hand."""
        self._map[slot : slot + _LENGTH_BYTES] = _NOTHING
        self._free.append(slot)

    def take_down(self) -> None:
        """Remove the board: nothing is being read any more."""
        atexit.unregister(self.take_down)
        with contextlib.suppress(BufferError, OSError):
            self._map.close()
            self._path.unlink(missing_ok=True)


def left_by(process: int, folder: Path | None = None) -> tuple[str, ...]:
    """The files that a process had in hand when it ended; empty if it took its board down.

    Args:
        process: Its number.
        folder: Of the boards; this user's if None.
    """
    boards = (folder or reading_folder()).glob(f"{process}-*{BOARD_ENDING}")
    return tuple(sorted({name for board in boards for name in names_on(board)}))


def forget(process: int, folder: Path | None = None) -> None:
    """Remove the boards of a process that was ended from outside: what it had in hand is not to blame."""
    for board in (folder or reading_folder()).glob(f"{process}-*{BOARD_ENDING}"):
        with contextlib.suppress(OSError):
            board.unlink()


def names_on(board: Path) -> list[str]:
    """The files in hand by a board; none if it is gone."""
    try:
        data = board.read_bytes()
    except OSError:
        return []
    names = []
    for slot in range(0, len(data), _SLOT_BYTES):
        start = slot + _LENGTH_BYTES
        if length := int.from_bytes(data[slot:start], "little"):
            names.append(os.fsdecode(data[start : start + length]))
    return names
