"""Starting a worker process and talking to it, without importing anything heavy on this side."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from bandbridge.engine.api.control import Command
from bandbridge.engine.api.jobs import Job


@dataclass(frozen=True, slots=True)
class Submit:
    """Message to a worker: do this job."""

    job: Job


@dataclass(frozen=True, slots=True)
class Ask:
    """Message to a worker at work: pause, resume, stop, stop_keep."""

    command: Command


@dataclass(frozen=True, slots=True)
class Quit:
    """Message to an idle worker: end the process."""


Message = Submit | Ask | Quit


def _enter(connection: Connection, niceness: int) -> None:
    """Runs in the new process; the engine is imported there only, by name, so that this side stays light."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the window; without it the pipe closes, and this ends
    # Its starter need not wait for it, and it may still start workers of its own: a comparison runs each method in one.
    multiprocessing.current_process().daemon = False
    importlib.import_module("bandbridge.engine.worker.serve").serve(connection, niceness=niceness)


def start_worker(*, niceness: int = 0) -> tuple[SpawnProcess, Connection]:
    """Start a worker process; it serves one job after the other until `Quit` or until the pipe closes.

    Args:
        niceness: How far it steps back behind other processes, 0..19 (no effect on Windows).

    Returns:
        The process, and this side's end of a two-way pipe: send `Message`, receive `events.Event`.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=True)
    process = context.Process(target=_enter, args=(there, niceness), name="bandbridge-worker", daemon=True)
    process.start()
    there.close()
    return process, here
