"""Applying a network for clips: predictions, scores where there are labels, and finding similar clips."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from bandbridge.engine.api.config import DeviceChoice
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, UsageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import Evaluate, Predict, Retrieve
from bandbridge.engine.api.reports import (
    ClipQuery,
    EvaluateClipsReport,
    Finding,
    FoundClip,
    Prediction,
    PredictReport,
    RetrieveReport,
)
from bandbridge.engine.api.storage import check_writable, replacing
from bandbridge.engine.training.clip_passes import clip_features
from bandbridge.engine.training.clip_streams import ClipBank, PictureBank, SoundBank
from bandbridge.engine.validation.retrieval import ranking, similarities
from bandbridge.engine.video.clip_list import TEST, TRAIN, VALIDATION, ClipList, clip_files, find_clips
from bandbridge.engine.video.clip_model import ClipModel, is_clip_model, read_clip_model
from bandbridge.engine.video.clip_set import read_clips
from bandbridge.engine.video.layout import laid_out
from bandbridge.engine.worker.clip_data import label_rows
from bandbridge.engine.worker.clip_scores import measure_clips
from bandbridge.engine.worker.compute import choose_device
from bandbridge.engine.worker.distill import GALLERY_FILE
from bandbridge.engine.worker.gallery_file import read_gallery
from numpy.typing import NDArray

Emit = Callable[[Event], None]


def evaluate_clips(job: Evaluate, emit: Emit, control: Control) -> EvaluateClipsReport:
    """Measure a network for clips on labelled ones.

    Where a list or folders give splits, the test clips are measured, else the validation clips, else all; of the very
    clips a run was made with, those kept aside then. Similar clips are looked for among the run's training clips.

    Raises:
        UsageError: No clip is of a class of the model, or an option is for images.
        ClipError: None can be read.
        ModelError: The model cannot be used.
    """
    if job.bands is not None or job.class_names is not None:
        raise UsageError(
            "Bands and lists of class names are for images.", "This is a model for clips.", "Leave it out."
        )
    model = read_clip_model(Path(job.model))
    found = find_clips(Path(job.folder))
    gallery = read_gallery(Path(job.model) / GALLERY_FILE) if (Path(job.model) / GALLERY_FILE).is_file() else None
    own = gallery is not None and Path(gallery.folder) == Path(job.folder).absolute()
    split, files = _measured(found, model, splits_count=own or not found.drawn)
    seen = _see(model, found.folder, files, job.device, emit, control)
    by_name = {clip.file: clip for clip in found.clips}
    labels = label_rows([by_name[name] for name in seen.names], model.class_names)
    kept = None
    if gallery is not None:
        rows = [row for row, part in enumerate(gallery.splits) if part == TRAIN and gallery.labels[row]]
        names = {name: column for column, name in enumerate(model.class_names)}
        known = np.zeros((len(rows), len(names)), np.bool_)
        for place, row in enumerate(rows):
            known[place, [names[label] for label in gallery.labels[row] if label in names]] = True
        kept = (gallery.features[rows], known)
    scores = measure_clips(
        seen.chances, labels, model.class_names, tags=model.tags, features=seen.features, gallery=kept
    )
    assert scores is not None
    return EvaluateClipsReport(model=job.model, folder=job.folder, split=split, scores=scores, set_aside=seen.findings)


def _refuse_image_options(job: Evaluate | Predict) -> None:
    if job.bands is not None or job.class_names is not None:
        raise UsageError(
            "Bands and lists of class names are for images.", "This is a model for clips.", "Leave them out."
        )


def _measured(found: ClipList, model: ClipModel, *, splits_count: bool) -> tuple[str, list[str]]:
    """Which clips are measured: the name of their split and their files."""
    known = [clip for clip in found.clips if set(clip.labels) & set(model.class_names)]
    if not known:
        raise UsageError(
            f"None of the clips in '{found.folder}' is of a class of this model.",
            f"The model knows: {', '.join(model.class_names[:8])}. "
            f"The clips show: {', '.join(found.class_names[:8]) or 'nothing that is said'}.",
            "Name the folders or labels like the model's classes.",
        )
    for split in (TEST, VALIDATION) if splits_count else ():
        files = [clip.file for clip in known if clip.split == split]
        if files:
            return split, files
    return "all", [clip.file for clip in known]


def predict_clips(job: Predict, emit: Emit, control: Control) -> PredictReport:
    """Classify clips and the clips of folders.

    Raises:
        UsageError: There are no clips, or an option is for images.
        ClipError: None of them can be read.
        ModelError: The model cannot be used.
        StorageError: The table cannot be written.
    """
    if job.bands is not None or job.class_names is not None:
        raise UsageError(
            "Bands and lists of class names are for images.", "This is a model for clips.", "Leave it out."
        )
    if job.output:
        check_writable(Path(job.output))
    model = read_clip_model(Path(job.model))
    predictions: list[Prediction] = []
    findings: list[Finding] = []
    for folder, files in _files(job.paths):
        seen = _see(model, folder, files, job.device, emit, control)
        findings += seen.findings
        predictions += (
            Prediction(
                file=name if len(job.paths) == 1 and Path(job.paths[0]).is_dir() else str(folder / name),
                class_name=model.class_names[int(row.argmax())],
                confidence=float(row.max()),
                probabilities=tuple(row.tolist()),
            )
            for name, row in zip(seen.names, seen.chances, strict=True)
        )
    if job.output:
        _write_table(Path(job.output), model.class_names, predictions)
    return PredictReport(
        model=job.model,
        class_names=model.class_names,
        predictions=tuple(predictions),
        output=job.output or "",
        set_aside=tuple(findings),
    )


def retrieve(job: Retrieve, emit: Emit, control: Control) -> RetrieveReport:
    """Find the training clips of a run most similar to others, by the cosine of the student's features.

    Raises:
        UsageError: The folder is no distillation, or there is nothing to look for.
        ClipError: None of the clips can be read.
    """
    run = Path(job.run)
    if not is_clip_model(run):
        raise UsageError(
            f"'{run}' holds no network for clips.", "", "Name the folder of a finished distillation (`distill`)."
        )
    if job.count < 1:
        raise UsageError("The number of clips to find must be at least 1.", "", "Choose a larger number.")
    gallery = read_gallery(run / GALLERY_FILE)
    kept = [row for row, split in enumerate(gallery.splits) if split == TRAIN]
    findings: tuple[Finding, ...] = ()
    row_of = {name: row for row, name in enumerate(gallery.files)}
    if job.query in row_of:
        names: tuple[str, ...] = (job.query,)
        features = gallery.features[[row_of[job.query]]]
        labels: list[tuple[str, ...]] = [gallery.labels[row_of[job.query]]]
    else:
        if not Path(job.query).exists():
            raise UsageError(
                f"'{job.query}' is neither a clip on the disk nor the name of one of the run's.",
                "",
                "Check the path, or give the name as in the run's predictions.csv.",
            )
        ((folder, files),) = _files((job.query,))
        seen = _see(read_clip_model(run), folder, files, job.device, emit, control)
        names, features, findings = seen.names, seen.features, seen.findings
        told = {clip.file: clip.labels for clip in find_clips(folder).clips} if Path(job.query).is_dir() else {}
        labels = [told.get(name, ()) for name in names]
    alike, orders = similarities(features, gallery.features[kept]), ranking(features, gallery.features[kept])
    queries = tuple(
        ClipQuery(
            file=name,
            labels=own,
            found=tuple(
                FoundClip(
                    file=gallery.files[kept[place]],
                    labels=gallery.labels[kept[place]],
                    similarity=float(alike[row, place]),
                )
                for place in orders[row].tolist()
                if gallery.files[kept[place]] != name
            )[: job.count],
        )
        for row, (name, own) in enumerate(zip(names, labels, strict=True))
    )
    return RetrieveReport(run=job.run, folder=gallery.folder, queries=queries, set_aside=findings)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the model makes of the clips it can see and that could be read."""

    names: tuple[str, ...]
    features: NDArray[np.float32]
    chances: NDArray[np.float32]
    findings: tuple[Finding, ...]


