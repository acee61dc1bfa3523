"""Training a source model: from class folders to a model file that opens again."""

import itertools

import cv2
import numpy as np
import pytest
import rasterio
import torch
from bandbridge.engine.api.config import TrainSourceConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import BandbridgeError, ImageError, ModelError, Stopped, UsageError
from bandbridge.engine.api.events import EpochEnd, Losses, Notice, Progress, TrainingStarted
from bandbridge.engine.api.jobs import TrainSource
from bandbridge.engine.imagery.reader import read_image
from bandbridge.engine.methods.supervised import Supervised, one_cycle
from bandbridge.engine.models.sensor_model import SensorModel
from bandbridge.engine.models.source import open_source
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.worker.labelled import find_labelled
from bandbridge.engine.worker.train_source import train_source
from torch import nn

COLOURS = {"blue": (40, 60, 200), "green": (50, 180, 60), "red": (200, 50, 40)}
SMALL = "test_efficientnet"


def picture(colour, seed, size=32, scale=1):
    random = np.random.default_rng(seed)
    return (np.array(colour) * scale + random.normal(0.0, 20.0 * scale, (size, size, 3))).clip(0, 255 * scale)


@pytest.fixture
def colours(tmp_path):
    """Class folders of noisy plain colours: `colours(images_a_class, size)`."""

    def make(count=8, size=32, folder="colours"):
        for label, (name, colour) in enumerate(COLOURS.items()):
            (tmp_path / folder / name).mkdir(parents=True)
            for number in range(count):
                image = picture(colour, 100 * label + number, size).astype(np.uint8)
                cv2.imwrite(str(tmp_path / folder / name / f"{number}.png"), image[..., ::-1])
        return tmp_path / folder

    return make


@pytest.fixture
def run(tmp_path):
    """Train and return report and events; settings override the quick ones here."""

    def train(folder, *, control=None, events=None, output="model.safetensors", **settings):
        quick = {"architecture": SMALL, "epochs": 15, "batch_size": 8, "learning_rate": 3e-3, "device": "cpu"}
        config = TrainSourceConfig(folder=str(folder), output=str(tmp_path / output), **(quick | settings))
        events = [] if events is None else events
        return train_source(TrainSource(config=config), events.append, control or Control()), events

    return train


def weights(path):
    source = open_source(path)
    return {**source.encoder.state_dict(), **{f"head.{k}": v for k, v in source.head.state_dict().items()}}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_model_is_learned_written_and_opens_again_with_the_same_answers(colours, run):
    folder = colours()
    report, events = run(folder)
    assert report.class_names == ("blue", "green", "red")
    assert report.held_out.images == 6
    assert report.held_out.accuracy == 1.0
    assert (report.images, report.architecture, report.stopped_early) == (24, SMALL, False)

    source = open_source(report.model)
    assert source.spec.name == SMALL
    assert source.class_names == report.class_names
    assert source.report.names_known
    assert (source.inputs.size_px, source.inputs.dtype, source.inputs.stretch) == (32, "uint8", None)
    model = SensorModel.from_source(source)
    for label, name in enumerate(report.class_names):
        raw = torch.from_numpy(read_image(folder / name / "0.png"))[None]
        assert int(model(raw).argmax()) == label

    started = [event for event in events if isinstance(event, TrainingStarted)]
    assert [(event.steps, event.steps_per_epoch) for event in started] == [(45, 3)]
    assert [event.epoch for event in events if isinstance(event, EpochEnd)] == list(range(16))
    losses = [event for event in events if isinstance(event, Losses)]
    assert losses[-1].steps.tolist() == [45]
    assert np.isfinite(losses[-1].values["cross-entropy"]).all()
    assert [event for event in events if isinstance(event, Progress)][-1].fraction == 1.0
    sizes = [event.text for event in events if isinstance(event, Notice) and "pixels" in event.text]
    assert sizes == ["Images enter at 32 x 32 pixels, their own size; test_efficientnet would take 160."]


