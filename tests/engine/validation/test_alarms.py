"""The alarm: it sounds for a collapse, and not for a task that is as one-sided as the model says."""

import pytest
import torch
from bandbridge.engine.validation.alarms import collapse_alarm, worse_alarm
from torch import Tensor

NAMES = tuple("abcdefgh")


def classes(*counts: int) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


def collapse(given: Tensor, untouched: Tensor, pairs: tuple[Tensor, Tensor] | None = None):
    return collapse_alarm(given, untouched, NAMES, step=7, pairs=pairs)


VARIED = classes(20, 30, 10, 15, 5, 10, 5, 5)
ONE_SIDED = classes(95, 1, 1, 1, 1, 1, 0, 0)


def test_a_class_that_swallows_a_varied_target_is_told_by_name():
    alarm = collapse(classes(10, 85, 5, 0, 0, 0, 0, 0), VARIED)
    assert alarm is not None
    assert (alarm.kind, alarm.step, alarm.standing) == ("collapse", 7, True)
    assert "85\N{NO-BREAK SPACE}% of the target images are now 'b'" in alarm.what
    assert "30\N{NO-BREAK SPACE}%" in alarm.why


def test_two_classes_collapse_too():
    assert collapse(classes(0, 100), classes(60, 40)) is not None
    assert collapse(classes(1, 99), classes(50, 50)) is not None


@pytest.mark.parametrize(
    ("given", "untouched"),
    [
        (classes(95, 5), classes(60, 40)),  # one in twenty, and rightly so
        (classes(100, 0), classes(99, 1)),
        (classes(10, 0), classes(8, 2)),  # the last two of ten images
        (ONE_SIDED, classes(85, 5, 3, 3, 2, 1, 1, 0)),  # as one-sided before: not this run's doing
        (ONE_SIDED, ONE_SIDED.flip(0)),
        (classes(55, 45, 0, 0, 0, 0, 0, 0), VARIED),  # few classes, but none swallows all
        (classes(9, 0), classes(4, 5)),  # too few images to say
    ],
)
def test_what_is_no_collapse_raises_none(given: Tensor, untouched: Tensor):
    assert collapse(given, untouched) is None


def test_pairs_that_stay_varied_speak_for_a_one_sided_target():
    rgb = classes(8, 8, 8, 8, 8)
    swallowed = torch.where(torch.arange(40) % 4 == 0, rgb, 0)
    assert collapse(ONE_SIDED, VARIED) is not None
    assert collapse(ONE_SIDED, VARIED, (rgb, rgb.roll(3))) is None
    assert collapse(ONE_SIDED, VARIED, (rgb, swallowed)) is not None
    assert collapse(ONE_SIDED, VARIED, (rgb[::3], rgb[::3])) is not None, "14 pairs are too few to lift an alarm"
    alike = classes(35, 5)
    assert collapse(ONE_SIDED, VARIED, (alike, alike)) is not None, "pairs of that very class cannot tell"


def worse(right_before: int, right_now: int, pairs: int = 100):
    rgb = torch.zeros(pairs, dtype=torch.int64)
    untouched, given = (torch.where(torch.arange(pairs) < right, 0, 1) for right in (right_before, right_now))
    return worse_alarm(rgb, untouched, given, step=3)


def test_a_marked_fall_beyond_chance_is_told_with_care():
    alarm = worse(60, 40)
    assert alarm is not None
    assert "may be doing harm" in alarm.what
    assert "60\N{NO-BREAK SPACE}% to 40\N{NO-BREAK SPACE}%" in alarm.what
    assert "13 points" in alarm.why  # 3 standard deviations of 20 changed pairs: 3 sqrt(20) / 100
    assert "not a proof" in alarm.why


@pytest.mark.parametrize(
    ("before", "now", "pairs"),
    [
        (60, 51, 100),  # nine points: not markedly
        (60, 52, 60),  # thirteen points, eight changed pairs: 3 sqrt(8) = 8.5
        (15, 0, 19),  # too few pairs
        (40, 60, 100),  # better
        (50, 50, 100),
    ],
)
def test_small_or_uncertain_falls_raise_none(before: int, now: int, pairs: int):
    assert worse(before, now, pairs) is None


def test_changes_both_ways_are_chance():
    rgb = torch.zeros(100, dtype=torch.int64)
    untouched, given = classes(50, 50), torch.where((torch.arange(100) >= 30) & (torch.arange(100) < 68), 0, 1)
    # 30 pairs lost, 18 gained: 12 points down, but 3 sqrt(48) = 20.8
    assert worse_alarm(rgb, untouched, given, step=0) is None


def test_a_common_class_does_not_hide_the_loss_of_rare_ones():
    rgb = classes(80, 14, 14)
    assert worse_alarm(rgb, rgb, torch.zeros_like(rgb), step=0) is not None
