"""What the window remembers about a person between two starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QByteArray, QSettings

_RECENT_MOST = 12


class Preferences:
    """A person's preferences, in one file.

    Args:
        file: The INI file; made when first written.
    """

    def __init__(self, file: Path) -> None:
        self._settings = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def theme(self) -> Literal["system", "light", "dark"]:
        """Light, dark, or as the system says."""
        mode = self._settings.value("theme", "system")
        return mode if mode in ("light", "dark") else "system"

    @theme.setter
    def theme(self, mode: str) -> None:
        self._settings.setValue("theme", mode)

    @property
    def geometry(self) -> QByteArray:
        """The window's place, as Qt saved it; empty at first."""
        value = self._settings.value("geometry", QByteArray())
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._settings.setValue("geometry", value)

    @property
    def recent(self) -> list[Path]:
        """Folders of the projects opened last, newest first."""
        value = self._settings.value("recent", [])
        entries = [value] if isinstance(value, str) else value
        return [Path(entry) for entry in entries] if isinstance(entries, list) else []

    def remember(self, folder: Path) -> None:
        """Put a project's folder on top of the recent ones."""
        others = [entry for entry in self.recent if entry != folder]
        self._settings.setValue("recent", [str(entry) for entry in [folder, *others][:_RECENT_MOST]])

    def forget(self, folder: Path) -> None:
        """Take a project's folder from the recent ones."""
        self._settings.setValue("recent", [str(entry) for entry in self.recent if entry != folder])

    @property
    def left_open(self) -> Path | None:
        """The project that was open when the program ended without closing it: after a crash."""
        value = self._settings.value("left_open", "")
        return Path(value) if isinstance(value, str) and value else None

    @left_open.setter
    def left_open(self, folder: Path | None) -> None:
        self._settings.setValue("left_open", str(folder) if folder else "")
        self._settings.sync()
