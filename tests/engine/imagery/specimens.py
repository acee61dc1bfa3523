"""One whole small image of every kind there is: what the fuzzer damages, and what must be readable as it is."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

Specimen = dict[str, bytes]
"""File name -> content; the first is the one that is opened, the others lie beside it."""

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PLACE = {"crs": "EPSG:32632", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000)}
_SIDE = 40
_BY_ITS_DRIVER = {".tif": "GTiff", ".jp2": "JP2OpenJPEG", ".jpg": "JPEG", ".dat": "ENVI"}


def specimens(folder: Path, real: Path | None = None) -> dict[str, Specimen]:
    """Kind -> files.

    Args:
        folder: An empty folder for work in between.
        real: Real data (the folder `shared/data`), of which small files of every sort are taken; None without.
    """
    found: dict[str, Specimen] = {}
    for kind, name, content in (*_pngs(), *_jpegs(folder), *_arrays()):
        found[kind] = {name: content}
    found.update((*_rasters(folder), *_hdf5(folder)))
    for kind, path in _real(real) if real else ():
        found[f"real {kind}"] = {path.name: path.read_bytes()}
    return found


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _picture(channels: int, dtype: Any = np.uint8, side: int = _SIDE) -> np.ndarray:
    """(H, W, C) a slope with noise, so that compressed data have some length."""
    random = np.random.default_rng(channels)
    high = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    slope = np.add.outer(np.arange(side), np.arange(side))[..., None] / (2 * side)
    return ((slope + random.random((side, side, channels))) / 2 * high).astype(dtype)


def _pngs() -> Iterator[tuple[str, str, bytes]]:
    for depth, dtype in ((8, np.uint8), (16, np.uint16)):
        for channels in (1, 3, 4):
            data = cv2.imencode(".png", _picture(channels, dtype))[1].tobytes()
            yield f"PNG, {depth} bit, {channels} channels", "x.png", data
        yield f"PNG, {depth} bit, grey with transparency", "x.png", _png(4, depth)
        yield f"PNG, {depth} bit, interlaced", "x.png", _png(2, depth, interlaced=True)
    for depth in (1, 2, 4):
        yield f"PNG, {depth} bit, grey", "x.png", _png(0, depth)
    for depth in (1, 2, 4, 8):
        palette = png_chunk(b"PLTE", bytes(range(3 << depth)) if depth < 8 else bytes(768))
        hidden = png_chunk(b"tRNS", b"\0\x80")
        yield f"PNG, {depth} bit, palette", "x.png", _png(3, depth, extra=palette)
        yield f"PNG, {depth} bit, palette with transparency", "x.png", _png(3, depth, extra=palette + hidden)
    yield "PNG, colour taken for transparent", "x.png", _png(2, 8, extra=png_chunk(b"tRNS", bytes(6)))
    text = png_chunk(b"tEXt", b"Comment\0" + b"x" * 200) + png_chunk(b"gAMA", struct.pack(">I", 45_455))
    yield "PNG with text and gamma", "x.png", _png(2, 8, extra=text)
    profile = png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(400))) + png_chunk(b"eXIf", b"II*\0" + bytes(40))
    yield "PNG with colour profile and EXIF", "x.png", _png(2, 8, extra=profile)
    yield "PNG, animated", "x.png", _animated()


def _png(colour: int, depth: int, extra: bytes = b"", *, interlaced: bool = False) -> bytes:
    """A PNG file of kinds that OpenCV does not write."""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2}[colour]
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, depth, colour, 0, 0, interlaced)
    return (
        _PNG_START
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(_png_rows(bits, interlaced=interlaced)))
        + png_chunk(b"IEND", b"")
    )


def _png_rows(bits: int, *, interlaced: bool = False) -> bytes:
    random = np.random.default_rng(bits)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for left, top, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        width, height = -(-(_SIDE - left) // across), -(-(_SIDE - top) // down)
        rows += b"".join(b"\0" + random.bytes(-(-width * bits // 8)) for _ in range(height))
    return rows


def _animated() -> bytes:
    place = struct.pack(">IIIIHHBB", _SIDE, _SIDE, 0, 0, 1, 10, 0, 0)
    packed = zlib.compress(_png_rows(24))
    whole = _png(2, 8, png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", bytes(4) + place))
    more = png_chunk(b"fcTL", struct.pack(">I", 1) + place) + png_chunk(b"fdAT", struct.pack(">I", 2) + packed)
    return whole[:-12] + more + whole[-12:]


def _jpegs(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    colour = _picture(3)
    ways: dict[str, list[int]] = {
        "JPEG": [],
        "JPEG, progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        "JPEG with restart marks": [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
        "JPEG, optimised": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
        "JPEG, full colour": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
    }
    for kind, settings in ways.items():
        yield kind, "x.jpg", cv2.imencode(".jpg", colour, settings)[1].tobytes()
    yield "JPEG, grey", "x.jpg", cv2.imencode(".jpg", _picture(1))[1].tobytes()
    plain = cv2.imencode(".jpg", colour)[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    yield "JPEG, turned by EXIF", "x.jpg", plain[:2] + turned + plain[2:]
    yield "JPEG of four inks", "x.jpg", _raster(folder, "inks.jpg", _picture(4).transpose(2, 0, 1))["inks.jpg"]


def _arrays() -> Iterator[tuple[str, str, bytes]]:
    cube = _picture(3, np.uint16)
    arrays: dict[str, Any] = {
        "NPY, uint16": cube,
        "NPY, bands first": np.ascontiguousarray(cube.transpose(2, 0, 1)),
        "NPY, column by column": np.asfortranarray(cube),
        "NPY, other byte order": cube.astype(">i4"),
        "NPY, half": cube[..., 0].astype(np.float16),
        "NPY, float64": _picture(2, np.float64),
        "NPY, long double": cube.astype(np.longdouble),
        "NPY, yes and no": cube[..., 0] > 900,
        "NPY, int64": cube.astype(np.int64),
        "NPY, complex": cube.astype(np.complex64),
        "NPY, structured": np.zeros((8, 8), [("red", "u2"), ("green", "f4")]),
        "NPY, objects": np.array([[{"a": 1}, None], [3, "x"]], object),
        "NPY, text": np.array([["a", "bc"], ["d", "e"]]),
        "NPY, dates": np.zeros((4, 4), "M8[s]"),
        "NPY, empty": np.zeros((0, 4)),
        "NPY, scalar": np.array(5),
        "NPY, five dimensions": np.zeros((2, 2, 2, 2, 2)),
    }
    for kind, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        yield kind, "x.npy", file.getvalue()
    file = io.BytesIO()
    np.lib.format.write_array(file, cube, version=(3, 0))
    yield "NPY, version 3", "x.npy", file.getvalue()


def _rasters(folder: Path) -> Iterator[tuple[str, Specimen]]:
    cube = _picture(5, np.uint16).transpose(2, 0, 1)
    bytes_3 = _picture(3).transpose(2, 0, 1)
    plane = _picture(1, np.float32).transpose(2, 0, 1)
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    tiffs: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "strips": (cube, {"blockysize": 4}),
        "tiles": (cube, tiled),
        "planes": (cube, {"interleave": "band", **tiled}),
        "BigTIFF": (cube, {"BIGTIFF": "YES", "compress": "deflate"}),
        "big endian": (cube, {"ENDIANNESS": "BIG", "compress": "lzw", "predictor": 2}),
        "LZW": (cube, {"compress": "lzw"}),
        "deflate": (cube, {"compress": "deflate", "predictor": 2, **tiled}),
        "Zstandard": (cube, {"compress": "zstd", **tiled}),
        "LZMA": (cube, {"compress": "lzma"}),
        "LERC": (plane, {"compress": "lerc_deflate"}),
        "PackBits": (cube, {"compress": "packbits"}),
        "JPEG": (bytes_3, {"compress": "jpeg", "photometric": "YCbCr", **tiled}),
        "WebP": (bytes_3, {"compress": "webp", **tiled}),
        "fax": (bytes_3[:1] > 99, {"compress": "ccittfax4", "nbits": 1}),
        "12 bits": (cube >> 4, {"nbits": 12}),
        "float": (plane, {"compress": "deflate", "predictor": 3, "nodata": np.nan}),
        "float64": (plane.astype(np.float64), {"nodata": -9999.0}),
        "int8": (bytes_3.astype(np.int8), {}),
        "int64": (cube[:1].astype(np.int64), {}),
        "complex": (plane.astype(np.complex64), {}),
        "transparency": (_picture(4).transpose(2, 0, 1), {"photometric": "RGB", "ALPHA": "YES"}),
        "place": (cube, {"nodata": 0, **_PLACE}),
    }
    for kind, (values, profile) in tiffs.items():
        yield f"TIFF, {kind}", _raster(folder, "x.tif", values, **profile)
    yield "TIFF, mask", _raster(folder, "x.tif", cube, mask=bytes_3[0], compress="deflate")
    yield "TIFF, palette", _raster(folder, "x.tif", bytes_3[:1], palette={n: (n, 9, 9, 255) for n in range(256)})
    _raster(folder, "pages.tif", bytes_3)
    yield "TIFF, two pages", _raster(folder, "pages.tif", bytes_3, APPEND_SUBDATASET=True)
    yield (
        "TIFF, overviews",
        _raster(folder, "x.tif", _picture(3, side=600).transpose(2, 0, 1), driver="COG", compress="jpeg"),
    )
    for interleave in ("bsq", "bil", "bip"):
        data = _raster(folder, "x.dat", cube, interleave=interleave, **_PLACE)
        yield f"ENVI, {interleave}", {"x.hdr": (folder / "x.hdr").read_bytes(), **data}
    for kind, values, profile in (
        ("16 bit", cube[:1], {"REVERSIBLE": "YES", "QUALITY": "100"}),
        ("colours", bytes_3, {"QUALITY": "25"}),
        ("tiles", np.tile(cube[:1], (1, 4, 4)), {"blockxsize": 64, "blockysize": 64, **_PLACE}),
    ):
        yield f"JPEG 2000, {kind}", _raster(folder, "x.jp2", values, **profile)


def _raster(
    folder: Path,
    name: str,
    values: np.ndarray,
    mask: np.ndarray | None = None,
    palette: dict[int, tuple[int, ...]] | None = None,
    **profile: Any,
) -> Specimen:
    path = folder / name
    driver = profile.pop("driver", _BY_ITS_DRIVER[path.suffix])
    count, height, width = values.shape
    shape = {
        "width": width,
        "height": height,
        "count": count,
        "dtype": np.uint8 if values.dtype == bool else values.dtype,
    }
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_PAM_ENABLED=False):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver=driver, **shape, **profile) as dataset:
            dataset.write(values.astype(shape["dtype"]))
            if mask is not None:
                dataset.write_mask(mask)
            if palette is not None:
                dataset.write_colormap(1, palette)
    return {name: path.read_bytes()}


def _hdf5(folder: Path) -> Iterator[tuple[str, Specimen]]:
    try:
        import h5py
    except ImportError:  # installed before HDF5 files were read
        return
    cube = _picture(3, np.uint16)
    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "deflate": {"compression": "gzip", "chunks": (16, 16, 3)},
        "LZF and checksum": {"compression": "lzf", "shuffle": True, "fletcher32": True},
        "offset and scale": {"scaleoffset": 0},
        "extensible": {"maxshape": (None, None, 3)},
    }
    for version in ("earliest", "latest"):
        for kind, settings in ways.items():
            path = folder / "x.h5"
            with h5py.File(path, "w", libver=version) as file:
                dataset = file.create_dataset("deep/image", data=cube, **settings)
                dataset.attrs["_FillValue"] = np.array([7], np.uint16)
                dataset.attrs["title"] = "a small image"
                file.create_dataset("lat", data=np.arange(_SIDE, dtype=np.float32))
            yield f"HDF5, {version}, {kind}", {"x.h5": path.read_bytes()}
    path = folder / "x.nc"
    with h5py.File(path, "w", track_order=True) as file:
        for name in ("y", "x"):
            file.create_dataset(name, data=np.arange(_SIDE, dtype=np.float64)).make_scale(name)
        band = file.create_dataset("radiance", data=cube[..., 0].astype(np.float32), fillvalue=np.float32(-9999))
        for axis, name in enumerate(("y", "x")):
            band.dims[axis].attach_scale(file[name])
        file.attrs["Conventions"] = "CF-1.8"
    yield "NetCDF 4", {"x.nc": path.read_bytes()}


def _real(data: Path) -> Iterator[tuple[str, Path]]:
    for kind, pattern in {
        "EuroSAT": "eurosat_ms/*/*.tif",
        "Sentinel-2 picture": "sentinel2_rgb_nir_pairs/rgb/*.jpeg",
        "near infrared": "sentinel2_rgb_nir_pairs/nir/*.jpeg",
        "thermal": "road_rgb_thermal/thermal/*/*.png",
        "radar": "bigearthnet_s1_s2/*/*/*_VV.tif",
        "Sentinel-2 band": "bigearthnet_s1_s2/*/*/*_B8A.tif",
        "scene": "scenes/L7_ETMs.tif",
    }.items():
        yield from ((kind, path) for path in sorted(data.glob(pattern))[:1])
