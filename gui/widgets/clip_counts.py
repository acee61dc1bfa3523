"""How many clips of each class there are in each split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from bandbridge.engine.api.reports import ClipsReport
from bandbridge.gui.quantities import count
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.plain_table import Cell, PlainTable
from PySide6.QtWidgets import QWidget

SPLITS = (
    ("train", "Training", "Learned from."),
    ("validation", "Validation", "Looked at after every epoch, never learned from."),
    ("test", "Test", "Looked at once, at the end."),
)
_NOBODY_SAID = "no label"
_LACKS = "Nothing can be learned of this class."


class ClipCountTable(PlainTable):
    """Classes in rows, splits in columns.

    Args:
        theme: Colours and icons.
        parent: Qt parent.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Clips of each class", _columns("Class"), theme, parent=parent)

    def show_report(self, report: ClipsReport, excluded: Collection[str], *, tags: bool = False) -> None:
        """Count the clips of a report that are not left out; one with several tags counts for each of them."""
        self.set_columns(_columns("Tag" if tags else "Class"))
        counts: Counter[tuple[str, str]] = Counter()
        for clip in report.clips:
            if clip.file not in excluded:
                for label in clip.labels or (_NOBODY_SAID,):
                    counts[label, clip.split] += 1
        names = [*report.class_names, *({_NOBODY_SAID} & {label for label, _ in counts})]
        rows = []
        for name in names:
            numbers = [counts[name, split] for split, _, _ in SPLITS]
            lacks = numbers[0] == 0 and name != _NOBODY_SAID
            training = Cell(count(numbers[0]), _LACKS if lacks else "", warns=lacks)
            rows.append([Cell(name), training, *(Cell(count(n)) for n in (*numbers[1:], sum(numbers)))])
        self.show_rows(rows)


def _columns(first: str) -> list[tuple[str, str]]:
    return [(first, ""), *((title, tip) for _, title, tip in SPLITS), ("All", "")]
