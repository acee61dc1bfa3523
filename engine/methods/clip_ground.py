"""What every method for clips stands on: student, teacher, clips, and the labels of those that are learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from bandbridge.engine.api.config import SettingValue
from bandbridge.engine.api.control import Control
from bandbridge.engine.training.clip_passes import clip_features
from bandbridge.engine.training.clip_streams import ClipBank
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.stage import ParameterGroup
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

WEIGHT_DECAY = 5e-4
FEWEST_TAUGHT = 3
"""Clips with a teacher that a batch needs: two have no angle, and one no neighbour."""


def steps_down(done: float) -> float:
    """A tenth of the rate for the last quarter: epoch 150 of 200 as published for MNF + CSC."""
    return 1.0 if done < 0.75 else 0.1


class ClipNetwork(nn.Module):
    """An encoder of windows and the last layer behind it.

    Args:
        encoder: Windows -> (B, D); with a method `tokens`, windows -> (B, N, D), where its features are their mean.
        head: (B, D) -> (B, K).
    """

    def __init__(self, encoder: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def tokens(self, windows: Tensor) -> Tensor:
        """(B, N, D)."""
        return cast("Tensor", self.encoder.tokens(windows))  # type: ignore[operator]


class TeacherTable(nn.Module):
    """What the frozen teacher makes of every clip: computed once, kept in checkpoints.

    Features are divided by their root mean square over the training clips, so that no term depends on their scale.

    Args:
        clips: N.
        width: D' of the teacher's features.
        classes: K.
    """

    features: Tensor
    logits: Tensor
    filled: Tensor

    def __init__(self, clips: int, width: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.zeros(clips, width))
        self.register_buffer("logits", torch.zeros(clips, classes))
        self.register_buffer("filled", torch.zeros((), dtype=torch.bool))


@dataclass(frozen=True, slots=True)
class ClipSurvey:
    """What a network makes of clips, eval mode: which they are (V,), (V, D) and (V, K)."""

    indices: NDArray[np.int64]
    features: Tensor
    logits: Tensor


class ClipGround:
    """Student, teacher, clips and settings of one run. Labels of clips not trained on are not in it.

    Args:
        student: To be trained.
        bank: What the student sees of all N clips.
        labels: (N,) class indices or (N, K) tags as float32; rows of clips that are not trained on are -1 or 0.
        training: Indices of the clips the student learns from.
        validation: Indices of the clips looked at after every epoch.
        teacher: The network that teaches, None without a teacher.
        teacher_bank: What it sees of the clips.
        settings: Method settings, complete.
        learning_rate: Of the student.
        control: Looked at every batch of a pass.
        precision: Of forward passes.
        seed: Of the run, for weights that begin at random.

    Attributes:
        table: What the teacher made of the clips, None without a teacher.
        survey: Of the network at hand, as it was last looked at; None without validation clips.
    """

    def __init__(
        self,
        student: ClipNetwork,
        bank: ClipBank,
        labels: Tensor,
        *,
        training: NDArray[np.int64],
        validation: NDArray[np.int64],
        teacher: ClipNetwork | None = None,
        teacher_bank: ClipBank | None = None,
        settings: Mapping[str, SettingValue],
        learning_rate: float,
        control: Control,
        precision: torch.dtype = torch.float32,
        seed: int = 0,
    ) -> None:
        self.student = student
        self.bank = bank
        self.labels = labels.to(bank.device)
        self.training = training
        self.validation = validation
        self.teacher = teacher
        self.teacher_bank = teacher_bank
        self.settings = dict(settings)
        self.learning_rate = learning_rate
        self.control = control
        self.precision = precision
        self._seed = seed
        self.survey: ClipSurvey | None = None
        self.table: TeacherTable | None = None
        if teacher is not None and teacher_bank is not None:
            width, classes = teacher.head.in_features, teacher.head.out_features
            self.table = TeacherTable(len(labels), width, classes).to(bank.device)
            self._taught = torch.from_numpy(teacher_bank.usable).to(bank.device)

    @property
    def tags(self) -> bool:
        """Whether a clip may have several labels."""
        return self.labels.ndim == 2

    @property
    def teaching(self) -> NDArray[np.int64]:
        """Training clips the teacher can see."""
        assert self.teacher_bank is not None
        return self.training[self.teacher_bank.usable[self.training]]

    def number(self, key: str) -> float:
        """A method setting that is a number."""
        return float(self.settings[key])

    def begin_at_random(self, part: str) -> None:
        """What is made next begins with weights that follow from the run's seed, whatever was drawn before."""
        torch.manual_seed(derived_seed(self._seed, "new parts", part))

    def label_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy with the class, or binary cross-entropy summed over the tags."""
        if self.tags:
            return functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(dim=1).mean()
        return functional.cross_entropy(logits, labels)

    def chances(self, logits: Tensor) -> Tensor:
        """(B, K) probabilities: of the classes together 1, of every tag by itself."""
        return logits.sigmoid() if self.tags else logits.softmax(dim=1)

    def look(self, network: ClipNetwork | None = None) -> ClipSurvey | None:
        """Pass the validation clips through a network, the student if not said; kept as `survey`."""
        network = network or self.student
        bank = self.teacher_bank if network is self.teacher and self.teacher_bank is not None else self.bank
        chosen = self.validation[bank.usable[self.validation]]
        self.survey = self.see(network, bank, chosen) if len(chosen) else None
        return self.survey

    def see(self, network: ClipNetwork, bank: ClipBank, chosen: NDArray[np.int64]) -> ClipSurvey:
        """What a network makes of some clips, at least one, that the bank has."""
        features = clip_features(network.encoder, bank, chosen, self.control, precision=self.precision)
        with torch.no_grad():
            return ClipSurvey(chosen, features, network.head(features))

    def ask_teacher(self) -> None:
        """Fill the table, unless it is filled."""
        assert self.teacher is not None
        assert self.teacher_bank is not None
        assert self.table is not None
        if bool(self.table.filled):
            return
        seen = np.flatnonzero(self.teacher_bank.usable)
        found = self.see(self.teacher, self.teacher_bank, seen)
        rows = torch.from_numpy(seen).to(self.bank.device)
        self.table.features[rows] = found.features
        self.table.logits[rows] = found.logits
        learned = torch.from_numpy(self.teaching).to(self.bank.device)
        scale = self.table.features[learned].square().mean().sqrt().clamp_min(1e-12)
        self.table.features /= scale
        self.table.filled.fill_(True)

    def taught(self, indices: Tensor) -> Tensor:
        """(B,) bool: which clips of a batch the teacher knows."""
        return self._taught[indices]

    def modules(self) -> dict[str, nn.Module]:
        """What changes while the student is trained, and what it learns from."""
        found: dict[str, nn.Module] = {"student": self.student}
        if self.teacher is not None and self.table is not None:
            found |= {"teacher": self.teacher, "table": self.table}
        return found

    @staticmethod
    def parameter_group(*modules: nn.Module, rate: float = 1.0) -> Sequence[ParameterGroup]:
        """All weights of some modules."""
        parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
        return (ParameterGroup(parameters, rate, WEIGHT_DECAY),)
