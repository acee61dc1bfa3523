"""The video sample: what it promises of its clips, its sounds and its table, and how it treats other people's files."""

import csv
import io
from collections import Counter, defaultdict
from pathlib import Path

import av
import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped, StorageError, UsageError
from bandbridge.engine.api.events import Progress
from bandbridge.engine.api.jobs import MakeSample, MakeVideoSample
from bandbridge.engine.sample import clips as clips_module
from bandbridge.engine.sample.clips import (
    CLASSES,
    OWN_SOUND,
    PLANTED,
    SPLITS,
    Clip,
    frames_of,
    make_video_sample,
    plan,
    scene_of,
    sound_of,
)
from bandbridge.engine.sample.film import film
from bandbridge.engine.sample.make import make_sample
from bandbridge.engine.video.clip_list import find_clips
from bandbridge.engine.video.log_mel import log_mel

FEW = ("Bouncing", "Walking")


@pytest.fixture
def few(monkeypatch):
    """Samples of two classes: ten take some seconds."""
    monkeypatch.setattr(clips_module, "CLASSES", {name: CLASSES[name] for name in FEW})


def write(folder: Path, commands=None, **settings):
    events = []
    job = MakeVideoSample(folder=str(folder), **{"clips_per_class": 2, **settings})
    return make_video_sample(job, events.append, Control(commands)), events


