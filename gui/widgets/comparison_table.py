"""Methods side by side: a line each with mean and spread, its runs below it, the best of every column in words."""

from __future__ import annotations

import math

from bandbridge.engine.api.measures import Measure, Standing, foremost, leading, measure, standings
from bandbridge.engine.api.reports import ComparedMethod, ComparedRun, CompareReport, RunState, Spread
from bandbridge.engine.api.video_catalogue import is_for_clips
from bandbridge.gui.quantities import NOTHING, count, counted, duration, fixed, memory, number, percent, percent_spread
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.run_table import method_title
from PySide6.QtCore import QMargins, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

_FOLDER = Qt.ItemDataRole.UserRole
_KEY = Qt.ItemDataRole.UserRole + 1
_LONG_S = 100.0  # from here on minutes say more than tenths of seconds
_METHOD, _RUNS, _FIRST_NUMBER = 0, 1, 2
_STATES: dict[RunState, str] = {
    "waiting": "waiting",
    "running": "at work",
    "stopped": "stopped",
    "failed": "failed",
    "unfit": "does not fit",
    "completed": "",
}
_EXPLAIN = {
    "best": "The best mean of this column.",
    "close": "Apart from the best by less than the spread of a difference between two single runs: chance may decide.",
    "": "",
}
_MARGIN = 5
_MOST_AIR = 4 * GRID
_WIDE_NAME = 20 * GRID
_TIGHT = f"""
QTreeView::item {{ padding: 5px {_MARGIN - 3}px; }}
QHeaderView::section {{ padding: {GRID}px {_MARGIN}px; }}
"""
"""All columns fit into a window of 1100 pixels; cells have 3 pixels of their own."""
BEGINNING = "Each method gets a line here, with its runs below it, as soon as the first one is at work."
"""Stands in an empty table."""
_UNTOUCHED, _GUESSING = "Untouched source model", "Guessing"


def value_text(what: Measure, value: float) -> str:
    """A number with its unit, in the person's own notation."""
    match what.unit:
        case "share":
            return percent(value, 1)
        case "seconds":
            return duration(value) if value >= _LONG_S else f"{fixed(value, 1)} s"
        case "MiB":
            return memory(value)
        case "images/s":
            return count(value)
        case _:
            return number(value)


def spread_text(what: Measure, spread: Spread) -> str:
    """Mean ± standard deviation, or the one value there is."""
    if spread.deviation is None:
        return value_text(what, spread.mean)
    if what.unit == "share":
        return percent_spread(spread.mean, spread.deviation)
    if what.unit == "seconds" and spread.mean < _LONG_S:
        return f"{fixed(spread.mean, 1)} ± {fixed(spread.deviation, 1)} s"
    mean, deviation = value_text(what, spread.mean), value_text(what, spread.deviation)
    if what.unit == "seconds":
        deviation = duration(spread.deviation)  # tenths say nothing beside minutes
    if what.unit == "MiB" and mean[-2:] == deviation[-2:]:
        return f"{mean[:-2].rstrip()} ± {deviation}"
    if what.unit == "number" and spread.deviation >= 1e-4 and max(abs(spread.mean), spread.deviation) < 1e4:
        decimals = max(0, 1 - math.floor(math.log10(spread.deviation)))  # what lies below the spread tells nothing
        return f"{fixed(spread.mean, decimals)} ± {fixed(spread.deviation, decimals)}"
    return f"{mean} ± {deviation}"


def _cell_text(what: Measure, spread: Spread, standing: Standing) -> str:
    """The mean, and below it, which takes less width, how it stands and its spread; shares have their sign once."""
    mean, _, deviation = spread_text(what, spread).partition(" ± ")
    if deviation and what.unit != "number":
        mean = value_text(what, spread.mean)  # with its unit
    below = " ".join(part for part in (standing, f"± {deviation}" if deviation else "") if part)
    return f"{mean}\n{below.removesuffix('%').rstrip()}" if below else mean


