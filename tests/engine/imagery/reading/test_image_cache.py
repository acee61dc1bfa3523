"""The image cache must never change what is read, never serve what is no longer true, and never cost more than time."""

import os
import threading

import numpy as np
import pytest
from bandbridge.engine.api import cache_folder
from bandbridge.engine.api.cache_folder import CacheFolder
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, Stopped, UsageError
from bandbridge.engine.api.storage import replacing
from bandbridge.engine.imagery import decoded, reader, survey
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.folder import list_images, scan_images
from bandbridge.engine.imagery.reading import identity, image_cache
from bandbridge.engine.imagery.reading.image_cache import ImageCache
from bandbridge.engine.imagery.sensors.stretch import Stretch

FULL = Stretch((0.0,), (65535.0,), (0.5,), (0.2,))


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files count as settled the moment they are written."""
    monkeypatch.setattr(identity, "SETTLED_S", 0.0)


@pytest.fixture
def readings(monkeypatch):
    """The names of all files decoded so far."""
    seen = []
    original = reader.load_image

    def counted(path, **settings):
        seen.append(path.name)
        return original(path, **settings)

    monkeypatch.setattr(reader, "load_image", counted)
    monkeypatch.setattr(survey, "load_image", counted)
    monkeypatch.setattr(decoded, "read_image", lambda path, **settings: counted(path, **settings).values)
    return seen


def decode(folder, *, stretch=FULL, size_px=8, events=None, control=None, **settings):
    return decode_images(
        folder,
        list_images(folder),
        bands=None,
        stretch=stretch,
        size_px=size_px,
        no_data=0,
        control=control or Control(),
        emit=(events if events is not None else []).append,
        **settings,
    )


def scan(folder, *, rule=None, **settings):
    names = list_images(folder)
    rule = rule or StretchRule()
    return scan_images(
        folder, names, bands=None, rule=rule, no_data=0, control=Control(), emit=lambda event: None, **settings
    )


def entries():
    return sorted(ImageCache.of_user().folder.path.glob("*.h5"))


def facts(found):
    """All a scan found, in a form that can be compared."""
    return repr(found) + "".join(map(str, (h.counts.tobytes() + h.edges.tobytes() for h in found.report.histograms)))


@pytest.fixture
def folder(write_tiff, noise, tmp_path):
    """Six sound images of 16 bits, one without data, one damaged, one of another size."""
    for index in range(6):
        write_tiff(f"images/{index}.tif", noise((1, 12, 10), np.uint16, 9000, index) + 1)
    write_tiff("images/large.tif", noise((1, 30, 30), np.uint16, 9000) + 1)
    write_tiff("images/void.tif", np.zeros((1, 8, 8), np.uint16))
    (tmp_path / "images" / "cut.tif").write_bytes(b"II*\0")
    return tmp_path / "images"


def test_a_set_is_decoded_once_and_the_same_ever_after(folder, readings):
    anew, _ = decode(folder, anew=True)
    assert entries() == []
    first, first_findings = decode(folder)
    readings.clear()
    events = []
    again, findings = decode(folder, events=events)
    assert readings == ["cut.tif"]
    assert findings == first_findings
    assert [finding.file for finding in findings] == ["cut.tif", "void.tif"]
    assert first.names == again.names == anew.names
    assert again.pixels.tobytes() == first.pixels.tobytes() == anew.pixels.tobytes()
    assert again.pixels.strides == anew.pixels.strides
    assert (events[-1].done, events[-1].total) == (7, 9)
    for other in (decode(folder, size_px=9)[0], decode(folder, stretch=Stretch((1.0,), (99.0,), (0.5,), (0.2,)))[0]):
        assert other.pixels.shape != anew.pixels.shape or (other.pixels != anew.pixels).any()


def test_eight_bits_stay_eight_bits_in_the_cache(write_picture, noise, tmp_path):
    for index in range(3):
        write_picture(f"{index}.png", noise((8, 8), np.uint8, 254, index) + 1)
    first, _ = decode(tmp_path, stretch=Stretch.eight_bit(1))
    again, _ = decode(tmp_path, stretch=Stretch.eight_bit(1))
    import h5py

    with h5py.File(entries()[0]) as file:
        assert file["pixels"].dtype == np.uint8
        assert file["pixels"].chunks == (3, 8, 8, 1)
    assert again.pixels.tobytes() == first.pixels.tobytes()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int32])
def test_a_folder_is_looked_through_once(write_tiff, noise, folder, readings, monkeypatch, dtype):
    monkeypatch.setattr("bandbridge.engine.imagery.sensors.band_statistics.SAMPLE_SIZE", 300)
    for index in range(6):
        write_tiff(f"images/{index}.tif", noise((1, 12, 10), dtype, 9000, index) + 1)
    monkeypatch.setenv(cache_folder.LIMIT_VARIABLE, "0")
    anew = scan(folder)
    assert entries() == []
    monkeypatch.delenv(cache_folder.LIMIT_VARIABLE)
    first = scan(folder)
    readings.clear()
    again = scan(folder)
    assert readings == ["cut.tif"]
    assert facts(again) == facts(first) == facts(anew)
    readings.clear()
    assert scan(folder, rule=StretchRule(low_percent=10, high_percent=90)).stretch != first.stretch
    assert readings == ["cut.tif"]
    seen = []
    scan(folder, see=lambda name, image: seen.append(name))
    assert len(seen) == 8


def test_what_changed_is_read_anew(folder, write_tiff, readings):
    before, _ = decode(folder)
    file = folder / "3.tif"
    facts_before = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 0x10
    file.write_bytes(content)
    os.utime(file, ns=(facts_before.st_atime_ns, facts_before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (facts_before.st_size, facts_before.st_mtime_ns)
    after, _ = decode(folder)
    assert (after.pixels != before.pixels).any()
    (folder / "5.tif").rename(folder / "6.tif")
    renamed, _ = decode(folder)
    assert "6.tif" in renamed.names
    (folder / "0.tif").unlink()
    assert len(decode(folder)[0]) == 6


def test_both_files_of_an_image_count(tmp_path, readings):
    (tmp_path / "x.hdr").write_text(
        "ENVI\nsamples = 8\nlines = 8\nbands = 1\ndata type = 12\ninterleave = bsq\nbyte order = 0\n"
    )
    (tmp_path / "x.dat").write_bytes(np.arange(64, dtype=np.uint16).tobytes())
    first, _ = decode(tmp_path)
    (tmp_path / "x.dat").write_bytes(np.arange(64, dtype=np.uint16)[::-1].tobytes())
    assert (decode(tmp_path)[0].pixels == first.pixels[..., ::-1, ::-1]).all()


def test_a_file_changed_just_now_is_not_trusted(folder, monkeypatch):
    monkeypatch.setattr(identity, "SETTLED_S", 60.0)
    decode(folder)
    scan(folder)
    assert entries() == []


def test_a_file_changed_while_it_was_read_is_not_kept(folder, monkeypatch):
    original = decoded.read_image

    def overtaken(path, **settings):
        values = original(path, **settings)
        if path.name == "2.tif":
            os.utime(path)
        return values

    monkeypatch.setattr(decoded, "read_image", overtaken)
    decode(folder)
    assert entries() == []


def test_what_could_not_be_read_for_a_moment_is_not_left_out_for_good(folder, monkeypatch):
    original = decoded.read_image

    def failing(path, **settings):
        if path.name == "2.tif":
            raise ImageError("The network is gone.")
        return original(path, **settings)

    monkeypatch.setattr(decoded, "read_image", failing)
    assert "2.tif" not in decode(folder)[0].names
    assert len(entries()) == 1
    assert "2.tif" not in decode(folder)[0].names
    monkeypatch.setattr(decoded, "read_image", original)
    assert "2.tif" in decode(folder)[0].names


@pytest.mark.parametrize("damage", ["cut", "bytes", "empty", "other"])
def test_a_damaged_entry_costs_time_only(folder, damage):
    first, _ = decode(folder)
    [entry] = entries()
    content = bytearray(entry.read_bytes())
    if damage == "cut":
        entry.write_bytes(content[: len(content) // 2])
    elif damage == "bytes":
        at = content.index(first.pixels[3].transpose(1, 2, 0).tobytes())
        content[at + 5] ^= 0xFF
        entry.write_bytes(content)
    else:
        entry.write_bytes(b"" if damage == "empty" else b"something else")
    spoilt = entry.read_bytes()
    again, _ = decode(folder)
    assert again.pixels.tobytes() == first.pixels.tobytes()
    assert entries()[0].read_bytes() != spoilt


def test_nothing_is_kept_of_what_was_stopped_or_found_no_room(folder, monkeypatch):
    stopping = Control(lambda: "stop")
    with pytest.raises(Stopped):
        decode(folder, control=stopping)
    original = decoded._put
    monkeypatch.setattr(decoded, "_put", lambda read, control, file: original(read, stopping, file))
    with pytest.raises(Stopped):
        decode(folder)
    for error in (OSError(28, "No space left on device"), RuntimeError("unable to flush")):

        def full(read, control, file, error=error):
            original(read, control, file)
            raise error

        monkeypatch.setattr(decoded, "_put", full)
        assert len(decode(folder)[0]) == 7
    monkeypatch.setattr(decoded, "_put", original)
    monkeypatch.setenv(cache_folder.LIMIT_VARIABLE, "0.0000001")
    assert len(decode(folder)[0]) == 7
    assert [*ImageCache.of_user().folder.path.iterdir()] == []


def test_the_least_recently_used_goes_first(tmp_path):
    folder = CacheFolder(tmp_path, 1000)
    for age, name in enumerate("abcd"):
        folder.file(name).write_bytes(bytes(300))
        os.utime(folder.file(name), (2000 - age, 2000 - age))
    (tmp_path / ".x.h5.1.part").write_bytes(b"left by a process that was killed")
    os.utime(tmp_path / ".x.h5.1.part", (0, 0))
    folder.note_use(folder.file("d"))
    assert folder.make_room(400)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "d.h5"]
    assert not folder.make_room(1001)
    assert folder.size_bytes() == 600
    assert folder.clear() == 600
    assert [*tmp_path.iterdir()] == []


def test_a_disk_nearly_full_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(CacheFolder, "_free_bytes", lambda self: 1000)
    folder = CacheFolder(tmp_path, 10**9)
    assert folder.make_room(250)
    assert not folder.make_room(251)


def test_the_environment_sets_the_limit_and_the_place(tmp_path, monkeypatch):
    assert ImageCache.of_user().folder.limit_bytes == 10_000_000_000
    monkeypatch.setenv(cache_folder.FOLDER_VARIABLE, str(tmp_path / "elsewhere"))
    monkeypatch.setenv(cache_folder.LIMIT_VARIABLE, "2.5")
    assert ImageCache.of_user().folder == CacheFolder(tmp_path / "elsewhere", 2_500_000_000)
    monkeypatch.setenv(cache_folder.LIMIT_VARIABLE, "much")
    with pytest.raises(UsageError, match="much"):
        ImageCache.of_user()


def test_several_at_once_read_and_write_the_same_entry(tmp_path):
    cache = ImageCache(CacheFolder(tmp_path, 10**9))
    values = np.arange(10_000)
    wrong = []

    def use():
        for _ in range(10):
            cache.keep("key", values.nbytes, lambda file: image_cache.put_array(file, "values", values))
            found = cache.read("key", lambda file: file["values"][()])
            if found is not None and not np.array_equal(found, values):
                wrong.append(found)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert np.array_equal(cache.read("key", lambda file: file["values"][()]), values)


def test_a_half_written_entry_has_another_name(tmp_path):
    cache = ImageCache(CacheFolder(tmp_path, 10**9))
    with replacing(cache.folder.file("key")) as temporary:
        temporary.write_bytes(b"half")
        assert cache.read("key", lambda file: file) is None
        assert cache.folder.size_bytes() == 0


def test_a_disk_that_fills_up_while_an_entry_is_written_ends_nothing(tmp_path):
    resource = pytest.importorskip("resource")
    cache = ImageCache(CacheFolder(tmp_path, 10**9))
    values = np.random.default_rng(0).integers(0, 65536, 1 << 21, dtype=np.uint16)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, usual[1]))
    try:
        assert not cache.keep("large", values.nbytes, lambda file: image_cache.put_array(file, "values", values))
        assert cache.keep("small", 80, lambda file: image_cache.put_array(file, "values", values[:10]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert [file.name for file in tmp_path.iterdir()] == ["small.h5"]
