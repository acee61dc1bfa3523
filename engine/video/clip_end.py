"""Whether a clip ends where it should, or breaks off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

_STATE_LENGTHS = {"matroska", "mov", "avi", "flv"}
"""Containers with a length in their header. Of others (MPEG, Ogg, bare streams) it is guessed from what is there."""
_PIECES_BYTES: Mapping[str, tuple[int, ...]] = {"mpegts": (188, 192, 204)}
"""Containers that are made of pieces of one size, and which."""
_SPARE_S = 0.5
_SPARE_SHARE = 0.02
"""By how much less may be there than stated: lengths are rounded, and the last picture's is often unknown."""


class ClipEnd:
    """Follows a container's packets, of all its streams, and tells at the end what is missing.

    Args:
        container: Opened, nothing read yet.
    """

    def __init__(self, container: InputContainer) -> None:
        self._formats = set(container.format.name.split(","))
        self._whole_s = (container.duration or 0) / av.time_base
        self._size_bytes = container.size
        self._stated_s = {stream.index: _stated_s(stream, self._formats) for stream in container.streams}
        self._spans_s: dict[int, tuple[float, float]] = {}

    def take(self, packet: Packet[Any]) -> None:
        """The next one."""
        began = packet.pts if packet.pts is not None else packet.dts
        if began is None or packet.time_base is None:
            return
        first_s, last_s = float(began * packet.time_base), float((began + (packet.duration or 0)) * packet.time_base)
        index = packet.stream.index
        begin_s, end_s = self._spans_s.get(index, (first_s, last_s))
        self._spans_s[index] = min(begin_s, first_s), max(end_s, last_s)

    def missing(self) -> str | None:
        """What to say about a clip whose packets were all taken; None if it is whole as far as can be told."""
        for stated_s, read_s in self._lengths():
            if stated_s - read_s > _SPARE_S + _SPARE_SHARE * stated_s:
                return f"It breaks off: its header tells of {stated_s:.1f} s, and {read_s:.1f} s are there."
        pieces = [size for name in self._formats for size in _PIECES_BYTES.get(name, ())]
        if pieces and all(self._size_bytes % size for size in pieces):
            return "It breaks off in the middle of a piece; what comes before was read."
        return None

    def _lengths(self) -> list[tuple[float, float]]:
        """Seconds stated and seconds read: stream by stream, or of the whole where streams have no lengths."""
        if not self._formats & _STATE_LENGTHS or not self._spans_s:
            return []
        lengths = [(self._stated_s[i], end - begin) for i, (begin, end) in self._spans_s.items() if self._stated_s[i]]
        if lengths:
            return lengths
        begin_s, end_s = (
            min(begin for begin, _ in self._spans_s.values()),
            max(end for _, end in self._spans_s.values()),
        )
        return [(self._whole_s, end_s - min(begin_s, 0.0))]  # writers count the whole from 0


def _stated_s(stream: Stream, formats: set[str]) -> float:
    """Length of a stream of pictures or of sound by its header, 0 where it says none."""
    if stream.type not in ("video", "audio"):
        return 0.0
    own_s = float((stream.duration or 0) * (stream.time_base or 0))
    if "avi" in formats and isinstance(stream, av.VideoStream) and stream.average_rate:
        return max(own_s, float(stream.frames / stream.average_rate))  # the duration is guessed from the file's size
    return own_s
