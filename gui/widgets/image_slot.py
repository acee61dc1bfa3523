"""A place for one folder of images or one scene: drop or browse, then what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.events import Problem, Progress
from bandbridge.engine.api.reports import FolderReport, SceneReport
from bandbridge.gui.image_scans import SCENE_SUFFIXES
from bandbridge.gui.quantities import count, counted, ground
from bandbridge.gui.theme import GRID, Theme
from bandbridge.gui.widgets.card import restyle
from bandbridge.gui.widgets.labels import PathLabel, text_label
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

_DEPTHS = {
    "uint8": "8 bit",
    "uint16": "16 bit",
    "int16": "16 bit with sign",
    "uint32": "32 bit",
    "int32": "32 bit with sign",
    "float32": "decimal numbers",
    "float64": "decimal numbers",
}
_MOST_NAMED = 2


def scene_in_words(scene: SceneReport) -> list[str]:
    """What a scene is, in two or three short lines."""
    size = f"{count(scene.width)} × {count(scene.height)}\u00a0px"
    depth = _DEPTHS.get(scene.dtype, scene.dtype).replace(" bit", "\u00a0bit")
    lines = [" · ".join((size, depth, counted(scene.bands, "band")))]
    if scene.pixel_m is not None:
        lines.append(f"{scene.system}, {ground(scene.pixel_m)} a pixel")
    else:
        lines.append(scene.system or "Without a place on the map")
    if scene.frame is not None:
        lines.append(f"{scene.frame:g} in all bands is taken for no data")
    return lines


def folder_in_words(report: FolderReport, left_out: int = 0, scene: SceneReport | None = None) -> list[str]:
    """What a folder holds, in one to six short lines.

    Args:
        report: Of the folder, or of the tiles of a scene.
        left_out: Usable images the person left out.
        scene: That scene, None for a folder.
    """
    if scene is not None:
        tiles = f"{counted(len(report.files) - left_out, 'tile')} of {count(scene.tile_px)}\u00a0px"
        if scene.pixel_m is not None:
            tiles += f", {ground(scene.tile_px * scene.pixel_m)} wide"
        lines = [tiles + (f", {count(left_out)} left out" if left_out else ""), *scene_in_words(scene)]
        return [*lines, *_used_bands(report), *_sensor(report), *_no_data(report)]
    images = counted(len(report.files) - left_out, "image")
    if report.class_counts:
        images += f" in {counted(len(report.class_counts), 'class folder')}"
    lines = [images + (f", {count(left_out)} left out" if left_out else "")]
    used = {report.folder, *report.files}
    aside = {finding.file for finding in report.findings if finding.severity == "warning"} - used
    if aside:
        lines.append(f"{counted(len(aside), 'file')} cannot be used")
    parts = [
        _distribution([(f"{size.replace('x', '×').replace(' ', ' ')} px", n) for size, n in report.sizes.items()]),
        _distribution([(_DEPTHS.get(depth, depth), n) for depth, n in report.depths.items()]),
        _distribution([(counted(bands, "band"), n) for bands, n in report.bands.items()]),
    ]
    lines.append(" · ".join(part for part in parts if part).replace(" px", "\u00a0px").replace(" bit", "\u00a0bit"))
    return [line for line in (*lines, *_sensor(report), *_used_bands(report), *_no_data(report)) if line]


def _used_bands(report: FolderReport) -> list[str]:
    if not report.chosen_bands or all(len(report.chosen_bands) == bands for bands in report.bands):
        return []
    several = len(report.chosen_bands) > 1
    groups = report.sensor.groups if report.sensor else ()
    name = next((f" ({one.title.lower()})" for one in groups if one.bands == report.chosen_bands), "")
    return [f"Using band{'s' * several} {', '.join(map(str, report.chosen_bands))}{name}"]


def _sensor(report: FolderReport) -> list[str]:
    if not report.sensor or not report.files:
        return []
    return [f"Looks like: {report.sensor.title}" if report.sensor.key else report.sensor.title]


def _no_data(report: FolderReport) -> list[str]:
    return [f"{100 * report.no_data_share:.1f} % without data"] if report.no_data_share > 0.0005 else []


def _distribution(counts: Sequence[tuple[str, int]]) -> str:
    """The commonest first; how many of each only if there are several."""
    ordered = sorted(counts, key=lambda item: -item[1])
    if len(ordered) <= 1:
        return ordered[0][0] if ordered else ""
    named = ", ".join(f"{name} ({count(number)})" for name, number in ordered[:_MOST_NAMED])
    return named + (f" and {count(len(ordered) - _MOST_NAMED)} more" if len(ordered) > _MOST_NAMED else "")


class ImageSlot(QFrame):
    """One folder of images or of clips, or one scene.

    Args:
        title: What belongs here, e.g. "Pairs: RGB".
        hint: The same in a sentence, shown while empty.
        colour: "source" or "sensor", the colour of these images everywhere.
        theme: Colours and icons.
        parent: Qt parent.
        noun: What lies in the folder.

    Signals:
        browse_wanted: Look for a folder.
        scene_wanted: Look for a scene.
        cleared: Take the folder away.
        folder_dropped: (path) a folder or scene was dropped right here.
    """

    browse_wanted = Signal()
    scene_wanted = Signal()
    cleared = Signal()
    folder_dropped = Signal(str)

    def __init__(
        self,
        title: str,
        hint: str,
        colour: str,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        noun: str = "images",
    ) -> None:
        super().__init__(parent)
        self._noun = noun
        self._theme = theme
        self._colour = colour
        self.setProperty("role", "card")
        self.setAcceptDrops(True)
        self.setAccessibleName(title)
        self.setMinimumHeight(18 * GRID)
        self._chip = QLabel()
        self._clear = QToolButton()
        self._clear.setAccessibleName(f"Take away the folder of {title}")
        self._clear.setToolTip("Take this folder out of the project. Its files stay.")
        self._clear.clicked.connect(self.cleared)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self._chip)
        head.addWidget(text_label(title, "strong", wrap=False), 1)
        head.addWidget(self._clear)
        self._path = PathLabel()
        self._path.setProperty("role", "small")
        self._text = text_label(hint, "help")
        self._hint = hint
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(f"Looking through {title}")
        self.browse = QPushButton("Browse…")
        self.browse.setAccessibleName(f"Browse for {title}")
        self.browse.setToolTip(f"Choose a folder of {noun}.")
        self.browse.clicked.connect(self.browse_wanted)
        self.browse_scene = QPushButton("Scene…")
        self.browse_scene.setAccessibleName(f"Browse for a scene: {title}")
        self.browse_scene.setToolTip("Choose one large image, which is cut into tiles as it is read.")
        self.browse_scene.clicked.connect(self.scene_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, GRID + GRID // 2, GRID + GRID // 2, 2 * GRID)
        column.setSpacing(GRID // 2)
        column.addLayout(head)
        column.addWidget(self._path)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        column.addSpacing(GRID // 2)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.browse)
        buttons.addWidget(self.browse_scene)
        self.copy_button = QPushButton("Copy details")
        self.copy_button.setProperty("kind", "quiet")
        self.copy_button.clicked.connect(self._copy)
        self._details = ""
        self._scene: SceneReport | None = None
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        theme.changed.connect(self._paint_icons)
        self._paint_icons()
        self.show_folder("")

    @property
    def keyboard_stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        return self._clear, self.browse, self.browse_scene, self.copy_button

    def show_folder(self, folder: str) -> None:
        """Show that this folder is chosen, or the hint for ""."""
        self._scene = None
        self._path.set_path(folder)
        self._path.setVisible(bool(folder))
        self._clear.setVisible(bool(folder))
        self._bar.hide()
        self.copy_button.hide()
        self.browse.setText("Change…" if folder else "Browse…")
        restyle(self, "role", "card" if folder else "drop")
        if not folder:
            self._say(self._hint, "help")

    def show_scene(self, scene: SceneReport) -> None:
        """What is known of a scene before its tiles are looked through."""
        self._scene = scene
        self._say("\n".join(scene_in_words(scene)), "")

    def show_waiting(self, *, anew: bool) -> None:
        """The folder is about to be looked through; if `anew`, what was known of it stays in sight."""
        if not anew and self._scene is None:
            self._say(f"Looking through the {self._noun}…", "help")
        self._bar.setRange(0, 0)
        self._bar.show()

    def show_progress(self, progress: Progress) -> None:
        """How far the look through the folder is."""
        share = f" {count(progress.done)} of {count(progress.total)}" if progress.total else ""
        lines = [] if self._scene is None else scene_in_words(self._scene)
        self._say("\n".join([*lines, f"{progress.title}:{share}" if share else f"{progress.title}…"]), "help")
        if progress.total:
            self._bar.setRange(0, progress.total)
            self._bar.setValue(progress.done)
        self._bar.show()

    def show_report(self, report: FolderReport, left_out: int) -> None:
        """What was found."""
        tip = f"{report.sensor.title}: {report.sensor.reason}." if report.sensor else ""
        self.show_found(folder_in_words(report, left_out, self._scene), usable=bool(report.files), tip=tip)

    def show_found(self, lines: Sequence[str], *, usable: bool, tip: str = "") -> None:
        """What was found, in lines of any number."""
        self._bar.hide()
        self._say("\n".join(lines), "" if usable else "error")
        self._text.setToolTip(tip)

    def show_problem(self, problem: Problem) -> None:
        """Why the folder cannot be used."""
        self._bar.hide()
        self._say(str(problem), "error")
        self._details = problem.details
        self.copy_button.setVisible(bool(problem.details))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._text.text()}\n\n{self._details}")

    def _say(self, text: str, role: str) -> None:
        self._text.setToolTip("")
        self._text.setText(text)
        restyle(self._text, "role", role)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A single folder or scene may be dropped right here; all else is left to the window."""
        urls = event.mimeData().urls()
        if len(urls) == 1 and _is_fit(Path(urls[0].toLocalFile())):
            restyle(self, "hot", True)
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing was dropped."""
        restyle(self, "hot", False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the folder or scene."""
        restyle(self, "hot", False)
        event.acceptProposedAction()
        self.folder_dropped.emit(event.mimeData().urls()[0].toLocalFile())

    def _paint_icons(self) -> None:
        self._clear.setIcon(self._theme.icon("close", "muted"))
        side = 12
        ratio = self.devicePixelRatioF()
        chip = QPixmap(QSize(side, side) * ratio)
        chip.setDevicePixelRatio(ratio)
        chip.fill(Qt.GlobalColor.transparent)
        painter = QPainter(chip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour(self._colour))
        painter.drawRoundedRect(0, 0, side, side, 3, 3)
        painter.end()
        self._chip.setPixmap(chip)


def _is_fit(path: Path) -> bool:
    return path.is_dir() or (path.name.lower().endswith(SCENE_SUFFIXES) and path.is_file())
