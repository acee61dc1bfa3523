import cv2
import numpy as np
from bandbridge.engine.imagery.doubts.registration import LEAST_CONFIDENCE_TOGETHER, Together, correlate, measure_shift


def fields(number: int, height: int = 80, width: int = 96) -> np.ndarray:
    """Fields with crooked borders."""
    random = np.random.default_rng(number)
    waves = [cv2.resize(random.normal(size=(n, n)), (width, height)) for n in (7, 8, 9, 10, 11)]
    levels = random.permutation([30, 80, 130, 180, 230])
    return (levels[np.argmax(waves, axis=0)] + random.integers(0, 9, (height, width))).astype(np.uint8)


def test_the_second_image_lies_further_right_and_down():
    scene = fields(0, 100, 120)
    shift = measure_shift(scene[6:86, 8:104], scene[3:83, 12:108])
    assert shift.is_misplaced
    assert np.allclose((shift.right_px, shift.down_px), (-4, 3), atol=0.3)


def test_pictures_of_other_places_and_without_edges_are_not_measured():
    assert not any(measure_shift(fields(n), fields(n + 100)).is_sure for n in range(20))
    flat = np.full((64, 64), 90, np.uint8)
    assert measure_shift(flat, flat).confidence == 0
    assert measure_shift(np.zeros((64, 64), np.uint8), fields(0)).confidence == 0
    assert measure_shift(fields(0)[:8, :8], fields(0)[:8, :8]).confidence == 0


def test_a_common_border_without_data_does_not_pin_the_pictures_together():
    scene = fields(3, 100, 120)
    first, second = scene[6:86, 8:104].copy(), scene[6:86, 4:100].copy()
    for picture in (first, second):
        picture[:20] = 0
    shift = measure_shift(first, second)
    assert shift.is_misplaced
    assert np.allclose((shift.right_px, shift.down_px), (4, 0), atol=0.3)


def test_sizes_that_differ_are_brought_together():
    scene = fields(4)
    shift = measure_shift(np.kron(scene, np.ones((3, 3), np.uint8)), scene)
    assert shift.is_sure
    assert shift.length_px < 0.5


def faint(number: int, right: int, down: int) -> tuple[np.ndarray, np.ndarray]:
    """A scene, and the same shifted and nearly lost in noise."""
    scene = fields(number, 100, 120)
    noise = np.random.default_rng(1000 + number).normal(0, 50, (80, 96))
    second = np.clip(scene[10 - down : 90 - down, 12 - right : 108 - right] / 4 + 96 + noise, 1, 255)
    return scene[10:90, 12:108], second.astype(np.uint8)


def test_what_no_pair_shows_alone_many_show_together():
    together, alone = Together(), 0
    for number in range(20):
        correlation = correlate(*faint(number, 5, -3))
        together.add(correlation)
        alone += correlation.shift().is_sure
    assert alone <= 4
    shift = together.shift()
    assert shift.confidence >= LEAST_CONFIDENCE_TOGETHER
    assert np.allclose((shift.right_px, shift.down_px), (5, -3), atol=0.5)


def test_shifts_that_differ_and_other_places_have_nothing_in_common():
    random = np.random.default_rng(0)
    scattered, strangers = Together(), Together()
    for number in range(20):
        right, down = (int(by) for by in random.integers(-9, 10, 2))
        scene = fields(number, 100, 120)
        scattered.add(correlate(scene[10:90, 12:108], scene[10 - down : 90 - down, 12 - right : 108 - right]))
        strangers.add(correlate(fields(number), fields(number + 100)))
    assert scattered.shift().confidence < LEAST_CONFIDENCE_TOGETHER, "each clear by itself"
    assert strangers.shift().confidence < LEAST_CONFIDENCE_TOGETHER
    assert Together().shift().confidence == 0


def test_the_order_in_which_pairs_come_does_not_matter():
    correlations = [correlate(*faint(number, 2, 2)) for number in range(8)]
    one, other = Together(), Together()
    for correlation in correlations:
        one.add(correlation)
    for correlation in reversed(correlations):
        other.add(correlation)
    assert one.shift() == other.shift()
