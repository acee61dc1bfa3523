"""Applying a network for clips: predictions, scores where there are labels, and finding similar clips."""

from __future__ import annotations

import csv
import os
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
from bandbridge.engine.api.run_files import MODEL_FILE
from bandbridge.engine.api.storage import check_writable, replacing
from bandbridge.engine.training.clip_passes import clip_features
from bandbridge.engine.training.clip_streams import ClipBank, PictureBank, SoundBank
from bandbridge.engine.validation.retrieval import ranking, similarities
from bandbridge.engine.video.clip_list import TEST, TRAIN, VALIDATION, ClipList, ListedClip, find_clips, look_for_clips
from bandbridge.engine.video.clip_model import ClipModel, is_clip_model, model_file, read_clip_model
from bandbridge.engine.video.clip_set import read_clips
from bandbridge.engine.video.layout import laid_out
from bandbridge.engine.worker.clip_data import label_rows, sort_labelled
from bandbridge.engine.worker.clip_scores import answers, measure_clips
from bandbridge.engine.worker.compute import choose_device
from bandbridge.engine.worker.distill import GALLERY_FILE
from bandbridge.engine.worker.gallery_file import Gallery, read_gallery
from numpy.typing import NDArray

Emit = Callable[[Event], None]

_LIST_ENDINGS = frozenset({".csv", ".json"})


def evaluate_clips(job: Evaluate, emit: Emit, control: Control) -> EvaluateClipsReport:
    """Measure a network for clips on labelled ones, and by how well it finds the like among its run's training clips.

    Of a run's own clips those it kept aside for testing are measured, else those for validation, whatever was added
    since; of others those for testing where a list or folders say so, else those for validation, else all. What the run
    learned from is never measured.

    Raises:
        UsageError: No clip is of a class of the model, all were learned from, or an option is for images.
        ClipError: None can be read.
        ModelError: The model cannot be used.
    """
    _refuse_image_options(job)
    model = read_clip_model(Path(job.model))
    found = find_clips(Path(job.folder))
    gallery = _gallery_of(Path(job.model))
    split, chosen, left = _measured(found, gallery, model.class_names)
    labelled = [clip for clip in chosen if clip.labels]
    if not model.tags:
        _refuse_several(labelled, model.class_names)
    seen = _see(model, found.folder, [clip.file for clip in labelled], job.device, emit, control)
    by_name = {clip.file: clip for clip in labelled}
    listed = [by_name[name] for name in seen.names] + [clip for clip in chosen if not clip.labels]
    visible = np.ones(len(listed), np.bool_)
    labels, used, told = sort_labelled(listed, visible, model.class_names, model.inputs.modality, tags=model.tags)
    kept = None
    if gallery is not None:
        shown = label_rows([gallery.labels[row] for row in gallery.learned], model.class_names)
        kept = (gallery.features[gallery.learned], shown)
    scores = measure_clips(
        seen.chances, labels[used], model.class_names, tags=model.tags, features=seen.features, gallery=kept
    )
    assert scores is not None
    findings = (*found.findings, *left, *seen.findings, *told)
    return EvaluateClipsReport(model=job.model, folder=job.folder, split=split, scores=scores, set_aside=findings)


def _refuse_image_options(job: Evaluate | Predict) -> None:
    tiles = job.tiles if isinstance(job, Predict) else None
    if job.bands is not None or job.class_names is not None or tiles is not None:
        raise UsageError(
            "Bands, tiles and lists of class names are for images.", "This is a model for clips.", "Leave them out."
        )


def _refuse_several(labelled: Sequence[ListedClip], class_names: Sequence[str]) -> None:
    for clip in labelled:
        known = [label for label in clip.labels if label in class_names]
        if len(known) > 1:
            raise UsageError(
                f"The clip '{clip.file}' has several labels: {', '.join(known)}.",
                "The model knows classes, which exclude each other.",
                "Give it one of them, or measure a model for tags.",
            )


def _gallery_of(place: Path) -> Gallery | None:
    """The clips of the run a model belongs to; None where it stands alone."""
    file = model_file(place)
    gallery = file.parent / GALLERY_FILE
    return read_gallery(gallery) if file.name == MODEL_FILE and gallery.is_file() else None


