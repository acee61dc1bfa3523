import numpy as np
import pytest
import rasterio
from affine import Affine
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.folder import list_images
from bandbridge.engine.imagery.formats.image_file import LARGEST_IMAGE
from bandbridge.engine.imagery.reader import likely_bytes, read_header, read_image
from bandbridge.engine.imagery.scenes.scene import open_scene

CUBE = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7) * 100
PLACE = Affine(10, 0, 500_000, 0, -10, 5_000_000)


@pytest.fixture
def write_envi(tmp_path):
    def write(name, values=CUBE, **profile):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = values.shape
        with rasterio.open(
            path,
            "w",
            driver="ENVI",
            width=width,
            height=height,
            count=count,
            dtype=values.dtype,
            crs="EPSG:32633",
            transform=PLACE,
            **profile,
        ) as dataset:
            dataset.write(values)
        return path.with_suffix(".hdr")

    return write


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("name", ["cube", "cube.dat", "cube.img"])
def test_every_layout_is_read_with_its_place(interleave, name, write_envi, tmp_path):
    path = write_envi(name, interleave=interleave, nodata=300)
    assert list_images(tmp_path) == ("cube.hdr",)
    header = read_header(path)
    assert (header.width, header.height, header.bands, header.dtype) == (7, 6, 5, "uint16")
    assert header.georeferenced
    assert header.path == path
    values = read_image(path, bands=(5, 1))
    np.testing.assert_array_equal(values[0], CUBE[4])
    assert np.isnan(values[1, 0, 3])
    assert likely_bytes(path) > 0
    with open_scene(path, bands=(2,)) as scene:
        np.testing.assert_array_equal(scene.read((1, 3), (2, 5)), CUBE[1:2, 1:3, 2:5])
        assert scene.place.transform == PLACE


def test_data_that_are_missing_cut_short_or_too_large_are_refused_in_words(write_envi, tmp_path):
    path = write_envi("cube.dat")
    data = (tmp_path / "cube.dat").read_bytes()
    (tmp_path / "cube.dat").write_bytes(data[:-2])
    with pytest.raises(ImageError, match="cut short"):
        read_image(path)
    (tmp_path / "cube.dat").unlink()
    with pytest.raises(ImageError, match="missing"):
        read_image(path)
    assert likely_bytes(path) == 0
    path = write_envi("bomb.dat")
    path.write_text(path.read_text().replace("samples = 7", "samples = 30000").replace("lines   = 6", "lines = 30000"))
    with open(tmp_path / "bomb.dat", "r+b") as file:
        file.truncate(30_000 * 30_000 * 10)  # holes: it takes no space
    assert LARGEST_IMAGE < 30_000**2
    with pytest.raises(ImageError, match="too large"):
        read_image(path, bands=(1,))


def test_other_files_with_the_ending_of_a_header_are_no_images(tmp_path):
    (tmp_path / "light.hdr").write_bytes(b"#?RADIANCE\n")
    (tmp_path / "dem.hdr").write_bytes(b"BYTEORDER I\nNROWS 4\n")
    assert list_images(tmp_path) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"<VRTDataset rasterXSize='4' rasterYSize='4'><VRTRasterBand dataType='Byte' band='1'/></VRTDataset>",
        b"/vsicurl/http://127.0.0.1:9/x.tif",
        b"RIFF\x04\0\0\0WEBP",
        b"\0\0\0\x18ftypheic",
    ],
    ids=["VRT", "network", "WebP", "HEIC"],
)
@pytest.mark.parametrize("name", ["x.tif", "x.hdr", "x.png"])
def test_no_other_format_is_opened_whatever_the_name(content, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match="no image this program reads"):
        read_image(tmp_path / name)
