"""Colours, type and spacing of the window, light and dark, and the one stylesheet made from them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from bandbridge.gui.colours import mixed
from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

Mode = Literal["system", "light", "dark"]

GRID = 8
"""Every distance in the window is a multiple of this many device-independent pixels (or half of it)."""
RADIUS = 6
"""Corner radius of cards, fields and buttons."""
FIELD_HEIGHT = 32
"""Height of a button or a one-line field."""

_LIGHT: Mapping[str, str] = {
    "window": "#f4f5f7",
    "surface": "#ffffff",
    "raised": "#e9ebf0",
    "line": "#d5d9e0",
    "text": "#1c2027",
    "muted": "#59616e",
    "accent": "#5a4db3",
    "on_accent": "#ffffff",
    "source": "#0072b2",
    "sensor": "#e69f00",
    "translated": "#009e73",
    "good": "#1a7a48",
    "warning": "#995700",
    "error": "#b3261e",
}
_DARK: Mapping[str, str] = {
    "window": "#16181d",
    "surface": "#1f2228",
    "raised": "#2b2f38",
    "line": "#3a404b",
    "text": "#e7e9ed",
    "muted": "#a0a8b4",
    "accent": "#a99cf5",
    "on_accent": "#1a1633",
    "source": "#0072b2",
    "sensor": "#e69f00",
    "translated": "#009e73",
    "good": "#5cc58a",
    "warning": "#e5a84b",
    "error": "#f2837b",
}
# Sizes relative to the system's own font, so that a person's choice of size is kept.
_TYPE_SCALE: Mapping[str, float] = {"title": 1.7, "section": 1.15, "body": 1.0, "small": 0.9}


class Theme(QObject):
    """The window's look: named colours, fonts, icons, and the stylesheet.

    Widgets take it in their constructor, ask for colours when they paint, and listen to `changed`.
    Plain widgets are styled through two dynamic properties instead of code: `role` on labels and frames
    ("title", "section", "help", "small", "card", "rail", "bar") and `kind` on buttons ("primary", "quiet", "danger").

    Args:
        mode: "light", "dark", or "system" to follow the desktop.
        parent: Qt parent.
    """

    changed = Signal()

    def __init__(self, mode: Mode = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode: Mode = mode
        self._app: QApplication | None = None
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._base_size_pt = 10.0

    @property
    def mode(self) -> Mode:
        """What the person chose."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Change to light, dark or the system's choice; repaints everything if that makes a difference."""
        if mode not in get_args(Mode):
            raise ValueError(mode)
        was_dark = self.is_dark
        self._mode = mode
        self._tell_system()
        if self.is_dark != was_dark:
            self._restyle()

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are in use. An unknown system scheme counts as light."""
        if self._mode == "system":
            app = self._app or QApplication.instance()
            scheme = app.styleHints().colorScheme() if isinstance(app, QApplication) else Qt.ColorScheme.Unknown
            return scheme == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def colour(self, name: str) -> QColor:
        """A colour by its role.

        Args:
            name: "window", "surface", "raised", "line", "text", "muted", "accent", "on_accent", "source", "sensor",
                "translated", "good", "warning" or "error".

        Raises:
            KeyError: There is no such role.
        """
        return QColor((_DARK if self.is_dark else _LIGHT)[name])

    def font(self, role: str = "body") -> QFont:
        """The system font at a step of the type scale: "title", "section", "body" or "small"."""
        font = QFont(QApplication.font())
        font.setPointSizeF(self._base_size_pt * _TYPE_SCALE[role])
        if role in ("title", "section"):
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def icon(self, name: str, colour: str = "text") -> QIcon:
        """A line icon of `resources/icons`, drawn in a colour of this theme; sharp up to 300 %."""
        key = (name, self.colour(colour).name())
        if key not in self._icons:
            self._icons[key] = _tinted_icon(name, key[1])
        return self._icons[key]

    def apply(self, app: QApplication) -> None:
        """Give the application this look, and keep following the system where that was chosen."""
        self._app = app
        app.setStyle("Fusion")  # the same on every platform; native styles take a palette only in part
        info = QFontInfo(app.font())
        self._base_size_pt = max(info.pointSizeF(), 8.0)
        app.styleHints().colorSchemeChanged.connect(self._system_changed)
        self._tell_system()
        self._restyle()

    def _tell_system(self) -> None:
        """Title bars and the system's own dialogs follow the choice too."""
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
        if self._app is not None:
            self._app.styleHints().setColorScheme(schemes[self._mode])

    def _system_changed(self) -> None:
        if self._mode == "system":
            self._restyle()

    def _restyle(self) -> None:
        if self._app is not None:
            self._app.setPalette(self._palette())
            self._app.setStyleSheet(self._stylesheet())
        self.changed.emit()

    def _palette(self) -> QPalette:
        roles = QPalette.ColorRole
        palette = QPalette()
        for role, name in {
            roles.Window: "window",
            roles.WindowText: "text",
            roles.Base: "surface",
            roles.AlternateBase: "window",
            roles.Text: "text",
            roles.PlaceholderText: "muted",
            roles.Button: "surface",
            roles.ButtonText: "text",
            roles.BrightText: "error",
            roles.Highlight: "accent",
            roles.HighlightedText: "on_accent",
            roles.Accent: "accent",
            roles.Link: "accent",
            roles.LinkVisited: "accent",
            roles.ToolTipBase: "raised",
            roles.ToolTipText: "text",
            roles.Light: "surface",
            roles.Midlight: "raised",
            roles.Mid: "line",
            roles.Dark: "muted",
            roles.Shadow: "line",
        }.items():
            palette.setColor(role, self.colour(name))
        dim = self.colour("muted")
        dim.setAlphaF(0.6)
        for role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, dim)
        return palette

    def _stylesheet(self) -> str:
        suffix = "dark" if self.is_dark else "light"
        values: dict[str, str] = {name: self.colour(name).name() for name in _LIGHT}
        values |= {f"{role}_pt": f"{self._base_size_pt * scale:.2f}pt" for role, scale in _TYPE_SCALE.items()}
        values |= {
            "chevron_down": _icon_path(f"chevron-down-{suffix}").as_posix(),
            "chevron_up": _icon_path(f"chevron-up-{suffix}").as_posix(),
            "check": _icon_path(f"check-{suffix}").as_posix(),
            "accent_soft": mixed(self.colour("accent"), self.colour("surface"), 0.14).name(),
            "accent_hover": mixed(self.colour("accent"), self.colour("text"), 0.86).name(),
            "accent_ring": mixed(self.colour("accent"), self.colour("text"), 0.45).name(),
            "warning_soft": mixed(self.colour("warning"), self.colour("surface"), 0.13).name(),
            "error_soft": mixed(self.colour("error"), self.colour("surface"), 0.13).name(),
            "good_soft": mixed(self.colour("good"), self.colour("surface"), 0.13).name(),
            "handle": mixed(self.colour("muted"), self.colour("surface"), 0.5).name(),
        }
        text = _STYLESHEET
        for key in sorted(values, key=len, reverse=True):
            text = text.replace(f"@{key}@", values[key])
        return text


