"""What the contracts share: the project as ordinary folders.

Installed editable, the packages are found through an import hook that type-checkers and import checkers do not see;
links under one folder `bandbridge` show them the same files.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PARTS = ("engine", "gui", "resources")


@pytest.fixture(scope="session")
def linked(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `bandbridge/engine`, `bandbridge/gui` and `bandbridge/resources` as links."""
    root = tmp_path_factory.mktemp("linked")
    (root / "bandbridge").mkdir()
    for part in PARTS:
        place = root / "bandbridge" / part
        try:
            place.symlink_to(project / part, target_is_directory=True)
        except OSError:  # Windows without the right to make links
            shutil.copytree(project / part, place)
    return root
