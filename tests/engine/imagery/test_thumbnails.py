import numpy as np
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import InPlace, Thumbnails
from bandbridge.engine.imagery.thumbnails import thumbnails


def test_thumbnails_keep_order_and_leave_gaps(write_picture, write_tiff, tmp_path):
    rgb = np.zeros((30, 60, 3), np.uint8)
    rgb[...] = (200, 100, 50)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    paths = [
        write_picture("a.png", rgb),
        broken,
        write_tiff("c.tif", np.arange(4096, dtype=np.uint16).reshape(1, 64, 64)),
    ]
    report = thumbnails(Thumbnails(paths=tuple(map(str, paths)), size_px=32), Control())
    photo, gap, grey = report.pictures
    assert photo.shape == (16, 32, 3)
    assert photo[0, 0].tolist() == [200, 100, 50]
    assert gap is None
    assert grey.shape == (32, 32, 3)
    assert grey.min() == 0
    assert grey.max() == 255


def test_small_pictures_of_a_moved_pair_show_the_common_ground(write_picture):
    ground = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)
    rgb = str(write_picture("rgb.png", np.dstack([ground[10:50, 10:50]] * 3)))
    nir = str(write_picture("nir.png", ground[6:46, 13:53]))
    places = (
        InPlace(partner=nir, side="rgb", right_px=-3, down_px=4),
        InPlace(partner=rgb, side="sensor", right_px=-3, down_px=4),
    )
    job = Thumbnails(paths=(rgb, nir), in_place=places, low=(0.0,), high=(255.0,))
    first, second = thumbnails(job, Control()).pictures
    assert first.shape == (36, 37, 3)
    np.testing.assert_array_equal(first, second)
