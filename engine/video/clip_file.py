"""Reading one clip: pictures at an even rate and the sound beside them, from anything PyAV opens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.reformatter import Interpolation, VideoReformatter
from bandbridge.engine.api.errors import ClipError
from bandbridge.engine.video.clip_end import ClipEnd
from bandbridge.engine.video.log_mel import ROWS_PER_S, SOUND_RATE_HZ, log_mel
from numpy.typing import NDArray

LONGEST_S = 600.0
"""What comes later in a clip is not read."""

MOST_PIXELS = 2**26
MOST_STRETCHED = 16
_SILENT = 1e-4
_EARLY_S = 10.0
"""By how much sound may begin before the pictures, as far as it is read for people."""
_NO_RATE_HZ = 25.0
_DAMAGED = "It breaks off, or parts of it are damaged."


@dataclass(frozen=True, slots=True)
class ReadingRule:
    """How clips are read.

    Attributes:
        fps: Pictures a second.
        size_px: Side S of the square the middle of every picture is brought to.
    """

    fps: float = 4.0
    size_px: int = 112


@dataclass(frozen=True, slots=True)
class Clip:
    """What was read of a clip.

    Attributes:
        pictures: (F, S, S, 3) uint8 RGB; F is 0 where the file has no pictures.
        sound: (T, 64) `log_mel` rows as float16, as long as the pictures; None where the file has no sound.
        seconds: Length read.
        remarks: Short key -> what a person should know: "no-picture", "no-sound", "silent", "broken", "long".
    """

    pictures: NDArray[np.uint8]
    sound: NDArray[np.float16] | None
    seconds: float
    remarks: dict[str, str] = field(default_factory=dict)


def read_clip(path: Path, rule: ReadingRule) -> Clip:
    """Read a clip from its beginning to its end, or to where it breaks off.

    Picture k is the one a viewer would see k / fps seconds after the first, whatever the rate of the file and however
    uneven it is. Its shorter side is brought to S pixels and its middle is cut out; pixels that are not square are made
    so, turned and mirrored pictures stand as a player shows them. Sound is the mean of its channels and begins and ends
    with the pictures.

    Raises:
        ClipError: The file cannot be opened or holds neither pictures nor sound.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise ClipError(
            f"The clip '{path}' is empty.", "The file holds not one byte.", "Get it again, or leave it out."
        )
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            return _read(path, container, rule)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _read(path: Path, container: InputContainer, rule: ReadingRule) -> Clip:
    pictures, sound = _Pictures(path, rule), _Sound(SOUND_RATE_HZ, LONGEST_S)
    remarks: dict[str, str] = {}
    streams = _pictures_of(container)
    chosen = [*streams, *_sound_of(container)]
    for stream in streams:
        pictures.expect(stream.width, stream.height)
        stream.codec_context.thread_count = 1  # several clips are read side by side
        pictures.usual_gap_s = 1.0 / float(stream.average_rate or _NO_RATE_HZ)
        pictures.pixel_shape = _pixel_shape(stream)
    for frame in _frames(container, chosen, remarks):
        if isinstance(frame, av.VideoFrame):
            pictures.take(frame)
        else:
            sound.take(frame, remarks)
        if pictures.full and (sound.full or len(chosen) == 1):
            remarks["long"] = f"Only its first {LONGEST_S / 60:.0f} minutes were read."
            break
    shown = pictures.all()
    heard = sound.wave(pictures.began_s, len(shown) / rule.fps if len(shown) else None)
    if len(shown) == 0 and heard is None:
        raise ClipError(
            f"The clip '{path}' holds neither pictures nor sound that can be read.",
            "Its streams are missing, or damaged from their beginning.",
            "Get it again, or leave it out.",
        )
    if len(shown) == 0:
        remarks["no-picture"] = "It has no pictures that can be read."
    if heard is None:
        remarks["no-sound"] = "It has no sound that can be read."
        return Clip(shown, None, len(shown) / rule.fps, remarks)
    if float(np.abs(heard).max(initial=0.0)) < _SILENT:
        remarks["silent"] = "Its sound track is silent."
    return Clip(shown, log_mel(heard).astype(np.float16), len(heard) / SOUND_RATE_HZ, remarks)


