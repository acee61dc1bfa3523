import io
import os
import subprocess
import sys

import numpy as np
import pytest
from bandbridge.engine.api.events import EpochEnd, Losses, Progress, TrainingStarted
from bandbridge.engine.cli.progress import LineReporter, duration, reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_lines_that_stay_stand_above_the_line_that_changes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "150")
    stream = Terminal()
    with reporter(stream) as told:
        told.emit(TrainingStarted(stage="SOCKET", steps=20, steps_per_epoch=10, device="CPU", terms=()))
        told.emit(Losses(steps=np.array([4]), values={"total": np.array([1.5])}, images_per_second=88.0, memory_mb=1.0))
        told.emit(Progress(title="Adapting", done=4, total=20, unit="step", fraction=0.2, seconds_left=100.0))
        told.emit(EpochEnd(step=10, epoch=1, predicted_counts={}, mean_confidence=0.5, held_out_agreement=None))
        told.say("files [1] and [2]")
    text = stream.getvalue()
    assert "SOCKET: 20 steps in 2 epochs on CPU" in text
    assert "4 of 20 steps, 2 min left, loss 1.500, 88 images/s" in text
    assert "Epoch 1 of 2: confidence 50.0%" in text
    assert "files [1] and [2]" in text


def test_elsewhere_long_work_speaks_now_and_then(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    stream = io.StringIO()
    told = LineReporter(stream)
    for done in range(7):
        told.emit(Progress(title="Reading", done=done, total=7, unit="image"))
    assert stream.getvalue().splitlines() == ["Reading", "  3 of 7 images", "  6 of 7 images"]


def test_a_stage_is_told_once_and_when_it_begins():
    stream = io.StringIO()
    told = LineReporter(stream)
    for number, stage in enumerate(("Teacher", "Student")):
        told.emit(
            TrainingStarted(
                stage=stage,
                steps=4,
                steps_per_epoch=2,
                device="CPU",
                terms=(),
                number=number,
                stages=("Teacher", "Student"),
            )
        )
        told.emit(Progress(title=f"Stage {number + 1} of 2: {stage}", done=1, total=4, unit="step"))
    assert stream.getvalue().splitlines() == [
        "Stage 1 of 2, Teacher: 4 steps in 2 epochs on CPU",
        "Stage 2 of 2, Student: 4 steps in 2 epochs on CPU",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (200, "3 min"), (7800, "2 h 10 min")])
def test_durations_are_as_coarse_as_they_are_long(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
def test_a_reader_that_goes_away_is_no_failure_with_a_traceback():
    code = "from bandbridge.engine.cli.main import main; import sys; sys.exit(main(['--version']))"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run([sys.executable, "-c", code], stdout=nobody, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "")
