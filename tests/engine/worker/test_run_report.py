"""The report a person takes away: complete, self-contained, and unharmed by odd names and half-written records."""

import dataclasses
import math
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import DistillConfig, PairFolders, RunConfig
from bandbridge.engine.api.events import LOSS_TERMS
from bandbridge.engine.api.reports import AdaptReport, Alarm, ClipScores, DistillReport, Finding, Scores
from bandbridge.engine.api.video_catalogue import video_method_info
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import Clip, ReadingRule
from bandbridge.engine.video.clip_set import ClipSet
from bandbridge.engine.worker.clip_report import write_clip_report
from bandbridge.engine.worker.report import before_after, loss_curves, read_curves, verdict, write_report

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
        self.polylines = self.pictures = self.fetched = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe")
        self.pictures += tag == "img" and (dict(attributes)["src"] or "").startswith("data:image/jpeg;base64,")
        self.fetched += tag == "img"
        self.polylines += tag == "polyline" and dict(attributes)["points"] is not None
        if tag not in ("meta", "br", "rect", "polyline", "img"):
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
    assert reader.fetched == reader.pictures, "all pictures are within the page"
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


@pytest.mark.parametrize(("terms", "shown"), [("9.0", 2), ("2.5", 1)])
def test_a_total_of_one_term_alone_is_not_drawn_twice(tmp_path: Path, terms: str, shown: int):
    (tmp_path / "losses.csv").write_text(f"step,total,sparsity\n1,2.5,{terms}\n2,1.5,1.5\n")
    curves = loss_curves(tmp_path, ["Adapting"])
    assert len(curves) == shown
    assert curves[-1].title == LOSS_TERMS["sparsity"][0]


def test_large_numbers_are_written_out(tmp_path: Path):
    (tmp_path / "losses.csv").write_text("step,total,sparsity\n1,2060,1020.4\n2,2000,1000\n")
    config = dataclasses.replace(CONFIG, no_data=65535.0)
    text = write_report(tmp_path, REPORT, config, method_info("socket")).read_text(encoding="utf-8")
    assert "1,020 at the start" in text
    assert "65,535" in text


# ---- clips -----------------------------------------------------------------------------------------------------------

CLIPS = ("a/1.mp4", "a/2.mp4", "b/1.mp4", "b/2.mp4")
OF_CLIPS = ClipScores(clips=40, classes=scores(0.825), measures={"accuracy": 0.825, "recall_at_1": 0.5})
DISTILLED = DistillReport(
    run="/r", model="/r/model.safetensors", method="mnf-csc", teacher="sound", seed=3, tags=False,
    class_names=("Forest", "River"), clips={"train": 80, "validation": 20, "test": 40}, taught=78, splits_drawn=True,
    validation=None, test=OF_CLIPS, teacher_validation=None,
    teacher_test=ClipScores(clips=40, measures={"accuracy": 0.95}), separation={"temperature": 0.8},
    separation_by_sound={"silent": {"temperature": 0.9}}, epochs_done=5, steps_done=50, seconds=61.4,
    clips_per_second=9.0, set_aside=(Finding(severity="warning", kind="unreadable", file="<b>.mp4", what="Empty."),),
    device="CPU, 1 thread", versions={"torch": "2.13.0"}, stages=("Teacher", "Student"),
)  # fmt: skip


@pytest.fixture
def clip_set() -> ClipSet:
    """Three clips with pictures, and one that is sound alone."""
    pictures = [np.full((6, 16, 16, 3), 40 * n, np.uint8) for n in range(3)] + [np.zeros((0, 16, 16, 3), np.uint8)]
    clips = [Clip(one, None, 1.5) for one in pictures]
    rule = ReadingRule(fps=4.0, size_px=16)
    return ClipSet(CLIPS, clips, [len(one) for one in pictures], [Path(name) for name in CLIPS], ClipCache(rule), 4)


def test_report_of_clips_shows_numbers_curves_and_clips(tmp_path: Path, clip_set: ClipSet):
    for number in (1, 2):
        (tmp_path / f"losses-{number}.csv").write_text("step,total,sparsity\n1,2.5,9.0\n2,1.5,7.5\n")
    (tmp_path / "epochs.csv").write_text(
        "step,stage,epoch,mean_confidence,accuracy\n0,Teacher,0,0.5,0.5\n3,Teacher,1,0.5,0.9\n3,Student,0,0.5,0.4\n"
        "6,Student,1,0.5,0.8\n"
    )
    (tmp_path / "predictions.csv").write_text(
        "file,split,truth,predicted,confidence\na/1.mp4,test,Forest,River,0.9\nb/1.mp4,train,Forest,River,0.9\n"
    )
    (tmp_path / "signs.csv").write_text(
        "file,split,labels,sound,correspondence\na/2.mp4,train,Forest,matched,0.9\nb/2.mp4,train,River,silent,0.1\n"
    )
    config = DistillConfig(clips="/data/<clips> & co", run="/r")
    page = read(write_clip_report(tmp_path, DISTILLED, config, video_method_info("mnf-csc"), clip_set))
    text = " ".join(page.words)
    assert "accuracy is 82.5\u202f%, the teacher's 95.0\u202f%; guessing reaches 50.0\u202f%." in text
    assert "no better than chance" not in text
    assert "Forest, taken for River (90.0\u202f%)" in text
    assert "River · correspondence 0.10 · sound: silent" in text
    assert "90.0\u202f%" in text, "how well silence is found out"
    assert "<clips> & co" in text
    assert "<b>.mp4" in text
    assert page.pictures == 2, "one of the three clips shown is sound alone"
    assert page.polylines == 6, "two terms of two stages, and accuracy of two networks"
    assert "Student: simplicity of the filter" in text


def test_report_of_clips_does_not_praise_what_guessing_reaches(tmp_path: Path, clip_set: ClipSet):
    poor = dataclasses.replace(OF_CLIPS, measures={"accuracy": 0.55})
    report = dataclasses.replace(DISTILLED, test=poor, teacher_test=None, separation={}, separation_by_sound={})
    config = DistillConfig(clips="/data/clips", run="/r", method="ce")
    text = " ".join(read(write_clip_report(tmp_path, report, config, video_method_info("ce"), clip_set)).words)
    assert "That is no better than chance." in text
    tagged = ClipScores(clips=40, tagging={"rain": 0.9, "dog": 0.5}, measures={"tagging_map": 0.7})
    report = dataclasses.replace(report, tags=True, test=tagged)
    text = " ".join(read(write_clip_report(tmp_path, report, config, video_method_info("ce"), clip_set)).words)
    assert "tagging mAP is 70.0\u202f%." in text
    assert "rain" in text
    strange = ClipScores(clips=4, measures={"recall_at_1": 0.0})
    report = dataclasses.replace(report, tags=False, test=strange)
    text = " ".join(read(write_clip_report(tmp_path, report, config, video_method_info("ce"), clip_set)).words)
    assert "none of the labelled test clips is of a class it knows" in text
    report = dataclasses.replace(report, test=None)
    text = " ".join(read(write_clip_report(tmp_path, report, config, video_method_info("ce"), clip_set)).words)
    assert "not measured" in text
