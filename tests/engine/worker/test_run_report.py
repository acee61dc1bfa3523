"""The report a person takes away: complete, self-contained, and unharmed by odd names and half-written records."""

import dataclasses
import math
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.reports import AdaptReport, Alarm, Finding, Scores
from bandbridge.engine.worker.report import before_after, read_curves, verdict, write_report

CONFIG = RunConfig(
    sources=("/m/a.onnx",), target="/data/<nir> & co", run="/r", pairs=(PairFolders(rgb="/p/rgb", sensor="/p/nir"),)
)


def scores(accuracy: float) -> Scores:
    return Scores(
        images=40,
        accuracy=accuracy,
        balanced_accuracy=accuracy,
        per_class={"Forest": accuracy, "River": accuracy},
        confusion=np.array([[18, 2], [5, 15]]),
        class_names=("Forest", "River"),
    )


REPORT = AdaptReport(
    run="/r", model="/r/model.safetensors", method="socket", seed=3, epochs_done=5, steps_done=50, seconds=61.4,
    images_per_second=120.0, before=scores(0.5), after=scores(0.825), gap_before={"mmd": 0.31, "probe": 1.0},
    gap_after={"mmd": 0.12, "probe": 0.71}, predicted_before={"Forest": 39, "River": 1},
    predicted_after={"Forest": 23, "River": 17}, mean_confidence_before=0.6, mean_confidence_after=0.9,
    agreement_before=0.4, agreement_after=0.7, changed=16, target_images=40, pairs_used=80, pairs_held_out=20,
    set_aside=(Finding(severity="warning", kind="unreadable", file="<b>.tif", what="It is empty."),),
    mixing={"/m/a.onnx": 1.0}, adapter="one band repeated", device="CPU, 1 thread", versions={"torch": "2.13.0"},
)  # fmt: skip


class Reader(HTMLParser):
    """Checks that tags close in order and that nothing is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.polylines = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "iframe")
        self.polylines += tag == "polyline" and dict(attributes)["points"] is not None
        if tag not in ("meta", "br", "rect", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def test_report_shows_the_result_and_the_curves(tmp_path: Path):
    (tmp_path / "losses.csv").write_text("step,total,information\n1,2.5,1.0\n2,1.5,0.5\n3,1.0,0.25\n")
    (tmp_path / "gap.csv").write_text("step,mmd\n0,0.31\n10,0.12\n")
    page = read(write_report(tmp_path, REPORT, CONFIG, method_info("socket")))
    text = " ".join(page.words)
    assert "82.5\u202f%" in text
    assert "50.0\u202f%" in text
    assert "<nir> & co" in text, "names must arrive as text"
    assert "<b>.tif" in text
    assert "ECCV 2022" in text
    assert page.polylines == 3


def test_report_repeats_alarms_and_shows_what_needs_no_labels(tmp_path: Path):
    (tmp_path / "epochs.csv").write_text("step,epoch,balanced_agreement,density,Forest\n0,0,,1.5,3\n10,1,,1.2,4\n")
    alarm = Alarm(kind="collapse", step=10, what="One class <i>is</i> all.", why="It was not.", do="Try less.")
    report = dataclasses.replace(
        REPORT, alarms=(alarm,), label_free_before={"density": 1.5}, label_free_after={"density": 1.2}
    )
    page = read(write_report(tmp_path, report, CONFIG, method_info("socket")))
    text = " ".join(page.words)
    assert "One class <i>is</i> all." in text
    assert "Try less." in text
    assert page.polylines == 1, "a curve of the density: no classes, no measure that is not there"
    row = next(row for row in before_after(report) if "Neighbourhood density" in row.title)
    assert (row.before, row.after) == ("1.5", "1.2")


def test_report_without_labels_pairs_or_training(tmp_path: Path):
    bare = dataclasses.replace(
        REPORT, before=None, after=None, gap_before={}, gap_after={}, agreement_before=None, agreement_after=None,
        steps_done=0, epochs_done=0, images_per_second=0.0, set_aside=(), pairs_used=0, pairs_held_out=0,
    )  # fmt: skip
    config = dataclasses.replace(CONFIG, pairs=(), method="source-only")
    page = read(write_report(tmp_path, bare, config, method_info("source-only")))
    assert "no labels" in " ".join(page.words)
    assert page.polylines == 0


def test_verdict_says_so_when_it_got_worse():
    worse = dataclasses.replace(REPORT, after=scores(0.25))
    assert "fell to 25.0" in verdict(worse)
    assert [row.after for row in before_after(worse)][:2] == ["25.0\u202f%", "25.0\u202f%"]


@pytest.mark.parametrize("last_line", ["20,0.2", "20,0.2,n", "2"])
def test_a_half_written_last_line_and_missing_values_do_no_harm(tmp_path: Path, last_line: str):
    record = tmp_path / "gap.csv"
    record.write_text(f"step,mmd,cka\n0,0.5,nan\n10,0.25,nan\n{last_line}")
    (curve,) = read_curves(record)
    assert (curve.first, curve.last, curve.from_step, curve.to_step) == (0.5, 0.25, 0, 10)


def test_a_long_curve_is_drawn_with_few_points_and_keeps_its_spike(tmp_path: Path):
    values = np.ones(50_000)
    values[31_234] = 100.0
    lines = "\n".join(f"{step},{value}" for step, value in enumerate(values))
    (tmp_path / "losses.csv").write_text(f"step,total\n{lines}\n")
    (curve,) = read_curves(tmp_path / "losses.csv")
    points = [tuple(map(float, point.split(","))) for point in curve.points.split()]
    assert len(points) <= 302
    assert min(down for _, down in points) == 0.0
    assert curve.high == 100.0


@pytest.mark.parametrize("text", ["", "step,total\n", "step,total\n1,2\n"])
def test_a_record_without_a_curve_gives_none(tmp_path: Path, text: str):
    (tmp_path / "losses.csv").write_text(text)
    assert read_curves(tmp_path / "losses.csv") == []
    assert read_curves(tmp_path / "missing.csv") == []


def test_constant_curve_is_a_line_in_the_middle(tmp_path: Path):
    (tmp_path / "losses.csv").write_text("step,total\n1,2\n2,2\n")
    (curve,) = read_curves(tmp_path / "losses.csv")
    assert curve.points == "0.0,45.0 300.0,45.0"
    assert math.isclose(curve.low, curve.high)
