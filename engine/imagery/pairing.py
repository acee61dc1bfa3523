"""Bringing RGB and sensor images of the same scenes together, by explicit names or a table; nothing is guessed."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from bandbridge.engine.api.config import PairFolders, TileRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.csv_rows import as_listed, read_csv_rows
from bandbridge.engine.api.errors import ImageError, PairingError
from bandbridge.engine.api.events import Event, Progress
from bandbridge.engine.api.jobs import ScanPairs
from bandbridge.engine.api.reports import Finding, FolderReport, PairsReport
from bandbridge.engine.imagery.doubts.findings import (
    ambiguous,
    missing_in_table,
    nothing_paired,
    partner_set_aside,
    same_bands,
    unmatched,
    unreadable,
)
from bandbridge.engine.imagery.folder import Reading, is_scene, list_images, natural_order, scan_rgb, scan_sensor
from bandbridge.engine.imagery.names.sensor_words import Role, all_name_tiles, is_sentinel_1_patch, scene_name
from bandbridge.engine.imagery.names.tile import is_tile_name
from bandbridge.engine.imagery.scenes.scene_pairs import Pair, pair_tiles, scene_pair_findings
from bandbridge.engine.imagery.scenes.tiles import check_rule
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.imagery.survey import See

SAME_NAME = "Same name in both folders"
SAME_SCENE_WORD = "Same name apart from the sensor's word, such as _rgb and _nir"
NO_RULE = "No rule pairs these files"
NAMED_PATCH = "The Sentinel-2 patch that every Sentinel-1 patch names in its own description"
SAME_FILE = "Each file holds the bands of both"
SAME_PLACE = "The same place on the map"

_USUAL_TILES = TileRule()

_FLIR_2 = re.compile(r"video-[^/]+-frame-\d+-[^/]+$")
# Below this share of a folder, pairs by sensor words inside it are taken for chance (a DJI folder has 2 in 5).
_LEAST_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Which files belong together.

    Attributes:
        rule: The rule that paired them, in words.
        pairs: (key, RGB file, sensor file), sorted by key.
        unmatched_rgb: RGB files without a partner.
        unmatched_sensor: Sensor files without a partner.
        ambiguous: Keys with several candidates on a side, with all their files, RGB first.
        findings: One for every file or key left out, or one for all if nothing was paired.
    """

    rule: str
    pairs: tuple[Pair, ...] = ()
    unmatched_rgb: tuple[str, ...] = ()
    unmatched_sensor: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsScan:
    """The pairs' report, and the stretches measured on the usable images of each side (None without any)."""

    report: PairsReport
    rgb_stretch: Stretch | None
    sensor_stretch: Stretch | None


def pair_folders(folders: PairFolders, exclude: Iterable[str] = (), tiles: TileRule = _USUAL_TILES) -> Pairing:
    """Pair the images of two folders, by their table if they have one, else by name; or the tiles of two scenes.

    Scenes that are paired as images of two folders are cut into pairs of tiles as well.

    Args:
        folders: The two folders, or the files of two scenes.
        exclude: Files and tiles to leave out, relative to their folder or scene.
        tiles: How scenes are cut.

    Raises:
        ImageError: Two scenes cannot be brought together.
        PairingError: The table cannot be used, or a scene stands beside a folder.
        UsageError: A folder cannot be read.
    """
    rgb, sensor = Path(folders.rgb), Path(folders.sensor)
    if rgb.is_file() and sensor.is_file():
        rule = SAME_FILE if rgb.samefile(sensor) else SAME_PLACE
        pairing = Pairing(rule=rule, pairs=tuple(pair_tiles(rgb, sensor, tiles)))
        return _without(replace(pairing, findings=tuple(scene_pair_findings([(rgb, sensor)]))), exclude)
    if rgb.is_file() or sensor.is_file():
        raise PairingError(
            "A scene and a folder of images cannot be paired.",
            f"'{rgb}' is a {_kind_of(rgb)}, '{sensor}' is a {_kind_of(sensor)}.",
            "Choose two scenes of one place, or two folders of images.",
        )
    return _without(_cut(_pair_images(folders, exclude), rgb, sensor, tiles), exclude)


