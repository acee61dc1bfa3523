"""Several methods on the same data with the same budget: one ordinary run each, one table for all.

    runs/<method>-seed<N>    ordinary run folders
    comparison.csv           a line a run
    summary.csv              a line a method: mean, standard deviation and number of runs of every number
    comparison.html          both as a page, to print or to send
    comparison.json          what was asked and the result, for this program

Every run has a process of its own: its peak memory is then its own, and a method that crashes or is killed for lack of
memory is a line in the table instead of the end of it. The tables are written anew after every run.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import AnyRunConfig, CompareConfig, DistillConfig, RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Compared, Event, Finished, Notice, Problem, Progress
from bandbridge.engine.api.jobs import Adapt, Compare, Distill
from bandbridge.engine.api.launch import Ask, Quit, Submit, start_worker
from bandbridge.engine.api.measures import LABEL_FREE_PREFIX, guessing, in_order, leading, spread
from bandbridge.engine.api.reading_board import left_by
from bandbridge.engine.api.reports import ClipScores, ComparedMethod, ComparedRun, CompareReport, RunState, Scores
from bandbridge.engine.api.run_files import CHECKPOINT_FILE, REPORT_FILE, RUN_FILE
from bandbridge.engine.api.video_catalogue import any_method_info, video_method_info
from bandbridge.engine.video.clip_list import TEST
from bandbridge.engine.worker.adapt import check
from bandbridge.engine.worker.clip_report import labels_of
from bandbridge.engine.worker.comparison_report import write_comparison
from bandbridge.engine.worker.distill import check_distillation
from bandbridge.engine.worker.run_folder import (
    DISTILLATION_FORMAT,
    RUN_FORMAT,
    as_plain,
    fingerprint,
    write_json,
    write_table,
)
from bandbridge.engine.worker.sensor_reading import settled

COMPARISON_FILE = "comparison.json"
COMPARISON_FORMAT = "bandbridge-comparison-1"
_RUN_TABLE, _SUMMARY_TABLE = "comparison.csv", "summary.csv"
_ALREADY_THERE = {"agreement", "changed"}
# How many processes of one run may die with the same image in hand.
_MOST_DEATHS = 3
_LOOK_EVERY_S = 0.05
_END_PATIENCE_S = 5.0
_FIRST: tuple[RunState, ...] = ("failed", "running", "stopped", "waiting", "unfit", "completed")

Emit = Callable[[Event], None]


def compare(job: Compare, emit: Emit, control: Control) -> CompareReport:
    """Carry out a comparison, or go on with one; what runs leave behind is described in `run_folder`.

    Stopping, with or without "keep", keeps all runs that are complete: half a run is no fair part of a comparison.

    Raises:
        UsageError: The request is wrong, no method fits, or the folder holds something else.
        StorageError: The tables could not be written.
    """
    _check_request(job.config)
    config = job.config
    if isinstance(config.base, RunConfig):  # settled once for all runs, so that the last is read as the first was
        config = replace(config, base=settled(config.base, emit, control))
    _check_folder(config)
    return _Comparison(config, emit, control).carry_out()


def values_of(facts: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """A run's numbers after and before the adaptation, by the keys of `measures.measure`.

    Args:
        facts: An `AdaptReport` as plain values, as in `report.json`.
    """
    images = max(int(facts["target_images"]), 1)
    after: dict[str, object] = {
        "confidence": facts["mean_confidence_after"],
        "agreement": facts["agreement_after"],
        "changed": facts["changed"] / images,
        "seconds": facts["seconds"],
    }
    before: dict[str, object] = {
        "confidence": facts["mean_confidence_before"],
        "agreement": facts["agreement_before"],
    }
    for name in ("images_per_second", "peak_memory_mb", "peak_gpu_memory_mb"):
        after[name] = facts.get(name) or None  # 0 stands for none
    if facts.get("resumed"):  # known of its last part alone, which is no fair part of a comparison
        for name in ("seconds", "peak_memory_mb", "peak_gpu_memory_mb"):
            del after[name]
    for side, moment in ((before, "before"), (after, "after")):
        scores = facts[moment]
        if scores is not None:
            side |= {name: scores[name] for name in ("accuracy", "balanced_accuracy")}
        scores_without = facts.get(f"label_free_{moment}", {})
        side |= {f"{LABEL_FREE_PREFIX}{name}": scores_without[name] for name in scores_without.keys() - _ALREADY_THERE}
    return _numbers(after), _numbers(before)


def values_of_clips(facts: Mapping[str, Any]) -> dict[str, float]:
    """A distillation's numbers on the test clips, by the keys of `measures.measure`.

    Args:
        facts: A `DistillReport` as plain values, as in `report.json`.
    """
    found: dict[str, object] = dict(facts["test"]["measures"]) if facts["test"] is not None else {}
    for key, value in (facts["teacher_test"] or {"measures": {}})["measures"].items():
        if key in ("accuracy", "tagging_map"):
            found[f"teacher_{key}"] = value
    found |= {f"{name}_separation": value for name, value in facts["separation"].items()}
    found["clips_per_second"] = facts["clips_per_second"] or None  # 0 stands for none
    if not facts["resumed"]:  # known of its last part alone, which is no fair part of a comparison
        found |= {name: facts[name] or None for name in ("seconds", "peak_memory_mb", "peak_gpu_memory_mb")}
    return _numbers(found)


def guessed_of_clips(facts: Mapping[str, Any], folder: Path) -> dict[str, float]:
    """What guessing reaches on the test clips, by the key of the measure that leads.

    Args:
        facts: A `DistillReport` as plain values, as in `report.json`.
        folder: The run folder, with `predictions.csv`.
    """
    test = facts["test"]
    if test is None:
        return {}
    classes = test["classes"]
    if classes is not None:
        classes = Scores(**classes | {"confusion": np.array(classes["confusion"], np.int64)})
    scores = ClipScores(clips=test["clips"], classes=classes, tagging=test["tagging"], measures=test["measures"])
    chance = guessing(scores, labels_of(folder, TEST))
    return {} if chance is None else {leading(test["measures"]): chance}


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    return {key: float(v) for key, v in values.items() if isinstance(v, int | float) and math.isfinite(v)}


class _Comparison:
    """One comparison at work."""

    def __init__(self, config: CompareConfig, emit: Emit, control: Control) -> None:
        self._config = config
        self._emit = emit
        self._control = control
        self._folder = Path(config.output)
        self._configs: tuple[AnyRunConfig, ...] = config.runs()
        self._before: dict[str, dict[str, float]] = {}
        self._images = 0
        self._told: set[str] = set()
        self._stopping = False
        self._in_hand: tuple[str, ...] = ()  # what the process of a run was reading when it died
        self._began_run = self._share = 0.0
        self._overheads: list[float] = []  # of a process and its imports, in seconds
        self._runs = [self._found(run) for run in self._configs]
        if all(run.state == "unfit" for run in self._runs):
            raise UsageError("None of these methods can work with what is given.", self._runs[0].problem)

    def carry_out(self) -> CompareReport:
        """Do every run that is not complete yet."""
        self._tell("running")
        for place, config in enumerate(self._configs):
            if self._runs[place].state not in ("completed", "unfit"):
                self._take_turn(place, config)
            if self._stopping:
                break
        return self._tell("stopped" if self._stopping else "completed")

    def _take_turn(self, place: int, config: AnyRunConfig) -> None:
        self._put(place, state="running", problem="")
        self._tell("running")
        deaths: Counter[str] = Counter()
        while True:
            resume = (Path(config.run) / CHECKPOINT_FILE).is_file()
            if not resume and (Path(config.run) / RUN_FILE).is_file():
                shutil.rmtree(config.run)  # a run of this comparison that had not come as far as a checkpoint
            finished = self._carry_out_one(place, _job_of(config, resume=resume))
            # It died over images: the next process tries these in a safe place, and leaves out what is to blame.
            deaths.update(self._in_hand)
            if not self._in_hand or self._stopping or max(deaths.values()) == _MOST_DEATHS:
                break
        if finished.outcome == "completed":
            self._runs[place] = done = self._completed(self._runs[place])
            if "seconds" in done.values:
                self._overheads.append(time.perf_counter() - self._began_run - done.values["seconds"])
        elif finished.outcome == "failed" and not self._stopping:
            self._put(place, state="failed", problem=str(finished.problem))
        else:
            self._put(place, state="stopped")

    # ---- one run -------------------------------------------------------------------------------------------------

    def _carry_out_one(self, place: int, job: Adapt | Distill) -> Finished:
        """Let a process of its own do a run; passes on what it says and what it is asked."""
        self._began_run, self._share = time.perf_counter(), 0.0
        self._pass_on(place, Progress(title="Starting"))
        self._in_hand = ()
        process, connection = start_worker()
        heard = False
        try:
            connection.send(Submit(job))
            while True:
                command = self._control.next_command()
                if command is not None:
                    stop = command in ("stop", "stop_keep")
                    self._stopping |= stop
                    if stop and not heard:  # it is still loading, and would not hear it for long
                        process.kill()
                        return Finished(outcome="stopped")
                    connection.send(Ask("stop" if stop else command))
                if connection.poll(_LOOK_EVERY_S):
                    event = connection.recv()
                    heard = True
                    if isinstance(event, Finished):
                        connection.send(Quit())
                        return event
                    self._pass_on(place, event)
        except (EOFError, OSError):
            process.join(_END_PATIENCE_S)
            self._in_hand = left_by(process.pid or 0)
            return Finished(outcome="failed", problem=_death_in_words(process.exitcode, self._in_hand))
        finally:
            _end(process, connection)

    def _pass_on(self, place: int, event: Event) -> None:
        match event:
            case Progress():
                self._emit(self._of_all(place, event))
            case Notice():
                if event.text not in self._told:  # every run finds the same about the same files
                    self._told.add(event.text)
                    self._emit(event)
            case _:
                self._emit(event)

    def _of_all(self, place: int, event: Progress) -> Progress:
        """A run's progress as that of the whole comparison."""
        run = self._runs[place]
        self._share = max(self._share, event.fraction or 0.0)
        turns = [at for at, other in enumerate(self._runs) if other.state != "unfit"]
        done = sum(other.state in ("completed", "failed") for other in self._runs)
        return replace(
            event,
            title=f"{any_method_info(run.method).title}, seed {run.seed} ({turns.index(place) + 1} of {len(turns)})",
            detail=". ".join(part for part in (event.title, event.detail) if part),
            fraction=min((done + self._share) / len(turns), 1.0),
            seconds_left=self._seconds_left(run, event.seconds_left),
        )

    def _seconds_left(self, at_work: ComparedRun, left_s: float | None) -> float | None:
        """Judged by the complete runs of each method or, where there is none, by those of all that train."""
        known: dict[str, list[float]] = {}
        for run in self._runs:
            if run.state == "completed" and "seconds" in run.values:
                known.setdefault(run.method, []).append(run.values["seconds"])
        spent_s = time.perf_counter() - self._began_run
        if left_s is not None:
            known.setdefault(at_work.method, []).append(spent_s + left_s)
        trained = [s for method, times in known.items() if any_method_info(method).trains for s in times]
        if left_s is None:
            times = known.get(at_work.method, trained)
            if not times:
                return None
            left_s = max(sum(times) / len(times) - spent_s, 0.0)
        for run in self._runs:
            if run.state in ("waiting", "stopped"):
                times = known.get(run.method, trained)
                if not times:
                    return None
                left_s += sum(times) / len(times) + (sum(self._overheads) / max(len(self._overheads), 1))
        return left_s

    # ---- the table -----------------------------------------------------------------------------------------------

    def _found(self, config: AnyRunConfig) -> ComparedRun:
        """A run's line before anything is done: its state on the disk, if there is one of this configuration."""
        run = ComparedRun(method=config.method, seed=config.seed, folder=config.run, state="waiting")
        try:
            _check_run(config)
        except UsageError as error:
            return replace(run, state="unfit", problem=str(error))
        facts = _read(Path(config.run) / RUN_FILE)
        if facts is None:
            return run
        if facts.get("fingerprint") != fingerprint(config):
            raise UsageError(
                f"'{config.run}' holds a run with other choices.",
                "Its settings, model, images or budget differ, and a comparison needs the same for all.",
                "Choose another folder for this comparison.",
            )
        if facts.get("state") == "completed":
            return self._completed(run)
        return replace(run, state="stopped")

    def _completed(self, run: ComparedRun) -> ComparedRun:
        facts = _read(Path(run.folder) / REPORT_FILE)
        if facts is None:
            return replace(run, state="stopped")
        if self._config.of_clips:
            values = values_of_clips(facts)
            self._before[run.folder] = guessed_of_clips(facts, Path(run.folder))
            self._images = int(facts["test"]["clips"]) if facts["test"] is not None else 0
        else:
            values, self._before[run.folder] = values_of(facts)
            self._images = int(facts["after"]["images"]) if facts["after"] is not None else 0
        alarms = tuple(str(alarm["what"]) for alarm in facts.get("alarms", ()))
        return replace(run, state="completed", problem="", alarms=alarms, values=values)

    def _put(self, place: int, **changes: Any) -> None:
        self._runs[place] = replace(self._runs[place], **changes)

    def _tell(self, state: str) -> CompareReport:
        """Write the tables as they are now, and tell."""
        before = list(self._before.values())
        means = {key: spread([side[key] for side in before if key in side]) for key in {k for s in before for k in s}}
        report = CompareReport(
            folder=str(self._folder),
            methods=tuple(self._summary(method) for method in self._config.methods),
            runs=tuple(self._runs),
            measures=in_order(key for run in self._runs for key in run.values),
            images=self._images,
            before={key: mean.mean for key, mean in means.items() if mean is not None},
            stopped_early=state == "stopped",
        )
        self._write(report, state)
        self._emit(Compared(report=report))
        return report

    def _summary(self, method: str) -> ComparedMethod:
        runs = [run for run in self._runs if run.method == method]
        completed = [run.values for run in runs if run.state == "completed"]
        alarms = [run.alarms[0] for run in runs if run.state == "completed" and run.alarms]
        spreads = {
            key: spread([values[key] for values in completed if key in values])
            for key in in_order(key for values in completed for key in values)
        }
        return ComparedMethod(
            method=method,
            state=min((run.state for run in runs), key=_FIRST.index),
            completed=len(completed),
            runs=len(runs),
            problem=next((run.problem for run in runs if run.problem), ""),
            alarm=f"{len(alarms)} of {len(completed)} runs: {alarms[0]}" if alarms else "",
            values={key: value for key, value in spreads.items() if value is not None},
        )

    def _write(self, report: CompareReport, state: str) -> None:
        write_json(
            self._folder / COMPARISON_FILE,
            {"format": COMPARISON_FORMAT, "state": state, "config": self._config, "report": report},
        )
        write_table(
            self._folder / _RUN_TABLE,
            ("method", "seed", "state", *report.measures, "alarms", "problem", "run"),
            [
                (
                    run.method,
                    run.seed,
                    run.state,
                    *_numbers_of(run, report.measures),
                    " ".join(run.alarms),
                    run.problem,
                    run.folder,
                )
                for run in report.runs
            ],
        )
        write_table(
            self._folder / _SUMMARY_TABLE,
            (
                "method",
                "state",
                "completed",
                "runs",
                *(f"{key}_{what}" for key in report.measures for what in ("mean", "sd", "n")),
            ),
            [(m.method, m.state, m.completed, m.runs, *_cells(m, report.measures)) for m in report.methods],
        )
        write_comparison(self._folder, report, self._config)


