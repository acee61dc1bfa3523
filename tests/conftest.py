"""What every test shares: a home of its own, no network, one compute thread, and the real data where it lies."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

PROJECT = Path(__file__).resolve().parent.parent
_HOME = Path(tempfile.mkdtemp(prefix="bandbridge-tests-"))


def _refuse_network(event: str, args: tuple[object, ...]) -> None:
    """Fails any attempt to reach another machine; pipes and local sockets between processes stay allowed."""
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(args[1], tuple)):
        raise PermissionError(f"a test tried to reach the network: {event} {args[1:]}")


def _isolate() -> None:
    """Must come before torch and Qt are imported anywhere, hence before the conftest of any room is."""
    for name in ("HOME", "USERPROFILE"):
        os.environ[name] = str(_HOME)
    for name, folder in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_CACHE_HOME": ".cache",
        "XDG_STATE_HOME": ".local/state",
        "APPDATA": "AppData/Roaming",
        "LOCALAPPDATA": "AppData/Local",
    }.items():
        os.environ[name] = str(_HOME / folder)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["HF_HUB_OFFLINE"] = "1"
    # The same sums in the same order on every machine, and room for the other test processes.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("COLUMNS", None)


_isolate()


def pytest_configure() -> None:
    """Runs before any test module."""
    sys.addaudithook(_refuse_network)
    # A busy machine must not fail a property, nor may chance decide whether a change passes.
    hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
    hypothesis.settings.load_profile("steady")


def pytest_unconfigure() -> None:
    """Leaves nothing behind."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def empty_home() -> Iterator[None]:
    """Every test starts with an empty home: no settings, recent projects or caches of the test before."""
    yield
    for entry in _HOME.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root folder."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("eurosat_ms")`: that part of the real data beside the project, or the test is skipped by name."""

    def locate(name: str) -> Path:
        path = PROJECT.parent / "shared" / "data" / name
        if not path.exists():
            pytest.skip(f"needs the real data ../shared/data/{name}")
        return path

    return locate
