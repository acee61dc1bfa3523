"""The tools every change must pass, over the whole project; and what no file may hold."""

import os
import subprocess
import sys
from pathlib import Path

CHECKED = ("engine", "gui", "resources", "installer", "tests")
BINARY = (".png", ".gz", ".safetensors", ".ico", ".onnx", ".jpg", ".tif", ".icns", ".ttf")


def run(*command: str, cwd: Path, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing(project: Path):
    run("ruff", "check", *CHECKED, cwd=project)


def test_ruff_would_format_nothing(project: Path):
    run("ruff", "format", "--check", *CHECKED, cwd=project)


def test_types_are_strict_and_right(project: Path, linked: Path):
    options = ["--config-file", str(project / "pyproject.toml"), "--cache-dir", str(project / ".mypy_cache")]
    run("mypy", *options, "bandbridge/engine", "bandbridge/gui", cwd=linked)


def test_the_installers_types_are_right(project: Path):
    options = ["--config-file", "pyproject.toml", "--cache-dir", str(project / ".mypy_cache")]
    run("mypy", *options, "installer/start.py", cwd=project)


def test_no_file_knows_one_machine(project: Path):
    """Paths into somebody's home or workplace, which work nowhere else."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=project,
        check=False,
    )
    names = tracked.stdout.split("\0") if tracked.returncode == 0 else [str(p) for p in project.glob("[!.]*/**/*")]
    # Put together here, so that this file does not find itself.
    marks = [f"/{home}/" for home in ("home", "root", "work", "Users")]
    for name in filter(None, names):
        file = project / name
        if file.is_file() and not name.endswith(BINARY):
            text = file.read_text(encoding="utf-8")
            for number, line in enumerate(text.splitlines(), start=1):
                found = [mark for mark in marks if any(_is_absolute(line, at) for at in _places(line, mark))]
                assert not found, f"{name}:{number} holds an absolute path: {line.strip()}"


def _places(line: str, mark: str) -> list[int]:
    return [at for at in range(len(line)) if line.startswith(mark, at)]


def _is_absolute(line: str, at: int) -> bool:
    """Whether the path at this place begins there (a web address or a longer path does not)."""
    before = line[at - 1] if at else " "
    return not (before.isalnum() or before in "._-/~}")
