from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.imagery import decoded
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.sensors.stretch import Stretch

FULL = Stretch((0.0,), (65535.0,), (0.5,), (0.2,))


def decode(folder, names, *, stretch=FULL, size_px=8, bands=None, no_data=None):
    return decode_images(
        folder,
        names,
        bands=bands,
        stretch=stretch,
        size_px=size_px,
        no_data=no_data,
        control=Control(),
        emit=lambda event: None,
    )


def test_a_ramp_survives_decoding_level_by_level(write_tiff, tmp_path):
    ramp = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256)
    write_tiff("ramp.tif", ramp)
    images, findings = decode(tmp_path, ["ramp.tif"], size_px=256)
    assert findings == ()
    assert (np.diff(images.pixels.astype(np.int64).ravel()) >= 0).all()
    assert np.unique(images.pixels).size >= 4000
    np.testing.assert_allclose(images.batch([0])[0], ramp / 65535, atol=1e-5)


def test_resizing_is_antialiased_bilinear(write_tiff, tmp_path, noise):
    values = noise((1, 40, 24), np.uint16, 65535)
    write_tiff("x.tif", values)
    images, _ = decode(tmp_path, ["x.tif"], size_px=10)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values.astype(np.float32) / 65535)[None],
        size=(10, 10),
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )[0].numpy()
    np.testing.assert_allclose(images.batch([0])[0], expected, atol=1e-5)


def test_images_that_cannot_be_used_are_named_and_the_rest_goes_on(write_tiff, tmp_path):
    for index in range(3):
        write_tiff(f"{index}.tif", np.full((1, 8, 8), 1000 * index + 1, np.uint16))
    write_tiff("two.tif", np.ones((2, 8, 8), np.uint16))
    write_tiff("void.tif", np.zeros((1, 8, 8), np.uint16))
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    names = ["2.tif", "broken.tif", "0.tif", "two.tif", "void.tif", "1.tif"]
    images, findings = decode(tmp_path, names, no_data=0)
    assert images.names == ("2.tif", "0.tif", "1.tif")
    assert len(images) == len(images.pixels) == 3
    assert images.pixels[:, 0, 0, 0].tolist() == [2001, 1, 1001]
    assert [finding.file for finding in findings] == ["broken.tif", "two.tif", "void.tif"]
    assert all(finding.what and finding.do and str(tmp_path) not in finding.what for finding in findings)


def test_a_batch_is_in_the_order_asked_for(write_tiff, tmp_path):
    for index in range(4):
        write_tiff(f"{index}.tif", np.full((1, 4, 4), 10000 * index, np.uint16))
    images, _ = decode(tmp_path, [f"{index}.tif" for index in range(4)], size_px=4)
    batch = images.batch(np.array([3, 1, 1]))
    assert batch.shape == (3, 1, 4, 4)
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch[:, 0, 0, 0] * 65535, [30000, 10000, 10000], rtol=1e-5)


def test_a_set_too_large_for_memory_lies_in_a_file_and_is_the_same(write_tiff, tmp_path, monkeypatch):
    for index in range(3):
        write_tiff(f"{index}.tif", np.full((1, 8, 8), 1000 * index, np.uint16))
    names = [f"{index}.tif" for index in range(3)]
    in_memory, _ = decode(tmp_path, names)
    monkeypatch.setattr(decoded.psutil, "virtual_memory", lambda: SimpleNamespace(available=100))
    in_file, _ = decode(tmp_path, names)
    np.testing.assert_array_equal(in_file.pixels, in_memory.pixels)
    np.testing.assert_array_equal(in_file.batch([2, 0]), in_memory.batch([2, 0]))


def test_a_full_disk_is_told_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(decoded.psutil, "virtual_memory", lambda: SimpleNamespace(available=100))
    with pytest.raises(StorageError, match="could not be written"):
        decode_images(
            tmp_path,
            ["x.tif"] * 1000,
            bands=None,
            stretch=FULL,
            size_px=8,
            no_data=None,
            control=Control(),
            emit=lambda event: None,
            scratch=tmp_path / "missing",
        )


def test_no_images_make_an_empty_set(tmp_path):
    images, findings = decode(tmp_path, [])
    assert images.pixels.shape == (0, 1, 8, 8)
    assert findings == ()