def comparison_in_words(report: CompareReport) -> str:
    """What the table says, in a few sentences."""
    done = [entry for entry in report.methods if entry.completed]
    if not done:
        return "No run is complete yet."
    key = leading(report.measures)
    sentence = "" if key in ("accuracy", "tagging_map") else "There are no labels, so accuracy is unknown. "
    if not key and is_for_clips(done[0].method):
        return "No labelled clips were kept aside for testing, so nothing says which method is better."
    if not key:
        return f"{sentence}There are no pairs kept aside either: look at the images before you rely on a method."
    what, standing = measure(key), standings(done, key)
    named = {
        kind: [
            f"{method_title(entry.method)} ({spread_text(what, entry.values[key])})"
            for entry in done
            if standing.get(entry.method) == kind
        ]
        for kind in ("best", "close")
    }
    if not named["best"]:
        return f"{sentence}Nothing sets the methods apart yet."
    sentence += f"Highest {what.within} so far: " if _unfinished(report) else f"Highest {what.within}: "
    sentence += ", ".join(named["best"]) + "."
    if named["close"]:
        sentence += f" So close that chance may have decided: {', '.join(named['close'])}."
    elif max(entry.completed for entry in done) < 2:
        sentence += " With one seed each, nothing tells how much of this is chance."
    if key in report.before:
        before = value_text(what, report.before[key])
        of_clips = is_for_clips(done[0].method)
        sentence += f" Guessing reaches {before}." if of_clips else f" The untouched source model: {before}."
    return sentence


def _unfinished(report: CompareReport) -> bool:
    return any(run.state in ("waiting", "running", "stopped") for run in report.runs)


