"""Numbers are rounded as people do it."""

from __future__ import annotations

import pytest
from bandbridge.engine.api.rounding import in_percent, percent, rounded


@pytest.mark.parametrize(
    ("share", "words"),
    [(9 / 16, "56.3"), (7 / 16, "43.8"), (0.5785, "57.9"), (-0.0004, "0.0"), (1.0, "100.0"), (1 / 3, "33.3")],
)
def test_halves_go_away_from_zero_on_the_figure_people_write(share: float, words: str) -> None:
    assert in_percent(share) == words
    assert percent(share) == f"{words}\u202f%"


def test_numbers_of_any_size_keep_their_decimals() -> None:
    assert rounded(0.0625, 3) == "0.063"
    assert rounded(-2.5, 0) == "-3"
    assert rounded(1e25, 1) == "10000000000000000000000000.0"
    assert rounded(1e-300, 2) == "0.00"
    assert rounded(float("nan"), 2) == "nan"
