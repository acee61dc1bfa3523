import subprocess

from bandbridge.engine.imagery.reading.in_hand import TRIAL
from bandbridge.engine.imagery.trial import read_all


def test_the_trial_reads_whole_images_and_parts_and_bears_damage(tmp_path, write_tiff, noise):
    read_all(write_tiff("x.tif", noise((1, 30, 30)), tiled=True, blockxsize=16, blockysize=16))
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    read_all(tmp_path / "cut.png")
    read_all(tmp_path / "gone.png")
    assert subprocess.run([*TRIAL, str(tmp_path / "x.tif")], check=False).returncode == 0
