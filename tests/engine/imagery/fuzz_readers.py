"""Gives damaged files to the readers: each must end in an image or in an `ImageError` that names the file, soon.

The readers work in a process of their own with a limit of memory, so that a crash is told and survived. A short round
is a test. A long one, which keeps the files that showed a fault:

    python tests/engine/imagery/fuzz_readers.py --cases 5000 --keep faults --real ../shared/data
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from mutants import mutant
from specimens import Specimen, specimens

PATIENCE_S = 10.0
"""Longer than the largest image that is read takes on a slow machine."""
MOST_BYTES = 3 << 30
"""Above what is in memory when the program has just started."""
_WINDOW = 64


@dataclass(slots=True)
class Outcome:
    """What a round showed.

    Attributes:
        counts: How often the readers ended in an "image", an "error" in words, or a fault, by its kind.
        faults: Kind of file, what was done to it, and what happened.
        slowest_s: The longest that one file took.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    slowest_s: float = 0.0

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in self.counts.most_common())
        return f"{self.counts.total()} cases: {counts}; slowest {self.slowest_s:.1f} s"


class Reader:
    """The process that reads; started anew when it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path) -> str:
        """The child's answer in one line; "crash ..." or "hang" if there is none."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        too_late = threading.Timer(PATIENCE_S, process.kill)
        started = time.monotonic()
        too_late.start()
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        too_late.cancel()
        if answer:
            return answer
        code = process.wait()
        self.close()
        return "hang" if time.monotonic() - started >= PATIENCE_S else f"crash {code}"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what libraries have to say about broken files
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # ready
        return self._process


def fuzz(cases: int, seed: int, folder: Path, real: Path | None = None, keep: Path | None = None) -> Outcome:
    """Damage files of every kind in turn, and read them.

    Args:
        cases: How many.
        seed: Of all choices.
        folder: An empty folder to work in.
        real: Real data to take files from besides.
        keep: Where files that show a fault are kept; None keeps none.
    """
    (folder / "made").mkdir()
    whole = specimens(folder / "made", real)
    kinds = list(whole)
    others = [next(iter(files.values())) for files in whole.values()]
    endings = sorted({Path(name).suffix for files in whole.values() for name in files} - {".dat"})
    outcome = Outcome()
    reader = Reader()
    for case in range(cases):
        random = np.random.default_rng((seed, case))
        kind = kinds[case % len(kinds)]
        place = folder / f"case{case}"
        place.mkdir()
        done, path = _damaged(whole[kind], others, endings, place, random)
        started = time.monotonic()
        answer = reader.read(path)
        outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - started)
        ending, _, details = answer.partition(" ")
        outcome.counts[ending] += 1
        if ending not in ("image", "error"):
            outcome.faults.append((f"{case}: {kind}", done, f"{ending} {details}"))
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                place.rename(keep / f"{seed}-{case}")
                continue
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    reader.close()
    return outcome


def _damaged(
    files: Specimen, others: Sequence[bytes], endings: Sequence[str], place: Path, random: np.random.Generator
) -> tuple[str, Path]:
    """Write the files of an image with one of them damaged; what was done, and the path to open."""
    victim = list(files)[int(random.integers(len(files)))]
    for name, content in files.items():
        done, damaged = mutant(content, others, random) if name == victim else ("", content)
        (place / name).write_bytes(damaged)
        if name == victim:
            told = done
    path = place / next(iter(files))
    if len(files) == 1 and random.random() < 0.05:
        path = path.rename(path.with_suffix(endings[int(random.integers(len(endings)))]))
        told += ", another ending"
    return told, path


def _serve(lines: IO[str], answers: IO[str]) -> None:
    """The child: reads a path a line, answers a line."""
    from bandbridge.engine.imagery import reader  # noqa: F401  (loaded before memory is limited)
    from bandbridge.engine.imagery.scenes import scene  # noqa: F401  (loaded before memory is limited)

    with contextlib.suppress(ImportError):
        import h5py  # noqa: F401
    _limit_memory()
    print("ready", file=answers, flush=True)
    for line in lines:
        print(" ".join(_read(Path(line.rstrip("\n"))).split()), file=answers, flush=True)


def _limit_memory() -> None:
    try:
        import resource

        import psutil
    except ImportError:  # no such limit on this system
        return
    most = psutil.Process().memory_info().vms + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _read(path: Path) -> str:
    from bandbridge.engine.api.errors import ImageError
    from bandbridge.engine.imagery.reader import likely_bytes, load_image, read_header
    from bandbridge.engine.imagery.scenes.scene import open_scene

    def look() -> str:
        image = load_image(path)
        header = image.header
        shape = (len(image.bands), header.height, header.width)
        if image.values.shape != shape or image.values.dtype != np.float32:
            return f"wrong shape {image.values.shape} of {shape}"
        if np.isinf(image.values).any():
            return "wrong values: infinite"
        return "image"

    def look_in_part() -> str:
        with open_scene(path) as scene:
            bottom, right = min(_WINDOW, scene.header.height), min(_WINDOW, scene.header.width)
            values = scene.read((0, bottom), (0, right))
        return "image" if values.shape == (len(scene.bands), bottom, right) else f"wrong part {values.shape}"

    def look_at_header() -> str:
        likely_bytes(path)
        read_header(path)
        return "image"

    answers = []
    for way in (look_at_header, look_in_part, look):
        try:
            answers.append(way())
        except ImageError as error:
            is_named = path.stem in error.what and error.why and error.do
            answers.append("error" if is_named else f"unnamed {error}")
        except BaseException as error:
            answers.append(f"wrong {way.__name__} {error!r} {traceback.format_exc()[-600:]}")
    return next((answer for answer in answers if answer not in ("image", "error")), answers[-1])


def main() -> None:
    """A round from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--cases", type=int, default=5000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--real", type=Path, help="real data to take files from besides")
    options.add_argument("--keep", type=Path, help="folder for files that showed a fault")
    chosen = options.parse_args()
    if chosen.child:
        # Libraries may print; answers must stay alone on their pipe.
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        _serve(sys.stdin, answers)
        return
    with tempfile.TemporaryDirectory() as folder:
        outcome = fuzz(chosen.cases, chosen.seed, Path(folder), chosen.real, chosen.keep)
    for kind, done, what in outcome.faults:
        print(f"{kind}: {done}: {what}\n")
    print(outcome)


if __name__ == "__main__":
    main()
