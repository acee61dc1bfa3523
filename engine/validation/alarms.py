"""When to sound the alarm without labels: always against the untouched model, never on an absolute number alone.

Every threshold is here and explained in the manual's chapter "label-free".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from bandbridge.engine.api.reports import Alarm
from bandbridge.engine.api.rounding import in_percent
from bandbridge.engine.validation.label_free import effective_classes
from torch import Tensor

FEWEST_IMAGES = 10
"""Below this a count of target images says nothing."""

FEWEST_PAIRS = 20
"""Below this the held-out pairs neither raise an alarm nor speak against one."""

SWALLOWED = 0.6
"""A class with less than this share of the target has not swallowed it."""

GROWN_SHARE, GROWN_IMAGES = 0.05, 5
"""It must have won so large a share of the target, and so many images, since the untouched model."""

FEWER_CLASSES = 0.5
"""The answers use less than this share of the classes the untouched model's effectively use ..."""

ALMOST_ONE = 0.1
"""... and of what exceeds a single class less than this: with two classes, half of them is always left."""

PAIRS_GAINED = 0.25
"""By how much the class must have grown on the held-out pairs too, against the source model's answers to RGB."""

MARKEDLY = 0.1
"""Balanced agreement must have fallen by this much ..."""

DEVIATIONS = 3.0
"""... and by this many standard deviations of chance; three, for it is looked at after every epoch."""


def collapse_alarm(
    given: Tensor,
    untouched: Tensor,
    class_names: Sequence[str],
    *,
    step: int,
    pairs: tuple[Tensor, Tensor] | None = None,
) -> Alarm | None:
    """One class has swallowed the target: far beyond what the untouched model gave it, and not borne out by the pairs.

    With c the most frequent class, s its share, E and E_0 the effective numbers of classes (`effective_classes`) now
    and untouched: s >= 0.6, grown by 5 % of the images and by 5 of them, and E < max(E_0 / 2, 1 + (E_0 - 1) / 10).
    At least 20 pairs of which the source model gives at most 60 % to c on RGB can lift the alarm: on the same scenes
    c must have grown by a quarter, and by more than two standard deviations of as many changes into c as out of it.
    A target that truly is one-sided leaves the pairs as varied as they are.

    Args:
        given: (N,) classes of the model at hand on the target.
        untouched: (N,) classes of the untouched model on the target.
        class_names: Of all K classes.
        step: Of the model at hand.
        pairs: (P,) classes of the source model on held-out RGB images and of the model at hand on their partners.

    Returns:
        The alarm, or None.
    """
    if len(given) < FEWEST_IMAGES:
        return None
    counts, before = (torch.bincount(classes, minlength=len(class_names)) for classes in (given, untouched))
    swallower = int(counts.argmax())
    share, old_share = float(counts[swallower]) / len(given), float(before[swallower]) / len(given)
    grown = int(counts[swallower] - before[swallower])
    used, used_before = effective_classes(counts), effective_classes(before)
    limit = max(FEWER_CLASSES * used_before, 1.0 + ALMOST_ONE * (used_before - 1.0))
    if share < SWALLOWED or grown < max(GROWN_SHARE * len(given), GROWN_IMAGES) or used >= limit:
        return None
    if pairs is not None and _pairs_stay_varied(*pairs, swallower):
        return None
    return Alarm(
        kind="collapse",
        step=step,
        what=f"One class is swallowing the others: {_percent(share)} of the target images are now "
        f"'{class_names[swallower]}'.",
        why=f"The untouched model gave this class {_percent(old_share)}. Unless your images really are that one-sided, "
        "the model is losing the other classes.",
        do="Try a lower learning rate, fewer epochs, 'Normalisation only', or more pairs that are like your target "
        "images.",
    )


def _pairs_stay_varied(rgb: Tensor, sensor: Tensor, swallower: int) -> bool:
    """Whether there are pairs enough to tell, and the class has not grown far beyond its share on RGB."""
    on_rgb, on_sensor = rgb == swallower, sensor == swallower
    if len(rgb) < FEWEST_PAIRS or float(on_rgb.double().mean()) > SWALLOWED:
        return False
    gained, lost = int((on_sensor & ~on_rgb).sum()), int((on_rgb & ~on_sensor).sum())
    return gained - lost < PAIRS_GAINED * len(rgb) or gained - lost <= 2.0 * math.sqrt(gained + lost)


def worse_alarm(rgb: Tensor, untouched: Tensor, given: Tensor, *, step: int) -> Alarm | None:
    """The model agrees with RGB markedly less than the untouched one, class by class, beyond chance.

    With a_i, b_i in {0, 1} whether pair i agrees now and untouched, and Y_i the n_i pairs of its RGB class:
    D = (1/|Y|) sum_i (a_i - b_i) / n_i is the change of balanced agreement. If changes either way were equally
    likely, its variance would be (1/|Y|^2) sum_i (a_i - b_i)^2 / n_i^2, the binomial of the changed pairs (McNemar,
    Psychometrika 1947, class by class). Alarm if D <= -0.1 and D < -3 standard deviations, on at least 20 pairs.

    Agreement may fall while more target images are named right, so the words say "may".

    Args:
        rgb: (P,) classes of the source model on held-out RGB images.
        untouched: (P,) classes of the untouched model on their partners.
        given: (P,) classes of the model at hand on the same.
        step: Of the model at hand.

    Returns:
        The alarm, or None.
    """
    if len(rgb) < FEWEST_PAIRS:
        return None
    sizes = torch.bincount(rgb)
    weight = 1.0 / (sizes[rgb].double() * int((sizes > 0).sum()))  # (P,), sums to 1
    agreed, agreed_before = (given == rgb).double(), (untouched == rgb).double()
    moved = weight * (agreed - agreed_before)
    change, deviation = float(moved.sum()), float(moved.square().sum().sqrt())
    if change > -MARKEDLY or change >= -DEVIATIONS * deviation:
        return None
    old, new = float((weight * agreed_before).sum()), float((weight * agreed).sum())
    return Alarm(
        kind="worse",
        step=step,
        what=f"This run may be doing harm: balanced agreement on the held-out pairs fell from {_percent(old)} to "
        f"{_percent(new)}.",
        why=f"On these {len(rgb)} pairs chance would hardly move it by more than "
        f"{100 * DEVIATIONS * deviation:.0f} points. It is a sign, not a proof: agreement can fall while more target "
        "images are named right, above all where pairs and target show different things.",
        do="Look at some images whose class changed. If they look wrong, try a lower learning rate, 'Normalisation "
        "only', or more pairs that are like your target images.",
    )


def _percent(share: float) -> str:
    return f"{in_percent(share, 0)}\N{NO-BREAK SPACE}%"
