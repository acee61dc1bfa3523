"""Images of which every band is a file of its own: Sentinel-1, Sentinel-2 and Landsat products and patches.

An image goes by the name its files have in common: `patch_B02.tif` and `patch_B03.tif` are the image `patch`. Where
a folder of that very name holds them, as in BigEarthNet, the folder is the image: `patch`, not `patch/patch`.

Bands are counted in the order of their numbers with B8A after B08, the order of wavelengths, and VV, VH, HH, HV: a
Sentinel-2 patch without B10 has B08 as its 8th, B11 as its 11th and B12 as its 12th band.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.envi import envi_files
from bandbridge.engine.imagery.header import ImageHeader
from bandbridge.engine.imagery.tile import tile_of
from numpy.typing import NDArray

_POLARISATIONS = ("vv", "vh", "hh", "hv")
# One-digit bands belong to Landsat names alone: `field_B1.tif` may well be the picture of a block of land.
_NAME = re.compile(
    r"(?P<image>.*[^_\-.])[_\-.](?P<band>b(?:\d\d|\d[a-z])|vv|vh|hh|hv)(?:_(?P<metres>\d\d)m)?\.g?tiff?"
    r"|(?P<scene>l[cotem]\d\d_.+)_(?P<number>b\d{1,2})\.g?tiff?",
    re.IGNORECASE,
)
_RED_GREEN_BLUE = ("B04", "B03", "B02")
_RED_GREEN_BLUE_LANDSAT = {"lc": ("B4", "B3", "B2"), "lt": ("B3", "B2", "B1"), "le": ("B3", "B2", "B1")}


def gathered(names: Iterable[str], is_one_band: Callable[[str], bool]) -> list[str]:
    """File names -> image names: the files of one image count as one.

    Args:
        names: Relative paths with forward slashes.
        is_one_band: Whether a file holds one band only; asked of a single file of those that look like bands. If it
            holds more, nothing is brought together.
    """
    images: dict[str, list[str]] = defaultdict(list)
    alone = []
    for name in names:
        parts = _parts(name.rpartition("/")[2])
        if parts is None:
            alone.append(name)
        else:
            path = PurePosixPath(name)
            is_folder = path.parent.name == parts[0]
            images[(path.parent if is_folder else path.parent / parts[0]).as_posix()].append(name)
    products = {image: files for image, files in images.items() if len(files) > 1}
    if products and not is_one_band(next(iter(products.values()))[0]):
        products = {}
    alone += [name for image, files in images.items() if image not in products for name in files]
    return [*alone, *products]


def band_files(path: Path) -> dict[str, Path]:
    """The files of an image by the names of their bands, in the order in which bands are counted; empty without any.

    Of a band that is there in several resolutions, the finest is taken.

    Args:
        path: Of the image, as `gathered` names it.
    """
    if path.is_file():
        return {}
    try:
        within = _products(path).get(path.name) if path.is_dir() else {}
        # Listed once while the folder stays as it is: it may hold thousands of images.
        return within or _listed(path.parent, path.parent.stat().st_mtime_ns)[path.name]
    except (OSError, KeyError):
        return {}


def files_of(path: Path) -> tuple[Path, ...]:
    """The files an image consists of: itself, its bands, the scene it is a tile of, or none if it is gone."""
    if (tile := tile_of(path)) is not None:
        scenes = dict.fromkeys((tile.scene, tile.grid))
        return tuple(file for scene in scenes for file in _files_of_scene(scene) if file.is_file())
    return (path,) if path.is_file() else tuple(band_files(path).values())


def _files_of_scene(scene: Path) -> tuple[Path, ...]:
    return envi_files(scene) if scene.suffix.lower() == ".hdr" else (scene,)


def together(path: Path, headers: Sequence[ImageHeader], names: Sequence[str]) -> ImageHeader:
    """The header of an image from those of its band files; its grid is that of the finest band.

    Raises:
        ImageError: A file holds several bands, or the files cannot show the same ground.
    """
    finest = max(headers, key=lambda header: header.width * header.height)
    for header in headers:
        # A coarse grid may round its last row or column away.
        is_alike = abs(header.width * finest.height - header.height * finest.width) < finest.width + finest.height
        if header.bands != 1 or not is_alike:
            raise ImageError(
                f"The files of the image '{path}' do not fit together.",
                f"'{header.path.name}' has {header.width} x {header.height} pixels and {header.bands} "
                f"band{'s' * (header.bands != 1)}; '{finest.path.name}' has {finest.width} x {finest.height}.",
                "One file a band is expected, all of the same ground. Put other files elsewhere.",
            )
    declared = {header.no_data for header in headers}
    return replace(
        finest,
        path=path,
        bands=len(headers),
        dtype=str(np.result_type(*(header.dtype for header in headers))),
        no_data=declared.pop() if len(declared) == 1 else None,
        alpha=None,
        band_names=tuple(names),
    )


def to_grid(band: NDArray[np.float32], width: int, height: int, *, is_integer: bool) -> NDArray[np.float32]:
    """Bring one band (h, w) to a finer grid (height, width) by bilinear interpolation, pixel edges aligned.

    Missing values (NaN) take no part, and their pixels stay missing. Whole numbers stay whole.
    """
    if band.shape == (height, width):
        return band
    gap = np.isnan(band)
    filled = cv2.resize(np.where(gap, np.float32(0), band), (width, height), interpolation=cv2.INTER_LINEAR)
    if gap.any():
        share = cv2.resize((~gap).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        filled = np.where(share >= 0.5, filled / np.maximum(share, 0.5), np.float32(np.nan))
    finer: NDArray[np.float32] = np.asarray(np.rint(filled) if is_integer else filled, np.float32)
    return finer


def red_green_blue(header: ImageHeader) -> tuple[int, ...] | None:
    """1-based numbers of the bands that are red, green and blue by their names; None where names do not say it."""
    wanted = _RED_GREEN_BLUE_LANDSAT.get(header.path.name[:2].casefold(), _RED_GREEN_BLUE)
    return numbers_of(wanted, header) if set(wanted) <= set(header.band_names) else None


def numbers_of(names: Sequence[str], header: ImageHeader) -> tuple[int, ...]:
    """1-based numbers of bands by their names, in any case.

    Raises:
        ImageError: The image has no band of that name.
    """
    for name in names:
        if name.upper() not in header.band_names:
            known = f"Its bands are {', '.join(header.band_names)}" if header.band_names else "Its bands have no names"
            raise ImageError(
                f"The image '{header.path}' has no band '{name}'.",
                f"{known}.",
                "Choose bands by number, such as 4,3,2.",
            )
    return tuple(header.band_names.index(name.upper()) + 1 for name in names)


@lru_cache(maxsize=16)
def _listed(folder: Path, changed: int) -> dict[str, dict[str, Path]]:
    return _products(folder)


def _products(folder: Path) -> dict[str, dict[str, Path]]:
    """Image -> band -> file, of the images whose band files lie in a folder."""
    found: dict[str, dict[str, tuple[int, Path]]] = defaultdict(dict)
    for file in sorted(folder.iterdir()):
        if (parts := _parts(file.name)) is not None:
            image, band, metres = parts
            found[image][band] = min(found[image].get(band, (metres, file)), (metres, file))
    return {
        image: {band: bands[band][1] for band in sorted(bands, key=_order)}
        for image, bands in found.items()
        if len(bands) > 1
    }


def _parts(file: str) -> tuple[str, str, int] | None:
    """Name of the image, of the band, and metres a pixel if said (else 0); None if it does not look like a band."""
    match = _NAME.fullmatch(file)
    if match is None:
        return None
    if match["scene"]:
        return match["scene"], match["number"].upper(), 0
    return match["image"], match["band"].upper(), int(match["metres"] or 0)


def _order(band: str) -> tuple[int, str]:
    if band.lower() in _POLARISATIONS:
        return _POLARISATIONS.index(band.lower()), ""
    digits = re.findall(r"\d+", band)[0]
    return int(digits), band[1 + len(digits) :]