def _measured(
    found: ClipList, gallery: Gallery | None, class_names: Sequence[str]
) -> tuple[str, list[ListedClip], list[Finding]]:
    """Which clips are measured: the name of their split, the clips, and what there is to say of those that are not."""
    own = {} if gallery is None else _own_splits(found, gallery)
    others = [clip for clip in found.clips if clip.file not in own]
    choices = [(split, [clip for clip in found.clips if own.get(clip.file) == split]) for split in (TEST, VALIDATION)]
    if not found.drawn:
        choices += [(split, [clip for clip in others if clip.split == split]) for split in (TEST, VALIDATION)]
    choices.append(("all", others))
    split, chosen = next(((name, clips) for name, clips in choices if any(clip.labels for clip in clips)), ("all", []))
    learned = sum(split == TRAIN for split in own.values())
    if not chosen and learned:
        raise UsageError(
            f"There is nothing to measure in '{found.folder}'.",
            "The run has learned from all of its labelled clips.",
            "Name clips that the run has not seen.",
        )
    if not any(set(clip.labels) & set(class_names) for clip in chosen):
        shown = sorted({label for clip in chosen for label in clip.labels})
        raise UsageError(
            f"None of the clips in '{found.folder}' is of a class of this model.",
            f"The model knows: {', '.join(class_names[:8])}. "
            f"The clips show: {', '.join(shown[:8]) or 'nothing that is said'}.",
            "Name the folders or labels like the model's classes.",
        )
    left = []
    if gallery is None:
        what = "This model lies in no run folder, so it may have learned from some of the clips measured."
        left.append(_note("no-run", what, do="Name the run folder; similar clips can then be looked for as well."))
    if learned:
        what = f"{_clips(learned)} not measured: the run has learned from {_them(learned)}."
        moved = gallery is not None and not gallery.home.is_dir()
        why = "Their names say so; the folder the run knows is gone." if moved else ""
        left.append(_note("learned", what, why=why))
    strange = len(others) if chosen[0].file in own else 0
    if strange:
        what = f"{_clips(strange)} not measured: the run did not take {_them(strange)}, or could not."
        left.append(_note("strange", what, do="To measure clips added since, name a list or a folder of these alone."))
    return split, chosen, left


def _own_splits(found: ClipList, gallery: Gallery) -> dict[str, str]:
    """The split in its run of every clip found that the run learned from or kept aside, by resolved paths."""
    home = gallery.home if gallery.home.is_dir() else found.folder  # they were moved since
    splits = {
        (home / file).resolve(): split
        for file, split, labels in zip(gallery.files, gallery.splits, gallery.labels, strict=True)
        if labels
    }
    places = {clip.file: (found.folder / clip.file).resolve() for clip in found.clips}
    return {file: splits[place] for file, place in places.items() if place in splits}


def _clips(count: int) -> str:
    return "1 clip is" if count == 1 else f"{count} clips are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _note(kind: str, what: str, *, why: str = "", do: str = "") -> Finding:
    return Finding(severity="note", kind=kind, file="", what=what, why=why, do=do)


