"""Streams and views: every image once a round, the same view for both images of a pair, nothing hidden in a state."""

import numpy as np
import pytest
import torch
from bandbridge.engine.training import streams
from bandbridge.engine.training.seeding import derived_seed
from bandbridge.engine.training.streams import ImageBank, ImageStream
from bandbridge.engine.training.views import Views, draw_views

CPU = torch.device("cpu")


def bank(count=10, size=8, channels=2):
    pixels = np.random.default_rng(0).integers(0, 65536, (count, channels, size, size)).astype(np.uint16)
    return ImageBank(pixels, np.full(channels, 0.5), np.full(channels, 0.25), CPU)


def stream(images, **changes):
    settings = {"batch_size": 4, "augment": "none", "shift": False, "seed": 3} | changes
    return ImageStream("target", images, **settings)


def test_images_are_standardised():
    images = bank()
    expected = (images.pixels[[2]].astype(np.float64) / 65535 - 0.5) / 0.25
    assert np.allclose(images.read(np.array([2])).numpy(), expected, atol=1e-5)


def test_a_set_too_large_to_keep_ready_reads_the_same(monkeypatch):
    chosen = np.array([4, 1, 1])
    views = draw_views("overhead", 3, 8, torch.Generator().manual_seed(3), shift=True)
    ready = bank().read(chosen, views)
    monkeypatch.setattr(streams, "READY_BYTES", 0)
    large = bank()
    assert not large._ready
    assert torch.equal(large.read(chosen, views), ready)


def test_groups_of_images_have_statistics_of_their_own():
    pixels = np.full((2, 1, 2, 2), 65535, np.uint16)
    images = ImageBank(pixels, [[0.5], [0.0]], [[0.5], [0.1]], CPU)
    assert images.read(np.array([0, 1]))[:, 0, 0, 0].tolist() == pytest.approx([1.0, 10.0])


def test_the_spread_is_that_of_all_pixels_of_the_chosen_images():
    pixels = np.zeros((3, 2, 2, 2), np.uint16)
    pixels[1, 0], pixels[2, 0] = 13107, 65535  # 0.2 and 1.0; the second channel never varies
    bank = ImageBank(pixels, (0.0, 0.0), (0.5, 1.0), torch.device("cpu"))
    assert bank.spread(np.array([0, 1])).tolist() == pytest.approx([0.2, 1.0])  # 0 and 0.4
    assert bank.spread(np.array([0, 2])).tolist() == pytest.approx([1.0, 1.0])  # 0 and 2.0


def test_every_image_comes_once_a_round_and_rounds_differ():
    drawn = stream(bank(10))
    assert drawn.steps_per_epoch() == 3
    rounds = [np.concatenate([drawn.batch(step).indices for step in range(3 * e, 3 * e + 3)]) for e in (0, 1)]
    for order in rounds:
        assert len(order) == 12
        assert set(order.tolist()) == set(range(10))
    assert rounds[0].tolist() != rounds[1].tolist()


def test_a_step_is_the_same_whatever_was_drawn_before():
    first, second = stream(bank(), augment="flip-shift", shift=True), stream(bank(), augment="flip-shift", shift=True)
    for step in range(7):
        first.batch(step)
    assert torch.equal(first.batch(8).images, second.batch(8).images)


def test_a_stream_of_chosen_images_draws_no_other():
    drawn = stream(bank(10), chosen=np.array([1, 5, 7]))
    assert {int(i) for step in range(5) for i in drawn.batch(step).indices} == {1, 5, 7}
    assert drawn.batch_size == 3


def test_unlabelled_batches_carry_no_labels():
    assert stream(bank()).batch(0).labels is None


@pytest.mark.parametrize("kind", ["flip-shift", "overhead"])
def test_views_only_move_pixels(kind):
    images = bank(size=8)
    everything = np.arange(10)
    views = draw_views(kind, 10, 8, torch.Generator().manual_seed(1), shift=False)
    shown, plain = images.read(everything, views), images.read(everything)
    assert torch.equal(shown.flatten(1).sort(dim=1).values, plain.flatten(1).sort(dim=1).values)


def test_every_image_is_shown_in_its_own_view():
    images = bank()
    views = draw_views("overhead", 10, 8, torch.Generator().manual_seed(2), shift=False)
    shown = images.read(np.arange(10), views)
    plain = images.read(np.arange(10))
    for row, view in enumerate(views.turns.tolist()):
        mirrored = plain[row].flip(2) if view & 1 else plain[row]
        assert torch.equal(shown[row], torch.rot90(mirrored, view >> 1, dims=(1, 2)))
    assert len(set(views.turns.tolist())) > 3


def test_shifts_mirror_the_border():
    images = bank()
    image = images.read(np.array([4]))[0]
    shown = images.read(np.array([4]), Views(np.array([0]), np.array([[1, -1]])))[0]
    assert torch.equal(shown[:, :-1, 1:], image[:, 1:, :-1])
    assert torch.equal(shown[:, -1], shown[:, -3])
    assert torch.equal(shown[:, :, 0], shown[:, :, 2])


def test_places_have_seeds_of_their_own():
    assert derived_seed(0, "a", 1) != derived_seed(0, "a", 2) != derived_seed(1, "a", 1)
    assert derived_seed(0, "a", 1) == derived_seed(0, "a", 1)