def _pair_images(folders: PairFolders, exclude: Iterable[str]) -> Pairing:
    """Pair the images of two folders, scenes among them as they are."""
    left_out = frozenset(exclude)
    if folders.table is not None:
        return read_pair_table(folders.table, folders, left_out)
    rgb, sensor = list_images(folders.rgb, left_out), list_images(folders.sensor, left_out)
    by_names = pair_names(rgb, sensor, same_folder=_is_same_folder(folders))
    named = _named_patches(Path(folders.sensor), sensor)
    if not named:
        return by_names
    others = {name: PurePosixPath(name).name for name in rgb if not is_sentinel_1_patch(name)}
    by_description = _pair_by(NAMED_PATCH, others, named)
    is_as_good = by_names.rule == SAME_FILE or len(by_description.pairs) >= len(by_names.pairs)
    return _with_findings(by_description) if by_description.pairs and is_as_good else by_names


def looked_through(folders: PairFolders, pairing: Pairing, side: int, exclude: Iterable[str]) -> tuple[str, ...]:
    """The images of one side that are looked through: all of a folder, but of scenes the tiles that are paired.

    Args:
        folders: The folders or scenes.
        pairing: What `pair_folders` says of them.
        side: 1 for RGB, 2 for the sensor.
        exclude: Files to leave out, relative to their folder.

    Raises:
        UsageError: A folder cannot be read.
    """
    paired = _side(pairing.pairs, side)
    folder = Path((folders.rgb, folders.sensor)[side - 1])
    if folder.is_file() or _is_same_folder(folders):
        return paired
    others = {name for name in list_images(folder, exclude) if not is_scene(folder / name)}
    scenes = (name for name in paired if is_tile_name(PurePosixPath(name).name))
    cut = {PurePosixPath(name).parent.as_posix() for name in scenes}
    return tuple(sorted((others - cut).union(paired), key=natural_order))


def _cut(pairing: Pairing, rgb: Path, sensor: Path, tiles: TileRule) -> Pairing:
    """The same pairs, with pairs of tiles in place of pairs of scenes."""
    pairs: list[Pair] = []
    scenes = []
    findings = [*pairing.findings]
    for pair in pairing.pairs:
        _, one, other = pair
        if not (is_scene(rgb / one) or is_scene(sensor / other)):
            pairs.append(pair)
            continue
        try:
            pairs += pair_tiles(rgb / one, sensor / other, tiles, (f"{one}/", f"{other}/"))
        except ImageError as error:
            findings.append(unreadable(other, sensor / other, error))
        else:
            scenes.append((rgb / one, sensor / other))
    return replace(pairing, pairs=tuple(pairs), findings=(*findings, *scene_pair_findings(scenes)))


def _without(pairing: Pairing, exclude: Iterable[str]) -> Pairing:
    left_out = frozenset(exclude)
    return replace(pairing, pairs=tuple(pair for pair in pairing.pairs if left_out.isdisjoint(pair[1:])))


def _kind_of(path: Path) -> str:
    return "scene" if path.is_file() else "folder"


def pair_names(rgb: Sequence[str], sensor: Sequence[str], *, same_folder: bool) -> Pairing:
    """Pair files by name.

    Two rules are tried on two folders, and the one that pairs more is taken, the first if they pair alike: the same
    relative path but for the ending; the same path but for the sensor's words in folder and file names. Inside one
    folder, files are paired by sensor words, or, if hardly any file has a partner so, each file with itself.

    Args:
        rgb: Relative paths of RGB images.
        sensor: Relative paths of sensor images.
        same_folder: Whether both sides are one folder; `sensor` is then not looked at.
    """
    if same_folder:
        by_words = _pair_inside(rgb)
        if len(by_words.pairs) >= max(1, _LEAST_SHARE * len(rgb)):
            return _with_findings(by_words)
        return Pairing(rule=SAME_FILE, pairs=tuple((_stem(name), name, name) for name in rgb))
    by_name = _pair_by(SAME_NAME, {name: _stem(name) for name in rgb}, {name: _stem(name) for name in sensor})
    with_tile = all_name_tiles((*rgb, *sensor))
    by_scene = _pair_by(
        SAME_SCENE_WORD,
        {name: scene_name(name, with_tile=with_tile).key for name in rgb},
        {name: scene_name(name, with_tile=with_tile).key for name in sensor},
    )
    is_name_enough = by_name.pairs and len(by_name.pairs) >= len(by_scene.pairs)
    return _with_findings(by_name if is_name_enough else by_scene)


