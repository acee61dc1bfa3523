"""The doctor on planted faults: each of them is named, by its file and its kind, and nothing else is."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from bandbridge.engine.api.config import PairFolders
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import UsageError
from bandbridge.engine.api.jobs import CheckData
from bandbridge.engine.api.reports import CheckReport
from bandbridge.engine.worker.check import check_data

SIDE_PX = 64
EACH = 20


def check(job: CheckData) -> CheckReport:
    return check_data(job, lambda event: None, Control())


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def named(report: CheckReport) -> set[tuple[str, str, str]]:
    """(role, kind, file) of every finding."""
    return {(part.role, finding.kind, finding.file) for part in report.parts for finding in part.findings}


def made_up_scene(number: int, right: float = 0.0, down: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """RGB (H, W, 3) uint8 and 14-bit counts (H, W) of one made-up place, the latter shifted by so many pixels.

    Fields meet at the same borders in both, but which is brighter differs from field to field.
    """
    random = np.random.default_rng(number)
    fine, margin = 4, 8  # drawn four times as fine, so that shifts by parts of a pixel are true ones
    side = SIDE_PX + 2 * margin
    grids = [random.normal(size=(n, n)).astype(np.float32) for n in (7, 8, 9, 10, 11)]
    fields = np.stack([cv2.resize(grid, (fine * side,) * 2) for grid in grids]).argmax(axis=0)

    def taken(colours: np.ndarray, right: float, down: float) -> np.ndarray:
        x, y = (round(fine * (margin - by)) for by in (right, down))
        window = colours[fields][y : y + fine * SIDE_PX, x : x + fine * SIDE_PX]
        return cv2.resize(window, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)

    rgb = taken(random.uniform(40, 200, (5, 3)), 0, 0) + random.normal(0, 3, (SIDE_PX, SIDE_PX, 3))
    counts = taken(random.permutation(5) * 300.0 + 7000, right, down) + random.normal(0, 12, (SIDE_PX, SIDE_PX))
    return np.clip(rgb, 1, 254).astype(np.uint8), counts.astype(np.uint16)


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        path.write_bytes(cv2.imencode(path.suffix, values[..., ::-1] if values.ndim == 3 else values)[1].tobytes())


def saved_again(values: np.ndarray, number: int) -> np.ndarray:
    """The same picture under other numbers: other contrast, and noise or a change of size on the way."""
    random = np.random.default_rng(number)
    other = 0.9 * values.astype(np.float64) + 500
    if number % 2:
        other = cv2.resize(cv2.resize(other, (48, 48), interpolation=cv2.INTER_AREA), values.shape[::-1])
    return (other + random.normal(0, 15, values.shape)).astype(np.uint16)


class Planted:
    """Pairs and a target with faults of every kind, and what the check must find."""

    def __init__(self, root: Path) -> None:
        self.job = CheckData(
            pairs=(PairFolders(rgb=str(root / "rgb"), sensor=str(root / "sensor")),),
            target=str(root / "target"),
            table=str(root / "found.csv"),
            shifts=(str(root / "shifts.csv"),),
        )
        self.root = root
        self.expected: set[tuple[str, str, str]] = set()
        self.shifts: dict[str, tuple[float, float]] = {}
        self._number = 0

    def pair(self, name: str, right: float = 0.0, down: float = 0.0, change: Callable[..., np.ndarray] | None = None):
        rgb, sensor = self._scene(right, down)
        save(self.root / "rgb" / f"{name}.png", rgb)
        save(self.root / "sensor" / f"{name}.png", change(sensor) if change else sensor)
        self.shifts[name] = (right, down)
        return sensor

    def target(self, name: str, values: np.ndarray | None = None) -> np.ndarray:
        values = self._scene(0, 0)[1] if values is None else values
        save(self.root / "target" / f"{name}.png", values)
        return values

    def fault(self, role: str, kind: str, name: str) -> None:
        self.expected.add((role, kind, f"{name}.png"))

    def _scene(self, right: float, down: float) -> tuple[np.ndarray, np.ndarray]:
        self._number += 1
        return made_up_scene(self._number, right, down)


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Planted:
    data = Planted(tmp_path_factory.mktemp("planted"))
    random = np.random.default_rng(7)
    good = [data.pair(f"good-{n:02}") for n in range(2 * EACH)]
    for n in range(EACH):
        data.target(f"good-{n:02}")
        data.target(f"constant-{n:02}", np.full((SIDE_PX, SIDE_PX), 7000 + n, np.uint16))
        data.fault("target", "constant", f"constant-{n:02}")
        cut = data.target(f"clipped-{n:02}", np.clip(made_up_scene(900 + n)[1], 0, 16383))
        share = 0.3 + 0.02 * n
        cut[cut >= np.quantile(cut, 1 - share)] = 16383
        data.target(f"clipped-{n:02}", cut)
        data.fault("target", "clipped", f"clipped-{n:02}")
        first = data.target(f"twice-{n:02}-a")
        data.target(f"twice-{n:02}-b", first)
        data.fault("target", "duplicate", f"twice-{n:02}-b")
        first = data.target(f"alike-{n:02}-a")
        data.target(f"alike-{n:02}-b", saved_again(first, n))
        data.fault("target", "near-duplicate", f"alike-{n:02}-b")
        data.target(f"leak-{n:02}", good[n] if n % 2 else saved_again(good[n], 2 * n))
        data.fault("sensor", "leak", f"good-{n:02}")
        eight_bit = cv2.normalize(made_up_scene(500 + n)[1], None, 0, 255, cv2.NORM_MINMAX)
        data.target(f"units-{n:02}", eight_bit.astype(np.uint16))
        data.fault("target", "units", f"units-{n:02}")
        data.target(f"depth-{n:02}", eight_bit.astype(np.uint8))
        data.fault("target", "depth", f"depth-{n:02}")
        (data.root / "target" / f"broken-{n:02}.png").write_bytes(b"" if n % 2 else b"\x89PNG\r\n\x1a\n cut short")
        data.fault("target", "unreadable", f"broken-{n:02}")
        alone = data.root / "rgb" / f"alone-{n:02}.png"
        save(alone, made_up_scene(700 + n)[0])
        data.fault("pairs", "unmatched", f"alone-{n:02}")
        angle = random.uniform(0, 2 * np.pi)
        length = random.uniform(2, 6)
        whole = (float(by) for by in random.choice([-6, -4, -3, -2, 2, 3, 5], 2))
        data.pair(f"whole-{n:02}", *whole)
        data.fault("pairs", "shift", f"whole-{n:02}")
        parts = np.rint(4 * np.array((length * np.sin(angle), length * np.cos(angle)))) / 4
        data.pair(f"parts-{n:02}", *parts)
        data.fault("pairs", "shift", f"parts-{n:02}")
    return data


@pytest.fixture(scope="module")
def report(planted: Planted) -> CheckReport:
    return check(planted.job)


def test_every_planted_fault_is_found_and_nothing_else(planted, report):
    found = named(report)
    assert found - planted.expected == set(), "false alarms"
    assert planted.expected - found == set(), "faults missed"
    kinds = ("constant", "clipped", "duplicate", "near-duplicate", "leak", "units", "depth", "unreadable", "unmatched")
    assert {kind: report.counts[kind] for kind in kinds} == dict.fromkeys(kinds, EACH)
    assert report.counts["shift"] == 2 * EACH


def test_shifts_are_measured_to_a_part_of_a_pixel(planted, report):
    rows = {row["pair"]: row for row in table(planted.job.shifts[0])}
    assert rows.keys() == planted.shifts.keys()
    errors = [
        np.hypot(float(rows[pair]["right_px"]) - right, float(rows[pair]["down_px"]) - down)
        for pair, (right, down) in planted.shifts.items()
        if rows[pair]["sure"] == "yes"
    ]
    assert len(errors) >= 0.95 * len(rows)
    assert np.median(errors) < 0.25
    assert max(errors) < 1


def test_the_table_has_every_finding_with_what_belongs_to_it(planted, report):
    rows = table(planted.job.table)
    assert {(row["part"], row["kind"], row["file"]) for row in rows} == planted.expected
    assert len(rows) == sum(report.counts.values())
    assert all(row["folder"] and row["severity"] and row["what"] and row["why"] and row["do"] for row in rows)
    repeat = next(row for row in rows if row["kind"] == "duplicate")
    assert (repeat["file"], repeat["other"]) == ("twice-00-b.png", "twice-00-a.png")
    for row in rows:
        if row["kind"] == "shift":
            right, down = planted.shifts[Path(row["file"]).stem]
            assert row["other"] == row["file"]
            assert np.hypot(float(row["right_px"]) - right, float(row["down_px"]) - down) < 1
        else:
            assert row["right_px"] == row["down_px"] == row["confidence"] == ""


def clean_parts(report: CheckReport, *, but: str = "") -> set[tuple[str, str, str]]:
    return {finding for finding in named(report) if finding[1] != but}


def test_real_pairs_raise_no_alarm_but_the_true_one(shared_data):
    """In seven of them, a quarter to a half of the place lies outside the satellite's strip and is black."""
    folder = shared_data("sentinel2_rgb_nir_pairs")
    report = check(CheckData(pairs=(PairFolders(rgb=str(folder / "rgb"), sensor=str(folder / "nir")),)))
    assert clean_parts(report, but="clipped") == set()
    for name in (name for role, kind, name in named(report) if kind == "clipped" and role == "sensor"):
        assert (cv2.imread(str(folder / "nir" / name), cv2.IMREAD_GRAYSCALE) < 3).mean() > 0.25


