"""The worker process: takes one job after the other from a pipe and sends events back."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from multiprocessing.connection import Connection

from bandbridge.engine.api.control import Command, Control
from bandbridge.engine.api.events import Event, Paused
from bandbridge.engine.api.launch import Ask, Message, Quit, Submit


class _Inbox:
    """Reads the pipe in a thread of its own, so that a command reaches a job at work."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.jobs: queue.SimpleQueue[Submit | Quit] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                message: Message = self._connection.recv()
            except (EOFError, OSError):  # the window is gone: keep what is saved and go
                self._commands.put("stop")
                self.jobs.put(Quit())
                return
            if isinstance(message, Ask):
                self._commands.put(message.command)
            else:
                if isinstance(message, Submit):  # whatever was asked before it was meant for the job before it
                    self.forget_commands()
                self.jobs.put(message)

    def command(self) -> Command | None:
        """The next command for the job at work, or None."""
        try:
            return self._commands.get_nowait()
        except queue.Empty:
            return None

    def forget_commands(self) -> None:
        """Commands for a job that is over must not reach the next one."""
        while self.command() is not None:
            pass


def serve(connection: Connection, *, niceness: int = 0) -> None:
    """Serve jobs until told to quit or until the other side is gone. Every job ends with exactly one `Finished`.

    Args:
        connection: This side of the pipe.
        niceness: How far to step back behind other processes, 0..19.
    """
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    inbox = _Inbox(connection)

    def send(event: Event) -> None:
        with contextlib.suppress(BrokenPipeError, OSError):
            connection.send(event)

    # After the inbox listens: these imports take seconds, and the window may already be asking.
    from bandbridge.engine.worker.perform import answer

    while True:
        message = inbox.jobs.get()
        if isinstance(message, Quit):
            return
        control = Control(inbox.command, on_pause=lambda paused: send(Paused(paused=paused)))
        finished = answer(message.job, send, control)
        send(finished)
