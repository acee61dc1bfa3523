"""Folders as they come: with partners missing and files of which none can be used. A run ends, and names them all."""

import csv
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import Adapt
from bandbridge.engine.worker.adapt import adapt


def bomb(whole):
    """A PNG file that claims 60,000 x 60,000 pixels, with the right checksum."""
    size = struct.pack(">II", 60_000, 60_000) + whole[24:29]
    return whole[:16] + size + struct.pack(">I", zlib.crc32(whole[12:16] + size)) + whole[33:]


@pytest.fixture
def spoiled(tmp_path):
    """100 pairs of RGB and 14-bit thermal pictures, some spoiled; and why each was set aside."""
    random = np.random.default_rng(0)
    for side in ("rgb", "thermal"):
        (tmp_path / side).mkdir()
    for number in range(100):
        colours = random.integers(0, 256, (32, 32, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "rgb" / f"{number:03}.png"), colours)
        heat = colours.mean(axis=2) * 60 + random.integers(0, 500, (32, 32))
        cv2.imwrite(str(tmp_path / "thermal" / f"{number:03}.png"), heat.astype(np.uint16))
    for number in range(3):
        (tmp_path / "thermal" / f"{number:03}.png").unlink()
    thermal = {number: tmp_path / "thermal" / f"{number:03}.png" for number in range(3, 7)}
    whole = thermal[3].read_bytes()
    thermal[3].write_bytes(whole[:-20])
    thermal[4].write_bytes(b"")
    cv2.imwrite(str(thermal[5]), random.integers(0, 256, (32, 32), np.uint8))
    thermal[6].write_bytes(bomb(whole))
    why = {
        **{f"{number:03}.png": "unmatched" for number in range(3)},
        **dict.fromkeys(("003.png", "004.png", "006.png"), "unreadable"),
        "005.png": "depth",
    }
    return PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "thermal")), why


def test_a_run_over_spoiled_folders_ends_and_names_exactly_the_spoiled_files(spoiled, make_config):
    folders, why = spoiled
    config = make_config(pairs=(folders,), method="pairs-only", epochs=1)
    report = adapt(Adapt(config=config), lambda event: None, Control())
    assert report.pairs_used + report.pairs_held_out == 93
    told = [finding for finding in report.set_aside if finding.severity == "warning"]
    assert {finding.file: finding.kind for finding in told} == why
    assert len(told) == len(why), "every file is named once"
    assert all(finding.file in finding.what for finding in told)
    with (Path(config.run) / "set_aside.csv").open(encoding="utf-8") as file:
        assert {row["file"] for row in csv.DictReader(file)} >= set(why)
    assert (Path(config.run) / "model.safetensors").is_file()
