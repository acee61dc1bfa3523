"""The command line as a contract: words in, exit code, sentences and JSON out. The engine's work is stood in for."""

import dataclasses
import json
import re
import shlex
import signal
import subprocess
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.config import DistillConfig, PairFolders, StretchRule, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError, Stopped, UsageError
from bandbridge.engine.api.events import Compared, EpochEnd, Event, Losses, Notice, Progress, TrainingStarted
from bandbridge.engine.api.jobs import (
    Adapt,
    CheckData,
    Distill,
    Evaluate,
    Export,
    InspectScene,
    Job,
    MakeSample,
    MakeVideoSample,
    Predict,
    Retrieve,
    ScanFolder,
    ScanPairs,
    Translate,
)
from bandbridge.engine.api.reports import (
    AdaptReport,
    Alarm,
    CheckedPart,
    CheckReport,
    ClipQuery,
    ClipScores,
    ComparedMethod,
    ComparedRun,
    CompareReport,
    DistillReport,
    EvaluateClipsReport,
    EvaluateReport,
    ExportReport,
    Finding,
    FoundClip,
    PairShift,
    Prediction,
    PredictReport,
    Report,
    RetrieveReport,
    SampleReport,
    SceneReport,
    Scores,
    Spread,
    TranslatedImage,
    TranslateReport,
    VideoSampleReport,
)
from bandbridge.engine.cli.arguments import build_parser
from bandbridge.engine.cli.main import main
from bandbridge.engine.imagery.reading.image_cache import ImageCache
from bandbridge.engine.worker import perform as perform_module
from rasterio.errors import NotGeoreferencedWarning

VERBS = (
    "open",
    "sample",
    "train-source",
    "inspect",
    "check",
    "adapt",
    "distill",
    "retrieve",
    "compare",
    "evaluate",
    "predict",
    "translate",
    "export",
    "cache",
    "benchmark",
)
SCORES = Scores(
    images=4,
    accuracy=0.75,
    balanced_accuracy=0.5,
    per_class={"Forest": 1.0, "River": 0.0},
    confusion=np.array([[3, 0], [1, 0]]),
    class_names=("Forest", "River"),
)
ADAPTED = AdaptReport(
    run="/runs/[1]", model="/runs/[1]/model.safetensors", method="shot", seed=7, epochs_done=2, steps_done=20,
    seconds=12.5, images_per_second=99.0, before=dataclasses.replace(SCORES, accuracy=0.25), after=SCORES,
    gap_before={"mmd": 0.5}, gap_after={"mmd": float("nan")}, predicted_before={"Forest": 4, "River": 0},
    predicted_after={"Forest": 3, "River": 1}, mean_confidence_before=0.4, mean_confidence_after=0.9,
    agreement_before=0.5, agreement_after=0.75, changed=1, target_images=4, pairs_used=8, pairs_held_out=2,
    set_aside=(Finding(severity="warning", kind="unreadable", file="a[b].tif", what="It is empty."),),
    mixing={"/m": 1.0}, adapter="repeated", device="CPU", versions={"torch": "2.13.0"},
)  # fmt: skip
ALARM = Alarm(kind="collapse", step=10, what="One class takes all.", why="It was small.", do="Try less.")

RAN = ComparedRun(
    method="shot", seed=0, folder="/c/runs/1", state="completed", values={"accuracy": 0.8, "seconds": 9.0}
)
COMPARED = CompareReport(
    folder="/c",
    methods=(
        ComparedMethod(
            method="shot", state="completed", completed=2, runs=2,
            values={"accuracy": Spread(mean=0.7, deviation=0.1, runs=2)},
        ),
        ComparedMethod(method="tent", state="failed", completed=0, runs=1, problem="It burst."),
    ),
    runs=(RAN, ComparedRun(method="tent", seed=0, folder="/c/runs/2", state="failed", problem="It burst.")),
    measures=("accuracy",),
)  # fmt: skip

