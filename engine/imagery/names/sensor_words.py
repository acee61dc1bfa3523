"""Words in file and folder names that say which sensor took an image, not which scene it shows.

The words come from published data sets and cameras: RGB-NIR Scene (`0000_rgb`, `0000_nir`), SUN RGB-D
(`kv1com_image`, `kv1com_depth`), DIML (`color`/`_c`, `depth_filled`), SEN12MS (`s1`, `s2`), FLIR ADAS 1
(`RGB`, `thermal_8_bit`), KAIST (`visible`, `lwir`), DJI Mavic 3M (`_D`, `_MS_NIR`).

Patches of Sentinel-1 and Sentinel-2 (BigEarthNet) carry satellite, product and time of their own, then the place both
share: `S1A_IW_GRDH_1SDV_20170613T165043_33UUP_87_48` and `S2A_MSIL2A_20170613T101031_87_48`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Role = Literal["rgb", "sensor", "either", "plain"]

_COLOUR = frozenset({"rgb", "color", "colors", "colour", "colours"})
_RGB = _COLOUR | {"visible", "vis", "image", "images", "img", "optical", "eo", "s2"}
_INFRARED = frozenset({"nir", "swir", "mwir", "lwir", "fir", "ir", "infrared", "thermal"})
_SHAPE = frozenset({"depth", "disparity", "lidar", "dsm", "dem", "hha"})
RADAR = frozenset({"sar", "s1", "vv", "vh", "hh", "hv"})
_SENSOR = _INFRARED | _SHAPE | RADAR
_SENSOR_PHRASES = (
    ("thermal", "16", "bit"),
    ("thermal", "8", "bit"),
    ("depth", "filled"),
    ("depth", "bfx"),
    ("ms", "nir"),
)
# Single letters say something at the very end of a name only; `d` is depth beside `c`, and the colour camera of DJI.
_RGB_LETTERS = frozenset("cv")
_SENSOR_LETTERS = frozenset("t")
_EITHER_LETTERS = frozenset("d")
# A name may hold several words, as in `images/0001_nir`: the more telling one counts.
_BY_WEIGHT: tuple[Role, ...] = ("sensor", "either", "rgb")
_SEPARATORS = re.compile(r"[_\-. ]+")
_SENTINEL = re.compile(
    r"(?:(?P<radar>s1[a-d]_iw_.+?)|s2[a-d]_msil[12][abc])_\d{8}t\d+"
    r"(?:_n\d{4}_r\d{3})?(?:_t?(?P<tile>\d\d[a-z]{3}))?_(?P<column>\d+)_(?P<row>\d+)"
)

_SENTINEL_PRODUCT = re.compile(r"s1[a-d]_iw_|s2[a-d]_msil")


@dataclass(frozen=True, slots=True)
class SceneName:
    """A file name taken apart.

    Attributes:
        key: What names the scene: the relative path without ending and sensor words, in lower case.
        role: What the words say: "rgb", "sensor", "either" (a word both use) or "plain" (no word at all).
    """

    key: str
    role: Role


def sensors_named(part: str) -> frozenset[str]:
    """The words for sensors in a single file or folder name; those that any picture may bear do not count."""
    return (_SENSOR | _COLOUR).intersection(_SEPARATORS.split(part.casefold()))


def is_sentinel_1_patch(name: str) -> bool:
    """Whether a relative path names a Sentinel-1 patch of BigEarthNet."""
    match = _SENTINEL.fullmatch(PurePosixPath(name.casefold()).name)
    return match is not None and bool(match["radar"])


def all_name_tiles(names: Iterable[str]) -> bool:
    """Whether every Sentinel patch among these names says which tile it is of; older Sentinel-2 patches do not."""
    matches = (_SENTINEL.fullmatch(PurePosixPath(name.casefold()).name) for name in names)
    return all(match["tile"] for match in matches if match)


def scene_name(name: str, *, with_tile: bool = False) -> SceneName:
    """Take a relative path apart: `kv1com_image/0001_c.png` is the scene `kv1com/0001`, seen in RGB.

    Args:
        name: The path.
        with_tile: Whether the tile of a Sentinel patch belongs to its scene.
    """
    path = PurePosixPath(name.casefold()).with_suffix("")
    if patch := _SENTINEL.fullmatch(path.name):
        place = [patch["tile"]] if with_tile and patch["tile"] else []
        # Folders of whole products, as BigEarthNet 2 has them, are named by satellite and time as well.
        parents = [scene_name(part).key for part in path.parent.parts if not _SENTINEL_PRODUCT.match(part)]
        key = "/".join([*filter(None, parents), "_".join([*place, patch["column"], patch["row"]])])
        return SceneName(key, "sensor" if patch["radar"] else "rgb")
    roles: set[Role] = set()
    parts = []
    for depth, part in enumerate(path.parts, start=1):
        words, found = _without_sensor_words(_SEPARATORS.split(part), may_end_in_letter=depth == len(path.parts))
        roles |= found
        if words:
            parts.append("_".join(words))
    return SceneName("/".join(parts), next((role for role in _BY_WEIGHT if role in roles), "plain"))


def _without_sensor_words(words: list[str], *, may_end_in_letter: bool) -> tuple[list[str], set[Role]]:
    kept: list[str] = []
    roles: set[Role] = set()
    position = 0
    while position < len(words):
        rest = words[position:]
        phrase = next((one for one in _SENSOR_PHRASES if tuple(rest[: len(one)]) == one), ())
        role: Role
        if phrase or rest[0] in _SENSOR:
            role = "sensor"
        elif rest[0] in _RGB:
            role = "rgb"
        elif may_end_in_letter and len(rest) == 1 and kept:
            role = _role_of_letter(rest[0])
        else:
            role = "plain"
        if role == "plain":
            kept.append(rest[0])
        else:
            roles.add(role)
        position += len(phrase) or 1
    return kept, roles


def _role_of_letter(word: str) -> Role:
    if word in _RGB_LETTERS:
        return "rgb"
    if word in _SENSOR_LETTERS:
        return "sensor"
    return "either" if word in _EITHER_LETTERS else "plain"
