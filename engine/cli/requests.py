"""From what was typed to a job for the engine."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.engine.api.config import PROPOSED, RunConfig, SettingValue, StretchRule, TileRule
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.jobs import (
    Adapt,
    CheckData,
    Compare,
    Distill,
    Evaluate,
    Export,
    InspectModel,
    InspectScene,
    Job,
    MakeSample,
    MakeVideoSample,
    Predict,
    Retrieve,
    ScanFolder,
    ScanPairs,
    TrainSource,
    Translate,
)
from bandbridge.engine.api.sensor_profiles import AUTO

_RUN_SETTINGS = ("batch_size", "learning_rate", "held_out", "adapter", "precision", "no_data")
_TRAIN_SETTINGS = ("batch_size", "learning_rate", "held_out", "no_data")
_TILE_OPTIONS = {
    "size_px": "tile",
    "overlap_px": "tile_overlap",
    "most_missing": "tile_missing",
    "most": "tile_most",
}
_STRETCH_SETTINGS = {"stretch_low": "low_percent", "stretch_high": "high_percent"}


def job_of(options: argparse.Namespace) -> Job:
    """The job a verb asks for.

    Args:
        options: From `arguments.build_parser`; any verb but `open` and `benchmark`.

    Raises:
        UsageError: Something named does not exist, is missing or does not fit.
    """
    _look_up_band_names(options)
    match options.verb:
        case "sample":
            return _sample(options)
        case "train-source":
            return _train_source(options)
        case "inspect":
            return _inspect(options)
        case "check":
            return _check(options)
        case "adapt":
            return _resume(options) if options.resume else _adapt(options)
        case "distill":
            return _resume_distillation(options) if options.resume else _distill(options)
        case "retrieve":
            query = Path(options.query)
            return Retrieve(
                run=_folder(options.run, "RUN", "Name the run folder."),
                query=_absolute(query) if query.exists() else options.query,
                count=options.count,
                device=options.device or "auto",
            )
        case "compare":
            return _compare(options)
        case "evaluate":
            return Evaluate(
                model=_existing(options.model, "MODEL"),
                folder=_labelled(options),
                bands=options.sensor_bands,
                class_names=_file(options.class_names, "--class-names") if options.class_names else None,
                device=options.device or "auto",
            )
        case "predict":
            return Predict(
                model=_existing(options.model, "MODEL"),
                paths=tuple(_existing(path, "IMAGE_OR_DIR") for path in options.paths),
                bands=options.sensor_bands,
                class_names=_file(options.class_names, "--class-names") if options.class_names else None,
                tiles=_tiles(options),
                output=_absolute(options.output) if options.output else None,
                device=options.device or "auto",
            )
        case "translate":
            return Translate(
                run=_existing(options.run, "RUN"),
                paths=tuple(_existing(path, "IMAGE_OR_DIR") for path in options.paths),
                output=_absolute(options.output),
                bands=options.sensor_bands,
                no_data=options.no_data,
                stretch=options.stretch,
                format=options.format,
                tile_px=options.tile,
                overlap_px=options.overlap,
                device=options.device or "auto",
            )
        case "export":
            source = _existing(options.source, "RUN_OR_MODEL")
            return Export(source=source, format=options.format, output=_absolute(options.output))
    raise AssertionError(options.verb)


def _look_up_band_names(options: argparse.Namespace) -> None:
    """Put numbers for bands that were named, as the first image of their side counts them."""
    given = vars(options)
    pairs = given.get("pairs") or [(None, None)]
    places = {
        "rgb_bands": (pairs[0][0], given.get("folder"), given.get("path")),
        "sensor_bands": (
            given.get("sensor"),
            given.get("target"),
            pairs[0][1],
            given.get("folder"),
            *(given.get("paths") or ()),
            given.get("path"),
        ),
    }
    for side, candidates in places.items():
        names = given.get(side)
        if not names or not isinstance(names[0], str):
            continue
        from bandbridge.engine.imagery.folder import list_images
        from bandbridge.engine.imagery.formats.band_files import numbers_of
        from bandbridge.engine.imagery.reader import read_header

        place = next((Path(place) for place in candidates if isinstance(place, str | Path)), None)
        if place is None:
            raise UsageError(
                f"The bands {','.join(names)} cannot be looked up.",
                "No images were named.",
                "Give numbers such as 4,3,2.",
            )
        images = [place / name for name in list_images(place)] if place.is_dir() else [place]
        if images:
            setattr(options, side, numbers_of(names, read_header(images[0])))


def _inspect(options: argparse.Namespace) -> Job:
    from bandbridge.engine.api.config import PairFolders
    from bandbridge.engine.imagery.folder import SCENE_SUFFIXES

    path = _existing(options.path, "FILE_OR_FOLDER")
    stretch, profile = _rule(options), options.sensor_profile or AUTO
    if options.sensor is not None:
        table = _file(options.pair_table, "--pair-table") if options.pair_table else None
        return ScanPairs(
            folders=PairFolders(
                rgb=_images(options.path, "RGB_DIR"), sensor=_images(options.sensor, "SENSOR_DIR"), table=table
            ),
            rgb_bands=options.rgb_bands,
            sensor_bands=options.sensor_bands,
            profile=profile,
            stretch=stretch,
            no_data=options.no_data,
            tiles=_tiles(options) or TileRule(),
        )
    if Path(path).is_dir():
        return ScanFolder(
            folder=path,
            bands=options.sensor_bands or options.rgb_bands,
            profile=profile,
            stretch=stretch,
            no_data=options.no_data,
            tiles=_tiles(options) or TileRule(),
        )
    if Path(path).suffix.lower() in SCENE_SUFFIXES:
        return InspectScene(path=path, tiles=_tiles(options) or TileRule())
    return InspectModel(
        path=path, class_names=_file(options.class_names, "--class-names") if options.class_names else None
    )


def _rule(options: argparse.Namespace) -> StretchRule:
    """What was typed of the stretch."""
    return dataclasses.replace(options.stretch or PROPOSED, despeckle_px=options.despeckle)


def _check(options: argparse.Namespace) -> CheckData:
    from bandbridge.engine.api.config import PairFolders

    if not options.pairs and options.target is None:
        raise UsageError("There is nothing to check.", "", "Give --pairs, --target or both.")
    return CheckData(
        pairs=tuple(PairFolders(**folders) for folders in _given_pairs(options)),
        target=_images(options.target, "--target") if options.target else None,
        rgb_bands=options.rgb_bands,
        sensor_bands=options.sensor_bands,
        profile=options.sensor_profile or AUTO,
        stretch=_rule(options),
        no_data=options.no_data,
        tiles=_tiles(options) or TileRule(),
        table=_absolute(options.csv) if options.csv else None,
        shifts=tuple(_absolute(path) for path in _for_pairs(options, "shifts", "--shifts") if path),
    )


def _adapt(options: argparse.Namespace) -> Adapt:
    from bandbridge.engine.worker.config_file import run_config

    fields = _data(options)
    if options.output:
        fields["run"] = _absolute(options.output)
    for field in ("method", "seed"):
        if getattr(options, field) is not None:
            fields[field] = getattr(options, field)
    _apply_settings(options, fields, _RUN_SETTINGS, own=True)
    _require(fields, (("sources", "--source"), ("target", "--target"), ("run", "-o")))
    return Adapt(config=_with_class_names(options, run_config(fields)))


_CLIP_SETTINGS = ("batch_size", "learning_rate", "precision", "blocks")
_CLIP_OPTIONS = {
    "teacher": "teacher",
    "task": "task",
    "fps": "fps",
    "frames": "window",
    "size": "size_px",
    "width": "width",
}


def _distill(options: argparse.Namespace) -> Distill:
    from bandbridge.engine.worker.config_file import distill_config

    fields = _clip_fields(options)
    if options.output:
        fields["run"] = _absolute(options.output)
    for field in ("method", "seed"):
        if getattr(options, field) is not None:
            fields[field] = getattr(options, field)
    _apply_settings(options, fields, _CLIP_SETTINGS, own=True)
    _require(fields, (("clips", "VIDEO_DIR"), ("run", "-o")))
    return Distill(config=distill_config(fields))


def _clip_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a distillation that say what is learned from, by what and for how long, as far as given."""
    from bandbridge.engine.worker.config_file import read_distill_fields

    fields = read_distill_fields(options.config) if options.config else {}
    if options.clips:
        fields["clips"] = _existing(options.clips, "VIDEO_DIR")
    if options.teacher_features:
        fields["teacher_features"] = _existing(options.teacher_features, "--teacher-features")
    for option, field in {**_CLIP_OPTIONS, "epochs": "epochs", "device": "device"}.items():
        if getattr(options, option) is not None:
            fields[field] = getattr(options, option)
    return fields