def test_mean_and_deviation_are_those_of_the_training_images(colours, run):
    folder = colours()
    report, _ = run(folder, epochs=1)
    files = find_labelled(TrainSourceConfig(folder=str(folder), output=""), [].append, Control())
    learned = [name for name, aside in zip(files.names, files.held_out, strict=True) if not aside]
    values = np.stack([read_image(folder / name) for name in learned]) / 255.0
    inputs = open_source(report.model).inputs
    assert inputs.mean == pytest.approx(values.mean(axis=(0, 2, 3)), abs=1e-4)
    assert inputs.std == pytest.approx(values.std(axis=(0, 2, 3)), abs=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(colours, run):
    folder = colours()
    first, second, other = (
        weights(run(folder, epochs=1, output=f"{n}.safetensors", seed=seed)[0].model)
        for n, seed in enumerate((0, 0, 1))
    )
    assert same(first, second)
    assert not same(first, other)


def test_images_kept_aside_are_never_learned_from(colours, run):
    folder = colours()
    files = find_labelled(TrainSourceConfig(folder=str(folder), output=""), [].append, Control())
    before = weights(run(folder, epochs=1, output="before.safetensors")[0].model)
    for name, aside in zip(files.names, files.held_out, strict=True):
        if aside:
            cv2.imwrite(str(folder / name), np.full((32, 32, 3), 255, np.uint8))
    report, _ = run(folder, epochs=1, output="after.safetensors")
    assert same(before, weights(report.model))
    assert report.held_out.accuracy < 1.0


def test_deeper_images_are_stretched_by_the_training_images_and_the_stretch_is_frozen(tmp_path, run):
    folder = tmp_path / "deep"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(4):
            image = picture(colour, number, scale=40).astype(np.uint16)
            cv2.imwrite(str(folder / name / f"{number}.tif"), image[..., ::-1])
    files = find_labelled(TrainSourceConfig(folder=str(folder), output=""), [].append, Control())
    learned = [name for name, aside in zip(files.names, files.held_out, strict=True) if not aside]
    for name in set(files.names) - set(learned):
        cv2.imwrite(str(folder / name), np.full((32, 32, 3), 60_000, np.uint16))
    inputs = open_source(run(folder)[0].model).inputs
    values = np.stack([read_image(folder / name) for name in learned]).transpose(1, 0, 2, 3).reshape(3, -1)
    assert inputs.dtype == "uint16"
    assert inputs.stretch.low == pytest.approx(np.percentile(values, 2, axis=1))
    assert inputs.stretch.high == pytest.approx(np.percentile(values, 98, axis=1))


def test_bands_are_chosen_by_number_and_remembered(tmp_path, run):
    folder = tmp_path / "multi"
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(6):
            values = np.full((5, 32, 32), 128, np.uint8)
            values[[4, 2, 0]] = picture(colour, number).astype(np.uint8).transpose(2, 0, 1)
            with rasterio.open(
                folder / name / f"{number}.tif",
                "w",
                driver="GTiff",
                width=32,
                height=32,
                count=5,
                dtype="uint8",
                transform=rasterio.Affine(2.0, 0.0, 0.0, 0.0, -2.0, 0.0),
            ) as image:
                image.write(values)
    inputs = open_source(run(folder, rgb_bands=(5, 3, 1), epochs=1)[0].model).inputs
    assert inputs.bands == (5, 3, 1)
    assert inputs.mean == pytest.approx(np.mean(list(COLOURS.values()), axis=0) / 255.0, abs=0.02)


@pytest.mark.parametrize(("side", "expected"), [(20, 32), (72, 64), (100, 96), (400, 160)])
def test_the_size_is_the_images_own_but_at_most_the_networks(colours, run, side, expected):
    report, _ = run(colours(count=2, size=side), epochs=1)
    assert open_source(report.model).inputs.size_px == expected


def test_a_size_asked_for_is_taken(colours, run):
    assert open_source(run(colours(count=2), epochs=1, size_px=48)[0].model).inputs.size_px == 48


def test_the_bottleneck_is_kept_and_its_normalised_head_becomes_a_plain_one(colours, run):
    report, _ = run(colours(), bottleneck=16)
    source = open_source(report.model)
    assert source.spec.bottleneck == 16
    assert type(source.head) is nn.Linear
    assert source.head.in_features == 16
    assert report.held_out.accuracy >= 0.8


def test_folding_the_normalised_head_changes_no_answer():
    torch.manual_seed(0)
    bank = ImageBank(np.zeros((1, 3, 4, 4), np.uint16), (0.0,) * 3, (1.0,) * 3, torch.device("cpu"))
    stage = Supervised(
        nn.Flatten(),
        nn.Linear(48, 3),
        learning_rate=0.1,
        bank=bank,
        held_out=np.zeros(0, np.int64),
        control=Control(),
        normalised_head=True,
    )
    features, trained = torch.randn(5, 48), stage.modules()["head"]
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(torch.randn_like(parameter))
        before = trained(features)
        torch.testing.assert_close(stage.plain_head()(features), before)


def test_the_rate_climbs_to_its_peak_and_falls_to_almost_nothing():
    rates = [one_cycle(done) for done in np.linspace(0.0, 1.0, 101)]
    assert rates[0] == pytest.approx(0.04)
    assert int(np.argmax(rates)) == 30
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1e-4)
    assert all(a <= b for a, b in itertools.pairwise(rates[:31]))
    assert all(a >= b for a, b in itertools.pairwise(rates[30:]))


