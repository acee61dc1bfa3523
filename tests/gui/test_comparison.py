"""Comparing methods in the window: ticking, watching the table grow, stopping, going on, and reading it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandbridge.engine.api.catalogue import DEFAULT_METHOD, METHODS
from bandbridge.engine.api.events import RELIABILITY, Compared, Finished, Progress
from bandbridge.engine.api.jobs import Compare
from bandbridge.engine.api.measures import LABEL_FREE_PREFIX, measure
from bandbridge.engine.api.reports import ComparedMethod, ComparedRun, CompareReport, RunState, Spread
from bandbridge.engine.worker.run_folder import as_plain
from bandbridge.gui.comparison_record import read_comparison
from bandbridge.gui.pages.method import MethodPage
from bandbridge.gui.pages.results import ResultsPage
from bandbridge.gui.pages.run import RunPage
from bandbridge.gui.project import ComparisonEntry, ProjectModel, project_as_json, project_from_json
from bandbridge.gui.theme import Theme
from bandbridge.gui.widgets.comparison_table import ComparisonTable, comparison_in_words, spread_text
from made_up_runs import QuietWorker, adapt_report, events_of_a_run, project_model, write_run
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

TWO = ("shot", "socket")


@pytest.fixture
def model(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectModel]:
    monkeypatch.setattr(ProjectModel, "_MERGE_S", 0.0)
    project = project_model(tmp_path, comparing=True, compared=TWO, seeds=2)
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


def table_of(folder: Path | str, states: dict[tuple[str, int], RunState], *, labels: bool = True) -> CompareReport:
    """A report whose complete runs of SOCKET are better, and differ by seed."""
    runs = []
    for (method, seed), state in states.items():
        values = {"agreement": 0.5, "seconds": 60.0 + seed}
        if labels:
            values["accuracy"] = (0.8 if method == "socket" else 0.6) + seed / 50
        run = ComparedRun(method=method, seed=seed, folder=f"{folder}/runs/{method}-seed{seed}", state=state)
        problem = "It burst." if state == "failed" else "Needs pairs." if state == "unfit" else ""
        runs.append(replace(run, problem=problem, values=values if state == "completed" else {}))
    methods = []
    for method in dict.fromkeys(method for method, _ in states):
        own = [run for run in runs if run.method == method]
        done = [run.values for run in own if run.state == "completed"]
        keys = done[0] if done else {}
        methods.append(
            ComparedMethod(
                method=method,
                state=own[-1].state,
                completed=len(done),
                runs=len(own),
                problem=next((run.problem for run in own if run.problem), ""),
                values={
                    key: Spread(
                        mean=sum(values[key] for values in done) / len(done),
                        deviation=0.014 if len(done) > 1 else None,
                        runs=len(done),
                    )
                    for key in keys
                },
            )
        )
    measures = (*(("accuracy",) if labels else ()), "agreement", "seconds")
    before = {"accuracy": 0.41, "agreement": 0.4} if labels else {"agreement": 0.4}
    return CompareReport(
        folder=str(folder), methods=tuple(methods), runs=tuple(runs), measures=measures, images=30, before=before
    )


def states(*of: RunState) -> dict[tuple[str, int], RunState]:
    places = [(method, seed) for seed in (0, 1) for method in TWO]
    return dict(zip(places, of, strict=True))


def write_comparison(model: ProjectModel, report: CompareReport, state: str = "completed") -> ComparisonEntry:
    folder = Path(report.folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = model.project.to_compare_config(str(folder))
    facts = {"format": "x", "state": state, "config": as_plain(config), "report": as_plain(report)}
    (folder / "comparison.json").write_text(json.dumps(facts))
    for run in report.runs:
        if run.state == "completed":
            config_of_run = replace(config.base, run=run.folder, method=run.method, seed=run.seed)
            write_run(Path(run.folder), config_of_run, adapt_report(run.folder, method=run.method, seed=run.seed))
    return ComparisonEntry(folder=str(folder), started="2026-11-21T01:15:00", outcome="completed")


# ---- choosing --------------------------------------------------------------------------------------------------------


def test_methods_are_ticked_and_only_what_fits_is_compared(qtbot: QtBot, model: ProjectModel, theme: Theme) -> None:
    model.update(comparing=False, compared=())
    page = MethodPage(model, theme)
    qtbot.addWidget(page)
    page.show()
    page.several_button.click()
    assert set(model.project.compared) == {info.key for info in METHODS}, "all that fit, to begin with"
    assert page.cards["shot"].box.isVisible()
    assert not page.cards["shot"].button.isVisible()
    page.cards["shot"].box.click()
    assert "shot" not in model.project.compared
    assert model.project.method == DEFAULT_METHOD, "the single choice is left alone"
    page.seeds.setValue(4)
    config = model.project.to_compare_config("/out")
    assert config.seeds == (0, 1, 2, 3)
    assert "shot" not in config.methods
    assert f"{4 * len(config.methods)} runs" in page._seeds_note.text()
    model.update(pairs=())
    assert not page.cards["socket"].box.isEnabled()
    assert "socket" not in model.project.to_compare_config("/out").methods
    for info in model.project.fitting()[1:]:
        page.cards[info.key].box.click()
    assert page.state() == "error"
    page.one_button.click()
    assert page.cards["shot"].button.isVisible()
    assert not page._seeds_card.isVisible()


def test_each_method_keeps_its_own_settings(model: ProjectModel) -> None:
    model.update(settings={"shot": {"im_weight": 2.0}, "tent": {"augment": "none"}}, seed=5, epochs=7)
    config = model.project.to_compare_config("/out")
    assert config.settings == {"shot": {"im_weight": 2.0}}
    assert config.seeds == (5, 6)
    assert [(run.method, run.settings, run.epochs) for run in config.runs()][:2] == [
        ("shot", {"im_weight": 2.0}, 7),
        ("socket", {}, 7),
    ]


def test_choices_and_comparisons_come_back_with_the_project(model: ProjectModel) -> None:
    entry = ComparisonEntry(folder=str(model.folder / "runs" / "c"), started="2026-11-21", outcome="stopped")
    model.update(comparisons=(entry,))
    again = project_from_json(project_as_json(model.project, model.folder), model.folder)
    assert again == model.project


# ---- running ---------------------------------------------------------------------------------------------------------


def test_the_table_grows_and_finished_runs_join_the_project(
    page: RunPage, model: ProjectModel, worker: QuietWorker
) -> None:
    page.on_primary()
    (job,) = worker.jobs
    assert isinstance(job, Compare)
    assert job.config == model.project.to_compare_config(job.config.output)
    out = job.config.output
    worker.say(Compared(report=table_of(out, states("running", "waiting", "waiting", "waiting"))))
    worker.say(*events_of_a_run(1))
    worker.say(Progress(title="SHOT, seed 0 (1 of 4)", fraction=0.2, seconds_left=200.0))
    page._redraw()
    assert page.table.isVisible()
    assert not page._lower.isVisible()
    assert not page.keep_button.isVisible()
    assert page.table.cell("shot", "Runs") == "0 of 2, waiting"
    assert page.story.curves
    assert not model.project.runs
    worker.say(Compared(report=table_of(out, states("completed", "running", "waiting", "waiting"))))
    page._redraw()
    assert page.table.cell("shot", "Accuracy") == "60.0\u202f%"
    assert [(run.method, run.seed, run.outcome) for run in model.project.runs] == [("shot", 0, "completed")]
    assert not page.story.curves, "the next run begins with empty charts"
    worker.say(Compared(report=table_of(out, states("completed", "completed", "completed", "completed"))))
    worker.answer(table_of(out, states("completed", "completed", "completed", "completed")))
    assert len(model.project.runs) == 4
    assert model.project.comparisons[-1].outcome == "completed"
    assert "Highest accuracy: SOCKET" in page.outcome.text
    assert not page.go_on_button.isVisible()


def test_what_failed_is_opened_and_can_be_tried_again(page: RunPage, worker: QuietWorker) -> None:
    page.on_primary()
    (job,) = worker.jobs
    assert isinstance(job, Compare)
    waiting = table_of(job.config.output, states("completed", "waiting", "waiting", "waiting"))
    failed = table_of(job.config.output, states("completed", "completed", "failed", "completed"))
    worker.say(Compared(report=waiting))
    page._redraw()
    worker.say(Compared(report=failed))
    page._redraw()
    line = next(item for item in page.table._lines() if item.text(0) == "SHOT")
    assert line.isExpanded(), "a line that turns bad says why"
    line.setExpanded(False)
    page.table.show_report(failed)
    line = next(item for item in page.table._lines() if item.text(0) == "SHOT")
    assert not line.isExpanded(), "a person may shut it"
    worker.answer(failed)
    assert page.go_on_button.isVisible()
    page.go_on_button.click()
    assert worker.jobs[-1] == job, "complete runs are kept"
    worker.say(Finished(outcome="stopped"))


@pytest.mark.parametrize(
    ("key", "mean", "deviation", "text"),
    [
        (LABEL_FREE_PREFIX + RELIABILITY, 0.4217, 0.0574, "0.422 ± 0.057"),
        (LABEL_FREE_PREFIX + RELIABILITY, 0.4217, 0.0, "0.422 ± 0.00"),
        ("peak_memory_mb", 592.2, 9.1, "592 ± 9 MB"),
        ("peak_memory_mb", 2048.0, 102.4, "2.0 GB ± 102 MB"),
        ("seconds", 742.0, 29.7, "12 min 22 s ± 30 s"),
    ],
)
def test_a_mean_is_as_exact_as_its_spread(key: str, mean: float, deviation: float, text: str) -> None:
    assert spread_text(measure(key), Spread(mean=mean, deviation=deviation, runs=3)) == text


def test_a_stopped_comparison_goes_on_with_the_same_choices(
    page: RunPage, model: ProjectModel, worker: QuietWorker
) -> None:
    page.on_primary()
    (job,) = worker.jobs
    assert isinstance(job, Compare)
    page.stop_button.click()
    assert worker.asked == [("stop", 1)]
    stopped = table_of(job.config.output, states("completed", "stopped", "waiting", "waiting"))
    worker.say(Compared(report=stopped), Finished(outcome="kept", result=replace(stopped, stopped_early=True)))
    assert model.project.comparisons[-1].outcome == "stopped"
    assert "1 run of 4" in page.outcome.headline
    model.update(epochs=3)  # other choices do not change what goes on
    page.go_on()
    assert worker.jobs[-1] == job
    assert len(model.project.comparisons) == 1


def test_what_failed_in_a_comparison_is_warned_of_and_offered_again_on_the_next_start(
    qtbot: QtBot, page: RunPage, model: ProjectModel, worker: QuietWorker, theme: Theme
) -> None:
    page.on_primary()
    (job,) = worker.jobs
    assert isinstance(job, Compare)
    report = table_of(job.config.output, states("completed", "completed", "failed", "completed"))
    page.hide()
    with qtbot.waitSignal(page.told) as told:
        worker.answer(report)
    assert told.args is not None
    assert told.args[0] == "warning"
    write_comparison(model, report)
    later = RunPage(model, worker, theme)
    qtbot.addWidget(later)
    later.show()
    assert "Failed: SHOT" in later.outcome.text
    later.go_on_button.click()
    assert worker.jobs[-1] == job
    worker.answer(table_of(job.config.output, states(*["completed"] * 4)))
    later.closing()


def test_a_crashed_comparison_is_offered_on_the_next_start(
    qtbot: QtBot, model: ProjectModel, worker: QuietWorker, theme: Theme
) -> None:
    report = table_of(model.folder / "runs" / "c", states("completed", "running", "waiting", "waiting"))
    entry = write_comparison(model, report, "running")
    model.update(comparisons=(replace(entry, outcome="running"),))
    page = RunPage(model, worker, theme)
    qtbot.addWidget(page)
    page.show()
    assert "ended unexpectedly" in page.outcome.headline
    assert "1 of 4 runs" in page.outcome.text
    page.go_on_button.click()
    assert worker.jobs == [Compare(config=model.project.to_compare_config(entry.folder))]
    worker.say(Finished(outcome="stopped"))
    page.closing()


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_the_best_is_marked_in_words_and_weight_and_lines_sort(qtbot: QtBot, theme: Theme) -> None:
    table = ComparisonTable(theme)
    qtbot.addWidget(table)
    report = table_of("/c", {**states(*["completed"] * 4), ("tent", 0): "failed", ("aad", 0): "unfit"})  # type: ignore[list-item]
    table.show_report(report)
    table.show()
    assert table.cell("socket", "Accuracy") == "81.0\u202f% best ± 1.4"
    assert table.cell("shot", "Accuracy") == "61.0\u202f% ± 1.4"
    assert table.cell("tent", "Runs") == "0 of 1, failed"
    table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    first = table.topLevelItem(0)
    assert first is not None
    assert first.text(0) == "SOCKET"
    assert first.font(2).bold()
    names = [table.topLevelItem(at).text(0) for at in range(table.topLevelItemCount())]  # type: ignore[union-attr]
    assert names[:3] == ["SOCKET", "SHOT", "Untouched source model"]
    table.show_report(report)
    assert table.topLevelItem(0).text(0) == "SOCKET", "a table that grows stays sorted"  # type: ignore[union-attr]
    failed = next(item for item in table._lines() if item.text(0) == "TENT")
    assert failed.isExpanded()
    assert "It burst." in failed.child(0).text(0)


def test_a_line_opens_to_runs_and_a_run_is_chosen_by_mouse_and_keyboard(qtbot: QtBot, theme: Theme) -> None:
    table = ComparisonTable(theme)
    qtbot.addWidget(table)
    table.show_report(table_of("/c", states(*["completed"] * 4)))  # type: ignore[arg-type]
    line = table.topLevelItem(0)
    assert line is not None
    table.setCurrentItem(line)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert line.isExpanded()
    with qtbot.waitSignal(table.chosen) as chosen:
        table.itemClicked.emit(line.child(1), 0)
    assert chosen.args == ["/c/runs/shot-seed1"]


def test_without_labels_nothing_is_called_accurate(qtbot: QtBot, theme: Theme) -> None:
    report = table_of("/c", states(*["completed"] * 4), labels=False)  # type: ignore[arg-type]
    assert "accuracy is unknown" in comparison_in_words(report)
    values = {f"{LABEL_FREE_PREFIX}{RELIABILITY}": Spread(mean=0.5, deviation=0.1, runs=2)}
    better = replace(report.methods[1], values={key: replace(value, mean=0.9) for key, value in values.items()})
    told = replace(report, methods=(replace(report.methods[0], values=values), better), measures=tuple(values))
    assert "Highest reliability figure: SOCKET" in comparison_in_words(told)


@pytest.fixture
def results(qtbot: QtBot, model: ProjectModel, worker: QuietWorker, theme: Theme) -> Iterator[ResultsPage]:
    page = ResultsPage(model, worker, theme)
    qtbot.addWidget(page)
    page.resize(920, 660)
    page.show()
    yield page
    page.closing()


def test_results_show_the_table_live_and_lead_from_a_run_to_its_images(
    results: ResultsPage, model: ProjectModel, page: RunPage, worker: QuietWorker
) -> None:
    page.compared.connect(results.show_comparison)
    page.on_primary()
    assert results.tabs.isVisible()
    assert results.tabs.currentWidget() is results.comparison
    assert results.manual_chapter == "compare"
    assert "starting" in results.comparison.words.text(), "a table not yet written is no fault"
    assert results.comparison.table.isHeaderHidden()
    (job,) = worker.jobs
    assert isinstance(job, Compare)
    report = table_of(job.config.output, states("completed", "running", "waiting", "waiting"))
    write_comparison(model, report)
    worker.say(Compared(report=report))
    assert results.comparison.words.text().startswith("1 of 4 runs.")
    assert not results.comparison.table.isHeaderHidden()
    assert results.tabs.currentWidget() is results.comparison, "a finished run does not push the table away"
    results.comparison.table.chosen.emit(report.runs[0].folder)
    assert results._folder == report.runs[0].folder
    assert results.tabs.currentWidget() is results._overview
    assert results.verdict.isVisible()
    worker.say(Finished(outcome="stopped"))


def test_a_comparison_of_another_day_is_read_from_its_folder(results: ResultsPage, model: ProjectModel) -> None:
    report = table_of(model.folder / "runs" / "c", states(*["completed"] * 4))  # type: ignore[arg-type]
    entry = write_comparison(model, report)
    model.update(comparisons=(entry,))
    assert results.comparison.table.cell("socket", "Accuracy") == "81.0\u202f% best ± 1.4"
    record = read_comparison(Path(entry.folder))
    assert record.config == model.project.to_compare_config(entry.folder)
    assert record.report == report
    (Path(entry.folder) / "comparison.json").write_text("{")
    model.update(comparisons=(replace(entry, outcome="stopped"),))
    assert "cannot be read" in results.comparison.words.text()
