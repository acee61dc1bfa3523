"""A wall of the worst findings of each kind, and each of them large."""

from __future__ import annotations

from collections.abc import Sequence

from bandbridge.gui.case_pictures import CasePictures, Pixels, Wanted, wanted_of
from bandbridge.gui.doubt import KIND_TITLES, Doubt, Moved
from bandbridge.gui.image_scans import ImageScans
from bandbridge.gui.picture import as_pixmap
from bandbridge.gui.quantities import count, counted
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.case_card import SIDE, CaseCard
from bandbridge.gui.widgets.case_view import CaseView
from bandbridge.gui.widgets.flow_layout import FlowLayout
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

KINDS = ("shift", "leak", "duplicate", "near-duplicate", "units", "clipped", "constant", "beyond-stretch")
"""What can be seen in a picture, in this order."""
MOST_OF_A_KIND = 6


def worst_of(doubts: Sequence[Doubt]) -> dict[str, list[Doubt]]:
    """Kind -> what can be seen of it, the worst first."""
    found: dict[str, list[Doubt]] = {kind: [] for kind in KINDS}
    for doubt in doubts:
        if doubt.is_file and doubt.finding.kind in found:
            found[doubt.finding.kind].append(doubt)
    return {kind: sorted(some, key=lambda one: -one.finding.amount) for kind, some in found.items() if some}


