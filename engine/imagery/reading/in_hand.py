"""Files that have ended a process which read them: found out, named, and not read again.

Every file being read is noted on the process's reading board. Files left on the board of a process that is gone are
suspects: before one of them is read again, a process of its own reads it. If that process dies or never ends, the file
is an image that cannot be read, like any other that is damaged; else the file is cleared. So a person who starts again
what crashed gets it done, with one more line in the list of doubtful files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reading_board import BOARD_ENDING, ReadingBoard, names_on, reading_folder
from bandbridge.engine.imagery.reading.image_cache import program

TRIAL = (sys.executable, "-m", "bandbridge.engine.imagery.trial")
"""The command that reads a file, named after it, in a process of its own."""

_PATIENCE_S = 120.0
_SLOWEST_BYTES_PER_S = 1e6
_MARK = ".unreadable"


class _Thread(threading.local):
    is_reading = False


_THREAD = _Thread()
_MAKING = threading.Lock()


class reading:
    """A context in which an image is read. Where one is read for another, as a tile of its scene, the latter counts.

    Args:
        path: Of the image.

    Raises:
        ImageError: On entering, if reading this file has ended a process before; on leaving, if memory ran out.
    """

    __slots__ = ("_board", "_is_inner", "_path", "_slot")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._board: ReadingBoard | None = None
        self._slot: int | None = None

    def __enter__(self) -> None:
        self._is_inner = _THREAD.is_reading
        if self._is_inner:
            return
        watch = _watch()
        name = os.path.abspath(self._path)
        if watch.has_cause:
            watch.check(name)
        self._board = watch.board
        self._slot = None if self._board is None else self._board.note(name)
        _THREAD.is_reading = True

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._is_inner:
            _THREAD.is_reading = False
            if self._board is not None and self._slot is not None:
                self._board.strike(self._slot)
        if isinstance(error, MemoryError):
            raise ImageError(
                f"The image '{self._path}' needs more memory than is free.",
                "Its pixels, or those of others read at the same time, do not fit.",
                "Close other programs and try again, cut it into tiles, or leave it out.",
            ) from error


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """A context in which this thread reads whatever it is told, and notes nothing."""
    _THREAD.is_reading = True
    try:
        yield
    finally:
        _THREAD.is_reading = False


class _Watch:
    """What this process knows of files that end processes."""

    def __init__(self, folder: Path) -> None:
        self.board: ReadingBoard | None = None
        self._folder = folder
        self._trying = threading.Lock()
        self._suspects: set[str] = set()
        self._refused: set[str] = set()
        with contextlib.suppress(OSError):  # without a place to write, images are read all the same
            self._suspects = take_abandoned(folder)
            self._refused = {mark.stem for mark in folder.glob(f"*{_MARK}")}
            self.board = ReadingBoard(folder)

    @property
    def has_cause(self) -> bool:
        """Whether there is any file to beware of."""
        return bool(self._suspects or self._refused)

    def check(self, name: str) -> None:
        """Refuse a file that ends processes, after a trial if it is only suspected.

        Raises:
            ImageError: It does.
        """
        if name in self._suspects:
            with self._trying:
                if name in self._suspects and _ends_a_process(name):
                    self._refuse(name)
                self._suspects.discard(name)
        if self._refused and _key(name) in self._refused:
            raise ImageError(
                f"The image '{name}' cannot be read.",
                "Reading it ended the process that tried: what decodes it crashed, hung or ran out of memory.",
                "Save it anew in another program, or leave it out.",
            )

    def _refuse(self, name: str) -> None:
        key = _key(name)
        self._refused.add(key)
        with contextlib.suppress(OSError):
            (self._folder / f"{key}{_MARK}").write_text(name, encoding="utf-8", errors="surrogateescape")


_WATCHES: dict[int, _Watch] = {}  # by process: one that was forked off has none of its own yet


def _watch() -> _Watch:
    process = os.getpid()
    watch = _WATCHES.get(process)
    if watch is None:
        with _MAKING:
            watch = _WATCHES.setdefault(process, _WATCHES.get(process) or _Watch(reading_folder()))
    return watch


def take_abandoned(folder: Path) -> set[str]:
    """Remove the boards of processes that are gone.

    Returns:
        The files these had in hand.
    """
    found: set[str] = set()
    for board in folder.glob(f"*{BOARD_ENDING}"):
        number = board.name.partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            names = names_on(board)
            with contextlib.suppress(OSError):  # another process was faster, and takes care of them
                board.unlink()
                found.update(names)
    return found


def _file_of(name: str) -> Path:
    """The file behind a name: a tile has none of its own, but a scene."""
    path = Path(name)
    return next((one for one in (path, *path.parents) if one.exists()), path)


def _key(name: str) -> str:
    """Stands for a file as it is now and for the program that reads it: either may be mended."""
    file = _file_of(name)
    facts: object = None
    with contextlib.suppress(OSError):
        found = file.stat()
        facts = (found.st_size, found.st_mtime_ns)
    return hashlib.blake2b(f"{file}\0{facts}\0{program()}".encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _ends_a_process(name: str) -> bool:
    size = 0
    with contextlib.suppress(OSError):
        size = _file_of(name).stat().st_size
    try:
        done = subprocess.run(
            [*TRIAL, name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S + size / _SLOWEST_BYTES_PER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
    return done.returncode != 0
