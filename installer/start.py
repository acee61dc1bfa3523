"""Sets Bandbridge up and starts it: `python3 installer/start.py`. Needs nothing but Python 3.11 or newer.

The first start makes a virtual environment (`.venv`) beside pyproject.toml and installs the exact packages of
`installer/constraints.txt` into it; missing system libraries are installed (as root on Debian and its kin) or named.
Later starts find all that done and go straight on: to the window where there is a display, otherwise to the sample
adaptation on the terminal. `--test` installs the test tools too and runs the tests.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

OLDEST_PYTHON = (3, 11)
PROJECT = Path(__file__).resolve().parent.parent

# Library -> Debian package: what the map reader loads, what Qt loads even without a screen, what it adds on X11.
ENGINE_LIBRARIES = {"libexpat.so.1": "libexpat1"}
OFFSCREEN_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
}
SCREEN_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# Debian 13 and Ubuntu 24.04 renamed this one.
RENAMED_PACKAGES = {"libglib2.0-0": "libglib2.0-0t64"}


class SetupError(Exception):
    """The set-up cannot go on; the text says what happened and what to do."""


def say(text: str) -> None:
    """One line for the person at the terminal."""
    print(text, flush=True)


def check_python(version: tuple[int, int] = (sys.version_info[0], sys.version_info[1])) -> None:
    """Refuses a Python that is too old, naming it.

    Raises:
        SetupError: `version` is older than `OLDEST_PYTHON`.
    """
    if version < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise SetupError(
            f"Bandbridge needs Python {wanted} or newer; this is Python {version[0]}.{version[1]} ({sys.executable}).\n"
            f"Install a newer Python from python.org or your system's packages, then start with it, "
            f"for example: python{wanted} installer/start.py"
        )


class Environment:
    """The project's virtual environment and the note of what was installed into it.

    The note says "unfinished" from the moment the folder is made until the last package is in, so that an
    interrupted set-up is recognised and made anew. An environment without a note is somebody's own: it is
    installed into, never thrown away while it works.

    Args:
        project: Folder of pyproject.toml.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self.folder = project / ".venv"
        windows = os.name == "nt"
        self.python = self.folder / ("Scripts/python.exe" if windows else "bin/python")
        self.note = self.folder / "bandbridge-setup.json"
        self.log = self.folder / "bandbridge-setup.log"

    def fingerprint(self) -> str:
        """Changes when the packages wanted, the Python or the project's place change."""
        digest = hashlib.sha256()
        for file in (self.project / "pyproject.toml", self.project / "installer" / "constraints.txt"):
            digest.update(file.read_bytes())
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        digest.update(f"{python} {platform.machine()} {self.project}".encode())
        return digest.hexdigest()

    def is_ready(self, extras: frozenset[str]) -> bool:
        """Whether everything wanted is installed already."""
        note = self._read_note()
        return self.python.exists() and note.get("fingerprint") == self.fingerprint() and extras <= _installed(note)

    def prepare(self, extras: frozenset[str]) -> None:
        """Installs whatever is missing.

        Raises:
            SetupError: It cannot be done; the text says why.
        """
        if self.is_ready(extras):
            return
        note = self._read_note()
        if self.folder.exists() and (note.get("state") == "unfinished" or not self._works()):
            say("An earlier set-up was interrupted or no longer works: setting up again.")
            shutil.rmtree(self.folder)
        extras |= _installed(note)
        if not self.folder.exists():
            say(f"Making a virtual environment in {self.folder}")
            self.folder.mkdir()
            self._write_note({"state": "unfinished"})
            make_environment(self.folder)
        self._write_note({"state": "unfinished"})
        started = time.monotonic()
        wanted = f"{self.project}[{','.join(sorted(extras))}]" if extras else str(self.project)
        constraints = self.project / "installer" / "constraints.txt"
        run_pip(
            [str(self.python), "-m", "pip", "install", "--constraint", str(constraints), "--editable", wanted], self.log
        )
        self._write_note({"state": "ready", "fingerprint": self.fingerprint(), "extras": sorted(extras)})
        say(f"Installed in {time.monotonic() - started:.0f} s. From now on the same command starts at once.")

    def _works(self) -> bool:
        """Whether its Python runs, is the version now used, and has pip."""
        try:
            said = subprocess.run(
                [self.python, "-c", "import pip, sys; print(*sys.version_info[:2])"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return said.returncode == 0 and said.stdout.split() == [str(part) for part in sys.version_info[:2]]

    def _read_note(self) -> dict[str, object]:
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            return {"state": "unfinished"}
        return note if isinstance(note, dict) else {"state": "unfinished"}

    def _write_note(self, note: Mapping[str, object]) -> None:
        unfinished = self.note.with_suffix(".tmp")
        unfinished.write_text(json.dumps(note), encoding="utf-8")
        os.replace(unfinished, self.note)


def _installed(note: Mapping[str, object]) -> frozenset[str]:
    extras = note.get("extras", [])
    return frozenset(map(str, extras)) if isinstance(extras, list) else frozenset()


def make_environment(folder: Path) -> None:
    """Makes a virtual environment with pip in it.

    Raises:
        SetupError: Python's own tools for it are missing or fail.
    """
    if importlib.util.find_spec("ensurepip") is None:
        install_packages(["python3-venv"], "Python's tool for virtual environments")
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(folder)],
        capture_output=True,
        text=True,
        env=_clean_environment(),
        check=False,
    )
    if made.returncode != 0:
        raise SetupError(f"The virtual environment in {folder} could not be made:\n{made.stdout}{made.stderr}")


