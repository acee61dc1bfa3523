"""PNG and JPEG files: structure checked here, pixels decoded by OpenCV.

OpenCV's decoders hand out half-decoded pictures for some damaged files (which ones depends on the version), so a file
is decoded only after its own structure says that it is complete. The turning flag of camera files (EXIF orientation)
is ignored, knowingly: programs that train classifiers and GIS programs ignore it too, and the partner image of another
sensor seldom carries it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats.header import ImageHeader, StoredPixels
from numpy.typing import NDArray

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"


def png_header(path: Path, data: bytes) -> ImageHeader:
    """Header of a PNG file.

    Raises:
        ImageError: The file ends before its header does.
    """
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise cut_short(path)
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    grey = colour in (0, 4)
    # OpenCV turns a transparent colour into an alpha channel for colour pictures and drops it for grey ones.
    alpha = colour in (4, 6) or (colour in (2, 3) and b"tRNS" in data[: data.find(b"IDAT")])
    bands = 1 if grey else 3
    return ImageHeader(
        path=path,
        width=width,
        height=height,
        bands=bands,
        dtype="uint16" if depth == 16 else "uint8",
        alpha=bands + 1 if alpha else None,
    )


def jpeg_header(path: Path, data: bytes) -> ImageHeader:
    """Header of a JPEG file; four-ink pictures count three bands, as they are decoded to RGB.

    Raises:
        ImageError: The file ends before its header does.
    """
    header, _ = _jpeg_header(path, data)
    return header


def read_png(path: Path, data: bytes, choose: Callable[[ImageHeader], tuple[int, ...]]) -> StoredPixels:
    """Decode a PNG file.

    Raises:
        ImageError: The file is damaged or cut short.
    """
    header = png_header(path, data)
    bands = choose(header)
    _check_png(path, data)
    return _pick(header, bands, _decode(header, data))


def read_jpeg(path: Path, data: bytes, choose: Callable[[ImageHeader], tuple[int, ...]]) -> StoredPixels:
    """Decode a JPEG file.

    Raises:
        ImageError: The file is damaged or cut short.
    """
    header, scan_start = _jpeg_header(path, data)
    bands = choose(header)
    # Inside a scan the byte FF is always followed by 00 or a restart mark, so the first FF D9 is the end mark.
    if data.find(b"\xff\xd9", scan_start) < 0:
        raise cut_short(path)
    return _pick(header, bands, _decode(header, data))


def cut_short(path: Path) -> ImageError:
    """The error for a file that ends too early."""
    return ImageError(
        f"The image '{path}' is cut short.",
        "The file ends before the picture does, as after an interrupted copy.",
        "Copy it again from where it came from, or leave it out.",
    )


def damaged(path: Path, details: str = "") -> ImageError:
    """The error for a file whose content contradicts itself."""
    return ImageError(
        f"The image '{path}' is damaged.",
        "Its content does not fit its own header or checksums, or is of a rare kind that cannot be read.",
        "Copy it again from where it came from, save it anew in another program, or leave it out.",
        details=details,
    )


def _check_png(path: Path, data: bytes) -> None:
    """Walk the chunks to the end mark and compare the checksums of those the picture is made of."""
    position = len(PNG_START)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        is_critical = kind[:1].isupper()
        if is_critical and zlib.crc32(data[position + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise damaged(path, f"checksum of chunk {kind!r} at byte {position}")
        if kind == b"IEND":
            return
        position = end
    raise cut_short(path)


def _jpeg_header(path: Path, data: bytes) -> tuple[ImageHeader, int]:
    """The header and where the first scan's compressed data begin."""
    header = None
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise damaged(path, f"no JPEG marker at byte {position}")
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        length = struct.unpack_from(">H", data, position + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a "start of frame"
            if position + 10 > len(data):
                break
            depth, height, width, components = struct.unpack_from(">BHHB", data, position + 4)
            header = ImageHeader(
                path=path,
                width=width,
                height=height,
                bands=1 if components == 1 else 3,
                dtype="uint8" if depth == 8 else "uint16",
            )
        if marker == 0xDA and header is not None:  # "start of scan"
            return header, position + 2 + length
        position += 2 + length
    raise cut_short(path)


def _decode(header: ImageHeader, data: bytes) -> NDArray[np.generic]:
    """(C, H, W) with red first and transparency, if any, last."""
    try:
        # UNCHANGED keeps the number type and also means: do not turn by EXIF orientation.
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(str(error)) from error
        raise damaged(header.path, str(error)) from error
    if decoded is None or decoded.shape[:2] != (header.height, header.width):
        raise damaged(header.path)
    channels = decoded[:, :, None] if decoded.ndim == 2 else decoded
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels.shape[2]]
    if header.bands == 1:
        order = [0, 3] if channels.shape[2] == 4 else [0]
    if len(order) != header.stored_bands:
        raise damaged(header.path, f"{channels.shape[2]} channels decoded")
    stored: NDArray[np.generic] = channels.transpose(2, 0, 1)[order]
    return stored


def _pick(header: ImageHeader, bands: tuple[int, ...], stored: NDArray[np.generic]) -> StoredPixels:
    alpha = header.alpha
    hidden = stored[alpha - 1] == 0 if alpha is not None and alpha not in bands else None
    is_whole = bands == tuple(range(1, len(stored) + 1))
    values = stored if is_whole else stored[[band - 1 for band in bands]]
    return StoredPixels(header=header, bands=bands, values=values, hidden=hidden)
