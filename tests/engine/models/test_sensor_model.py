import numpy as np
import pytest
import torch
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.adapter import sensor_encoder
from bandbridge.engine.models.sensor_model import SensorModel, resize
from torch.nn.functional import interpolate


def adapted(sources, bands=1, *, no_data=None, dtype="uint16", mixing=None, curve="linear"):
    stretch = Stretch((100.0,) * bands, (3000.0,) * bands, (0.4,) * bands, (0.2,) * bands, curve)
    encoders = [sensor_encoder(source, bands, "auto")[0].eval() for source in sources]
    return SensorModel.adapted(
        sources=sources,
        encoders=encoders,
        mixing=torch.ones(len(sources)) / len(sources) if mixing is None else mixing,
        stretch=stretch,
        bands=tuple(range(1, bands + 1)),
        dtype=dtype,
        no_data=no_data,
        adapter="as it is",
        provenance={"method": "test"},
    ).eval()


@pytest.mark.parametrize(
    ("height", "width"), [(64, 64), (160, 160), (50, 33), (33, 500), (500, 301), (1, 7), (159, 161), (640, 480)]
)
def test_resize_equals_antialiased_interpolation(height, width):
    images = torch.rand(2, 3, height, width)
    expected = interpolate(images, size=(160, 160), mode="bilinear", antialias=True, align_corners=False)
    torch.testing.assert_close(resize(images, 160), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("height", "width"), [(40, 60), (160, 160), (200, 470)])
@pytest.mark.parametrize(("bands", "curve"), [(1, "linear"), (2, "linear"), (2, "log")])
def test_probabilities_equal_decoding_standardising_and_classifying(source, height, width, bands, curve):
    one, other = source("test_resnet"), source("test_efficientnet")
    mixing = torch.tensor([0.3, 0.7])
    model = adapted([one, other], bands, no_data=0.0, mixing=mixing, curve=curve)
    raw = torch.randint(1, 65535, (3, bands, height, width)).float()
    raw[0, 0, :9] = 0.0
    raw[0, 0, 9:11] = -500.0
    raw[1, 0, 3:5, :7] = float("nan")
    raw[1, 0, 0, 0] = float("inf")
    with torch.inference_mode():
        stretch = model.inputs.raw_stretch
        hidden = torch.where((raw == 0.0) | ~raw.isfinite(), torch.nan, raw)
        decoded = torch.from_numpy(np.stack([stretch.apply(image.numpy()) for image in hidden]))
        square = interpolate(decoded, size=(160, 160), mode="bilinear", antialias=True, align_corners=False)
        standardised = (square - 0.4) / 0.2
        logits = sum(
            weight * member.head(member.encoder(standardised))
            for weight, member in zip(mixing, model.members, strict=True)
        )
        found = model(raw)
    torch.testing.assert_close(found, logits.softmax(dim=1), rtol=0, atol=1e-4)
    assert found.shape == (3, 4)


def test_source_model_takes_eight_bit_rgb(source):
    opened = source()
    model = SensorModel.from_source(opened).eval()
    assert (model.bands, model.band_count, model.role, model.no_data) == ((1, 2, 3), 3, "source", None)
    raw = torch.randint(0, 256, (2, 3, 160, 160)).float()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (opened.inputs.mean, opened.inputs.std))
    with torch.inference_mode():
        expected = opened.head(opened.encoder((raw / 255 - mean) / std)).softmax(1)
        torch.testing.assert_close(model(raw), expected, rtol=0, atol=1e-4)


def test_facts_of_an_adapted_model(source):
    opened = source()
    model = adapted([opened, opened])
    assert model.provenance["source_model_sha256"] == opened.report.fingerprint
    assert model.provenance["source_model_sha256_2"] == opened.report.fingerprint
    assert model.provenance["method"] == "test"
    assert model.mixing.tolist() == [0.5, 0.5]
    assert model.size_px == 160
