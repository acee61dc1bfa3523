"""Which kind of sensor took the images of a folder, told by names, headers and values; proposed, never imposed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.sensor_profiles import (
    AUTO,
    NO_PROFILE,
    BandGroup,
    NumberKind,
    SensorProfile,
    SensorProposal,
    sensor_profile,
    sensor_profiles,
)
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.reader import likely_bytes, load_image, read_header
from numpy.typing import NDArray

UNKNOWN = "Unknown sensor"

_MOST_IMAGES = 12
_MOST_BYTES = 256 << 20
_MOST_VALUES = 1 << 14  # of an image
_SEPARATORS = re.compile(r"[_\-. ]+")
_COUNTED = {1: "one band", 2: "two bands", 3: "three bands", 4: "four bands"}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a sample of a folder's images shows.

    Attributes:
        header: Of an image of the commonest kind.
        words: Of sensors, in their names.
        alike: Whether each image is three equal bands.
        values: (3,) 2nd, 50th and 98th percentile; empty where no values were looked at.
    """

    header: ImageHeader
    words: frozenset[str]
    alike: bool
    values: NDArray[np.float64]

    @property
    def bands(self) -> int:
        return 1 if self.alike else self.header.bands

    @property
    def kind(self) -> NumberKind:
        return _kind(self.header)


def recognise(
    folder: str | Path,
    names: Sequence[str],
    *,
    profile: str = AUTO,
    bands: tuple[int, ...] | None = None,
    no_data: float | None = None,
    control: Control,
) -> SensorProposal:
    """Say what the images of a folder look like and how to read them.

    A dozen images, evenly spread, are looked at, and no more of them than the question needs. What several profiles
    fit equally well is left open, with their names.

    Args:
        folder: Where the images lie.
        names: Their relative paths.
        profile: Key of the profile to take; "auto" recognises one, "none" takes none.
        bands: 1-based bands that will be read, or None.
        no_data: A raw value that means "nothing here".
        control: Pause and stop.

    Raises:
        Stopped: The person asked to stop.
        UsageError: There is no such profile.
    """
    if profile == NO_PROFILE:
        return SensorProposal(key="", title="No profile", reason="nothing is proposed", stretch=StretchRule())
    chosen = None if profile == AUTO else sensor_profile(profile)
    root = Path(folder)
    headers = _headers(root, names, control)
    if not headers:
        return _unknown("no image could be read")
    alike_kinds = Counter((one.dtype, one.bands, one.band_names) for one in headers.values())
    [(commonest, _)] = alike_kinds.most_common(1)
    usual = {n: one for n, one in headers.items() if (one.dtype, one.bands, one.band_names) == commonest}
    [(words, _)] = Counter(_words_of(root, name, one) for name, one in usual.items()).most_common(1)
    header = next(iter(usual.values()))
    if chosen is not None:
        return _proposal(chosen, _Seen(header, words, alike=False, values=np.zeros(0)), "chosen by you")
    seen = _look(root, tuple(usual), header, words, bands, no_data, control)
    return _judge(seen)


def red_green_blue_of(header: ImageHeader, root: Path, name: str) -> tuple[int, ...] | None:
    """Bands that are red, green and blue by the profile a file fits, None if it is not certain; no values are read."""
    seen = _Seen(header, _words_of(root, name, header), alike=False, values=np.zeros(0))
    fitting = [one for one in _best(seen) if one.rgb]
    return _proposal(fitting[0], seen, "").rgb if len(fitting) == 1 else None


def _headers(root: Path, names: Sequence[str], control: Control) -> dict[str, ImageHeader]:
    """Headers of a dozen files, those left out that cannot be read."""
    found = {}
    for place in sorted({*np.linspace(0, len(names) - 1, _MOST_IMAGES, dtype=int).tolist()}) if names else ():
        control.check()
        try:
            found[names[place]] = read_header(root / names[place])
        except ImageError:
            continue
    return found


