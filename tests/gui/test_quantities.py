"""Numbers are written as the user's country writes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bandbridge.engine.api import rounding
from bandbridge.gui import quantities
from PySide6.QtCore import QLocale


@pytest.fixture
def german() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German, QLocale.Country.Germany))
    yield
    QLocale.setDefault(before)


@pytest.mark.usefixtures("german")
def test_numbers_follow_the_locale() -> None:
    assert quantities.count(12345) == "12.345"
    assert quantities.number(0.0123) == "0,0123"
    assert quantities.number(-1.5, 2) == "−1,5"
    assert quantities.percent(0.614, 1) == "61,4\u202f%"
    assert quantities.memory(1434) == "1,4 GB"


def test_halves_are_rounded_as_in_reports() -> None:
    for share in (9 / 16, 7 / 16, 0.5785):
        assert quantities.percent(share, 1) == rounding.percent(share)
    assert quantities.percent_spread(0.5625, 0.03125) == "56.3 ± 3.1\u202f%"
    assert quantities.number(0.0625, 2) == "0.063"
    assert quantities.count(2.5) == "3"


def test_sizes_and_signs() -> None:
    assert quantities.number(0.0) == "0.00"
    assert quantities.number(float("nan")) == quantities.NOTHING
    assert quantities.number(1234567.0) == "1.2×10⁶"
    assert quantities.tiny(1.234e-6) == "0.0000012"
    assert quantities.points(0.07) == "+7.0 points"
    assert quantities.points(-0.31) == "−31 points"
    assert quantities.points(0.0) == "0.0 points"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "a few seconds"), (41, "about 50 s"), (200, "about 3 min"), (9000, "about 2.5 h")],
)
def test_estimates_are_coarse(seconds: float, words: str) -> None:
    assert quantities.about(seconds) == words


def test_durations_have_two_units_at_most() -> None:
    assert quantities.duration(59.4) == "59 s"
    assert quantities.duration(130) == "2 min 10 s"
    assert quantities.duration(7260) == "2 h 1 min"