def _resume_distillation(options: argparse.Namespace) -> Distill:
    from bandbridge.engine.worker.config_file import read_distill_config

    run = _run_to_resume(options)
    # The folder may have been moved since.
    return Distill(config=dataclasses.replace(read_distill_config(run), run=str(run.parent)), resume=True)


def _compare(options: argparse.Namespace) -> Compare:
    from bandbridge.engine.api.catalogue import METHODS, method_info
    from bandbridge.engine.api.config import CompareConfig
    from bandbridge.engine.worker.config_file import run_config

    if options.clips:
        return _compare_clips(options)
    given = [f"--{name}" for name in _CLIP_OPTIONS if getattr(options, name) is not None]
    if given or options.teacher_features:
        raise UsageError(f"{', '.join(given) or '--teacher-features'} is for clips.", "", "Name them with --clips.")
    fields = _data(options)
    methods = options.methods or tuple(info.key for info in METHODS)
    settings = _settings_of_each(options, fields, {key: method_info(key) for key in methods}, _RUN_SETTINGS)
    fields |= {"run": "", "seed": 0, "method": methods[0]}
    _require(fields, (("sources", "--source"), ("target", "--target")))
    return Compare(
        config=CompareConfig(
            base=_with_class_names(options, run_config(fields)),
            methods=methods,
            seeds=options.seeds,
            output=_absolute(options.output),
            settings=settings,
        )
    )