def _look(
    root: Path,
    names: tuple[str, ...],
    header: ImageHeader,
    words: frozenset[str],
    bands: tuple[int, ...] | None,
    no_data: float | None,
    control: Control,
) -> _Seen:
    """Read values where the headers leave the question open."""
    plain = _Seen(header, words, alike=False, values=np.zeros(0))
    may_be_alike = header.bands == 3 and not bands
    open_ = [one for one in sensor_profiles() if _fits_header(one, plain, any_bands=may_be_alike)]
    if not may_be_alike and not any(one.values or one.negative for one in open_):
        return plain
    values: list[NDArray[np.float32]] = []
    alike, weight = may_be_alike, 0
    for name in names:
        control.check()
        weight += likely_bytes(root / name)
        if values and weight > _MOST_BYTES:
            break
        try:
            image = load_image(root / name, bands=bands, no_data=no_data).values
        except ImageError:
            continue
        alike = alike and all(np.array_equal(image[0], other, equal_nan=True) for other in image[1:])
        flat = image.reshape(len(image), -1)
        some = flat[:, :: max(1, flat.shape[1] // _MOST_VALUES)].ravel()
        values.append(some[~np.isnan(some)])
    together = np.concatenate(values) if values else np.zeros(0, np.float32)
    if not together.size:
        return plain
    return _Seen(header, words, alike, np.percentile(together.astype(np.float64), (2, 50, 98)))


def _judge(seen: _Seen) -> SensorProposal:
    best = _best(seen)
    if len(best) == 1:
        return _proposal(best[0], seen, _reason(best[0], seen))
    shape = ", ".join(_shape(seen))
    named = " and ".join(f"'{word}'" for word in sorted(seen.words))
    if best:
        titles = " or ".join(f"'{one.title}'" for one in best)
        told = f"named {named}, {shape}" if named else shape
        return _unknown(f"{told}: this may be {titles}; choose one")
    if named:
        return _unknown(f"named {named}, but no such sensor has {shape}")
    return _unknown(f"no word in names tells it, nor do {shape}")


def _unknown(reason: str) -> SensorProposal:
    return SensorProposal(key="", title=UNKNOWN, reason=reason, stretch=StretchRule())


def _best(seen: _Seen) -> list[SensorProfile]:
    """The profiles that fit best: by names of bands, else by words, else by shape alone."""
    scores = {one.key: _score(one, seen) for one in sensor_profiles()}
    highest = max(scores.values())
    return [one for one in sensor_profiles() if highest and scores[one.key] == highest]


def _score(profile: SensorProfile, seen: _Seen) -> int:
    """0 if a profile does not fit, else how telling what names it is."""
    if not _fits_header(profile, seen, any_bands=False) or not _fits_values(profile, seen):
        return 0
    if profile.band_names:
        return 4 if profile.words else 3
    if seen.words.intersection(profile.words):
        return 2
    return 1


def _fits_header(profile: SensorProfile, seen: _Seen, *, any_bands: bool) -> bool:
    if seen.kind not in profile.types or not set(profile.band_names) <= set(seen.header.band_names):
        return False
    if profile.bands and seen.bands not in profile.bands and not (any_bands and profile.bands[0] == 1):
        return False
    if seen.words.intersection(profile.words):
        return True
    if profile.band_names and not profile.words:
        return True
    return profile.by_shape == "always" or (profile.by_shape == "unnamed" and not seen.words)


def _fits_values(profile: SensorProfile, seen: _Seen) -> bool:
    if not seen.values.size:
        return not profile.values and not profile.negative
    low, middle, high = seen.values
    if profile.negative and not middle < 0:
        return False
    return profile.values is None or bool(profile.values[0] <= low and high <= profile.values[1])


def _proposal(profile: SensorProfile, seen: _Seen, reason: str) -> SensorProposal:
    groups = tuple(_numbered(profile.groups, seen.header))
    found = {group.title: group.bands for group in groups}
    return SensorProposal(
        key=profile.key,
        title=profile.title,
        reason=reason,
        stretch=replace(profile.stretch, despeckle_px=profile.speckle or None),
        has_speckle=profile.speckle is not None,
        unit=profile.unit,
        no_data=profile.no_data,
        groups=groups,
        bands=(1,) if seen.alike else found.get(profile.sensor),
        rgb=found.get(profile.rgb),
    )


def _numbered(groups: Sequence[BandGroup], header: ImageHeader) -> Iterator[BandGroup]:
    """The groups these files have, by numbers."""
    for group in groups:
        if group.names and set(group.names) <= set(header.band_names):
            yield BandGroup(title=group.title, bands=tuple(header.band_names.index(name) + 1 for name in group.names))
        elif group.bands and max(group.bands) <= header.bands:
            yield group


def _reason(profile: SensorProfile, seen: _Seen) -> str:
    parts = []
    if words := sorted(seen.words.intersection(profile.words)):
        parts.append(f"named '{words[0]}'")
    elif profile.band_names:
        parts.append(f"bands named {', '.join(profile.band_names)}")
    parts += _shape(seen)
    if (profile.values or profile.negative) and seen.values.size:
        parts.append(f"values from {seen.values[0]:.3g} to {seen.values[2]:.3g}")
    return ", ".join(parts) + (f". {profile.doubt}" if profile.doubt else "")


def _shape(seen: _Seen) -> Iterator[str]:
    header = seen.header
    yield "three equal bands" if seen.alike else _COUNTED.get(header.bands, f"{header.bands} bands")
    yield "decimal numbers" if seen.kind == "float" else f"{8 * np.dtype(header.dtype).itemsize} bits"


def _kind(header: ImageHeader) -> NumberKind:
    dtype = np.dtype(header.dtype)
    if dtype.kind == "f":
        return "float"
    return "8 bit" if dtype.itemsize == 1 else "integer"


def _words_of(root: Path, name: str, header: ImageHeader) -> frozenset[str]:
    """The words of the nearest name that has any: of the bands, the file, then one folder above the other.

    `depth study/nir/1.png` is no depth map.
    """
    path = PurePosixPath(name)
    parts = (" ".join(header.band_names), path.stem, *reversed(path.parts[:-1]), root.name, root.absolute().parent.name)
    return next(filter(None, map(_words_in, parts)), frozenset())


def _words_in(part: str) -> frozenset[str]:
    """Words and phrases of the table in a name, the longest phrase first."""
    words = _SEPARATORS.split(part.casefold())
    found = set()
    position = 0
    while position < len(words):
        phrase = next((one for one in _phrases() if tuple(words[position : position + len(one)]) == one), ())
        if phrase:
            found.add(" ".join(phrase))
        position += len(phrase) or 1
    return frozenset(found)


@cache
def _phrases() -> tuple[tuple[str, ...], ...]:
    known = {tuple(word.split()) for profile in sensor_profiles() for word in profile.words}
    return tuple(sorted(known, key=len, reverse=True))
