"""MNF + CSC: robust distillation between picture and sound of clips where both need not belong together.

Xia, Li, Deng, Xiong, Dou and Hu, 2023 (arXiv 2304.07775). A modality noise filter (MNF) masks the teacher's features by
what the student sees; contrastive semantic calibration (CSC) points with them at the student's tokens and holds both
together with a temperature of every pair's own.

    purified   p = m * t,  m = sigmoid(MLP[t ; f])
    pointed at g = ReLU(BN(Linear(attention(query p, keys and values tokens))))
    student    CE + contrast(f, g)
    purifier   CE(g) + triplet(f, t, p) + sparsity(MLP) + contrast(f, g)

Two objectives, each felt by its own parameters alone.

Deliberate differences from the released program: the temperature cannot reach zero; the sparsity of all layers is
summed; teacher features are divided by their root mean square (`TeacherTable`), and those of other widths than the
student's are projected; attention begins unmixed (`SemanticCalibration`). Without CSC, the student is held against the
purified features themselves, at the base temperature.

This project's own: a layer that learns from the labels to lay the teacher's features among the student's, and says of
every clip how far both correspond. It feels nothing else, and student and purifier nothing of it. The temperature was
meant to tell this, but only the mask brings its two sides together, and it does so for every clip, whatever is heard.

Where widths differ or it is asked for (`teacher_space`), t is what this layer makes of the teacher's features, and no
term of the purifier moves it: the triplet would push t away from f instead of masking it, which lowers cos(f, t) just
as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from bandbridge.engine.api.video_catalogue import STUDENT_STAGE
from bandbridge.engine.losses.calibration import label_contrast, own_temperatures, sharing_labels, temperatures
from bandbridge.engine.losses.noise_filter import filter_triplet, weight_sparsity
from bandbridge.engine.methods.clip_ground import FEWEST_TAUGHT, ClipGround, steps_down
from bandbridge.engine.methods.noise_filter import NoiseFilter
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Term
from torch import Tensor, nn
from torch.nn import functional

CORRESPONDENCE_TEMPERATURE = 0.1


class SemanticCalibration(nn.Module):
    """g: what of the student's clip the teacher points at, and a last layer on it.

    What is pointed at begins unmixed: values, their way out and the layer behind pass every feature on as it is. From
    random layers, g would be a random mixture for some ten thousand steps of a rate this low, and the contrast would
    bend the student's features to it (CONTRIBUTING.md, Decisions).

    Args:
        width: D.
        classes: K.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        behind = nn.Linear(width, width)
        self.after = nn.Sequential(behind, nn.BatchNorm1d(width), nn.ReLU())
        self.head = nn.Linear(width, classes)
        with torch.no_grad():
            values = self.attention.in_proj_weight.chunk(3)[2]
            for weight in (values, self.attention.out_proj.weight, behind.weight):
                nn.init.eye_(weight)

    def forward(self, purified: Tensor, tokens: Tensor) -> Tensor:
        """(B, D), (B, N, D) -> (B, D)."""
        pointed, _ = self.attention(purified[:, None], tokens, tokens, need_weights=False)
        found: Tensor = self.after(pointed[:, 0])
        return found


class ClipSigns(nn.Module):
    """Mask, temperature and correspondence of each clip when last met while training; NaN where it was not met yet.

    Args:
        clips: N.
    """

    mask: Tensor
    temperature: Tensor
    correspondence: Tensor

    def __init__(self, clips: int) -> None:
        super().__init__()
        for name in ("mask", "temperature", "correspondence"):
            self.register_buffer(name, torch.full((clips,), torch.nan))

    def note(self, indices: Tensor, mask: Tensor | None, temperature: Tensor | None, correspondence: Tensor) -> None:
        """Keep the means of (B, D) masks, the diagonal of (B, B) temperatures, and (B,) correspondences."""
        if mask is not None:
            self.mask[indices] = mask.detach().float().mean(dim=1)
        if temperature is not None:
            self.temperature[indices] = temperature.detach().float().diagonal()
        self.correspondence[indices] = correspondence.detach().float()


@dataclass(frozen=True, slots=True)
class FinalSigns:
    """What the finished networks make of clips.

    Attributes:
        mask: (n, D) in 0..1, None without MNF.
        temperature: (n,), None without CSC.
        correspondence: (n,) in -1..1.
    """

    mask: Tensor | None
    temperature: Tensor | None
    correspondence: Tensor


