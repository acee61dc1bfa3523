"""Setting up: done once, recovered when interrupted, and never at the cost of somebody's own environment."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def start(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module; virtual environments are made without pip, and pip itself is stood in for."""
    spec = importlib.util.spec_from_file_location("start", project / "installer" / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.made, module.installs = [], []

    def make(folder: Path) -> None:
        module.made.append(folder)
        venv.create(folder, with_pip=False)
        library = next(folder.glob("lib/python*/site-packages"), folder / "Lib" / "site-packages")
        (library / "pip.py").touch()

    monkeypatch.setattr(module, "make_environment", make)
    monkeypatch.setattr(module, "run_pip", lambda command, log: module.installs.append(command))
    return module


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small project to set up."""
    (tmp_path / "installer").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (tmp_path / "installer" / "constraints.txt").write_text("numpy==2.0\n")
    return tmp_path


def prepare(start: ModuleType, home: Path, *extras: str) -> tuple[int, int]:
    """(environments made, installations) by one start."""
    before = len(start.made), len(start.installs)
    start.Environment(home).prepare(frozenset(extras))
    return len(start.made) - before[0], len(start.installs) - before[1]


def test_first_start_installs_with_the_pins_and_the_second_does_nothing(start, home):
    assert prepare(start, home) == (1, 1)
    command = start.installs[0]
    assert command[command.index("--constraint") + 1] == str(home / "installer" / "constraints.txt")
    assert command[command.index("--editable") + 1] == str(home)
    began = time.perf_counter()
    assert prepare(start, home) == (0, 0)
    assert time.perf_counter() - began < 0.5


def test_test_tools_are_added_once_and_stay(start, home):
    prepare(start, home)
    assert prepare(start, home, "test") == (0, 1)
    assert start.installs[-1][-1] == f"{home}[test]"
    assert prepare(start, home) == (0, 0)
    (home / "pyproject.toml").write_text("[project]\nname = 'y'\n")
    assert prepare(start, home) == (0, 1)
    assert start.installs[-1][-1] == f"{home}[test]"


def test_changed_pins_install_again_into_the_same_environment(start, home):
    prepare(start, home)
    (home / "installer" / "constraints.txt").write_text("numpy==2.1\n")
    assert prepare(start, home) == (0, 1)


@pytest.mark.parametrize("when", ["making", "installing"])
def test_an_interrupted_set_up_is_made_anew(start, home, when, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(start, "make_environment" if when == "making" else "run_pip", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(start, home)
    litter = home / ".venv" / "half-written"
    litter.touch()
    assert prepare(start, home) == (1, 1)
    assert not litter.exists()
    assert prepare(start, home) == (0, 0)


def test_an_interrupted_renewal_is_made_anew_too(start, home, monkeypatch):
    prepare(start, home)
    (home / "installer" / "constraints.txt").write_text("numpy==2.1\n")

    def fail(*_: object) -> None:
        raise start.SetupError("no network")

    with monkeypatch.context() as broken:
        broken.setattr(start, "run_pip", fail)
        with pytest.raises(start.SetupError):
            prepare(start, home)
    assert prepare(start, home) == (1, 1)


def test_an_environment_whose_python_is_gone_is_made_anew(start, home):
    prepare(start, home)
    start.Environment(home).python.unlink()
    assert prepare(start, home) == (1, 1)


def test_somebodys_own_environment_is_used_and_kept(start, home):
    start.make_environment(home / ".venv")
    own = home / ".venv" / "own.txt"
    own.touch()
    start.made.clear()
    assert prepare(start, home) == (0, 1)
    assert own.exists()


def test_a_spoilt_note_counts_as_unfinished(start, home):
    prepare(start, home)
    start.Environment(home).note.write_text("{")
    assert prepare(start, home) == (1, 1)


def test_a_moved_project_is_installed_again(start, home, tmp_path_factory):
    prepare(start, home)
    moved = tmp_path_factory.mktemp("elsewhere") / "project"
    home.rename(moved)
    assert prepare(start, moved)[1] == 1


def test_an_old_python_is_refused_in_words(start):
    with pytest.raises(start.SetupError, match=r"needs Python 3\.11 or newer; this is Python 3\.9"):
        start.check_python((3, 9))
    start.check_python((3, 11))


def test_the_script_needs_nothing_installed_and_can_be_read_by_older_pythons(project: Path):
    """Otherwise somebody with an older Python would see a syntax error instead of words."""
    text = (project / "installer" / "start.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_pip_is_told_in_words_and_kept_in_a_log(project: Path, tmp_path: Path, capsys):
    spec = importlib.util.spec_from_file_location("start", project / "installer" / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    log = tmp_path / "log"
    said = "Collecting torch\\n  Downloading torch-2.whl (190 MB)\\nInstalling collected packages: a, b"
    module.run_pip([sys.executable, "-c", f"print('{said}')"], log)
    assert "Downloading torch-2.whl (190 MB)" in log.read_text()
    assert "Installing the packages" in capsys.readouterr().out
    with pytest.raises(module.SetupError, match="not enough space"):
        module.run_pip([sys.executable, "-c", "import sys; sys.exit('OSError: [Errno 28] No space left')"], log)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("WARNING: Retrying ... NewConnectionError(...)", "check the connection"),
        ("ERROR: No matching distribution found for torch==2.13.0", "There is no torch==2.13.0 for Python"),
        ("one\nERROR: something else", "something else"),
    ],
)
def test_failures_of_pip_are_explained(start, text, words):
    assert words in start.explain_pip_failure(text)


def test_missing_libraries_are_named_by_package(start, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert start.missing_libraries({"libsurely-not-there.so.7": "libnot7"}) == {"libsurely-not-there.so.7": "libnot7"}


def packages(start: ModuleType, monkeypatch: pytest.MonkeyPatch, *, root: bool, renamed: bool, fails: bool = False):
    """What `install_packages` does on a Debian machine that is described, as the commands it runs."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        code = 0 if command[0] != "apt-cache" else 0 if renamed else 100
        return subprocess.CompletedProcess(command, 100 if fails and "install" in command else code, "", "E: broken")

    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000, raising=False)
    monkeypatch.setattr(start.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(start.subprocess, "run", run)
    start.install_packages(["libegl1", "libglib2.0-0"], "system libraries")
    return ran


@pytest.mark.parametrize(("renamed", "name"), [(False, "libglib2.0-0"), (True, "libglib2.0-0t64")])
def test_root_installs_system_libraries_under_their_present_name(start, monkeypatch, renamed, name):
    ran = packages(start, monkeypatch, root=True, renamed=renamed)
    assert ran[0] == ["apt-get", "update"]
    assert ran[-1] == ["apt-get", "install", "-y", "--no-install-recommends", "libegl1", name]


def test_anybody_else_is_told_the_one_command(start, monkeypatch):
    with pytest.raises(start.SetupError, match=r"sudo apt-get .*install .*libegl1 libglib2.0-0t64"):
        packages(start, monkeypatch, root=False, renamed=True)


def test_a_failed_installation_of_libraries_shows_why(start, monkeypatch):
    with pytest.raises(start.SetupError, match="E: broken"):
        packages(start, monkeypatch, root=True, renamed=False, fails=True)


def commands(start: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[list[str]]:
    """The programs `main` would run once set up."""
    ran: list[list[str]] = []

    def run(command: list[object], cwd: Path | None = None) -> int:
        words = [str(word) for word in command]
        ran.append(words)
        if "--json" in words:
            facts = Path(words[words.index("--json") + 1])
            facts.parent.mkdir(parents=True, exist_ok=True)
            facts.write_text(json.dumps({"source": "/s/m", "sensors": {"nir": ["/s/rgb", "/s/nir", "/s/target"]}}))
        return 0

    monkeypatch.setattr(start, "run", run)
    monkeypatch.setattr(start, "provide_libraries", lambda wanted: None)
    monkeypatch.setattr(start.Environment, "prepare", lambda self, extras: None)
    assert start.main(arguments) == 0
    return ran


def test_with_a_display_the_window_opens(start, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    (command,) = commands(start, monkeypatch)
    assert command[1:] == ["-m", "bandbridge.engine.cli.main"]


def test_without_a_display_the_sample_is_made_once_and_adapted_each_time_in_a_new_folder(start, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    sample, adapt = commands(start, monkeypatch, "--folder", str(tmp_path))
    assert sample[3:5] == ["sample", str(tmp_path / "landscape")]
    assert adapt[3:] == ["adapt", "--source", "/s/m", "--pairs", "/s/rgb", "/s/nir", "--target", "/s/target",
                         "-o", str(tmp_path / "runs" / "nir-1")]  # fmt: skip
    (tmp_path / "runs" / "nir-1").mkdir(parents=True)
    (again,) = commands(start, monkeypatch, "--folder", str(tmp_path))
    assert again[-1] == str(tmp_path / "runs" / "nir-2")


def test_tests_run_under_pytest_with_what_else_was_typed(start, monkeypatch):
    (command,) = commands(start, monkeypatch, "--test", "-k", "words")
    assert command[1:] == ["-m", "pytest", "-k", "words"]


def test_unknown_words_are_refused(start, monkeypatch):
    with pytest.raises(SystemExit):
        start.main(["--tset"])
