"""Decoded clips on the disk: one HDF5 file a clip in the user's cache folder, complete or not there at all.

A file's name follows from the clip's path, size, date and the rule it was read by, so that a changed clip is read anew.
Whatever cannot be read or written here costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

import h5py
import numpy as np
import platformdirs
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.video.clip_file import Clip, ReadingRule, read_clip
from numpy.typing import NDArray

MOST_BYTES = 20 * 2**30
_FORMAT = 1


class ClipCache:
    """Reads clips, and keeps what was decoded.

    Args:
        rule: How clips are read.
        folder: Where decoded clips are kept; None takes the user's cache folder.
    """

    def __init__(self, rule: ReadingRule, folder: Path | None = None) -> None:
        self.rule = rule
        self._folder = folder or Path(platformdirs.user_cache_dir("bandbridge", appauthor=False)) / "clips"

    def clip(self, path: Path) -> Clip:
        """A clip, decoded now or before.

        Raises:
            ClipError: It cannot be read.
        """
        kept = self._place(path)
        with contextlib.suppress(OSError, KeyError, ValueError):
            with h5py.File(kept, "r") as file:
                sound = file["sound"][:] if "sound" in file else None
                clip = Clip(file["pictures"][:], sound, float(file.attrs["seconds"]), json.loads(file.attrs["remarks"]))
            os.utime(kept)
            return clip
        clip = read_clip(path, self.rule)
        with contextlib.suppress(StorageError):
            self._keep(kept, clip)
        return clip

    def pictures(self, path: Path, first: int, count: int) -> NDArray[np.uint8]:
        """Some pictures of a clip, (at most count, S, S, 3).

        Raises:
            ClipError: It cannot be read.
        """
        with contextlib.suppress(OSError, KeyError), h5py.File(self._place(path), "r") as file:
            shown: NDArray[np.uint8] = file["pictures"][first : first + count]
            return shown
        return self.clip(path).pictures[first : first + count]

    def tidy(self) -> None:
        """Forget the clips that were not used for longest, down to 20 GiB."""
        with contextlib.suppress(OSError):
            kept = [(entry.stat().st_mtime, entry.stat().st_size, entry) for entry in self._folder.glob("*.h5")]
            spare = sum(size for _, size, _ in kept) - MOST_BYTES
            for _, size, entry in sorted(kept):
                if spare <= 0:
                    break
                entry.unlink(missing_ok=True)
                spare -= size

    def _place(self, path: Path) -> Path:
        try:
            found = path.resolve().stat()
            about = (_FORMAT, str(path.resolve()), found.st_size, found.st_mtime_ns, self.rule.fps, self.rule.size_px)
        except OSError:  # reading it will say what is wrong
            about = (_FORMAT, str(path), 0, 0, self.rule.fps, self.rule.size_px)
        return self._folder / f"{hashlib.blake2b(repr(about).encode(), digest_size=16).hexdigest()}.h5"

    @staticmethod
    def _keep(place: Path, clip: Clip) -> None:
        with replacing(place) as temporary, h5py.File(temporary, "w") as file:
            file["pictures"] = clip.pictures
            if clip.sound is not None:
                file["sound"] = clip.sound
            file.attrs["seconds"] = clip.seconds
            file.attrs["remarks"] = json.dumps(clip.remarks)