def read_pair_table(table: str | Path, folders: PairFolders, exclude: Iterable[str] = ()) -> Pairing:
    """Pair files by a CSV table with the columns `rgb` and `sensor`, paths relative to the folders.

    Comma, semicolon and tab separate columns. A file may occur in several rows; a row that names a file that is not
    there becomes a finding. A JSON file that maps RGB to sensor files, as FLIR ADAS 2 brings it, does as well; it may
    name files without their folders.

    Raises:
        PairingError: The table cannot be read, lacks a column or has no row that can be used.
        UsageError: A folder cannot be read.
    """
    left_out = frozenset(exclude)
    rgb, sensor = list_images(folders.rgb), list_images(folders.sensor)
    there = {"rgb": frozenset(rgb), "sensor": frozenset(sensor)}
    pairs: dict[tuple[str, str], Pair] = {}
    findings = []
    is_map = Path(table).suffix.lower() == ".json"
    for number, row in _entries(Path(table), rgb, sensor) if is_map else _rows(Path(table)):
        missing = [(side, row[side]) for side in ("rgb", "sensor") if row[side] not in there[side]]
        findings += [missing_in_table(str(table), number, side, name) for side, name in missing]
        if not missing and not left_out.intersection(row.values()):
            pairs[row["rgb"], row["sensor"]] = (_stem(row["rgb"]), row["rgb"], row["sensor"])
    if not pairs:
        raise PairingError(
            f"The table '{table}' pairs no images.",
            findings[0].what if findings else "It has no rows below its heading, or all of their files are left out.",
            "Write one pair a row: the RGB file's path in its folder, then the sensor file's.",
        )
    used_rgb, used_sensor = ({pair[side] for pair in pairs} | left_out for side in (0, 1))
    return Pairing(
        rule=f"By the table {Path(table).name}",
        pairs=_in_order(pairs.values()),
        unmatched_rgb=tuple(name for name in rgb if name not in used_rgb),
        unmatched_sensor=tuple(name for name in sensor if name not in used_sensor),
        findings=tuple(findings),
    )


def scan_pairs(job: ScanPairs, control: Control, emit: Callable[[Event], None]) -> PairsReport:
    """Look through two folders and pair their images.

    Raises:
        PairingError: The table cannot be used.
        Stopped: The person asked to stop.
        UsageError: A folder cannot be read, or the stretch rule or a choice of bands is none.
    """
    return scan_pair_images(job, control, emit).report


