"""The kinds of sensors the program knows, as data: resources/sensors.toml, read and checked once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from bandbridge.engine.api.config import SURROUNDINGS, StretchRule
from bandbridge.engine.api.errors import UsageError

AUTO = "auto"
"""Takes the profile that is recognised."""
NO_PROFILE = "none"
"""Takes nothing from any profile."""

NumberKind = Literal["8 bit", "integer", "float"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandGroup:
    """Bands that go together.

    Attributes:
        title: E.g. "Near infrared".
        bands: 1-based numbers.
        names: Names of the bands instead, where every band is a file of its own.
    """

    title: str
    bands: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorProfile:
    """One kind of sensor; the comments in sensors.toml say what each field means."""

    key: str
    title: str
    told: str
    types: tuple[NumberKind, ...]
    unit: str
    stretch: StretchRule
    words: tuple[str, ...] = ()
    bands: tuple[int, ...] = ()
    band_names: tuple[str, ...] = ()
    values: tuple[float, float] | None = None
    negative: bool = False
    by_shape: Literal["", "unnamed", "always"] = ""
    doubt: str = ""
    no_data: float | None = None
    speckle: int | None = None
    groups: tuple[BandGroup, ...] = ()
    sensor: str = ""
    rgb: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorProposal:
    """What a folder's images look like, and how it is proposed to read them.

    Attributes:
        key: Of the profile, "" where none is recognised.
        title: Its name, or "Unknown sensor".
        reason: Why, in one sentence without a full stop.
        stretch: How raw values become 0..1.
        unit: Of the raw values, "" where it is not known.
        no_data: A raw value that means "nothing here", or None.
        groups: Bands by purpose, numbered as these files count them.
        bands: Bands read as the sensor's, None for all.
        rgb: Bands read as red, green and blue, or None.
        has_speckle: Whether a speckle filter makes sense.
    """

    key: str
    title: str
    reason: str
    stretch: StretchRule
    unit: str = ""
    no_data: float | None = None
    groups: tuple[BandGroup, ...] = ()
    bands: tuple[int, ...] | None = None
    rgb: tuple[int, ...] | None = None
    has_speckle: bool = False

    def shown(self, bands: tuple[int, ...] | None) -> str:
        """What images read so show: the group of the bands that are read; "" where no group says it.

        Args:
            bands: 1-based bands that are read, None for those proposed.
        """
        read = bands or self.bands
        if not self.groups or read is None:
            return self.title
        return next((group.title for group in self.groups if group.bands == read), "")


@cache
def sensor_profiles() -> tuple[SensorProfile, ...]:
    """All profiles, in the order of the file."""
    return read_profiles((files("bandbridge.resources") / "sensors.toml").read_text(encoding="utf-8"))


def sensor_profile(key: str) -> SensorProfile:
    """A profile by its key.

    Raises:
        UsageError: There is none.
    """
    for profile in sensor_profiles():
        if profile.key == key:
            return profile
    raise UsageError(
        f"There is no sensor profile '{key}'.",
        f"The profiles are: {', '.join(profile.key for profile in sensor_profiles())}.",
        f"Choose one of these, '{AUTO}' or '{NO_PROFILE}'.",
    )


def read_profiles(text: str) -> tuple[SensorProfile, ...]:
    """Read the table.

    Raises:
        ValueError: It is no table of profiles, or a profile is senseless; the text names it.
    """
    table = tomllib.loads(text)
    profiles = tuple(_profile(entry) for entry in table["sensor"])
    keys = [profile.key for profile in profiles]
    if set(table) != {"sensor"} or len(set(keys)) != len(keys):
        raise ValueError("a table of sensors has entries 'sensor' with a key of their own each")
    return profiles


def parse_stretch(text: str) -> StretchRule:
    """A stretch as it is typed: "percentile:2,98", "range:0,4000" or "log:2,98"; the percents may be left out.

    Raises:
        ValueError: It is none.
    """
    kind, _, ends = text.partition(":")
    low, high = (float(end) for end in ends.split(",")) if ends or kind == "range" else (2.0, 98.0)
    match kind:
        case "range":
            rule = StretchRule(kind=kind, low_value=low, high_value=high)
        case "percentile" | "log":
            rule = StretchRule(kind=kind, low_percent=low, high_percent=high)
        case _:
            raise ValueError(f"no stretch is called '{kind}'")
    if fault := rule.fault():
        raise ValueError(fault)
    return rule


def _profile(entry: Mapping[str, Any]) -> SensorProfile:
    key = str(entry.get("key", "?"))
    try:
        given = {name: _value(name, value) for name, value in entry.items()}
        profile = SensorProfile(**given)
        if unknown := _fault(profile):
            raise ValueError(unknown)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"sensor '{key}': {error}") from error
    return profile


def _value(name: str, value: Any) -> Any:
    if name == "stretch":
        return parse_stretch(value)
    if name == "no_data":
        return float(value)
    if name == "groups":
        return tuple(BandGroup(**{key: _frozen(part) for key, part in group.items()}) for group in value)
    return _frozen(value)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _fault(profile: SensorProfile) -> str:
    """What is wrong with a profile, or ""."""
    titles = [group.title for group in profile.groups]
    texts = (profile.key, profile.title, profile.told, profile.unit)
    checks: Sequence[tuple[bool, str]] = (
        (all(isinstance(text, str) and text for text in texts), "key, title, told and unit are texts"),
        (profile.key not in (AUTO, NO_PROFILE), f"'{AUTO}' and '{NO_PROFILE}' are no profiles"),
        (set(profile.types) <= set(get_args(NumberKind)) and bool(profile.types), "types are not known"),
        (profile.by_shape in ("", "unnamed", "always"), "by_shape is unnamed or always"),
        (profile.speckle in (None, 0, *SURROUNDINGS), "the speckle filter's surroundings are none"),
        (bool(profile.words or profile.band_names or profile.by_shape), "nothing names it"),
        (all(word == word.casefold() and word.split() for word in profile.words), "words are in lower case"),
        (all(isinstance(count, int) and count > 0 for count in profile.bands), "numbers of bands count from 1"),
        (profile.values is None or profile.values[0] < profile.values[1], "values run upwards"),
        (all(bool(group.bands) != bool(group.names) for group in profile.groups), "a group has bands or names"),
        (all(title in titles for title in (profile.sensor, profile.rgb) if title), "a group is missing"),
    )
    return next((words for holds, words in checks if not holds), "")