def read_wave(path: Path, rate_hz: int, seconds: float) -> NDArray[np.float32] | None:
    """Read the sound of a clip as people listen to it, one channel, from its first picture on.

    Args:
        path: The clip.
        rate_hz: Samples a second.
        seconds: How much of it.

    Returns:
        (L,) from -1 to 1, as long as was asked for; None without sound.

    Raises:
        ClipError: The file cannot be opened.
    """
    sound, began_s, remarks = _Sound(rate_hz, seconds + _EARLY_S), None, dict[str, str]()
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            pictures, chosen = _pictures_of(container), _sound_of(container)
            for frame in _frames(container, [*pictures, *chosen], remarks, first_alone=pictures):
                if isinstance(frame, av.VideoFrame):
                    began_s = frame.time or 0.0
                else:
                    sound.take(frame, remarks)
                if sound.full:
                    break
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return sound.wave(began_s, seconds)


def _unreadable(path: Path, error: Exception) -> ClipError:
    return ClipError(
        f"The clip '{path}' cannot be read.",
        "It is no video, damaged from its beginning, or of a kind this program does not know.",
        "Play it in a video player; if that fails too, get it again or leave it out.",
        details=str(error),
    )


def _pictures_of(container: InputContainer) -> list[av.VideoStream]:
    """The one stream of pictures that is a film and can be decoded; a cover is none."""
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return [s for s in films[:1] if s.codec_context is not None]


def _sound_of(container: InputContainer) -> list[av.AudioStream]:
    """The first stream of sound, if it can be decoded."""
    return [s for s in container.streams.audio[:1] if s.codec_context is not None]


def _frames(
    container: InputContainer,
    streams: Sequence[Stream],
    remarks: dict[str, str],
    *,
    first_alone: Sequence[Stream] = (),
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """Pictures and pieces of sound as they come; what is damaged is passed over, and said.

    Of the streams in `first_alone` nothing is decoded after their first frame.
    """
    if not streams:
        return
    end = ClipEnd(container)
    packets = container.demux()
    wanted = {stream.index for stream in streams}
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except (av.FFmpegError, OSError, IndexError):  # the last: damage that looks like a new stream
            remarks["broken"] = "It breaks off; what comes before was read."
            break
        end.take(packet)
        if packet.stream.index not in wanted:
            continue
        if packet.is_corrupt:
            remarks["broken"] = _DAMAGED
        try:
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame | av.AudioFrame):
                    if frame.is_corrupt:
                        remarks["broken"] = _DAMAGED
                    yield frame
                    if packet.stream in first_alone:
                        wanted.remove(packet.stream.index)
                        break
        except (av.FFmpegError, OSError):
            remarks["broken"] = "Parts of it are damaged and were passed over."
    missing = end.missing()
    if missing:
        remarks["broken"] = missing


def _pixel_shape(stream: av.VideoStream) -> float:
    """Width over height of a pixel; 1 where it is not said or makes no sense."""
    shape = float(stream.sample_aspect_ratio or 1.0)
    return shape if 0.25 <= shape <= 4.0 else 1.0


