"""The video sample: short clips of ten classes with sound, and as much wrong sound as asked for."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import StorageError, UsageError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.api.jobs import MakeVideoSample
from bandbridge.engine.api.reports import VideoSampleReport
from bandbridge.engine.api.storage import storage_error, write_text
from bandbridge.engine.sample import acts, sounds
from bandbridge.engine.sample.acts import Act, ActMaker
from bandbridge.engine.sample.film import film
from bandbridge.engine.sample.sounds import SAMPLES, Sound, SoundMaker, foreign_sound, in_place, levelled
from bandbridge.engine.sample.stage import FRAMES, FRAMES_PER_SECOND, Stage, draw_camera, draw_stage
from numpy.typing import NDArray

TABLE = "clips.csv"
README = "README.txt"
TITLE = "THE VIDEO SAMPLE OF BANDBRIDGE"
COLUMNS = ("file", "label", "split", "sound")

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

SoundKind = Literal["matched", "irrelevant", "wrong", "silent"]
PLANTED: tuple[SoundKind, ...] = ("irrelevant", "wrong", "silent")
"""What can be the matter with a clip's sound, planted in equal parts."""

SCENE, CAMERA, OWN_SOUND, PLACE, FILM = range(5)
"""What a clip needs randomness for."""

_SHINING = ("Rain", "Sparks")
_MOST_BYTES_A_CLIP = 130_000


CLASSES: Mapping[str, tuple[ActMaker, SoundMaker]] = {
    "Bobbing": (acts.bob, sounds.spring),
    "Bouncing": (acts.bounce, sounds.thuds),
    "Hammering": (acts.hammer, sounds.blows),
    "Rain": (acts.rain, sounds.hiss),
    "Ratcheting": (acts.ratchet, sounds.clacks),
    "Rolling": (acts.roll, sounds.rumble),
    "Sparks": (acts.sparks, sounds.crackle),
    "Swinging": (acts.swing, sounds.ticks),
    "Turning": (acts.turn, sounds.hum),
    "Walking": (acts.walk, sounds.steps),
}


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip to be made.

    Attributes:
        number: In its file name, which says nothing about the class.
        label: Its class.
        split: What it is for.
        index: Which of its class and split.
        sound: What kind of sound it gets.
    """

    number: int
    label: str
    split: Split
    index: int
    sound: SoundKind = "matched"

    @property
    def file(self) -> str:
        """Where it lies in the sample, with forward slashes."""
        return f"{self.label}/clip_{self.number:05d}.mp4"

    def randomness(self, seed: int, purpose: int) -> np.random.Generator:
        """Its own source of randomness; neither the size of the sample nor the planted sounds change it."""
        key = (seed, SPLITS.index(self.split), list(CLASSES).index(self.label), self.index, purpose)
        return np.random.default_rng(key)


def plan(clips_per_class: int, noise: float) -> list[Clip]:
    """Every clip of a sample, in the order of its numbers.

    Validation has a quarter, test half as many clips a class as training has. The planted sounds are spread evenly over
    classes and kinds, and the clips planted with a smaller share are among those planted with a larger one.

    Args:
        clips_per_class: Training clips of each class.
        noise: Share 0..1 of all training clips whose sound is not theirs; the nearest whole number of clips.
    """
    counts = {"train": clips_per_class, "validation": _share(clips_per_class, 4), "test": _share(clips_per_class, 2)}
    planted: dict[tuple[str, int], SoundKind] = {}
    names = list(CLASSES)
    for place in range(int(noise * clips_per_class * len(names) + 0.5)):
        index, label = divmod(place, len(names))
        planted[names[label], index] = PLANTED[place % len(PLANTED)]
    wanted = [(split, label, index) for split in SPLITS for label in names for index in range(counts[split])]
    order = np.random.default_rng(0).permutation(len(wanted))
    clips = []
    for number, place in enumerate(order):
        split, label, index = wanted[place]
        kind = planted.get((label, index), "matched") if split == "train" else "matched"
        clips.append(Clip(number, label, split, index, kind))
    return clips


def scene_of(clip: Clip, seed: int) -> tuple[Stage, Act]:
    """Where a clip takes place, and what goes on there."""
    rng = clip.randomness(seed, SCENE)
    stage = draw_stage(rng, clip.label in _SHINING)
    return stage, CLASSES[clip.label][0](rng, stage)


def frames_of(clip: Clip, stage: Stage, act: Act, seed: int) -> NDArray[np.uint8]:
    """What is seen in a clip, (36, 96, 128, 3) uint8, red first."""
    rng = clip.randomness(seed, CAMERA)
    camera = draw_camera(rng)
    frames = []
    for frame in range(FRAMES):
        second = frame / FRAMES_PER_SECOND
        canvas = stage.at(second)
        act.draw(canvas, second)
        frames.append(camera.film(rng, canvas, frame))
    return np.stack(frames)


def sound_of(clip: Clip, act: Act, seed: int) -> Sound:
    """What is heard in a clip: its own sound, another class's, its own below an unrelated one, or nothing at all."""
    if clip.sound == "silent":
        return np.zeros(SAMPLES, np.float32)
    rng = clip.randomness(seed, PLACE)
    if clip.sound == "wrong":
        label = rng.choice([name for name in CLASSES if name != clip.label])
        act_maker, sound_maker = CLASSES[label]
        return in_place(rng, sound_maker(rng, act_maker(rng, draw_stage(rng, label in _SHINING))))
    own = levelled(CLASSES[clip.label][1](clip.randomness(seed, OWN_SOUND), act))
    if clip.sound == "irrelevant":
        return in_place(rng, _fainter(own, float(rng.uniform(6.0, 18.0))) + foreign_sound(rng))
    if rng.random() < 0.25:  # something faint goes on in many an honest recording
        own = own + _fainter(foreign_sound(rng), float(rng.uniform(10.0, 20.0)))
    return in_place(rng, own)


