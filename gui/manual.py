"""The manual, in a window of its own beside the work."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bandbridge.gui.theme import GRID
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTextBrowser, QVBoxLayout, QWidget

MANUAL = Path(str(files("bandbridge.resources"))) / "manual"


class ManualWindow(QWidget):
    """Shows chapters written in Markdown; links between them work, links elsewhere are left to the browser.

    Args:
        parent: Qt parent; the window stays above it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlag(Qt.WindowType.Window)
        self.setWindowTitle("Bandbridge manual")
        self.resize(84 * GRID, 90 * GRID)
        self.browser = QTextBrowser()
        self.browser.setSearchPaths([str(MANUAL)])
        self.browser.setOpenExternalLinks(True)
        self.browser.setAccessibleName("Manual")
        self.browser.setStyleSheet("QTextBrowser { border: none; border-radius: 0; padding: 0; }")
        self.browser.document().setDocumentMargin(2 * GRID)
        back, contents = QPushButton("&Back"), QPushButton("&Contents")
        back.setEnabled(False)
        back.clicked.connect(self.browser.backward)
        self.browser.backwardAvailable.connect(back.setEnabled)
        contents.clicked.connect(lambda: self.open_chapter("index"))
        ways = QHBoxLayout()
        ways.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        for button in (back, contents):
            button.setProperty("kind", "quiet")
            ways.addWidget(button)
        ways.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(ways)
        column.addWidget(self.browser)
        self.browser.sourceChanged.connect(self._space_headings)
        QShortcut(QKeySequence.StandardKey.Cancel, self, self.close)
        QShortcut(QKeySequence.StandardKey.Back, self, self.browser.backward)

    def open_chapter(self, chapter: str) -> None:
        """Show a chapter and come to the front."""
        file = MANUAL / f"{chapter}.md"
        if not file.is_file():
            file = MANUAL / "index.md"
        self.browser.setSource(QUrl.fromLocalFile(str(file)))
        self.show()
        self.raise_()
        self.activateWindow()
        self.browser.setFocus()

    def _space_headings(self) -> None:
        """Markdown brings no space above headings."""
        block = self.browser.document().firstBlock().next()
        while block.isValid():
            form = block.blockFormat()
            if form.headingLevel():
                form.setTopMargin(2 * GRID)
                QTextCursor(block).setBlockFormat(form)
            block = block.next()
