"""An image looked at closely: pictures that move together, three ways to compare two, and files of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.events import Finished, Problem
from bandbridge.engine.api.jobs import LookCloser, ScanPairs
from bandbridge.engine.api.reports import FolderReport, PairsReport, PicturesReport
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.closer_view import CloserView
from bandbridge.gui.widgets.difference import as_colours
from bandbridge.gui.widgets.picture_view import Lens
from made_up_runs import CLASSES, QuietWorker, picture
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

CONFIG = RunConfig(
    sources=("/m",), target="/t", run="/run", method="tgkt", pairs=(PairFolders(rgb="/rgb", sensor="/nir"),)
)


def flat(value: int) -> np.ndarray:
    return np.full((16, 16, 3), value, np.uint8)


def report(file: str = "field/1.tif", **changes: object) -> PicturesReport:
    facts: dict[str, object] = {
        "run": "/run",
        "file": file,
        "kind": "target",
        "width": 16,
        "height": 16,
        "sensor": flat(40),
        "translated": flat(120),
        "rgb": flat(200),
        "rgb_file": "/rgb/1.tif",
        "difference": np.arange(256, dtype=np.uint8).reshape(16, 16),
        "ssim": 0.617,
        "class_names": CLASSES,
        "source_on_sensor": np.array([0.6, 0.3, 0.1], np.float32),
        "source_on_translated": np.array([0.2, 0.5, 0.3], np.float32),
        "adapted": np.array([0.1, 0.2, 0.7], np.float32),
        "truth": "water",
    }
    return PicturesReport(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
def desk(qapp: object) -> QuietWorker:
    return QuietWorker()


@pytest.fixture
def view(qtbot: QtBot, desk: QuietWorker, theme: Theme) -> Iterator[CloserView]:
    view = CloserView(desk, theme)
    qtbot.addWidget(view)
    view.set_run("/run", CONFIG)
    view.show_target("field/1.tif")
    view.show()
    desk.answer(report())
    yield view
    view.close()


def titles(view: CloserView) -> list[str]:
    return [pane.accessibleName() for pane in view.row.views]


def test_all_pictures_and_answers_are_told(view: CloserView, desk: QuietWorker) -> None:
    assert desk.jobs == [LookCloser(run="/run", file="field/1.tif", kind="target")]
    assert titles(view) == ["Sensor picture", "Translated picture", "RGB picture"]
    assert "Likeness 0.62 (1 = the same)" in view._likeness.text()
    words = view.answers.accessibleDescription()
    assert "translated picture: forest" in words
    assert "adapted model: water, 70\u202f%, right" in words


def test_zoom_and_place_are_the_same_in_all_pictures_and_modes(view: CloserView, qtbot: QtBot) -> None:
    sensor, translated, rgb = view.row.views
    middle = QPointF(sensor.mapFromScene(QPointF(10, 6)))
    event = QWheelEvent(
        middle,
        QPointF(sensor.viewport().mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, 120 * 6),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    under = sensor.mapToScene(middle.toPoint())
    QApplication.sendEvent(sensor.viewport(), event)
    assert sensor.zoom > 10
    moved = sensor.mapToScene(middle.toPoint()) - under
    assert max(abs(moved.x()), abs(moved.y())) < 0.2, "what the pointer is over stays there"
    assert translated.zoom == pytest.approx(sensor.zoom)
    assert not sensor.is_smooth
    sensor.setFocus()
    qtbot.keyClick(sensor, Qt.Key.Key_Right)
    assert rgb.lens.centre.x() == pytest.approx(sensor.lens.centre.x(), abs=0.01)
    view.row.look_at(Lens(64 * 16, QPointF(0.6, 0.4)))
    sensor.moved.emit(sensor.lens)
    view.show_mode("swipe")
    assert view.two.view.zoom == pytest.approx(64)
    centre = view.two.view.lens.centre
    assert (centre.x(), centre.y()) == pytest.approx((0.6, 0.4), abs=0.02)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.two.view.zoom * view.devicePixelRatioF() >= 1
    qtbot.keyClick(view, Qt.Key.Key_0)
    view.show_mode("side")
    assert sensor.lens.width == 0, "whole again"
    while sensor.zoom < 63:
        qtbot.keyClick(sensor, Qt.Key.Key_Plus)
    qtbot.keyClick(sensor, Qt.Key.Key_Plus)
    assert sensor.zoom == pytest.approx(64), "down to single pixels"


def test_the_line_divides_the_pictures_where_it_is(view: CloserView, qtbot: QtBot) -> None:
    view.show_mode("swipe")
    swipe = view.two.view

    def grey(share: float) -> int:
        place = swipe.mapFromScene(QPointF(16 * share, 8))
        image = swipe.viewport().grab().toImage()
        ratio = image.devicePixelRatio()
        return image.pixelColor(round(place.x() * ratio), round(place.y() * ratio)).red()

    assert (view.first.value(), view.second.value()) == ("translated", "source")
    assert (grey(0.2), grey(0.8)) == (120, 200)
    viewport = swipe.viewport()
    middle, left = viewport.rect().center(), QPoint(viewport.width() // 50, viewport.height() // 2)
    for kind, place, button in (
        (QEvent.Type.MouseButtonPress, middle, Qt.MouseButton.LeftButton),
        (QEvent.Type.MouseMove, left, Qt.MouseButton.NoButton),
        (QEvent.Type.MouseButtonRelease, left, Qt.MouseButton.LeftButton),
    ):
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
        where = QPointF(place)
        event = QMouseEvent(kind, where, viewport.mapToGlobal(where), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)
    assert swipe.share == pytest.approx(0.02, abs=0.01)
    assert (grey(0.2), grey(0.8)) == (200, 200)
    before = swipe.share
    qtbot.keyClick(swipe, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert swipe.share == pytest.approx(before + 0.02)
    view.second.set_value("translated")
    view.second.activated.emit(0)
    assert view.first.value() != "translated", "a picture is not compared with itself"


def test_pictures_take_turns_and_stand_still_on_space(view: CloserView, qtbot: QtBot) -> None:
    view.mode_buttons["blink"].click()
    view.speed.setValue(5)
    assert view.two.interval_s == 0.5
    assert view.two.shown == "translated"
    qtbot.waitUntil(lambda: view.two.shown == "source", timeout=2000)
    qtbot.keyClick(view.two.view, Qt.Key.Key_Space)
    assert not view.two._timer.isActive()
    assert view.blink_button.text() == "&Go on blinking"
    qtbot.keyClick(view.two.view, Qt.Key.Key_Space)
    assert view.two._timer.isActive()
    view.show_mode("side")
    assert not view.two._timer.isActive(), "nothing blinks out of sight"


def test_a_mode_without_its_pictures_says_why_and_comes_back(view: CloserView, desk: QuietWorker) -> None:
    view.show_mode("difference")
    assert titles(view) == ["Translated picture", "RGB picture", "Difference picture"]
    assert view.legend.isVisible()
    view.show_target("field/2.tif")
    desk.answer(report("field/2.tif", rgb=None, difference=None, ssim=None))
    assert titles(view) == ["Sensor picture", "Translated picture"]
    assert "cannot be measured" in view._likeness.text()
    assert "RGB picture" in view.mode_buttons["difference"].toolTip()
    view.show_target("field/3.tif")
    desk.answer(report("field/3.tif", translated=None, rgb=None, difference=None, ssim=None))
    assert titles(view) == ["Sensor picture"]
    assert not view.mode_buttons["swipe"].isEnabled()
    assert "no translator" in view._likeness.text()
    view.show_target("field/1.tif")
    desk.answer(report())
    assert view.legend.isVisible(), "the mode chosen is taken up where it can be"


def test_an_answer_that_comes_late_is_not_shown(view: CloserView, desk: QuietWorker) -> None:
    view.show_target("field/2.tif")
    late = len(desk.jobs)
    view.show_target("field/3.tif")
    assert ("stop", late) in desk.asked
    desk.answer(report("field/2.tif"), late)
    assert view.report is not None
    assert view.report.file == "field/1.tif"
    desk.say(Finished(outcome="failed", problem=Problem(what="The file is gone.")))
    assert view._hint.isVisible()
    assert view._hint.text() == "The file is gone."
    assert not view.save_button.isEnabled()


def test_pairs_are_gone_through_without_the_gallery(view: CloserView, desk: QuietWorker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.step):
        qtbot.keyClick(view, Qt.Key.Key_PageDown)
    view.kind.set_value("pair")
    view.kind.activated.emit(1)
    job = desk.jobs[-1]
    assert isinstance(job, ScanPairs)
    assert job.folders == CONFIG.pairs[0]
    sides = {"rgb": FolderReport(folder="/rgb"), "sensor": FolderReport(folder="/nir")}
    desk.answer(PairsReport(**sides, rule="", pairs=(("a", "a.tif", "a.tif"), ("b", "b.tif", "b.tif"))))
    assert desk.jobs[-1] == LookCloser(run="/run", file="a", kind="pair")
    desk.answer(report("a", kind="pair"))
    qtbot.keyClick(view, Qt.Key.Key_PageDown)
    assert desk.jobs[-1] == LookCloser(run="/run", file="b", kind="pair")
    qtbot.keyClick(view, Qt.Key.Key_PageDown)
    assert len([job for job in desk.jobs if isinstance(job, LookCloser)]) == 3, "the last one stays"


def test_pictures_are_saved_in_their_own_pixels(view: CloserView, tmp_path: Path) -> None:
    view.save_into(tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"field_1_{name}.png" for name in ("difference", "rgb", "sensor", "translated")]
    saved = QImage(str(tmp_path / "out" / "field_1_rgb.png"))
    assert (saved.width(), saved.height(), saved.pixelColor(3, 3).red()) == (16, 16, 200)
    (tmp_path / "file").write_text("")
    view.save_into(tmp_path / "file")
    assert "could not be written" in view._saved.text() or "cannot be" in view._saved.text()


def test_difference_is_dark_where_nothing_differs() -> None:
    dark, light = as_colours(np.array([[0, 255]], np.uint8))[0].astype(int)
    assert dark.sum() < 100
    assert light.sum() > 650
    brightness = as_colours(np.arange(256, dtype=np.uint8)[None])[0] @ [0.3, 0.6, 0.1]
    assert (np.diff(brightness) > -0.6).all(), "readable without colour"


def test_pictures_of_the_other_shape_are_seen_whole(view: CloserView, desk: QuietWorker) -> None:
    view.row.zoom_by(8)
    view.show_target("wide.tif")
    wide = picture(32)[:16]
    desk.answer(report("wide.tif", sensor=wide, translated=wide, rgb=wide, difference=wide[..., 0]))
    assert view.row.views[0].lens.width == 0
