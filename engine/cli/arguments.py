"""The command line's words: every verb with its options, help and examples."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from bandbridge.engine.api.catalogue import DEFAULT_METHOD, METHODS
from bandbridge.engine.api.config import SURROUNDINGS, StretchRule
from bandbridge.engine.api.sensor_profiles import parse_stretch
from bandbridge.engine.api.video_catalogue import DEFAULT_VIDEO_METHOD, VIDEO_METHODS

_EXAMPLES = {
    "open": """
  bandbridge open landscape-project
""",
    "sample": """
  bandbridge sample landscape
  bandbridge sample landscape-2 --seed 2
  bandbridge sample clips --video                        moving scenes with sound instead
  bandbridge sample clips-clean --video --noise 0 --clips-per-class 40
""",
    "train-source": """
  bandbridge train-source photos -o photos.safetensors
  bandbridge train-source patches -o patches.safetensors --rgb-bands 4,3,2 --classes Forest,River,Highway
  bandbridge train-source patches -o patches.safetensors --architecture resnet50 --weights resnet50.pth --size 128
""",
    "inspect": """
  bandbridge inspect model.pth                    what the program sees in a model file
  bandbridge inspect model.onnx --class-names names.txt
  bandbridge inspect thermal                      what it sees in a folder of images
  bandbridge inspect rgb thermal                  how two folders pair up
  bandbridge inspect scene.tif --tile 64          how large a scene and its tiles are, without reading it
  bandbridge inspect rgb.tif nir.tif              the tiles two scenes of one place have in common
""",
    "check": """
  bandbridge check --pairs rgb nir --target fields/nir
  bandbridge check --pairs scenes scenes --rgb-bands 4,3,2 --sensor-bands 8 --target fields --json found.json
  bandbridge check --pairs rgb thermal --csv found.csv --shifts shifts.csv
  bandbridge check --target thermal --no-data 0

Looked for: files that cannot be read or do not fit the rest, images without a partner, constant and clipped images,
images that are there twice, sensor images of the pairs that are among the target images too, pairs whose images are
shifted against each other, values in other units than the rest. Nothing is changed.
The exit code is 0 once the check is done, whatever was found; --json counts the findings by kind.
The table of --shifts, given to adapt as --pair-shifts, moves shifted pairs into place.
""",
    "adapt": """
  bandbridge adapt --source model.safetensors --pairs rgb nir --target fields/nir -o runs/nir
  bandbridge adapt --source a.onnx --source b.onnx --pairs rgb nir --target fields/nir -o runs/mixed --seed 1
  bandbridge adapt --source model.pth --pairs scenes scenes --rgb-bands 4,3,2 --sensor-bands 8 --target fields -o runs/8
  bandbridge adapt --source model.pth --target thermal -o runs/shot --method shot --epochs 30 --set im_weight=0.5
  bandbridge adapt --source model.pth --pairs rgb.tif nir.tif --target big_nir.tif --tile 64 -o runs/scene
  bandbridge adapt --config runs/nir/run.json --seed 2 -o runs/nir-2
  bandbridge adapt --resume runs/nir              goes on where a stopped or interrupted run stood

Ctrl+C once stops and keeps what has been learned; twice stops at once (--resume goes on from the last checkpoint).
""",
    "distill": """
  bandbridge distill clips --teacher sound -o runs/clips --size 64 --width 16 --fps 8
  bandbridge distill clips --teacher sound -o runs/ce --method ce --seed 1 --epochs 30 --size 64 --width 16 --fps 8
  bandbridge distill clips --teacher picture -o runs/tags --size 64 --width 16 --fps 8
  bandbridge distill videos --teacher sound --teacher-features panns.h5 -o runs/panns --set base_temperature=0.2
  bandbridge distill --resume runs/clips          goes on where a stopped or interrupted run stood