def _numbers_of(run: ComparedRun, keys: tuple[str, ...]) -> list[float | str]:
    return [run.values.get(key, "") for key in keys]


def _cells(method: ComparedMethod, keys: tuple[str, ...]) -> list[float | str]:
    cells: list[float | str] = []
    for key in keys:
        value = method.values.get(key)
        if value is None:
            cells += ["", "", 0]
        else:
            cells += [value.mean, "" if value.deviation is None else value.deviation, value.runs]
    return cells


def _job_of(config: AnyRunConfig, *, resume: bool) -> Adapt | Distill:
    if isinstance(config, RunConfig):
        return Adapt(config=config, resume=resume)
    return Distill(config=config, resume=resume)


def _check_run(config: AnyRunConfig) -> None:
    """Refuse what cannot work before anything is read.

    Raises:
        UsageError: The method does not fit what is given, or a number is out of range.
    """
    if isinstance(config, RunConfig):
        check(config, method_info(config.method))
    else:
        check_distillation(config)


def _check_request(config: CompareConfig) -> None:
    for what, given in (("method", config.methods), ("seed", config.seeds)):
        if not given:
            raise UsageError(f"No {what} was given.", "", f"Name at least one {what}.")
        if len(set(given)) < len(given):
            raise UsageError(f"A {what} is named twice.", "", "Name each once.")
    info_of = video_method_info if config.of_clips else method_info
    for method in (*config.methods, *config.settings):
        info_of(method).resolve(config.settings.get(method, {}))
    base = config.base
    for path in (base.clips,) if isinstance(base, DistillConfig) else (*base.sources, base.target):
        if not Path(path).exists():
            raise UsageError(f"'{path}' does not exist.", "", "Check the path.")