def test_real_patches_raise_no_alarm(shared_data):
    folder = str(shared_data("eurosat_ms"))
    job = CheckData(pairs=(PairFolders(rgb=folder, sensor=folder),), rgb_bands=(4, 3, 2), sensor_bands=(8,))
    assert named(check(job)) == set()


def test_real_thermal_pairs_raise_no_alarm(shared_data):
    folder = shared_data("road_rgb_thermal")
    report = check(CheckData(pairs=(PairFolders(rgb=str(folder / "rgb"), sensor=str(folder / "thermal")),)))
    assert named(report) == set()


def test_most_planted_shifts_of_real_pairs_are_found_and_none_is_wrong(shared_data, tmp_path):
    folder = shared_data("sentinel2_rgb_nir_pairs")
    random = np.random.default_rng(0)
    planted = {}
    for path in sorted((folder / "rgb").iterdir())[:60]:
        right, down = (int(by) for by in random.choice([-5, -4, -3, -2, 2, 3, 4, 5], 2))
        rgb, nir = (cv2.imread(str(folder / side / path.name)) for side in ("rgb", "nir"))
        save(tmp_path / "rgb" / f"{path.stem}.png", rgb[6:-6, 6:-6])
        save(tmp_path / "nir" / f"{path.stem}.png", nir[6 - down : 122 - down, 6 - right : 122 - right, 0])
        planted[path.stem] = (right, down)
    report = check(CheckData(pairs=(PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "nir")),)))
    sure = {shift.pair: (shift.right_px, shift.down_px) for shift in report.shifts if shift.sure}
    right_ones = [pair for pair, shift in sure.items() if np.hypot(*np.subtract(shift, planted[pair])) < 1]
    assert len(right_ones) >= 0.75 * len(planted)
    assert len(right_ones) >= 0.97 * len(sure)


