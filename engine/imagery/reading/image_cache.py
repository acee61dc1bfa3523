"""The image cache: what reading a set of images gave, kept in HDF5 files so that no later run reads them again.

An entry is written beside its place and put there when it is whole, so no reader ever sees half of one; each block in
it carries a checksum. A process that is killed, a full disk or a damaged entry cost the time to read the images anew,
and nothing else. Any number of processes may use a cache at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from bandbridge.engine.api.cache_folder import CacheFolder
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.storage import replacing
from numpy.typing import NDArray

_T = TypeVar("_T")

# What decodes, measures and resizes: another version of one of them may do it differently in the last digit.
_PACKAGES = ("bandbridge", "h5py", "numpy", "opencv-python-headless", "rasterio", "torch")
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)


class ImageCache:
    """Entries by their keys.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: CacheFolder) -> None:
        self.folder = folder

    @classmethod
    def of_user(cls) -> ImageCache:
        """This user's cache.

        Raises:
            UsageError: The environment states a limit that is no number.
        """
        return cls(CacheFolder.within(platformdirs.user_cache_path("bandbridge", appauthor=False)))

    def read(self, key: str, take: Callable[[Any], _T]) -> _T | None:
        """What is kept under a key, or None. An entry that turns out to be damaged is deleted.

        Args:
            key: Of the entry.
            take: Takes what is wanted out of the open file of h5py.
        """
        file = self.folder.file(key)
        if not file.is_file():
            return None
        import h5py  # here, since it takes a while to load

        try:
            # Entries never change, so no lock is needed; on network drives locks often fail.
            with h5py.File(file, "r", locking=False) as opened:
                found = take(opened)
        except _DAMAGE:
            with contextlib.suppress(OSError):
                file.unlink()
            return None
        self.folder.note_use(file)
        return found

    def keep(self, key: str, size_bytes: int, put: Callable[[Any], None]) -> bool:
        """Keep an entry, if there is room for it.

        Args:
            key: Of the entry.
            size_bytes: Roughly what it will take.
            put: Writes it into the open file of h5py.

        Returns:
            Whether it is kept.
        """
        if not self.folder.make_room(size_bytes):
            return False
        import h5py

        try:
            with replacing(self.folder.file(key)) as temporary, _Disk(temporary) as disk:
                with h5py.File(disk, "w", libver="latest") as opened:
                    put(opened)
                disk.raise_failure()
        except (StorageError, *_DAMAGE):
            return False
        return True


class _Disk(io.FileIO):
    """A new file that takes everything, also when the disk is full.

    The HDF5 library ends the process when it cannot write while it closes a file. So it never hears of a failure, and
    whoever opened the file asks afterwards.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of it, or keep the failure in mind."""
        rest = memoryview(data).cast("B")
        try:
            while rest.nbytes and self._failure is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._failure = error
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None, /) -> int:
        """Set the file's end, or keep the failure in mind."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._failure = error
            return size or 0

    def raise_failure(self) -> None:
        """Tell it now.

        Raises:
            OSError: Something was not written.
        """
        if self._failure is not None:
            raise self._failure


def put_array(group: Any, name: str, values: NDArray[Any]) -> None:
    """Write an array into a group of h5py, with a checksum where it has any values."""
    group.create_dataset(name, data=values, fletcher32=True if values.size else None)


def key_of(kind: str, *facts: object) -> str:
    """The key of an entry: a digest of what it depends on, and of the program that made it.

    Args:
        kind: Of the entry.
        facts: Whatever else the entry depends on; told apart by their `repr`.
    """
    digest = hashlib.blake2b(kind.encode(), digest_size=20)
    for fact in (*facts, program()):
        digest.update(b"\0" + repr(fact).encode(errors="surrogateescape"))
    return f"{kind}-{digest.hexdigest()}"


@lru_cache(maxsize=1)
def program() -> str:
    """What stands for the way images are read: the text of all rooms of imagery, and the packages they stand on."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):  # some systems bring OpenCV under another name
            digest.update(f"{package} {version(package)}".encode())
    return digest.hexdigest()