def _files(paths: Sequence[str]) -> list[tuple[Path, list[str]]]:
    """Folders with the clips wanted in each.

    Raises:
        UsageError: There are none.
    """
    found: list[tuple[Path, list[str]]] = []
    for path in map(Path, paths):
        names = clip_files(path) if path.is_dir() else [path.name]
        if names:
            found.append((path if path.is_dir() else path.parent, names))
    if not found:
        named = " and ".join(f"'{path}'" for path in paths[:3])
        raise UsageError(f"There are no clips in {named}.", "", "Choose a folder with videos.")
    return found


def _see(
    model: ClipModel, folder: Path, files: Sequence[str], choice: DeviceChoice, emit: Emit, control: Control
) -> _Seen:
    device = choose_device(choice)
    inputs = model.inputs
    clips, findings = read_clips(folder, files, inputs.rule, inputs.window, emit=emit, control=control)
    kind = PictureBank if inputs.modality == "picture" else SoundBank
    bank: ClipBank = kind(clips, inputs.mean, inputs.std, device)
    rows = np.flatnonzero(bank.usable)
    what = "pictures" if inputs.modality == "picture" else "sound"
    if len(rows) == 0:
        raise ClipError(f"None of the clips in '{folder}' has {what}.", "The model needs it.", "Give other clips.")
    blind = tuple(
        Finding(severity="warning", kind=f"no-{inputs.modality}", file=name, what=f"The clip '{name}' has no {what}.")
        for name, usable in zip(clips.names, bank.usable.tolist(), strict=True)
        if not usable
    )
    laid_out(model, device)
    features = clip_features(model.encoder, bank, rows, control)
    with torch.no_grad():
        chances = model.chances(model.head(features))
    names = tuple(clips.names[row] for row in rows.tolist())
    return _Seen(names, features.cpu().numpy(), chances.cpu().numpy(), (*findings, *blind))


def _write_table(path: Path, class_names: Sequence[str], predictions: Sequence[Prediction]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "class", "confidence", *(f"p({name})" for name in class_names)))
        for one in predictions:
            numbers = (f"{value:.6f}" for value in one.probabilities)
            writer.writerow((one.file, one.class_name, f"{one.confidence:.6f}", *numbers))
