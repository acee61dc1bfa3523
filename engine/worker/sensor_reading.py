"""Settling how a run reads its images before it begins, so that the run's own file says everything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.events import Event, Notice
from bandbridge.engine.api.sensor_profiles import NO_PROFILE, SensorProposal
from bandbridge.engine.imagery.doubts.findings import other_sensor
from bandbridge.engine.imagery.folder import list_images, rgb_bands
from bandbridge.engine.imagery.formats.bands import RGB_BANDS
from bandbridge.engine.imagery.sensors.sensor_profile import recognise


def settled(config: RunConfig, emit: Callable[[Event], None], control: Control) -> RunConfig:
    """The configuration with everything proposed written out, as the run keeps it.

    The target images decide; where they have just the bands that are wanted, the pairs' sensor images may say which
    those are in files with more.

    Args:
        config: As it was asked for.
        emit: Takes what was recognised, in words.
        control: Looked at for every image.

    Raises:
        Stopped: The person asked to stop.
        UsageError: A folder cannot be read, or there is no such profile.
    """
    if config.sensor_profile == NO_PROFILE:
        return config
    target = _recognised(config, config.target, control)
    beside = [_recognised(config, pair.sensor, control) for pair in config.pairs]
    for folders, other in zip(config.pairs, beside, strict=True):
        for finding in other_sensor(folders.sensor, other, target, config.sensor_bands):
            emit(Notice.about(finding))
    bands = config.sensor_bands or next((one.bands for one in (target, *beside) if one.bands), None)
    stretch = config.stretch.or_proposed(target.stretch)
    read = f"all bands, {stretch.in_words()}"
    if bands:
        read = f"band{'s' * (len(bands) > 1)} {', '.join(map(str, bands))}, {stretch.in_words()}"
    text = f"The target images look like: {target.title} ({target.reason}). They are read as {read}."
    emit(Notice(level="info", text=text))
    return dataclasses.replace(
        config,
        rgb_bands=_rgb_bands(config),
        sensor_bands=bands,
        sensor_profile=NO_PROFILE,
        sensor=f"{target.title} ({target.reason})",
        stretch=stretch,
        no_data=target.no_data if config.no_data is None else config.no_data,
    )


def _recognised(config: RunConfig, folder: str, control: Control) -> SensorProposal:
    return recognise(
        folder,
        list_images(folder, config.exclude, config.tiles),
        profile=config.sensor_profile,
        bands=config.sensor_bands,
        no_data=config.no_data,
        control=control,
    )


def _rgb_bands(config: RunConfig) -> tuple[int, ...] | None:
    """Those of the pairs' folders, if one of them has others than the first three; plain RGB files are taken whole."""
    found = {
        rgb_bands(config.rgb_bands, pair.rgb, list_images(pair.rgb, config.exclude, config.tiles))
        for pair in config.pairs
    }
    others = found - {RGB_BANDS}
    return others.pop() if len(others) == 1 else config.rgb_bands
