"""Step 5: numbers with their meaning, every image within reach, runs side by side, and a checked export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandbridge.engine.api.events import Finished, Problem, Progress
from bandbridge.engine.api.jobs import Export, LookCloser, Thumbnails, Translate
from bandbridge.engine.api.reports import (
    ExportReport,
    Finding,
    ThumbnailsReport,
    TranslatedImage,
    TranslateReport,
    Trial,
)
from bandbridge.gui.pages.results import ResultsPage
from bandbridge.gui.prediction_filter import PredictionFilter
from bandbridge.gui.project import ProjectModel, RunEntry
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.picture_view import Lens
from made_up_runs import ALARM, BEFORE, CLASSES, QuietWorker, adapt_report, picture, project_model, scores, write_run
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[ProjectModel]:
    project = project_model(tmp_path)
    yield project
    project.close()


@pytest.fixture
def desk() -> QuietWorker:
    return QuietWorker()


def add_run(model: ProjectModel, name: str, *, labels: bool = True, method: str = "socket", **changes: object) -> str:
    folder = model.folder / "runs" / name
    config = replace(model.project.to_run_config(str(folder)), method=method)
    if not labels:
        changes = {"before": None, "after": None, **changes}
    entry = write_run(folder, config, adapt_report(folder, method=method, **changes), labels=labels)
    model.update(runs=(*model.project.runs, entry))
    return str(folder)


@pytest.fixture
def page(qtbot: QtBot, model: ProjectModel, desk: QuietWorker, theme: Theme) -> Iterator[ResultsPage]:
    page = ResultsPage(model, desk, theme)
    qtbot.addWidget(page)
    page.resize(920, 660)
    page.show()
    yield page
    page.closing()


def open_tab(page: ResultsPage, title: str) -> None:
    titles = [page.tabs.tabText(index) for index in range(page.tabs.count())]
    page.tabs.setCurrentIndex(titles.index(title))


def test_folders_the_model_does_not_know_are_named_and_no_files(page: ResultsPage, model: ProjectModel) -> None:
    strangers = [
        Finding(severity="warning", kind="class", file=f, what=f"'{f}' is no class.") for f in ("Mars", "Venus")
    ]
    broken = Finding(severity="warning", kind="unreadable", file="a.tif", what="It is empty.")
    add_run(model, "one", set_aside=(*strangers, broken))
    assert "1 file set aside" in page._facts.text()
    assert "Mars, Venus" in page._facts.text()
    add_run(model, "two", set_aside=(strangers[0],))
    assert "set aside" not in page._facts.text()
    assert "'Mars' is no class." in page._facts.text()


def test_empty_until_a_run_has_finished(page: ResultsPage, model: ProjectModel) -> None:
    assert page.state() == "empty"
    assert page._empty.isVisible()
    assert not page.primary.isEnabled()
    model.update(runs=(RunEntry(folder="x", method="socket", seed=0, started="", outcome="running"),))
    assert page.state() == "empty"


def test_numbers_carry_their_meaning(page: ResultsPage, model: ProjectModel) -> None:
    add_run(model, "first", changed=9)
    assert page.state() == "ready"
    assert "better" in page.verdict.headline
    assert page.table.text("Accuracy") == ("60\u202f%", "87\u202f%", "+27 points")
    assert page.table.text("Distance of means") == ("7.1", "1.1", "−6.0")
    assert page.table.text("Sensor told apart") == ("–", "–", "needs pairs")
    for row in range(page.table.rowCount()):
        item = page.table.item(row, 0)
        assert item is not None
        assert len(item.toolTip()) > 40


def test_signs_without_labels_have_lines_and_alarms_are_repeated(page: ResultsPage, model: ProjectModel) -> None:
    add_run(model, "first", changed=9, alarms=(ALARM,))
    assert page.table.text("Reliability figure") == ("0.38", "0.71", "+0.33")
    assert page.table.text("Certain yet varied") == ("−0.70", "−1.0", "−0.30")
    with pytest.raises(StopIteration):
        page.table.text("Likeness of translated pictures")  # there is no translator
    assert page.alarm.isVisible()
    assert page.alarm.headline == ALARM.what
    assert page.state() == "warning"
    assert page.state_in_words() == ALARM.what
    add_run(model, "second", label_free_before={}, label_free_after={})  # as older versions wrote it
    assert page.alarm.isHidden()
    with pytest.raises(StopIteration):
        page.table.text("Balanced agreement")


def test_what_was_tried_stands_beside_the_table(page: ResultsPage, model: ProjectModel) -> None:
    add_run(model, "first", changed=9)
    assert page.trials.isHidden()
    trials = (
        Trial(name="Doing much", reliability=0.5, balanced_agreement=0.2, ruled_out=True),
        Trial(name="Doing little", reliability=0.4, balanced_agreement=0.6, ruled_out=False, chosen=True),
    )
    add_run(model, "second", method="auto", changed=9, trials=trials)
    words = [label.text() for label in page.trials.findChildren(QLabel) if label.isVisible()]
    assert words[-6:] == ["Doing much", "0.50", "ruled out", "Doing little", "0.40", "kept"]


def test_without_labels_dashes_are_explained(page: ResultsPage, model: ProjectModel) -> None:
    add_run(model, "first", labels=False)
    assert page.table.text("Accuracy") == ("–", "–", "needs labels")
    open_tab(page, "Confusion")
    assert page._confusion_hint.isVisible()
    open_tab(page, "Images")
    assert page.filter_bar.wrong_only.isHidden()


def test_a_run_that_made_it_worse_says_so(page: ResultsPage, model: ProjectModel) -> None:
    add_run(model, "worse", before=adapt_report().after, after=scores(BEFORE), changed=9)
    assert page.state() == "warning"
    assert page.verdict.headline.startswith("This run made the model worse")


def test_a_newly_finished_run_is_shown_and_older_ones_stay_within_reach(page: ResultsPage, model: ProjectModel) -> None:
    first = add_run(model, "first")
    second = add_run(model, "second", method="shot")
    assert page._folder == second
    page.show_run(first)
    assert page._folder == first
    model.update(epochs=3)
    assert page._folder == first, "an unrelated change leaves the choice alone"


def test_a_damaged_run_leaves_the_others_usable(page: ResultsPage, model: ProjectModel) -> None:
    first = add_run(model, "first")
    folder = model.folder / "runs" / "second"
    entry = write_run(folder, model.project.to_run_config(str(folder)), None)
    model.update(runs=(*model.project.runs, entry))
    assert page.state() == "error"
    assert "report.json" in page.verdict.headline
    assert not page.primary.isEnabled()
    page.show_run(first)
    assert page.state() == "ready"


def test_only_images_in_sight_are_read(page: ResultsPage, model: ProjectModel, desk: QuietWorker, qtbot: QtBot) -> None:
    add_run(model, "first")
    assert not desk.jobs, "nothing is read before the gallery is opened"
    open_tab(page, "Images")
    qtbot.waitUntil(lambda: bool(desk.jobs))
    (job,) = desk.jobs
    assert isinstance(job, Thumbnails)
    assert job.bands == (8,)
    assert len(job.paths) < 30
    assert all(path.startswith(model.project.target) for path in job.paths)
    shown = desk.show_pictures()
    page.gallery.verticalScrollBar().setValue(page.gallery.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: len(desk.jobs) > 1)
    assert desk.show_pictures() <= 30 - shown + 3


def test_a_file_that_cannot_be_read_is_asked_for_once(
    page: ResultsPage, model: ProjectModel, desk: QuietWorker, qtbot: QtBot
) -> None:
    add_run(model, "first")
    open_tab(page, "Images")
    qtbot.waitUntil(lambda: bool(desk.jobs))
    desk.say(Finished(outcome="failed", problem=Problem(what="The worker is gone.")))
    page.gallery.viewport().repaint()
    (job,) = desk.jobs
    assert isinstance(job, Thumbnails)
    assert page._feed.is_broken(page.gallery.images.file(0))


def test_filters_and_cells_choose_images(page: ResultsPage, model: ProjectModel) -> None:
    add_run(model, "first")
    open_tab(page, "Images")
    assert page.gallery.images.rowCount() == 30
    page.filter_bar.class_choice.set_value("water")
    assert page.gallery.images.rowCount() == 9
    page.filter_bar.wrong_only.setChecked(True)
    assert page._gallery_hint.isVisible()
    assert "No image" in page._gallery_hint.text()
    page.filter_bar.clear_button.click()
    assert page.gallery.images.rowCount() == 30
    open_tab(page, "Confusion")
    assert page.matrix_before.cell(0, 1) == "6"
    page.matrix_before.chosen.emit(CLASSES[0], CLASSES[1])
    assert page.tabs.currentWidget() is page._images
    assert page.gallery.images.rowCount() == 6
    assert "Really field, called forest before" in page.filter_bar.cell_button.text()
    page.filter_bar.cell_button.click()
    assert page.filter_bar.filter == PredictionFilter()


def test_an_image_is_seen_large_beside_its_rgb_bands(
    page: ResultsPage, model: ProjectModel, desk: QuietWorker, qtbot: QtBot
) -> None:
    add_run(model, "first")
    open_tab(page, "Images")
    page.gallery.setCurrentIndex(page.gallery.images.index(0))
    large = [job for job in desk.jobs if isinstance(job, Thumbnails) and job.size_px == 1024]
    assert [job.bands for job in large] == [(8,), (4, 3, 2)]
    for number, job in enumerate(desk.jobs, start=1):
        if job in large:
            desk.answer(ThumbnailsReport(pictures=(picture(64),)), number)
    sensor, rgb = page.viewer.pictures.views
    qtbot.waitUntil(lambda: sensor.zoom > 1)
    sensor.zoom_by(2.0)
    assert rgb.zoom == pytest.approx(sensor.zoom)
    rgb.look_at(Lens(3000.0, QPointF(0.5, 0.5)))
    qtbot.keyClick(rgb, Qt.Key.Key_0)
    assert sensor.zoom == pytest.approx(rgb.zoom)
    qtbot.keyClick(rgb, Qt.Key.Key_Right)  # fitted: the arrow leads to the next image
    assert page.gallery.currentIndex().row() == 1


def test_enter_looks_closer_and_the_window_follows_the_gallery(
    page: ResultsPage, model: ProjectModel, desk: QuietWorker, qtbot: QtBot
) -> None:
    folder = add_run(model, "first")
    open_tab(page, "Images")
    page.gallery.setCurrentIndex(page.gallery.images.index(0))
    qtbot.keyClick(page.gallery, Qt.Key.Key_Return)
    assert page.closer is not None
    assert page.closer.isVisible()
    assert desk.jobs[-1] == LookCloser(run=folder, file=page.gallery.images.file(0), kind="target")
    page.closer.next_button.click()
    assert page.gallery.currentIndex().row() == 1
    assert desk.jobs[-1] == LookCloser(run=folder, file=page.gallery.images.file(1), kind="target")
    page.closer.close()
    page.gallery.step(1)
    assert len([job for job in desk.jobs if isinstance(job, LookCloser)]) == 2, "a closed window asks for nothing"
    page.viewer.look_closer_button.click()
    assert page.closer.isVisible()
    add_run(model, "second")
    assert not page.closer.isVisible(), "it showed another run"


def test_translated_images_are_exported_where_a_run_has_a_translator(
    page: ResultsPage, model: ProjectModel, desk: QuietWorker, tmp_path: Path
) -> None:
    folder = add_run(model, "first")
    open_tab(page, "Export")
    panel = page.export_panel.translated
    assert panel.isHidden()
    (Path(folder) / "translator.safetensors").touch()
    panel.set_run(Path(folder), model.project.target)
    assert panel.isVisible()
    panel.translate_into(tmp_path / "out")
    assert desk.jobs[-1] == Translate(run=folder, paths=(model.project.target,), output=str(tmp_path / "out"))
    desk.say(Progress(title="Translating images", done=3, total=30, unit="image", fraction=0.1))
    assert panel.work.words == "Translating images"
    assert not panel.export_button.isEnabled()
    image = TranslatedImage(file="a", picture="a.png", width=9, height=9, georeferenced=False, missing=0.0)
    aside = Finding(severity="warning", kind="unreadable", file="b.tif", what="'b.tif' is empty.", why="", do="")
    facts = {"translator": "t", "output": str(tmp_path / "out"), "seconds": 2.0, "device": "CPU"}
    desk.answer(TranslateReport(**facts, images=(image,), set_aside=(aside,)))
    assert panel.outcome.headline == "1 picture written."
    assert "1 image set aside, the first: 'b.tif' is empty." in panel.outcome.text
    panel.translate_into(tmp_path / "out")
    desk.say(Finished(outcome="failed", problem=Problem(what="A picture is there already.", do="Choose another.")))
    assert panel.outcome.headline == "A picture is there already."
    assert panel.export_button.isEnabled()


def test_runs_are_compared(page: ResultsPage, model: ProjectModel) -> None:
    first = add_run(model, "first")
    add_run(model, "second", method="shot", after=scores(BEFORE))
    failed = RunEntry(folder="gone", method="socket", seed=3, started="2026-11-21T02:00:00", outcome="failed")
    model.update(runs=(*model.project.runs, failed))
    open_tab(page, "Runs")
    table = page.run_table
    rows = {table.item(row, 1).text(): row for row in range(table.rowCount())}  # type: ignore[union-attr]
    assert table.rowCount() == 3
    assert table.item(rows["SHOT"], 4).text() == "60\u202f%"  # type: ignore[union-attr]
    table.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    best = table.item(0, 4)
    assert best is not None
    assert best.text() == "87\u202f%"
    assert best.font().bold()
    table.cellClicked.emit(0, 0)
    assert page._folder == first
    assert page.tabs.currentWidget() is page._overview


def test_export_says_how_it_was_checked(page: ResultsPage, model: ProjectModel, desk: QuietWorker) -> None:
    folder = add_run(model, "first")
    page.on_primary()
    assert not desk.jobs
    page.on_primary()
    job = desk.jobs[-1]
    assert isinstance(job, Export)
    assert (job.source, job.format) == (folder, "onnx")
    assert job.output.endswith(".onnx")
    assert not page.primary.isEnabled()
    desk.say(Progress(title="Checking", fraction=0.5))
    report = ExportReport(
        output=job.output,
        format="onnx",
        checked_images=24,
        largest_difference=1.2e-6,
        same_classes=True,
        explanation="Takes raw values.",
    )
    desk.answer(report)
    panel = page.export_panel
    assert "24 real images" in panel.outcome.text
    assert "0.0000012" in panel.outcome.text
    assert page.primary.isEnabled()
    panel.choices["safetensors"].setChecked(True)
    assert panel.output.text().endswith(".safetensors")
    page.on_primary()
    desk.answer(replace(report, same_classes=False))
    assert "does not give the same classes" in panel.outcome.headline
    page.on_primary()
    desk.say(Finished(outcome="failed", problem=Problem(what="There is no space left.", details="errno 28")))
    assert panel.outcome.headline == "There is no space left."
    assert not panel.busy


def test_the_report_can_be_handed_on(page: ResultsPage, model: ProjectModel, tmp_path: Path, qtbot: QtBot) -> None:
    add_run(model, "first")
    page.save_report_to(tmp_path / "for_my_boss.html")
    assert "Report" in (tmp_path / "for_my_boss.html").read_text()
    with qtbot.waitSignal(page.told) as told:
        page.save_report_to(tmp_path / "no such folder" / "x.html")
    assert told.args is not None
    assert told.args[0] == "error"
