"""Step 4: a run is started, watched, paused, stopped, and gone on with; the page never draws more than it must."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.events import CheckpointSaved, Finished, Losses, Notice, Paused, Problem, Progress
from bandbridge.engine.api.jobs import Adapt
from bandbridge.gui.pages.run import RunPage
from bandbridge.gui.project import ProjectModel, RunEntry
from bandbridge.gui.run_story import RunStory
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.gap_panel import GapPanel
from bandbridge.gui.widgets.loss_chart import LossChart
from bandbridge.gui.widgets.run_summary import run_in_words
from made_up_runs import (
    ALARM,
    QuietWorker,
    adapt_report,
    epoch_end,
    events_of_a_run,
    gap,
    losses,
    project_model,
    samples,
    stage_started,
    training_started,
    write_run,
)
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[ProjectModel]:
    project = project_model(tmp_path)
    yield project
    project.close()


@pytest.fixture
def worker() -> QuietWorker:
    return QuietWorker()


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, worker: QuietWorker, theme: Theme) -> Iterator[RunPage]:
    page = RunPage(model, worker, theme)
    qtbot.addWidget(page)
    page.resize(920, 660)
    page.show()
    yield page
    page.closing()


@pytest.fixture
def running(page: RunPage, worker: QuietWorker) -> RunPage:
    page.on_primary()
    worker.say(*events_of_a_run())
    page._redraw()
    return page


def loss_chart(page: RunPage) -> LossChart:
    chart = page.findChild(LossChart)
    assert chart is not None
    return chart


def test_charts_are_not_loaded_before_a_run(project: Path) -> None:
    code = (
        "import sys, bandbridge.gui.pages.run, bandbridge.gui.pages.results\n"
        "print([name for name in ('pyqtgraph', 'torch', 'cv2', 'rasterio', 'pydantic') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project)
    assert result.stdout.strip() == "[]"


def test_says_what_will_run_and_what_is_missing(page: RunPage, model: ProjectModel, worker: QuietWorker) -> None:
    model.update(method="socket")
    assert page.primary.isEnabled()
    assert page.state() == "ready"
    model.update(pairs=())
    assert not page.primary.isEnabled()
    assert "learns from pairs" in page.summary.missing.text()
    assert page.state() == "empty"
    page.start()
    assert not worker.jobs
    model.update(method="shot")
    assert page.primary.isEnabled()


def test_the_effort_told_counts_the_bridge(model: ProjectModel) -> None:
    told = {}
    for method in ("tgkt", "translator-only"):
        model.update(method=method, epochs=3, effort="own", settings={method: {"bridge_epochs": 7}})
        told[method] = run_in_words(model.project)[-1][1:]
    assert told["tgkt"] == ("3 epochs (your own number)", "after 7 epochs of the bridge, in batches of 32")
    assert told["translator-only"] == ("7 epochs of the translator", "batches of 32"), "the others are not run"
    model.update(method="socket", settings={})
    assert run_in_words(model.project)[-1][1:] == ("3 epochs (your own number)", "batches of 32")


def test_starting_submits_the_run_and_remembers_it(page: RunPage, model: ProjectModel, worker: QuietWorker) -> None:
    page.on_primary()
    (job,) = worker.jobs
    assert isinstance(job, Adapt)
    assert job.config == model.project.to_run_config(job.config.run)
    assert not job.resume
    (entry,) = model.project.runs
    assert (entry.folder, entry.outcome) == (job.config.run, "running")
    page.start()  # a second press changes nothing
    assert len(worker.jobs) == 1


def test_progress_is_told_in_words(running: RunPage, worker: QuietWorker) -> None:
    words = " ".join(label.text() for label in running.status._facts.values())
    assert "Epoch 3 of 15" in words
    assert "about 70 s left" in words
    assert "129 images/s" in words
    assert "912 MB memory" in words
    worker.say(Notice(level="warning", text="a.tif: cut off\nb.tif: empty"))
    running._redraw()
    assert running.status.notes_button.text() == "2 notes"


def test_time_goes_on_while_the_worker_says_nothing(
    page: RunPage, worker: QuietWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.on_primary()
    page._redraw()
    assert "Loading" in page.status._detail.text()
    monkeypatch.setattr(RunStory, "seconds", property(lambda self: 75.0))
    drawn_at = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: drawn_at + 2)
    page._redraw_one()
    assert page.status._facts["spent"].text() == "1 min 15 s spent"


def test_curves_follow_terms_and_toggles(running: RunPage) -> None:
    chart = loss_chart(running)
    assert list(chart._terms) == ["total", "information"]
    term = chart._terms["information"]
    assert term.smooth.isVisible()
    term.chip.click()
    assert not term.smooth.isVisible()
    term.chip.click()
    chart.scale.set_value("log")  # every value of this term is below zero
    chart.scale.activated.emit(1)
    assert np.isnan(term.raw.getData()[1]).all()
    chart._point_at(1.5)
    assert "epoch 1.50, step 15" in chart._place.text()
    chart._point_at(None)
    assert chart._place.text() == ""


def test_terms_of_very_different_size_get_scales_of_their_own(running: RunPage, worker: QuietWorker) -> None:
    chart = loss_chart(running)
    assert chart.scale.value() == "same"
    steps = np.arange(1, 151)
    huge = np.linspace(400.0, 300.0, 150, dtype=np.float32)
    worker.say(Losses(steps=steps + 1000, values={"sparsity": huge}, images_per_second=9.0, memory_mb=9.0))
    running._redraw()
    assert chart.scale.value() == "own"
    drawn = chart._terms["sparsity"].raw.getData()[1]
    assert (drawn.min(), drawn.max()) == pytest.approx((0.0, 1.0), abs=0.15), "smoothing takes some off both ends"
    assert chart._terms["sparsity"].chip.accessibleDescription() == "300", "values are never scaled"
    chart._terms["sparsity"].chip.click()
    assert chart.scale.value() == "same", "the others fit together"
    chart.scale.set_value("same")
    chart.scale.activated.emit(0)
    chart._terms["sparsity"].chip.click()
    assert chart.scale.value() == "same", "a person has chosen"


def test_the_wheel_scrolls_the_page_until_the_chart_has_the_focus(running: RunPage) -> None:
    chart = loss_chart(running)._chart
    before = chart.plot.getViewBox().viewRange()

    def turn() -> QWheelEvent:
        viewport = chart._view.viewport()
        middle = QPointF(viewport.rect().center())
        event = QWheelEvent(
            middle,
            QPointF(viewport.mapToGlobal(middle.toPoint())),
            QPoint(0, 0),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewport, event)
        return event

    running.activateWindow()
    turn()
    assert chart.plot.getViewBox().viewRange() == before
    chart.setFocus()
    turn()
    assert chart.plot.getViewBox().viewRange()[0] != before[0]
    assert chart.zoomed
    chart.show_all()
    assert not chart.zoomed


def test_map_measures_and_samples_are_shown(running: RunPage) -> None:
    panel = running.findChild(GapPanel)
    assert panel is not None
    assert panel._map.moment.maximum() == 2
    assert not panel._map._lines.isVisible()
    panel._map.chips["lines"].setChecked(True)
    assert len(panel._map._lines.getOriginalDataset()[0]) == 40
    before = panel._map._bounds
    panel._map.moment.setValue(0)
    assert panel._map._bounds == before, "the axes stay where they are"
    assert panel._map._when.text() == "before training"
    panel.measures_button.click()
    tiles = [tile for tile in panel._grid._tiles.values() if not tile.isHidden()]
    assert [tile.accessibleName() for tile in tiles] == [
        "Agreement on pairs",
        "Distance of means",
        "MMD",
        "Pairs found again",
        "Mean confidence",
    ]
    assert tiles[1].accessibleDescription() == "7.0 → 5.0 better"
    panel.signs_button.click()
    signs = [tile.accessibleName() for tile in panel._signs._tiles.values() if not tile.isHidden()]
    assert signs == ["Reliability figure", "Agreement on pairs", "Certain yet varied"]
    panel.choose_button.menu().actions()[-1].trigger()
    signs = [tile.accessibleName() for tile in panel._signs._tiles.values() if not tile.isHidden()]
    assert signs[-1] == "Mean confidence", "a few are shown first, any can be chosen"
    assert panel._signs.isVisible()
    assert not panel._grid.isVisible()
    panel.map_button.click()
    panel.resize(900, 300)
    assert (panel._map.isVisible(), panel._grid.isVisible(), panel.map_button.isVisible()) == (True, True, False)
    panel.resize(500, 300)
    assert (panel._map.isVisible(), panel._grid.isVisible()) == (True, False), "the choice outlives a wide moment"
    cards = running._samples.cards
    assert len(cards) == 3
    cards[1].click()
    viewer = running._samples.viewer
    assert viewer is not None
    assert len(viewer.pictures.views) == 1
    viewer.step(1)
    assert len(viewer.pictures.views) == 2, "a pair shows its RGB partner"
    viewer.close()


def test_each_stage_has_curves_of_its_own(page: RunPage, worker: QuietWorker) -> None:
    page.on_primary()
    worker.say(stage_started(0), losses(1, 31), CheckpointSaved(step=10, path=""))
    page._redraw()
    chart = loss_chart(page)
    bridge, transfer = chart.stages.buttons
    QApplication.processEvents()  # the buttons get their widths
    assert (bridge.text(), transfer.text()) == ("1 Bridge", "2 Transfer")
    assert (bridge.isChecked(), transfer.isEnabled()) == (True, False)
    worker.say(Progress(title="Stage 2 of 2: Transfer", done=1, total=30, unit="step", fraction=0.52, seconds_left=70))
    worker.say(stage_started(1), losses(31, 45))
    page._redraw()
    assert transfer.isChecked(), "the stage at work is followed"
    assert chart._terms["total"].raw.getData()[0].max() == pytest.approx(1.4)
    assert len(chart._checkpoints.xvals) == 0, "the mark belongs to the first stage"
    before = chart._chart.x_range
    bridge.click()
    assert chart._chart.x_range[1] > before[1], "the whole of the stage is seen"
    assert chart._terms["total"].raw.getData()[0].max() == pytest.approx(3.0)
    assert list(chart._checkpoints.xvals) == [1.0]
    worker.say(losses(45, 48))
    page._redraw()
    assert bridge.isChecked(), "the person's choice stays"
    transfer.click()
    assert chart._terms["total"].raw.getData()[0].max() == pytest.approx(1.7)
    assert page.status._stage.text() == "Stage 2 of 2: Transfer"
    assert page.status._facts["epoch"].text() == "Epoch 2 of 3"


def test_stages_with_long_names_fit_the_smallest_window(page: RunPage, worker: QuietWorker) -> None:
    names = ("Normalisation only", "Pair-anchored self-training", "Bridge", "Transfer")
    page.resize(860, 640)
    page.on_primary()
    worker.say(replace(stage_started(0), stages=names), losses(1, 31))
    page._redraw()
    chart = loss_chart(page)
    QApplication.processEvents()
    assert page.minimumSizeHint().width() <= 860
    assert chart.stages.buttons[0].text().startswith("1 Norm")
    assert [button.text() for button in chart.stages.buttons[1:]] == ["2", "3", "4"], "what is not shown"
    assert names[1] in chart.stages.buttons[1].toolTip()
    page.resize(2000, 900)
    QApplication.processEvents()
    assert chart.stages.buttons[1].text() == "2 Pair-anchored self-training"


def test_signs_leave_the_curves_their_room(running: RunPage) -> None:
    panel = running.findChild(GapPanel)
    assert panel is not None
    panel.resize(600, 300)
    panel.signs_button.click()
    assert panel._title.text() == "Signs without labels"
    panel.resize(340, 300)
    assert panel._title.text() == "", "cut it would be of no use"
    assert panel.minimumSizeHint().width() <= 340


def test_one_stage_alone_offers_no_choice(running: RunPage) -> None:
    assert loss_chart(running).stages.isHidden()


def test_samples_show_the_translation_and_what_is_made_of_it(running: RunPage, worker: QuietWorker) -> None:
    card = running._samples.cards[1]
    narrow = card.sizeHint().width()
    assert "translated" not in card.accessibleName()
    worker.say(samples(30, bridged=True))
    running._redraw()
    assert card.sizeHint().width() > narrow
    assert "field/2" in running._samples.cards[0].accessibleName(), "a pair shows what the translation should be"
    assert card.accessibleName() == (
        "field/0.tif; Before, on the sensor image: field, 60\u202f%, wrong; "
        "Before, on the translated picture: forest, 50\u202f%, wrong; Now, the adapted model: water, 70\u202f%, right"
    )
    first = card._pixmaps[1]
    worker.say(samples(40, bridged=True))
    running._redraw()
    assert card._pixmaps[1] is not first, "a better translation replaces the former"
    card.click()
    viewer = running._samples.viewer
    assert viewer is not None
    assert len(viewer.pictures.views) == 2
    assert "translated picture: forest" in viewer.answers.accessibleDescription()
    viewer.close()


def test_a_class_that_takes_over_is_warned_of(running: RunPage, worker: QuietWorker) -> None:
    assert running._counts.warning.isHidden()
    worker.say(epoch_end(30, (2, 28, 0)))
    running._redraw()
    assert "forest" in running._counts.warning.text()


def test_without_pairs_only_the_signs_that_need_none_are_shown(page: RunPage, worker: QuietWorker) -> None:
    page.on_primary()
    worker.say(training_started(), epoch_end(0))
    page._redraw()
    panel = page.findChild(GapPanel)
    assert panel is not None
    assert panel._signs.isVisible()
    assert not panel.signs_button.isVisible(), "there is nothing to choose"


def test_an_alarm_stands_until_it_is_withdrawn(running: RunPage, worker: QuietWorker, qtbot: QtBot) -> None:
    assert running.alarm.isHidden()
    worse = replace(ALARM, kind="worse", what="It may do harm.")
    worker.say(worse, ALARM)
    assert running.alarm.isVisible()
    assert running.alarm.headline == ALARM.what, "the gravest leads"
    assert "It may do harm." in running.alarm.text
    assert "Try less." in running.alarm.text
    assert running.state() == "warning"
    running.alarm_button.click()
    assert worker.asked == [("stop_keep", 1)]
    assert not running.alarm_button.isEnabled()
    worker.say(replace(ALARM, standing=False))
    assert running.alarm.headline == "It may do harm."
    worker.say(Finished(outcome="kept", result=adapt_report(alarms=(worse,))))
    assert running.alarm.isVisible()
    assert running.alarm_button.isHidden()
    running._project.update(epochs=3)  # the page is about the next run now
    assert running.alarm.isHidden()


def test_an_alarm_out_of_sight_is_told_in_the_window(running: RunPage, worker: QuietWorker, qtbot: QtBot) -> None:
    running.hide()
    with qtbot.waitSignal(running.told) as told:
        worker.say(ALARM)
    assert told.args is not None
    assert told.args[0] == "warning"
    assert ALARM.what in told.args[1]


def test_a_run_gone_on_with_begins_without_the_old_alarm(running: RunPage, worker: QuietWorker) -> None:
    worker.say(ALARM, training_started(first_step=20))
    assert running.alarm.isHidden()


def test_pause_and_stops_are_passed_on(running: RunPage, worker: QuietWorker, qtbot: QtBot) -> None:
    qtbot.keyClick(running, Qt.Key.Key_Space)
    assert worker.asked == [("pause", 1)]
    assert not running.pause_button.isEnabled()
    worker.say(Paused(paused=True))
    assert running.pause_button.text() == "&Resume"
    running.pause_button.click()
    worker.say(Paused(paused=False))
    running.keep_button.click()
    assert [command for command, _ in worker.asked] == ["pause", "resume", "stop_keep"]
    assert "keeping" in running.status._stage.text()


def test_the_keyboard_stays_on_the_page_when_its_buttons_go(running: RunPage, worker: QuietWorker) -> None:
    running.stop_button.setFocus()
    running.stop_button.click()
    assert running.hasFocus(), "the button pressed cannot be pressed again"
    worker.say(Finished(outcome="stopped"))
    assert running.primary.hasFocus()


def test_the_end_leads_to_the_results(running: RunPage, worker: QuietWorker, model: ProjectModel, qtbot: QtBot) -> None:
    assert not running.primary.isEnabled()
    worker.say(Finished(outcome="completed", result=adapt_report()))
    assert not running.running
    assert model.project.runs[-1].outcome == "completed"
    assert "better" in running.outcome.headline
    with qtbot.waitSignal(running.forward):
        running.primary.click()
    model.update(epochs=3)  # other choices: the page is about the next run now
    assert running.summary.isVisible()
    running.primary.click()
    assert len(worker.jobs) == 2


def test_the_end_counts_what_the_model_kept_says(running: RunPage, worker: QuietWorker) -> None:
    worker.say(Finished(outcome="completed", result=adapt_report(predicted_after={"field": 1, "water": 29})))
    assert running._counts._bars.accessibleDescription() == "water 29, field 1"


def test_a_failure_is_told_and_can_be_gone_on_from(running: RunPage, worker: QuietWorker) -> None:
    (job,) = worker.jobs
    assert isinstance(job, Adapt)
    Path(job.config.run).mkdir(parents=True)
    (Path(job.config.run) / "checkpoint.safetensors").touch()
    problem = Problem(what="The process has ended.", why="Memory ran out.", do="Close programs.", details="SIGKILL")
    worker.say(Finished(outcome="failed", problem=problem))
    assert running.state() == "error"
    assert running.outcome.headline == "The process has ended."
    running.outcome.copy_button.click()
    assert "SIGKILL" in QGuiApplication.clipboard().text()
    running.go_on_button.click()
    assert worker.jobs[-1] == Adapt(config=job.config, resume=True)
    assert len(running._project.project.runs) == 1
    worker.say(training_started(first_step=20), losses(21, 25))
    assert running.story.curves["total"].steps.max() == 24


def test_a_failure_without_a_checkpoint_offers_none(running: RunPage, worker: QuietWorker) -> None:
    worker.say(Finished(outcome="stopped"))
    assert running.go_on_button.isHidden()
    assert running.state() == "warning"


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_crashed_run_is_offered_on_the_next_start(
    qtbot: QtBot, tmp_path: Path, worker: QuietWorker, theme: Theme, checkpoint: bool
) -> None:
    folder = tmp_path / "runs" / "crashed"
    config = project_model(tmp_path).project.to_run_config(str(folder))
    write_run(folder, config, None)
    if checkpoint:
        (folder / "checkpoint.safetensors").touch()
    entry = RunEntry(folder=str(folder), method="socket", seed=0, started="2026-11-21T01:15:00", outcome="running")
    model = project_model(tmp_path, runs=(entry,))
    page = RunPage(model, worker, theme)
    qtbot.addWidget(page)
    page.show()
    assert "ended unexpectedly" in page.outcome.headline
    assert model.project.runs[0].outcome == "failed"
    assert page.go_on_button.isVisible() == checkpoint
    if checkpoint:
        page.go_on_button.click()
        assert worker.jobs == [Adapt(config=config, resume=True)]
        worker.say(Finished(outcome="completed", result=adapt_report(folder)))
        assert "better" in page.outcome.headline
        assert model.project.runs[0].outcome == "completed"
    model.close()


def test_a_run_gone_on_with_later_brings_its_curves_along(
    qtbot: QtBot, model: ProjectModel, worker: QuietWorker, theme: Theme
) -> None:
    folder = model.folder / "runs" / "one"
    config = replace(model.project.to_run_config(str(folder)), method="tgkt")
    entry = write_run(folder, config, None)
    (folder / "checkpoint.safetensors").touch()
    (folder / "epochs.csv").write_text("step,epoch\n0,0\n10,1\n20,2\n30,3\n30,0\n40,1\n")
    for number, steps in ((1, range(1, 31)), (2, range(31, 46))):
        rows = [f"{step},{40 - step}" for step in steps]
        (folder / f"losses-{number}.csv").write_text("\n".join(["step,total", *rows]))
    model.update(runs=(replace(entry, outcome="stopped"),))
    page = RunPage(model, worker, theme)
    qtbot.addWidget(page)
    page.resize(920, 660)
    page.show()
    page.go_on()
    assert page.status._facts["epoch"].isHidden(), "how many there will be is not known yet"
    worker.say(stage_started(1, first_step=10), losses(41, 43))
    page._redraw()
    chart = loss_chart(page)
    assert chart.stages.buttons[1].isChecked()
    assert chart._terms["total"].raw.getData()[0].tolist() == pytest.approx([step / 10 for step in range(1, 13)])
    chart.stages.buttons[0].click()
    assert chart._terms["total"].raw.getData()[1].tolist() == [40.0 - step for step in range(1, 31)]
    page.closing()


def test_a_hidden_page_hears_everything_and_draws_nothing(running: RunPage, worker: QuietWorker) -> None:
    chart = loss_chart(running)
    running.hide()
    assert not running._timer.isActive()
    worker.say(losses(30, 90))
    running._redraw_one()
    assert chart._terms["total"].raw.getData()[0].max() < 3
    running.show()
    assert chart._terms["total"].raw.getData()[0].max() > 8
    assert running._timer.isActive()


def test_an_end_out_of_sight_is_told_in_the_window(running: RunPage, worker: QuietWorker, qtbot: QtBot) -> None:
    running.hide()
    with qtbot.waitSignal(running.told) as told:
        worker.say(Finished(outcome="completed", result=adapt_report()))
    assert told.args is not None
    assert told.args[0] == "good"


def test_drawing_stays_short_with_100_000_losses(running: RunPage, worker: QuietWorker) -> None:
    """One turn of the event loop may cost at most a frame; processor time, since the machine may be busy."""
    for start in range(30, 100_030, 1000):
        worker.say(losses(start, start + 1000))
    turns = []
    for number in range(60):
        step = 100_030 + 60 * number
        worker.say(losses(step, step + 60), Progress(title="Adapting", fraction=0.5, seconds_left=9.0))
        if number % 10 == 0:
            worker.say(gap(step), samples(step), epoch_end(step))
        for panel in running._panels:
            panel.drawn_at = 0.0
        began = time.thread_time()
        running._redraw_one()
        QApplication.processEvents()
        turns.append(1000 * (time.thread_time() - began))
    assert np.percentile(turns, 90) < 17, turns
