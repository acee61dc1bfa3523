"""Translator only: the untouched source model on translated images, the first stage of arXiv 2401.05014 by itself."""

from __future__ import annotations

from collections.abc import Iterator

from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.tgmb import ModalityBridging
from bandbridge.engine.training.stage import Stage


def bridge_alone(ground: Ground) -> Iterator[Stage]:
    """Train the translator; the finished model is translator and source model in a row."""
    bridge = ModalityBridging(ground)
    ground.put_behind(bridge.translator)
    yield bridge
