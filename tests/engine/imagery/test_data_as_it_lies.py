"""Every real data set is understood without anything typed: pairs, bands, units, stretch."""

import pytest
from bandbridge.engine.api.config import PairFolders, StretchRule
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.jobs import ScanPairs
from bandbridge.engine.imagery.pairing import scan_pairs

USUAL = StretchRule()


@pytest.mark.parametrize(
    ("rgb", "sensor", "pairs", "rgb_bands", "sensor_bands", "unit"),
    [
        ("eurosat_ms", "eurosat_ms", 200, [4, 3, 2], [8], "reflectance counts"),
        ("sentinel2_rgb_nir_pairs/rgb", "sentinel2_rgb_nir_pairs/nir", 100, [1, 2, 3], [1], "counts"),
        ("road_rgb_thermal/rgb", "road_rgb_thermal/thermal", 16, [1, 2, 3], [1], "grey levels"),
        (
            "bigearthnet_s1_s2/BigEarthNet-S2-Example",
            "bigearthnet_s1_s2/BigEarthNet-S1-Example",
            6,
            [4, 3, 2],
            [1, 2],
            "dB",
        ),
    ],
)
def test_pairs_are_read_as_they_lie(rgb, sensor, pairs, rgb_bands, sensor_bands, unit, shared_data):
    folders = PairFolders(rgb=str(shared_data(rgb)), sensor=str(shared_data(sensor)))
    report = scan_pairs(ScanPairs(folders=folders), Control(), [].append)
    assert len(report.pairs) == pairs
    assert [one.band for one in report.rgb.histograms] == rgb_bands
    assert [one.band for one in report.sensor.histograms] == sensor_bands
    assert report.sensor.sensor.unit == unit
    assert report.sensor.stretch == USUAL
    assert not [finding for finding in report.findings if finding.severity != "note"]
