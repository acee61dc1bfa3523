import pytest
from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.models.class_list import names_in, read_class_list

NAMES = ("forest", "sea, lake", "Straße")


@pytest.mark.parametrize(
    "text",
    [
        'forest\n"sea, lake"\nStraße\n',
        "forest\nsea, lake\n\nStraße",
        'class\nforest\n"sea, lake"\nStraße\n',
        '0,forest\n1,"sea, lake"\n2,Straße\n',
        'index,name\n2,Straße\n0,forest\n1,"sea, lake"\n',
        '1,forest\n2,"sea, lake"\n3,Straße\n',
        '\ufeffindex,name,colour\r\n0,forest,green\r\n1,"sea, lake",blue\r\n2,Straße,grey\r\n',
    ],
)
def test_lists_of_every_kind(tmp_path, text):
    path = tmp_path / "classes.csv"
    path.write_text(text, encoding="utf-8")
    assert read_class_list(path, 3) == NAMES


def test_list_of_another_length_is_refused(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("a\nb\n")
    with pytest.raises(ModelError, match="names 2 classes, but the model has 5"):
        read_class_list(path, 5)


def test_unreadable_list_is_refused(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ModelError, match="cannot be read"):
        read_class_list(path, 5)
    with pytest.raises(ModelError, match="cannot be read"):
        read_class_list(tmp_path / "nowhere.txt", 5)


@pytest.mark.parametrize(
    "metadata",
    [
        {"classes": ["a", "b"]},
        {"names": "{0: 'a', 1: 'b'}"},
        {"class_to_idx": {"b": 1, "a": 0}},
        {"idx_to_class": {1: "b", 0: "a"}},
        {"id2label": {"0": "a", "1": "b"}},
        {"classes": ["only one"], "label_names": ("a", "b")},
    ],
)
def test_names_in_metadata(metadata):
    assert names_in(metadata, 2) == (("a", "b"), "")


def test_names_that_do_not_fit_are_not_used_but_told():
    names, note = names_in({"classes": ["a", "b", "c"]}, 2)
    assert names is None
    assert "names 3 classes, but its last layer has 2" in note
    assert names_in({"classes": "not a list", "names": [1, 2]}, 2) == (None, "")
