"""A distillation between picture and sound, from configuration to report.

    run.json                 configuration and state
    losses-1.csv ...         every sampled step of the teacher and of the student; losses.csv where there is no teacher
    epochs.csv               what the validation clips say, a line an epoch
    checkpoint.safetensors   everything needed to go on
    model.safetensors        the student
    gallery.safetensors      the student's features of all clips, to find similar ones
    teacher_features.h5      the teacher's, which another run may be given
    predictions.csv          every clip, what it shows and what the student says
    signs.csv                correspondence, temperature and mask of every clip the teacher knew, of MNF + CSC
    set_aside.csv            clips left out, and remarks
    report.json, report.html the result

The last state is kept; no split chooses among several.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bandbridge.engine.api.catalogue import MethodInfo
from bandbridge.engine.api.config import DistillConfig, Modality
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, Stopped, UsageError
from bandbridge.engine.api.events import CLIP_SIGNS, Event, Notice
from bandbridge.engine.api.jobs import Distill
from bandbridge.engine.api.reports import ClipScores, DistillReport, Finding
from bandbridge.engine.api.run_files import PREDICTIONS_FILE, REPORT_FILE, SIGNS_FILE
from bandbridge.engine.api.video_catalogue import has_teacher, video_method_info
from bandbridge.engine.methods.clip_ground import ClipGround, ClipNetwork
from bandbridge.engine.methods.clip_table import CLIP_STAGES
from bandbridge.engine.methods.clip_teacher import TeacherTraining
from bandbridge.engine.methods.mnf_csc import RobustStudent
from bandbridge.engine.training.clip_streams import ClipBank, ClipStream, FeatureBank, PictureBank, SoundBank
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.validation.retrieval import separation
from bandbridge.engine.video.clip_list import SPLITS, TEST, TRAIN, VALIDATION
from bandbridge.engine.video.clip_model import ClipInputs, ClipModel, build_encoder, save_clip_model
from bandbridge.engine.video.layout import laid_out
from bandbridge.engine.video.teacher_features import feature_findings, read_teacher_features, write_teacher_features
from bandbridge.engine.worker.clip_data import ClipData, gather_clips, measure_inputs
from bandbridge.engine.worker.clip_report import write_clip_report
from bandbridge.engine.worker.clip_scores import answers, measure_clips
from bandbridge.engine.worker.clip_watch import ClipWatcher
from bandbridge.engine.worker.compute import choose_device, device_words
from bandbridge.engine.worker.course import Course
from bandbridge.engine.worker.gallery_file import Gallery, save_gallery
from bandbridge.engine.worker.peak_memory import forget_peak, peak_gpu_memory_mb, peak_memory_mb
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import StagePlace
from numpy.typing import NDArray
from torch import Tensor, nn

Emit = Callable[[Event], None]

GALLERY_FILE = "gallery.safetensors"
TEACHER_FEATURES_FILE = "teacher_features.h5"
MATCHED = "matched"
MOST_REMARKS = 3
FEW_STEPS = 1000
"""On the video sample (200 training clips) 390 steps gave 56 to 70 % with any method, 1,300 up to 92 %."""

REMARKS = {
    "silent": "have a silent sound track",
    "no-sound": "have no sound",
    "no-picture": "have no pictures",
    "long": "were read in part, since they are very long",
    "class": "show a class that no training clip does: in retrieval they count as finding none of their kind",
    "tag": "show tags that no training clip does, and count as clips without any of the known ones",
}
VERSIONED = ("bandbridge", "torch", "numpy", "av", "scikit-learn")


def distill(job: Distill, emit: Emit, control: Control) -> DistillReport:
    """Teach a network for pictures by sound, or the other way.

    Raises:
        BandbridgeError: In words; whatever was saved before is intact.
        Stopped: Without a result to keep.
    """
    config = job.config
    info = video_method_info(config.method)
    settings = info.resolve(config.settings)
    check_distillation(config)
    folder = RunFolder(config, resume=job.resume)
    device = choose_device(config.device)
    began = time.perf_counter()
    forget_peak(device)
    data = gather_clips(config, emit, control)
    for notice in _notices(data.findings):
        emit(notice)
    with folder.at_work():
        ground, inputs = lay_clip_ground(config, info, settings, data, device, control)
        if config.teacher_features is not None and ground.teacher_bank is not None:
            place, known = Path(config.teacher_features), ground.teacher_bank.usable
            lacking = feature_findings(place, data.clips.names, known, data.rows[TRAIN].tolist())
            for notice in _notices(lacking):
                emit(notice)
            data = replace(data, findings=(*data.findings, *lacking))
        report = _Run(config, info, folder, data, ground, inputs, device, emit, control).carry_out(
            resume=job.resume, began=began
        )
    folder.mark("kept" if report.stopped_early else "completed")
    return report


def _notices(findings: Sequence[Finding]) -> list[Notice]:
    """Whatever is left out by name; mere remarks that hold for many clips, once and counted."""
    remarks = Counter(finding.kind for finding in findings if finding.severity == "note")
    told = [Notice.about(f) for f in findings if f.severity != "note" or remarks[f.kind] <= MOST_REMARKS]
    counted = {kind: count for kind, count in remarks.items() if count > MOST_REMARKS}
    texts = [f"{count} clips {REMARKS.get(kind, f'have the remark {kind}')}." for kind, count in counted.items()]
    return told + [Notice(level="info", text=text) for text in texts]


def check_distillation(config: DistillConfig) -> None:
    """Refuse what cannot work before anything is read.

    Raises:
        UsageError: A number is out of range.
    """
    rules = (
        (config.epochs >= 1, "The number of epochs must be at least 1."),
        (config.batch_size >= 2, "The batch size must be at least 2: batch statistics need two clips."),
        (0.1 <= config.fps <= 60.0, "The rate of pictures must lie between 0.1 and 60 a second."),
        (8 <= config.size_px <= 1024, "The side of the pictures must lie between 8 and 1024 pixels."),
        (2 <= config.window <= 256, "A window must hold between 2 and 256 pictures."),
        (2 <= config.width <= 512 and config.width % 2 == 0, "The width must be an even number between 2 and 512."),
        (1 <= config.blocks <= 8, "There must be between 1 and 8 blocks a stage."),
    )
    for holds, words in rules:
        if not holds:
            raise UsageError(words, "", "Change this setting.")
    if config.teacher_features and not has_teacher(video_method_info(config.method)):
        raise UsageError(
            "This method has no teacher, so it can make nothing of a teacher's features.",
            "",
            "Leave them out, or choose another method.",
        )


def lay_clip_ground(
    config: DistillConfig,
    info: MethodInfo,
    settings: dict[str, float | int | bool | str],
    data: ClipData,
    device: torch.device,
    control: Control,
) -> tuple[ClipGround, ClipInputs]:
    """Networks and clips as the methods take them, and how the student's windows are standardised."""
    torch.manual_seed(derived_seed(config.seed, "new networks"))
    classes = len(data.class_names)
    inputs = measure_inputs(data, config.student, config)
    student = _network(config, config.student, classes, device)
    teacher, teacher_bank = None, None
    if has_teacher(info):
        teacher, teacher_bank = _teacher(config, data, classes, device)
    learned = np.zeros(data.labels.shape, np.bool_)
    learned[data.rows[TRAIN]] = data.labels[data.rows[TRAIN]]  # no other labels are known from here on
    labels = torch.from_numpy(learned)
    ground = ClipGround(
        student,
        _bank(data, inputs, device),
        labels.float() if data.tags else torch.where(labels.any(dim=1), labels.int().argmax(dim=1), -1),
        training=data.rows[TRAIN],
        validation=data.rows[VALIDATION],
        teacher=teacher,
        teacher_bank=teacher_bank,
        settings=settings,
        learning_rate=config.learning_rate if config.learning_rate is not None else info.learning_rate,
        control=control,
        precision=torch.bfloat16 if config.precision == "bfloat16" else torch.float32,
        seed=config.seed,
    )
    return ground, inputs


