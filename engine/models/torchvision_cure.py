"""Lets torchvision be imported where its native operators do not fit the torch beside it.

Import this module for its effect before anything that imports torchvision (timm, onnx2torch). A CPU-only torch with
an ordinary torchvision fails with "operator torchvision::nms does not exist"; declaring the two operators it asks for
is enough for everything this program uses (networks and transforms; `torchvision.ops.nms` itself stays unusable).
Where the native operators load, nothing is changed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

_SCHEMAS = ("nms", "qnms")


def _cure() -> torch.library.Library | None:
    """Load torchvision's operators, or declare them; the returned library must be kept alive."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return None
    for native in sorted(Path(found.origin).parent.glob("_C.*")):
        try:
            torch.ops.load_library(str(native))  # type: ignore[no-untyped-call]
        except OSError:
            continue
    if hasattr(torch.ops.torchvision, "nms"):
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in _SCHEMAS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    return library


_LIBRARY = _cure()
