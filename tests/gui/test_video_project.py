"""A project for video: what is chosen comes back, and earlier projects stay what they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bandbridge.engine.api.errors import UsageError
from bandbridge.gui.project import Project, ProjectModel, project_as_json, project_from_json
from bandbridge.gui.relink import Move, places_of, relink_run, relinked
from bandbridge.gui.video_choices import VideoChoices


def video_project(folder: Path) -> Project:
    return Project(
        name="Clips",
        kind="video",
        seed=3,
        device="cpu",
        video=VideoChoices(
            clips=str(folder / "data" / "clips.csv"),
            teacher="picture",
            method="kd",
            task="tags",
            teacher_features="/elsewhere/panns.h5",
            fps=8.0,
            epochs=7,
            learning_rate=0.01,
            settings={"kd": {"temperature": 2.0}, "mnf-csc": {"filter_weight": 0.0}},
            exclude=("a.mp4",),
        ),
    )


def test_a_video_project_comes_back_as_it_was_and_may_be_moved(tmp_path: Path) -> None:
    text = project_as_json(video_project(tmp_path), tmp_path)
    assert project_from_json(text, tmp_path) == video_project(tmp_path)
    assert project_from_json(text, tmp_path / "new").video.clips == str(tmp_path / "new" / "data" / "clips.csv")


def test_projects_for_images_stay_readable_by_earlier_programs_and_theirs_here(tmp_path: Path) -> None:
    written = json.loads(project_as_json(Project(name="Harbour", seed=2), tmp_path))
    assert written["version"] == 1
    assert not {"kind", "video"} & set(written)
    assert project_from_json(json.dumps(written), tmp_path).kind == "images"
    assert json.loads(project_as_json(video_project(tmp_path), tmp_path))["version"] == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("method", "socket"), ("teacher", "smell"), ("epochs", "many"), ("fps", "fast"), ("settings", [1])],
)
def test_damaged_choices_are_refused_in_words(tmp_path: Path, name: str, value: object) -> None:
    facts = json.loads(project_as_json(video_project(tmp_path), tmp_path))
    facts["video"][name] = value
    with pytest.raises(UsageError, match="damaged"):
        project_from_json(json.dumps(facts), tmp_path)


def test_the_run_gets_the_choices_of_its_method_alone(tmp_path: Path) -> None:
    config = video_project(tmp_path).to_distill_config("/runs/x")
    assert (config.run, config.teacher, config.student, config.seed) == ("/runs/x", "picture", "sound", 3)
    assert config.settings == {"temperature": 2.0}
    assert config.teacher_features == "/elsewhere/panns.h5"
    assert VideoChoices().to_config("", seed=0, device="auto").teacher_features is None


def test_sizes_and_efforts_are_recognised_by_their_numbers() -> None:
    assert (VideoChoices().size, VideoChoices().effort) == ("small", "standard")
    assert VideoChoices(width=64, size_px=112, epochs=200).size == "published"
    assert VideoChoices(width=17).size == "own"
    assert VideoChoices(epochs=3).effort == "own"


def test_changes_are_undone_and_runs_named_after_the_method(qapp: object, tmp_path: Path) -> None:
    model = ProjectModel(video_project(tmp_path), tmp_path)
    model.update_video(method="sp")
    model.update_video(epochs=9)
    assert model.new_run_folder().endswith("_sp")
    model.undo()
    assert (model.project.video.method, model.project.video.epochs) == ("sp", 7), "each choice is a step of its own"
    model.undo()
    assert model.project.video.method == "kd"
    model.close()


def test_moved_clips_are_found_again_with_the_runs_that_name_them(tmp_path: Path) -> None:
    project = video_project(tmp_path / "gone")
    (tmp_path / "here" / "data").mkdir(parents=True)
    (tmp_path / "here" / "data" / "clips.csv").write_text("file,label\n")
    lost = next(place for place in places_of(project) if place.path.endswith("clips.csv"))
    assert lost.is_file
    move = Move.of(Path(lost.path), tmp_path / "here" / "data" / "clips.csv")
    found, changed = relinked(project, move)
    assert found.video.clips == str(tmp_path / "here" / "data" / "clips.csv")
    assert changed == 1
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"config": {"clips": project.video.clips}}))
    assert relink_run(run, move)
    assert json.loads((run / "run.json").read_text())["config"]["clips"] == found.video.clips