class RobustStudent:
    """MNF + CSC, or one of both.

    Args:
        ground: With a teacher.
        filters: Whether there is MNF.
        calibrates: Whether there is CSC.
    """

    name = STUDENT_STAGE
    streams = ("clips",)

    def __init__(self, ground: ClipGround, *, filters: bool = True, calibrates: bool = True) -> None:
        assert ground.teacher is not None
        self._ground = ground
        ground.begin_at_random(self.name)
        width, classes = ground.student.head.in_features, ground.student.head.out_features
        teacher_width = ground.teacher.head.in_features
        self._lays = teacher_width != width or ground.settings["teacher_space"] == "student"
        self._filter = NoiseFilter(width) if filters else None
        self._calibration = SemanticCalibration(width, classes) if calibrates else None
        self._correspondence = nn.Linear(teacher_width, width)
        self.signs = ClipSigns(len(ground.labels))
        for module in (*self._own().values(), self.signs):
            module.to(ground.bank.device)
        calibrating = ("second answer",) if calibrates else ()
        filtering = ("filter", "sparsity") if filters else ()
        self.terms = ("cross-entropy", "contrast", *calibrating, *filtering, "correspondence")
        self.schedule = Schedule("adam", ground.learning_rate, steps_down)

    def _own(self) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {"correspondence": self._correspondence}
        if self._filter is not None:
            found["noise filter"] = self._filter
        if self._calibration is not None:
            found["calibration"] = self._calibration
        return found

    def modules(self) -> Mapping[str, nn.Module]:
        """Student, teacher, purifier, and what it made of each clip."""
        return {**self._ground.modules(), **self._own(), "signs": self.signs}

    def parameter_groups(self) -> Mapping[str, Sequence[ParameterGroup]]:
        """The student, and the purifier at a rate of its own."""
        return {
            "student": self._ground.parameter_group(self._ground.student),
            "purifier": self._ground.parameter_group(*self._own().values(), rate=self._ground.number("purifier_rate")),
        }

    def refresh(self) -> None:
        """Ask the teacher once; look at the validation clips."""
        self._ground.ask_teacher()
        self._ground.look()

    def final_signs(self, indices: Tensor, features: Tensor) -> FinalSigns:
        """What the finished networks make of clips that the teacher knows.

        Args:
            indices: (n,) clips.
            features: (n, D) of the student, all windows averaged.
        """
        assert self._ground.table is not None
        for module in self._own().values():
            module.eval()
        teacher = self._ground.table.features[indices]
        with torch.no_grad():
            heard = self._correspondence(teacher)
            purified, mask = self._purified(self._raw(teacher, heard), features)
            alike = own_temperatures(features, purified, self._base)
            correspondence = functional.cosine_similarity(features, heard, dim=1)
        return FinalSigns(mask, alike if self._calibration is not None else None, correspondence)

    @property
    def _base(self) -> float:
        return self._ground.number("base_temperature")

    def _raw(self, teacher: Tensor, heard: Tensor) -> Tensor:
        """(B, D') of the teacher, and (B, D) as they correspond to the student's -> (B, D) to be purified."""
        return heard.detach() if self._lays else teacher

    def _purified(self, raw: Tensor, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, D) of the teacher -> (B, D) purified, and the mask."""
        if self._filter is None:
            return raw, None
        mask = self._filter(raw, features)
        return mask * raw, mask

    def objectives(self, batches: Mapping[str, Batch]) -> Sequence[Objective]:
        """One of the student and one of the purifier."""
        batch = batches["clips"]
        assert batch.labels is not None
        student = self._ground.student
        tokens = student.tokens(batch.images)  # (B, N, D)
        features = tokens.mean(dim=1)  # (B, D)
        right = Term(1.0, self._ground.label_loss(student.head(features), batch.labels))
        taught = self._ground.taught(batch.indices)
        if int(taught.sum()) < FEWEST_TAUGHT:
            nothing = Term(0.0, features.sum() * 0.0)
            return (Objective(dict.fromkeys(self.terms, nothing) | {"cross-entropy": right}, ("student",)),)
        own = self._own_terms(batch.indices[taught], features[taught], tokens[taught], batch.labels[taught])
        learns = Objective({"cross-entropy": right, "contrast": own["contrast"]}, ("student",))
        return (learns, Objective(own, ("purifier",)))

    def _own_terms(self, indices: Tensor, features: Tensor, tokens: Tensor, labels: Tensor) -> dict[str, Term]:
        """All terms but the labels', on the B clips of a batch that the teacher knows."""
        ground = self._ground
        assert ground.table is not None
        teacher = ground.table.features[indices]  # (B, D')
        heard = self._correspondence(teacher)  # (B, D)
        raw = self._raw(teacher, heard)  # (B, D)
        purified, mask = self._purified(raw, features)
        temperature: Tensor | None = None
        together = sharing_labels(labels)
        terms: dict[str, Term] = {}
        if self._calibration is not None:
            temperature = temperatures(features, purified, self._base)  # (B, B)
            pointed = self._calibration(purified, tokens)  # (B, D)
            contrast = label_contrast(features, pointed, together, temperature)
            terms["contrast"] = Term(ground.number("contrast_weight"), contrast)
            second = ground.label_loss(self._calibration.head(pointed), labels)
            terms["second answer"] = Term(ground.number("auxiliary_weight"), second)
        else:
            contrast = label_contrast(features, purified, together, self._base)
            terms["contrast"] = Term(ground.number("contrast_weight"), contrast)
        if self._filter is not None:
            triplet = filter_triplet(features, raw, purified)
            terms["filter"] = Term(ground.number("filter_weight"), triplet)
            sparsity = weight_sparsity(self._filter.weights())
            terms["sparsity"] = Term(ground.number("sparsity_weight"), sparsity)
        found = label_contrast(features, heard, together, CORRESPONDENCE_TEMPERATURE)
        terms["correspondence"] = Term(1.0, found)
        alike = functional.cosine_similarity(features, heard, dim=1)
        self.signs.note(indices, mask, temperature, alike)
        return terms
