"""Decoded clips in the cache of this user, an entry a clip: complete or not there at all.

An entry belongs to the file as it is on the disk, to the rule it was read by and to the program that read it. Whatever
cannot be read from or written to the cache costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bandbridge.engine.api.control import Control
from bandbridge.engine.imagery.reading.identity import fingerprint
from bandbridge.engine.imagery.reading.image_cache import ImageCache, key_of, put_array
from bandbridge.engine.video.clip_file import Clip, ReadingRule, read_clip
from numpy.typing import NDArray

_READERS = ("clip_end.py", "clip_file.py", "log_mel.py")


class ClipCache:
    """Reads clips, and keeps what was decoded.

    Args:
        rule: How clips are read.
        cache: Where decoded clips are kept; None takes this user's.

    Raises:
        UsageError: The environment states a limit of the cache that is no number.
    """

    def __init__(self, rule: ReadingRule, cache: ImageCache | None = None) -> None:
        self.rule = rule
        self._cache = cache or ImageCache.of_user()

    def clip(self, path: Path) -> Clip:
        """A clip, decoded now or before.

        Raises:
            ClipError: It cannot be read.
        """
        key = self._key(path)
        kept = None if key is None else self._cache.read(key, _take)
        if kept is not None:
            return kept
        clip = read_clip(path, self.rule)
        if key is not None:
            size_bytes = clip.pictures.nbytes + (0 if clip.sound is None else clip.sound.nbytes)
            self._cache.keep(key, size_bytes, lambda file: _put(file, clip))
        return clip

    def pictures(self, path: Path, first: int, count: int) -> NDArray[Any]:
        """Some pictures of a clip, (at most count, S, S, 3) uint8.

        Raises:
            ClipError: It cannot be read.
        """
        key = self._key(path)
        if key is not None:
            shown: NDArray[Any] | None = self._cache.read(key, lambda file: file["pictures"][first : first + count])
            if shown is not None:
                return shown
        return self.clip(path).pictures[first : first + count]

    def _key(self, path: Path) -> str | None:
        """None while nothing tells whether the file is still what it was."""
        file = fingerprint(path.parent, [path.name], Control())
        return None if file is None else key_of("clip", file, self.rule.fps, self.rule.size_px, _reader())


@lru_cache(maxsize=1)
def _reader() -> str:
    """What stands for the way clips are read."""
    digest = hashlib.blake2b(version("av").encode(), digest_size=16)
    for name in _READERS:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def _put(file: Any, clip: Clip) -> None:
    put_array(file, "pictures", clip.pictures)
    if clip.sound is not None:
        put_array(file, "sound", clip.sound)
    file.attrs["seconds"] = clip.seconds
    file.attrs["remarks"] = json.dumps(clip.remarks)


def _take(file: Any) -> Clip:
    sound = file["sound"][:] if "sound" in file else None
    return Clip(file["pictures"][:], sound, float(file.attrs["seconds"]), json.loads(file.attrs["remarks"]))
