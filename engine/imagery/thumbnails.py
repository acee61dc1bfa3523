"""Small pictures of images, in the order asked for."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import DriveError, ImageError
from bandbridge.engine.api.jobs import InPlace, Thumbnails
from bandbridge.engine.api.reports import ThumbnailsReport
from bandbridge.engine.api.shift_table import Move
from bandbridge.engine.imagery.common_ground import cut_pair
from bandbridge.engine.imagery.formats.image_file import Image
from bandbridge.engine.imagery.picture import picture
from bandbridge.engine.imagery.reader import likely_bytes, load_image
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from numpy.typing import NDArray


def thumbnails(job: Thumbnails, control: Control) -> ThumbnailsReport:
    """Small pictures in the order asked for; None where a file could not be read.

    Without limits in the job, 8-bit colour pictures are shown as they are and everything else is stretched by itself;
    so is a file with another number of bands than the limits have.

    Raises:
        Stopped: The person asked to stop.
        UsageError: The choice of bands is none.
    """
    make = partial(_thumbnail, job)
    wanted = list(zip(map(Path, job.paths), job.in_place or (None,) * len(job.paths), strict=True))
    try:
        made = [result for _, result in read_ahead(wanted, make, control, _weigh, path_of=itemgetter(0))]
    except DriveError:  # the folder or its drive is gone: not one of its pictures can be read
        return ThumbnailsReport(pictures=(None,) * len(wanted))
    return ThumbnailsReport(pictures=tuple(None if isinstance(one, ImageError) else one for one in made))


def _weigh(wanted: tuple[Path, InPlace | None]) -> int:
    return likely_bytes(wanted[0])


def _thumbnail(job: Thumbnails, wanted: tuple[Path, InPlace | None]) -> NDArray[np.uint8]:
    path, in_place = wanted
    image = load_image(path, bands=job.bands)
    values = image.values if in_place is None else _in_place(image, in_place)
    count = len(image.bands)
    low = job.low if job.low is not None and len(job.low) == count else None
    high = job.high if job.high is not None and len(job.high) == count else None
    if low is None and high is None and image.header.dtype == "uint8" and count == 3:
        low, high = (0.0,) * 3, (255.0,) * 3
    curve = job.curve if low is not None and low == job.low else "linear"
    return picture(values, low=low, high=high, curve=curve, size_px=job.size_px)


def _in_place(image: Image, how: InPlace) -> NDArray[np.float32]:
    """The part of an image that its partner shows too; all of it where hardly any is common."""
    is_rgb = how.side == "rgb"
    files = (image.header.path, Path(how.partner)) if is_rgb else (Path(how.partner), image.header.path)
    cuts = cut_pair(*files, Move(how.right_px, how.down_px))
    return image.values if cuts is None else cuts[0 if is_rgb else 1].of(image.values)
