"""Damaged files of every kind: the readers end in an image or in words, and never crash or hang."""

import os
import time

import fuzz_readers
import numpy as np
import pytest
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.reader import load_image, read_header
from fuzz_readers import fuzz
from mutants import mutant
from specimens import specimens

# The long round of 5000 and more: BANDBRIDGE_FUZZ_CASES=5000 pytest -k damaged_files
CASES = int(os.environ.get("BANDBRIDGE_FUZZ_CASES", "400"))


@pytest.mark.timeout(60 + CASES)
def test_damaged_files_end_in_an_image_or_in_words(tmp_path, project):
    real = project.parent / "shared" / "data"
    outcome = fuzz(CASES, 0, tmp_path, real if real.exists() else None)
    assert outcome.faults == [], outcome
    assert outcome.counts.total() == CASES
    assert outcome.counts["image"] > CASES / 20, "nearly all damage is fatal: it does not reach the decoders"
    assert outcome.slowest_s < fuzz_readers.PATIENCE_S


@pytest.mark.parametrize(
    ("does", "told"), [("os.abort()", "crash"), ("time.sleep(60)", "hang"), ("print('image', flush=True)", "image")]
)
def test_a_fault_of_a_reader_would_be_found(does, told, tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    child.write_text(f"import os, sys, time\nprint('ready', flush=True)\nfor line in sys.stdin:\n    {does}")
    monkeypatch.setattr(fuzz_readers, "__file__", str(child))
    monkeypatch.setattr(fuzz_readers, "PATIENCE_S", 1.0)
    reader = fuzz_readers.Reader()
    try:
        assert reader.read(tmp_path / "x.png").startswith(told)
    finally:
        reader.close()


def test_whole_files_of_every_kind_are_read(tmp_path):
    (tmp_path / "made").mkdir()
    refused = set()
    for kind, files in specimens(tmp_path / "made").items():
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        try:
            image = load_image(tmp_path / next(iter(files)))
        except ImageError:
            refused.add(kind)
        else:
            assert np.isfinite(image.values).any(), kind
    no_numbers = {"NPY, structured", "NPY, objects", "NPY, text", "NPY, dates", "NPY, complex", "TIFF, complex"}
    assert refused == no_numbers | {"NPY, empty", "NPY, scalar", "NPY, five dimensions"}


def test_the_same_seed_does_the_same_damage():
    data = bytes(range(256)) * 8
    one, same, other = (mutant(data, [data], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


# ---- faults that were found so --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [b"{'descr': '<u2', ", b"{'descr': '<u2', 'fortran_order': False, 'shape': (4,", b"(" * 300, b"{'a': \xff\0}", b""],
)
def test_an_array_file_whose_header_is_no_python_is_refused_in_words(header, tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(64))
    for read in (read_header, load_image):
        with pytest.raises(ImageError, match=r"x\.npy"):
            read(path)


def test_a_file_that_claims_as_many_bands_as_can_be_written_is_refused_at_once(write_tiff):
    """Reading 32,000 bands of 40 x 40 pixels took GDAL 26 s: for every band it looks at all of them."""
    path = write_tiff("x.tif", np.zeros((1, 40, 40), np.uint8), compress="ccittfax4", nbits=1)
    entry = (277).to_bytes(2, "little") + b"\3\0\1\0\0\0"  # samples per pixel
    data = path.read_bytes()
    at = data.index(entry) + len(entry)
    path.write_bytes(data[:at] + b"\xff\xff" + data[at + 2 :])
    started = time.monotonic()
    for read in (read_header, load_image):
        with pytest.raises(ImageError, match="more bands than any sensor"):
            read(path)
    assert time.monotonic() - started < 5
