"""Errors a person can act on: what happened, why, and what to do."""

from __future__ import annotations


class BandbridgeError(Exception):
    """An expected failure, told in words.

    Attributes:
        what: What happened, naming the file or the setting. One sentence.
        why: The cause as far as it is known. One sentence.
        do: What the person can do about it. One sentence.
        details: Technical text for "Copy details"; may be empty.
    """

    def __init__(self, what: str, why: str = "", do: str = "", *, details: str = "") -> None:
        super().__init__(what, why, do)
        self.what = what
        self.why = why
        self.do = do
        self.details = details

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.do) if part)

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, str]]:
        return type(self), (self.what, self.why, self.do), {"details": self.details}


class UsageError(BandbridgeError):
    """The request itself is wrong: an unknown setting, a missing folder, bands that do not exist (exit code 2)."""


class ImageError(BandbridgeError):
    """An image cannot be read or does not fit the others."""


class ClipError(ImageError):
    """A video or its sound cannot be read, or clips do not fit what is asked of them."""


class PairingError(BandbridgeError):
    """RGB and sensor images cannot be brought into pairs."""


class ModelError(BandbridgeError):
    """A model file cannot be opened, recognised, used or written."""


class TrainingError(BandbridgeError):
    """Training cannot go on, e.g. a loss term is no longer a number."""


class DriveError(BandbridgeError):
    """A disk or network drive does not answer, or is gone with the files on it."""


class StorageError(BandbridgeError):
    """Something could not be written: no space, no permission."""


class WorkerError(BandbridgeError):
    """The worker process ended without an answer: killed, crashed, out of memory."""


class Stopped(Exception):
    """Raised inside the engine when the person asked to stop; unwinds to the job's end.

    Attributes:
        keep: True for "stop and keep": what has been learned so far becomes the result.
    """

    def __init__(self, *, keep: bool = False) -> None:
        super().__init__("stopped")
        self.keep = keep
