"""From a method's key to its stages: explicit, one line a method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.engine.methods import auto
from bandbridge.engine.methods.aad import AttractAndDisperse
from bandbridge.engine.methods.anchored import AnchoredSelfTraining
from bandbridge.engine.methods.auto import choose_by_itself
from bandbridge.engine.methods.bn_adapt import BatchNormAdaptation
from bandbridge.engine.methods.decision import Decision
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.methods.nrc import NeighbourhoodReciprocity
from bandbridge.engine.methods.pairs_only import PairsOnly
from bandbridge.engine.methods.shot import Shot
from bandbridge.engine.methods.socket import Socket
from bandbridge.engine.methods.tent import Tent
from bandbridge.engine.methods.tgkt import bridge_and_transfer
from bandbridge.engine.methods.translator_only import bridge_alone
from bandbridge.engine.methods.translator_socket import bridge_and_socket
from bandbridge.engine.training.stage import Stage

STAGES: Mapping[str, Callable[[Ground], Iterable[Stage]]] = {
    "source-only": lambda ground: (),
    "bn-adapt": lambda ground: (BatchNormAdaptation(ground),),
    "tent": lambda ground: (Tent(ground),),
    "shot": lambda ground: (Shot(ground),),
    "aad": lambda ground: (AttractAndDisperse(ground),),
    "nrc": lambda ground: (NeighbourhoodReciprocity(ground),),
    "decision": lambda ground: (Decision(ground),),
    "pairs-only": lambda ground: (PairsOnly(ground),),
    "auto": choose_by_itself,
    "anchored": lambda ground: (AnchoredSelfTraining(ground),),
    "socket": lambda ground: (Socket(ground),),
    "translator-only": bridge_alone,
    "translator-socket": bridge_and_socket,
    "tgkt": bridge_and_transfer,
}
"""Method key of the catalogue -> its stages, first to last; each is built when those before it are done."""


def stage_names(info: MethodInfo, ground: Ground) -> tuple[str, ...]:
    """Of the stages a method will go through on this ground."""
    return auto.names(ground) if info.key == "auto" else info.stages
