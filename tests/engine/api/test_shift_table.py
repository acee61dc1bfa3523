"""Tables of shifts: what a check writes, a run reads, and a person may change in between."""

from pathlib import Path

import pytest
from bandbridge.engine.api.errors import PairingError
from bandbridge.engine.api.reports import PairShift
from bandbridge.engine.api.shift_table import Move, read_shift_table, shift_table


def shift(name: str, right: float, down: float, *, sure: bool) -> PairShift:
    return PairShift(
        pair=name, rgb=f"{name}.png", sensor=f"{name}.tif", right_px=right, down_px=down, confidence=9, sure=sure
    )


def test_sure_pairs_are_read_back_and_no_others(tmp_path: Path):
    file = tmp_path / "shifts.csv"
    file.write_text(shift_table([shift("a, b", 3.25, -2, sure=True), shift("c", 40, 0, sure=False)]))
    assert read_shift_table(file) == {("a, b.png", "a, b.tif"): Move(3.25, -2.0)}


def test_a_person_may_confirm_a_pair_or_write_the_table(tmp_path: Path):
    file = tmp_path / "shifts.csv"
    file.write_text("sensor;rgb;right_px;down_px;sure\nx\\n.tif;x/r.png;1.5;0;Yes\nb.tif;b.png;;;no\n")
    assert read_shift_table(file) == {("x/r.png", "x/n.tif"): Move(1.5, 0.0)}
    file.write_text("rgb,sensor,right_px,down_px\na.png,a.tif,1,2\n")
    assert read_shift_table(file) == {("a.png", "a.tif"): Move(1.0, 2.0)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rgb,sensor\na,b\n", "lacks the columns right_px, down_px"),
        ("", "heading is: empty"),
        ("rgb,sensor,right_px,down_px\na,b,1,2\na,b,one,2\n", "Row 3"),
        ("rgb,sensor,right_px,down_px\na,b,nan,2\n", "holds no numbers"),
        ("rgb,sensor,right_px,down_px\na,b,1\n", "holds no numbers"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_words(tmp_path: Path, text: str, named: str):
    file = tmp_path / "shifts.csv"
    file.write_text(text)
    with pytest.raises(PairingError, match=named):
        read_shift_table(file)
    with pytest.raises(PairingError, match="cannot be read"):
        read_shift_table(tmp_path / "none.csv")
