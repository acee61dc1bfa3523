"""Clips ready for networks: read once, kept in memory as far as it has room, cut into windows of one length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, ImageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.doubts.findings import unreadable
from bandbridge.engine.imagery.reading.progress import Pace
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import Clip, ReadingRule
from bandbridge.engine.video.log_mel import BANDS, ROWS_PER_S, SILENCE
from numpy.typing import NDArray

Emit = Callable[[Event], None]

FEWEST_ROWS = 16
"""Of sound in a window, so that every network has something left behind its last pooling."""


class ClipSet:
    """Clips that could be read, in the order given.

    A window is `window` pictures long, and as much sound. Clips shorter than a window are shown again from their
    beginning until it is full; their sound is followed by silence.

    Args:
        names: Of the clips, relative to their folder.
        clips: What was read of them; pictures that did not find room in memory are empty and come from the cache.
        lengths: (N,) pictures of each clip.
        paths: Their files.
        cache: Where the rest is kept.
        window: Pictures in a window.
    """

    def __init__(
        self,
        names: Sequence[str],
        clips: Sequence[Clip],
        lengths: Sequence[int],
        paths: Sequence[Path],
        cache: ClipCache,
        window: int,
    ) -> None:
        self.names = tuple(names)
        self.window = window
        self.size_px = cache.rule.size_px
        self.fps = cache.rule.fps
        self.lengths = np.asarray(lengths, np.int64)
        self.has_pictures = self.lengths > 0
        self.has_sound = np.array([clip.sound is not None for clip in clips], np.bool_)
        self._clips = clips
        self._paths = paths
        self._cache = cache

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rows(self) -> int:
        """Rows of sound in a window."""
        return rows_in_window(self.window, self.fps)

    def window_starts(self, index: int) -> list[int]:
        """First pictures of the windows that cover a clip: side by side, the last one ending with the clip."""
        pictures = self._pictures_long(index)
        last = max(pictures - self.window, 0)
        return sorted({*range(0, last + 1, self.window), last})

    def latest_start(self, index: int) -> int:
        """The last picture a window can begin with."""
        return max(self._pictures_long(index) - self.window, 0)

    def pictures(self, index: int, start: int) -> NDArray[np.uint8]:
        """(window, S, S, 3) of a clip that has pictures, from picture `start` on."""
        held = self._clips[index].pictures
        if len(held):
            shown = held[start : start + self.window]
        else:
            shown = self._cache.pictures(self._paths[index], start, self.window)
        if len(shown) < self.window:
            shown = shown[np.arange(self.window) % len(shown)]
        return shown

    def sound(self, index: int, start: int) -> NDArray[np.float16]:
        """(rows, 64) of the same window; silence where there is no sound."""
        window = np.full((self.rows, BANDS), SILENCE, np.float16)
        heard = self._clips[index].sound
        if heard is not None:
            first = round(start / self.fps * ROWS_PER_S)
            part = heard[first : first + self.rows]
            window[: len(part)] = part
        return window

    def remarks(self, index: int) -> dict[str, str]:
        """What a person should know about a clip, by kind."""
        return self._clips[index].remarks

    def _pictures_long(self, index: int) -> int:
        """Length of a clip in pictures, those of its sound where it has none."""
        if self.has_pictures[index]:
            return int(self.lengths[index])
        return round(self._clips[index].seconds * self.fps)


def rows_in_window(window: int, fps: float) -> int:
    """Rows of sound that last as long as a window of pictures."""
    return max(round(window / fps * ROWS_PER_S), FEWEST_ROWS)


def read_clips(
    folder: Path,
    names: Sequence[str],
    rule: ReadingRule,
    window: int,
    *,
    emit: Emit,
    control: Control,
    cache: ClipCache | None = None,
) -> tuple[ClipSet, tuple[Finding, ...]]:
    """Read clips, several at once, or take them from the cache.

    Args:
        folder: What names are relative to.
        names: Of the clips.
        rule: How they are read.
        window: Pictures in a window.
        emit: Takes progress.
        control: Looked at before every clip.
        cache: Another one than the user's.

    Returns:
        The clips that could be read, and what there is to say about them and about the others.

    Raises:
        ClipError: None of them can be read.
        Stopped: The person asked to stop; what was decoded until then is in the cache.
    """
    cache = cache or ClipCache(rule)
    room = psutil.virtual_memory().available // 2
    kept: list[tuple[str, Clip, int]] = []
    findings: list[Finding] = []
    pace = Pace(emit, "Reading clips", len(names), unit="clip")
    for name, clip in read_ahead(names, partial(_read, cache, folder), control):
        if isinstance(clip, ImageError):
            findings.append(unreadable(name, folder / name, clip))
        else:
            length = len(clip.pictures)
            room -= clip.pictures.nbytes
            if room < 0:
                clip = Clip(clip.pictures[:0], clip.sound, clip.seconds, clip.remarks)
            kept.append((name, clip, length))
            findings += (_remark(name, kind, text) for kind, text in clip.remarks.items())
        pace.step(name)
    if not kept:
        first = findings[0]
        raise ClipError(
            f"None of the {len(names)} clips in '{folder}' can be read." if len(names) > 1 else first.what,
            first.why if len(names) == 1 else f"{first.what} {first.why}",
            first.do,
        )
    read, clips, lengths = zip(*kept, strict=True)
    return ClipSet(read, clips, lengths, [folder / name for name in read], cache, window), tuple(findings)


def _read(cache: ClipCache, folder: Path, name: str) -> Clip:
    return cache.clip(folder / name)


def _remark(name: str, kind: str, text: str) -> Finding:
    return Finding(
        severity="warning" if kind == "broken" else "note",
        kind=kind,
        file=name,
        what=f"The clip '{name}': {text[0].lower()}{text[1:]}",
    )
