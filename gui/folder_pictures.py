"""Asking for pictures of a folder's images, all under the one stretch of that folder."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.engine.api.jobs import InPlace, Thumbnails
from bandbridge.engine.api.reports import BandHistogram, FolderReport


def folder_pictures(
    paths: Sequence[str], report: FolderReport, size_px: int, in_place: Sequence[InPlace | None] = ()
) -> Thumbnails:
    """Pictures with one stretch for the folder; the same for all three colours, to keep their balance.

    Args:
        paths: The files.
        report: Of their folder.
        size_px: Longest side.
        in_place: As in `Thumbnails`.
    """
    bands: tuple[BandHistogram, ...] = report.histograms
    if len(bands) not in (1, 3):
        bands = bands[:1]
    if not bands:
        return Thumbnails(paths=tuple(paths), in_place=tuple(in_place), size_px=size_px)
    low, high = min(band.low for band in bands), max(band.high for band in bands)
    return Thumbnails(
        paths=tuple(paths),
        in_place=tuple(in_place),
        bands=tuple(band.band for band in bands),
        low=(low,) * len(bands),
        high=(high,) * len(bands),
        curve=bands[0].curve,
        size_px=size_px,
    )
