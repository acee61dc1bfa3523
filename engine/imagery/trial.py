"""Reads one file and ends: run in a process of its own, for files that are suspected of ending processes."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.reader import load_image, read_header
from bandbridge.engine.imagery.reading.in_hand import unwatched
from bandbridge.engine.imagery.scenes.scene import open_scene

_WINDOW_PX = 2048


def read_all(path: Path) -> None:
    """Read an image in every way there is; that it may be damaged is no matter here."""
    for way in (read_header, load_image, _in_parts):
        with contextlib.suppress(ImageError), unwatched():
            way(path)


def _in_parts(path: Path) -> None:
    with open_scene(path) as scene:
        height, width = scene.header.height, scene.header.width
        for top in range(0, height, _WINDOW_PX):
            for left in range(0, width, _WINDOW_PX):
                rows, columns = (top, min(top + _WINDOW_PX, height)), (left, min(left + _WINDOW_PX, width))
                scene.read(rows, columns)


if __name__ == "__main__":
    read_all(Path(sys.argv[1]))
