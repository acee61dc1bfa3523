"""Cutting both images of a shifted pair to what they have in common."""

from pathlib import Path

import cv2
import numpy as np
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.shift_table import Move
from bandbridge.engine.imagery.common_ground import Cut, common_ground, moved_pairs
from hypothesis import given
from hypothesis import strategies as st

sizes = st.tuples(st.integers(16, 300), st.integers(16, 300))
shares = st.floats(-0.45, 0.45)


@given(sizes, st.sampled_from((0.25, 0.4, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)), shares, shares)
def test_both_cuts_show_the_same_ground_and_lie_in_their_images(rgb, finer, right_share, down_share):
    sensor = tuple(max(4, round(side / finer)) for side in rgb)
    move = Move(right_share * sensor[0], down_share * sensor[1])
    cuts = common_ground(rgb, sensor, move)
    if cuts is None:
        assert max(abs(right_share), abs(down_share)) > 0.3
        return
    first, second = cuts
    for cut, size in ((first, rgb), (second, sensor)):
        assert min(cut.left, cut.top) >= 0
        assert cut.left + cut.width <= size[0]
        assert cut.top + cut.height <= size[1]
    if rgb == sensor:
        assert (first.width, first.height) == (second.width, second.height)
    for side, by in enumerate((move.right_px, move.down_px)):
        scale = rgb[side] / sensor[side]
        start, other_start = (first.left, second.left) if side == 0 else (first.top, second.top)
        end, other_end = (
            (first.left + first.width, second.left + second.width)
            if side == 0
            else (first.top + first.height, second.top + second.height)
        )
        # Half a pixel of the finer image where it can make up for the other's, at the far end half of both.
        finest, coarsest = min(1, 1 / scale), max(1, 1 / scale)
        assert abs(start / scale + by - other_start) <= 0.5 * finest + 1e-6
        assert abs(end / scale + by - other_end) <= finest + 0.5 * coarsest + 1e-6


def test_a_shift_of_whole_pixels_is_undone_to_the_last_value():
    ground = np.random.default_rng(0).random((1, 80, 90)).astype(np.float32)
    for right, down in ((5, -7), (-3, 0), (0, 0), (-6, 4)):
        rgb = ground[:, 20:60, 20:60]
        sensor = ground[:, 20 - down : 60 - down, 20 - right : 60 - right]
        first, second = common_ground((40, 40), (40, 40), Move(right + 0.3, down - 0.3))
        np.testing.assert_array_equal(first.of(rgb), second.of(sensor))
        assert first.width == 40 - abs(right)


def test_finer_pixels_make_up_for_parts_of_a_pixel():
    first, second = common_ground((256, 256), (64, 64), Move(2.25, -1.5))
    assert (second.left, second.width) == (3, 61)
    assert (first.left, first.width) == (3, 244), "three quarters of a sensor pixel are three RGB pixels"
    assert (first.top, second.top) == (6, 0)


def test_hardly_any_common_ground_is_none():
    assert common_ground((64, 64), (64, 64), Move(33, 0)) is None
    assert common_ground((64, 64), (64, 64), Move(0, -31)) is not None


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), values)


def test_pairs_a_table_moves_too_far_and_tables_for_other_pairs_are_named(tmp_path: Path):
    for name in "ab":
        for side in ("rgb", "nir"):
            save(tmp_path / side / f"{name}.png", np.ones((20, 20), np.uint8))
    table = tmp_path / "shifts.csv"
    folders = PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "nir"), shifts=str(table))
    pairs = [(name, f"{name}.png", f"{name}.png") for name in "ab"]
    table.write_text("rgb,sensor,right_px,down_px\na.png,a.png,15,0\nb.png,b.png,0,-2\n")
    moved = moved_pairs(folders, pairs, Control())
    assert moved.cuts == {("b.png", "b.png"): (Cut(0, 2, 20, 18), Cut(0, 0, 20, 18))}
    assert moved.lost == {("a.png", "a.png")}
    assert [(found.kind, found.file, found.other) for found in moved.findings] == [("shift", "a.png", "a.png")]
    table.write_text("rgb,sensor,right_px,down_px\na.png,a.png,0.9,-1\n")
    moved = moved_pairs(folders, pairs, Control())
    assert (moved.cuts, moved.findings) == ({}, ()), "that is how far measurements scatter"
    table.write_text("rgb,sensor,right_px,down_px\nx.png,x.png,15,0\n")
    (finding,) = moved_pairs(folders, pairs, Control()).findings
    assert "moves none of the pairs" in finding.what
    assert "'x.png'" in finding.why