def _network(config: DistillConfig, modality: Modality, classes: int, device: torch.device) -> ClipNetwork:
    encoder = build_encoder(modality, config.width, config.blocks)
    return laid_out(ClipNetwork(encoder, nn.Linear(encoder.feature_width, classes)), device)


def _bank(data: ClipData, inputs: ClipInputs, device: torch.device) -> ClipBank:
    kind = PictureBank if inputs.modality == "picture" else SoundBank
    return kind(data.clips, inputs.mean, inputs.std, device)


def _teacher(config: DistillConfig, data: ClipData, classes: int, device: torch.device) -> tuple[ClipNetwork, ClipBank]:
    """A network to train, or features made elsewhere with a last layer to train."""
    if config.teacher_features is None:
        bank = _bank(data, measure_inputs(data, config.teacher, config), device)
        network = _network(config, config.teacher, classes, device)
    else:
        features, known = read_teacher_features(Path(config.teacher_features), data.clips.names)
        bank = FeatureBank(features, known, device)
        network = ClipNetwork(nn.Identity(), nn.Linear(features.shape[1], classes)).to(device)
    if bank.usable[data.rows[TRAIN]].sum() < 2:
        what = "sound" if config.teacher == "sound" else "pictures"
        raise ClipError(
            "The teacher knows fewer than two of the training clips.",
            f"They have no {what}." if config.teacher_features is None else "The features are of other clips.",
            "Give clips with both, or choose the method 'ce', which has no teacher.",
        )
    return network, bank


