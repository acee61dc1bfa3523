import numpy as np
import pytest
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.folder import list_images
from bandbridge.engine.imagery.reader import read_header, read_image

h5py = pytest.importorskip("h5py", reason="installed before HDF5 files were read; run installer/start.py again")

CUBE = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9) * 50


@pytest.fixture
def write_hdf5(tmp_path):
    def write(name="x.h5", **arrays):
        with h5py.File(tmp_path / name, "w") as file:
            for key, values in arrays.items():
                file.create_dataset(
                    key.replace("__", "/"), data=values, compression="gzip" if np.ndim(values) else None
                )
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (CUBE, CUBE),
        (CUBE.transpose(1, 2, 0), CUBE),
        (CUBE[None], CUBE),
        (CUBE[0], CUBE[:1]),
        (CUBE[:1], CUBE[:1]),
        (CUBE[0][:, :, None], CUBE[:1]),
    ],
    ids=["bands first", "bands last", "one time", "plane", "one band first", "one band last"],
)
def test_the_one_image_is_found_in_every_layout(stored, expected, write_hdf5, tmp_path):
    path = write_hdf5("x.nc", group__image=stored, lat=np.ones((8, 9)), time=np.arange(8), title=np.bytes_("no image"))
    assert list_images(tmp_path) == ("x.nc",)
    header = read_header(path)
    assert (header.width, header.height, header.bands, header.dtype) == (9, 8, len(expected), "uint16")
    np.testing.assert_array_equal(read_image(path), expected)
    if len(expected) == 3:
        np.testing.assert_array_equal(read_image(path, bands=(3, 1)), expected[[2, 0]])


def test_missing_values_are_those_the_file_names(write_hdf5):
    path = write_hdf5(image=CUBE)
    with h5py.File(path, "a") as file:
        file["image"].attrs["_FillValue"] = np.array([50], np.uint16)
    assert np.isnan(read_image(path)[0, 0, 1])


def test_several_images_are_named_not_chosen_from(write_hdf5):
    with pytest.raises(ImageError, match="2 arrays") as caught:
        read_image(write_hdf5(radiance=CUBE, mask=CUBE[0]))
    assert "'radiance' (3 x 8 x 9)" in caught.value.why


def test_what_is_no_image_damaged_or_huge_is_refused_in_words(write_hdf5, tmp_path):
    with pytest.raises(ImageError, match="holds no image"):
        read_image(write_hdf5(time=np.arange(8), lat=np.ones((3, 3))))
    path = write_hdf5(image=np.random.default_rng(0).random((64, 64)))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ImageError, match="damaged"):
        read_image(path)
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("image", shape=(100_000, 100_000), dtype="u1", chunks=(1000, 1000))
    with pytest.raises(ImageError, match="too large"):
        read_image(tmp_path / "bomb.h5")
    with h5py.File(tmp_path / "block.h5", "w") as file:
        file.create_dataset("image", (8, 8), "f8", chunks=(20_000, 20_000), maxshape=(None, None))
    with pytest.raises(ImageError, match="damaged"):
        read_image(tmp_path / "block.h5")


def test_nothing_outside_the_file_is_read(write_hdf5, tmp_path):
    secret = write_hdf5("secret.h5", image=CUBE)
    (tmp_path / "secret.raw").write_bytes(bytes(64))
    virtual = h5py.VirtualLayout((8, 9), "u2")
    virtual[:] = h5py.VirtualSource(str(secret), "image", (3, 8, 9))[0]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["link"] = h5py.ExternalLink(str(secret), "image")
        file.create_dataset("elsewhere", (8, 8), "u1", external=[(str(tmp_path / "secret.raw"), 0, 64)])
        file.create_virtual_dataset("virtual", virtual)
    with pytest.raises(ImageError, match="holds no image"):
        read_image(tmp_path / "x.h5")
