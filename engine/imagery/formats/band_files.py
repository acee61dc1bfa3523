"""Images of which every band is a file of its own: Sentinel-1, Sentinel-2 and Landsat products and patches.

An image goes by the name its files have in common: `patch_B02.tif` and `patch_B03.tif` are the image `patch`. Where
a folder of that very name holds them, as in BigEarthNet, the folder is the image: `patch`, not `patch/patch`.

Of a Sentinel-2 product as it is delivered (`.SAFE`), the bands of a granule are one image and nothing else is one: no
mask, preview or derived map. It goes by the name of the product, or of the granule where there are several.

Bands are counted in the order of their numbers with B8A after B08, the order of wavelengths, and VV, VH, HH, HV: a
Sentinel-2 patch without B10 has B08 as its 8th, B11 as its 11th and B12 as its 12th band.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.envi import envi_files
from bandbridge.engine.imagery.formats.header import ImageHeader
from bandbridge.engine.imagery.names.tile import is_tile_name, tile_of
from numpy.typing import NDArray

_POLARISATIONS = ("vv", "vh", "hh", "hv")
# One-digit bands belong to Landsat names alone: `field_B1.tif` may well be the picture of a block of land.
_NAME = re.compile(
    r"(?P<scene>l[cotem]\d\d_.+?)(?:_s[rt])?_(?P<number>b\d{1,2})\.g?tiff?"
    r"|(?P<image>.*[^_\-.])[_\-.](?P<band>b(?:\d\d|\d[a-z])|vv|vh|hh|hv)(?:_(?P<metres>\d\d)m)?\.(?:g?tiff?|jp2)",
    re.IGNORECASE,
)
# What lies beside the bands of Sentinel-2 and Landsat images: masks, angles, derived maps, pictures for people.
_BESIDE = re.compile(
    r"(?P<image>t\d\d[a-z]{3}_\d{8}t\d{6})_(?:aot|wvp|scl|tci|pvi)(?:_\d\dm)?\.(?:g?tiff?|jp2)"
    r"|(?P<scene>l[cotem]\d\d_l\w{3}_\d{6}_\d{8}_\d{8}_\d\d_[a-z]\w)"
    r"_(?:qa_\w+|s[rt]_(?!b\d)\w+|saa|sza|vaa|vza)\.(?:g?tiff?|jpe?g)",
    re.IGNORECASE,
)
Extent = tuple[int, int]
"""The first row (or column) and the one after the last."""

_PRODUCT, _GRANULES, _BANDS = ".safe", "GRANULE", "IMG_DATA"
_RED_GREEN_BLUE = ("B04", "B03", "B02")
_RED_GREEN_BLUE_LANDSAT = {"lc": ("B4", "B3", "B2"), "lt": ("B3", "B2", "B1"), "le": ("B3", "B2", "B1")}


def gathered(names: Iterable[str], is_one_band: Callable[[str], bool]) -> list[str]:
    """File names -> image names: the files of one image count as one.

    Args:
        names: Relative paths with forward slashes.
        is_one_band: Whether a file holds one band only; asked of a single file of those that look like bands. If it
            holds more, nothing is brought together.
    """
    names, granules = _without_products(names)
    images: dict[str, list[str]] = defaultdict(list)
    alone = []
    for name in names:
        parts = _parts(name.rpartition("/")[2])
        if parts is None:
            alone.append(name)
        else:
            images[_image_of(PurePosixPath(name), parts[0])].append(name)
    products = {image: files for image, files in images.items() if len(files) > 1}
    if products and not is_one_band(next(iter(products.values()))[0]):
        products = {}
    alone = [name for name in alone if _lies_beside(name) not in products]
    alone += [name for image, files in images.items() if image not in products for name in files]
    return [*alone, *products, *granules]


def band_files(path: Path) -> dict[str, Path]:
    """The files of an image by the names of their bands, in the order in which bands are counted; empty without any.

    Of a band that is there in several resolutions, the finest is taken.

    Args:
        path: Of the image, as `gathered` names it.
    """
    if path.is_file():
        return {}
    try:
        within = _granule_bands(path) or _products(path).get(path.name) if path.is_dir() else {}
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
    if scene.suffix.lower() == ".hdr":
        return envi_files(scene)
    return tuple(band_files(scene).values()) or (scene,)


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
    """Bring one band (h, w) to a finer grid (height, width), as `part_on_grid` does it."""
    if band.shape == (height, width):
        return band

    def read(rows: Extent, columns: Extent) -> NDArray[np.float32]:
        return band[slice(*rows), slice(*columns)]

    return part_on_grid(read, band.shape, (height, width), (0, height), (0, width), is_integer=is_integer)


def part_on_grid(
    read: Callable[[Extent, Extent], NDArray[np.float32]],
    shape: tuple[int, ...],
    grid: tuple[int, int],
    rows: Extent,
    columns: Extent,
    *,
    is_integer: bool,
) -> NDArray[np.float32]:
    """A part of a band on a finer grid, by bilinear interpolation, pixel edges aligned.

    Missing values (NaN) take no part, and their pixels stay missing. Whole numbers stay whole. A part is what the
    whole is there.

    Args:
        read: Rows and columns of the band -> its raw values there.
        shape: (h, w) of the band.
        grid: (H, W) finer.
        rows: Of the grid.
        columns: Of the grid.
        is_integer: Whether the values are whole numbers.

    Returns:
        (rows, columns) raw values.
    """
    (top, y, down), (left, x, across) = _between(rows, shape[0], grid[0]), _between(columns, shape[1], grid[1])
    part = read((top, top + int(y[1][-1]) + 1), (left, left + int(x[1][-1]) + 1))
    gap = np.isnan(part)

    def interpolated(values: NDArray[np.float32]) -> NDArray[np.float32]:
        # a + f (b - a), so that equal values stay what they are
        between_rows = values[y[0]] + down[:, None] * (values[y[1]] - values[y[0]])
        start = between_rows[:, x[0]]
        finer: NDArray[np.float32] = start + across * (between_rows[:, x[1]] - start)
        return finer

    finer = interpolated(np.where(gap, np.float32(0), part))
    if gap.any():
        share = interpolated((~gap).astype(np.float32))
        finer = np.where(share >= 0.5, finer / np.maximum(share, 0.5), np.float32(np.nan))
    return np.rint(finer) if is_integer else finer


def _between(
    wanted: Extent, length: int, finer: int
) -> tuple[int, tuple[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float32]]:
    """Where pixels of a finer grid lie between those of a coarse one.

    Returns:
        The first coarse pixel needed; for every fine pixel the coarse ones before and after it, counted from there;
        and its share of the way between them.
    """
    centres = ((np.arange(*wanted) + 0.5) * length / finer - 0.5).clip(0, length - 1)
    before = np.floor(centres).astype(np.intp)
    after = np.minimum(before + 1, length - 1)
    return int(before[0]), (before - before[0], after - before[0]), (centres - before).astype(np.float32)


def red_green_blue(header: ImageHeader) -> tuple[int, ...] | None:
    """1-based numbers of the bands that are red, green and blue by their names; None where names do not say it."""
    image = header.path.parent if is_tile_name(header.path.name) else header.path
    wanted = _RED_GREEN_BLUE_LANDSAT.get(image.name[:2].casefold(), _RED_GREEN_BLUE)
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


def _without_products(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names outside of Sentinel-2 products, and the images that these are."""
    outside: dict[str, list[str]] = defaultdict(list)
    granules: dict[str, Counter[str]] = defaultdict(Counter)
    for name in names:
        if _GRANULES not in name and _PRODUCT not in name.casefold():
            outside[""].append(name)
            continue
        folders = name.split("/")[:-1]
        at = next((depth for depth, folder in enumerate(folders) if folder.casefold().endswith(_PRODUCT)), -1) + 1
        inside = folders[at:]
        product = "/".join(folders[:at])
        # The folder looked through may be a product itself, whatever it is called.
        if inside[:1] == [_GRANULES] and inside[2:3] == [_BANDS] and _parts(name.rpartition("/")[2]):
            granules[product]["/".join(folders[: at + 2])] += 1
        outside[product].append(name)
    images = []
    for product, found in granules.items():
        whole = [granule for granule, bands in found.items() if bands > 1]
        images += [product] if product and len(whole) == len(found) == 1 else whole
        if whole:
            outside[product] = []
    return [name for rest in outside.values() for name in rest], images