def predict_clips(job: Predict, emit: Emit, control: Control) -> PredictReport:
    """Classify clips and the clips of folders and lists.

    Raises:
        UsageError: There are no clips, or an option is for images.
        ClipError: None of them can be read.
        ModelError: The model cannot be used.
        StorageError: The table cannot be written.
    """
    _refuse_image_options(job)
    if job.output:
        check_writable(Path(job.output))
    model = read_clip_model(Path(job.model))
    folder, files, doubts = _files(job.paths)
    seen = _see(model, folder, files, job.device, emit, control)
    together = len(job.paths) == 1 and _holds_clips(Path(job.paths[0]))
    predictions = tuple(
        Prediction(
            file=name if together else str(folder / name),
            class_name=";".join(answers(row, model.class_names, tags=model.tags)),
            confidence=float(row.max()),
            probabilities=tuple(row.tolist()),
        )
        for name, row in zip(seen.names, seen.chances, strict=True)
    )
    if job.output:
        _write_table(Path(job.output), model, predictions)
    return PredictReport(
        model=job.model,
        class_names=model.class_names,
        predictions=predictions,
        output=job.output or "",
        set_aside=(*doubts, *seen.findings),
        tags=model.tags,
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
    kept = gallery.learned
    findings: tuple[Finding, ...] = ()
    row_of = {name: row for row, name in enumerate(gallery.files)}
    if job.query in row_of:
        row = row_of[job.query]
        names: tuple[str, ...] = (job.query,)
        places = [gallery.path(row)]
        features, labels = gallery.features[[row]], [gallery.labels[row]]
    else:
        query = Path(job.query)
        if not query.exists():
            raise UsageError(
                f"'{job.query}' is neither a clip on the disk nor the name of one of the run's.",
                "",
                "Check the path, or give the name as in the run's predictions.csv.",
            )
        folder, files, doubts = _files((job.query,))
        seen = _see(read_clip_model(run), folder, files, job.device, emit, control)
        names, features, findings = seen.names, seen.features, (*doubts, *seen.findings)
        places = [(folder / name).resolve() for name in names]
        told = {clip.file: clip.labels for clip in find_clips(query).clips} if _holds_clips(query) else {}
        labels = [told.get(name, ()) for name in names]
    alike, orders = similarities(features, gallery.features[kept]), ranking(features, gallery.features[kept])
    kept_places = [gallery.path(row) for row in kept]
    queries = tuple(
        ClipQuery(
            file=name,
            labels=own,
            found=tuple(
                FoundClip(
                    file=gallery.files[kept[column]],
                    labels=gallery.labels[kept[column]],
                    similarity=float(alike[row, column]),
                )
                for column in orders[row].tolist()
                if kept_places[column] != place
            )[: job.count],
        )
        for row, (name, own, place) in enumerate(zip(names, labels, places, strict=True))
    )
    return RetrieveReport(run=job.run, folder=str(gallery.home), queries=queries, set_aside=findings)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the model makes of the clips it can see and that could be read."""

    names: tuple[str, ...]
    features: NDArray[np.float32]
    chances: NDArray[np.float32]
    findings: tuple[Finding, ...]


def _holds_clips(path: Path) -> bool:
    """Whether it is a folder or a list of clips, and no clip itself."""
    return path.is_dir() or path.suffix.lower() in _LIST_ENDINGS


def _files(paths: Sequence[str]) -> tuple[Path, list[str], list[Finding]]:
    """The clips wanted: of one path by names relative to the folder returned, of several by whole paths; and doubts.

    Raises:
        UsageError: There are none.
    """
    wanted: list[tuple[Path, list[str]]] = []
    findings: list[Finding] = []
    for path in (Path(path).absolute() for path in paths):
        if path.is_dir():
            names, doubts = look_for_clips(path)
            wanted.append((path, names))
            findings += doubts
        elif _holds_clips(path):
            found = find_clips(path)
            wanted.append((found.folder, [clip.file for clip in found.clips]))
            findings += found.findings
        else:
            wanted.append((path.parent, [path.name]))
    if not any(names for _, names in wanted):
        named = " and ".join(f"'{path}'" for path in paths[:3])
        raise UsageError(f"There are no clips in {named}.", "", "Choose a folder with videos.")
    if len(wanted) == 1:
        return *wanted[0], findings
    files = [str(folder / name) for folder, names in wanted for name in names]
    try:
        return Path(os.path.commonpath([folder for folder, _ in wanted])), files, findings
    except ValueError:  # on several drives
        return wanted[0][0], files, findings


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


def _write_table(path: Path, model: ClipModel, predictions: Sequence[Prediction]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        chances = (f"p({name})" for name in model.class_names)
        writer.writerow(("file", "tags" if model.tags else "class", "confidence", *chances))
        for one in predictions:
            numbers = (f"{value:.6f}" for value in one.probabilities)
            writer.writerow((one.file, one.class_name, f"{one.confidence:.6f}", *numbers))
