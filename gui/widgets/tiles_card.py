"""How scenes are cut into tiles, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bandbridge.engine.api.reports import SceneReport
from bandbridge.gui.project import ProjectModel
from bandbridge.gui.quantities import count, counted, ground
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.fields import NumberField, WholeNumberField
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtWidgets import QGridLayout, QWidget

_LEAST_PX, _MOST_PX = 8, 4096
_MOST_TILES = 1_000_000


class TilesCard(Card):
    """Four fields that follow the project and change it, and a sentence for every scene; hidden without scenes.

    Args:
        project: The open project.
        parent: Qt parent.
    """

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._project = project
        self.setAccessibleName("How scenes are cut into tiles")
        self.body.setContentsMargins(2 * GRID, GRID + GRID // 2, 2 * GRID, 2 * GRID)
        tiles = project.project.tiles
        self.side = WholeNumberField(_LEAST_PX, _MOST_PX, tiles.size_px)
        self.side.setToolTip(
            "Side of a tile, in pixels of the sensor's scene. Best as wide on the ground as the images the source "
            "model was trained on."
        )
        self.overlap = WholeNumberField(0, _MOST_PX // 2, tiles.overlap_px)
        self.overlap.setToolTip("Pixels that neighbouring tiles share, at most half a tile.")
        self.missing = NumberField(0.0, 99.0, 100 * tiles.most_missing, decimals=0, step=5)
        self.missing.setToolTip("A tile of which more than this share has no data is left out.")
        self.most = WholeNumberField(1, _MOST_TILES, tiles.most)
        self.most.setToolTip(
            "Of a scene with more tiles, so many are drawn at random, from everywhere, always the same."
        )
        for field in (self.side, self.overlap):
            field.setSuffix(" px")
        self.missing.setSuffix(" %")
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        titled: tuple[tuple[str, WholeNumberField | NumberField], ...] = (
            ("Side of a tile", self.side),
            ("Overlap", self.overlap),
            ("May lack data", self.missing),
            ("Tiles of a scene at most", self.most),
        )
        for column, (title, edit) in enumerate(titled):
            label = text_label(title, "help", wrap=False)
            label.setBuddy(edit)
            edit.setAccessibleName(title)
            grid.addWidget(label, 0, column)
            grid.addWidget(edit, 1, column)
            grid.setColumnStretch(column, 1)
            edit.valueChanged.connect(self._take)
        self.body.addLayout(grid)
        self.words = text_label("", "help")
        self.body.addWidget(self.words)
        project.changed.connect(self._follow)
        self._follow()

    def show_scenes(self, scenes: Sequence[SceneReport], *, wanted: bool) -> None:
        """Tell what comes of the rule.

        Args:
            scenes: The scenes that are known.
            wanted: Whether there are any at all.
        """
        self.setVisible(wanted)
        self.words.setVisible(bool(scenes))
        self.words.setText("\n".join(map(_in_words, scenes)))

    def _follow(self) -> None:
        tiles = self._project.project.tiles
        fields = (self.side, self.overlap, self.missing, self.most)
        blocked = [field.blockSignals(True) for field in fields]
        self.side.setValue(tiles.size_px)
        self.overlap.setMaximum(tiles.size_px // 2)
        self.overlap.setValue(tiles.overlap_px)
        self.missing.setValue(100 * tiles.most_missing)
        self.most.setValue(tiles.most)
        for field, was_blocked in zip(fields, blocked, strict=True):
            field.blockSignals(was_blocked)

    def _take(self) -> None:
        size = self.side.value()
        rule = replace(
            self._project.project.tiles,
            size_px=size,
            overlap_px=min(self.overlap.value(), size // 2),
            most_missing=self.missing.value() / 100,
            most=self.most.value(),
        )
        self._project.update(tiles=rule)


def _in_words(scene: SceneReport) -> str:
    wide = "" if scene.pixel_m is None else f", each {ground(scene.tile_px * scene.pixel_m)} wide on the ground"
    drawn = f"; {count(scene.used)} of them are used, drawn at random" if scene.used < scene.tiles else ""
    return f"{Path(scene.path).name}: {counted(scene.tiles, 'tile')}{wide}{drawn}."
