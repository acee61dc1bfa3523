"""What the sample writes: the right files, the same for the same seed, georeferenced, and nothing of other people's."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import Stopped, StorageError, UsageError
from bandbridge.engine.api.events import Progress
from bandbridge.engine.api.jobs import MakeSample
from bandbridge.engine.models.source import open_source
from bandbridge.engine.sample import make
from bandbridge.engine.sample.land_cover import OTHER, TASK
from bandbridge.engine.sample.make import make_sample

SENSORS = ("nir", "thermal", "sar")


@pytest.fixture
def small(monkeypatch):
    """Samples of a few places: the full number takes a quarter of a minute."""
    for name, count in {"PAIRS_A_CLASS": 3, "TARGETS_A_CLASS": 2, "LABELLED_A_CLASS": 1}.items():
        monkeypatch.setattr(make, name, count)


def write(folder: Path, seed: int = 0):
    events = []
    return make_sample(MakeSample(folder=str(folder), seed=seed), events.append, Control()), events


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_same_seed_writes_the_same_files_and_another_seed_others(small, tmp_path):
    for name, seed in (("first", 5), ("second", 5), ("third", 6)):
        write(tmp_path / name, seed)
    first, second, third = (content(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    assert first.keys() == third.keys()
    images = [name for name in first if name.endswith((".tif", ".png"))]
    assert len(images) == 15 * 4 + 12 * 3 + 6
    assert all(first[name] != third[name] for name in images)
    assert "seed 5" in first["README.txt"].decode()
    assert "SIMULATED" in first["README.txt"].decode()


def test_the_layout_is_as_reported_and_a_sample_may_be_written_again(small, tmp_path):
    write(tmp_path, 1)
    report, events = write(tmp_path, 2)
    assert tuple(report.sensors) == SENSORS
    for name, (rgb, sensor, target) in report.sensors.items():
        assert {path.name for path in Path(rgb).iterdir()} == {path.name for path in Path(sensor).iterdir()}
        assert {path.name for path in Path(target).iterdir()} == set(TASK)
        assert Path(target).name == name
    assert open_source(report.source).class_names == tuple(TASK) == tuple(sorted(TASK))
    assert len(list((tmp_path / "labelled_rgb").rglob("*.png"))) == len(TASK)
    assert cv2.imread(str(next((tmp_path / "labelled_rgb" / "River").iterdir()))).shape == (64, 64, 3)
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[0].fraction == 0.0
    assert progress[-1].fraction == 1.0


def test_tiles_of_one_place_share_their_ground_and_no_two_places_overlap(small, tmp_path):
    write(tmp_path)
    types = {"rgb": "uint8", "nir": "uint16", "thermal": "uint16", "sar": "float32"}
    places = {}
    for file in sorted(tmp_path.rglob("*.tif")):
        sensor = next(part for part in reversed(file.parts) if part in types)
        with rasterio.open(file) as image:
            assert image.crs.to_epsg() == 32632
            assert image.shape == (64, 64)
            assert (image.count, image.dtypes[0]) == (3 if sensor == "rgb" else 1, types[sensor])
            values = image.read()
            assert np.isfinite(values).all()
            assert image.nodata is None or np.isnan(image.nodata) or (values != image.nodata).all()
            places.setdefault(file.stem, set()).add(tuple(image.bounds))
    assert len(places) == 3 * len(OTHER) + 2 * len(TASK)
    assert all(len(bounds) == 1 for bounds in places.values())
    corners = [(left, top) for ((left, _, right, top),) in places.values() if right - left == 128.0]
    assert len(set(corners)) == len(places)
    assert all((x - corners[0][0]) % 128 == 0 and (y - corners[0][1]) % 128 == 0 for x, y in corners)


def test_file_names_of_pairs_do_not_give_the_class_away():
    for_each_class = make.sites("pairs", OTHER, 48)
    names = [site.class_name for site in sorted(for_each_class, key=lambda site: site.number)]
    changes = sum(a != b for a, b in itertools.pairwise(names))
    assert changes > 150  # sorted by class there would be 4


def test_no_place_is_shared_between_the_parts_of_a_sample():
    """Above all, no target image may show what the source model was trained on."""
    seen = [site.see(0)[0].variation.tobytes() for part in make.PARTS for site in make.sites(part, TASK, 1)]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["thesis.txt", "pairs/rgb/place_0000.tif", "README.txt"])
def test_foreign_things_in_the_folder_are_left_alone(small, tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=name.partition("/")[0]):
        write(tmp_path)
    assert content(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize(("name", "error"), [("file", UsageError), ("file/below", StorageError)])
def test_a_place_that_cannot_hold_a_folder_is_refused_in_words(small, tmp_path, name, error):
    (tmp_path / "file").write_text("")
    with pytest.raises(error) as caught:
        write(tmp_path / name)
    assert caught.value.do


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(UsageError, match="-1"):
        write(tmp_path / "sample", -1)


def test_stopping_stops_at_once(small, tmp_path):
    commands = iter([None, None, "stop"])
    with pytest.raises(Stopped):
        make_sample(MakeSample(folder=str(tmp_path)), lambda event: None, Control(lambda: next(commands)))
    assert len(list((tmp_path / "pairs" / "rgb").iterdir())) == 2
    write(tmp_path)  # begun, so it may be finished
