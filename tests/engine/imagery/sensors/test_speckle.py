"""The speckle filter: what it evens out, what it keeps, and that it is the same everywhere."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import ScanFolder
from bandbridge.engine.imagery.decoded import decode_images
from bandbridge.engine.imagery.folder import list_images, scan_folder, scan_images
from bandbridge.engine.imagery.sensors.speckle import lee, measured_filter
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.stretch_layer import StretchLayer
from scipy.special import polygamma

LOOKS = 4.0


def radar(seed=0, size=96):
    """(1, S, S) true backscatter of a town beside a field, and the same under speckle of four looks."""
    truth = np.full((1, size, size), 0.02, np.float32)
    truth[:, :, size // 2 :] = 0.3
    speckle = np.random.default_rng(seed).gamma(LOOKS, 1 / LOOKS, truth.shape)
    return truth, (truth * speckle).astype(np.float32)


STRETCH = Stretch((0.001,), (2.0,), (0.5,), (0.2,), "log")


def test_the_noise_that_is_measured_is_that_of_the_speckle():
    _, seen = radar(size=256)
    found = measured_filter(STRETCH, 5, [seen]).noise[0]
    theory = polygamma(1, LOOKS) / np.log(2.0 / 0.001) ** 2  # variance of the logarithm of L looks
    assert found == pytest.approx(theory, rel=0.15)


@pytest.mark.parametrize("size_px", [3, 5, 7])
def test_speckle_is_evened_out_and_edges_stay(size_px):
    truth, seen = radar()
    filtered = measured_filter(STRETCH, size_px, [seen])
    plain, smooth, true = STRETCH.apply(seen)[0], filtered.apply(seen)[0], STRETCH.apply(truth)[0]
    inside = np.s_[10:-10, 5:35]
    assert smooth[inside].std() < 0.55 * plain[inside].std()
    assert smooth[inside].mean() == pytest.approx(plain[inside].mean(), abs=0.01)
    edge = np.s_[:, 46:50]
    step = smooth[:, 48:50].mean() - smooth[:, 46:48].mean()
    assert step > 0.75 * (true[:, 48:50].mean() - true[:, 46:48].mean())
    assert np.abs(smooth[edge] - true[edge]).mean() < np.abs(plain[edge] - true[edge]).mean()


def test_mean_and_spread_are_those_of_filtered_values():
    _, seen = radar()
    filtered = measured_filter(STRETCH, 5, [seen])
    values = filtered.apply(seen)
    assert (filtered.mean[0], filtered.std[0]) == pytest.approx((values.mean(), values.std()), abs=1e-4)
    assert filtered.std[0] < STRETCH.apply(seen).std()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (64, 80)])
def test_gaps_stay_gaps_and_small_images_are_no_fault(shape):
    stretch = replace(STRETCH, despeckle_px=7, noise=(0.01,))
    values = np.random.default_rng(0).uniform(0.001, 2, (1, *shape)).astype(np.float32)
    values[0, 0, 0] = np.nan
    shown = stretch.apply(values)
    assert shown[0, 0, 0] == 0
    assert np.isfinite(shown).all()
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_what_is_constant_stays_as_it_is():
    images = np.full((2, 1, 9, 9), 0.25, np.float32)
    np.testing.assert_allclose(lee(images, 5, (0.01,)), images, atol=1e-6)


@pytest.mark.parametrize("curve", ["linear", "log"])
def test_a_network_filters_as_reading_does(curve):
    bands = 2
    stretch = Stretch(
        (0.001,) * bands, (2.0,) * bands, (0.5,) * bands, (0.2,) * bands, curve, despeckle_px=5, noise=(0.004, 0.02)
    )
    raw = np.concatenate([radar(seed)[1] for seed in range(2)])
    raw[0, 5:9, 5:9] = np.nan
    raw[1, 40:44] = -1.0
    expected = stretch.apply(raw)
    with torch.inference_mode():
        found = StretchLayer(stretch, None)(torch.from_numpy(raw)[None])[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_the_filter_is_frozen_with_the_stretch_and_known_in_json():
    stretch = replace(STRETCH, despeckle_px=5, noise=(0.01,))
    assert Stretch.from_json(json.loads(json.dumps(stretch.to_json()))) == stretch
    for changes in ({"despeckle_px": 4}, {"noise": ()}, {"noise": (0.0,)}, {"despeckle_px": 0}):
        with pytest.raises(ValueError, match="speckle"):
            replace(stretch, **changes)


def test_a_folder_is_read_through_the_filter_when_it_is_asked_for(tmp_path):
    folder = tmp_path / "sar"
    folder.mkdir()
    for seed in range(4):
        np.save(folder / f"{seed}.npy", radar(seed)[1])
    names = list_images(folder)
    asked = ScanFolder(folder=str(folder), stretch=StretchRule(kind="auto", despeckle_px=5))
    report = scan_folder(asked, Control(), [].append)
    assert (report.stretch.kind, report.stretch.despeckle_px) == ("log", 5)
    assert report.sensor.has_speckle
    assert "speckle filter 5 px" in report.stretch.in_words()
    plain = scan_folder(ScanFolder(folder=str(folder)), Control(), [].append)
    assert not plain.stretch.despeckle_px, "nothing is filtered unasked"
    sets = []
    for rule in (plain.stretch, report.stretch):
        scan = scan_images(folder, names, bands=None, rule=rule, no_data=None, control=Control(), emit=[].append)
        decoded, _ = decode_images(
            folder,
            names,
            bands=None,
            stretch=scan.stretch,
            size_px=96,
            no_data=None,
            control=Control(),
            emit=[].append,
        )
        sets.append(decoded.batch([0, 1, 2, 3]))
    assert sets[1][..., 5:35].std() < 0.7 * sets[0][..., 5:35].std()
