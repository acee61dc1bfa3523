"""The manual's table of sensors says what the data says."""

from pathlib import Path

from bandbridge.engine.api.sensor_profiles import SensorProfile, sensor_profiles


def row(profile: SensorProfile) -> str:
    groups = {group.title: group for group in profile.groups}
    chosen = groups.get(profile.sensor)
    bands = "all" if chosen is None else f"{chosen.title} ({', '.join(chosen.names or map(str, chosen.bands))})"
    no_data = "" if profile.no_data is None else f"{profile.no_data:g}"
    return (
        f"| `{profile.key}` | {profile.title} | {profile.told} | {bands} | {profile.stretch.in_words()} | "
        f"{profile.unit} | {no_data} |"
    )


def test_the_manual_lists_every_profile_as_it_is(project: Path):
    text = (project / "resources" / "manual" / "images.md").read_text(encoding="utf-8")
    expected = [row(profile) for profile in sensor_profiles()]
    start = text.index("| profile | title |")
    table = text[start : text.index("\n\n", start)].splitlines()
    assert table[2:] == expected, "\n".join(expected)
