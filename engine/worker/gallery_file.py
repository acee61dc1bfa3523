"""The student's features of all clips of a run: to find similar ones, and to know again what it learned from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.video.clip_list import TRAIN
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

FORMAT = "bandbridge-gallery-1"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Clips and their features.

    Attributes:
        folder: Of the clips when the run was made, or their list.
        files: n, relative to it.
        labels: Of each.
        splits: Of each.
        features: (n, D).
    """

    folder: str
    files: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    splits: tuple[str, ...]
    features: NDArray[np.float32]

    @property
    def home(self) -> Path:
        """What the files are relative to."""
        place = Path(self.folder)
        return place.parent if place.is_file() else place

    @property
    def learned(self) -> list[int]:
        """Rows of the clips the student has learned from: labelled ones for training."""
        return [row for row, split in enumerate(self.splits) if split == TRAIN and self.labels[row]]

    def path(self, row: int) -> Path:
        """Where the clip of a row is, however its folder is spelled."""
        return (self.home / self.files[row]).resolve()


def save_gallery(path: Path, gallery: Gallery) -> None:
    """Write it in one step.

    Raises:
        StorageError: There is no space or no permission.
    """
    facts = {"folder": gallery.folder, "files": gallery.files, "labels": gallery.labels, "splits": gallery.splits}
    metadata = {"format": FORMAT, "clips": json.dumps(facts, ensure_ascii=False)}
    with replacing(path) as temporary:
        save_file({"features": np.ascontiguousarray(gallery.features)}, str(temporary), metadata=metadata)


def read_gallery(path: Path) -> Gallery:
    """Read it.

    Raises:
        UsageError: It is missing or damaged.
    """
    try:
        with safe_open(str(path), "numpy") as file:
            facts = json.loads(file.metadata()["clips"])
            features: NDArray[np.float32] = file.get_tensor("features")
        return Gallery(
            folder=str(facts["folder"]),
            files=tuple(facts["files"]),
            labels=tuple(tuple(labels) for labels in facts["labels"]),
            splits=tuple(facts["splits"]),
            features=features,
        )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"'{path.parent}' holds no clips to find.",
            f"'{path.name}' is missing or damaged.",
            "Name the folder of a finished distillation.",
            details=str(error),
        ) from error