def content(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def decoded(file: bytes) -> tuple[np.ndarray, np.ndarray]:
    with av.open(io.BytesIO(file)) as container:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    with av.open(io.BytesIO(file)) as container:
        sound = np.concatenate([piece.to_ndarray()[0] for piece in container.decode(audio=0)])
    return frames, sound


def scene(label: str, index: int = 0, sound="matched", seed: int = 0):
    clip = Clip(0, label, "train", index, sound)
    return clip, *scene_of(clip, seed)


def heard(label: str, index: int, sound="matched", split="train", seed: int = 0):
    clip = Clip(0, label, split, index, sound)
    return sound_of(clip, scene_of(clip, seed)[1], seed)


def test_the_same_seed_writes_the_same_files_and_another_seed_others(few, tmp_path):
    for name, seed in (("first", 5), ("second", 5), ("third", 6)):
        write(tmp_path / name, seed=seed)
    first, second, third = (content(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    assert first.keys() == third.keys()
    assert first["clips.csv"] == third["clips.csv"]
    films = [name for name in first if name.endswith(".mp4")]
    assert len(films) == 2 * 4
    assert all(first[name] != third[name] for name in films)
    assert "seed 5" in first["README.txt"].decode()
    assert "{" not in first["README.txt"].decode()


def test_the_sample_is_read_as_it_was_meant(few, tmp_path):
    report, events = write(tmp_path, noise=0.75)
    rows = list(csv.DictReader((tmp_path / "clips.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["file"] for row in rows} | {"clips.csv", "README.txt"} == content(tmp_path).keys()
    assert all(row["file"].startswith(f"{row['label']}/clip_") for row in rows)
    assert report.clips == {"train": 4, "validation": 2, "test": 2} == dict(Counter(row["split"] for row in rows))
    assert report.sounds == {"matched": 1, "irrelevant": 1, "wrong": 1, "silent": 1}
    found = find_clips(tmp_path)
    assert (found.class_names, found.drawn, found.findings) == (FEW, False, ())
    listed = {(clip.file, *clip.labels, clip.split, clip.sound) for clip in found.clips}
    assert listed == {tuple(row.values()) for row in rows}
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("label", CLASSES)
def test_every_clip_moves_sounds_and_survives_its_file(label):
    clip, stage, act = scene(label)
    frames, sound = frames_of(clip, stage, act, 0), sound_of(clip, act, 0)
    assert frames.shape == (36, 96, 128, 3)
    assert sound.shape == (48_000,)
    assert 0.01 < np.sqrt(np.mean(sound**2)) < 0.5
    assert np.abs(sound).max() <= 1.0
    moments = [stage_at(stage, act, second).astype(int) for second in np.arange(0.4, 1.3, 0.2)]
    changed = [(np.abs(moment - moments[0]).max(axis=2) > 25).mean() for moment in moments[1:]]
    assert max(changed) > 0.002, "what moves is somewhere else within a second, whatever passes behind it"
    seen, kept = decoded(film(frames, sound, 8))
    assert seen.shape == frames.shape
    assert np.abs(seen.astype(int) - frames).mean() < 12
    assert len(kept) >= 48_000
    assert np.corrcoef(kept[:48_000], sound)[0, 1] > 0.9, "in time with the picture, to the sample"


def stage_at(stage, act, second: float) -> np.ndarray:
    canvas = stage.background.copy()
    act.draw(canvas, second)
    return canvas.pixels


@pytest.mark.parametrize("label", ["Bouncing", "Hammering", "Ratcheting", "Swinging", "Walking"])
def test_a_knock_is_heard_when_it_is_seen(label):
    clip, _, act = scene(label, 1)
    assert len(act.hits) >= 2
    sound = np.abs(CLASSES[label][1](clip.randomness(0, OWN_SOUND), act))
    knocks = [round(hit.second * 16_000) for hit in act.hits]
    after = np.mean([sound[start : start + 800].max() for start in knocks])
    before = np.mean([sound[max(start - 800, 0) : start].max() for start in knocks if start > 0])
    assert after > 3 * before


def test_a_bouncing_ball_is_lowest_when_it_thuds():
    _, stage, act = scene("Bouncing", 2)
    lowest = {}
    for second in np.arange(0.1, 2.9, 0.02):
        moved = np.abs(stage_at(stage, act, second).astype(int) - stage_at(stage, act, second + 0.04)).sum(axis=2)
        lowest[second] = np.flatnonzero(moved.max(axis=1) > 60).max(initial=0)
    deep = max(lowest.values()) - 4
    near = [min(abs(second - hit.second) for hit in act.hits) for second, line in lowest.items() if line >= deep]
    far = [min(abs(second - hit.second) for hit in act.hits) for second in lowest]
    assert np.mean(near) < 0.6 * np.mean(far)


@pytest.mark.parametrize(("count", "noise"), [(20, 0.4), (20, 0.0), (20, 1.0), (7, 0.33), (2, 0.05)])
def test_splits_and_planted_sounds_are_as_asked_for_and_spread_evenly(count, noise):
    planned = plan(count, noise)
    assert [clip.number for clip in planned] == list(range(len(planned)))
    each = Counter((clip.split, clip.label) for clip in planned)
    assert all(each["train", label] == count for label in CLASSES)
    for split, parts in (("validation", 4), ("test", 2)):
        assert {each[split, label] for label in CLASSES} == {each[split, "Rain"]}
        assert abs(each[split, "Rain"] - count / parts) <= 0.5
    sounds = Counter(clip.sound for clip in planned if clip.split == "train")
    planted = [sounds[kind] for kind in PLANTED]
    assert sum(planted) == round(noise * count * len(CLASSES))
    assert max(planted) - min(planted) <= 1
    a_class = Counter(clip.label for clip in planned if clip.sound != "matched")
    assert max(a_class[label] for label in CLASSES) - min(a_class[label] for label in CLASSES) <= 1
    assert {clip.sound for clip in planned if clip.split != "train"} == {"matched"}


def test_more_noise_keeps_what_was_planted_and_leaves_the_rest_as_it_was():
    def keys(noise):
        return {(clip.label, clip.index): clip.sound for clip in plan(12, noise) if clip.split == "train"}

    some, more = keys(0.3), keys(0.6)
    assert all(more[clip] == sound for clip, sound in some.items() if sound != "matched")
    np.testing.assert_array_equal(heard("Rain", 3), heard("Rain", 3))


def test_file_numbers_do_not_give_class_or_split_away():
    numbers = defaultdict(list)
    for clip in plan(20, 0.4):
        numbers[clip.label].append(clip.number)
        numbers[clip.split].append(clip.number)
    middle = len(plan(20, 0.4)) / 2
    assert all(abs(np.mean(those) - middle) < 60 for those in numbers.values())


def test_what_is_planted_is_what_is_heard():
    """How much of a clip's own sound is left in what is heard; two unrelated sounds are alike by 0.1 at most."""
    left = {kind: [] for kind in ("matched", *PLANTED)}
    for label in ("Bouncing", "Hammering", "Sparks", "Bobbing"):
        for index in range(3):
            clip, _, act = scene(label, index)
            own = CLASSES[label][1](clip.randomness(0, OWN_SOUND), act)
            for kind, found in left.items():
                sound = heard(label, index, kind)
                found.append(abs(np.corrcoef(own, sound)[0, 1]) if kind != "silent" else np.abs(sound).max())
    mean = {kind: np.mean(found) for kind, found in left.items()}
    assert mean["silent"] == 0.0
    assert mean["matched"] > 0.8
    assert 0.1 < mean["irrelevant"] < 0.6
    assert mean["wrong"] < 0.1


def test_silence_stays_silent_in_the_file():
    frames = np.zeros((36, 96, 128, 3), np.uint8)
    assert np.abs(decoded(film(frames, np.zeros(48_000, np.float32), 5))[1]).max() == 0.0


def test_sound_tells_the_class_and_planted_sounds_make_it_harder():
    """The nearest class mean of averaged log-mel spectra: the simplest listener there is."""

    def spectrum(sound):
        mel = log_mel(sound)
        return np.concatenate((mel.mean(axis=0), mel.std(axis=0)))

    train, count = {}, 8
    for label in CLASSES:
        own = [heard(label, index) for index in range(count)]
        spoilt = [heard(label, index, PLANTED[index % 3]) if index < 6 else own[index] for index in range(count)]
        train[label] = [np.array([spectrum(sound) for sound in sounds]) for sounds in (own, spoilt)]
    tests = [(label, spectrum(heard(label, index, split="test"))) for label in CLASSES for index in range(5)]
    right = []
    for kind in (0, 1):
        everything = np.concatenate([train[label][kind] for label in CLASSES])
        scale = everything.std(axis=0)
        means = {label: train[label][kind].mean(axis=0) for label in CLASSES}
        said = [min(means, key=lambda one: float(np.square((means[one] - x) / scale).sum())) for _, x in tests]
        right.append(np.mean([word == label for word, (label, _) in zip(said, tests, strict=True)]))
    assert right[0] > 0.6, "chance is 0.1"
    assert right[1] < right[0] - 0.1


def test_a_sample_is_replaced_whole_and_only_a_sample(few, tmp_path):
    write(tmp_path, clips_per_class=3)
    write(tmp_path)
    assert len(list(tmp_path.rglob("*.mp4"))) == 8, "nothing of the larger one is left"
    (tmp_path / "Walking" / "mine.mp4").write_bytes(b"mine")
    before = content(tmp_path)
    with pytest.raises(UsageError, match=r"mine\.mp4"):
        write(tmp_path)
    assert content(tmp_path) == before


def test_other_peoples_folders_are_refused(few, tmp_path):
    (tmp_path / "README.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"README\.txt"):
        write(tmp_path)
    (tmp_path / "a").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        write(tmp_path / "a")
    write(tmp_path / "clips")
    with pytest.raises(UsageError, match="other things"):
        make_sample(MakeSample(folder=str(tmp_path / "clips")), lambda event: None, Control())


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"seed": -1}, "-1"), ({"clips_per_class": 1}, "1"), ({"noise": 1.5}, "1.5"), ({"noise": float("nan")}, "nan")],
)
def test_numbers_that_make_no_sense_are_refused(settings, named, tmp_path):
    with pytest.raises(UsageError, match=named) as caught:
        write(tmp_path / "sample", **settings)
    assert caught.value.do
    assert not (tmp_path / "sample").exists()


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    class Full:
        free = 1000

    monkeypatch.setattr(clips_module.shutil, "disk_usage", lambda place: Full)
    with pytest.raises(StorageError, match="space"):
        write(tmp_path / "sample")
    assert not (tmp_path / "sample").exists()


def test_a_stopped_sample_has_no_table_and_can_be_made_again(few, tmp_path):
    write(tmp_path)
    commands = iter([None, None, "stop"])
    with pytest.raises(Stopped):
        write(tmp_path, lambda: next(commands))
    assert not (tmp_path / "clips.csv").exists()
    assert len(list(tmp_path.rglob("*.mp4"))) == 2
    write(tmp_path)
    assert len(list(tmp_path.rglob("*.mp4"))) == 8


def test_splits_have_clips_of_their_own():
    sounds = [heard("Walking", 0, split=split) for split in SPLITS]
    assert not np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[1], sounds[2])
