"""The machine's usual sound output: plays one wave at a time, and tells which moment of it is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_DEVICE = "No sound device on this machine."
NO_LIBRARY = "Sound needs the library PortAudio, which this system lacks (on Linux: libportaudio2)."

_LOOK_S = 0.05
_ONE_AT_A_TIME = threading.Lock()
"""PortAudio opens and closes one stream at a time."""

Fill = Callable[[NDArray[np.float32], float], None]
"""Fills (N, 2) samples, of which the first is heard so many seconds from now."""


class NoOutputError(Exception):
    """There is nothing to play on; says why."""


@contextmanager
def open_output(rate_hz: int, fill: Fill) -> Iterator[None]:
    """Play what `fill` gives on the machine's usual output, until left.

    Args:
        rate_hz: Samples a second.
        fill: Called from a thread of the output's own.

    Raises:
        NoOutputError: There is no output.
    """
    try:
        import sounddevice
    except OSError as error:
        raise NoOutputError(NO_LIBRARY) from error
    stream: Any = None

    def give(samples: NDArray[np.float32], _: int, moment: Any, __: object) -> None:
        ahead_s = moment.outputBufferDacTime - moment.currentTime
        # Some systems do not tell when a sample is heard; then the output's usual delay counts.
        fill(samples, ahead_s if 0.0 < ahead_s < 2.0 else stream.latency)

    try:
        stream = sounddevice.OutputStream(
            samplerate=rate_hz, channels=2, dtype="float32", latency="high", callback=give
        )
        stream.start()
    except (sounddevice.PortAudioError, ValueError, OSError) as error:
        if stream is not None:
            stream.close()
        raise NoOutputError(NO_DEVICE) from error
    try:
        yield
    finally:
        stream.abort()
        stream.close()


class _Playing:
    """One wave on its way out."""

    def __init__(self, wave: NDArray[np.float32], rate_hz: int, from_s: float, speaker: Speaker) -> None:
        self._wave = wave
        self._rate_hz = rate_hz
        self._at = max(0, round(from_s * rate_hz))  # the sample that is handed out next
        self._speaker = speaker
        self._heard: tuple[float, float] | None = None  # at this time of the machine's clock, this moment of the wave
        self.stopped = threading.Event()

    def run(self) -> None:
        with _ONE_AT_A_TIME:
            if self.stopped.is_set():
                return
            try:
                with open_output(self._rate_hz, self._fill):
                    while not self.stopped.wait(_LOOK_S) and (self.heard_s() or 0.0) * self._rate_hz < len(self._wave):
                        pass
            except NoOutputError as error:
                self._speaker.missing = str(error)

    def _fill(self, samples: NDArray[np.float32], ahead_s: float) -> None:
        self._heard = (time.monotonic() + ahead_s, self._at / self._rate_hz)
        piece = self._wave[self._at : self._at + len(samples)]
        samples[:] = 0.0
        if not (self._speaker.muted or self.stopped.is_set()):
            samples[: len(piece)] = piece[:, None]
        self._at += len(samples)

    def heard_s(self) -> float | None:
        if self._heard is None:
            return None
        moment, at_s = self._heard
        return at_s + time.monotonic() - moment


class Speaker:
    """Plays waves; every method returns at once, for opening an output may take a second.

    Attributes:
        muted: Silent, while all goes on.
        missing: Why nothing can be heard, in words; "" as far as is known.
    """

    def __init__(self) -> None:
        self.muted = False
        self.missing = ""
        self._playing: _Playing | None = None

    def play(self, wave: NDArray[np.float32], rate_hz: int, from_s: float = 0.0) -> None:
        """Play this instead of whatever is played.

        Args:
            wave: (L,) from -1 to 1.
            rate_hz: Samples a second.
            from_s: Where in it to begin.
        """
        self.stop()
        self.missing = ""
        self._playing = _Playing(wave, rate_hz, from_s, self)
        threading.Thread(target=self._playing.run, name="sound output", daemon=True).start()

    def stop(self) -> None:
        """Be silent."""
        if self._playing is not None:
            self._playing.stopped.set()
            self._playing = None

    def heard_s(self) -> float | None:
        """The moment of the wave that is heard now; None before its first sample is handed out, and when stopped."""
        return None if self._playing is None else self._playing.heard_s()
