"""What clips show that nothing can be learned of, because none of them is for training."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.engine.api.reports import Finding, SeenClip

KIND = "no-training"


def untaught(clips: Sequence[SeenClip], folder: str) -> list[Finding]:
    """A finding for each class or tag that some clips show and no training clip does, sorted by name.

    Args:
        clips: Those that can be read and are not left out.
        folder: What their names are relative to; the findings are about it as a whole.
    """
    taught = {label for clip in clips if clip.split == "train" for label in clip.labels}
    return [
        Finding(
            severity="warning",
            kind=KIND,
            file=folder,
            what=f"'{name}' is shown by no training clip.",
            why="A network cannot learn what it never saw: clips that show nothing else find none of their kind, and "
            "do not count for accuracy.",
            do="Add training clips of it, write 'train' into the list for some, or leave its clips out.",
        )
        for name in sorted({label for clip in clips for label in clip.labels} - taught)
    ]