def _granule_bands(path: Path) -> dict[str, Path]:
    """The bands of a Sentinel-2 product with one granule, or of a granule; empty if the folder is neither."""
    granule = path
    if path.name.casefold().endswith(_PRODUCT):
        granules = [folder for folder in (path / _GRANULES).iterdir() if (folder / _BANDS).is_dir()]
        if len(granules) != 1:
            return {}
        granule = granules[0]
    elif path.parent.name != _GRANULES:
        return {}
    found: dict[str, tuple[int, Path]] = {}
    for file in sorted((*(granule / _BANDS).glob("*"), *(granule / _BANDS).glob("R*m/*"))):
        if (parts := _parts(file.name)) is not None:
            _, band, metres = parts
            found[band] = min(found.get(band, (metres, file)), (metres, file))
    return {band: found[band][1] for band in sorted(found, key=_order)} if len(found) > 1 else {}


def _image_of(file: PurePosixPath, name: str) -> str:
    """The path that an image of this name goes by."""
    is_folder = file.parent.name == name
    return (file.parent if is_folder else file.parent / name).as_posix()


def _lies_beside(name: str) -> str | None:
    """The image beside whose bands a file belongs; None if it does not look like one that does."""
    match = _BESIDE.fullmatch(name.rpartition("/")[2])
    return _image_of(PurePosixPath(name), match["image"] or match["scene"]) if match else None


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
