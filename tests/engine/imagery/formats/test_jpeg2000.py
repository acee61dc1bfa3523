import warnings

import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.engine.imagery.folder import list_images, rgb_bands, scan_folder
from bandbridge.engine.imagery.formats import image_file
from bandbridge.engine.imagery.formats.band_files import files_of
from bandbridge.engine.imagery.reader import load_image, read_header, read_image
from bandbridge.engine.imagery.scenes.scene import open_scene
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

TILE = "T33UUP_20200101T101031"
SIDES = {10: 192, 20: 96, 60: 32}
BANDS = {10: ("B02", "B03", "B04", "B08"), 20: ("B05", "B06", "B07", "B8A", "B11", "B12"), 60: ("B01", "B09")}
ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


def place(metres):
    return {"crs": "EPSG:32633", "transform": Affine(metres, 0, 300_000, 0, -metres, 5_900_040)}


@pytest.fixture
def write_jp2(tmp_path):
    def write(name, values, **profile):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = values.shape
        lossless = {"REVERSIBLE": "YES", "QUALITY": "100"}
        with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED=False):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            shape = {"width": width, "height": height, "count": count, "dtype": values.dtype}
            with rasterio.open(path, "w", driver="JP2OpenJPEG", **shape, **{**lossless, **profile}) as dataset:
                dataset.write(values)
        return path

    return write


