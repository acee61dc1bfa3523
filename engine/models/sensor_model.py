"""The deployable model: raw sensor values in, class probabilities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import torch
from bandbridge.engine.imagery.sensors.stretch import Stretch
from bandbridge.engine.models.adapter import Adapter, adapter_of
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.network import NetworkSpec
from bandbridge.engine.models.stretch_layer import StretchLayer
from torch import Tensor, nn

if TYPE_CHECKING:
    from bandbridge.engine.models.source import SourceModel

Role = Literal["source", "sensor"]
"""A trained RGB classifier as it is, or one that was adapted to a sensor."""


@dataclass(frozen=True, slots=True)
class Member:
    """One network of the ensemble.

    Attributes:
        spec: How to build it.
        encoder: Standardised images (B, bands, S, S) -> features (B, D), adapter included.
        head: Features -> logits (B, K).
    """

    spec: NetworkSpec
    encoder: nn.Module
    head: nn.Linear

    @property
    def adapter(self) -> Adapter:
        """How the bands enter."""
        return adapter_of(self.encoder, self.spec.input_channels)


class SensorModel(nn.Module):
    """One or several networks with everything between a file's raw values and them.

    Args:
        members: The networks; logits are mixed.
        inputs: From raw values to what the networks take.
        class_names: K names.
        role: Whether this is a source model or an adapted one.
        mixing: (n,) weights of the members, summing to 1; None for a single one.
        names_known: Whether somebody named the classes.
        adapter: How the bands enter the networks, in words.
        provenance: Where it comes from: method, seed, fingerprints of source files ...
    """

    def __init__(
        self,
        members: Sequence[Member],
        inputs: InputSpec,
        class_names: Sequence[str],
        *,
        role: Role,
        mixing: Tensor | None = None,
        names_known: bool = True,
        adapter: str = "",
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.specs = tuple(member.spec for member in members)
        self.encoders = nn.ModuleList(member.encoder for member in members)
        self.heads = nn.ModuleList(member.head for member in members)
        self.inputs = inputs
        self.class_names = tuple(class_names)
        self.role: Role = role
        self.names_known = names_known
        self.adapter = adapter
        self.provenance = dict(provenance or {})
        weights = torch.ones(len(members)) if mixing is None else mixing.detach().float().cpu()
        self.mixing: Tensor
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mixing", (weights / weights.sum()).clone(), persistent=False)
        self.stretch = StretchLayer(inputs.raw_stretch, inputs.no_data)
        for name, values in {"mean": inputs.mean, "std": inputs.std}.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    @classmethod
    def from_source(cls, source: SourceModel) -> SensorModel:
        """An RGB source model, not adapted, ready to be applied to raw RGB images; shares its networks."""
        return cls(
            [Member(source.spec, source.encoder, source.head)],
            source.inputs,
            source.class_names,
            role="source",
            names_known=source.report.names_known,
            provenance=source.provenance,
        )

    @classmethod
    def adapted(
        cls,
        *,
        sources: Sequence[SourceModel],
        encoders: Sequence[nn.Module],
        mixing: Tensor,
        stretch: Stretch,
        bands: tuple[int, ...] | None,
        dtype: str,
        no_data: float | None,
        adapter: str,
        provenance: Mapping[str, str],
    ) -> SensorModel:
        """The result of an adaptation; shares the networks given.

        Args:
            sources: Source models; their heads are used as they are.
            encoders: One a source, taking the sensor's bands standardised by `stretch.mean` and `stretch.std`.
            mixing: (n,) weights of the sources.
            stretch: Of the sensor's raw values.
            bands: 1-based bands of the sensor's files; None: all.
            dtype: Number type of the sensor's raw values.
            no_data: A raw value that means "nothing here".
            adapter: How the bands enter the networks, in words.
            provenance: Where it comes from; names and fingerprints of the sources are added.
        """
        first = sources[0]
        inputs = InputSpec(
            size_px=first.inputs.size_px,
            mean=stretch.mean,
            std=stretch.std,
            bands=bands,
            stretch=stretch,
            dtype=dtype,
            no_data=no_data,
        )
        origins = {
            f"source_model_sha256{'' if number == 0 else f'_{number + 1}'}": source.report.fingerprint
            for number, source in enumerate(sources)
        }
        return cls(
            [Member(s.spec, encoder, s.head) for s, encoder in zip(sources, encoders, strict=True)],
            inputs,
            first.class_names,
            role="sensor",
            mixing=mixing,
            names_known=first.report.names_known,
            adapter=adapter,
            provenance={**origins, **provenance},
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks."""
        return tuple(
            Member(spec, encoder, cast("nn.Linear", head))
            for spec, encoder, head in zip(self.specs, self.encoders, self.heads, strict=True)
        )

    @property
    def bands(self) -> tuple[int, ...] | None:
        """1-based bands of a file; None: the first ones or, for a sensor, all."""
        if self.inputs.bands is None and self.role == "source":
            return tuple(range(1, self.band_count + 1))
        return self.inputs.bands

    @property
    def band_count(self) -> int:
        """Bands the model takes."""
        return self.inputs.channels

    @property
    def no_data(self) -> float | None:
        """A raw value that means "nothing here", besides NaN."""
        return self.inputs.no_data

    @property
    def size_px(self) -> int:
        """Side of the square the images are brought to."""
        return self.inputs.size_px

    def forward(self, raw: Tensor) -> Tensor:
        """Class probabilities (B, K) of raw images (B, bands, H, W) float32 of any size; NaN where there is nothing."""
        return self.logits(self.prepare(raw)).softmax(dim=1)

    def logits(self, images: Tensor) -> Tensor:
        """Mixed logits (B, K) of standardised images (B, bands, S, S)."""
        mixed = torch.zeros((), device=images.device)
        for number, (encoder, head) in enumerate(zip(self.encoders, self.heads, strict=True)):
            mixed = mixed + self.mixing[number] * head(encoder(images))
        return mixed

    def prepare(self, raw: Tensor) -> Tensor:
        """Raw images (B, bands, H, W) -> standardised images (B, bands, S, S).

        The order is that of decoding images for training: stretch and clip, nothing becomes 0, resize, standardise.
        """
        return (resize(self.stretch(raw), self.size_px) - self.mean) / self.std


def resize(images: Tensor, size_px: int) -> Tensor:
    """Antialiased bilinear resize of (B, C, H, W) to (B, C, S, S) as two matrix products.

    Equals `interpolate(mode="bilinear", antialias=True, align_corners=False)` and, unlike it, can be written as ONNX
    operations with height and width left open.
    """
    rows = _resampling(images[0, 0, :, 0], size_px)  # (S, H)
    columns = _resampling(images[0, 0, 0, :], size_px)  # (S, W)
    return rows @ images @ columns.transpose(0, 1)


def _resampling(line: Tensor, size_px: int) -> Tensor:
    """Weights (S, L) of every pixel of a line of L in every pixel of a line of S.

    A triangle as wide as the larger of both pixels, sampled at pixel centres and normalised to sum 1, so that it ends
    sharply at the border. L is counted by summing ones because only sums keep their meaning when traced for ONNX.
    """
    ones = torch.ones_like(line)
    centres = torch.cumsum(ones, dim=0) - 0.5  # (L,)
    scale = ones.sum() / size_px
    wanted = (torch.arange(size_px, device=line.device, dtype=line.dtype) + 0.5) * scale  # (S,)
    distance = (centres[None, :] - wanted[:, None]) / scale.clamp(min=1.0)
    weights = (1.0 - distance.abs()).clamp(min=0.0)
    return weights / weights.sum(dim=1, keepdim=True)