class ComparisonTable(QTreeWidget):
    """The table of a comparison, sortable by any column; it may grow while it is looked at.

    A method's line opens to its runs; choosing a run, or a method with a single one, shows that run.

    Args:
        theme: Colours.
        parent: Qt parent.

    Signals:
        chosen: Folder of the run to show.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._report: CompareReport | None = None
        self._words = BEGINNING
        self._explained: set[str] = set()  # methods whose problem was opened once; a person may have shut it since
        self._measures: tuple[str, ...] = ()
        self.setAccessibleName("Methods compared")
        self.setStyleSheet(_TIGHT)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setExpandsOnDoubleClick(False)
        self.setHeader(_Head(self))
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.header().setStretchLastSection(False)
        self.header().setSectionsClickable(True)
        self.header().setMinimumSectionSize(48)
        self.setHeaderHidden(True)  # until there are columns
        self.itemClicked.connect(self._choose)
        for opened in (self.itemExpanded, self.itemCollapsed):
            opened.connect(self._share_width)
        theme.changed.connect(self._fill)

    def show_report(self, report: CompareReport) -> None:
        """Show this table; what was open and sorted stays so."""
        self._report = report
        self._fill()

    def show_nothing(self, why: str = BEGINNING) -> None:
        """Show no table, but these words."""
        self._report, self._words = None, why
        self.clear()
        self.setHeaderHidden(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """An empty table says what will stand in it."""
        super().paintEvent(event)
        if self.topLevelItemCount():
            return
        painter = QPainter(self.viewport())
        painter.setPen(self._theme.colour("muted"))
        painter.drawText(
            self.viewport().rect().marginsRemoved(QMargins(*4 * (2 * GRID,))),
            Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
            self._words,
        )
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Columns as wide as what stands in them, with some air if there is room; the methods' names get the rest."""
        columns = range(self.columnCount())
        least = [max(self.sizeHintForColumn(column), self.header().sectionSizeHint(column)) for column in columns]
        least[_METHOD] = min(least[_METHOD], _WIDE_NAME)  # what is told of a failure spans all columns
        air = min(max(self.viewport().width() - sum(least), 0) // max(len(least), 1), _MOST_AIR)
        for column in columns[1:]:
            self.header().resizeSection(column, least[column] + air)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return does what a click does."""
        current: QTreeWidgetItem | None = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current is not None:
            self._choose(current, 0)
        else:
            super().keyPressEvent(event)

    def cell(self, method: str, title: str) -> str:
        """The text of a method's line under a heading."""
        column = [self.headerItem().text(at).replace("\n", " ") for at in range(self.columnCount())].index(title)
        item = next(item for item in self._lines() if item.data(0, _KEY) == method)
        return item.text(column).replace("\n", " ")

    def _lines(self) -> list[QTreeWidgetItem]:
        return [item for at in range(self.topLevelItemCount()) if (item := self.topLevelItem(at)) is not None]

    def _fill(self) -> None:
        report = self._report
        if report is None:
            return
        opened = {str(item.data(0, _KEY)) for item in self._lines() if item.isExpanded()}
        current: QTreeWidgetItem | None = self.currentItem()
        chosen = None if current is None else current.data(0, _KEY)
        self.setSortingEnabled(False)
        self.clear()
        self._measures = foremost(report.measures)
        self.setHeaderHidden(False)
        self._set_heads()
        standing = {key: standings(report.methods, key) for key in self._measures}
        for place, entry in enumerate(report.methods):
            item = self._line(entry, place, {key: standing[key].get(entry.method, "") for key in self._measures})
            self.addTopLevelItem(item)
            for run in (run for run in report.runs if run.method == entry.method):
                line = self._run_line(run, place)
                item.addChild(line)
                line.setFirstColumnSpanned(bool(run.problem))
                if run.state == "unfit":
                    break  # it says the same for every seed
            item.setExpanded(entry.method in opened or (bool(entry.problem) and entry.method not in self._explained))
            if entry.method == chosen:
                self.setCurrentItem(item)
        self._explained = {entry.method for entry in report.methods if entry.problem}
        if any(key in report.before for key in self._measures):
            self.addTopLevelItem(self._untouched(report))
        self.setSortingEnabled(True)
        self._share_width()

    def _set_heads(self) -> None:
        heads = [("Method", ""), ("Runs", "Complete runs of those asked for, one a seed.")]
        heads += [(measure(key).title, measure(key).explain) for key in self._measures]
        if self.columnCount() != len(heads):
            self.setColumnCount(len(heads))
            self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
            self.header().setSectionResizeMode(_METHOD, QHeaderView.ResizeMode.Stretch)
        for column, (title, explain) in enumerate(heads):
            self.headerItem().setText(column, title.replace(" ", "\n"))
            self.headerItem().setToolTip(column, explain)
            self.headerItem().setTextAlignment(column, _side(column))

    def _line(self, entry: ComparedMethod, place: int, standing: dict[str, Standing]) -> QTreeWidgetItem:
        runs = f"{count(entry.completed)} of {count(entry.runs)}"
        if entry.completed < entry.runs:
            runs += f",\n{_STATES[entry.state]}"
        item = _Line(place)
        item.setData(0, _KEY, entry.method)
        item.put(_METHOD, method_title(entry.method), method_title(entry.method))
        item.put(_RUNS, runs, float(entry.completed))
        note = entry.problem or (f"Alarm in {entry.alarm}" if entry.alarm else "")
        for column in (_METHOD, _RUNS):
            item.setToolTip(column, note)
        if entry.problem:
            item.setForeground(_RUNS, self._theme.colour("error" if entry.state == "failed" else "warning"))
        elif entry.alarm:
            item.setText(_RUNS, f"{runs},\nalarm")
            item.setForeground(_RUNS, self._theme.colour("warning"))
        for column, key in enumerate(self._measures, start=_FIRST_NUMBER):
            value = entry.values.get(key)
            if value is None:
                item.put(column, NOTHING, None)
                continue
            item.put(column, _cell_text(measure(key), value, standing[key]), value.mean)
            item.setToolTip(column, " ".join((_EXPLAIN[standing[key]], f"Over {counted(value.runs, 'run')}.")).strip())
            if standing[key] == "best":
                font = item.font(column)
                font.setBold(True)
                item.setFont(column, font)
        return item

    def _run_line(self, run: ComparedRun, place: int) -> QTreeWidgetItem:
        item = _Line(place)
        item.setData(0, _FOLDER, run.folder if run.state == "completed" else "")
        item.setData(0, _KEY, run.folder)
        state = _STATES[run.state] or ("alarm" if run.alarms else "")
        item.put(_METHOD, f"Seed {count(run.seed)}", float(run.seed))
        item.put(_RUNS, state, state)
        note = run.problem or " ".join(run.alarms)
        for column in range(self.columnCount()):
            item.setForeground(column, self._theme.colour("muted"))
            item.setToolTip(column, note)
        for column, key in enumerate(self._measures, start=_FIRST_NUMBER):
            value = run.values.get(key)
            item.put(column, NOTHING if value is None else value_text(measure(key), value), value)
        if run.problem:
            item.setText(_METHOD, run.problem if run.state == "unfit" else f"Seed {count(run.seed)}: {run.problem}")
        return item

    def _untouched(self, report: CompareReport) -> QTreeWidgetItem:
        item = _Line(len(report.methods))
        item.setData(0, _KEY, "")
        title = _GUESSING if is_for_clips(report.methods[0].method) else _UNTOUCHED
        item.put(_METHOD, title, title)
        item.put(_RUNS, "", -1.0)
        for column in range(self.columnCount()):
            item.setForeground(column, self._theme.colour("muted"))
            item.setToolTip(column, "What every method must beat.")
        for column, key in enumerate(self._measures, start=_FIRST_NUMBER):
            value = report.before.get(key)
            item.put(column, "" if value is None else value_text(measure(key), value), value)
        return item

    def _choose(self, item: QTreeWidgetItem, _column: int) -> None:
        folder = str(item.data(0, _FOLDER) or "")
        if folder:
            self.chosen.emit(folder)
        elif item.childCount() == 1 and (only := item.child(0)) is not None and only.data(0, _FOLDER):
            self.chosen.emit(str(only.data(0, _FOLDER)))
        else:
            item.setExpanded(not item.isExpanded())


class _Head(QHeaderView):
    """Headings as wide as their words: the arrow of the sorted column stands above them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)

    def sectionSizeFromContents(self, section: int) -> QSize:
        """Without the room that Qt keeps beside the words for an arrow."""
        font = self.font()
        font.setWeight(QFont.Weight.DemiBold)
        words = self.model().headerData(section, Qt.Orientation.Horizontal)
        size = QFontMetrics(font).size(0, str(words or ""))
        return QSize(size.width() + 2 * _MARGIN, size.height() + 2 * GRID)


def _side(column: int) -> Qt.AlignmentFlag:
    """Words to the left, numbers to the right."""
    side = Qt.AlignmentFlag.AlignLeft if column < _FIRST_NUMBER else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class _Line(QTreeWidgetItem):
    """A line sorted by its values rather than by its text; what has none comes last, unsorted the order asked for."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self._place = place
        self._keys: dict[int, float | str | None] = {}

    def put(self, column: int, text: str, key: float | str | None) -> None:
        self.setText(column, text)
        self.setTextAlignment(column, _side(column))
        self._keys[column] = key

    def __lt__(self, other: object) -> bool:
        tree = self.treeWidget()
        if not isinstance(other, _Line) or tree is None or tree.sortColumn() < 0:
            return NotImplemented
        column = tree.sortColumn()
        mine, theirs = self._keys.get(column), other._keys.get(column)
        if mine is None or theirs is None or type(mine) is not type(theirs):
            descending = tree.header().sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
            return (mine is None) == descending and mine is not theirs
        return bool(mine < theirs)  # type: ignore[operator]
