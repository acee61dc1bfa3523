"""Comparisons: the same runs as alone, one table whatever happens to some of them, and going on after a stop."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import pytest
import torch
from bandbridge.engine.api import events
from bandbridge.engine.api.config import CompareConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.jobs import Adapt, Compare
from bandbridge.engine.api.launch import Quit, Submit, start_worker
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.worker import compare as compare_module
from bandbridge.engine.worker.adapt import adapt
from bandbridge.engine.worker.compare import compare
from bandbridge.engine.worker.peak_memory import forget_peak
from bandbridge.engine.worker.serve import serve
from safetensors import safe_open


class Thread:
    """Stands in for a process, so that a run need not wait for torch to load."""

    pid: int | None = None

    def __init__(self, work: Callable[[], object], exitcode: int) -> None:
        self._thread = threading.Thread(target=work)
        self._thread.start()
        self._code = exitcode

    @property
    def exitcode(self) -> int | None:
        return None if self._thread.is_alive() else self._code

    def join(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    def kill(self) -> None:
        raise AssertionError("it should have ended by itself")

    def close(self) -> None:
        assert not self._thread.is_alive()


@pytest.fixture
def threads(monkeypatch):
    """Runs are done in this process; returns how many were begun."""
    begun = []

    def start():
        here, there = Pipe()
        begun.append(here)
        return Thread(lambda: (serve(there), there.close()), 0), here

    monkeypatch.setattr(compare_module, "start_worker", start)
    return begun


@pytest.fixture
def make(make_config, tmp_path):
    def make(methods=("bn-adapt", "shot"), seeds=(0, 1), settings=None, **changes):
        return CompareConfig(
            base=make_config("", **changes),
            methods=methods,
            seeds=seeds,
            output=str(tmp_path / "compared"),
            settings=settings or {},
        )

    return make


def run(config, poll=None):
    said = []
    return compare(Compare(config=config), said.append, Control(poll)), said


def states(report):
    return {(run.method, run.seed): run.state for run in report.runs}


def model_of(folder):
    """Every weight to the bit, and what the file says of itself (the order in which it says so is up to chance)."""
    with safe_open(str(Path(folder) / "model.safetensors"), "np") as file:
        return {key: file.get_tensor(key).tobytes() for key in file.keys()} | file.metadata()  # noqa: SIM118


def table(config, name):
    return list(csv.DictReader((Path(config.output) / name).read_text().splitlines()))


def test_a_run_in_a_comparison_is_the_run_alone(make, make_config, tmp_path):
    """Through a worker, as the window does it; every bit of the model is that of an adaptation with these choices."""
    config = make(methods=("socket",), seeds=(3,), settings={"socket": {"pairs_weight": 0.7}})
    process, connection = start_worker()
    try:
        connection.send(Submit(Compare(config=config)))
        while not isinstance(event := connection.recv(), events.Finished):
            pass
        connection.send(Quit())
        process.join(20)
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        connection.close()
    assert event.outcome == "completed", event.problem
    (done,) = event.result.runs
    alone = make_config("alone", method="socket", seed=3, settings={"pairs_weight": 0.7})
    report = adapt(Adapt(config=alone), lambda _: None, Control())
    assert model_of(done.folder) == model_of(report.run)
    assert done.values["accuracy"] == report.after.accuracy
    assert 50 < done.values["peak_memory_mb"] < 4000


def test_a_failing_and_an_unfit_method_are_lines_and_the_rest_goes_on(make, threads, monkeypatch):
    def burst(ground):
        raise RuntimeError("the boiler burst")

    monkeypatch.setitem(STAGES, "shot", burst)
    config = make(methods=("shot", "socket", "bn-adapt"), pairs=())
    report, said = run(config)
    assert len(threads) == 4, "who does not fit is not begun"
    by_name = {entry.method: entry for entry in report.methods}
    assert {name: entry.state for name, entry in by_name.items()} == {
        "shot": "failed",
        "socket": "unfit",
        "bn-adapt": "completed",
    }
    assert "the boiler burst" in by_name["shot"].problem
    assert "needs pairs" in by_name["socket"].problem
    assert by_name["bn-adapt"].values["accuracy"].runs == 2
    assert "agreement" not in report.measures
    rows = table(config, "comparison.csv")
    assert [row["state"] for row in rows if row["method"] == "bn-adapt"] == ["completed", "completed"]
    assert "the boiler burst" in rows[0]["problem"]
    page = (Path(config.output) / "comparison.html").read_text()
    assert "the boiler burst" in page
    assert "needs pairs" in page
    fractions = [event.fraction for event in said if isinstance(event, events.Progress)]
    assert fractions == sorted(fractions)


def test_the_summary_is_that_of_the_runs(make, threads):
    config = make(methods=("shot",), seeds=(0, 1, 2))
    report, _ = run(config)
    single = [float(row["confidence"]) for row in table(config, "comparison.csv")]
    (summary,) = table(config, "summary.csv")
    assert float(summary["confidence_mean"]) == pytest.approx(sum(single) / 3)
    assert float(summary["confidence_sd"]) > 0
    assert summary["confidence_n"] == "3"
    assert report.before["accuracy"] == pytest.approx(1 / 3)
    facts = json.loads((Path(config.output) / "comparison.json").read_text())
    assert facts["state"] == "completed"
    assert facts["config"]["seeds"] == [0, 1, 2]


@pytest.mark.parametrize("command", ["stop", "stop_keep"])
def test_a_stopped_comparison_goes_on_and_ends_as_if_nothing_had_been(make, threads, command, tmp_path):
    config = make(epochs=4)
    heard = {"steps": 0}

    def hear(event):
        if isinstance(event, events.Losses) and heard.get("method") == "shot":
            heard["steps"] += len(event.steps)
        if isinstance(event, events.Compared):
            heard["method"] = next((run.method for run in event.report.runs if run.state == "running"), "")

    def poll():
        if heard["steps"] >= 2 and not heard.get("asked"):
            heard["asked"] = True
            return command
        return None

    stopped = compare(Compare(config=config), hear, Control(poll))
    assert stopped.stopped_early
    first = states(stopped)
    assert next(iter(first.values())) == "completed"
    assert "waiting" in first.values()
    assert list(first.values())[1] in ("stopped", "completed"), "it may have come to its end before it heard"
    model = Path(stopped.runs[0].folder) / "model.safetensors"
    made = model.stat().st_mtime_ns
    begun = len(threads)
    whole, _ = run(config)
    assert len(threads) == begun + 4 - list(first.values()).count("completed")
    assert set(states(whole).values()) == {"completed"}
    assert model.stat().st_mtime_ns == made, "what is complete is not done again"
    other, _ = run(replace(config, output=str(tmp_path / "undisturbed")))
    for place, (one, two) in enumerate(zip(whole.runs, other.runs, strict=True)):
        went_on = list(first.values())[place] == "stopped"
        assert ("seconds" in one.values) != went_on, "the time of half a run is nobody's"
        assert model_of(one.folder) == model_of(two.folder)


def test_a_stop_is_not_waited_for_while_a_run_is_still_loading(make, monkeypatch):
    ends = []

    class Loading:
        """A process that has not come as far as hearing anything."""

        exitcode = None

        def kill(self):
            self.exitcode = -9

        def join(self, timeout=None):
            assert self.exitcode == -9

        def close(self):
            pass

    def start():
        here, there = Pipe()
        ends.append(there)  # open, and silent
        return Loading(), here

    monkeypatch.setattr(compare_module, "start_worker", start)
    stopped, _ = run(make(), lambda: "stop" if ends else None)
    assert len(ends) == 1
    assert list(states(stopped).values()) == ["stopped", "waiting", "waiting", "waiting"]


def test_a_run_killed_before_its_first_checkpoint_is_begun_anew(make, threads):
    config = make(methods=("shot",), seeds=(0,))
    (alone,) = config.runs()
    adapt(Adapt(config=alone), lambda _: None, Control())
    folder = Path(alone.run)
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts | {"state": "running"}))
    (folder / "checkpoint.safetensors").unlink()
    (Path(config.output) / "comparison.json").write_text('{"format": "bandbridge-comparison-1"}')
    report, _ = run(config)
    assert set(states(report).values()) == {"completed"}


def test_a_process_that_dies_is_a_failed_run(make, monkeypatch):
    def start():
        here, there = Pipe()
        return Thread(lambda: (there.recv(), there.close()), -9), here

    monkeypatch.setattr(compare_module, "start_worker", start)
    report, _ = run(make(methods=("shot",)))
    assert [run.state for run in report.runs] == ["failed", "failed"]
    assert "memory ran out" in report.methods[0].problem


def test_methods_and_seeds_may_be_added_but_nothing_else_changed(make, threads, tmp_path):
    run(make(methods=("bn-adapt",), seeds=(0,)))
    report, _ = run(make(methods=("bn-adapt", "source-only"), seeds=(0, 5)))
    assert len(threads) == 4
    assert report.methods[0].completed == 2
    for changed in (make(methods=("shot",), batch_size=4), make(epochs=3)):
        with pytest.raises(UsageError, match="other data or another budget"):
            run(changed)
    config = make(methods=("shot",), seeds=(0,))
    run(config)
    with pytest.raises(UsageError, match="other choices"):
        run(replace(config, settings={"shot": {"im_weight": 0.5}}))


def test_what_cannot_work_is_refused_before_anything_is_begun(make, threads, tmp_path):
    for config in (
        make(methods=()),
        make(seeds=(1, 1)),
        make(methods=("magic",)),
        make(settings={"shot": {"volume": 11}}),
        make(methods=("socket",), pairs=()),
        make(target=str(tmp_path / "nowhere")),
    ):
        with pytest.raises(UsageError):
            run(config)
    (tmp_path / "compared").mkdir()
    (tmp_path / "compared" / "thesis.docx").touch()
    with pytest.raises(UsageError, match="never writes over"):
        run(make())
    assert not threads


def test_watching_memory_begins_before_anything_is_on_the_card(monkeypatch):
    """torch refuses to reset the account of a card it has not touched yet, and the first run touches none before."""
    asked = []
    monkeypatch.setattr(torch.cuda, "init", lambda: asked.append("init"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: asked.append("reset"))
    forget_peak(torch.device("cuda"))
    assert asked == ["init", "reset"]
