"""Configuration files: a run as JSON, checked where it enters the program.

A file holds fields of `RunConfig` by name, or is the `run.json` of a run folder. Folders and files in it may be
relative to the configuration file, so that a project can be moved as a whole.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import (
    DistillConfig,
    PairFolders,
    RunConfig,
    StretchRule,
    TileRule,
    TrainSourceConfig,
)
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.sensor_profiles import AUTO, NO_PROFILE, sensor_profile
from bandbridge.engine.api.video_catalogue import video_method_info
from bandbridge.engine.imagery.scenes.tiles import check_rule
from bandbridge.engine.worker.run_folder import DISTILLATION_FORMAT, RUN_FORMAT
from pydantic import TypeAdapter, ValidationError

Config = TypeVar("Config", RunConfig, TrainSourceConfig, DistillConfig)


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of an adaptation that a configuration file gives, unchecked but for their names; paths made absolute.

    Raises:
        UsageError: The file cannot be read, is no JSON object, is of another kind or has an unknown field.
    """
    fields, of_run = _read_object(path, RUN_FORMAT)
    if of_run:  # runs of earlier versions knew no profiles: what they do not name was not proposed either
        fields = {"sensor_profile": NO_PROFILE, **fields}
    _refuse_unknown(fields, RunConfig, "")
    for name in ("stretch", "settings", "tiles"):
        _require(isinstance(fields.get(name, {}), dict), name, "it must hold names and values")
    _refuse_unknown(fields.get("stretch"), StretchRule, "stretch.")
    _refuse_unknown(fields.get("tiles"), TileRule, "tiles.")
    pairs = fields.get("pairs")
    for folders in pairs if isinstance(pairs, list) else ():
        _refuse_unknown(folders, PairFolders, "pairs.")
    return _with_absolute_paths(fields, path.absolute().parent)


def read_distill_fields(path: Path) -> dict[str, Any]:
    """The fields of a distillation that a configuration file gives, as `read_fields`.

    Raises:
        UsageError: The file cannot be read, is no JSON object, is of another kind or has an unknown field.
    """
    fields, _ = _read_object(path, DISTILLATION_FORMAT)
    _refuse_unknown(fields, DistillConfig, "")
    _require(isinstance(fields.get("settings", {}), dict), "settings", "it must hold names and values")
    return _with_absolute_paths(fields, path.absolute().parent)


def _read_object(path: Path, wanted: str) -> tuple[dict[str, Any], bool]:
    """The object in a configuration file, or the configuration in a run's `run.json`; and whether it is a run's."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"The configuration file '{path}' cannot be read.", error.strerror or str(error), "Check its path."
        ) from error
    except ValueError as error:
        raise UsageError(f"The configuration file '{path}' is not valid JSON.", f"{error}.", "Correct it.") from error
    if not isinstance(fields, dict):
        raise UsageError(f"The configuration file '{path}' does not hold the fields of a run.", "", "Correct it.")
    if "format" not in fields:
        return fields, False
    if fields["format"] != wanted:
        verbs = {RUN_FORMAT: "It is a run of 'adapt'.", DISTILLATION_FORMAT: "It is a run of 'distill'."}
        raise UsageError(
            f"The configuration file '{path}' is of the kind '{fields['format']}'.",
            f"Wanted is '{wanted}'.",
            verbs.get(str(fields["format"]), "Use the program that wrote it."),
        )
    return fields.get("config", {}), True


def read_config(path: Path) -> RunConfig:
    """Read a complete configuration.

    Raises:
        UsageError: A field is unknown, missing or does not fit; the text names it.
    """
    return run_config(read_fields(path))


def run_config(fields: Mapping[str, Any]) -> RunConfig:
    """A run's configuration from fields as they come from a file or a command line, checked.

    Raises:
        UsageError: A field is missing or does not fit.
    """
    config = _checked(RunConfig, fields)
    settings = method_info(config.method).resolve(config.settings)
    # In their own types, so that a run typed and a run from the window are the same to the last sign.
    config = dataclasses.replace(config, settings={key: settings[key] for key in config.settings})
    _require(config.learning_rate is None or config.learning_rate > 0, "learning_rate", "it must be above 0")
    _check_stretch(config.stretch)
    check_rule(config.tiles)
    if config.sensor_profile not in (AUTO, NO_PROFILE):
        sensor_profile(config.sensor_profile)
    return config


def read_distill_config(path: Path) -> DistillConfig:
    """Read a complete configuration of a distillation.

    Raises:
        UsageError: A field is unknown, missing or does not fit; the text names it.
    """
    return distill_config(read_distill_fields(path))


def distill_config(fields: Mapping[str, Any]) -> DistillConfig:
    """The configuration of a distillation from fields as they come from a file or a command line, checked.

    Raises:
        UsageError: A field is missing or does not fit.
    """
    config = _checked(DistillConfig, fields)
    settings = video_method_info(config.method).resolve(config.settings)
    config = dataclasses.replace(config, settings={key: settings[key] for key in config.settings})
    _require(config.learning_rate is None or config.learning_rate > 0, "learning_rate", "it must be above 0")
    return config


def train_source_config(fields: Mapping[str, Any]) -> TrainSourceConfig:
    """The configuration of a source training from fields as they come from a command line, checked.

    Raises:
        UsageError: A field is missing or does not fit.
    """
    config = _checked(TrainSourceConfig, fields)
    _require(config.epochs >= 1, "epochs", "at least 1 is needed")
    _require(config.batch_size >= 1, "batch_size", "at least 1 is needed")
    _require(config.size_px is None or config.size_px >= 8, "size_px", "at least 8 is needed")
    _require(config.bottleneck >= 0, "bottleneck", "it cannot be negative")
    _require(0.0 <= config.held_out <= 0.5, "held_out", "it must lie between 0 and 0.5")
    _require(config.learning_rate > 0, "learning_rate", "it must be above 0")
    _check_stretch(config.stretch)
    return config


def _checked(kind: type[Config], fields: Mapping[str, Any]) -> Config:
    try:
        return TypeAdapter(kind).validate_python(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise UsageError(f"The field '{place}' is missing.", "", "Give it.") from error
        raise UsageError(
            f"The field '{place}' cannot be {first['input']!r}.", f"{first['msg']}.", "Correct it."
        ) from error


def _check_stretch(rule: StretchRule) -> None:
    _require(not rule.fault(), "stretch", rule.fault().rstrip("."))


def _require(holds: bool, field: str, why: str) -> None:
    if not holds:
        raise UsageError(f"The field '{field}' does not fit.", f"{why[0].upper()}{why[1:]}.", "Correct it.")


def _refuse_unknown(fields: object, kind: type[Any], place: str) -> None:
    if not isinstance(fields, dict):
        return
    known = [field.name for field in dataclasses.fields(kind)]
    for name in fields:
        if name not in known:
            raise UsageError(
                f"There is no field '{place}{name}'.", f"The fields are: {', '.join(known)}.", "Leave it out."
            )


def _with_absolute_paths(fields: dict[str, Any], base: Path) -> dict[str, Any]:
    def absolute(path: object) -> object:
        return str(base / path) if isinstance(path, str) else path

    result = dict(fields)
    for name in ("target", "run", "clips", "teacher_features"):
        if name in result:
            result[name] = absolute(result[name])
    if isinstance(result.get("sources"), list):
        result["sources"] = [absolute(source) for source in result["sources"]]
    if isinstance(result.get("pairs"), list):
        result["pairs"] = [
            {name: absolute(path) for name, path in folders.items()} if isinstance(folders, dict) else folders
            for folders in result["pairs"]
        ]
    return result