VIDEO_DIR holds class folders, perhaps in the folders train, validation and test; or a list, clips.csv or clips.json,
with the columns file, label, split. Without splits, a fifth of each class is kept aside for validation and a fifth
for testing. 'sound' teaches a network for pictures, 'picture' one for sound.
Ctrl+C once stops and keeps what has been learned; twice stops at once (--resume goes on from the last checkpoint).
""",
    "retrieve": """
  bandbridge retrieve runs/clips new/film.mp4 -k 5
  bandbridge retrieve runs/clips Rain/test-03.mp4         a clip of the run, by its name
  bandbridge retrieve runs/clips new --json found.json    every clip of a folder
""",
    "compare": """
  bandbridge compare --source model.safetensors --pairs rgb nir --target fields/nir -o compared
  bandbridge compare --source model.pth --target thermal --methods source-only,bn-adapt,shot --seeds 0-4 -o compared
  bandbridge compare --config runs/nir/run.json --methods shot,socket --set socket.pairs_weight=1 -o compared
  bandbridge compare --clips clips --teacher sound --methods ce,kd,mnf-csc --seeds 0-4 --size 64 --width 16 -o compared

The methods get the same data, epochs and batch size; every run is an ordinary run folder in compared/runs. A method
that fails, or that cannot work with what is given, is a line in the table, and the rest goes on.
Ctrl+C stops and keeps what is complete; the same command goes on from there. Methods and seeds may be added later.
""",
    "evaluate": """
  bandbridge evaluate runs/nir labelled/nir
  bandbridge evaluate model.safetensors patches --sensor-bands 8 --json scores.json
  bandbridge evaluate model.onnx patches --class-names names.txt
  bandbridge evaluate runs/clips clips            its test clips; never those it has learned from

A network for clips is measured on the test clips of its run; on other clips, on those for testing where a list or
folders say so, else on all. Name its run folder, not an exported file: the run knows what it has learned from.
""",
    "predict": """
  bandbridge predict runs/nir new/nir -o predictions.csv
  bandbridge predict model.onnx one.tif two.tif
  bandbridge predict runs/scene big_nir.tif --tile 64 -o map.csv      every tile with its place on the map
  bandbridge predict runs/clips new film.mp4 -o said.csv              clips; of tags, all that are likelier than not
""",
    "translate": """
  bandbridge translate runs/bridge new/nir -o pictures
  bandbridge translate runs/bridge scene.tif -o pictures --sensor-bands 8
  bandbridge translate runs/bridge scene.tif -o pictures --sensor-bands 4 --stretch own --no-data 255
  bandbridge translate runs/bridge/translator.safetensors scene.tif -o pictures --tile 1024 --overlap 64 --format tif

RUN is a run of tgkt, translator-only or translator-socket, or the translator.safetensors such a run leaves. Images may
have any size; large ones are worked through in windows, without seams. Colours are guesses: see the manual.
""",
    "export": """
  bandbridge export runs/nir --format onnx -o nir.onnx
  bandbridge export runs/nir --format safetensors -o nir.safetensors
  bandbridge export runs/clips --format onnx -o clips.onnx        takes windows of clips: see the manual
""",
    "cache": """
  bandbridge cache                                where it is, how large it is, how large it may grow
  bandbridge cache --clear

What reading images gave is kept there, so that the next run with the same images does not read them again.
BANDBRIDGE_CACHE_GB=20 lets it grow to 20 GB (0: no cache), BANDBRIDGE_CACHE=/data/cache puts it elsewhere.
""",
    "benchmark": """
  bandbridge benchmark
  bandbridge benchmark epoch window-start --json measured.json