def make_video_sample(job: MakeVideoSample, emit: Callable[[Event], None], control: Control) -> VideoSampleReport:
    """Write the video sample; the same job writes the same pictures and sounds.

    The folder then holds `CLASS/clip_NNNNN.mp4`, a table `clips.csv` with the columns file, label, split and sound, and
    a text that says all this in plain words. The table is written last: without it, a sample is not finished.

    Args:
        job: Folder, seed, size and share of planted sounds. The folder is made; a video sample in it is replaced.
        emit: Hears about progress.
        control: Looked at for every clip.

    Raises:
        UsageError: The folder holds other things, or a number makes no sense.
        StorageError: No space or no permission.
        Stopped: The person asked to; the clips written so far stay, and the same command begins anew.
    """
    folder = Path(job.folder).absolute()
    _require_sense(job)
    old = _require_fit(folder)
    clips = plan(job.clips_per_class, job.noise)
    _require_room(folder, len(clips))
    for path in (folder / TABLE, *old):
        _remove(path)
    write_text(folder / README, _readme(job, clips))
    for done, clip in enumerate(clips):
        control.check()
        if done % 8 == 0:
            _tell(emit, done, len(clips))
        stage, act = scene_of(clip, job.seed)
        frames, sound = frames_of(clip, stage, act, job.seed), sound_of(clip, act, job.seed)
        _write(folder / clip.file, film(frames, sound, int(clip.randomness(job.seed, FILM).integers(3, 9))))
    write_text(folder / TABLE, _table(clips))
    _tell(emit, len(clips), len(clips))
    return VideoSampleReport(
        folder=str(folder),
        table=str(folder / TABLE),
        classes=tuple(CLASSES),
        clips={split: sum(clip.split == split for clip in clips) for split in SPLITS},
        sounds=_sounds(clips),
        seed=job.seed,
    )


def _share(count: int, parts: int) -> int:
    return max(1, (count + parts // 2) // parts)


def _fainter(sound: Sound, decibels: float) -> Sound:
    return np.asarray(sound * 10.0 ** (-decibels / 20.0), dtype=np.float32)


def _sounds(clips: Sequence[Clip]) -> dict[str, int]:
    """How many training clips have each kind of sound."""
    counted = Counter(clip.sound for clip in clips if clip.split == "train")
    return {kind: counted[kind] for kind in ("matched", *PLANTED)}


def _tell(emit: Callable[[Event], None], done: int, total: int) -> None:
    emit(Progress(title="Filming the video sample", done=done, total=total, unit="clip", fraction=done / total))


def _table(clips: Sequence[Clip]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows((clip.file, clip.label, clip.split, clip.sound) for clip in clips)
    return text.getvalue()


def _readme(job: MakeVideoSample, clips: Sequence[Clip]) -> str:
    text = (files("bandbridge.resources") / "sample" / "README-video.txt").read_text(encoding="utf-8")
    facts = {"seed": str(job.seed), "clips": str(len(clips))}
    facts |= {split: str(sum(clip.split == split for clip in clips)) for split in SPLITS}
    facts |= {kind: str(count) for kind, count in _sounds(clips).items()}
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _require_sense(job: MakeVideoSample) -> None:
    if job.seed < 0:
        raise UsageError(f"The seed cannot be {job.seed}.", "", "Take 0 or a positive whole number.")
    if not 2 <= job.clips_per_class <= 5000:
        raise UsageError(
            f"A sample cannot have {job.clips_per_class} training clips a class.", "", "Take a number from 2 to 5000."
        )
    if not 0.0 <= job.noise <= 1.0:
        raise UsageError(
            f"The share of clips with planted sound cannot be {job.noise:g}.",
            "It is a share of the training clips.",
            "Take a number from 0 (none) to 1 (all), such as 0.4.",
        )


def _require_fit(folder: Path) -> list[Path]:
    """Refuse a folder that holds other things than a video sample; return the clips of the one in it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file.", "The sample needs a folder.", "Choose another name.")
    if not folder.exists():
        return []
    ours = _is_video_sample(folder)
    old: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if ours and entry.name in CLASSES and entry.is_dir():
            inside = sorted(entry.iterdir())
            old += [path for path in inside if path.match("clip_*.mp4")]
            foreign = next((path for path in inside if not path.match("clip_*.mp4")), None)
        else:
            foreign = None if ours and entry.name in (README, TABLE) else entry
        if foreign is not None:
            raise UsageError(
                f"The folder '{folder}' holds other things, e.g. '{foreign.relative_to(folder)}'.",
                "The sample would mix with them.",
                "Choose a new or an empty folder.",
            )
    return old


def _is_video_sample(folder: Path) -> bool:
    """Whether a video sample was begun here; its text is written first."""
    try:
        return (folder / README).read_text(encoding="utf-8").startswith(TITLE)
    except (OSError, UnicodeDecodeError):
        return False


def _require_room(folder: Path, clips: int) -> None:
    """Refuse a disk that cannot hold the sample before minutes are spent on it."""
    nearest = next(place for place in (folder, *folder.parents) if place.is_dir())
    needed, free = clips * _MOST_BYTES_A_CLIP, shutil.disk_usage(nearest).free
    if free < needed:
        raise StorageError(
            "There is not enough space for the sample.",
            f"Its {clips} clips may need {needed / 1e6:.0f} MB; {free / 1e6:.0f} MB are free on the disk that holds "
            f"'{nearest}'.",
            "Free some space, choose another folder, or make fewer clips a class.",
        )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise storage_error(path, error) from error
