"""The measurements of folders and epochs are made, leave nothing behind, and compare like with like."""

import os

from bandbridge.engine.api.cache_folder import FOLDER_VARIABLE
from bandbridge.engine.benchmark import folder
from bandbridge.engine.benchmark.folder import folder_rates
from bandbridge.engine.imagery.reading.image_cache import ImageCache


def test_a_small_folder_gives_every_figure(monkeypatch):
    monkeypatch.setattr(folder, "SETTLED_S", 0.0)
    monkeypatch.setattr("bandbridge.engine.imagery.reading.identity.SETTLED_S", 0.0)
    found = {one.name: one for one in folder_rates(count=40)}
    assert all(one.value > 0 for one in found.values())
    assert found["folder/first-epoch"].value <= found["folder/later-epoch"].value
    assert FOLDER_VARIABLE not in os.environ
    assert not ImageCache.of_user().folder.path.exists()
