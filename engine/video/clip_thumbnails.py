"""The first moments of clips for people: the pictures a network would see, and how loud it is meanwhile."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.jobs import ClipThumbnails
from bandbridge.engine.api.reports import ClipThumbnail, ClipThumbnailsReport
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import ReadingRule, read_wave
from bandbridge.engine.video.log_mel import ROWS_PER_S
from numpy.typing import NDArray

_QUIET_DB, _LOUD_DB = -36.0, 12.0
"""Of the sum over all bands; total silence is at -42 dB."""


def clip_thumbnails(job: ClipThumbnails, control: Control) -> ClipThumbnailsReport:
    """Take the first pictures of clips, decoded now or before.

    Raises:
        Stopped: The person asked to stop.
    """
    cache = ClipCache(ReadingRule(fps=job.fps, size_px=job.size_px))
    clips = [
        None if isinstance(found, ImageError) else found
        for _, found in read_ahead(job.files, partial(_thumbnail, cache, job), control)
    ]
    return ClipThumbnailsReport(clips=tuple(clips))


def _thumbnail(cache: ClipCache, job: ClipThumbnails, file: str) -> ClipThumbnail:
    path = Path(job.folder) / file
    clip = cache.clip(path)
    pictures = clip.pictures[: job.most]
    seconds = len(pictures) / job.fps if len(pictures) else min(job.most / job.fps, clip.seconds)
    if clip.sound is None:
        return ClipThumbnail(pictures=pictures, loudness=None)
    level = loudness(clip.sound[: round(seconds * ROWS_PER_S)], job.bars)
    wave = read_wave(path, job.listen_hz, seconds) if job.listen_hz else None
    return ClipThumbnail(pictures=pictures, loudness=level, wave=wave)


def loudness(rows: NDArray[np.float16], bars: int) -> NDArray[np.float32]:
    """How loud it is in each of as many equal parts: the loudest moment of each, in decibels from 0 (quiet) to 1.

    Args:
        rows: (T, 64) `log_mel`.
        bars: Parts.

    Returns:
        (bars,).
    """
    if len(rows) == 0:
        return np.zeros(bars, np.float32)
    level_db = 10.0 * np.log10(np.exp(rows.astype(np.float64)).sum(axis=1))  # (T,)
    edges = np.linspace(0, len(rows), bars + 1)
    starts = np.minimum(edges[:-1].astype(np.int64), len(rows) - 1)
    ends = np.maximum(np.ceil(edges[1:]).astype(np.int64), starts + 1)
    loudest = np.array([level_db[a:b].max() for a, b in zip(starts, ends, strict=True)])
    return np.clip((loudest - _QUIET_DB) / (_LOUD_DB - _QUIET_DB), 0.0, 1.0).astype(np.float32)