def _compare_clips(options: argparse.Namespace) -> Compare:
    from bandbridge.engine.api.config import CompareConfig
    from bandbridge.engine.api.video_catalogue import VIDEO_METHODS, video_method_info
    from bandbridge.engine.worker.config_file import distill_config

    for image_option in ("source", "pairs", "target"):
        if getattr(options, image_option):
            raise UsageError(f"--{image_option} is for images, and --clips for clips.", "", "Give one of both.")
    fields = _clip_fields(options)
    methods = options.methods or tuple(info.key for info in VIDEO_METHODS)
    settings = _settings_of_each(options, fields, {key: video_method_info(key) for key in methods}, _CLIP_SETTINGS)
    fields |= {"run": "", "seed": 0, "method": methods[0]}
    return Compare(
        config=CompareConfig(
            base=distill_config(fields),
            methods=methods,
            seeds=options.seeds,
            output=_absolute(options.output),
            settings=settings,
        )
    )


def _settings_of_each(
    options: argparse.Namespace, fields: dict[str, Any], chosen: dict[str, MethodInfo], known: tuple[str, ...]
) -> dict[str, dict[str, SettingValue]]:
    """What each method compared is set to; a run's own settings go into the fields."""
    # A configuration's own method and its settings, if that method is among those compared.
    settings: dict[str, dict[str, Any]] = {str(fields.pop("method", "")): fields.pop("settings", {})}
    settings = {key: dict(settings.get(key, {})) for key in chosen}
    _apply_settings(options, fields, known, own=True)
    for name, value in fields.pop("settings", {}).items():
        owner, _, key = name.rpartition(".")
        takers = [owner] if owner else [m for m, info in chosen.items() if key in {s.key for s in info.settings}]
        if not takers or takers[0] not in chosen:
            raise UsageError(
                f"There is no setting '{name}' here.",
                f"The methods compared are: {', '.join(chosen)}.",
                "Leave it out, or write METHOD.KEY=VALUE with one of these methods.",
            )
        for method in takers:
            settings[method][key] = value
    for method, own in settings.items():
        typed = chosen[method].resolve(own)
        settings[method] = {key: typed[key] for key in own}
    return {method: own for method, own in settings.items() if own}


