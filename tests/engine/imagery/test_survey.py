import numpy as np
import pytest
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, Stopped, UsageError
from bandbridge.engine.imagery.reader import read_image
from bandbridge.engine.imagery.survey import measure_stretch

RULE = StretchRule()


def measure(paths, *, bands=None, rule=RULE, no_data=None, emit=lambda event: None, control=None):
    return measure_stretch(paths, bands=bands, rule=rule, no_data=no_data, control=control or Control(), emit=emit)


def test_the_stretch_of_a_data_set(write_tiff, noise):
    images = [noise((2, 8, 8), np.uint16, 60000, seed) for seed in range(4)]
    images[0][0, 0, :4] = 0
    paths = [write_tiff(f"{index}.tif", image) for index, image in enumerate(images)]
    stretch, histograms = measure(paths, no_data=0)
    for band in range(2):
        values = np.concatenate([image[band].ravel() for image in images]).astype(float)
        values = values[values > 0]
        low, high = np.percentile(values, (2, 98))
        stretched = np.clip((values - low) / (high - low), 0, 1)
        assert (stretch.low[band], stretch.high[band]) == pytest.approx((low, high))
        assert stretch.mean[band] == pytest.approx(stretched.mean())
        assert stretch.std[band] == pytest.approx(stretched.std())
        assert histograms[band].counts.sum() == values.size
        assert (histograms[band].low, histograms[band].high) == (stretch.low[band], stretch.high[band])
        assert histograms[band].band == band + 1


def test_a_ramp_keeps_its_order_and_levels_through_the_stretch(write_tiff):
    path = write_tiff("ramp.tif", np.arange(65536, dtype=np.uint16).reshape(1, 256, 256))
    stretch, _ = measure([path])
    stretched = stretch.apply(np.arange(65536, dtype=np.float32).reshape(1, 256, 256)).ravel()
    assert (np.diff(stretched) >= 0).all()
    assert np.unique(stretched).size >= 4000
    assert stretched[0] == 0
    assert stretched[-1] == 1


@pytest.mark.parametrize("low_high", [(98.0, 2.0), (50.0, 50.0), (-1.0, 98.0), (2.0, 101.0)])
def test_a_rule_that_is_none_is_refused(low_high, write_tiff):
    path = write_tiff("x.tif", np.ones((1, 4, 4), np.uint8))
    with pytest.raises(UsageError, match="stretch"):
        measure([path], rule=StretchRule(low_percent=low_high[0], high_percent=low_high[1]))


def test_files_that_cannot_be_read_count_for_nothing(write_tiff, tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"")
    good = write_tiff("good.tif", np.arange(100, dtype=np.uint8).reshape(1, 10, 10))
    stretch, _ = measure([tmp_path / "broken.tif", good])
    assert stretch.high[0] > 90
    with pytest.raises(ImageError, match="cannot be measured"):
        measure([tmp_path / "broken.tif"])
    with pytest.raises(ImageError, match="cannot be measured"):
        measure([write_tiff("void.tif", np.zeros((1, 4, 4), np.uint8))], no_data=0)
    half_void = np.stack([np.zeros((4, 4)), np.ones((4, 4))]).astype(np.uint8)
    with pytest.raises(ImageError, match="Band 1 holds no data"):
        measure([write_tiff("half.tif", half_void)], no_data=0)


def test_the_commonest_number_type_decides(write_tiff):
    paths = [write_tiff(f"{index}.tif", np.full((1, 4, 4), 9000 + index, np.uint16)) for index in range(3)]
    odd = write_tiff("odd.tif", np.full((1, 4, 4), 3, np.uint8))
    stretch, _ = measure([odd, *paths])
    assert stretch.low[0] >= 9000


def test_stopping_is_looked_at_for_every_file(write_tiff):
    paths = [write_tiff(f"{index}.tif", np.ones((1, 4, 4), np.uint8)) for index in range(9)]
    polls = iter([None] * 5 + ["stop"])
    with pytest.raises(Stopped):
        measure(paths, control=Control(lambda: next(polls)))


def test_progress_is_told_sparsely_and_to_the_end(write_tiff):
    path = write_tiff("x.tif", np.arange(16, dtype=np.uint8).reshape(1, 4, 4))
    told = []
    measure([path] * 50, emit=told.append)
    assert len(told) < 20
    assert told[-1].fraction == 1
    assert (told[-1].done, told[-1].total, told[-1].unit) == (50, 50, "image")


@pytest.mark.parametrize("rule", [StretchRule(), StretchRule(low_percent=0, high_percent=100)], ids=["usual", "whole"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_a_16_bit_ramp_rises_after_the_stretch_and_keeps_its_levels(suffix, rule, tmp_path, write_picture, write_tiff):
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = tmp_path / f"ramp{suffix}"
    {".png": write_picture, ".tif": write_tiff, ".npy": lambda name, values: np.save(path, values)}[suffix](
        path.name, ramp
    )
    stretch, _ = measure([path], rule=rule)
    stretched = stretch.apply(read_image(path))[0].ravel()
    assert (np.diff(stretched) >= 0).all()
    share = (rule.high_percent - rule.low_percent) / 100
    assert np.unique(stretched).size >= 65_000 * share
    assert stretched.min() == 0
    assert stretched.max() == 1
