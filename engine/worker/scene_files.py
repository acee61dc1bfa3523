"""Where a run's images lie: the sensor file of a target image or pair, and the RGB image of the same scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bandbridge.engine.api.config import PairFolders, RunConfig
from bandbridge.engine.api.errors import ImageError, PairingError, UsageError
from bandbridge.engine.api.sensor_profiles import NO_PROFILE
from bandbridge.engine.imagery.common_ground import Cuts, cut_pair, moves_of
from bandbridge.engine.imagery.folder import list_images, rgb_bands
from bandbridge.engine.imagery.formats.band_files import files_of
from bandbridge.engine.imagery.names.tile import tile_of
from bandbridge.engine.imagery.pairing import Pairing, looked_through, pair_folders
from bandbridge.engine.imagery.reader import read_header


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One image of a scene and the folder it belongs to.

    Attributes:
        folder: The folder of its data set.
        name: Its path relative to that.
        bands: 1-based bands to read, None for all.
        pairs: The pairs' folders it is a side of, None for a target image.
    """

    folder: Path
    name: str
    bands: tuple[int, ...] | None
    pairs: PairFolders | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """The sensor image of a scene, its RGB image where there is one, and how a pair that is moved into place is cut."""

    sensor: Side
    rgb: Side | None
    cuts: Cuts | None = None


def pair_scene(config: RunConfig, file: str) -> SceneFiles:
    """The files of a pair, by its key or by the relative name of its sensor file.

    Raises:
        ImageError: A file of a pair that was moved into place cannot be read.
        PairingError: A table of the run cannot be used any more.
        UsageError: The run has no such pair, or its files are gone.
    """
    for folders in config.pairs:
        pairing = pair_folders(folders, config.exclude, config.tiles)
        for key, rgb, sensor in pairing.pairs:
            if file in (key, sensor):
                side = Side(folder=Path(folders.sensor), name=sensor, bands=config.sensor_bands, pairs=folders)
                rgb_side = _rgb_side(config, folders, rgb)
                move = moves_of(folders).get((rgb, sensor))
                cuts = cut_pair(rgb_side.path, side.path, move) if move is not None else None
                return SceneFiles(side, rgb_side, cuts)
    raise UsageError(
        f"The run has no pair '{file}'.", "Its files may have been moved or deleted since.", "Choose another image."
    )


def target_scene(config: RunConfig, file: str) -> SceneFiles:
    """A target image, and the RGB image of its scene as far as that is certain.

    Certain are: the partner of a pair whose sensor image is this very file, or a copy of it under the same name;
    the RGB bands of the file itself, where the run says which they are; an RGB image of the same name in a pairs'
    folder that no other sensor image claims. A mere likeness of names is not enough: files are often just numbered.

    Raises:
        UsageError: The run's target has no such image, or it is gone.
    """
    sensor = Side(folder=Path(config.target), name=file, bands=config.sensor_bands)
    if not files_of(sensor.path):
        raise UsageError(
            f"The run has no target image '{file}'.",
            f"There is no such file in '{config.target}'; it may have been moved or deleted since.",
            "Choose another image.",
        )
    return SceneFiles(sensor, next(_partners(config, sensor), None))


def files_measured(config: RunConfig, side: Side) -> tuple[str, ...]:
    """The files whose values decided the stretch of an image's folder when the run measured it."""
    if side.pairs is None:
        return list_images(side.folder, config.exclude, config.tiles)
    is_sensor = side.folder == Path(side.pairs.sensor)
    if Path(side.pairs.rgb).samefile(side.pairs.sensor):
        is_sensor = side.bands == config.sensor_bands
    pairing = pair_folders(side.pairs, config.exclude, config.tiles)
    return looked_through(side.pairs, pairing, 2 if is_sensor else 1, config.exclude)


def _partners(config: RunConfig, sensor: Side) -> Iterator[Side]:
    found = [(folders, pairing) for folders in config.pairs if (pairing := _pairing(config, folders)) is not None]
    for folders, pairing in found:
        for _, rgb, other in pairing.pairs:
            if _is_same_image(sensor, Path(folders.sensor) / other, other):
                yield _rgb_side(config, folders, rgb)
    own = config.rgb_bands
    if own is not None and config.sensor_bands is not None:
        header = read_header(sensor.path)
        if header.stored_bands > max(len(own), len(config.sensor_bands)) and max(own) <= header.stored_bands:
            yield Side(folder=sensor.folder, name=sensor.name, bands=own)
    for folders, pairing in found:
        for rgb in pairing.unmatched_rgb:
            if _stem(rgb) == _stem(sensor.name):
                yield _rgb_side(config, folders, rgb)


def _pairing(config: RunConfig, folders: PairFolders) -> Pairing | None:
    """None where folders or table are gone: then nothing is known of them."""
    try:
        return pair_folders(folders, config.exclude, config.tiles)
    except (ImageError, PairingError, UsageError):
        return None


def _is_same_image(sensor: Side, path: Path, name: str) -> bool:
    tile, other = tile_of(path), tile_of(sensor.path)
    if tile is not None and other is not None:
        pixels = {(one.row, one.column, one.size_px) for one in (tile, other)}
        if len(pixels) > 1:
            return False
    files, others = files_of(path), files_of(sensor.path)
    if len(files) != len(others) or (tile is None) != (other is None):
        return False
    sides = list(zip(files, others, strict=True))
    if all(file.samefile(other) for file, other in sides):
        return True
    if tile is not None:
        return False  # a scene may be large, so a copy of it is not looked for
    if _stem(name) != _stem(sensor.name) or any(file.stat().st_size != other.stat().st_size for file, other in sides):
        return False
    return all(file.read_bytes() == other.read_bytes() for file, other in sides)


def _rgb_side(config: RunConfig, folders: PairFolders, name: str) -> Side:
    bands = rgb_bands(config.rgb_bands, folders.rgb, [name], profile=NO_PROFILE)
    return Side(folder=Path(folders.rgb), name=name, bands=bands, pairs=folders)


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
