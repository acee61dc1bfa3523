"""Looking through clips before a run: what they show, how long they are, and what is the matter with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
from av.stream import Disposition
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ClipError, ImageError
from bandbridge.engine.api.events import Event
from bandbridge.engine.api.jobs import ScanClips
from bandbridge.engine.api.reports import ClipSound, ClipsReport, Finding, SeenClip
from bandbridge.engine.api.untaught import untaught
from bandbridge.engine.imagery.doubts.findings import unreadable
from bandbridge.engine.imagery.reading.progress import Pace
from bandbridge.engine.imagery.reading.read_ahead import read_ahead
from bandbridge.engine.video.clip_cache import ClipCache
from bandbridge.engine.video.clip_file import ReadingRule
from bandbridge.engine.video.clip_list import ListedClip, find_clips

_LEARNED_FROM = "A network for pictures can still be measured on it and learn its label; sound teaches it nothing."
_WORDS: dict[str, tuple[str, str, str]] = {
    "broken": (
        "warning",
        "What could be read of it is used.",
        "Get the file again, or leave it out if what is missing matters.",
    ),
    "no-picture": (
        "warning",
        "A network for pictures cannot use it.",
        "Get it with pictures, leave it out, or let pictures teach sound.",
    ),
    "no-sound": ("note", _LEARNED_FROM, "Get it with sound, or leave it as it is."),
    "silent": (
        "note",
        "Methods that trust each pair alike learn from the silence.",
        "Leave it to MNF + CSC, or leave it out.",
    ),
    "long": ("note", "", "Cut it into clips that show one thing each, or leave it as it is."),
}


def scan_clips(job: ScanClips, emit: Callable[[Event], None], control: Control) -> ClipsReport:
    """Decode every clip once, and tell what is in it.

    Raises:
        UsageError: There are no clips, or the list is wrong.
        Stopped: The person asked to stop.
    """
    listed = find_clips(Path(job.place))
    cache = ClipCache(ReadingRule(fps=job.fps, size_px=job.size_px))
    by_name = {clip.file: clip for clip in listed.clips}
    clips: list[SeenClip] = []
    findings = list(listed.findings)
    pace = Pace(emit, "Looking through the clips", len(by_name), unit="clip")
    for name, looked in read_ahead(list(by_name), partial(_look, cache, listed.folder), control):
        if isinstance(looked, ImageError):
            findings.append(unreadable(name, listed.folder / name, looked))
        else:
            clips.append(_seen(by_name[name], looked))
            findings += (_finding(name, kind, text) for kind, text in looked.remarks.items())
            if not by_name[name].labels:
                findings.append(_unlabelled(name))
        pace.step(name)
    findings += untaught(clips, str(listed.folder))
    return ClipsReport(
        place=job.place,
        folder=str(listed.folder),
        clips=tuple(clips),
        class_names=listed.class_names,
        drawn=listed.drawn,
        findings=tuple(findings),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """At one clip: what its head says and what decoding showed."""

    seconds: float
    rate_hz: float
    width_px: int
    height_px: int
    remarks: dict[str, str]


def _look(cache: ClipCache, folder: Path, name: str) -> _Look:
    clip = cache.clip(folder / name)
    rate_hz, width, height = _head(folder / name) if len(clip.pictures) else (0.0, 0, 0)
    return _Look(clip.seconds, rate_hz, width, height, clip.remarks)


def _head(path: Path) -> tuple[float, int, int]:
    """Rate and size of the pictures, as the file tells them."""
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            return float(streams[0].average_rate or 0.0), streams[0].width, streams[0].height
    except (av.FFmpegError, OSError, IndexError) as error:
        raise ClipError(
            f"The clip '{path}' could be read a moment ago, and now it cannot.",
            "It was changed or taken away meanwhile, or its drive does not answer.",
            "Look again.",
            details=str(error),
        ) from error


def _seen(clip: ListedClip, look: _Look) -> SeenClip:
    sound: ClipSound = "none" if "no-sound" in look.remarks else "silent" if "silent" in look.remarks else "heard"
    return SeenClip(
        file=clip.file,
        labels=clip.labels,
        split=clip.split,
        seconds=look.seconds,
        rate_hz=look.rate_hz,
        width_px=look.width_px,
        height_px=look.height_px,
        sound=sound,
    )


def _finding(name: str, kind: str, text: str) -> Finding:
    severity, why, do = _WORDS[kind]
    return Finding(
        severity="warning" if severity == "warning" else "note", kind=kind, file=name, what=text, why=why, do=do
    )


def _unlabelled(name: str) -> Finding:
    return Finding(
        severity="warning",
        kind="no-label",
        file=name,
        what="Nobody said what it shows.",
        why="A network learns from clips of known classes alone.",
        do="Put it into a folder named like its class, or write its label into the list.",
    )
