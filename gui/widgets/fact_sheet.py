"""What the program sees in a model file, in plain words."""

from __future__ import annotations

from bandbridge.engine.api.reports import ModelReport
from bandbridge.gui.quantities import count, counted, number
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.labels import PathLabel, text_label
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget


def facts_in_words(report: ModelReport) -> list[tuple[str, str, str]]:
    """(name, fact, more) of a model file, in the order of interest."""
    facts = [("Format", report.format, report.safety)]
    if report.recognised:
        also = f" The same weights would fit {', '.join(report.also_fits)}." if report.also_fits else ""
        facts.append(("Network", report.architecture or "not named", f"{report.explanation}{also}"))
    else:
        unnamed = [(name, share) for name, share in report.candidates if name not in report.explanation]
        nearest = ", ".join(f"{name} ({share:.0%} alike)" for name, share in unnamed)
        facts.append(
            ("Network", "not recognised", report.explanation + (f" Also alike: {nearest}." if nearest else ""))
        )
    if report.parameters:
        facts.append(("Size", _weights(report.parameters), f"{_megabytes(report.size_bytes)} on the disk."))
    if report.input_size:
        bands = counted(report.bands, "band")
        facts.append(
            (
                "Takes",
                f"{bands}, {report.input_size} × {report.input_size} pixels",
                report.sensor or _normalisation(report),
            )
        )
    if report.class_names:
        known = "Their names are in the file." if report.names_known else "The file has no names: they are numbered."
        facts.append(("Tells apart", counted(len(report.class_names), "class", "classes"), known))
    if report.recognised:
        layers = ", ".join(f"{count(n)} × {kind}" for kind, n in report.normalisation_layers.items())
        none = "Methods that use them take the pairs' statistics instead."
        facts.append(("Normalisation layers", layers or "none", "" if layers else none))
        facts.append(("Features", f"{count(report.feature_width)} numbers an image", ""))
    if report.fingerprint:
        facts.append(("Fingerprint", report.fingerprint[:16], "The first 16 of 64 signs of the file's SHA-256."))
    return facts


def _weights(parameters: int) -> str:
    if parameters >= 10**6:
        return f"{number(parameters / 10**6, 3)} million weights"
    return counted(parameters, "weight")


def _megabytes(size_bytes: int) -> str:
    return f"{number(size_bytes / 10**6, 3)} MB" if size_bytes >= 10**5 else f"{count(size_bytes / 1000)} kB"


def _normalisation(report: ModelReport) -> str:
    if not report.mean:
        return "Values are brought to 0–1."
    mean = ", ".join(number(value, 3) for value in report.mean)
    std = ", ".join(number(value, 3) for value in report.std)
    return f"Values are brought to 0–1, then centred on {mean} and divided by {std}."


class FactSheet(QWidget):
    """A model report as a two-column sheet.

    Args:
        report: What to show.
        parent: Qt parent.
    """

    def __init__(self, report: ModelReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID + GRID // 2)
        grid.setColumnStretch(1, 1)
        path = PathLabel(report.path)
        self._add(grid, "File", path, "")
        for name, fact, more in facts_in_words(report):
            label = text_label(fact, "strong")
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if name == "Fingerprint":
                label.setToolTip(report.fingerprint)
            self._add(grid, name, label, more)

    def _add(self, grid: QGridLayout, name: str, fact: QLabel, more: str) -> None:
        row = grid.rowCount()
        title = text_label(name, "help", wrap=False)
        grid.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        fact.setAccessibleName(f"{name}: {fact.text()}")
        cell = QVBoxLayout()
        cell.setSpacing(2)
        cell.addWidget(fact)
        if more:
            cell.addWidget(text_label(more, "small"))
        grid.addLayout(cell, row, 1)