class WorstCases(QWidget):
    """The wall; a card that is pressed takes its place until the person goes back.

    Args:
        scans: What the folders hold.
        desk: Reads the images.
        theme: Colours and icons.
        parent: Qt parent.

    Signals:
        left_out: (file, bool) leave this file out, or take it in again.
        moved: (list of `Doubt`, bool) move these pairs into place, or back.
        opened: A case is shown large.
    """

    left_out = Signal(str, bool)
    moved = Signal(object, bool)
    opened = Signal()

    def __init__(self, scans: ImageScans, desk: WorkerThread, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scans = scans
        self._theme = theme
        self._fetching = CasePictures(desk, self)
        self._known: list[Doubt] = []
        self._excluded: frozenset[str] = frozenset()
        self._moved: Moved = frozenset()
        self._waits = False
        self._checked = False
        self.cards: list[CaseCard] = []
        self._wall = _Wall()
        self.view = CaseView(scans, desk, theme)
        self.view.back.connect(self.show_all)
        self.view.step.connect(self._step)
        self.view.left_out.connect(self.left_out)
        self.view.moved.connect(self.moved)
        self.view.hide()
        column = QVBoxLayout(self)  # no stack, which would be as high as the wall when the view is shown
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._wall)
        column.addWidget(self.view)
        self._fill()

    def stop(self) -> None:
        """Ask nothing more."""
        self._fetching.stop()
        self.view.stop()

    def show_doubts(self, doubts: Sequence[Doubt], excluded: Sequence[str], moved: Moved, *, checked: bool) -> None:
        """Show the worst of these.

        Args:
            doubts: All of them.
            excluded: Files left out.
            moved: Pairs moved into place.
            checked: Whether the doctor has looked.
        """
        self._excluded, self._moved = frozenset(excluded), moved
        known = [doubt for some in worst_of(doubts).values() for doubt in some]
        if known != self._known or checked != self._checked:
            self._known, self._checked = known, checked
            self._fill()
        for card in self.cards:
            card.show_settled(self._settled(card.doubt))
        if self._is_large:
            self._show(self._place())

    def show_all(self) -> None:
        """Back to the wall, at the card that was shown."""
        place = self._place()
        self._turn_to(large=False)
        if 0 <= place < len(self.cards):
            self.cards[place].setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Fetch pictures only while they can be seen."""
        super().showEvent(event)
        self._fetch()

    @property
    def _is_large(self) -> bool:
        return not self.view.isHidden()

    def _turn_to(self, *, large: bool) -> None:
        self._wall.setVisible(not large)
        self.view.setVisible(large)

    def _settled(self, doubt: Doubt) -> str:
        if doubt.is_moved(self._moved):
            return "✓ Moved into place"
        return "✓ Left out" if doubt.is_settled(self._excluded, self._moved) else ""

    def _fill(self) -> None:
        """Make the cards anew."""
        shown = self.view.doubt if self._is_large else None
        self._fetching.stop()
        self._wall.clear()
        self.cards = []
        for kind, some in worst_of(self._known).items():
            cards = [self._make_card(doubt) for doubt in some[:MOST_OF_A_KIND]]
            rest = len(some) - len(cards)
            self._wall.add(
                f"{KIND_TITLES[kind]} ({count(len(some))})", f"{count(rest)} more in the list" * bool(rest), cards
            )
            self.cards += cards
        if not self.cards:
            self._wall.say(
                "Nothing to see here: no image stood out."
                if self._checked
                else "Shifted pairs, repeated, clipped and constant images appear here once the images were checked."
            )
        if shown is None or all(card.doubt != shown for card in self.cards):
            self._turn_to(large=False)
        self._waits = True
        self._fetch()

    def _make_card(self, doubt: Doubt) -> CaseCard:
        card = CaseCard(doubt, self._reach(doubt), self._theme)
        card.pressed.connect(lambda: self._show(self.cards.index(card)))
        return card

    def _reach(self, doubt: Doubt) -> tuple[float, float] | None:
        """The shift as shares of a sensor image of the usual size."""
        pair = self._scans.pair_at(doubt.pair)
        sizes = next(
            (side.report.sizes for side in self._scans.sides() if side.role == "sensor" and side.pair == pair), {}
        )
        if doubt.shift is None or not sizes:
            return None
        width, _, height = max(sizes, key=lambda size: sizes[size]).partition(" x ")
        return doubt.shift.right_px / int(width), doubt.shift.down_px / int(height)

    def _fetch(self) -> None:
        if not self._waits or not self.isVisible():
            return
        self._waits = False
        wanted = [one for case, card in enumerate(self.cards) for one in wanted_of(case, card.doubt, self._scans)]
        counts = [sum(one.case == case for one in wanted) for case in range(len(self.cards))]
        come: dict[int, dict[int, Pixels]] = {}

        def take(one: Wanted, pixels: Pixels) -> None:
            mine = come.setdefault(one.case, {})
            mine[one.place] = pixels
            if len(mine) == counts[one.case]:
                self.cards[one.case].show_pictures([_pixmap(mine[place]) for place in sorted(mine)])

        self._fetching.fetch(wanted, 2 * SIDE, take)

    def _place(self) -> int:
        return next((place for place, card in enumerate(self.cards) if card.doubt == self.view.doubt), -1)

    def _step(self, by: int) -> None:
        self._show(self._place() + by)

    def _show(self, place: int) -> None:
        if not 0 <= place < len(self.cards):
            return
        opened = not self._is_large
        self._turn_to(large=True)
        words = f"{count(place + 1)} of {counted(len(self.cards), 'case')}"
        self.view.show_case(self.cards[place].doubt, words, self._excluded, self._moved)
        self.view.previous_button.setEnabled(place > 0)
        self.view.next_button.setEnabled(place + 1 < len(self.cards))
        if opened:
            self.view.back_button.setFocus()
            self.opened.emit()


class _Wall(QWidget):
    """Groups of cards under their headings, as high as they need at the width at hand."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)

    def clear(self) -> None:
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

    def say(self, text: str) -> None:
        self._column.addWidget(text_label(text, "help"))
        self._fit()

    def add(self, title: str, more: str, cards: Sequence[CaseCard]) -> None:
        heading = text_label(f"{title}  ·  {more}" if more else title, "strong", wrap=False)
        group = QWidget()
        flow = FlowLayout(GRID)
        for card in cards:
            flow.addWidget(card)
        group.setLayout(flow)
        self._column.addWidget(heading)
        self._column.addWidget(group)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(self._column.heightForWidth(max(self.width(), 2 * SIDE)))


def _pixmap(pixels: Pixels) -> QPixmap | None:
    return None if pixels is None else as_pixmap(pixels)
