"""Ways in which files come to harm: on bad disks and lines, in bad programs, and by intent."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np

Random = np.random.Generator
Change = Callable[[bytes, Random], bytes]

_PNG_START = b"\x89PNG\r\n\x1a\n"
_NUMBERS = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000)
_LARGE = (0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 20_000, 60_000, 1_000_000)
_EXTREME = _NUMBERS + _LARGE
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def mutant(data: bytes, others: Sequence[bytes], random: Random) -> tuple[str, bytes]:
    """One damaged form of a file.

    Args:
        data: The whole file.
        others: Whole files of other kinds, to take pieces from.
        random: Of which the damage follows.

    Returns:
        What was done, and the file.
    """
    aimed = next((changes for fits, changes in _AIMED if fits(data)), ())
    ways = (*_ANY, *aimed, *aimed)  # what knows the format goes deeper
    names = []
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        if random.random() < 0.08:
            change: Change = _with_other_start(others[int(random.integers(len(others)))])
        else:
            change = ways[int(random.integers(len(ways)))]
        names.append(change.__name__.strip("_").replace("_", " "))
        data = change(data, random)
    if data.startswith(_PNG_START) and random.random() < 0.6:
        data = _png_with_right_checksums(data)
        names.append("right checksums")
    return ", ".join(names), data


def _place(data: bytes, random: Random) -> int:
    """Somewhere, every other time near the start, where headers are."""
    most = max(1, len(data))
    return int(random.integers(min(most, 512) if random.random() < 0.5 else most))


def _length(data: bytes, random: Random) -> int:
    return int(random.integers(1, max(2, min(len(data), 4000))))


def _cut_short(data: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


def _bits_flipped(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(int(random.choice([1, 2, 8, 64])) if data else 0):
        changed[_place(data, random)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _block_overwritten(data: bytes, random: Random) -> bytes:
    start, length = _place(data, random), _length(data, random)
    length = min(length, len(data) - start)
    block = (bytes(length), b"\xff" * length, random.bytes(length))[int(random.integers(3))]
    return data[:start] + block + data[start + length :]


def _block_missing(data: bytes, random: Random) -> bytes:
    start = _place(data, random)
    return data[:start] + data[start + _length(data, random) :]


def _block_twice(data: bytes, random: Random) -> bytes:
    start, length = _place(data, random), _length(data, random)
    return data[: start + length] + data[start:]


def _block_moved(data: bytes, random: Random) -> bytes:
    start, length, to = _place(data, random), _length(data, random), _place(data, random)
    return data[:to] + data[start : start + length] + data[to + length :]


def _number_set(data: bytes, random: Random) -> bytes:
    size = int(random.choice([1, 2, 4, 8]))
    value = int(_EXTREME[int(random.integers(len(_EXTREME)))]) & ((1 << 8 * size) - 1)
    start = _place(data, random)
    order = "little" if random.random() < 0.5 else "big"
    return (data[:start] + value.to_bytes(size, order) + data[start + size :])[: max(len(data), start + size)]


def _with_other_start(other: bytes) -> Change:
    def start_of_another(data: bytes, random: Random) -> bytes:
        length = int(random.choice([4, 8, 16, 64, 512]))
        return other[:length] + data[length:]

    return start_of_another


# ---- PNG ------------------------------------------------------------------------------------------------------------


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, position = [], len(_PNG_START)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        chunks.append((kind, data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def _as_png(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    return _PNG_START + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _png_with_right_checksums(data: bytes) -> bytes:
    return _as_png(_png_chunks(data))


def _png_header_field(data: bytes, random: Random) -> bytes:
    chunks = _png_chunks(data)
    at = next((number for number, (kind, _) in enumerate(chunks) if kind == b"IHDR"), None)
    if at is None or len(chunks[at][1]) != 13:
        return data
    header = bytearray(chunks[at][1])
    if random.random() < 0.5:
        value = int(random.choice([0, 1, 39, 41, 80, 20_000, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 20]))
        struct.pack_into(">I", header, 4 * int(random.integers(2)), value)
    else:
        header[8 + int(random.integers(5))] = int(random.choice([0, 1, 2, 3, 4, 5, 6, 8, 16, 255]))
    chunks[at] = (b"IHDR", bytes(header))
    return _as_png(chunks)


def _png_chunks_shuffled(data: bytes, random: Random) -> bytes:
    chunks = _png_chunks(data)
    if not chunks:
        return data
    one, other = (int(number) for number in random.integers(len(chunks), size=2))
    way = random.random()
    if way < 0.3:
        chunks.insert(one, chunks[other])
    elif way < 0.5:
        del chunks[one]
    elif way < 0.8:
        chunks[one], chunks[other] = chunks[other], chunks[one]
    else:
        kinds = (b"IDAT", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"eXIf", b"IHDR", b"IEND", b"zTXt")
        chunks[one] = (kinds[int(random.integers(len(kinds)))], chunks[one][1])
    return _as_png(chunks)


def _png_pixels_changed(data: bytes, random: Random) -> bytes:
    """Damage below the compression, which no checksum notices."""
    chunks = _png_chunks(data)
    pixels = b"".join(content for kind, content in chunks if kind == b"IDAT")
    try:
        raw = zlib.decompress(pixels)
    except zlib.error:
        return data
    changed = zlib.compress(_ANY[int(random.integers(len(_ANY)))](raw, random))
    at = next(number for number, (kind, _) in enumerate(chunks) if kind == b"IDAT")
    rest = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    return _as_png([*rest[:at], (b"IDAT", changed), *rest[at:]])


# ---- JPEG -----------------------------------------------------------------------------------------------------------


def _jpeg_segments(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of the segments before the first scan."""
    found, position = [], 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        end = position + 2 + struct.unpack_from(">H", data, position + 2)[0]
        found.append((position, end))
        if data[position + 1] == 0xDA:
            break
        position = end
    return found


