"""From a job to the function that does it, and from what can go wrong to words."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from pathlib import Path

from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import BandbridgeError, Stopped
from bandbridge.engine.api.events import Event, Finished, Outcome, Problem
from bandbridge.engine.api.jobs import (
    Adapt,
    CheckData,
    ClipThumbnails,
    Compare,
    Distill,
    Evaluate,
    Export,
    InspectModel,
    InspectScene,
    Job,
    LookCloser,
    MakeSample,
    MakeVideoSample,
    Predict,
    Retrieve,
    ScanClips,
    ScanFolder,
    ScanPairs,
    Thumbnails,
    TrainSource,
    Translate,
)
from bandbridge.engine.api.reports import AdaptReport, CompareReport, DistillReport, Report, TrainSourceReport

Emit = Callable[[Event], None]


def perform(job: Job, emit: Emit, control: Control) -> Report:
    """Do a job.

    Each branch imports what it needs, so that looking at a picture does not wait for the networks to load.

    Raises:
        BandbridgeError: An expected failure in words.
        Stopped: The person asked to stop and there is no result.
    """
    match job:
        case InspectModel() if takes_clips(job.path):
            from bandbridge.engine.video.clip_model import inspect_clip_model

            return inspect_clip_model(Path(job.path))
        case InspectModel():
            from bandbridge.engine.models.source import inspect_model

            return inspect_model(job)
        case InspectScene():
            from bandbridge.engine.imagery.scene_report import inspect_scene

            return inspect_scene(job, control)
        case ScanFolder():
            from bandbridge.engine.imagery.folder import scan_folder

            return scan_folder(job, control, emit)
        case ScanPairs():
            from bandbridge.engine.imagery.pairing import scan_pairs

            return scan_pairs(job, control, emit)
        case CheckData():
            from bandbridge.engine.worker.check import check_data

            return check_data(job, emit, control)
        case Thumbnails():
            from bandbridge.engine.imagery.thumbnails import thumbnails

            return thumbnails(job, control)
        case ScanClips():
            from bandbridge.engine.video.clip_survey import scan_clips

            return scan_clips(job, emit, control)
        case ClipThumbnails():
            from bandbridge.engine.video.clip_thumbnails import clip_thumbnails

            return clip_thumbnails(job, control)
        case Adapt():
            from bandbridge.engine.worker.adapt import adapt

            return adapt(job, emit, control)
        case Distill():
            from bandbridge.engine.worker.distill import distill

            return distill(job, emit, control)
        case Retrieve():
            from bandbridge.engine.worker.apply_clips import retrieve

            return retrieve(job, emit, control)
        case Compare():
            from bandbridge.engine.worker.compare import compare

            return compare(job, emit, control)
        case TrainSource():
            from bandbridge.engine.worker.train_source import train_source

            return train_source(job, emit, control)
        case Evaluate() if takes_clips(job.model):
            from bandbridge.engine.worker.apply_clips import evaluate_clips

            return evaluate_clips(job, emit, control)
        case Evaluate():
            from bandbridge.engine.worker.apply import evaluate

            return evaluate(job, emit, control)
        case Predict() if takes_clips(job.model):
            from bandbridge.engine.worker.apply_clips import predict_clips

            return predict_clips(job, emit, control)
        case Predict():
            from bandbridge.engine.worker.apply import predict

            return predict(job, emit, control)
        case Export() if takes_clips(job.source):
            from bandbridge.engine.export.export_clips import export_clips

            return export_clips(job, control, emit)
        case Export():
            from bandbridge.engine.export.export import export

            return export(job, control, emit)
        case Translate():
            from bandbridge.engine.worker.translate import translate

            return translate(job, emit, control)
        case LookCloser():
            from bandbridge.engine.worker.look_closer import look_closer

            return look_closer(job, emit, control)
        case MakeSample():
            from bandbridge.engine.sample.make import make_sample

            return make_sample(job, emit, control)
        case MakeVideoSample():
            from bandbridge.engine.sample.clips import make_video_sample

            return make_video_sample(job, emit, control)


def takes_clips(model: str) -> bool:
    """Whether a model file, or that of a run folder, is a network for clips."""
    from bandbridge.engine.video.clip_model import is_clip_model

    return is_clip_model(Path(model))


def answer(job: Job, emit: Emit, control: Control) -> Finished:
    """Do a job and put whatever happens into one `Finished`."""
    try:
        report = perform(job, emit, control)
    except Stopped:
        return Finished(outcome="stopped")
    except Exception as error:
        return Finished(outcome="failed", problem=in_words(error))
    outcome: Outcome = "completed"
    if isinstance(report, AdaptReport | CompareReport | DistillReport | TrainSourceReport) and report.stopped_early:
        outcome = "kept"
    return Finished(outcome=outcome, result=report)


def in_words(error: Exception) -> Problem:
    """What to tell a person about an error, expected or not."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, BandbridgeError):
        return Problem(what=error.what, why=error.why, do=error.do, details=error.details or details)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return Problem(
            what="There is not enough memory for this.",
            why="The images or the network need more than is free.",
            do="Choose a smaller batch size, close other programs, or use fewer images.",
            details=details,
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(
            what="The disk is full.",
            why=str(error),
            do="Free some space; what was saved before is intact, and the run can go on from there.",
            details=details,
        )
    return Problem(
        what="Something went wrong that the program did not expect.",
        why=f"{type(error).__name__}: {error}",
        do="Copy the details and report them; nothing that was saved before is lost.",
        details=details,
    )
