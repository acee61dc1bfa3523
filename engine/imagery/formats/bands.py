"""The band rule: which bands of a file are read."""

from __future__ import annotations

from bandbridge.engine.api.errors import ImageError, UsageError
from bandbridge.engine.imagery.formats.header import ImageHeader

RGB_BANDS = (1, 2, 3)
"""Bands taken as red, green and blue when nothing is said."""


class MissingBandError(ImageError):
    """A file lacks a band that is asked for."""


def choose_bands(asked: tuple[int, ...] | None, header: ImageHeader) -> tuple[int, ...]:
    """The bands to read from a file.

    `None` takes every band but transparency. A file with exactly as many bands as are asked for is taken whole, so
    that `4, 3, 2` reads 13-band files and ready-made RGB files alike; but not where every band is a file of its own,
    for those lie in the order of their names: blue (B02) before red (B04). Otherwise every band must exist; a band
    asked for by its number is a measurement even where the file declares it as transparency, for common writers mark
    the fourth band of four 8-bit ones so whatever it holds.

    Args:
        asked: 1-based band numbers, or None.
        header: Of the file.

    Returns:
        1-based band numbers, as stored.

    Raises:
        MissingBandError: The file lacks a band.
        UsageError: No band is asked for, or a number below 1.
    """
    stored = range(1, header.stored_bands + 1)
    measurements = tuple(band for band in stored if band != header.alpha)
    if asked is None:
        return measurements
    if not asked or min(asked) < 1:
        raise UsageError(
            "The choice of bands is not valid.", "Bands are counted from 1.", "Give numbers such as 4,3,2."
        )
    if len(asked) == len(measurements) and not header.band_names:
        return measurements
    missing = sorted(set(asked).difference(stored))
    if missing:
        raise MissingBandError(
            f"The image '{header.path}' lacks {_listed('band', missing)}.",
            f"It has {header.bands} band{'s' * (header.bands != 1)}, and {_listed('band', list(asked))} "
            f"{'is' if len(asked) == 1 else 'are'} asked for.",
            "Choose other bands, or leave this file out.",
        )
    return asked


def _listed(noun: str, numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"{noun} {numbers[0]}"
    return f"{noun}s {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
