"""The window's thread and the real worker process: they speak the same language."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.gui.pages.images import ImagesPage
from bandbridge.gui.project import Project, ProjectModel
from bandbridge.gui.run_thread import WorkerThread
from bandbridge.gui.theme import Theme
from pytestqt.qtbot import QtBot


@pytest.fixture
def desk(qapp: object) -> Iterator[WorkerThread]:
    thread = WorkerThread()
    yield thread
    thread.shutdown()
    assert thread.wait(20_000)


@pytest.fixture
def model(tmp_path: Path, qapp: object) -> Iterator[ProjectModel]:
    rng = np.random.default_rng(0)
    for name in ("rgb", "nir"):
        (tmp_path / name).mkdir()
        for number in range(6):
            bands = 3 if name == "rgb" else 1
            values = rng.integers(0, 60_000, (16, 16, bands), dtype=np.uint16)
            np.save(tmp_path / name / f"scene_{number}_{name}.npy", values)
    (tmp_path / "nir" / "scene_5_nir.npy").write_bytes(b"")
    pairs = (PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "nir")),)
    project = ProjectModel(Project(pairs=pairs, target=str(tmp_path / "nir")), tmp_path / "project")
    yield project
    project.close()


def test_folders_are_read_by_the_real_worker(
    qtbot: QtBot, desk: WorkerThread, model: ProjectModel, theme: Theme
) -> None:
    page = ImagesPage(model, desk, theme)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.state() == "warning", timeout=60_000)
    ((_, report),) = page.scans.pairs_reports()
    assert len(report.pairs) == 5
    assert "scene_5_nir.npy" in [doubt.finding.file for doubt in page.doubts.model.rows]
    qtbot.waitUntil(lambda: all(item.rgb and item.sensor for item in page.wall.wall._items), timeout=30_000)
    if hasattr(signal, "SIGKILL"):
        assert desk.worker_pid is not None
        os.kill(desk.worker_pid, signal.SIGKILL)
        page.look_again()
        qtbot.waitUntil(lambda: page.state() in ("warning", "error") and not page.scans.busy, timeout=60_000)
        page.look_again()
        qtbot.waitUntil(lambda: page.state() == "warning", timeout=60_000)
    page.closing()