def test_a_shift_all_pairs_have_in_common_is_named_once_more(tmp_path):
    data = Planted(tmp_path)
    for n in range(8):
        data.pair(f"{n}", 3.0, -2.0)
    job = CheckData(pairs=data.job.pairs)
    (common,) = (found for found in check(job).parts[-1].findings if found.file == str(tmp_path / "sensor"))
    assert "8 of the 8" in common.what
    assert "3.0 pixels to the right and 2.0 pixels up" in common.what


def faint(counts: np.ndarray) -> np.ndarray:
    """The same counts, nearly lost in noise."""
    noise = np.random.default_rng(int(counts.sum()) % 2**32).normal(0, 650, counts.shape)
    return np.clip(counts + noise, 1, 16000).astype(np.uint16)


def test_pairs_too_faint_to_be_measured_alone_are_measured_together(tmp_path):
    data = Planted(tmp_path)
    for n in range(24):
        data.pair(f"{n:02}", 5.0, -3.0, change=faint)
    shifts = str(tmp_path / "shifts.csv")
    report = check(CheckData(pairs=data.job.pairs, shifts=(shifts,)))
    assert all(shift.sure for shift in report.shifts)
    alone = [shift for shift in report.shifts if not shift.together]
    assert len(alone) <= 12
    assert all(np.hypot(shift.right_px - 5, shift.down_px + 3) < 1 for shift in report.shifts)
    assert report.counts == {"shift": 25}
    assert "only together with the others" in report.parts[-1].findings[0].what
    assert {row["together"] for row in table(shifts)} == {"yes", "no"} if alone else {"yes"}
    moved = dataclasses.replace(data.job.pairs[0], shifts=shifts)
    assert check(CheckData(pairs=(moved,))).counts == {}


