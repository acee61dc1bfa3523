"""Labels from class folders; used for reporting and for training source models, never for adaptation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from bandbridge.engine.imagery.names.tile import is_tile_name
from numpy.typing import NDArray


def class_of(name: str) -> str | None:
    """The class folder of an image: the first folder of its relative path, None if it lies in no folder."""
    parts = PurePosixPath(name).parts
    if is_tile_name(parts[-1]):
        parts = parts[:-1]  # its scene's
    return parts[0] if len(parts) > 1 else None


def match_classes(names: Sequence[str], class_names: Sequence[str]) -> NDArray[np.int64]:
    """Index of each image's class among a model's class names.

    Case, spaces, hyphens and underscores do not matter: the folder `annual_crop` is the class `AnnualCrop`.

    Args:
        names: N relative paths of images.
        class_names: K class names.

    Returns:
        (N,) index of the class, -1 where the image lies in no folder or its folder is no class of the model.
    """
    index_of = {_plain(class_name): index for index, class_name in reversed(list(enumerate(class_names)))}
    folders = (class_of(name) for name in names)
    return np.array([-1 if folder is None else index_of.get(_plain(folder), -1) for folder in folders], dtype=np.int64)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