Work = Callable[[Job, Callable[[Event], None], Control], Report]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work | Report | Exception], list[Job]]:
    """`engine(report)` makes every job answer that (or raise, or do some work); returns the jobs it was given."""
    asked: list[Job] = []

    def stand_in(answer: Work | Report | Exception) -> list[Job]:
        def perform(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
            asked.append(job)
            if isinstance(answer, Exception):
                raise answer
            return answer(job, emit, control) if callable(answer) else answer

        monkeypatch.setattr(perform_module, "perform", perform)
        return asked

    return stand_in


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model and folders of images by name."""
    for name in ("rgb", "nir", "target", "labelled"):
        (tmp_path / name).mkdir()
    (tmp_path / "m.safetensors").touch()
    (tmp_path / "m.tif").touch()
    (tmp_path / "names.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_examples_that_parse(verb: str, capsys: pytest.CaptureFixture[str]):
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    shown = re.findall(r"^  bandbridge (.*?)(?:   .*)?$", text, flags=re.MULTILINE)
    assert shown, "no examples"
    for line in shown:
        assert build_parser().parse_args(shlex.split(line)).verb == verb
    assert ("--json" in text) == (verb != "open")


def test_help_answers_without_loading_anything_heavy():
    code = (
        "import sys; from bandbridge.engine.cli.main import main; main(['adapt', '--help']);"
        "print('HEAVY', sorted({'numpy', 'torch', 'rich', 'pydantic', 'PySide6', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"bandbridge \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_cache_is_told_and_emptied(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = ImageCache.of_user().folder
    folder.path.mkdir(parents=True)
    folder.file("survey").write_bytes(bytes(30_000_000))
    assert main(["cache"]) == 0
    assert "0.03 GB of at most 10 GB" in capsys.readouterr().out
    assert main(["cache", "--clear", "--json", str(tmp_path / "freed.json")]) == 0
    assert json.loads((tmp_path / "freed.json").read_text())["freed"] == 30_000_000
    assert folder.size_bytes() == 0


@pytest.mark.parametrize(
    "line",
    [
        "sharpen",
        "adapt --source m.safetensors --target target",
        "adapt --target target -o run",
        "adapt --source missing.pth --target target -o run --method shot",
        "adapt --source m.safetensors --target missing -o run --method shot",
        "adapt --source m.safetensors --target m.safetensors -o run --method shot",
        "adapt --source m.safetensors --target target -o run --method magic",
        "adapt --source m.safetensors --target target -o run --method shot --set volume=11",
        "adapt --source m.safetensors --target target -o run --method shot --set im_weight",
        "adapt --source m.safetensors --target target -o run --method shot --set im_weight=-1",
        "adapt --source m.safetensors --target target -o run --method shot --set batch_size=many",
        "adapt --source m.safetensors --target target -o run --method shot --sensor-bands 0",
        "adapt --source m.safetensors --target target -o run --method shot --sensor-bands 3-1",
        "adapt --source m.safetensors --target target -o run --pair-table m.safetensors",
        "adapt --resume target",
        "adapt --config missing.json",
        "compare --source m.safetensors --target target",
        "compare --source m.safetensors -o c",
        "compare --source m.safetensors --target target -o c --methods shot,magic",
        "compare --source m.safetensors --target target -o c --seeds 2-1",
        "compare --source m.safetensors --target target -o c --methods shot --set pairs_weight=1",
        "compare --source m.safetensors --target target -o c --methods shot --set socket.pairs_weight=1",
        "compare --source m.safetensors --target target -o c --methods shot --set shot.im_weight=-1",
        "distill rgb",
        "distill nowhere -o run",
        "distill rgb -o run --method shot",
        "distill rgb -o run --teacher smell",
        "distill rgb -o run --method kd --set contrast_weight=1",
        "distill rgb -o run --set temperature=0",
        "distill rgb -o run --teacher-features nowhere.h5",
        "distill --resume rgb",
        "retrieve nowhere clip.mp4",
        "compare --clips rgb -o c --methods shot",
        "compare --clips rgb -o c --source m.safetensors",
        "compare --clips rgb -o c --methods ce --set kd.temperature=2",
        "compare --source m.safetensors --target target -o c --fps 4",
        "train-source rgb -o m2 --set pairs_weight=1",
        "evaluate m.safetensors nowhere",
        "predict m.safetensors",
        "export m.safetensors --format pickle -o x",
        "inspect nowhere",
        "check",
        "check --pairs rgb nowhere",
        "check --target target --pair-table names.txt",
        "open nowhere",
        "sample here --seed one",
        "sample here --noise 0.2",
        "evaluate m.safetensors labelled --json nir",
    ],
)
def test_wrong_use_is_told_in_words_and_ends_with_2(line: str, folders: Path, engine, monkeypatch, capsys):
    monkeypatch.setenv("DISPLAY", ":99")
    asked = engine(ADAPTED)
    assert main(shlex.split(line)) == 2
    assert asked == []
    error = capsys.readouterr().err
    assert error.strip()
    assert "Traceback" not in error


def test_the_engines_word_for_wrong_use_ends_with_2_too(folders: Path, engine, capsys):
    engine(UsageError("There is no band 9.", "The files have 3.", "Choose 1 to 3."))
    assert main(["evaluate", "m.safetensors", "labelled"]) == 2
    assert capsys.readouterr().err == "bandbridge: There is no band 9.\n  The files have 3.\n  Choose 1 to 3.\n"


def test_failure_is_three_sentences_and_ends_with_1(folders: Path, engine, capsys):
    engine(ModelError("The file is no model.", "It is empty.", "Choose another.", details="at byte 0"))
    assert main(["evaluate", "m.safetensors", "labelled"]) == 1
    out, error = capsys.readouterr()
    assert (out, error) == ("", "bandbridge: The file is no model.\n  It is empty.\n  Choose another.\n")
    assert main(["evaluate", "m.safetensors", "labelled", "--debug"]) == 1
    assert "at byte 0" in capsys.readouterr().err


def test_even_a_programming_error_shows_no_traceback_unless_asked(folders: Path, engine, capsys):
    engine(ZeroDivisionError("division by zero"))
    assert main(["evaluate", "m.safetensors", "labelled"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main(["evaluate", "m.safetensors", "labelled", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_adapt_passes_on_everything_typed(folders: Path, engine):
    (folders / "pairs.csv").touch()
    asked = engine(ADAPTED)
    line = (
        "adapt --source m.safetensors --source m.safetensors --pairs rgb nir --pairs rgb rgb --pair-table pairs.csv "
        "--method socket --target target -o runs/1 --rgb-bands 4,3,2 --sensor-bands 8 --epochs 3 --seed 5 --device cpu "
        "--set im_weight=0.5 --set batch_size=8 --set no_data=-9999 --set stretch_high=99.5 --set adapter=replicate"
    )
    assert main(shlex.split(line)) == 0
    (job,) = asked
    assert isinstance(job, Adapt)
    config = job.config
    assert config.sources == (str(folders / "m.safetensors"),) * 2
    assert [(Path(p.rgb).name, Path(p.sensor).name, p.table) for p in config.pairs] == [
        ("rgb", "nir", str(folders / "pairs.csv")),
        ("rgb", "rgb", None),
    ]
    assert (config.target, config.run) == (str(folders / "target"), str(folders / "runs" / "1"))
    assert (config.method, config.rgb_bands, config.sensor_bands) == ("socket", (4, 3, 2), (8,))
    assert (config.epochs, config.seed, config.device, config.batch_size) == (3, 5, "cpu", 8)
    assert (config.no_data, config.stretch.high_percent, config.adapter) == (-9999.0, 99.5, "replicate")
    assert dict(config.settings) == {"im_weight": 0.5}


def test_tiles_typed_go_before_those_of_the_configuration_file(folders: Path, engine):
    (folders / "c.json").write_text(json.dumps({"tiles": {"size_px": 96, "most": 7}}))
    asked = engine(ModelError("enough"))
    line = "adapt --config c.json --source m.safetensors --target m.tif -o r --method shot"
    main(shlex.split(f"{line} --tile-most 8"))
    (job,) = asked
    assert isinstance(job, Adapt)
    assert job.config.tiles == TileRule(size_px=96, most=8)
    assert main(shlex.split(f"{line} --tile 3")) == 2
    (folders / "c.json").write_text(json.dumps({"tiles": {"width": 96}}))
    assert main(shlex.split(line)) == 2


def test_options_go_before_the_configuration_file(folders: Path, engine):
    fields = {"sources": ["m.safetensors"], "target": "target", "run": "old", "method": "shot", "epochs": 9, "seed": 1}
    (folders / "c.json").write_text(json.dumps({**fields, "settings": {"im_weight": 2.0, "pseudo_weight": 0.1}}))
    asked = engine(ADAPTED)
    assert main(shlex.split("adapt --config c.json -o new --seed 2 --set im_weight=3")) == 0
    config = asked[0].config  # type: ignore[union-attr]
    assert (config.run, config.seed, config.epochs) == (str(folders / "new"), 2, 9)
    assert dict(config.settings) == {"im_weight": 3.0, "pseudo_weight": 0.1}


def test_resume_goes_on_with_the_runs_own_configuration_where_the_folder_now_is(folders: Path, engine, capsys):
    fields = {"sources": ["/gone/m"], "target": "/t", "run": "/where/it/was", "method": "shot", "epochs": 9}
    (folders / "moved").mkdir()
    (folders / "moved" / "run.json").write_text(json.dumps({"format": "bandbridge-run-1", "config": fields}))
    asked = engine(ADAPTED)
    assert main(["adapt", "--resume", "moved"]) == 0
    (job,) = asked
    assert isinstance(job, Adapt)
    assert job.resume
    assert (job.config.run, job.config.epochs) == (str(folders / "moved"), 9)
    assert main(["adapt", "--resume", "moved", "--epochs", "3"]) == 2
    assert "epochs" in capsys.readouterr().err


def test_compare_gives_every_method_its_settings_and_all_the_rest_to_all(folders: Path, engine):
    fields = {"sources": ["m.safetensors"], "target": "target", "method": "shot", "epochs": 9, "seed": 4, "run": "x"}
    (folders / "c.json").write_text(json.dumps({**fields, "settings": {"im_weight": 2.0}}))
    asked = engine(COMPARED)
    line = "compare --config c.json --methods shot,bn-adapt,socket --seeds 0-2,7 -o out --pairs rgb nir "
    assert main(shlex.split(line + "--set augment=none --set socket.im_weight=3 --set batch_size=8")) == 1
    config = asked[0].config  # type: ignore[union-attr]
    assert (config.methods, config.seeds) == (("shot", "bn-adapt", "socket"), (0, 1, 2, 7))
    assert config.output == str(folders / "out")
    assert (config.base.epochs, config.base.batch_size, len(config.base.pairs)) == (9, 8, 1)
    assert config.settings == {
        "shot": {"im_weight": 2.0, "augment": "none"},
        "socket": {"augment": "none", "im_weight": 3.0},
    }
    runs = config.runs()
    assert [(run.method, run.seed) for run in runs[:4]] == [("shot", 0), ("bn-adapt", 0), ("socket", 0), ("shot", 1)]
    assert len({run.run for run in runs}) == 12
    assert all(run.epochs == 9 for run in runs)


def test_compare_shows_spread_and_says_what_failed(folders: Path, engine, capsys):
    def work(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
        emit(Compared(report=dataclasses.replace(COMPARED, runs=(dataclasses.replace(RAN, state="running"),))))
        emit(TrainingStarted(stage="SHOT", steps=20, steps_per_epoch=10, device="CPU", terms=("information",)))
        emit(Compared(report=COMPARED))
        return COMPARED

    engine(work)
    line = "compare --source m.safetensors --target target --methods shot,tent -o c --json c.json"
    assert main(shlex.split(line)) == 1, "a run failed"
    out, error = capsys.readouterr()
    assert "70.0 ± 10.0" in out
    assert "TENT failed: It burst." in out
    assert error.splitlines() == ["SHOT, seed 0: accuracy 80.0%, 9 s", "TENT, seed 0: failed. It burst."]
    result = strict(folders / "c.json")
    assert result["methods"][0]["values"]["accuracy"] == {"mean": 0.7, "deviation": 0.1, "runs": 2}  # type: ignore[index]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("sample s --seed 3", lambda at: MakeSample(folder=at("s"), seed=3)),
        ("sample v --video --seed 3", lambda at: MakeVideoSample(folder=at("v"), seed=3)),
        ("sample v --video --clips-per-class 8 --noise 0", lambda at: MakeVideoSample(
            folder=at("v"), clips_per_class=8, noise=0.0)),
        ("evaluate m.safetensors labelled --sensor-bands 8", lambda at: Evaluate(
            model=at("m.safetensors"), folder=at("labelled"), bands=(8,))),
        ("predict m.safetensors nir target -o p.csv", lambda at: Predict(
            model=at("m.safetensors"), paths=(at("nir"), at("target")), output=at("p.csv"))),
        ("evaluate m.safetensors labelled --class-names names.txt", lambda at: Evaluate(
            model=at("m.safetensors"), folder=at("labelled"), class_names=at("names.txt"))),
        ("predict m.safetensors nir --class-names names.txt", lambda at: Predict(
            model=at("m.safetensors"), paths=(at("nir"),), class_names=at("names.txt"))),
        ("translate target nir m.tif -o out --sensor-bands 8 --stretch own --no-data 255 --tile 256 --overlap 32",
            lambda at: Translate(run=at("target"), paths=(at("nir"), at("m.tif")), output=at("out"), bands=(8,),
                no_data=255.0, stretch="own", tile_px=256, overlap_px=32)),
        ("export m.safetensors --format onnx -o x.onnx", lambda at: Export(
            source=at("m.safetensors"), format="onnx", output=at("x.onnx"))),
        ("inspect nir --sensor-bands 2,11-13", lambda at: ScanFolder(folder=at("nir"), bands=(2, 11, 12, 13))),
        ("inspect nir --despeckle 5 --sensor-profile sar-db", lambda at: ScanFolder(
            folder=at("nir"), profile="sar-db", stretch=StretchRule(kind="auto", despeckle_px=5))),
        ("inspect nir --stretch log", lambda at: ScanFolder(folder=at("nir"), stretch=StretchRule(kind="log"))),
        ("inspect nir --stretch range:-20,40.5", lambda at: ScanFolder(
            folder=at("nir"), stretch=StretchRule(kind="range", low_value=-20.0, high_value=40.5))),
        ("check --target target --stretch percentile:1,99", lambda at: CheckData(
            target=at("target"), stretch=StretchRule(low_percent=1.0, high_percent=99.0))),
        ("check --pairs rgb nir --pairs target nir --pair-table names.txt --target target --sensor-bands 8 --csv f.csv "
            "--shifts s.csv --shifts t.csv",
            lambda at: CheckData(
                pairs=(PairFolders(rgb=at("rgb"), sensor=at("nir"), table=at("names.txt")),
                    PairFolders(rgb=at("target"), sensor=at("nir"))),
                target=at("target"), sensor_bands=(8,), table=at("f.csv"), shifts=(at("s.csv"), at("t.csv")))),
        ("inspect m.tif --tile 64 --tile-most 9",
            lambda at: InspectScene(path=at("m.tif"), tiles=TileRule(size_px=64, most=9))),
        ("inspect m.tif m.tif --tile-overlap 8", lambda at: ScanPairs(
            folders=PairFolders(rgb=at("m.tif"), sensor=at("m.tif")), tiles=TileRule(overlap_px=8))),
        ("check --pairs m.tif m.tif --target m.tif --tile-missing 0.1", lambda at: CheckData(
            pairs=(PairFolders(rgb=at("m.tif"), sensor=at("m.tif")),), target=at("m.tif"),
            tiles=TileRule(most_missing=0.1))),
        ("predict m.safetensors m.tif --tile 64", lambda at: Predict(
            model=at("m.safetensors"), paths=(at("m.tif"),), tiles=TileRule(size_px=64))),
        ("check --pairs rgb nir --pairs target nir --shifts s.csv --pair-shifts names.txt",
            lambda at: CheckData(
                pairs=(PairFolders(rgb=at("rgb"), sensor=at("nir"), shifts=at("names.txt")),
                    PairFolders(rgb=at("target"), sensor=at("nir"))),
                shifts=(at("s.csv"),))),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_the_job(line: str, wanted, folders: Path, engine):
    asked = engine(ModelError("enough"))
    main(shlex.split(line))
    assert asked == [wanted(lambda name: str(folders / name))]


@pytest.mark.parametrize("stretch", ["range", "range:5", "range:5,1", "log:98,2", "warp:1,2", "percentile:a,b"])
def test_a_stretch_that_is_none_is_refused(stretch: str, folders: Path, engine, capsys):
    asked = engine(ModelError("enough"))
    assert main(["inspect", "nir", "--stretch", stretch]) == 2
    assert "is no stretch such as" in capsys.readouterr().err
    assert not asked


def test_a_run_takes_the_stretch_that_is_typed(folders: Path, engine):
    asked = engine(ADAPTED)
    assert main(shlex.split("adapt --source m.safetensors --target target -o r --stretch log:1,99")) == 0
    assert asked[0].config.stretch == StretchRule(kind="log", low_percent=1, high_percent=99)  # type: ignore[union-attr]
    assert main(shlex.split("adapt --source m.safetensors --target target -o r --despeckle 3")) == 0
    assert asked.pop().config.stretch == StretchRule(kind="auto", despeckle_px=3)  # type: ignore[union-attr]
    fields = {"sources": ["m.safetensors"], "target": "target", "run": "old", "stretch": {"kind": "range"}}
    (folders / "c.json").write_text(json.dumps(fields))
    assert main(shlex.split("adapt --config c.json")) == 2  # a range of what?
    assert len(asked) == 1


def test_bands_may_be_named(tmp_path: Path, engine):
    for band in ("B02", "B03", "B04", "B08"):
        (tmp_path / "s2" / "p").mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(
                tmp_path / "s2" / "p" / f"p_{band}.tif", "w", driver="GTiff", width=4, height=4, count=1, dtype="uint16"
            ) as file:
                file.write(np.ones((1, 4, 4), np.uint16))
    asked = engine(ModelError("enough"))
    main(["inspect", str(tmp_path / "s2"), "--sensor-bands", "B04,b03,B02"])
    assert asked == [ScanFolder(folder=str(tmp_path / "s2"), bands=(3, 2, 1))]
    assert main(["inspect", str(tmp_path / "s2"), "--sensor-bands", "B11"]) == 1
    assert len(asked) == 1


def test_inspecting_two_folders_pairs_them(folders: Path, engine):
    asked = engine(ModelError("enough"))
    main(["inspect", "rgb", "nir"])
    (job,) = asked
    assert isinstance(job, ScanPairs)
    assert (Path(job.folders.rgb).name, Path(job.folders.sensor).name) == ("rgb", "nir")


def test_a_check_is_done_whatever_it_found(folders: Path, engine, capsys):
    alike = [
        Finding(
            severity="warning", kind="clipped", file=f"{n}.tif", what=f"{n} is cut off.", why="It is lost.", do="Redo."
        )
        for n in range(9)
    ]
    sparse = Finding(severity="error", kind="empty", file="rgb", what="There are no images.")
    shift = PairShift(pair="a", rgb="a", sensor="a", right_px=3, down_px=0, confidence=20, sure=True)
    engine(
        CheckReport(
            parts=(
                CheckedPart(role="target", folder="/t", images=9, findings=(*alike, sparse)),
                CheckedPart(role="pairs", folder="/n", images=1, shifts=(shift,)),
            ),
            counts={"clipped": 9, "empty": 1},
            images=11,
            seconds=0.5,
        )
    )
    assert main(shlex.split("check --target target --json r.json")) == 0
    text = capsys.readouterr().out
    assert text.index("There are no images.") < text.index("0 is cut off."), "errors come first"
    assert text.count("It is lost. Redo.") == 1, "a reason is said once"
    assert "and 4 more like these" in text
    assert "clipped (9), empty (1)" in text
    assert "measured for 1 of 1" in text
    result = strict(folders / "r.json")
    assert result["counts"] == {"clipped": 9, "empty": 1}
    assert result["parts"][0]["findings"][9]["severity"] == "error"  # type: ignore[index]


def strict(path: Path) -> dict[str, object]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_adapt_json_has_what_the_contract_names(folders: Path, engine):
    engine(ADAPTED)
    assert main(shlex.split("adapt --source m.safetensors --target target -o r --method shot --json out/r.json")) == 0
    result = strict(folders / "out" / "r.json")
    assert result["method"] == "shot"
    assert result["seed"] == 7
    assert (result["seconds"], result["images_per_second"]) == (12.5, 99.0)
    assert result["accuracy"] == {"before": 0.25, "after": 0.75}
    assert result["balanced_accuracy"] == {"before": 0.5, "after": 0.5}
    assert result["modality_gap"] == {"before": {"mmd": 0.5}, "after": {"mmd": None}}, "NaN is null"
    assert result["predicted"] == {"before": {"Forest": 4, "River": 0}, "after": {"Forest": 3, "River": 1}}
    assert result["versions"] == {"torch": "2.13.0"}
    assert result["after"]["confusion"] == [[3, 0], [1, 0]]  # type: ignore[index]
    assert [path.name for path in (folders / "out").iterdir()] == ["r.json"]


def test_adapt_json_says_null_without_labels(folders: Path, engine, capsys):
    engine(dataclasses.replace(ADAPTED, before=None, after=None))
    assert main(shlex.split("adapt --source m.safetensors --target target -o r --method shot --json r.json")) == 0
    assert strict(folders / "r.json")["accuracy"] == {"before": None, "after": None}
    assert "no accuracy" in capsys.readouterr().out


def test_tables_show_the_numbers_and_never_mistake_names_for_markup(folders: Path, engine, capsys):
    engine(ADAPTED)
    main(shlex.split("adapt --source m.safetensors --target target -o r --method shot"))
    out = capsys.readouterr().out
    assert re.search(r"Accuracy\W+25\.0%\W+75\.0%", out)
    assert "/runs/[1]/model.safetensors" in out
    assert "a[b].tif: It is empty." in out


@pytest.mark.parametrize(
    ("line", "report", "shown"),
    [
        ("evaluate m.safetensors labelled", EvaluateReport(model="m", folder="f", scores=SCORES), "75.0%"),
        ("predict m.safetensors nir", PredictReport(model="m", class_names=("Forest",), predictions=(
            Prediction(file="x.tif", class_name="Forest", confidence=0.5, probabilities=(0.5,)),)), "x.tif"),
        ("translate target nir -o out", TranslateReport(translator="t", output="/out", seconds=3.0, device="CPU",
            images=(TranslatedImage(
                file="x[1].tif", picture="x[1].png", width=9, height=7, georeferenced=False, missing=0.25),)),
            "x[1].tif: x[1].png (9 x 7, 25.0% without data)"),
        ("predict m.safetensors m.tif --tile 64", PredictReport(model="m", class_names=("Forest",), predictions=(
            Prediction(file="m.tif/r00000_c00064_64px", class_name="Forest", confidence=0.5, probabilities=(0.5,),
                place=(500_000.0, 4.5), system="EPSG:32633"),)), "500000, 4.5"),
        ("inspect m.tif", SceneReport(path="m.tif", width=700, height=300, bands=8, dtype="uint8", no_data=None,
            frame=255.0, system="WGS 84", pixel_m=10.0, tile_px=64, tiles=5000, used=2000),
            "5000 of 64 pixels, 640 m wide on the ground, of which 2000 drawn at random are used"),
        ("export m.safetensors --format onnx -o x", ExportReport(output="/x", format="onnx", checked_images=3,
            largest_difference=1e-6, same_classes=True, explanation="Takes raw values."), "Takes raw values."),
        ("sample s", SampleReport(folder="/s", source="/s/m", sensors={"nir": ("/s/a", "/s/b", "/c")}, seed=0), "nir"),
        ("sample v --video", VideoSampleReport(folder="/v", table="/v/clips.csv", classes=("Rain",), clips={"train": 2},
            sounds={"matched": 1, "silent": 1}, seed=0), "matched (1), silent (1)"),
    ],
)  # fmt: skip
def test_every_verb_shows_and_writes_its_result(line: str, report: Report, shown: str, folders: Path, engine, capsys):
    engine(report)
    assert main([*shlex.split(line), "--json", "out.json"]) == 0
    assert shown in capsys.readouterr().out
    assert strict(folders / "out.json")["verb"] == line.split()[0]


ADAPT_LINE = shlex.split("adapt --source m.safetensors --target target -o r --method shot")


def test_ctrl_c_once_stops_and_keeps(folders: Path, engine, capsys):
    def work(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped) as stopped:
            control.check()
        assert stopped.value.keep
        control.check()  # the last look at the images goes on undisturbed
        return dataclasses.replace(ADAPTED, stopped_early=True)

    engine(work)
    assert main(ADAPT_LINE) == 0
    out, error = capsys.readouterr()
    assert "Stopping and keeping" in error
    assert "Stopped early" in out


def test_ctrl_c_twice_stops(folders: Path, engine, capsys):
    def work(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped) as stopped:
            control.check()
        assert not stopped.value.keep
        raise stopped.value

    engine(work)
    before = signal.getsignal(signal.SIGINT)
    assert main(ADAPT_LINE) == 1
    assert "Stopped." in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("looks", [True, False])
def test_ctrl_c_ends_even_what_does_not_look_any_more(looks: bool, folders: Path, engine, capsys):
    def work(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
        signal.raise_signal(signal.SIGINT)
        if looks:
            with pytest.raises(Stopped):
                control.check()
        else:
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("must have ended")

    engine(work)
    assert main(ADAPT_LINE) == 1
    assert "Stopped." in capsys.readouterr().err


def test_ctrl_c_stops_what_cannot_be_kept_at_once(folders: Path, engine):
    def work(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
        signal.raise_signal(signal.SIGINT)
        control.check()
        raise AssertionError("must stop")

    engine(work)
    assert main(["evaluate", "m.safetensors", "labelled"]) == 1


def test_progress_goes_to_the_error_stream_as_plain_lines(folders: Path, engine, capsys):
    def work(job: Job, emit: Callable[[Event], None], control: Control) -> Report:
        for done in range(100):
            emit(Progress(title="Reading target images", done=done, total=100, unit="image"))
        emit(Notice(level="warning", text="a.tif: It is empty."))
        emit(TrainingStarted(stage="SHOT", steps=20, steps_per_epoch=10, device="CPU", terms=("information",)))
        emit(Losses(steps=np.array([1]), values={"total": np.array([1.5])}, images_per_second=9.0, memory_mb=1.0))
        emit(EpochEnd(step=10, epoch=1, predicted_counts={}, mean_confidence=0.5, held_out_agreement=0.25))
        emit(ALARM)
        emit(dataclasses.replace(ALARM, standing=False))
        return ADAPTED

    engine(work)
    main(ADAPT_LINE)
    assert capsys.readouterr().err.splitlines() == [
        "Reading target images",
        "Warning: a.tif: It is empty.",
        "SHOT: 20 steps in 2 epochs on CPU",
        "Epoch 1 of 2: confidence 50.0%, agreement on held-out pairs 25.0%",
        "Alarm: One class takes all. It was small. Try less.",
        "No longer: One class takes all.",
    ]


def test_an_alarm_that_holds_in_the_end_is_told_and_written(folders: Path, engine, capsys):
    engine(lambda job, emit, control: dataclasses.replace(ADAPTED, alarms=(ALARM,)))
    main([*ADAPT_LINE, "--json", "r.json"])
    assert "Alarm: One class takes all." in capsys.readouterr().out
    (alarm,) = json.loads(Path("r.json").read_text())["alarms"]
    assert (alarm["kind"], alarm["do"]) == ("collapse", "Try less.")


def test_without_a_display_the_window_is_refused_with_what_to_do_instead(monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 1
    assert "bandbridge sample" in capsys.readouterr().err


def test_without_a_verb_or_with_open_the_window_opens(folders: Path, monkeypatch):
    opened: list[list[str]] = []
    window = types.ModuleType("bandbridge.gui.app")
    window.main = lambda arguments: opened.append(arguments) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bandbridge.gui.app", window)
    (folders / "p.bandbridge").touch()
    assert main([]) == 0
    assert main(["open", "p.bandbridge"]) == 0
    assert opened == [[], [str(folders / "p.bandbridge")]]


CLIP_SCORES = ClipScores(
    clips=4, classes=SCORES, measures={"accuracy": 0.75, "recall_at_1": 0.5, "retrieval_map": 0.25}
)
DISTILLED = DistillReport(
    run="/runs/v", model="/runs/v/model.safetensors", method="mnf-csc", teacher="sound", seed=3, tags=False,
    class_names=("Forest", "River"), clips={"train": 8, "validation": 0, "test": 4}, taught=7, splits_drawn=True,
    validation=None, test=CLIP_SCORES, teacher_validation=None, teacher_test=CLIP_SCORES,
    separation={"temperature": 0.875}, epochs_done=2, steps_done=9, seconds=12.0, clips_per_second=3.5,
    set_aside=(), device="CPU", versions={},
)  # fmt: skip


def test_distill_passes_on_everything_typed(folders: Path, engine, capsys):
    asked = engine(DISTILLED)
    line = (
        "distill rgb --teacher picture -o runs/v --method kd --task tags --fps 8 --frames 12 --size 64 --width 16 "
        "--teacher-features m.safetensors --epochs 3 --seed 5 --device cpu --set temperature=2 --set blocks=2 "
        "--set batch_size=8 --set precision=bfloat16"
    )
    assert main(shlex.split(line)) == 0
    (job,) = asked
    assert job == Distill(
        config=DistillConfig(
            clips=str(folders / "rgb"),
            run=str(folders / "runs" / "v"),
            teacher="picture",
            method="kd",
            task="tags",
            teacher_features=str(folders / "m.safetensors"),
            fps=8.0,
            size_px=64,
            window=12,
            width=16,
            blocks=2,
            epochs=3,
            batch_size=8,
            settings={"temperature": 2.0},
            seed=5,
            device="cpu",
            precision="bfloat16",
        )
    )
    out = capsys.readouterr().out
    assert re.search(r"R@1\W+50\.0%", out)
    assert "87.5%" in out
    assert "splits drawn by the program" in out


def test_a_distillation_goes_on_where_its_folder_now_is(folders: Path, engine, capsys):
    fields = {"clips": "/gone", "run": "/where/it/was", "method": "kd", "epochs": 9, "settings": {"temperature": 2.0}}
    (folders / "moved").mkdir()
    facts = {"format": "bandbridge-distillation-1", "state": "stopped", "config": fields}
    (folders / "moved" / "run.json").write_text(json.dumps(facts))
    asked = engine(DISTILLED)
    assert main(["distill", "--resume", "moved"]) == 0
    (job,) = asked
    assert job.resume
    assert (job.config.run, job.config.clips, job.config.epochs) == (str(folders / "moved"), "/gone", 9)
    assert main(["adapt", "--resume", "moved"]) == 2
    assert "It is a run of 'distill'." in capsys.readouterr().err
    assert main(["distill", "--resume", "moved", "--epochs", "3"]) == 2


def test_what_was_found_is_shown_with_whether_it_is_alike(folders: Path, engine, capsys):
    hits = (
        FoundClip(file="Rain/1.mp4", labels=("Rain",), similarity=0.98765),
        FoundClip(file="Sparks/2.mp4", labels=("Sparks",), similarity=0.5),
    )
    query = ClipQuery(file="Rain/9.mp4", labels=("Rain",), found=hits)
    asked = engine(RetrieveReport(run="/r", folder="/c", queries=(query,)))
    assert main(shlex.split("retrieve rgb Rain/9.mp4 -k 2 --json f.json")) == 0
    assert asked == [Retrieve(run=str(folders / "rgb"), query="Rain/9.mp4", count=2)]
    out = capsys.readouterr().out
    assert re.search(r"Rain/1\.mp4\W+Rain\W+0\.988\W+yes", out)
    assert re.search(r"Sparks/2\.mp4\W+Sparks\W+0\.500\W+no", out)
    assert json.loads((folders / "f.json").read_text())["queries"][0]["found"][0]["similarity"] == 0.98765


def test_compare_passes_on_clips_and_settings_of_each_method(folders: Path, engine):
    asked = engine(CompareReport(folder="/c", methods=(), runs=()))
    line = (
        "compare --clips rgb --teacher sound --methods ce,kd,ccl --seeds 0-1 -o c --width 8 --epochs 3 "
        "--set temperature=2 --set ccl.contrast_weight=0.5 --set batch_size=4"
    )
    assert main(shlex.split(line)) == 0
    (job,) = asked
    assert job.config.of_clips
    base = job.config.base
    assert (base.clips, base.width, base.epochs, base.batch_size) == (str(folders / "rgb"), 8, 3, 4)
    assert job.config.methods == ("ce", "kd", "ccl")
    assert job.config.seeds == (0, 1)
    assert job.config.settings == {"kd": {"temperature": 2.0}, "ccl": {"temperature": 2.0, "contrast_weight": 0.5}}


def test_clips_to_measure_may_be_a_list_and_images_may_not(folders: Path, engine, monkeypatch, capsys):
    asked = engine(ModelError("enough"))
    assert main(shlex.split("evaluate m.safetensors names.txt")) == 2
    assert "is not a folder" in capsys.readouterr().err
    monkeypatch.setattr(perform_module, "takes_clips", lambda model: True)
    main(shlex.split("evaluate m.safetensors names.txt"))
    assert asked == [Evaluate(model=str(folders / "m.safetensors"), folder=str(folders / "names.txt"))]


@pytest.mark.parametrize("line", ["retrieve m.safetensors nir", "adapt --resume m.safetensors"])
def test_what_is_no_run_folder_is_not_asked_for_images(line: str, folders: Path, engine, capsys):
    assert main(shlex.split(line)) == 2
    words = capsys.readouterr().err
    assert "Name the run folder." in words
    assert "images" not in words


def test_tags_are_shown_and_counted_one_by_one(folders: Path, engine, capsys):
    predictions = tuple(
        Prediction(file=f"{number}.mp4", class_name=said, confidence=0.75, probabilities=(0.75, 0.5))
        for number, said in enumerate(("dog;rain", "rain", ""))
    )
    report = PredictReport(model="m", class_names=("dog", "rain"), predictions=predictions, tags=True)
    engine(report)
    main(shlex.split("predict m.safetensors nir"))
    out = capsys.readouterr().out
    assert re.search(r"0\.mp4\W+dog;rain\W+75", out)
    assert re.search(r"2\.mp4\W+none\W+75", out)
    engine(dataclasses.replace(report, output="p.csv"))
    main(shlex.split("predict m.safetensors nir -o p.csv"))
    out = capsys.readouterr().out
    assert re.search(r"rain\W+2\W+dog\W+1\W+none\W+1", out)


def test_a_distillation_without_measured_clips_says_so(folders: Path, engine, capsys):
    engine(dataclasses.replace(DISTILLED, test=None, teacher_test=None))
    assert main(["distill", "rgb", "-o", "runs/v"]) == 0
    out = capsys.readouterr().out
    assert "no labelled clips were kept aside" in out
    assert "┏" not in out, "no empty table"


def test_clips_of_unknown_classes_are_told_beside_the_scores(folders: Path, engine, capsys):
    scores = dataclasses.replace(CLIP_SCORES, clips=6)
    engine(EvaluateClipsReport(model="m", folder="f", split="test", scores=scores))
    assert main(["evaluate", "m.safetensors", "labelled"]) == 0
    assert "6 labelled clips, 4 of them of a class the model knows" in capsys.readouterr().out