def scan_pair_images(
    job: ScanPairs,
    control: Control,
    emit: Callable[[Event], None],
    see_rgb: See | None = None,
    see_sensor: See | None = None,
) -> PairsScan:
    """As `scan_pairs`, with the stretches of both sides.

    A pair is kept if both its images are usable.

    Args:
        job: The folders.
        control: Pause and stop.
        emit: Takes progress.
        see_rgb: Looks at every RGB image as well, as in `survey`; all of them come before the first sensor image.
        see_sensor: The same for sensor images.

    Raises:
        PairingError: The table cannot be used.
        Stopped: The person asked to stop.
        UsageError: A folder cannot be read, or the stretch rule or a choice of bands is none.
    """
    folders = job.folders
    check_rule(job.tiles)
    pairing = pair_folders(folders, job.exclude, job.tiles)
    rgb_names = looked_through(folders, pairing, 1, job.exclude)
    sensor_names = looked_through(folders, pairing, 2, job.exclude)
    share = len(rgb_names) / max(1, len(rgb_names) + len(sensor_names))
    rgb = scan_rgb(
        folders.rgb,
        rgb_names,
        Reading(job.profile, job.rgb_bands, job.stretch, job.no_data, job.tiles),
        control,
        _part(emit, 0.0, share),
        "Looking through RGB images",
        see_rgb,
    )
    sensor = scan_sensor(
        folders.sensor,
        sensor_names,
        Reading(job.profile, job.sensor_bands, job.stretch, job.no_data, job.tiles),
        control,
        _part(emit, share, 1.0),
        "Looking through sensor images",
        see_sensor,
    )
    pairs, lost = _usable_pairs(pairing.pairs, rgb.report, sensor.report)
    findings = [*pairing.findings, *lost]
    if pairing.rule == SAME_FILE and pairs and _bands_read(rgb.report) == _bands_read(sensor.report):
        findings.append(same_bands(folders.rgb))
    report = PairsReport(
        rgb=rgb.report,
        sensor=sensor.report,
        rule=pairing.rule,
        pairs=pairs,
        unmatched_rgb=pairing.unmatched_rgb,
        unmatched_sensor=pairing.unmatched_sensor,
        ambiguous=pairing.ambiguous,
        findings=tuple(findings),
    )
    return PairsScan(report=report, rgb_stretch=rgb.stretch, sensor_stretch=sensor.stretch)


def _pair_by(rule: str, rgb_keys: Mapping[str, str], sensor_keys: Mapping[str, str]) -> Pairing:
    """Pair files (file -> key) whose key occurs once on either side."""
    sides: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, keys in enumerate((rgb_keys, sensor_keys)):
        for name, key in keys.items():
            sides[key][side].append(name)
    crowded = {key: (*rgb, *sensor) for key, (rgb, sensor) in sides.items() if rgb and sensor and len(rgb + sensor) > 2}
    return Pairing(
        rule=rule,
        pairs=_in_order(
            (key or _stem(rgb[0]), rgb[0], sensor[0])
            for key, (rgb, sensor) in sides.items()
            if len(rgb) == len(sensor) == 1
        ),
        unmatched_rgb=tuple(name for name, key in rgb_keys.items() if not sides[key][1]),
        unmatched_sensor=tuple(name for name, key in sensor_keys.items() if not sides[key][0]),
        ambiguous=crowded,
    )


