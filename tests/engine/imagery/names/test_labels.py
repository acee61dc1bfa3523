from bandbridge.engine.imagery.names.labels import class_of, match_classes


def test_the_class_is_the_top_folder():
    assert class_of("Forest/a/1.tif") == "Forest"
    assert class_of("1.tif") is None


def test_folders_match_class_names_however_they_are_written():
    names = ["annual_crop/1.tif", "Sea Lake/2.tif", "sealake/3.tif", "Desert/4.tif", "5.tif"]
    assert match_classes(names, ["AnnualCrop", "Sea-Lake"]).tolist() == [0, 1, 1, -1, -1]


def test_no_images_give_an_empty_row():
    assert match_classes([], ["a"]).shape == (0,)