def test_training_may_start_from_a_model_of_other_classes(colours, run):
    folder = colours()
    start, _ = run(folder, output="start.safetensors", classes=("red", "blue"))
    assert start.class_names == ("red", "blue")
    report, _ = run(folder, architecture=None, weights=start.model, epochs=1, learning_rate=1e-9)
    assert (report.architecture, len(report.class_names)) == (SMALL, 3)
    before, after = weights(start.model), weights(report.model)
    convolutions = [name for name in before if before[name].ndim == 4]
    assert convolutions
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in convolutions)


def test_an_unreadable_image_is_set_aside_by_name(colours, run):
    folder = colours()
    (folder / "red" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    report, events = run(folder, epochs=1)
    assert [finding.file for finding in report.set_aside] == ["red/0.png"]
    assert report.images == 23
    assert any("red/0.png" in event.text for event in events if isinstance(event, Notice))


def test_an_image_outside_the_class_folders_is_set_aside(colours, run):
    folder = colours()
    (folder / "green" / "0.png").rename(folder / "loose.png")
    assert [finding.file for finding in run(folder, epochs=1)[0].set_aside] == ["loose.png"]


def leave_one(folder):
    for file in sorted((folder / "red").iterdir())[1:]:
        file.unlink()


def empty(folder):
    for file in folder.rglob("*.png"):
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "settings", "error", "words"),
    [
        (leave_one, {}, ImageError, "'red' has one usable image"),
        (empty, {}, ImageError, "holds no images"),
        (None, {"classes": ("red",)}, ImageError, "fewer than two classes"),
        (None, {"classes": ("red", "purple")}, UsageError, "'purple'.*blue, green, red"),
        (None, {"architecture": "resnet81"}, ModelError, "nearest names are: resnet"),
        (None, {"architecture": "test_vit", "size_px": 8}, ModelError, "cannot take images of 8 x 8"),
        (None, {"rgb_bands": (1, 2)}, UsageError, "Three bands"),
        (None, {"epochs": 0}, UsageError, "epochs"),
        (None, {"batch_size": 1}, UsageError, "batch size"),
    ],
)
def test_what_cannot_work_is_refused_in_words(colours, run, tmp_path, spoil, settings, error, words):
    folder = colours(count=3)
    if spoil:
        spoil(folder)
    with pytest.raises(error, match=words) as caught:
        run(folder, **settings)
    assert isinstance(caught.value, BandbridgeError)
    assert caught.value.do
    assert not (tmp_path / "model.safetensors").exists()


def test_weights_of_another_network_are_refused(colours, run):
    folder = colours(count=3)
    start, _ = run(folder, output="start.safetensors", epochs=1)
    with pytest.raises(ModelError, match="They are of 'test_efficientnet'"):
        run(folder, architecture="test_resnet", weights=start.model)


@pytest.fixture
def interrupted(run):
    """Train, and give a command when the second epoch is over: `interrupted(command, folder)`."""

    def train(command, folder):
        events = []

        def poll():
            late = any(isinstance(event, EpochEnd) and event.epoch == 2 for event in events)
            return commands.pop() if late and commands else None

        commands = [command]
        return run(folder, control=Control(poll), events=events, epochs=50)

    return train


def test_stop_and_keep_writes_what_was_learned_so_far(colours, interrupted):
    report, events = interrupted("stop_keep", colours())
    assert report.stopped_early
    assert report.held_out is not None
    assert open_source(report.model).class_names == report.class_names
    assert max(event.epoch for event in events if isinstance(event, EpochEnd)) == 2


def test_stop_writes_nothing(colours, interrupted, tmp_path):
    with pytest.raises(Stopped):
        interrupted("stop", colours())
    assert not (tmp_path / "model.safetensors").exists()