def run_pip(command: Sequence[str], log: Path) -> None:
    """Runs pip, telling in words how far it is; everything it says goes into `log`.

    Raises:
        SetupError: pip failed.
    """
    say("Installing the packages (a few minutes the first time)")
    with log.open("w", encoding="utf-8") as kept:
        code = _follow(command, kept)
    if code != 0:
        raise SetupError(f"{explain_pip_failure(log.read_text(encoding='utf-8'))}\nEverything pip said is in {log}")


def _follow(command: Sequence[str], kept: TextIO) -> int:
    pip = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=_clean_environment(),
    )
    with pip:
        try:
            _tell(pip, kept)
        except BaseException:
            pip.terminate()  # it must not go on unseen
            raise
    return pip.returncode


def _tell(pip: subprocess.Popen[str], kept: TextIO) -> None:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_forward, args=(pip, lines), daemon=True).start()
    progress = InstallProgress()
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            progress.show()
            continue
        if line is None:
            break
        kept.write(line)
        progress.hear(line)
    progress.end()


def _forward(pip: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in pip.stdout or ():
        lines.put(line)
    lines.put(None)


class InstallProgress:
    """pip's chatter as one line that changes on a terminal, or a line now and then elsewhere."""

    SECONDS_BETWEEN_LINES = 15.0

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._live = sys.stdout.isatty()
        self._last_line = self._started
        self._packages = 0
        self._doing = "looking for packages"

    def hear(self, line: str) -> None:
        """Takes one line of pip's output."""
        words = line.split()
        if not words:
            return
        if words[0] == "Collecting" and len(words) > 1:
            self._packages += 1
            self._doing = f"package {self._packages}, {words[1]}"
        elif words[0] == "Downloading" and "(" in line:
            name = words[1].rpartition("/")[2].partition("-")[0]
            self._doing = f"package {self._packages}, downloading {name} {line[line.rindex('(') :].strip()}"
        elif line.startswith("Installing collected packages"):
            self._doing = f"unpacking {line.count(',') + 1} packages"
        self.show()

    def show(self) -> None:
        """Tells how far it is."""
        now = time.monotonic()
        text = f"  {now - self._started:4.0f} s  {self._doing}"
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end="", flush=True)
        elif now - self._last_line > self.SECONDS_BETWEEN_LINES:
            self._last_line = now
            say(text)

    def end(self) -> None:
        """Leaves the line that changed."""
        if self._live:
            print(flush=True)


def explain_pip_failure(text: str) -> str:
    """What pip's last words mean for a person, by the phrases it is known to use."""
    if "No space left" in text or "Errno 28" in text:
        needed = "about 3 GB are needed, 8 GB with support for graphics cards"
        return f"There is not enough space on this disk: {needed}. Make room and start again."
    network = ("NewConnectionError", "name resolution", "timed out", "ProxyError", "SSLError", "Connection refused")
    if any(phrase in text for phrase in network):
        return "The packages could not be fetched: check the connection to the network (or the proxy) and start again."
    for line in text.splitlines():
        if "No matching distribution found for" in line:
            package = line.rpartition("for ")[2]
            python = f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()} {platform.machine()}"
            return f"There is no {package} for {python}. Python 3.11 to 3.13 on a 64-bit system will do."
    last = "\n".join(text.strip().splitlines()[-8:])
    return f"The packages could not be installed. pip's last words:\n{last}"


def missing_libraries(wanted: Mapping[str, str]) -> dict[str, str]:
    """Those system libraries that cannot be loaded: library -> Debian package. Only Linux lacks any."""
    missing = {}
    if sys.platform.startswith("linux"):
        for library, package in wanted.items():
            try:
                ctypes.CDLL(library)
            except OSError:
                missing[library] = package
    return missing