def clip_streams(ground: ClipGround, config: DistillConfig) -> dict[str, ClipStream]:
    """What a run draws its batches from: the student's windows, and the teacher's where there is one."""
    banks: dict[str, tuple[ClipBank, NDArray[np.int64]]] = {"clips": (ground.bank, ground.training)}
    if ground.teacher_bank is not None:
        banks["teacher"] = (ground.teacher_bank, ground.teaching)
    return {
        name: ClipStream(
            name,
            bank,
            chosen=chosen,
            batch_size=config.batch_size,
            augment=str(ground.settings["augment"]),
            seed=config.seed,
            labels=ground.labels,
        )
        for name, (bank, chosen) in banks.items()
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a network makes of all clips it can see.

    Attributes:
        place: Row of each clip in the others, -1 where it cannot be seen.
        features: (n, D).
        chances: (n, K).
    """

    place: NDArray[np.int64]
    features: NDArray[np.float32]
    chances: NDArray[np.float32]

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some clips that can be seen."""
        return rows[self.place[rows] >= 0]


@dataclass(slots=True)
class _Run:
    """One run at work."""

    config: DistillConfig
    info: MethodInfo
    folder: RunFolder
    data: ClipData
    ground: ClipGround
    inputs: ClipInputs
    device: torch.device
    emit: Emit
    control: Control

    def carry_out(self, *, resume: bool, began: float) -> DistillReport:
        """Train, look at all clips, write everything down."""
        self._tell_if_short()
        course = self._course()
        course.run(resume=resume)
        if course.stopped_early and (isinstance(course.stage, TeacherTraining) or course.epochs_done == 0):
            raise Stopped  # the student has learned nothing yet: there is nothing to keep
        student = self._seen_by_student()
        self._save_model()
        self._save_gallery(student)
        self._write_predictions(student)
        teacher = self._seen_by_teacher()
        told, told_by_sound = self._write_signs(course.stage, student)
        report = DistillReport(
            run=str(self.folder.path),
            model=str(self.folder.model),
            method=self.config.method,
            teacher=self.config.teacher,
            seed=self.config.seed,
            tags=self.data.tags,
            class_names=self.data.class_names,
            clips={split: len(self.data.rows[split]) for split in SPLITS},
            taught=0 if teacher is None else len(self.ground.teaching),
            splits_drawn=self.data.drawn,
            validation=self._scores(student, VALIDATION, finds=True),
            test=self._scores(student, TEST, finds=True),
            teacher_validation=None if teacher is None else self._scores(teacher, VALIDATION),
            teacher_test=None if teacher is None else self._scores(teacher, TEST),
            separation=told,
            separation_by_sound=told_by_sound,
            epochs_done=course.epochs_done,
            steps_done=course.steps_done,
            seconds=time.perf_counter() - began - self.control.paused_s,
            clips_per_second=course.images / course.training_s if course.training_s > 0 else 0.0,
            set_aside=self.data.findings,
            device=device_words(self.device),
            versions={name: importlib.metadata.version(name) for name in VERSIONED},
            stages=self.info.stages,
            stopped_early=course.stopped_early,
            resumed=resume,
            peak_memory_mb=peak_memory_mb(),
            peak_gpu_memory_mb=peak_gpu_memory_mb(self.device),
        )
        self.folder.write_set_aside(self.data.findings)
        self.folder.write_json(REPORT_FILE, report)
        write_clip_report(self.folder.path, report, self.config, self.info, self.data.clips)
        return report

    def _tell_if_short(self) -> None:
        """A network that begins at random and takes few steps is mistaken for what the method makes of the clips."""
        steps = self.config.epochs * -(-len(self.ground.training) // self.config.batch_size)
        if steps < FEW_STEPS:
            text = (
                f"The student takes {steps} steps, which is few to learn from nothing: more epochs may do much for it."
            )
            self.emit(Notice(level="info", text=text))

    def _course(self) -> Course:
        def watch(stage: Stage, place: StagePlace) -> ClipWatcher:
            return ClipWatcher(
                stage=stage,
                place=place,
                ground=self.ground,
                data=self.data,
                folder=self.folder,
                emit=self.emit,
                control=self.control,
                device_words=device_words(self.device),
            )

        def keep() -> None:
            self.ground.control = Control()  # what remains to be done is the result the person asked for

        return Course(
            folder=self.folder,
            build=lambda: CLIP_STAGES[self.config.method](self.ground),
            names=self.info.stages,
            streams=clip_streams(self.ground, self.config),
            epochs=self.config.epochs,
            seed=self.config.seed,
            watch=watch,
            counted="clips",
            device=self.device,
            precision=self.ground.precision,
            control=self.control,
            on_keep=keep,
        )

    def _seen_by_student(self) -> _Seen:
        found = self.ground.see(self.ground.student, self.ground.bank, np.flatnonzero(self.ground.bank.usable))
        return self._seen(found.indices, found.features, found.logits)

    def _seen_by_teacher(self) -> _Seen | None:
        table, bank = self.ground.table, self.ground.teacher_bank
        if table is None or bank is None:
            return None
        known = np.flatnonzero(bank.usable)
        rows = torch.from_numpy(known).to(self.device)
        return self._seen(known, table.features[rows], table.logits[rows])

    def _seen(self, indices: NDArray[np.int64], features: Tensor, logits: Tensor) -> _Seen:
        place = np.full(len(self.data.clips), -1, np.int64)
        place[indices] = np.arange(len(indices))
        return _Seen(place, features.cpu().numpy(), self.ground.chances(logits).cpu().numpy())

    def _scores(self, seen: _Seen, split: str, *, finds: bool = False) -> ClipScores | None:
        """Scores on a split; the gallery to find in is the training clips."""
        rows, gallery = seen.of(self.data.rows[split]), seen.of(self.data.rows[TRAIN])
        return measure_clips(
            seen.chances[seen.place[rows]],
            self.data.labels[rows],
            self.data.class_names,
            tags=self.data.tags,
            features=seen.features[seen.place[rows]] if finds else None,
            gallery=(seen.features[seen.place[gallery]], self.data.labels[gallery]) if finds else None,
        )

    def _save_model(self) -> None:
        provenance = {
            "method": self.config.method,
            "teacher": self.config.teacher,
            "seed": str(self.config.seed),
            "run": self.folder.fingerprint,
        }
        model = ClipModel(
            self.ground.student.encoder,
            self.ground.student.head,
            self.inputs,
            self.data.class_names,
            tags=self.data.tags,
            width=self.config.width,
            blocks=self.config.blocks,
            provenance=provenance,
        )
        save_clip_model(self.folder.model, model)

    def _save_gallery(self, seen: _Seen) -> None:
        rows = seen.of(np.arange(len(self.data.clips)))
        gallery = Gallery(
            folder=str(Path(self.config.clips).absolute()),
            files=tuple(self.data.clips.names[row] for row in rows),
            labels=tuple(self.data.listed[row].labels for row in rows),
            splits=tuple(self.data.listed[row].split for row in rows),
            features=seen.features[seen.place[rows]],
        )
        save_gallery(self.folder.path / GALLERY_FILE, gallery)
        table, bank = self.ground.table, self.ground.teacher_bank
        if table is not None and bank is not None and self.config.teacher_features is None:
            known = np.flatnonzero(bank.usable)
            names = [self.data.clips.names[row] for row in known]
            place = self.folder.path / TEACHER_FEATURES_FILE
            write_teacher_features(place, names, table.features.cpu().numpy()[known])

    def _write_predictions(self, seen: _Seen) -> None:
        rows = []
        for row in seen.of(np.arange(len(self.data.clips))).tolist():
            chances, clip = seen.chances[seen.place[row]], self.data.listed[row]
            names = ";".join(answers(chances, self.data.class_names, tags=self.data.tags))
            rows.append((clip.file, clip.split, ";".join(clip.labels), names, f"{chances.max():.6f}"))
        self.folder.write_table(PREDICTIONS_FILE, ("file", "split", "truth", "predicted", "confidence"), rows)

    def _write_signs(self, stage: Stage | None, seen: _Seen) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Signs of every clip both networks can see, and how well they find wrong sound of any kind."""
        bank = self.ground.teacher_bank
        if not isinstance(stage, RobustStudent) or bank is None:
            return {}, {}
        rows = seen.of(np.flatnonzero(bank.usable))
        features = torch.from_numpy(seen.features[seen.place[rows]]).to(self.device)
        signs = stage.final_signs(torch.from_numpy(rows).to(self.device), features)
        mask = None if signs.mask is None else signs.mask.cpu().numpy()
        columns = {
            "correspondence": signs.correspondence.cpu().numpy(),
            "temperature": None if signs.temperature is None else signs.temperature.cpu().numpy(),
            "mask": None if mask is None else mask.mean(axis=1),
            "mask_low": None if mask is None else np.quantile(mask, 0.1, axis=1),
            "mask_high": None if mask is None else np.quantile(mask, 0.9, axis=1),
        }
        present = {name: values for name, values in columns.items() if values is not None}
        listed = [self.data.listed[row] for row in rows]
        self.folder.write_table(
            SIGNS_FILE,
            ("file", "split", "labels", "sound", *present),
            [
                (c.file, c.split, ";".join(c.labels), c.sound, *(f"{values[n]:.6f}" for values in present.values()))
                for n, c in enumerate(listed)
            ],
        )
        sounds = np.array([c.sound if c.split == TRAIN else "" for c in listed])
        signs_of: dict[str, NDArray[Any]] = {name: present[name] for name in CLIP_SIGNS if name in present}
        others = sorted({str(sound) for sound in sounds} - {"", MATCHED})
        return _told_apart(signs_of, sounds, others), {kind: _told_apart(signs_of, sounds, [kind]) for kind in others}


def _told_apart(signs: Mapping[str, NDArray[Any]], sounds: NDArray[np.str_], others: Sequence[str]) -> dict[str, float]:
    """How well each sign tells clips with their own sound from those with some kinds of other sound."""
    judged = np.isin(sounds, (MATCHED, *others))
    found = {name: separation(values[judged], sounds[judged] == MATCHED) for name, values in signs.items()}
    return {name: value for name, value in found.items() if value is not None}