def _check_folder(config: CompareConfig) -> None:
    folder = Path(config.output)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is not a folder.", "", "Choose another place for the comparison.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if (_read(folder / COMPARISON_FILE) or {}).get("format") != COMPARISON_FORMAT:
        raise UsageError(
            f"The folder '{folder}' is not empty and holds no comparison.",
            "A comparison never writes over what is there.",
            "Choose another folder.",
        )
    for file in sorted(folder.glob(f"runs/*/{RUN_FILE}")):
        facts = _read(file) or {}
        if facts.get("format") in (RUN_FORMAT, DISTILLATION_FORMAT) and _shared(facts["config"]) != _shared(
            as_plain(config.base)
        ):
            raise UsageError(
                f"The comparison in '{folder}' was begun with other data or another budget.",
                f"'{file.parent.name}' differs, and a table needs the same for all.",
                "Choose another folder for this comparison.",
            )


def _shared(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What all runs of a comparison have in common."""
    own = ("method", "settings", "seed", "run", "device")
    return {name: value for name, value in facts.items() if name not in own}


def _read(file: Path) -> dict[str, Any] | None:
    """A JSON file's facts; None if it is missing or damaged."""
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def _end(process: SpawnProcess, connection: Connection) -> None:
    """See a worker out: it goes by itself once told to quit or once the pipe is closed."""
    connection.close()
    process.join(_END_PATIENCE_S)
    if process.exitcode is None:
        process.kill()
        process.join()
    process.close()


def _death_in_words(exit_code: int | None, in_hand: tuple[str, ...]) -> Problem:
    why = "It ended without an answer."
    if exit_code is not None and exit_code < 0:
        name = f"signal {-exit_code}"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-exit_code).name
        why = f"It crashed or was ended from outside ({name})."
        if name == "SIGKILL":
            why = "The system ended it, most often because memory ran out."
    if in_hand:
        why += f" It was reading {', '.join(map(repr, in_hand))}."
    return Problem(
        what="The process of this run has ended unexpectedly.",
        why=why,
        do="Start the comparison again: it goes on with this run.",
    )
