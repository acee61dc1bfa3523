"""From the key of a method for clips to its stages: explicit, one line a method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bandbridge.engine.methods.ccl import ComposedTeaching
from bandbridge.engine.methods.clip_ground import ClipGround
from bandbridge.engine.methods.clip_teacher import TeacherTraining
from bandbridge.engine.methods.crd import InstanceContrast
from bandbridge.engine.methods.distilled import DistilledStudent, Teaching
from bandbridge.engine.methods.fitnet import Hint
from bandbridge.engine.methods.kd import SoftenedAnswers
from bandbridge.engine.methods.mnf_csc import RobustStudent
from bandbridge.engine.methods.relational import probabilistic, relational, similarity_preserving
from bandbridge.engine.training.stage import Stage


def _labels_only(ground: ClipGround) -> Iterator[Stage]:
    yield DistilledStudent(ground)


def _taught(teaching: Callable[[ClipGround], Teaching]) -> Callable[[ClipGround], Iterator[Stage]]:
    def stages(ground: ClipGround) -> Iterator[Stage]:
        yield TeacherTraining(ground)
        yield DistilledStudent(ground, teaching(ground))

    return stages


def _robust(*, filters: bool, calibrates: bool) -> Callable[[ClipGround], Iterator[Stage]]:
    def stages(ground: ClipGround) -> Iterator[Stage]:
        yield TeacherTraining(ground)
        yield RobustStudent(ground, filters=filters, calibrates=calibrates)

    return stages


CLIP_STAGES: Mapping[str, Callable[[ClipGround], Iterator[Stage]]] = {
    "ce": _labels_only,
    "kd": _taught(SoftenedAnswers),
    "fitnet": _taught(Hint),
    "sp": _taught(similarity_preserving),
    "pkt": _taught(probabilistic),
    "rkd": _taught(relational),
    "crd": _taught(InstanceContrast),
    "ccl": _taught(ComposedTeaching),
    "mnf-csc": _robust(filters=True, calibrates=True),
    "csc-only": _robust(filters=False, calibrates=True),
    "mnf-only": _robust(filters=True, calibrates=False),
}
"""Method key of the catalogue of clips -> its stages; each is built when those before it are done."""
