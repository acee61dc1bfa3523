"""Files that ended a process are found out by the next one, whichever it is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.reading_board import ReadingBoard, forget, left_by, reading_folder
from bandbridge.engine.imagery.reader import load_image, read_image
from bandbridge.engine.imagery.reading import in_hand

# A process that reads a file and is ended meanwhile.
VICTIM = """
import os, sys, time
from pathlib import Path
from bandbridge.engine.imagery.formats import image_file
from bandbridge.engine.imagery.reader import load_image
def die(path, bands):
    os.kill(os.getpid(), {how})
    time.sleep(60)
if "{word}" in sys.argv[1]:
    image_file._read_stored = die
load_image(Path(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def _fresh_watch():
    """As if this were a new process."""
    in_hand._WATCHES.clear()
    yield
    in_hand._WATCHES.clear()


def read_elsewhere(path, how=9, word="bad"):
    code = VICTIM.format(how=how, word=word)
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stderr=subprocess.DEVNULL)
    return process.wait(), process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process by a signal")
def test_a_file_that_ended_a_process_is_tried_elsewhere_and_named(tmp_path, monkeypatch):
    for name in ("bad.npy", "good.npy"):
        np.save(tmp_path / name, np.ones((4, 4)))
    bad = tmp_path / "bad.npy"
    code, pid = read_elsewhere(bad, how=int(signal.SIGSEGV))
    assert code == -signal.SIGSEGV
    assert left_by(pid) == (str(bad),)
    monkeypatch.setattr(in_hand, "TRIAL", (sys.executable, "-c", VICTIM.format(how=9, word="bad")))
    with pytest.raises(ImageError, match=r"bad\.npy.*ended the process") as caught:
        load_image(bad)
    assert caught.value.do
    assert read_image(tmp_path / "good.npy").shape == (1, 4, 4)
    assert left_by(pid) == ()
    # Known from now on, without a trial, to every process; until the file is another one.
    in_hand._WATCHES.clear()
    monkeypatch.setattr(in_hand, "TRIAL", ("no such program",))
    with pytest.raises(ImageError, match="ended the process"):
        load_image(bad)
    np.save(bad, np.ones((5, 5)))
    assert read_image(bad).shape == (1, 5, 5)


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process by a signal")
def test_a_file_that_was_in_hand_by_chance_is_cleared(tmp_path):
    path = tmp_path / "bad.npy"
    np.save(path, np.ones((4, 4)))
    read_elsewhere(path)
    assert read_image(path).shape == (1, 4, 4)
    assert list(reading_folder().glob("*.unreadable")) == []


def test_a_file_whose_trial_never_ends_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.npy"
    np.save(path, np.ones((4, 4)))
    watch = in_hand._watch()
    watch._suspects.add(str(path))
    monkeypatch.setattr(in_hand, "TRIAL", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(in_hand, "_PATIENCE_S", 0.3)
    started = time.monotonic()
    with pytest.raises(ImageError, match="ended the process"):
        load_image(path)
    assert time.monotonic() - started < 20


def test_a_board_holds_what_is_in_hand_and_nothing_else(tmp_path):
    board = ReadingBoard(tmp_path)
    names = [f"{number}/Gr\u00f6\u00dfe \udc80.png" for number in range(100)]
    slots = [board.note(name) for name in names[:2]]
    assert left_by(os.getpid(), tmp_path) == tuple(names[:2])
    assert board.note("x" * 5000) is None, "longer than a path can be"
    slots += [board.note(name) for name in names[2:]]
    assert left_by(os.getpid(), tmp_path) == tuple(sorted(names[:64]))
    assert slots[64:] == [None] * 36
    assert in_hand.take_abandoned(tmp_path) == set(), "this process lives"
    for slot in slots[:64]:
        board.strike(slot)
    assert left_by(os.getpid(), tmp_path) == ()
    forget(os.getpid(), tmp_path)
    board.take_down()
    assert list(tmp_path.iterdir()) == []


def test_images_are_read_where_no_board_can_be_put(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(in_hand, "reading_folder", lambda: tmp_path / "file" / "reading")
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    assert read_image(tmp_path / "x.npy").shape == (1, 4, 4)


def test_only_the_image_is_noted_not_its_bands(tmp_path, write_tiff, monkeypatch):
    for band in ("B02", "B03"):
        write_tiff(f"p_{band}.tif", np.ones((4, 4), np.uint16))
    from bandbridge.engine.imagery.formats import image_file

    seen = []
    decode = image_file._read_stored

    def look(path: Path, bands):
        seen.append(left_by(os.getpid()))
        return decode(path, bands)

    monkeypatch.setattr(image_file, "_read_stored", look)
    load_image(tmp_path / "p")
    assert seen == [(str(tmp_path / "p"),)] * 2
