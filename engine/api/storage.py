"""Writing files so that neither a kill nor a full disk can leave half a file behind."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from bandbridge.engine.api.errors import StorageError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to the yielded temporary file beside `path`; on success it takes its place in one step.

    Whatever stood at `path` before stays untouched until the new file is complete and on the disk.

    Raises:
        StorageError: There is no space or no permission; nothing was changed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        usual = temporary.stat().st_mode  # some writers make a private file of their own in its place
        yield temporary
        temporary.chmod(usual)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_writable(path: Path, what: str = "") -> None:
    """Refuse a file's place before hours of work are done for it. Room on the disk is not looked at.

    Args:
        path: The file that is to be written, its folders perhaps not there yet.
        what: First sentence of the refusal, instead of one that names the file.

    Raises:
        StorageError: This user may not write there, the disk is read-only, or a file lies where a folder is to be.
    """
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise StorageError(
            what or f"'{path}' cannot be written.",
            f"This user may not write to '{nearest}', or its disk is read-only."
            if nearest.is_dir()
            else f"'{nearest}' is a file, no folder.",
            "Choose another folder, or get the right to write to this one.",
        )


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file in one step.

    Raises:
        StorageError: There is no space or no permission; nothing was changed.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def storage_error(path: Path, error: OSError) -> StorageError:
    """The words for a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        why = f"There is no space left on the disk that holds {path.parent}."
        do = "Free some space or choose another folder; what was saved before is still intact."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = f"This user may not write to {path.parent}."
        do = "Choose another folder."
    else:
        why = f"The system says: {error.strerror or error}."
        do = "Check the disk, or choose another folder."
    return StorageError(f"'{path.name}' could not be written.", why, do, details=repr(error))
