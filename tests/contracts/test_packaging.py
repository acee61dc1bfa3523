"""What an ordinary installation brings: every package and every data file, which an editable one would not miss."""

import ast
import email
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

PARTS = ("engine", "gui", "resources")
LEFT_OUT = ("__pycache__", ".pyc")


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The project as a wheel, built without reaching for anything; sources are copied so that none are left dirty."""
    copy = tmp_path_factory.mktemp("source") / "project"
    copy.mkdir()
    for part in PARTS:
        shutil.copytree(project / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(project / name, copy / name)
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--wheel-dir", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(copy)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def test_every_package_is_named_in_pyproject(project: Path):
    named = set(
        tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    )
    found = {
        ".".join(("bandbridge", *init.parent.relative_to(project).parts))
        for part in PARTS
        for init in (project / part).rglob("__init__.py")
    }
    assert named == found


def test_every_folder_with_python_files_is_a_package(project: Path):
    for part in PARTS:
        for file in (project / part).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), f"{file.parent} has no __init__.py"


def test_the_wheel_holds_every_file(wheel: zipfile.ZipFile, project: Path):
    held = set(wheel.namelist())
    for part in PARTS:
        for file in (project / part).rglob("*"):
            if file.is_file() and not any(mark in str(file) for mark in LEFT_OUT):
                assert f"bandbridge/{file.relative_to(project).as_posix()}" in held


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile):
    inside = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert [name for name in inside if not name.startswith(tuple(f"bandbridge/{part}/" for part in PARTS))] == []
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_every_dependency_is_pinned(wheel: zipfile.ZipFile, project: Path):
    """A package named in pyproject.toml without a pin would be installed in another version every week."""
    (metadata,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    wanted = email.message_from_bytes(wheel.read(metadata)).get_all("Requires-Dist", [])
    lines = (project / "installer" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    for requirement in wanted:
        name = requirement.replace("<", " ").replace(">", " ").replace("!", " ").replace("=", " ").split()[0]
        assert name.lower().replace("_", "-") in pins, f"{requirement} has no pin"
    assert all(line.startswith("#") or line.count("==") == 1 for line in lines if line)
    assert "torch==2.13.0" in lines, "a build such as +cpu exists on some systems only"


def test_what_is_imported_is_declared_and_what_is_declared_is_imported(project: Path):
    """An undeclared package works only while another one happens to bring it."""
    facts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=!~ ]", requirement)[0] for requirement in facts["dependencies"]}
    modules = {
        "PySide6-Essentials": "PySide6",
        "opencv-python-headless": "cv2",
        "protobuf": "google",
        "scikit-learn": "sklearn",
    }
    declared = {modules.get(name, name) for name in names}
    imported = set()
    for file in (path for part in PARTS for path in (project / part).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                found = [node.module or ""]
            imported |= {name.partition(".")[0] for name in found}
    foreign = imported - sys.stdlib_module_names - {"bandbridge"}
    assert foreign == declared
