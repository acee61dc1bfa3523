"""How a model wants its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from bandbridge.engine.api.errors import ModelError
from bandbridge.engine.imagery.sensors.stretch import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """From raw values of a file to what the network takes.

    Attributes:
        bands: 1-based bands of a file in the order of the channels; None: the first ones.
        size_px: Side S of the square input.
        mean: Per channel, subtracted from the stretched 0..1 values.
        std: Per channel, divided by afterwards.
        stretch: Raw values to 0..1; None: 8-bit values, divided by 255.
        dtype: Number type of the raw values, e.g. "uint16".
        no_data: A raw value that means "nothing here", besides NaN.
    """

    size_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bands: tuple[int, ...] | None = None
    stretch: Stretch | None = None
    dtype: str = "uint8"
    no_data: float | None = None

    @property
    def channels(self) -> int:
        """Bands a file gives."""
        return len(self.mean)

    @property
    def raw_stretch(self) -> Stretch:
        """The stretch in numbers, also where it is that of 8-bit values."""
        return self.stretch or Stretch.eight_bit(self.channels)

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {
            "bands": list(self.bands) if self.bands is not None else None,
            "size_px": self.size_px,
            "mean": list(self.mean),
            "std": list(self.std),
            "stretch": None if self.stretch is None else self.stretch.to_json(),
            "dtype": self.dtype,
            "no_data": self.no_data,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> InputSpec:
        """The opposite of `to_json`.

        Raises:
            ModelError: Something is missing or senseless.
        """
        try:
            stretch = cast("Mapping[str, object] | None", values["stretch"])
            bands = cast("list[int] | None", values["bands"])
            no_data = cast("float | None", values["no_data"])
            spec = cls(
                bands=None if bands is None else tuple(int(band) for band in bands),
                size_px=int(cast("int", values["size_px"])),
                mean=_floats(values["mean"]),
                std=_floats(values["std"]),
                stretch=None if stretch is None else Stretch.from_json(stretch),
                dtype=str(values["dtype"]),
                no_data=None if no_data is None else float(no_data),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _senseless(repr(error)) from error
        bands_agree = spec.bands is None or len(spec.bands) == spec.channels
        if not bands_agree or len(spec.std) != spec.channels or not 1 <= spec.size_px <= 4096 or min(spec.std) <= 0:
            raise _senseless(str(spec))
        return spec


def _floats(values: object) -> tuple[float, ...]:
    return tuple(float(value) for value in cast("list[float]", values))


def _senseless(details: str) -> ModelError:
    return ModelError(
        "The model file does not say properly how it wants its images.",
        "Its metadata is damaged or was changed.",
        "Get the file again.",
        details=details,
    )
