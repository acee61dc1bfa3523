import threading
import time

import pytest
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, Stopped
from bandbridge.engine.imagery import read_ahead as module
from bandbridge.engine.imagery.read_ahead import read_ahead


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
    runs = list(module._runs([1, 1, 0, 1, *[1] * 40, module._RUN_BYTES, 1], lambda weight: weight))
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


def test_other_faults_are_not_hidden_and_no_thread_stays():
    def read(item):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_ahead(range(5), read, Control()))
    early = read_ahead(range(100), lambda item: item, Control())
    next(early)
    early.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bandbridge-read")]