def _data(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a run that say what is adapted and for how long, as far as they are given."""
    from bandbridge.engine.worker.config_file import read_fields

    fields = read_fields(options.config) if options.config else {}
    if options.source:
        fields["sources"] = [_file(path, "--source") for path in options.source]
    if pairs := _given_pairs(options):
        fields["pairs"] = pairs
    if options.target:
        fields["target"] = _images(options.target, "--target")
    if tiles := _given_tiles(options):
        fields["tiles"] = {**fields.get("tiles", {}), **tiles}
    for field in ("rgb_bands", "sensor_bands", "sensor_profile", "epochs", "device"):
        if getattr(options, field) is not None:
            fields[field] = getattr(options, field)
    if options.stretch is not None:
        fields["stretch"] = dataclasses.asdict(options.stretch)
    if options.despeckle is not None:
        fields["stretch"] = {**fields.get("stretch", {"kind": "auto"}), "despeckle_px": options.despeckle}
    return fields


def _require(fields: dict[str, Any], wanted: Sequence[tuple[str, str]]) -> None:
    for field, option in wanted:
        if field not in fields:
            raise UsageError(f"{option} is missing.", "", f"Give {option}, or a --config file with '{field}'.")


def _with_class_names(options: argparse.Namespace, config: RunConfig) -> RunConfig:
    if not options.class_names:
        return config
    return dataclasses.replace(config, class_names=_class_names(config.sources[0], options.class_names))


def _class_names(model: str, listed: Path) -> tuple[str, ...]:
    """The names in a list; only the model knows how many there must be."""
    from bandbridge.engine.models.source import inspect_model

    return inspect_model(InspectModel(path=model, class_names=_file(listed, "--class-names"))).class_names


def _given_pairs(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The folders of --pairs with their tables, [] without."""
    tables = _for_pairs(options, "pair_table", "--pair-table")
    shifts = _for_pairs(options, "pair_shifts", "--pair-shifts")
    return [
        {
            "rgb": _images(rgb, "--pairs"),
            "sensor": _images(sensor, "--pairs"),
            "table": _file(table, "--pair-table") if table else None,
            "shifts": _file(moved, "--pair-shifts") if moved else None,
        }
        for (rgb, sensor), table, moved in zip(options.pairs or (), tables, shifts, strict=True)
    ]


def _for_pairs(options: argparse.Namespace, field: str, name: str) -> list[Path | None]:
    """The files of an option that is given once for each --pairs, None for those at the end that have none."""
    files: list[Path | None] = list(getattr(options, field) or [])
    pairs = len(options.pairs or ())
    if files and not pairs:
        raise UsageError(f"{name} was given without --pairs.", "", "Name the folders with --pairs as well.")
    if len(files) > pairs:
        raise UsageError(
            f"There are {len(files)} {name} for {pairs} --pairs.",
            "Each table belongs to the --pairs at the same place.",
            "Leave the surplus out.",
        )
    return files + [None] * (pairs - len(files))


def _tiles(options: argparse.Namespace) -> TileRule | None:
    """The rule for tiles that was typed, None if nothing was."""
    given = _given_tiles(options)
    return TileRule(**given) if given else None


def _given_tiles(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a rule for tiles, as far as they were typed."""
    typed = {name: getattr(options, option, None) for name, option in _TILE_OPTIONS.items()}
    return {name: value for name, value in typed.items() if value is not None}


def _resume(options: argparse.Namespace) -> Adapt:
    from bandbridge.engine.worker.config_file import read_config

    run = _run_to_resume(options)
    # The folder may have been moved since.
    return Adapt(config=dataclasses.replace(read_config(run), run=str(run.parent)), resume=True)


def _run_to_resume(options: argparse.Namespace) -> Path:
    """The `run.json` of the run to go on with; nothing else may be asked for."""
    from bandbridge.engine.api.run_files import RUN_FILE

    beside = ("verb", "version", "resume", "json", "debug")
    given = [name for name, value in vars(options).items() if name not in beside and value is not None]
    if given:
        raise UsageError(
            f"--resume goes on with a run as it was begun; these would change it: {', '.join(given)}.",
            "",
            "Leave that out, or begin a new run with --config.",
        )
    run = Path(_folder(options.resume, "--resume", "Name the run folder."))
    if not (run / RUN_FILE).is_file():
        raise UsageError(f"'{run}' is no run folder.", f"It holds no {RUN_FILE}.", "Name the folder given as -o.")
    return run / RUN_FILE


def _sample(options: argparse.Namespace) -> MakeSample | MakeVideoSample:
    folder = _absolute(options.folder)
    sizes = {"clips_per_class": options.clips_per_class, "noise": options.noise}
    given = {key: value for key, value in sizes.items() if value is not None}
    if options.video:
        return MakeVideoSample(folder=folder, seed=options.seed, **given)
    if given:
        flag = "--" + next(iter(given)).replace("_", "-")
        raise UsageError(f"{flag} is for the video sample only.", "The landscape has no clips.", "Add --video.")
    return MakeSample(folder=folder, seed=options.seed)


def _train_source(options: argparse.Namespace) -> TrainSource:
    from bandbridge.engine.worker.config_file import train_source_config

    fields: dict[str, Any] = {"folder": _folder(options.folder, "RGB_DIR"), "output": _absolute(options.output)}
    if options.weights:
        fields["weights"] = _file(options.weights, "--weights")
    for field in ("architecture", "epochs", "rgb_bands", "classes", "bottleneck", "seed", "device"):
        if getattr(options, field) is not None:
            fields[field] = getattr(options, field)
    if options.size is not None:
        fields["size_px"] = options.size
    if options.stretch is not None:
        fields["stretch"] = dataclasses.asdict(options.stretch)
    _apply_settings(options, fields, _TRAIN_SETTINGS, own=False)
    return TrainSource(config=train_source_config(fields))


def _apply_settings(options: argparse.Namespace, fields: dict[str, Any], known: tuple[str, ...], *, own: bool) -> None:
    """Put every --set where it belongs: into the run's fields, its stretch, or (`own`) the method's own settings."""
    for key, value in options.set or ():
        if key in known:
            fields[key] = None if value.lower() == "none" else value
        elif key in _STRETCH_SETTINGS:
            fields["stretch"] = {**fields.get("stretch", {}), _STRETCH_SETTINGS[key]: value}
        elif own:
            fields["settings"] = {**fields.get("settings", {}), key: value}
        else:
            names = ", ".join((*known, *_STRETCH_SETTINGS))
            raise UsageError(f"There is no setting '{key}' here.", f"The settings are: {names}.", "Leave it out.")


def _absolute(path: Path) -> str:
    return str(path.absolute())


def _existing(path: Path, name: str) -> str:
    if not path.exists():
        raise UsageError(f"'{path}' ({name}) does not exist.", "", "Check the path.")
    return _absolute(path)


def _folder(path: Path, name: str, do: str = "Name the folder that holds the images.") -> str:
    if _existing(path, name) and not path.is_dir():
        raise UsageError(f"'{path}' ({name}) is not a folder.", "", do)
    return _absolute(path)


def _labelled(options: argparse.Namespace) -> str:
    """A folder; of clips also their list."""
    from bandbridge.engine.worker.perform import takes_clips

    if takes_clips(str(options.model)):
        return _existing(options.folder, "LABELLED_DIR")
    return _folder(options.folder, "LABELLED_DIR")


def _images(path: Path, name: str) -> str:
    from bandbridge.engine.imagery.folder import SCENE_SUFFIXES

    if _existing(path, name) and not path.is_dir() and path.suffix.lower() not in SCENE_SUFFIXES:
        raise UsageError(
            f"'{path}' ({name}) is neither a folder nor a scene.",
            f"Scenes are TIFF, GeoTIFF, JPEG 2000 and ENVI files: {', '.join(sorted(SCENE_SUFFIXES))}.",
            "Name the folder that holds the images, or a scene.",
        )
    return _absolute(path)


def _file(path: Path, name: str) -> str:
    if _existing(path, name) and not path.is_file():
        raise UsageError(f"'{path}' ({name}) is not a file.", "", "Name a file.")
    return _absolute(path)
