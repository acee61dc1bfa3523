"""The modality gap: zero where there is none, growing with what separates the sensors."""

import numpy as np
import pytest
from bandbridge.engine.api.events import GAP_MEASURES
from bandbridge.engine.validation.modality_gap import GapMeter, cka, frechet, mean_distance, mmd, probe, retrieval
from bandbridge.engine.validation.scores import measure_scores

RANDOM = np.random.default_rng(0)
RGB = RANDOM.normal(size=(60, 12)) * np.linspace(1, 3, 12)


def test_identical_features_have_no_gap():
    assert mean_distance(RGB, RGB) == 0.0
    assert mmd(RGB, RGB) == pytest.approx(0.0, abs=1e-6)
    assert cka(RGB, RGB) == pytest.approx(1.0)
    assert frechet(RGB, RGB) == pytest.approx(0.0, abs=1e-6)
    assert retrieval(RGB, RGB) == 1.0
    assert probe(RGB, RGB + 1e-9) <= 0.55


def test_a_shift_is_a_gap_that_leaves_the_arrangement_alone():
    shifted = RGB + 3.0
    spread = np.sqrt(RGB.var(axis=0).sum())
    assert mean_distance(RGB, shifted) == pytest.approx(3.0 * np.sqrt(12) / spread)
    assert cka(RGB, shifted) == pytest.approx(1.0)
    assert frechet(RGB, shifted) == pytest.approx(108.0 / RGB.var(axis=0, ddof=1).sum(), rel=1e-3)
    assert mmd(RGB, shifted) > 0.3
    assert probe(RGB, shifted) > 0.85


def test_mmd_of_two_points_by_hand():
    first, second = np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]) + 10
    width = np.exp(-0.5)
    # both within-kernels average (1 + e^-1/2) / 2; the cross kernel is next to nothing
    assert mmd(first, second) == pytest.approx(np.sqrt(1 + width), abs=1e-6)


def test_mixed_up_pairs_show_in_retrieval_and_similarity():
    mixed = RGB[::-1]
    assert retrieval(RGB, mixed) < 0.1
    assert cka(RGB, mixed) < 0.6
    assert mean_distance(RGB, mixed) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("pairs", [4, 60])
def test_the_meter_gives_every_measure_in_a_basis_that_stays(pairs):
    rgb, sensor = RGB[:pairs], RGB[:pairs] * 0.5 + 1
    meter = GapMeter(rgb, sensor)
    assert set(meter.measure(rgb, sensor)) == set(GAP_MEASURES)
    assert all(np.isfinite(value) for value in meter.measure(rgb, sensor).values())
    before = meter.place(rgb)
    meter.measure(rgb, sensor * 2)
    assert np.array_equal(before, meter.place(rgb))
    assert before.shape == (pairs, 2)


def test_scores_by_hand():
    truth = np.array([0, 0, 0, 1, -1])
    scores = measure_scores(truth, np.array([0, 0, 1, 1, 1]), ("a", "b", "c"))
    assert scores is not None
    assert scores.images == 4
    assert scores.accuracy == 0.75
    assert scores.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert set(scores.per_class) == {"a", "b"}


def test_without_labels_there_are_no_scores():
    assert measure_scores(np.array([-1, -1]), np.array([0, 1]), ("a", "b")) is None