def _jpeg_segment_changed(data: bytes, random: Random) -> bytes:
    segments = _jpeg_segments(data)
    if not segments:
        return data
    start, end = segments[int(random.integers(len(segments)))]
    way = random.random()
    if way < 0.2:
        return data[:start] + data[end:]
    if way < 0.4:
        return data[:end] + data[start:]
    if way < 0.6:
        return data[: start + 1] + bytes([int(random.integers(0xC0, 0x100))]) + data[start + 2 :]
    inside = start + 4 + int(random.integers(max(1, min(end - start - 4, 20))))
    return data[:inside] + bytes([int(random.choice([0, 1, 2, 4, 0x11, 0x44, 0x7F, 0x80, 0xFF]))]) + data[inside + 1 :]


# ---- TIFF -----------------------------------------------------------------------------------------------------------


def _tiff_entry_changed(data: bytes, random: Random) -> bytes:
    """Type, count or value of one entry of one directory set to something extreme, or its tag to another."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    try:
        directory = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)[0]
        for _ in range(int(random.integers(3))):
            further = (
                directory
                + (8 if is_big else 2)
                + _entries(data, directory, order, is_big=is_big) * (20 if is_big else 12)
            )
            following = struct.unpack_from(order + ("Q" if is_big else "I"), data, further)[0]
            directory = following or directory
        entries = _entries(data, directory, order, is_big=is_big)
    except (struct.error, OverflowError):  # a directory damaged before may lie beyond any file
        return data
    if not 0 < entries < 1000:
        return data
    size, first = (20, 8) if is_big else (12, 2)
    entry = directory + first + size * int(random.integers(entries))
    fields = ((0, "H"), (2, "H"), (4, "Q" if is_big else "I"), (12 if is_big else 8, "Q" if is_big else "I"))
    offset, form = fields[int(random.choice([0, 1, 2, 3, 3, 3, 3]))]
    most = (1 << 8 * struct.calcsize("=" + form)) - 1
    value = int(_EXTREME[int(random.integers(len(_EXTREME)))])
    if offset == 0:
        value = int(
            random.choice([256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 322, 324, 338, 339, 347])
        )
    changed = bytearray(data)
    try:
        struct.pack_into(order + form, changed, entry + offset, value & most)
    except struct.error:
        return data
    return bytes(changed)


def _entries(data: bytes, directory: int, order: str, *, is_big: bool) -> int:
    return int(struct.unpack_from(order + ("Q" if is_big else "H"), data, directory)[0])


# ---- text headers ---------------------------------------------------------------------------------------------------


def _text_number_changed(data: bytes, random: Random) -> bytes:
    """One number in a header in text, as of ENVI and NumPy files, set to something extreme."""
    places = list(re.finditer(rb"\d+", data[:1000]))
    if not places:
        return data
    place = places[int(random.integers(len(places)))]
    values = (
        b"0",
        b"-1",
        b"1",
        b"2",
        b"99",
        b"20000",
        b"4294967296",
        b"9" * 20,
        b"9" * 5000,
        b"nan",
        b"1e9",
        b"",
        b"7.5",
    )
    return data[: place.start()] + values[int(random.integers(len(values)))] + data[place.end() :]


def _text_word_changed(data: bytes, random: Random) -> bytes:
    places = list(re.finditer(rb"[A-Za-z_']+", data[:1000]))
    if not places:
        return data
    place = places[int(random.integers(len(places)))]
    words = (
        b"",
        b"'|O'",
        b"'>f8'",
        b"'M8[s]'",
        b"True",
        b"'<u999999999'",
        b"{",
        b"}",
        b"(",
        b"=",
        b"bil",
        b"bip",
        b"\0",
    )
    return data[: place.start()] + words[int(random.integers(len(words)))] + data[place.end() :]


def _array_header_changed(data: bytes, random: Random) -> bytes:
    """As above, with the length of the header put right."""
    if data[:6] != b"\x93NUMPY" or len(data) < 12:
        return data
    start, form = (10, "<H") if data[6] == 1 else (12, "<I")
    end = start + struct.unpack_from(form, data, 8)[0]
    change = (_text_number_changed, _text_word_changed)[int(random.integers(2))]
    header = change(data[start:end], random)[:60_000]
    return data[:8] + struct.pack(form, len(header)) + header + data[end:]


# ---- JPEG 2000 ------------------------------------------------------------------------------------------------------


def _codestream_changed(data: bytes, random: Random) -> bytes:
    """A number in the main header of the code stream, or in the box that repeats it, set to something extreme."""
    starts = [
        data.find(mark)
        for mark in (b"\xff\x4f\xff\x51", b"\xff\x52", b"\xff\x5c", b"\xff\x90", b"ihdr", b"colr", b"pclr")
    ]
    starts = [start for start in starts if start >= 0]
    if not starts:
        return data
    at = starts[int(random.integers(len(starts)))] + 4 + int(random.integers(44))
    size = int(random.choice([1, 2, 4]))
    value = int(_EXTREME[int(random.integers(len(_EXTREME)))]) & ((1 << 8 * size) - 1)
    return data[:at] + value.to_bytes(size, "big") + data[at + size :]


_ANY: tuple[Change, ...] = (
    _cut_short,
    _bits_flipped,
    _block_overwritten,
    _block_missing,
    _block_twice,
    _block_moved,
    _number_set,
)
_AIMED: tuple[tuple[Callable[[bytes], bool], tuple[Change, ...]], ...] = (
    (lambda data: data.startswith(_PNG_START), (_png_header_field, _png_chunks_shuffled, _png_pixels_changed)),
    (lambda data: data.startswith(b"\xff\xd8\xff"), (_jpeg_segment_changed, _jpeg_segment_changed)),
    (lambda data: data.startswith(_TIFF_STARTS), (_tiff_entry_changed,) * 3),
    (lambda data: data.startswith(b"ENVI"), (_text_number_changed, _text_word_changed)),
    (lambda data: data.startswith(b"\x93NUMPY"), (_array_header_changed, _array_header_changed)),
    (lambda data: data[4:8] == b"jP  ", (_codestream_changed, _codestream_changed)),
)
