"""The sample project: a simulated landscape, ready to try every page and every command on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.api.jobs import MakeSample
from bandbridge.engine.api.reports import SampleReport
from bandbridge.engine.api.storage import storage_error, write_text
from bandbridge.engine.sample import sensors
from bandbridge.engine.sample.land_cover import OTHER, PIXEL_M, TASK, LandCover
from bandbridge.engine.sample.sensors import MARGIN_PX, TILE_PX, Flight, draw_flight
from bandbridge.engine.sample.terrain import Terrain
from bandbridge.engine.sample.tiles import geotiff, place, png
from numpy.typing import NDArray

PAIRS_A_CLASS = 48
TARGETS_A_CLASS = 40
LABELLED_A_CLASS = 40
SOURCE_MODEL = "source_model.safetensors"
README = "README.txt"
TITLE = "THE SAMPLE PROJECT OF BANDBRIDGE"

_SENSORS: Mapping[str, tuple[Callable[[Terrain, Flight], NDArray[Any]], float]] = {
    "nir": (sensors.nir, 0.0),
    "thermal": (sensors.thermal, 0.0),
    "sar": (sensors.sar, float("nan")),
}
"""Sensor -> how it sees, and the value its files declare as "nothing here"."""

# Each part of a sample, and the source model's training images, draw from randomness of their own: no seed makes a
# target image that the source model was trained on.
PARTS = ("pairs", "target", "labelled", "training", "check")


@dataclass(frozen=True, slots=True)
class Site:
    """One place to be seen: its number on the map, its class, and what its files are called."""

    part: str
    number: int
    class_name: str
    cover: LandCover

    def see(self, seed: int) -> tuple[Terrain, Flight]:
        """Lay out the land and draw the circumstances of the flight."""
        rng = np.random.default_rng([seed, PARTS.index(self.part), self.number])
        flight = draw_flight(rng)
        return self.cover(rng, TILE_PX + 2 * MARGIN_PX), flight


def sites(part: str, classes: Mapping[str, LandCover], count: int, first: int = 0) -> list[Site]:
    """`count` places of every class, shuffled so that file names say nothing about the class.

    The order is the same for every seed: a sample written over another one replaces all of its files.

    Args:
        part: One of `PARTS`.
        classes: Class name -> how to lay it out.
        count: Places of each class.
        first: Number of the first place.
    """
    names = [name for name in classes for _ in range(count)]
    order = np.random.default_rng(PARTS.index(part)).permutation(len(names))
    return [Site(part, first + n, names[i], classes[names[i]]) for n, i in enumerate(order)]


def make_sample(job: MakeSample, emit: Callable[[Event], None], control: Control) -> SampleReport:
    """Write the sample project; the same seed writes the same files.

    The folder then holds `pairs/{rgb,nir,thermal,sar}` (the same places, classes that are not the task's, no labels),
    `target/{nir,thermal,sar}/CLASS` (class folders only so that results can be measured), `labelled_rgb/CLASS`,
    the source model and a text that says all this in plain words.

    Args:
        job: Folder and seed. The folder is made; a sample already in it is replaced.
        emit: Hears about progress.
        control: Looked at for every place.

    Raises:
        UsageError: The folder holds other things, or the seed is negative.
        StorageError: No space or no permission.
        Stopped: The person asked to; what was written so far stays.
    """
    folder = Path(job.folder).absolute()
    _require_fit(job, folder)
    readme = (files("bandbridge.resources") / "sample" / README).read_text(encoding="utf-8")
    write_text(folder / README, readme.replace("{seed}", str(job.seed)))
    pairs = sites("pairs", OTHER, PAIRS_A_CLASS)
    target = sites("target", TASK, TARGETS_A_CLASS, first=len(pairs))
    labelled = sites("labelled", TASK, LABELLED_A_CLASS, first=len(pairs) + len(target))
    everything = [*pairs, *target, *labelled]
    for done, site in enumerate(everything):
        control.check()
        if done % 16 == 0:
            emit(
                Progress(
                    title="Simulating the sample landscape",
                    done=done,
                    total=len(everything),
                    unit="place",
                    fraction=done / len(everything),
                )
            )
        for path, content in _images(site, job.seed):
            _write(folder / path, content)
    _copy_source_model(folder / SOURCE_MODEL)
    emit(Progress(title="Simulating the sample landscape", done=len(everything), total=len(everything), fraction=1.0))
    return SampleReport(
        folder=str(folder),
        source=str(folder / SOURCE_MODEL),
        sensors={
            name: (str(folder / "pairs" / "rgb"), str(folder / "pairs" / name), str(folder / "target" / name))
            for name in _SENSORS
        },
        seed=job.seed,
    )


def write_labelled_rgb(folder: Path, part: str, count: int, seed: int, control: Control) -> None:
    """Write `count` labelled RGB images of every task class as `CLASS/rgb_NNNN.png`.

    Raises:
        StorageError: No space or no permission.
    """
    for site in sites(part, TASK, count):
        control.check()
        _write(folder / site.class_name / f"rgb_{site.number:04d}.png", png(sensors.rgb(*site.see(seed))))


def _require_fit(job: MakeSample, folder: Path) -> None:
    if job.seed < 0:
        raise UsageError(f"The seed cannot be {job.seed}.", "", "Take 0 or a positive whole number.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file.", "The sample needs a folder.", "Choose another name.")
    entries = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    ours = {"pairs", "target", "labelled_rgb", SOURCE_MODEL, README} if _is_sample(folder) else set()
    foreign = sorted(entries - ours)
    if foreign:
        raise UsageError(
            f"The folder '{folder}' holds other things, e.g. '{foreign[0]}'.",
            "The sample would mix with them.",
            "Choose a new or an empty folder.",
        )


def _is_sample(folder: Path) -> bool:
    """Whether a sample was begun here; its text is written first."""
    try:
        return (folder / README).read_text(encoding="utf-8").startswith(TITLE)
    except (OSError, UnicodeDecodeError):
        return False


def _images(site: Site, seed: int) -> Iterator[tuple[Path, bytes]]:
    """The files of one place, relative to the sample's folder."""
    land, flight = site.see(seed)
    where = place(site.number, TILE_PX * PIXEL_M)
    if site.part == "labelled":
        yield Path("labelled_rgb", site.class_name, f"rgb_{site.number:04d}.png"), png(sensors.rgb(land, flight))
        return
    if site.part == "pairs":
        yield Path("pairs", "rgb", f"place_{site.number:04d}.tif"), geotiff(sensors.rgb(land, flight), where, None)
    for name, (look, no_data) in _SENSORS.items():
        home = Path("pairs", name) if site.part == "pairs" else Path("target", name, site.class_name)
        yield home / f"place_{site.number:04d}.tif", geotiff(look(land, flight), where, no_data)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise storage_error(path, error) from error


def _copy_source_model(path: Path) -> None:
    with as_file(files("bandbridge.resources") / "sample" / SOURCE_MODEL) as shipped:
        try:
            shutil.copyfile(shipped, path)
        except OSError as error:
            raise storage_error(path, error) from error
