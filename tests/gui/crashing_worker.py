"""The real worker, but for images whose decoder crashes, hangs or is ended: those with such a word in their names.

Run as a program it is the trial of a file, with the same faults.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from bandbridge.engine.imagery.formats import image_file
from bandbridge.engine.imagery.reading import in_hand

PATIENCE_S = 3.0


def start(*, niceness: int = 0) -> tuple[SpawnProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=True)
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    return process, here


def serve(connection: Connection) -> None:
    from bandbridge.engine.worker.serve import serve as really_serve

    plant_faults()
    multiprocessing.current_process().daemon = False
    really_serve(connection)


def plant_faults(*, is_trial: bool = False) -> None:
    decode = image_file._read_stored

    def faulty(path: Path, bands: Any) -> Any:
        if "crash" in path.name:
            _die(signal.SIGSEGV)
        if "greedy" in path.name:
            _die(signal.SIGKILL)
        if "endless" in path.name and is_trial:
            time.sleep(60)
        if ("endless" in path.name or "together" in path.name) and not is_trial:
            _die(signal.SIGSEGV)
        return decode(path, bands)

    image_file._read_stored = faulty
    in_hand.TRIAL = (sys.executable, __file__)
    in_hand._PATIENCE_S = PATIENCE_S


def _die(how: signal.Signals) -> None:
    os.kill(os.getpid(), how)
    time.sleep(60)  # the signal may reach another thread first; a real crash stops where it is


if __name__ == "__main__":
    from bandbridge.engine.imagery.trial import read_all

    plant_faults(is_trial=True)
    read_all(Path(sys.argv[1]))