@pytest.fixture
def write_safe(write_jp2, tmp_path):
    """A product as it is delivered, with all that lies beside the bands."""

    def write(name, seed=0, granule=f"L2A_{TILE[:6]}_A023000_20200101T101031", tile=TILE):
        random = np.random.default_rng(seed)
        bands = f"{name}/GRANULE/{granule}/IMG_DATA"
        written = {}
        for metres, side in SIDES.items():
            values = random.integers(1, 9000, (1, side, side)).astype(np.uint16)
            values[:, : side // 16, : side // 8] = 0  # outside the swath
            for number, band in enumerate(BANDS[metres]):
                # Band by band values that tell them apart; coarser copies of finer bands, as level 2A has them.
                for coarse in (metres, *(other for other in SIDES if other > metres)):
                    step = coarse // metres
                    part = (values + 10 * number * (values > 0))[:, ::step, ::step].astype(np.uint16)
                    path = write_jp2(f"{bands}/R{coarse}m/{tile}_{band}_{coarse}m.jp2", part, **place(coarse))
                    written.setdefault(band, path)
            for other in ("AOT", "WVP", "SCL"):
                write_jp2(f"{bands}/R{metres}m/{tile}_{other}_{metres}m.jp2", values)
            write_jp2(
                f"{bands}/R{metres}m/{tile}_TCI_{metres}m.jp2", np.repeat(values // 40, 3, axis=0).astype(np.uint8)
            )
        write_jp2(f"{name}/GRANULE/{granule}/QI_DATA/MSK_CLDPRB_20m.jp2", values)
        write_jp2(f"{name}/GRANULE/{granule}/QI_DATA/{tile}_PVI.jp2", values)
        (tmp_path / name / "HTML").mkdir(exist_ok=True)
        (tmp_path / name / "HTML" / "star_bg.jpg").write_bytes(b"\xff\xd8\xff")
        (tmp_path / name / "S2A-ql.jpg").write_bytes(b"\xff\xd8\xff")
        (tmp_path / name / "MTD_MSIL2A.xml").write_text("<xml/>")
        return written

    return write


@pytest.mark.parametrize("profile", [{}, {"blockxsize": 64, "blockysize": 64}, {"CODEC": "J2K"}], ids=str)
def test_values_are_read_as_stored_whole_and_in_parts(profile, write_jp2, noise):
    values = noise((2, 130, 150), np.uint16, 20_000)
    path = write_jp2("x.j2k" if "CODEC" in profile else "x.jp2", values, **profile)
    header = read_header(path)
    assert (header.width, header.height, header.bands, header.dtype) == (150, 130, 2, "uint16")
    assert header.no_data is None
    np.testing.assert_array_equal(read_image(path), values)
    with open_scene(path, bands=(2, 1)) as scene:
        np.testing.assert_array_equal(scene.read((60, 130), (149, 150)), values[:, 60:130, 149:150])


def test_only_the_image_itself_is_in_memory_when_a_part_is_read(write_jp2, noise, monkeypatch):
    path = write_jp2("x.jp2", noise((1, 256, 256), np.uint16, 9000), blockxsize=64, blockysize=64, **place(10))
    monkeypatch.setattr(image_file, "LARGEST_IMAGE", 10_000)
    with pytest.raises(ImageError, match="too large"):
        read_image(path)
    with open_scene(path) as scene:
        assert scene.read((0, 64), (0, 64)).shape == (1, 64, 64)
        assert scene.place.transform == place(10)["transform"]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("profile", [{}, {"blockxsize": 64, "blockysize": 64}, {"CODEC": "J2K"}], ids=str)
def test_a_file_cut_short_is_refused_and_named(share, profile, write_jp2, noise):
    """OpenJPEG returned whatever was in memory for tiles that were not there."""
    path = write_jp2(
        "cut.jp2" if "CODEC" not in profile else "cut.j2k", noise((1, 200, 200), np.uint16, 9000), **profile
    )
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for read in (read_header, read_image):
        with pytest.raises(ImageError, match=r"cut\.j2|cut\.jp2"):
            read(path)


def test_a_missing_tile_in_the_middle_is_noticed(write_jp2, noise):
    path = write_jp2("x.jp2", noise((1, 200, 200), np.uint16, 9000), blockxsize=64, blockysize=64)
    data = path.read_bytes()
    start = data.index(b"\xff\x90\x00\x0a\x00\x05")
    length = int.from_bytes(data[start + 6 : start + 10], "big")
    at = data.index(b"jp2c") - 4
    box = int.from_bytes(data[at : at + 4], "big")
    shorter = (
        data[:at] + (box - length if box else 0).to_bytes(4, "big") + data[at + 4 : start] + data[start + length :]
    )
    path.write_bytes(shorter)
    with pytest.raises(ImageError, match="cut short"):
        read_image(path)


def test_a_product_is_one_image_of_its_bands_in_their_finest_resolution(write_safe, tmp_path):
    name = "S2A_MSIL2A_20200101T101031_N0213_R022_T33UUP_20200101T120000.SAFE"
    files = write_safe(name)
    assert list_images(tmp_path) == (name,)
    header = read_header(tmp_path / name)
    assert header.band_names == ORDER
    assert (header.width, header.height, header.dtype, header.no_data) == (192, 192, "uint16", 0)
    assert set(files_of(tmp_path / name)) == set(files.values())
    image = load_image(tmp_path / name, bands=rgb_bands(None, tmp_path, [name]))
    for band, values in zip(("B04", "B03", "B02"), image.values, strict=True):
        np.testing.assert_array_equal(values, read_image(files[band])[0])
    assert np.isnan(image.values[:, :12, :24]).all(), "0 is where the satellite saw nothing"
    report = scan_folder(ScanFolder(folder=str(tmp_path)), Control(), lambda event: None)
    assert (report.files, report.band_names) == ((name,), ORDER)
    assert report.no_data_share > 0
    # The folders inside, should they be chosen, hold the same image and no mask or preview.
    granule = "GRANULE/L2A_T33UUP_A023000_20200101T101031"
    assert list_images(tmp_path / name) == (granule,)
    np.testing.assert_array_equal(read_image(tmp_path / name / granule), read_image(tmp_path / name))
    assert list_images(tmp_path / name / granule / "IMG_DATA" / "R20m") == (TILE,)


@pytest.mark.parametrize("bands", [None, (12, 1, 3), (1,)])
def test_parts_of_a_product_are_what_the_whole_is_there(bands, write_safe, tmp_path):
    write_safe("x.SAFE")
    whole = load_image(tmp_path / "x.SAFE", bands=bands)
    with open_scene(tmp_path / "x.SAFE", bands=bands) as scene:
        assert scene.header == whole.header
        assert scene.bands == whole.bands
        assert scene.place.transform == place(10)["transform"]
        for rows, columns in (((0, 192), (0, 192)), ((5, 77), (3, 190)), ((191, 192), (0, 192)), ((7, 8), (13, 14))):
            np.testing.assert_array_equal(
                scene.read(rows, columns), whole.values[:, slice(*rows), slice(*columns)], strict=True
            )


def test_products_of_several_granules_and_of_older_names_are_images_too(write_safe, write_jp2, tmp_path):
    for tile in ("T32UQD", "T33UUP"):
        write_safe("old.SAFE", granule=f"S2A_OPER_MSI_L1C_TL_EPA__20160101T101031_A000001_{tile}_N02.01")
    for band in ("B02", "B03", "B04", "B8A", "TCI"):
        values = np.ones((1, 16, 16), np.uint16)
        write_jp2(f"L1C.SAFE/GRANULE/L1C_T33UUP_A1_20200101T101031/IMG_DATA/{TILE}_{band}.jp2", values)
    (tmp_path / "empty.SAFE" / "measurement").mkdir(parents=True)
    write_jp2("empty.SAFE/measurement/lone.jp2", values)
    assert list_images(tmp_path) == (
        "empty.SAFE/measurement/lone.jp2",
        "L1C.SAFE",
        "old.SAFE/GRANULE/S2A_OPER_MSI_L1C_TL_EPA__20160101T101031_A000001_T32UQD_N02.01",
        "old.SAFE/GRANULE/S2A_OPER_MSI_L1C_TL_EPA__20160101T101031_A000001_T33UUP_N02.01",
    )
    assert read_header(tmp_path / "L1C.SAFE").band_names == ("B02", "B03", "B04", "B8A")


def test_true_colour_pictures_alone_are_images(write_jp2, tmp_path):
    for day in ("20200101", "20200111"):
        write_jp2(f"rgb/T33UUP_{day}T101031_TCI_10m.jp2", np.ones((3, 16, 16), np.uint8))
        for band in ("B08", "B11"):
            write_jp2(f"nir/T33UUP_{day}T101031_{band}_10m.jp2", np.ones((1, 16, 16), np.uint16))
    assert len(list_images(tmp_path / "rgb")) == 2
    assert len(list_images(tmp_path / "nir")) == 2


def test_landsat_collection_2_as_delivered(write_tiff, tmp_path):
    scene = "LC08_L2SP_193024_20200101_20200823_02_T1"
    for band in ("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "ST_B10"):
        write_tiff(f"{scene}/{scene}_{band}.TIF", np.full((8, 8), int(band.rpartition("B")[2]), np.uint16))
    for beside in ("QA_PIXEL", "QA_RADSAT", "SR_QA_AEROSOL", "ST_ATRAN", "ST_QA", "ST_EMIS"):
        write_tiff(f"{scene}/{scene}_{beside}.TIF", np.ones((8, 8), np.uint16))
    (tmp_path / scene / f"{scene}_MTL.txt").write_text("")
    raw = "LE07_L1TP_193024_20200101_20200823_02_T1"
    for band in ("B1", "B2", "B3", "B6_VCID_1", "B8", "SAA", "SZA", "VAA", "VZA", "QA_PIXEL"):
        side = 15 if band == "B8" else 8
        write_tiff(f"raw/{raw}_{band}.TIF", np.ones((side, side), np.uint8))
    assert list_images(tmp_path) == (scene, f"raw/{raw}", f"raw/{raw}_B6_VCID_1.TIF")
    header = read_header(tmp_path / scene)
    assert header.band_names == ("B1", "B2", "B3", "B4", "B5", "B10")
    assert rgb_bands(None, tmp_path, [scene]) == (4, 3, 2)
    assert [int(band.flat[0]) for band in read_image(tmp_path / scene)] == [1, 2, 3, 4, 5, 10]
    assert read_header(tmp_path / "raw" / raw).width == 15
