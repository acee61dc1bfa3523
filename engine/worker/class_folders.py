"""Class folders that a model does not know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from bandbridge.engine.api.reports import Finding
from bandbridge.engine.imagery.names.labels import class_of
from numpy.typing import NDArray


def unknown_class_folders(names: Sequence[str], truth: NDArray[np.int64]) -> list[Finding]:
    """A finding for every folder that is no class of the model, or one for all of them.

    Args:
        names: Relative paths.
        truth: (N,) class indices, -1 for none.
    """
    if (truth < 0).all():
        folders = set(filter(None, map(class_of, names)))
        return [_no_class_folder(len(folders))] if len(folders) > 1 else []
    counts: dict[str, int] = defaultdict(int)
    for name, index in zip(names, truth, strict=True):
        if index < 0:
            counts[class_of(name) or ""] += 1
    return [
        Finding(
            severity="warning",
            kind="class",
            file=folder,
            what=f"'{folder}' is no class of the model; its {count} images were not counted."
            if folder
            else f"{count} images lie in no class folder and were not counted.",
            why="Only images of the model's own classes can be right or wrong.",
            do="Rename the folder if it means one of the model's classes.",
        )
        for folder, count in counts.items()
    ]


def _no_class_folder(count: int) -> Finding:
    return Finding(
        severity="note",
        kind="class",
        file="",
        what=f"None of the {count} folders is named like a class of the model, so no accuracy is measured.",
        why="Only images of the model's own classes can be right or wrong.",
        do="Rename the folders if they mean the model's classes; otherwise nothing is to be done.",
    )