def test_faint_pairs_are_not_taken_for_shifted_where_the_clear_ones_differ(tmp_path):
    data = Planted(tmp_path)
    random = np.random.default_rng(1)
    for n in range(24):
        right, down = (float(by) for by in random.choice([-6, -5, -4, -3, 3, 4, 5, 6], 2))
        data.pair(f"{n:02}", right, down, change=faint if n % 2 else None)
    report = check(CheckData(pairs=data.job.pairs))
    assert not any(shift.together for shift in report.shifts)
    assert sum(shift.sure for shift in report.shifts) >= 12


def test_pairs_in_other_units_than_the_target_are_named(tmp_path):
    for n in range(6):
        rgb, counts = made_up_scene(n)
        save(tmp_path / "rgb" / f"{n}.png", rgb)
        save(tmp_path / "sensor" / f"{n}.png", cv2.normalize(counts, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint16))
        save(tmp_path / "target" / f"{n}.png", made_up_scene(10 + n)[1])
    pairs = (PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "sensor")),)
    report = check(CheckData(pairs=pairs, target=str(tmp_path / "target")))
    assert named(report) == {("sensor", "units", str(tmp_path / "sensor"))}
    (finding,) = report.parts[2].findings
    assert "pairs' sensor images look like 8-bit pictures" in finding.what


def test_pairs_out_of_the_target_folder_are_named_once(tmp_path):
    data = Planted(tmp_path)
    for n in range(4):
        data.pair(f"{n}")
    sensor = str(tmp_path / "sensor")
    assert named(check(CheckData(pairs=data.job.pairs, target=sensor))) == {("sensor", "leak", sensor)}


def test_an_image_may_pair_with_several_by_a_table(tmp_path):
    data = Planted(tmp_path)
    data.pair("a")
    data.pair("b")
    table = tmp_path / "pairs.csv"
    table.write_text("rgb,sensor\na.png,a.png\na.png,b.png\nb.png,b.png\n")
    folders = PairFolders(rgb=str(tmp_path / "rgb"), sensor=str(tmp_path / "sensor"), table=str(table))
    assert [(one.rgb, one.sensor) for one in check(CheckData(pairs=(folders,))).shifts] == [
        ("a.png", "a.png"),
        ("a.png", "b.png"),
        ("b.png", "b.png"),
    ]


def test_nothing_to_look_at_is_refused():
    with pytest.raises(UsageError, match="nothing to check"):
        check(CheckData())