def _upright(picture: NDArray[np.uint8], frame: av.VideoFrame) -> NDArray[np.uint8]:
    """A square picture turned and mirrored as its file says it is to be shown, by the nearest quarter turn."""
    said: Any = frame.side_data.get("DISPLAYMATRIX")
    if said is None:
        return picture
    # Shown are x' = a x + c y and y' = b x + d y (ISO/IEC 14496-12, 6.2.2), x to the right and y down.
    a, b, _, c, d = np.frombuffer(said, np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture, a, d = picture.swapaxes(0, 1), c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


class _Pictures:
    """Picks pictures at an even rate out of frames at any."""

    def __init__(self, path: Path, rule: ReadingRule) -> None:
        self._path = path
        self._rule = rule
        self._reformatter = VideoReformatter()
        self._found: list[NDArray[np.uint8]] = []
        self._waiting: av.VideoFrame | None = None
        self._time_s = 0.0
        self.began_s: float | None = None
        self.usual_gap_s = 1.0 / _NO_RATE_HZ
        self.pixel_shape = 1.0
        self._most = math.ceil(LONGEST_S * rule.fps)

    @property
    def full(self) -> bool:
        return len(self._found) >= self._most

    def expect(self, width: int, height: int) -> None:
        """Refuse sizes no picture has, before memory is asked for."""
        if width * height > MOST_PIXELS or max(width, height) > MOST_STRETCHED * max(min(width, height), 1):
            if width * height == 0:  # not known yet
                return
            raise ClipError(
                f"The clip '{self._path}' says that its pictures have {width} x {height} pixels.",
                "No picture this program can use is so large or so narrow; the file may be damaged.",
                "Save it in a usual size, or leave it out.",
            )

    def take(self, frame: av.VideoFrame) -> None:
        """The next frame; the one before was shown until now."""
        if self.full:
            return
        self.expect(frame.width, frame.height)
        time_s = frame.time
        if self.began_s is None:
            self.began_s = time_s or 0.0
            self._waiting = frame
            return
        shown_s = self._time_s + self.usual_gap_s if time_s is None else time_s - self.began_s
        self._show_until(max(shown_s, self._time_s))
        self._time_s = max(shown_s, self._time_s)
        self._waiting = frame

    def _show_until(self, end_s: float) -> None:
        """The waiting frame for every moment before `end_s`; a rounding of clocks makes no moment."""
        wanted = min(math.ceil((end_s - 1e-4) * self._rule.fps), self._most) - len(self._found)
        if wanted > 0 and self._waiting is not None:
            self._found += [self._square(self._waiting)] * wanted

    def all(self) -> NDArray[np.uint8]:
        """(F, S, S, 3); one at least if there was a frame."""
        self._show_until(max(self._time_s + self.usual_gap_s, 0.5 / self._rule.fps))
        side = self._rule.size_px
        return np.stack(self._found) if self._found else np.zeros((0, side, side, 3), np.uint8)

    def _square(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        side = self._rule.size_px
        wide = frame.width * self.pixel_shape
        scale = side / min(wide, frame.height)
        width, height = (max(round(length * scale), side) for length in (wide, frame.height))
        shown = self._reformatter.reformat(frame, width, height, "rgb24", interpolation=Interpolation.AREA)
        pixels = shown.to_ndarray().astype(np.uint8, copy=False)
        top, left = (height - side) // 2, (width - side) // 2
        middle = pixels[top : top + side, left : left + side]
        return np.ascontiguousarray(_upright(middle, frame))


class _Sound:
    """Gathers sound as one channel, the mean of all, at one rate and as much of it as is wanted."""

    def __init__(self, rate_hz: int, longest_s: float) -> None:
        self._rate_hz = rate_hz
        self._longest_s = longest_s
        self._resampler = av.AudioResampler(format="fltp", rate=rate_hz)  # to one channel it would add, and clip
        self._pieces: list[NDArray[np.float32]] = []
        self._began_s: float | None = None
        self._samples = 0

    @property
    def full(self) -> bool:
        return self._samples >= self._longest_s * self._rate_hz

    def take(self, frame: av.AudioFrame, remarks: dict[str, str]) -> None:
        """The next piece."""
        if self.full:
            return
        if self._began_s is None:
            self._began_s = frame.time or 0.0
        try:
            self._keep(frame)
        except (av.FFmpegError, ValueError):
            remarks["broken"] = "Parts of its sound are damaged and were passed over."

    def _keep(self, frame: av.AudioFrame | None) -> None:
        for piece in self._resampler.resample(frame):
            samples = np.nan_to_num(piece.to_ndarray(), posinf=0.0, neginf=0.0).mean(axis=0, dtype=np.float32)
            self._pieces.append(samples)
            self._samples += len(samples)

    def wave(self, began_s: float | None, seconds: float | None) -> NDArray[np.float32] | None:
        """(L,) from the first picture on, as long as the pictures; None without sound.

        Args:
            began_s: Time of the first picture, or None without pictures.
            seconds: Length of the pictures, or None without.
        """
        if self._began_s is None or not self._pieces:
            return None
        self._keep(None)
        heard = np.concatenate(self._pieces)
        late = 0 if began_s is None else round((self._began_s - began_s) * self._rate_hz)
        wanted = len(heard) if seconds is None else round(seconds * self._rate_hz)
        length = min(wanted, int(self._longest_s * self._rate_hz))
        wave = np.zeros(max(length, self._rate_hz // ROWS_PER_S), np.float32)
        heard = heard[-late:] if late < 0 else heard
        place = wave[max(late, 0) :][: len(heard)]
        place[:] = heard[: len(place)]
        return np.clip(wave, -1.0, 1.0)
