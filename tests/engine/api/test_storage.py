"""Places to write to, told before the work."""

import pytest
from bandbridge.engine.api.errors import StorageError
from bandbridge.engine.api.storage import check_writable


def test_a_place_nobody_can_write_to_is_refused_beforehand(tmp_path, monkeypatch):
    check_writable(tmp_path / "new" / "folders" / "x.csv")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="is a file, no folder"):
        check_writable(tmp_path / "file" / "x.csv")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StorageError, match="It cannot be") as caught:
        check_writable(tmp_path / "x.csv", "It cannot be.")
    assert str(tmp_path) in caught.value.why
    assert caught.value.do
