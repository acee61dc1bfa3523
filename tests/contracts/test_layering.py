"""Who may import whom, as pyproject.toml says; and proof that each of those contracts sees and can fail."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

# Contract -> a module that breaks it, and what it imports; the window's way to torch is a chain through the interface.
OFFENCES = {
    "engine-storeys": ("engine/validation/offence.py", "import bandbridge.engine.methods.shot"),
    "imagery-storeys": ("engine/imagery/scenes/offence.py", "import bandbridge.engine.imagery.reader"),
    "window-storeys": ("gui/widgets/offence.py", "import bandbridge.gui.pages.page"),
    "window-light": ("engine/api/errors.py", "import torch"),
    "window-engine": ("gui/offence.py", "import bandbridge.engine.training.loop"),
    "engine-windowless": ("engine/losses/offence.py", "import PySide6.QtCore"),
}


LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
MODULES = """
import grimp
graph = grimp.build_graph("bandbridge.engine", "bandbridge.gui", "bandbridge.resources", cache_dir=None)
print(*graph.modules, sep="\\n")
"""


def run(code: str, *options: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200", "PYTHONUTF8": "1"},
        check=False,
    )


def lint(root: Path, project: Path) -> subprocess.CompletedProcess[str]:
    return run(LINT, "--config", str(project / "pyproject.toml"), "--no-cache", root=root)


def test_nobody_imports_what_they_must_not(linked: Path, project: Path):
    done = lint(linked, project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_is_looked_at(linked: Path, project: Path):
    files = [path for part in ("engine", "gui", "resources") for path in (project / part).rglob("*.py")]
    paths = [("bandbridge", *path.relative_to(project).with_suffix("").parts) for path in files]
    wanted = {".".join(path[:-1] if path[-1] == "__init__" else path) for path in paths}
    assert set(run(MODULES, root=linked).stdout.split()) == wanted


def test_every_contract_can_fail(project: Path, tmp_path: Path):
    config = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    titles = {contract["id"]: contract["name"] for contract in config["contracts"]}
    assert titles.keys() == OFFENCES.keys()
    only_python = shutil.ignore_patterns("__pycache__", "*.json*", "*.safetensors", "*.png", "*.svg")
    for part in ("engine", "gui", "resources"):
        shutil.copytree(project / part, tmp_path / "bandbridge" / part, ignore=only_python)
    for file, offence in OFFENCES.values():
        with (tmp_path / "bandbridge" / file).open("a", encoding="utf-8") as module:
            module.write(f"\n{offence}\n")
    said = lint(tmp_path, project).stdout
    broken = {key for key, title in titles.items() if f"{title} BROKEN" in said}
    assert broken == titles.keys(), said


def test_the_interface_needs_the_standard_library_and_numpy_only(project: Path):
    allowed = {*sys.stdlib_module_names, "numpy"}
    for path in (project / "engine" / "api").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                inside = name.startswith("bandbridge.engine.api")
                assert inside or name.partition(".")[0] in allowed, f"{path.name} imports {name}"


def test_the_windows_process_starts_without_networks_and_parsers():
    heavy = "{'torch', 'torchvision', 'timm', 'onnx', 'onnxruntime', 'cv2', 'rasterio', 'sklearn', 'scipy', 'pydantic'}"
    code = f"import bandbridge.gui.app, sys; print('HEAVY', sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout
