from pathlib import Path
from urllib.parse import unquote

from bandbridge.engine.imagery.names.tile import grid_word, tile_name, tile_of


def test_another_scene_is_named_as_seen_from_the_first(tmp_path):
    for name in ("rgb/a b.tif", "nir/größe@1.tif", "rgb/c.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    rgb = tmp_path / "rgb" / "a b.tif"
    for other in ("rgb/c.tif", "nir/größe@1.tif"):
        word = grid_word(rgb, tmp_path / other)
        assert "/" not in word
        tile = tile_of(rgb / tile_name(5, 7, 64, word))
        assert (tile.row, tile.column, tile.size_px) == (5, 7, 64)
        assert tile.grid.samefile(tmp_path / other)
    (tmp_path / "link").symlink_to(tmp_path / "rgb", target_is_directory=True)
    assert Path(unquote(grid_word(tmp_path / "link" / "c.tif", tmp_path / "nir" / "größe@1.tif"))).is_absolute() or (
        tile_of(
            tmp_path
            / "link"
            / "c.tif"
            / tile_name(0, 0, 8, grid_word(tmp_path / "link" / "c.tif", tmp_path / "nir" / "größe@1.tif"))
        ).grid.samefile(tmp_path / "nir" / "größe@1.tif")
    )
