"""The folder of what was worked out once and can always be worked out again: its place, its limit, and emptying it."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from bandbridge.engine.api.errors import UsageError

FOLDER_VARIABLE = "BANDBRIDGE_CACHE"
"""Environment variable with another folder for the cache."""
LIMIT_VARIABLE = "BANDBRIDGE_CACHE_GB"
"""Environment variable with the cache's limit in gigabytes; 0 keeps nothing."""
USUAL_LIMIT_GB = 10.0
LARGEST_SHARE = 0.25
"""Of the free disk, what the cache holds counted as free: it never takes more, whatever the limit."""

_ENDING = ".h5"
_PART_ENDING = ".part"
# A file that nobody has written to for so long was left behind by a process that is gone.
_ABANDONED_S = 3600.0


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """Files that may be deleted at any time, the least recently used first.

    Attributes:
        path: The folder; made when something is first kept.
        limit_bytes: What its files may take together.
    """

    path: Path
    limit_bytes: int

    @classmethod
    def within(cls, usual: Path) -> CacheFolder:
        """The cache of this user, as the environment says.

        Args:
            usual: The program's folder for caches, by the custom of the system.

        Raises:
            UsageError: The limit in the environment is no number.
        """
        named = os.environ.get(FOLDER_VARIABLE)
        path = Path(named) if named else usual / "images"
        stated = os.environ.get(LIMIT_VARIABLE, "")
        try:
            limit = int(float(stated or USUAL_LIMIT_GB) * 1e9)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"The variable {LIMIT_VARIABLE} holds '{stated}', which is no number of gigabytes.",
                "It says how much disk the cache of images may take.",
                "Set it to a number such as 10, to 0 for no cache, or not at all.",
            ) from error
        return cls(path, limit)

    def file(self, key: str) -> Path:
        """Where the entry with this key lies, or would lie."""
        return self.path / f"{key}{_ENDING}"

    def size_bytes(self) -> int:
        """What the entries take together."""
        return sum(size for _, size, _ in self._entries())

    def note_use(self, file: Path) -> None:
        """Of all entries, this one was used last."""
        with contextlib.suppress(OSError):  # a cache that may only be read is of use as well
            os.utime(file)

    def make_room(self, size_bytes: int) -> bool:
        """Delete what was not used for longest, until a new entry fits.

        Returns:
            Whether it fits at all.
        """
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        taken = sum(size for _, size, _ in entries)
        allowed = min(self.limit_bytes, int(LARGEST_SHARE * (self._free_bytes() + taken)))
        if size_bytes > allowed:
            return False
        self._sweep()
        for file, size, _ in entries:
            if taken + size_bytes <= allowed:
                break
            if _deleted(file):
                taken -= size
        return taken + size_bytes <= allowed

    def clear(self) -> int:
        """Delete everything in it.

        Returns:
            Bytes that were freed.
        """
        self._sweep(older_than_s=0.0)
        return sum(size for file, size, _ in self._entries() if _deleted(file))

    def _entries(self) -> list[tuple[Path, int, float]]:
        """Every entry with its bytes and the time it was last used."""
        found = []
        for file in self._files(_ENDING):
            with contextlib.suppress(OSError):  # another process may delete it meanwhile
                facts = file.stat()
                found.append((file, facts.st_size, facts.st_mtime))
        return found

    def _files(self, ending: str) -> list[Path]:
        try:
            return [file for file in self.path.iterdir() if file.name.endswith(ending)]
        except OSError:
            return []

    def _sweep(self, older_than_s: float = _ABANDONED_S) -> None:
        """Delete what writers that were killed have left."""
        for file in self._files(_PART_ENDING):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime >= older_than_s:
                    file.unlink()

    def _free_bytes(self) -> int:
        nearest = next((folder for folder in (self.path, *self.path.absolute().parents) if folder.exists()), None)
        try:
            return 0 if nearest is None else shutil.disk_usage(nearest).free
        except OSError:
            return 0


def _deleted(file: Path) -> bool:
    try:
        file.unlink()
    except OSError:  # on Windows, while another process reads it
        return False
    return True
