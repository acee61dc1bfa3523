import errno
import os
import shutil
import threading
import time

import numpy as np
import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import DriveError, ImageError, Stopped
from bandbridge.engine.imagery.reader import load_image
from bandbridge.engine.imagery.reading import read_ahead as module
from bandbridge.engine.imagery.reading.drive import MOST_REFUSED
from bandbridge.engine.imagery.reading.read_ahead import read_ahead


def test_order_is_kept_and_errors_take_their_place():
    def read(number):
        time.sleep(0.002 * (number % 3))
        if number == 4:
            raise ImageError("broken")
        return number * 10

    results = list(read_ahead(range(9), read, Control()))
    assert [item for item, _ in results] == list(range(9))
    assert [result for _, result in results if not isinstance(result, ImageError)] == [0, 10, 20, 30, 50, 60, 70, 80]
    assert str(results[4][1]) == "broken"


@pytest.mark.parametrize(("weight", "most"), [(0, 5), (module._MOST_BYTES // 2, 2), (module._MOST_BYTES * 3, 1)])
def test_what_is_read_together_fits_into_memory(weight, most, monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 2)
    held, seen = 0, []
    lock = threading.Lock()

    def read(item):
        nonlocal held
        with lock:
            held += 1
            seen.append(held)

    for _ in read_ahead(range(30), read, Control(), lambda item: weight):
        with lock:
            held -= 1
    assert max(seen) <= most


def test_small_ones_are_read_by_the_run_and_unknown_ones_alone(monkeypatch):
    monkeypatch.setattr(module, "_cores", lambda: 1)
    readers = module._Readers(lambda item: item, None, 1)
    weights = [1, 1, 0, 1, *[1] * 40, module._RUN_BYTES, 1]
    runs = list(module._runs(weights, lambda weight: weight, readers, Control()))
    readers.end()
    assert [len(run) for _, run in runs] == [2, 1, 32, 9, 1, 1]
    assert [weight for weight, _ in runs] == [2, 0, 32, 9, module._RUN_BYTES, 1]
    assert [item for item, _ in read_ahead(range(100), lambda item: item, Control(), lambda item: 1)] == [*range(100)]


def test_a_stop_is_heard_while_a_read_does_not_come_back(monkeypatch):
    monkeypatch.setattr(module, "_FAREWELL_S", 0.1)
    held, release = threading.Event(), threading.Event()

    def read(item):
        held.set()
        release.wait(20)

    try:
        began = time.monotonic()
        with pytest.raises(Stopped):
            list(read_ahead(range(5), read, Control(lambda: "stop" if held.is_set() else None)))
        assert time.monotonic() - began < 5
    finally:
        release.set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a file that never answers")
def test_a_drive_that_does_not_answer_is_named_in_time(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_FAREWELL_S", 0.1)
    monkeypatch.setattr(module, "PATIENCE_S", 0.5)
    os.mkfifo(tmp_path / "5.png")  # opening it waits for a writer that never comes
    for number in (0, 1, 2, 3, 4, 6):
        (tmp_path / f"{number}.png").write_bytes(b"x")

    def read(name):
        return (tmp_path / name).read_bytes()

    names = [f"{number}.png" for number in range(7)]
    seen = []
    try:
        reading = read_ahead(names, read, Control(), lambda name: 5_000_000, path_of=tmp_path.joinpath)
        with pytest.raises(DriveError, match=r"5\.png") as caught:
            seen.extend(reading)
        assert [name for name, _ in seen] == names[:5]
        assert "does not answer" in caught.value.why
    finally:
        (tmp_path / "5.png").open("r+b", buffering=0).close()


def test_a_long_pause_is_no_silence_of_the_drive(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    paused = iter(["pause", *[None] * 12, "resume"])
    release = threading.Event()

    def read(item):
        release.wait(5)
        return item

    def poll():
        command = next(paused, None)
        if command == "resume":
            release.set()
        return command

    assert [item for item, _ in read_ahead([1], read, Control(poll), lambda item: 1)] == [1]


def test_a_folder_that_vanishes_is_told_once(tmp_path):
    folder = tmp_path / "disk" / "images"
    folder.mkdir(parents=True)
    names = [f"{number}.npy" for number in range(50)]
    for name in names:
        np.save(folder / name, np.ones((4, 4), np.uint16))
    seen = []

    def read(name):
        if name == "7.npy":
            shutil.rmtree(tmp_path / "disk")
        return load_image(folder / name)

    with pytest.raises(DriveError, match="no longer there") as caught:
        seen.extend(read_ahead(names, read, Control(), path_of=folder.joinpath))
    assert len(seen) <= 7
    assert "unplugged" in caught.value.why
    # One image that is gone, while the others are there, is a matter of that image.
    folder.mkdir(parents=True)
    for name in names[1:]:
        np.save(folder / name, np.ones((4, 4), np.uint16))
    results = list(read_ahead(names, lambda name: load_image(folder / name), Control(), path_of=folder.joinpath))
    assert [isinstance(result, ImageError) for _, result in results] == [True, *[False] * 49]


def test_a_drive_that_refuses_file_after_file_is_at_fault_and_one_bad_file_is_not(tmp_path, monkeypatch):
    # By two threads, the last good file may be told after the first refused ones, and the count begins anew.
    monkeypatch.setattr(module, "_cores", lambda: 1)
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"x")

    def read(number):
        if number in (3, 5) or number >= 40:
            raise OSError(errno.EIO, "Input/output error")
        return number

    results = []
    reading = read_ahead(range(100), read, Control(), path_of=lambda number: tmp_path / str(number))
    with pytest.raises(DriveError, match="cannot be read any more") as caught:
        results.extend(reading)
    assert [number for number, result in results if isinstance(result, ImageError)][:2] == [3, 5]
    assert all("Input/output error" in result.why for _, result in results if isinstance(result, ImageError))
    assert 40 <= len(results) < 40 + MOST_REFUSED
    assert "Input/output error" in caught.value.why


def test_other_faults_are_not_hidden_and_no_thread_stays():
    def read(item):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_ahead(range(5), read, Control()))
    early = read_ahead(range(100), lambda item: item, Control())
    next(early)
    early.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bandbridge-read")]
