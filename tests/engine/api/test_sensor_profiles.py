import pytest
from bandbridge.engine.api.config import StretchRule
from bandbridge.engine.api.sensor_profiles import parse_stretch, read_profiles, sensor_profiles

GOOD = """
[[sensor]]
key = "sonar"
title = "Sonar"
told = "the word `sonar`"
words = ["sonar"]
types = ["8 bit"]
unit = "grey levels"
stretch = "log:1,99"
sensor = "Echo"
groups = [{ title = "Echo", bands = [2] }]
"""


def test_every_profile_of_the_table_is_sound_and_has_a_key_of_its_own():
    keys = [profile.key for profile in sensor_profiles()]
    assert len(keys) == len(set(keys)) >= 20
    assert all(profile.stretch.kind != "auto" for profile in sensor_profiles())


def test_a_profile_is_read_from_text():
    (sonar,) = read_profiles(GOOD)
    assert sonar.stretch == StretchRule(kind="log", low_percent=1, high_percent=99)
    assert sonar.groups[0].bands == (2,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('unit = "grey levels"', ""),
        ('stretch = "log:1,99"', 'stretch = "warp:1,99"'),
        ('stretch = "log:1,99"', 'stretch = "range:5,1"'),
        ('words = ["sonar"]', ""),
        ('words = ["sonar"]', 'words = ["Sonar"]'),
        ('types = ["8 bit"]', 'types = ["complex"]'),
        ('sensor = "Echo"', 'sensor = "Gone"'),
        ('key = "sonar"', 'key = "auto"'),
        ('key = "sonar"', 'key = "sonar"\nflavour = "new"'),
        ("bands = [2]", 'bands = [2], names = ["B2"]'),
        ("[[sensor]]", "[[sensors]]"),
    ],
)
def test_a_table_that_is_none_is_refused(old, new):
    with pytest.raises((ValueError, KeyError)):
        read_profiles(GOOD.replace(old, new))
    with pytest.raises(ValueError, match="key of their own"):
        read_profiles(GOOD + GOOD)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("log", StretchRule(kind="log")),
        ("percentile:0,100", StretchRule(low_percent=0, high_percent=100)),
        ("range:-20,40.5", StretchRule(kind="range", low_value=-20, high_value=40.5)),
    ],
)
def test_a_stretch_is_typed(text, rule):
    assert parse_stretch(text) == rule
