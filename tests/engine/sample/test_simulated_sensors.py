"""The simulation behaves as published, and its classes are hard for the source model yet there to be learned."""

import dataclasses

import numpy as np
import pytest
import torch
from bandbridge.engine.models.source import open_source
from bandbridge.engine.sample import sensors
from bandbridge.engine.sample.land_cover import TASK
from bandbridge.engine.sample.make import sites
from bandbridge.engine.sample.materials import Material, properties
from bandbridge.engine.sample.patterns import Block, lit
from bandbridge.engine.sample.sensors import MARGIN_PX, TILE_PX, draw_flight
from bandbridge.engine.sample.terrain import Terrain
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIZE = TILE_PX + 2 * MARGIN_PX


@pytest.fixture
def flight():
    """A clear summer day over typical materials."""
    calm = draw_flight(np.random.default_rng(0))
    return dataclasses.replace(calm, materials=properties(0.0), glint=0.0, wind=0.5, haze=0.0, heating=1.0)


@pytest.fixture
def flat(flight):
    """Mean value of flat ground of one material, seen by one sensor."""

    def mean(look, material):
        return look(Terrain(np.random.default_rng(1), SIZE, material), flight).mean(axis=(1, 2))

    return mean


def test_plants_have_a_red_edge_and_water_has_none(flat):
    red, infrared = flat(sensors.rgb, Material.GRASS)[0], flat(sensors.nir, Material.GRASS)[0]
    assert flat(sensors.rgb, Material.GRASS).argmax() == 1
    assert infrared > 5 * flat(sensors.nir, Material.WATER)[0]
    assert flat(sensors.rgb, Material.SOIL)[0] > red
    assert infrared > flat(sensors.nir, Material.SOIL)[0] > flat(sensors.nir, Material.ASPHALT)[0]


def test_sealed_and_bare_ground_is_warm_plants_and_water_are_cool(flat):
    order = [Material.WATER, Material.BROADLEAF, Material.GRASS, Material.SOIL, Material.ASPHALT]
    warmth = [flat(sensors.thermal, material)[0] for material in order]
    assert warmth == sorted(warmth)
    assert 16_384 > max(warmth) > min(warmth) > 0


def test_radar_sees_smooth_surfaces_dark_and_canopies_bright(flat):
    order = [Material.WATER, Material.ASPHALT, Material.SOIL, Material.BROADLEAF]
    backscatter = [flat(sensors.sar, material)[0] for material in order]
    assert backscatter == sorted(backscatter)


def test_walls_facing_the_radar_shine_and_those_behind_lie_in_its_shadow(flight):
    land = Terrain(np.random.default_rng(2), SIZE, Material.GRASS)
    middle = SIZE / 2
    land.build([Block(middle, middle, 14.0, 14.0, 0.0, 10.0)], Material.CONCRETE)
    image = sensors.sar(land, dataclasses.replace(flight, radar_azimuth=np.pi))[0]  # from the west
    row = image[28:36].mean(axis=0)
    facing, behind, open_ground = row[23:27].max(), row[40:43].min(), row[:15].mean()
    assert facing > open_ground + 8.0
    assert behind < open_ground - 5.0


def test_speckle_has_the_spread_of_its_looks(flight):
    land = Terrain(np.random.default_rng(3), SIZE, Material.SOIL)
    land.variation[:] = 0.0
    power = 10.0 ** (sensors.sar(land, flight)[0] / 10.0)
    assert power.std() / power.mean() == pytest.approx(1.0 / np.sqrt(flight.looks), rel=0.05)


def test_a_shadow_falls_away_from_the_sun_and_is_as_long_as_its_height_asks():
    height = np.zeros((40, 40), np.float32)
    height[18:22, 18:22] = 10.0
    seen, _ = lit(height, 2.0, 0.0, np.radians(45.0))  # sun in the east, 45 degrees: shadow of 10 m = 5 pixels
    assert seen[20, 14:17].max() < 0.5
    assert seen[20, 24:].min() == 1.0
    assert seen[20, :12].min() == 1.0


@pytest.fixture(scope="module")
def seen():
    """120 places of the task: what every sensor makes of each, standardised as a run would, and the classes."""
    places = sites("check", TASK, 20)
    images = {name: [] for name in ("rgb", "nir", "thermal", "sar")}
    for place in places:
        land, flight = place.see(3)
        for name, collected in images.items():
            collected.append(getattr(sensors, name)(land, flight))
    truth = np.array([list(TASK).index(place.class_name) for place in places])
    return {name: np.stack(some).astype(np.float32) for name, some in images.items()}, truth


@pytest.fixture(scope="module")
def source(project):
    return open_source(project / "resources" / "sample" / "source_model.safetensors")


def features(source, name, values):
    if name == "rgb":
        mean, std = (np.array(part, np.float32)[:, None, None] for part in (source.inputs.mean, source.inputs.std))
        standardised = (values / 255.0 - mean) / std
    else:
        low, high = np.percentile(values, (2.0, 98.0))
        stretched = np.clip((values - low) / (high - low), 0.0, 1.0)
        standardised = (stretched - stretched.mean()) / stretched.std()
    with torch.inference_mode():
        return source.encoder(torch.from_numpy(standardised.astype(np.float32)).expand(-1, 3, -1, -1))


def accuracy(source, found, truth):
    with torch.inference_mode():
        return float((source.head(found).argmax(dim=1).numpy() == truth).mean())


def test_the_shipped_model_knows_rgb_and_is_small(source, seen, project):
    images, truth = seen
    assert accuracy(source, features(source, "rgb", images["rgb"]), truth) >= 0.93
    assert (project / "resources" / "sample" / "source_model.safetensors").stat().st_size < 3_000_000
    assert source.report.normalisation_layers.keys() == {"BatchNorm2d"}


@pytest.mark.parametrize(("sensor", "learnable"), [("nir", 0.8), ("sar", 0.8), ("thermal", 0.6)])
def test_the_shipped_model_fails_on_a_sensor_that_does_show_the_classes(source, seen, sensor, learnable):
    """Its own features, read by a linear rule learned from labels, do far better than its own last layer."""
    images, truth = seen
    found = features(source, sensor, images[sensor])
    untouched = accuracy(source, found, truth)
    rule = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    learned = cross_val_score(rule, found.numpy(), truth, cv=4).mean()
    assert 0.2 < untouched < 0.65
    assert learned > learnable
    assert learned > untouched + 0.2