""",
}


_RUN_SETTINGS = "batch_size, learning_rate, held_out, adapter, precision, no_data, stretch_low, stretch_high"


def build_parser() -> argparse.ArgumentParser:
    """The parser of every verb; `verb` in its result names the one chosen."""
    parser = argparse.ArgumentParser(
        prog="bandbridge",
        description="Move a trained RGB image classifier to another sensor. Without a verb, the window opens.",
        epilog="Each verb explains itself: bandbridge adapt --help. Exit code: 0 done, 1 failed, 2 wrong use.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="say the version and end")
    verbs = parser.add_subparsers(dest="verb", title="verbs", metavar="VERB")
    _add_open(verbs)
    _add_sample(verbs)
    _add_train_source(verbs)
    _add_inspect(verbs)
    _add_check(verbs)
    _add_adapt(verbs)
    _add_distill(verbs)
    _add_retrieve(verbs)
    _add_compare(verbs)
    _add_evaluate(verbs)
    _add_predict(verbs)
    _add_translate(verbs)
    _add_export(verbs)
    _add_cache(verbs)
    _add_benchmark(verbs)
    return parser


def _add_open(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "open", "open a project in the window")
    verb.add_argument("project", type=Path, metavar="PROJECT", help="project folder or file")


def _add_sample(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "sample", "make the sample project: a simulated landscape seen by several sensors")
    verb.add_argument("folder", type=Path, metavar="DIR", help="folder to make")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="another landscape (default 0)")
    verb.add_argument("--video", action="store_true", help="make short clips with sound, in ten classes, instead")
    verb.add_argument("--clips-per-class", type=int, metavar="N", help="training clips of a class (default 20)")
    verb.add_argument(
        "--noise",
        type=float,
        metavar="SHARE",
        help="share of the training clips whose sound is drowned, wrong or missing, 0 to 1 (default 0.4)",
    )


def _add_train_source(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "train-source", "train an RGB source model from labelled images, one folder a class")
    verb.add_argument("folder", type=Path, metavar="RGB_DIR", help="folder of class folders")
    verb.add_argument("-o", "--output", type=Path, metavar="MODEL", required=True, help="model file to write")
    verb.add_argument("--architecture", metavar="NAME", help="name in timm's catalogue (default resnet18)")
    verb.add_argument("--weights", type=Path, metavar="FILE", help="model file to start from")
    verb.add_argument("--epochs", type=int, metavar="N", help="passes over the images (default 30)")
    verb.add_argument("--size", type=int, metavar="PX", help="side of the square input (default: the images' own)")
    verb.add_argument("--rgb-bands", type=_bands, metavar="R,G,B", help="bands that are red, green, blue, from 1")
    verb.add_argument("--classes", type=_names, metavar="A,B,...", help="class folders to use (default: all)")
    verb.add_argument("--bottleneck", type=int, metavar="N", help="width of SOCKET's bottleneck (default: none)")
    verb.add_argument("--seed", type=int, metavar="N", help="of everything random (default 0)")
    _add_stretch(verb)
    _add_settings(verb, "batch_size, learning_rate, held_out, no_data, stretch_low, stretch_high")


def _add_inspect(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "inspect", "say what the program sees in a model file or in image folders")
    verb.add_argument("path", type=Path, metavar="FILE_OR_FOLDER", help="model file, scene or folder of images")
    verb.add_argument("sensor", type=Path, metavar="SENSOR_DIR", nargs="?", help="second folder: how both pair up")
    verb.add_argument("--class-names", type=Path, metavar="FILE", help="list of class names for a model file")
    verb.add_argument("--rgb-bands", type=_bands, metavar="R,G,B", help="of the first of two folders")
    verb.add_argument("--sensor-bands", type=_bands, metavar="N,...", help="of the sensor's folder")
    verb.add_argument("--no-data", type=float, metavar="VALUE", help="raw value that means nothing is here")
    _add_profile(verb)
    verb.add_argument("--pair-table", type=Path, metavar="CSV", help="table of the pairs of both folders")
    _add_tiles(verb)


def _add_check(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "check", "look for whatever would harm a run in pairs and target images")
    _add_pairs(verb)
    verb.add_argument(
        "--target", type=Path, metavar="DIR", help="images of the sensor that shall be recognised, or a scene"
    )
    _add_band_choice(verb)
    _add_profile(verb)
    _add_tiles(verb)
    verb.add_argument("--no-data", type=float, metavar="VALUE", help="raw value that means nothing is here")
    verb.add_argument("--csv", type=Path, metavar="FILE", help="table to write: every finding")
    verb.add_argument(
        "--shifts",
        type=Path,
        action="append",
        metavar="FILE",
        help="table to write: the shift of every pair, in pixels; one for each --pairs, in order",
    )


def _add_adapt(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "adapt", "adapt source models to a sensor")
    _add_data(verb)
    verb.add_argument("-o", "--output", type=Path, metavar="RUN", help="run folder to write")
    verb.add_argument(
        "--method",
        choices=[info.key for info in METHODS],
        metavar="NAME",
        help=f"{', '.join(info.key for info in METHODS)} (default {DEFAULT_METHOD})",
    )
    verb.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")
    verb.add_argument("--seed", type=int, metavar="N", help="of everything random (default 0)")
    _add_settings(verb, f"{_RUN_SETTINGS}, or one of the method's own")


_CLIP_SETTINGS = "batch_size, learning_rate, precision, blocks"


def _add_distill(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "distill", "teach a network for moving pictures by their sound, or the other way")
    verb.add_argument("clips", type=Path, metavar="VIDEO_DIR", nargs="?", help="labelled clips, or their list")
    verb.add_argument("-o", "--output", type=Path, metavar="RUN", help="run folder to write")
    verb.add_argument(
        "--method",
        choices=[info.key for info in VIDEO_METHODS],
        metavar="NAME",
        help=f"{', '.join(info.key for info in VIDEO_METHODS)} (default {DEFAULT_VIDEO_METHOD})",
    )
    _add_clip_choice(verb)
    verb.add_argument("--epochs", type=int, metavar="N", help="passes of the student over the clips (default 100)")
    verb.add_argument("--config", type=Path, metavar="FILE", help="JSON file of settings; other options go before it")
    verb.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")
    verb.add_argument("--seed", type=int, metavar="N", help="of everything random (default 0)")
    _add_settings(verb, f"{_CLIP_SETTINGS}, or one of the method's own")


def _add_clip_choice(verb: argparse.ArgumentParser) -> None:
    """What is learned from clips, and by networks of what size."""
    verb.add_argument("--teacher", choices=("sound", "picture"), help="what teaches the other (default sound)")
    verb.add_argument("--task", choices=("auto", "classes", "tags"), help="one class a clip, or tags (default auto)")
    verb.add_argument(
        "--teacher-features",
        type=Path,
        metavar="FILE",
        help="HDF5 file or folder of NPY files with a vector a clip, instead of a teacher trained here",
    )
    verb.add_argument("--fps", type=float, metavar="N", help="pictures a second (default 4)")
    verb.add_argument("--frames", type=int, metavar="N", help="pictures in a window (default 16)")
    verb.add_argument("--size", type=int, metavar="PX", help="side of the square pictures (default 112)")
    verb.add_argument("--width", type=int, metavar="N", help="channels of the networks' first stage (default 64)")


def _add_retrieve(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "retrieve", "find the training clips of a run most similar to others")
    verb.add_argument("run", type=Path, metavar="RUN", help="folder of a distillation")
    verb.add_argument("query", metavar="QUERY", help="clip, folder or list of clips, or name of a clip of the run")
    verb.add_argument("-k", "--count", type=int, default=10, metavar="N", help="clips to find (default 10)")
    _add_device(verb)


def _add_compare(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "compare", "run several methods on the same data with the same budget; one table")
    _add_data(verb)
    verb.add_argument("-o", "--output", type=Path, metavar="DIR", required=True, help="folder for tables and runs")
    verb.add_argument(
        "--methods",
        type=_names,
        metavar="A,B,...",
        help=f"{', '.join(info.key for info in METHODS)}; of clips {', '.join(info.key for info in VIDEO_METHODS)} "
        "(default: all of them)",
    )
    verb.add_argument("--clips", type=Path, metavar="VIDEO_DIR", help="labelled clips: compare methods of distill")
    _add_clip_choice(verb)
    verb.add_argument(
        "--seeds", type=_seeds, metavar="N,...", default=(0, 1, 2), help="a run of every method each (default 0,1,2)"
    )
    _add_settings(
        verb,
        f"{_RUN_SETTINGS}; a method's own as METHOD.KEY=VALUE, or as KEY=VALUE for every method here that has it",
    )


def _add_data(verb: argparse.ArgumentParser) -> None:
    """What is adapted, and for how long."""
    verb.add_argument("--source", type=Path, action="append", metavar="MODEL", help="source model; may be repeated")
    _add_pairs(verb)
    verb.add_argument("--target", type=Path, metavar="DIR", help="images of the sensor, without labels, or a scene")
    verb.add_argument("--class-names", type=Path, metavar="FILE", help="list of class names, in the model's order")
    _add_band_choice(verb)
    _add_profile(verb)
    _add_tiles(verb)
    verb.add_argument("--epochs", type=int, metavar="N", help="passes over the target images (default 15)")
    verb.add_argument("--config", type=Path, metavar="FILE", help="JSON file of settings; other options go before it")


def _add_pairs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--pairs",
        type=Path,
        nargs=2,
        action="append",
        metavar=("RGB_DIR", "SENSOR_DIR"),
        help="folders that show the same scenes, or two scenes of one place; may be repeated, and the same twice",
    )
    verb.add_argument(
        "--pair-table",
        type=Path,
        action="append",
        metavar="CSV",
        help="columns 'rgb' and 'sensor', or a JSON map, where names do not tell; one for each --pairs, in order",
    )
    verb.add_argument(
        "--pair-shifts",
        type=Path,
        action="append",
        metavar="CSV",
        help="table of shifts as 'check --shifts' writes it: its sure pairs are moved into place; one for each --pairs",
    )


def _add_profile(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--sensor-profile",
        metavar="NAME",
        help="what proposes bands, stretch and no-data value where nothing is typed: auto (recognised, the default), "
        "none, or a profile's name such as sar-linear",
    )
    verb.add_argument(
        "--despeckle",
        type=int,
        choices=(0, *SURROUNDINGS),
        metavar="PX",
        help="side of the surroundings of a speckle filter for radar images: 0 (none, the default), 3, 5, 7, 9 or 11",
    )
    _add_stretch(verb)


def _add_stretch(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--stretch",
        type=_stretch,
        metavar="RULE",
        help="raw values that become 0 and 1: percentile:2,98, range:LOW,HIGH, or log:2,98 for values that reach over "
        "powers of ten, as linear radar images do (default: the profile's, else percentile:2,98)",
    )


def _add_tiles(verb: argparse.ArgumentParser, *, drawn: bool = True) -> None:
    """How scenes are cut. Without a word of the person the fields stay None."""
    verb.add_argument("--tile", type=int, metavar="PX", help="side of the tiles scenes are cut into (default 128)")
    verb.add_argument("--tile-overlap", type=int, metavar="PX", help="of neighbouring tiles (default 0)")
    verb.add_argument(
        "--tile-missing", type=float, metavar="SHARE", help="of a tile, from 0 to 1, that may be missing (default 0.5)"
    )
    if drawn:
        verb.add_argument("--tile-most", type=int, metavar="N", help="tiles of a scene at most (default 2000)")


def _add_band_choice(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--rgb-bands", type=_bands, metavar="R,G,B", help="bands that are red, green, blue, from 1")
    verb.add_argument("--sensor-bands", type=_bands, metavar="N,...", help="bands of the sensor (default: all)")


def _add_evaluate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "evaluate", "measure a model on labelled images or clips: accuracy, per class, confusion")
    verb.add_argument("model", type=Path, metavar="MODEL", help="model file or run folder")
    verb.add_argument("folder", type=Path, metavar="LABELLED_DIR", help="folder of class folders; of clips, or a list")
    verb.add_argument("--sensor-bands", type=_bands, metavar="N,...", help="bands of the files (default: the model's)")
    verb.add_argument("--class-names", type=Path, metavar="FILE", help="list of class names, in the model's order")
    _add_device(verb)


def _add_predict(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "predict", "apply a model to images or clips")
    verb.add_argument("model", type=Path, metavar="MODEL", help="model file or run folder")
    verb.add_argument(
        "paths", type=Path, nargs="+", metavar="IMAGE_OR_DIR", help="images, scenes, clips, lists of clips or folders"
    )
    verb.add_argument("-o", "--output", type=Path, metavar="CSV", help="table to write")
    verb.add_argument("--sensor-bands", type=_bands, metavar="N,...", help="bands of the files (default: the model's)")
    _add_tiles(verb, drawn=False)
    verb.add_argument("--class-names", type=Path, metavar="FILE", help="list of class names, in the model's order")
    _add_device(verb)


def _add_translate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "translate", "turn sensor images and scenes into RGB-like pictures with a run's translator")
    verb.add_argument("run", type=Path, metavar="RUN", help="run folder with a translator, or a translator file")
    verb.add_argument("paths", type=Path, nargs="+", metavar="IMAGE_OR_DIR", help="images or folders of images")
    verb.add_argument(
        "-o", "--output", type=Path, metavar="DIR", required=True, help="folder for the pictures; nothing is replaced"
    )
    verb.add_argument("--sensor-bands", type=_bands, metavar="N,...", help="bands of the files (default: the run's)")
    verb.add_argument("--no-data", type=float, metavar="VALUE", help="raw value that means nothing is here")
    verb.add_argument(
        "--stretch",
        choices=("run", "own"),
        default="run",
        help="how raw values become 0..1: as in the run, or measured anew on these images, which suits images of "
        "another number type or scale (default run)",
    )
    verb.add_argument(
        "--format",
        choices=("auto", "png", "tif"),
        default="auto",
        help="of the pictures; auto: GeoTIFF for images with a place on the map, else PNG (default auto)",
    )
    verb.add_argument("--tile", type=int, default=512, metavar="PX", help="side of a window (default 512)")
    verb.add_argument("--overlap", type=int, default=64, metavar="PX", help="of neighbouring windows (default 64)")
    _add_device(verb)


def _add_export(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "export", "write a model file for others and check it against the model it came from")
    verb.add_argument("source", type=Path, metavar="RUN_OR_MODEL", help="run folder or model file")
    verb.add_argument("--format", choices=("safetensors", "onnx"), required=True, help="of the file to write")
    verb.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="file to write")


def _add_cache(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "cache", "say how large the cache of images is, or empty it")
    verb.add_argument("--clear", action="store_true", help="delete everything in it")


def _add_benchmark(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _add_verb(verbs, "benchmark", "run this project's own measurements")
    verb.add_argument("names", nargs="*", metavar="NAME", help="which of them (default: all)")


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, sentence: str
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(
        name,
        help=sentence,
        description=f"{sentence[0].upper()}{sentence[1:]}.",
        epilog=f"examples:{_EXAMPLES[name]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if name != "open":
        verb.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    verb.add_argument("--debug", action="store_true", help="show the technical details of a failure")
    return verb


def _add_settings(verb: argparse.ArgumentParser, keys: str) -> None:
    verb.add_argument("--set", type=_setting, action="append", metavar="KEY=VALUE", help=keys)
    _add_device(verb)


def _add_device(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--device", choices=("auto", "cpu", "cuda"), help="where to compute (default auto)")


def _bands(text: str) -> tuple[int, ...] | tuple[str, ...]:
    """Band numbers such as "4,3,2" or "11-13", or names such as "B04,B03,B02"; `requests.job_of` looks names up."""
    names = tuple(part.strip() for part in text.split(","))
    if all(re.fullmatch(r"[A-Za-z]\w*", name) for name in names):
        return names
    bands = _whole_numbers(text)
    if not bands or min(bands) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of bands such as 4,3,2 or 11-13 (the first band is 1)")
    return bands


def _stretch(text: str) -> StretchRule:
    try:
        return parse_stretch(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no stretch such as percentile:2,98, range:0,4000 or log:2,98 (the lower value first)"
        ) from error


def _seeds(text: str) -> tuple[int, ...]:
    """Seeds such as "0,1,2" or "0-4"."""
    seeds = _whole_numbers(text)
    if not seeds:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of seeds such as 0,1,2 or 0-4")
    return seeds


def _whole_numbers(text: str) -> tuple[int, ...]:
    """Numbers and ranges, () if it is something else."""
    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
    except ValueError:
        return ()
    return tuple(numbers)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise argparse.ArgumentTypeError("no names in it")
    return names


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form key=value")
    return key.strip(), value.strip()