def _named_patches(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Sentinel-1 patch -> the Sentinel-2 patch that its description names, of those that have one (BigEarthNet)."""
    found: dict[str, str] = {}
    for name in names:
        if is_sentinel_1_patch(name):
            patch = PurePosixPath(name).name
            # Beside the band files: in the folder that is the image, or in the one that holds it.
            for place in (folder / name, (folder / name).parent):
                try:
                    described = json.loads((place / f"{patch}_labels_metadata.json").read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    continue
                partner = described.get("corresponding_s2_patch") if isinstance(described, dict) else None
                if isinstance(partner, str):
                    found[name] = partner
                break
    return found


def _pair_inside(names: Sequence[str]) -> Pairing:
    """Pair the files of one folder by their sensor words."""
    with_tile = all_name_tiles(names)
    scenes = {name: scene_name(name, with_tile=with_tile) for name in names}
    roles: dict[str, set[Role]] = defaultdict(set)
    for scene in scenes.values():
        roles[scene.key].add(scene.role)
    rgb: dict[str, str] = {}
    sensor: dict[str, str] = {}
    for name, scene in scenes.items():
        beside = roles[scene.key]
        # The word both sides use means what its companions leave open; a name without any word is the RGB image.
        is_either_rgb = "sensor" in beside and "rgb" not in beside
        is_sensor = scene.role == "sensor" or (scene.role == "either" and not is_either_rgb)
        (sensor if is_sensor else rgb)[name] = scene.key
    return _pair_by(SAME_SCENE_WORD, rgb, sensor)


def _with_findings(pairing: Pairing) -> Pairing:
    rgb, sensor = pairing.unmatched_rgb, pairing.unmatched_sensor
    findings: tuple[Finding, ...]
    if pairing.pairs:
        findings = (
            *(ambiguous(key, files) for key, files in pairing.ambiguous.items()),
            *(unmatched(name, "RGB") for name in rgb),
            *(unmatched(name, "sensor") for name in sensor),
        )
    else:
        crowded = next(iter(pairing.ambiguous.values()), ())
        needs_map = bool(rgb and sensor) and all(_FLIR_2.search(name) for name in (rgb[0], sensor[0]))
        findings = (nothing_paired(rgb, sensor, crowded, needs_map=needs_map),)
        pairing = replace(pairing, rule=NO_RULE)
    return replace(pairing, findings=findings)


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and the two cells of every row that is not empty."""
    read = read_csv_rows(table, "table")
    if not {"rgb", "sensor"} <= set(read.columns):
        raise PairingError(
            f"The table '{table}' lacks the columns it needs.",
            f"Its heading is: {read.heading or 'empty'}.",
            "Its first line must name the columns 'rgb' and 'sensor'.",
        )
    for number, row in read.rows:
        cells = {side: as_listed(row[side]) for side in ("rgb", "sensor")}
        if any(cells.values()):
            yield number, cells


def _entries(table: Path, rgb: Sequence[str], sensor: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Number and two files of every entry of a map; a name without folders means the only file so named."""
    try:
        found = json.loads(table.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise PairingError(
            f"The map '{table}' cannot be read.",
            f"The system says: {error}.",
            "Save it as a JSON file with UTF-8 encoding.",
        ) from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise PairingError(
            f"The file '{table}' is no map of pairs.",
            "It must hold one JSON object whose keys are RGB files and whose values are the sensor files.",
            "Choose another file, or a CSV table with the columns 'rgb' and 'sensor'.",
        )
    sides = {"rgb": _by_bare_name(rgb), "sensor": _by_bare_name(sensor)}
    for number, entry in enumerate(found.items(), start=1):
        names = zip(sides, map(as_listed, entry), strict=True)
        yield number, {side: sides[side].get(name, name) for side, name in names}


def _by_bare_name(names: Sequence[str]) -> dict[str, str]:
    """File name without folders -> relative path, of those that occur once."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[PurePosixPath(name).name].append(name)
    return {bare: paths[0] for bare, paths in found.items() if len(paths) == 1}


def _usable_pairs(
    pairs: Sequence[Pair], rgb: FolderReport, sensor: FolderReport
) -> tuple[tuple[Pair, ...], list[Finding]]:
    usable_rgb, usable_sensor = frozenset(rgb.files), frozenset(sensor.files)
    kept, lost = [], []
    for pair in pairs:
        _, rgb_name, sensor_name = pair
        if rgb_name in usable_rgb and sensor_name in usable_sensor:
            kept.append(pair)
        elif is_tile_name(PurePosixPath(sensor_name).name):
            continue  # told once for its scene
        elif rgb_name != sensor_name and rgb_name in usable_rgb:
            lost.append(partner_set_aside(rgb_name, sensor_name))
        elif rgb_name != sensor_name and sensor_name in usable_sensor:
            lost.append(partner_set_aside(sensor_name, rgb_name))
    return tuple(kept), lost


def _bands_read(report: FolderReport) -> tuple[int, ...]:
    return tuple(histogram.band for histogram in report.histograms)


def _part(emit: Callable[[Event], None], start: float, end: float) -> Callable[[Event], None]:
    """Events of one part of the work, with their share of the whole."""

    def pass_on(event: Event) -> None:
        if isinstance(event, Progress) and event.fraction is not None:
            event = replace(event, fraction=start + (end - start) * event.fraction)
        emit(event)

    return pass_on


def _is_same_folder(folders: PairFolders) -> bool:
    rgb, sensor = Path(folders.rgb), Path(folders.sensor)
    return rgb.exists() and sensor.exists() and rgb.samefile(sensor)


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _side(pairs: Sequence[Pair], side: int) -> tuple[str, ...]:
    """The files of one side, each once, in natural order."""
    return tuple(sorted({pair[side] for pair in pairs}, key=natural_order))


def _in_order(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(sorted(pairs, key=lambda pair: natural_order(pair[0])))
