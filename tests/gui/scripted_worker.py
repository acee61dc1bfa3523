"""A worker process without the engine: answers like the real one, or misbehaves where a test asks for it.

What it does is told by the job: a `ScanFolder` whose folder begins with "do:" misbehaves as named.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import numpy as np
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.events import CheckpointSaved, Event, Finished, Losses, Notice, Problem, Progress
from bandbridge.engine.api.jobs import (
    Adapt,
    CheckData,
    ClipThumbnails,
    Distill,
    InspectModel,
    InspectScene,
    Job,
    MakeSample,
    MakeVideoSample,
    Predict,
    Retrieve,
    ScanClips,
    ScanFolder,
    ScanPairs,
    Thumbnails,
    TrainSource,
)
from bandbridge.engine.api.launch import Ask, Submit
from bandbridge.engine.api.reports import (
    BandHistogram,
    CheckedPart,
    CheckReport,
    ClipQuery,
    ClipsReport,
    ClipThumbnail,
    ClipThumbnailsReport,
    Finding,
    FolderReport,
    FoundClip,
    ModelReport,
    PairShift,
    PairsReport,
    Prediction,
    PredictReport,
    Report,
    RetrieveReport,
    SampleReport,
    SceneReport,
    SeenClip,
    ThumbnailsReport,
    TrainSourceReport,
    VideoSampleReport,
)
from bandbridge.engine.api.sensor_profiles import BandGroup, SensorProposal


def start(*, niceness: int = 0) -> tuple[SpawnProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=True)
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    return process, here


def serve(connection: Connection) -> None:
    asked: list[str] = []
    jobs: list[Job] = []
    news = threading.Condition()

    def read() -> None:
        while True:
            try:
                message: Any = connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            with news:
                if isinstance(message, Submit):
                    asked.clear()
                    jobs.append(message.job)
                elif isinstance(message, Ask):
                    asked.append(message.command)
                else:
                    os._exit(0)
                news.notify_all()

    threading.Thread(target=read, daemon=True).start()
    while True:
        with news:
            news.wait_for(lambda: bool(jobs))
            job = jobs.pop(0)
        connection.send(perform(job, connection, asked, news))


def perform(job: Job, connection: Connection, asked: list[str], news: threading.Condition) -> Finished:
    if isinstance(job, ScanFolder) and job.folder.startswith("do:"):
        return misbehave(job.folder[3:], connection, asked, news)
    if isinstance(job, CheckData) and job.target == "/data/endless":
        connection.send(Progress(title="Looking through target images", done=3, total=20))
        return misbehave("wait", connection, asked, news)
    if isinstance(job, Adapt | Distill):
        connection.send(CheckpointSaved(step=12, path="checkpoint"))
        return misbehave("wait", connection, asked, news)
    if isinstance(job, InspectModel) and "bomb" in job.path:
        problem = Problem(
            what="This file would run code.", why="It asks for os.system.", do="Do not use it.", details="os.system"
        )
        return Finished(outcome="failed", problem=problem)
    return Finished(outcome="completed", result=report(job))


def misbehave(what: str, connection: Connection, asked: list[str], news: threading.Condition) -> Finished:
    def say(event: Event) -> None:
        connection.send(event)

    if what == "wait":
        with news:
            news.wait_for(lambda: "stop" in asked)
        return Finished(outcome="stopped")
    if what == "deaf":
        time.sleep(60)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "exit":
        os._exit(3)
    if what == "flood":
        for step in range(5000):
            say(
                Losses(
                    steps=np.array([step]), values={"total": np.ones(1, np.float32)}, images_per_second=1, memory_mb=1
                )
            )
            say(Progress(title="Flooding", done=step, total=5000))
        for number in range(200):
            say(Notice(level="warning", text=f"file {number}"))
        return Finished(outcome="completed", result=FolderReport(folder="flood"))
    raise ValueError(what)


def report(job: Job) -> Report:
    picture = np.full((24, 24, 3), 120, np.uint8)
    match job:
        case InspectModel():
            names = ("Water", "Forest", "Field") if job.class_names is None else ("A", "B", "C")
            return ModelReport(
                path=job.path,
                format="ONNX",
                safety="Safe.",
                recognised="unknown" not in job.path,
                architecture="resnet18",
                explanation="By its weights.",
                parameters=11_000_000,
                class_names=names if "four" not in job.path else (*names, "Road"),
                names_known=True,
                input_size=64,
                mean=(0.5, 0.5, 0.5),
                std=(0.2, 0.2, 0.2),
                normalisation_layers={"BatchNorm2d": 20},
                feature_width=512,
                fingerprint="0123456789abcdef" * 4,
                size_bytes=44_000_000,
            )
        case InspectScene():
            bands = 3 if "rgb" in job.path else 1 if "nir" in job.path else 8
            return SceneReport(
                path=job.path,
                width=2629,
                height=2201,
                bands=bands,
                dtype="uint8",
                no_data=None,
                frame=255.0,
                system="WGS 84",
                pixel_m=10.0,
                tile_px=job.tiles.size_px,
                tiles=378,
                used=min(378, job.tiles.most),
                rgb_bands=(4, 3, 2) if bands == 8 else (1, 2, 3),
                sensor_bands=(8,) if bands == 8 else (),
            )
        case ScanFolder():
            return folder_report(job.folder)
        case ScanPairs():
            return PairsReport(
                rgb=folder_report(job.folders.rgb, bands=3),
                sensor=folder_report(job.folders.sensor),
                rule="Same name in both folders",
                pairs=tuple((f"s{i}", f"s{i}.png", f"s{i}.tif") for i in range(20)),
            )
        case CheckData():
            return check_report(job)
        case Thumbnails():
            return ThumbnailsReport(pictures=tuple(picture for _ in job.paths))
        case Predict():
            predictions = tuple(
                Prediction(file=path, class_name="Forest", confidence=0.7, probabilities=(0.2, 0.7, 0.1))
                for path in job.paths
            )
            return PredictReport(model=job.model, class_names=("Water", "Forest", "Field"), predictions=predictions)
        case MakeSample():
            folders = tuple(f"{job.folder}/{name}" for name in ("rgb", "nir", "target"))
            return SampleReport(
                folder=job.folder, source=f"{job.folder}/m.safetensors", sensors={"NIR": folders}, seed=0
            )
        case MakeVideoSample():
            return VideoSampleReport(
                folder=job.folder,
                table=f"{job.folder}/clips.csv",
                classes=("Rain", "Sparks"),
                clips={"train": 8},
                sounds={"matched": 8},
                seed=0,
            )
        case ScanClips():
            return clips_report(job.place)
        case ClipThumbnails():
            return ClipThumbnailsReport(
                clips=tuple(
                    None
                    if "bad" in file
                    else ClipThumbnail(
                        pictures=np.stack([picture, picture // 2]),
                        loudness=None if "mute" in file else np.linspace(0, 1, job.bars, dtype=np.float32),
                        wave=None if "mute" in file else np.zeros(round(2 / job.fps * job.listen_hz), np.float32),
                    )
                    for file in job.files
                )
            )
        case Retrieve():
            found = tuple(
                FoundClip(file=f"{name}/{number}.mp4", labels=(name,), similarity=0.9 - number / 10)
                for number in range(3)
                for name in ("rain", "sparks")
            )
            labels = ("rain",) if job.query.startswith("rain/") else ()
            query = ClipQuery(file=job.query, labels=labels, found=found)
            return RetrieveReport(run=job.run, folder="/clips", queries=(query,))
        case TrainSource():
            return TrainSourceReport(
                model=job.config.output,
                architecture="resnet18",
                class_names=("Water", "Forest", "Field"),
                images=30,
                held_out=None,
                seconds=1.0,
            )
        case _:
            raise TypeError(job)


def check_report(job: CheckData) -> CheckReport:
    """Two shifted pairs, one of them far; a leak; an image that is there twice; and what the scan knows as well."""
    folders = job.pairs[0]

    def shift(number: int, right: float) -> PairShift:
        return PairShift(
            pair=f"s{number}",
            rgb=f"s{number}.png",
            sensor=f"s{number}.tif",
            right_px=right,
            down_px=-2.0,
            confidence=12.0,
            sure=True,
        )

    shifts = (shift(0, 0.1), shift(1, 4.0), shift(2, -9.0))
    askew = tuple(
        Finding(
            severity="warning",
            kind="shift",
            file=one.sensor,
            what=f"The pair '{one.pair}' is shifted.",
            why="Both must show the same place.",
            do="Move the pair into place, or leave it out.",
            other=one.rgb,
            amount=abs(one.right_px),
        )
        for one in shifts[1:]
    )
    leak = Finding(severity="warning", kind="leak", file="s3.tif", what="It is a target image.", other="s7.tif")
    twice = Finding(severity="warning", kind="duplicate", file="s5.tif", what="It is there twice.", other="s4.tif")
    parts = (
        CheckedPart(
            role="target",
            folder=job.target or "",
            images=20,
            findings=(*folder_report(job.target or "").findings, twice),
        ),
        CheckedPart(role="rgb", folder=folders.rgb, images=20),
        CheckedPart(role="sensor", folder=folders.sensor, images=20, findings=(leak,)),
        CheckedPart(role="pairs", folder=folders.sensor, images=20, findings=askew, shifts=shifts),
    )
    return CheckReport(parts=parts, counts={"shift": 2, "leak": 1, "duplicate": 1}, images=60, seconds=1.0)


def folder_report(folder: str, bands: int = 1) -> FolderReport:
    if "empty" in folder:
        nothing = Finding(severity="error", kind="empty", file=folder, what=f"The folder '{folder}' holds no images.")
        return FolderReport(folder=folder, files=(), sizes={}, depths={}, bands={}, findings=(nothing,))
    edges = np.linspace(0, 1024, 257)
    counts = np.arange(256)
    findings = ()
    if "doubtful" in folder:
        findings = (
            Finding(severity="warning", kind="unreadable", file="bad.tif", what="It ends early.", do="Copy it again."),
            Finding(severity="note", kind="size", file="small.tif", what="It is smaller than the others."),
        )
    stack = STACK if "stack" in folder else RADAR if "radar" in folder else None
    return FolderReport(
        folder=folder,
        files=tuple(f"s{i}.tif" for i in range(20)),
        sizes={"64 x 64": 20},
        depths={"uint16": 20},
        bands={13 if stack is STACK else bands: 20},
        chosen_bands=stack and stack.bands,
        histograms=tuple(
            BandHistogram(band=b, counts=counts, edges=edges, low=20, high=1000, percentiles=np.linspace(0, 1024, 1001))
            for b in range(1, bands + 1)
        ),
        findings=findings,
        sensor=stack,
    )


RADAR = SensorProposal(
    key="sar-linear",
    title="Radar on a linear scale",
    reason="named 'radar', one band",
    stretch=StretchRule(kind="log"),
    has_speckle=True,
)
STACK = SensorProposal(
    key="sentinel-2-stack",
    title="Sentinel-2, 13 bands in one file",
    reason="13 bands, 16 bits",
    stretch=StretchRule(),
    unit="reflectance counts",
    no_data=0.0,
    groups=(BandGroup(title="Near infrared", bands=(8,)), BandGroup(title="Short-wave infrared", bands=(11, 12))),
    bands=(8,),
)


def clips_report(place: str) -> ClipsReport:
    """Eight clips of two classes.

    Of a place with "doubtful" in its name, one is broken, one mute, one has no label; with "untaught", two clips for
    testing show a third class; with "many", there are 80 clips.
    """
    splits = ("train", "train", "validation", "test") * (10 if "many" in place else 1)
    clips = [
        SeenClip(
            file=f"{name}/{number}.mp4",
            labels=(name,),
            split=split,
            seconds=3.0,
            rate_hz=25.0,
            width_px=360,
            height_px=288,
            sound="heard",
        )
        for name in (("rain",) if "alike" in place else ("rain", "sparks"))
        for number, split in enumerate(splits)
    ]
    findings: tuple[Finding, ...] = ()
    if "doubtful" in place:
        clips.append(replace(clips[0], file="rain/mute.mp4", sound="none"))
        clips.append(replace(clips[0], file="rain/silent.mp4", sound="silent", labels=()))
        findings = (
            Finding(severity="note", kind="no-sound", file="rain/mute.mp4", what="No sound.", do="Leave it."),
            Finding(severity="warning", kind="no-label", file="rain/silent.mp4", what="No label.", do="Name it."),
            Finding(severity="warning", kind="unreadable", file="rain/bad.mp4", what="It is empty.", do="Get it."),
        )
    if "untaught" in place:
        clips += [replace(clips[0], file=f"wind/{number}.mp4", labels=("wind",), split="test") for number in range(2)]
    names = tuple(sorted({label for clip in clips for label in clip.labels}))
    return ClipsReport(
        place=place, folder=place, clips=tuple(clips), class_names=names, drawn="drawn" in place, findings=findings
    )
