"""Translator, then SOCKET on translated images: what reviewers of arXiv 2401.05014 asked to see beside it.

The frozen translator stands before the network as an adapter; SOCKET's statistics and features are those of the
network behind it. The finished model is translator and adapted network in a row.
"""

from __future__ import annotations

from collections.abc import Iterator

from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.socket import Socket
from bandbridge.engine.methods.tgmb import ModalityBridging
from bandbridge.engine.training.stage import Stage


def bridge_and_socket(ground: Ground) -> Iterator[Stage]:
    """Both stages; SOCKET starts from the untouched source model behind the trained translator."""
    bridge = ModalityBridging(ground)
    ground.put_behind(bridge.translator)
    yield bridge
    bridge.translator.freeze()
    yield Socket(ground)