def provide_libraries(wanted: Mapping[str, str]) -> None:
    """Installs missing system libraries or says how.

    Raises:
        SetupError: They are missing and this program cannot install them.
    """
    missing = missing_libraries(wanted)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        names = ", ".join(missing)
        raise SetupError(
            f"The window needs system libraries that are missing: {names}.\nInstall the packages of your "
            "system that contain them, then start again."
        )
    install_packages(sorted(set(missing.values())), "system libraries the window needs")
    still = missing_libraries(wanted)
    if still:
        raise SetupError(f"These libraries still cannot be loaded: {', '.join(still)}.")


def install_packages(packages: Sequence[str], what: str) -> None:
    """Installs Debian packages as root; for anybody else, says the one command.

    Raises:
        SetupError: Not root, or the installation failed.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if shutil.which("apt-get") is None:
        names = " ".join(packages)
        raise SetupError(f"Missing: {what} ({names}). Install them from your system's packages, then start again.")
    if not root:
        install = "sudo apt-get update && sudo apt-get install -y --no-install-recommends"
        command = " ".join([install, *map(_current_name, packages)])
        raise SetupError(f"Missing: {what}. Install them with this command, then start again:\n\n    {command}\n")
    say(f"Installing {what}: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = subprocess.run(["apt-get", "update"], capture_output=True, text=True, env=environment, check=False)
    command_line = ["apt-get", "install", "-y", "--no-install-recommends", *map(_current_name, packages)]
    done = subprocess.run(command_line, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        said = "\n".join((update.stderr + done.stdout + done.stderr).strip().splitlines()[-8:])
        raise SetupError(f"The {what} could not be installed with\n\n    {' '.join(command_line)}\n\n{said}")


def _current_name(package: str) -> str:
    """The package's name in this release of the system."""
    renamed = RENAMED_PACKAGES.get(package)
    if renamed is None:
        return package
    shown = subprocess.run(["apt-cache", "show", renamed], capture_output=True, check=False)
    return renamed if shown.returncode == 0 else package


def has_display() -> bool:
    """Whether a window can be seen."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _clean_environment() -> dict[str, str]:
    """The person's environment without what would lead pip and Python to other packages."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET")}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONUNBUFFERED": "1"}


def run(command: Sequence[str | Path], cwd: Path | None = None) -> int:
    """Runs a program to its end. Ctrl+C reaches it directly; it decides what to do, and is waited for."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    child = subprocess.Popen([str(part) for part in command], cwd=cwd, env=environment)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def run_sample(program: Sequence[str | Path], folder: Path) -> int:
    """Makes the sample project in `folder` if it is not there yet, and adapts its model to near infrared."""
    facts = folder / "sample.json"
    say(f"The sample adaptation runs on this terminal, in {folder}")
    if not facts.exists():
        code = run([*program, "sample", folder / "landscape", "--json", facts])
        if code != 0:
            return code
    sample = json.loads(facts.read_text(encoding="utf-8"))
    rgb, sensor, target = sample["sensors"]["nir"]
    number = 1
    while (folder / "runs" / f"nir-{number}").exists():
        number += 1
    run_folder = folder / "runs" / f"nir-{number}"
    options = ["--source", sample["source"], "--pairs", rgb, sensor, "--target", target, "-o", str(run_folder)]
    say("\nbandbridge adapt " + " ".join(options) + "\n")
    return run([*program, "adapt", *options])


def _needed_libraries(*, window: bool, test: bool) -> dict[str, str]:
    offscreen = OFFSCREEN_LIBRARIES if window or test else {}
    screen = SCREEN_LIBRARIES if window and os.environ.get("DISPLAY") else {}
    return {**ENGINE_LIBRARIES, **offscreen, **screen}


def main(argv: Sequence[str] | None = None) -> int:
    """Sets up and starts; returns the exit code."""
    parser = argparse.ArgumentParser(prog="start.py", description="Set Bandbridge up and start it.")
    parser.add_argument("--test", action="store_true", help="run the tests; further options go to pytest")
    parser.add_argument("--terminal", action="store_true", help="run the sample on the terminal, even with a display")
    parser.add_argument("--folder", type=Path, default=PROJECT / "bandbridge-sample", help="where the sample goes")
    options, further = parser.parse_known_args(argv)
    if further and not options.test:
        parser.error(f"unknown: {' '.join(further)}")
    window = has_display() and not options.terminal and not options.test
    try:
        check_python()
        provide_libraries(_needed_libraries(window=window, test=options.test))
        environment = Environment(PROJECT)
        environment.prepare(frozenset({"test"}) if options.test else frozenset())
    except SetupError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start again to go on with the set-up.", file=sys.stderr)
        return 1
    if options.test:
        return run([environment.python, "-m", "pytest", *further], cwd=PROJECT)
    program: list[str | Path] = [environment.python, "-m", "bandbridge.engine.cli.main"]
    return run(program) if window else run_sample(program, options.folder.resolve())


if __name__ == "__main__":
    sys.exit(main())
