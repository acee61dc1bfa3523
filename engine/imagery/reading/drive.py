"""Telling a disk or network drive that is gone from files that are damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from bandbridge.engine.api.errors import DriveError, ImageError

MOST_REFUSED = 25
"""Files in a row that the system cannot read at all, from which the drive is at fault and not the files."""

_AT_FAULT = frozenset(
    number
    for name in (
        *("EIO", "ENODEV", "ENXIO", "ESTALE", "EREMOTEIO", "ENOTCONN", "ENETDOWN", "ENETUNREACH", "ETIMEDOUT"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ENOMEDIUM"),
    )
    if (number := getattr(errno, name, None)) is not None
)


class Drive:
    """What the failures of one pass say about the drive that is read. Several threads may tell it at once."""

    def __init__(self) -> None:
        self._refused = 0

    def succeeded(self) -> None:
        """A file was read."""
        self._refused = 0

    def failed(self, path: Path, error: ImageError | OSError) -> ImageError:
        """A file could not be read.

        Returns:
            Why, if it is the file's own fault.

        Raises:
            DriveError: It is not: its folder is gone, or one file after the other is refused by the drive.
        """
        if _is_gone(path):
            raise _unplugged(path.parent, error)
        trouble = error if isinstance(error, OSError) else _refusal(path)
        if trouble is not None and trouble.errno in _AT_FAULT:
            self._refused += 1
            if self._refused >= MOST_REFUSED:
                raise _failing(path, self._refused, trouble)
        if isinstance(error, ImageError):
            return error
        return ImageError(
            f"The image '{path}' cannot be read.",
            f"The system says: {error.strerror or error}.",
            "Copy it again from where it came from, or leave it out.",
        )


def silent(path: str, seconds: float) -> DriveError:
    """The error for a drive that does not answer."""
    return DriveError(
        f"Nothing has been read for {seconds:.0f} seconds; '{path}' is being waited for.",
        "The disk or network drive it lies on does not answer, as when a connection is lost.",
        "Check the drive and the connection, then try again; what was saved before is intact.",
    )


def _unplugged(folder: Path, error: Exception) -> DriveError:
    return DriveError(
        f"The folder '{folder}' is no longer there.",
        "It was there a moment ago. Was a disk unplugged, a network drive disconnected, or the folder moved?",
        "Bring it back, or choose the folder in its new place, then try again.",
        details=repr(error),
    )


def _failing(path: Path, count: int, error: OSError) -> DriveError:
    return DriveError(
        f"The drive that holds '{path.parent}' cannot be read any more.",
        f"{count} files in a row failed, and the system says: {error.strerror or error}.",
        "Check the disk and its cable, or the network drive, then try again.",
        details=repr(error),
    )


def _is_gone(path: Path) -> bool:
    """Whether a file that was there is gone together with its folder, or with everything else in it."""
    try:
        path.stat()
    except OSError:
        if any(map(os.path.isfile, path.parents)):  # one image of many in a file
            return False
        try:
            with os.scandir(path.parent) as entries:
                return next(entries, None) is None
        except OSError:
            return True
    return False


def _refusal(path: Path) -> OSError | None:
    """What the system says of a file that a decoder could not read: its last byte is asked for."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            file.read(1)
    except OSError as error:
        return error
    return None