def _icon_path(name: str) -> Path:
    return Path(str(files("bandbridge.resources"))) / "icons" / f"{name}.svg"


def _tinted_icon(name: str, colour: str) -> QIcon:
    from PySide6.QtSvg import QSvgRenderer  # with the first icon, not with the first import of a widget

    svg = _icon_path(name).read_text(encoding="utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(svg.encode())
    icon = QIcon()
    for side in (16, 20, 24, 32, 40, 48, 64, 96):
        pixmap = QPixmap(QSize(side, side))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, side, side))
        painter.end()
        icon.addPixmap(pixmap)
    return icon


_STYLESHEET = """
QWidget { color: @text@; }
QMainWindow, QDialog { background: @window@; }
QLabel { background: transparent; }
QLabel[role="title"] { font-size: @title_pt@; font-weight: 600; }
QLabel[role="section"] { font-size: @section_pt@; font-weight: 600; }
QLabel[role="help"] { color: @muted@; }
QLabel[role="small"] { color: @muted@; font-size: @small_pt@; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="good"] { color: @good@; }
QLabel[role="warning"] { color: @warning@; }
QLabel[role="error"] { color: @error@; }

QFrame[role="card"] { background: @surface@; border: 1px solid @line@; border-radius: 6px; }
QFrame[role="card"][clickable="true"]:hover { border-color: @muted@; }
QFrame[role="card"][clickable="true"]:focus { border: 2px solid @accent@; }
QFrame[role="card"][chosen="true"] { border: 2px solid @accent@; background: @accent_soft@; }
QFrame[role="card"][off="true"] { background: @window@; }
QFrame[role="card"][off="true"] QLabel { color: @muted@; }
QFrame[role="card"][off="true"] QLabel[role="warning"] { color: @warning@; }
QFrame[role="drop"] { background: @surface@; border: 2px dashed @line@; border-radius: 6px; }
QFrame[role="drop"][hot="true"] { background: @accent_soft@; border: 2px solid @accent@; }
QFrame[role="line"] { background: @line@; border: none; }
QFrame[role="bar"] { background: @raised@; border: 1px solid @line@; border-radius: 6px; }
QFrame[role="bar"][severity="good"] { background: @good_soft@; border-color: @good@; }
QFrame[role="bar"][severity="warning"] { background: @warning_soft@; border-color: @warning@; }
QFrame[role="bar"][severity="error"] { background: @error_soft@; border-color: @error@; }
QFrame[role="rail"] { background: @surface@; border: none; border-right: 1px solid @line@; }

QPushButton { background: @surface@; border: 1px solid @line@; border-radius: 6px; padding: 6px 14px;
    min-height: 18px; }
QPushButton:hover { background: @raised@; }
QPushButton:pressed, QPushButton:checked { background: @accent_soft@; border-color: @accent@; }
QPushButton:focus { border: 2px solid @accent@; padding: 5px 13px; }
QPushButton:disabled { color: @handle@; background: @window@; }
QPushButton[kind="primary"] { background: @accent@; color: @on_accent@; border: 1px solid @accent@; font-weight: 600;
    padding: 6px 22px; }
QPushButton[kind="primary"]:hover { background: @accent_hover@; }
QPushButton[kind="primary"]:focus { border: 2px solid @accent_ring@; padding: 5px 21px; }
QPushButton[kind="primary"]:disabled { background: @raised@; color: @handle@; border-color: @line@; }
QPushButton[kind="quiet"] { background: transparent; border: 1px solid transparent; padding: 6px 10px; }
QPushButton[kind="quiet"]:hover { background: @raised@; }
QPushButton[kind="quiet"]:focus { border: 2px solid @accent@; padding: 5px 9px; }
QPushButton[kind="danger"]:enabled { color: @error@; }
QPushButton::menu-indicator { image: none; width: 0; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px; }
QToolButton:hover { background: @raised@; }
QToolButton:checked { background: @accent_soft@; }
QToolButton[kind="fold"] { font-weight: 600; }
QToolButton[kind="fold"]:checked { background: transparent; }
QToolButton:focus { border: 1px solid @accent@; }
QToolButton:disabled { color: @handle@; }

QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox { background: @surface@; border: 1px solid @line@;
    border-radius: 6px; padding: 4px 8px; min-height: 22px; selection-background-color: @accent@;
    selection-color: @on_accent@; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {
    border: 2px solid @accent@; padding: 3px 7px; }
QLineEdit:disabled, QPlainTextEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { background: @window@;
    color: @handle@; }
QLineEdit[wrong="true"] { border: 2px solid @error@; padding: 3px 7px; }
QAbstractSpinBox { padding: 2px 22px 2px 8px; min-height: 22px; max-height: 26px; }
QAbstractSpinBox:focus { padding: 1px 21px 1px 7px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 20px; border: none;
    background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; margin: 3px 2px 0 0; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; margin: 0 2px 3px 0; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: @raised@; }
QAbstractSpinBox::up-arrow { image: url("@chevron_up@"); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url("@chevron_down@"); width: 10px; height: 10px; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url("@chevron_down@"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: @surface@; border: 1px solid @line@; selection-background-color: @accent@;
    selection-color: @on_accent@; outline: none; padding: 4px; }
QCheckBox, QRadioButton { spacing: 8px; padding-right: 4px; background: transparent; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid @muted@; border-radius: 4px;
    background: @surface@; }
QCheckBox::indicator:checked { background: @accent@; border-color: @accent@; image: url("@check@"); }
QCheckBox::indicator:focus { width: 14px; height: 14px; border: 2px solid @accent@; }
QCheckBox::indicator:disabled { border-color: @line@; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid @muted@; border-radius: 8px;
    background: @surface@; }
QRadioButton::indicator:checked { border: 5px solid @accent@; width: 6px; height: 6px; }
QRadioButton[role="section"], QCheckBox[role="section"] { font-size: @section_pt@; font-weight: 600; }
QCheckBox:focus, QRadioButton:focus { color: @accent@; }

QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget[role="page"] { background: transparent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: @handle@; border-radius: 3px; margin: 3px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: @muted@; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QTableView, QTreeView, QListView { background: @surface@; border: 1px solid @line@; border-radius: 6px; outline: none;
    gridline-color: @line@; alternate-background-color: @window@; selection-background-color: @accent_soft@;
    selection-color: @text@; }
QTableView[cells="padded"]::item { padding-left: 5px; }
QTableView:focus, QTreeView:focus, QListView:focus { border-color: @accent@; }
QTableView::indicator, QTreeView::indicator, QListView::indicator { width: 14px; height: 14px;
    border: 1px solid @muted@; border-radius: 4px; background: @surface@; }
QTableView::indicator:checked, QTreeView::indicator:checked, QListView::indicator:checked { background: @accent@;
    border-color: @accent@; image: url("@check@"); }
QHeaderView { background: transparent; }
QHeaderView::section { background: @surface@; color: @muted@; border: none; border-bottom: 1px solid @line@;
    padding: 6px 8px; font-weight: 600; }
QHeaderView::up-arrow { image: url("@chevron_up@"); width: 10px; height: 10px; subcontrol-position: top center; }
QHeaderView::down-arrow { image: url("@chevron_down@"); width: 10px; height: 10px; subcontrol-position: top center; }
QHeaderView::section:vertical { border: none; padding: 0 8px; font-weight: 400; }
QTableCornerButton::section { background: @surface@; border: none; }

QProgressBar { background: @raised@; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: @accent@; border-radius: 3px; }

QMenuBar { background: @surface@; border-bottom: 1px solid @line@; padding: 2px 4px; }
QMenuBar::item { background: transparent; padding: 5px 10px; border-radius: 4px; }
QMenuBar::item:selected { background: @raised@; }
QMenu { background: @surface@; border: 1px solid @line@; padding: 4px; }
QMenu::item { padding: 6px 28px 6px 24px; border-radius: 4px; }
QMenu::item:selected { background: @accent@; color: @on_accent@; }
QMenu::item:disabled { color: @handle@; background: transparent; }
QMenu::separator { height: 1px; background: @line@; margin: 4px 8px; }
QToolTip { background: @raised@; color: @text@; border: 1px solid @line@; padding: 4px 6px; }

QTabWidget::pane { border: none; border-top: 1px solid @line@; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: @muted@; padding: 8px 14px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: @text@; }
QTabBar::tab:disabled { color: @handle@; }
QTabBar::tab:selected { color: @text@; border-bottom: 2px solid @accent@; font-weight: 600; }
QTabBar::tab:focus { color: @accent@; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: @line@; }
QSlider::groove:horizontal { height: 4px; background: @line@; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent@; border-radius: 2px; }
QSlider::handle:horizontal { background: @accent@; width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; }
QSlider::handle:horizontal:focus { border: 2px solid @text@; width: 10px; height: 10px; }
"""
