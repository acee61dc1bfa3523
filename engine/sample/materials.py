"""What the ground is made of and how it looks to light, heat and radar.

The numbers are typical values rounded from published collections; none is a measurement of one place:

* Reflectance: green leaves absorb blue and red, reflect some green, and many times more beyond the red edge at 0.7 um;
  drying leaves lose that edge; soil and sand rise steadily with wavelength and darken when wet; water returns little
  and almost nothing in the near infrared, more where it carries silt. After the USGS Spectral Library Version 7 (Kokaly
  et al. 2017, Data Series 1035) and Lillesand, Kiefer and Chipman, Remote Sensing and Image Interpretation, chapter 1.
* Warmth by day: dark sealed ground and dry soil are warmest, transpiring plants stay near the air's temperature, water
  below it; bare metal looks cold because it emits little and mirrors the sky. After Voogt and Oke 2003 (Thermal remote
  sensing of urban climates, Remote Sensing of Environment 86) and Oke, Boundary Layer Climates, 1987.
* Backscatter at X band, vertical polarisation, about 40 degrees: calm water and smooth asphalt send the wave away,
  rough or moist soil and canopies scatter it back, walls return it by two bounces (added in `sensors`). After Ulaby
  and Dobson, Handbook of Radar Scattering Statistics for Terrain, 1989.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["plant", "ground", "sealed", "water"]


class Material(IntEnum):
    """Index of a material in `TABLE` and in a terrain's cover."""

    CONIFER = 0
    BROADLEAF = 1
    SHRUB = 2
    GRASS = 3
    CROP = 4
    REED = 5
    STUBBLE = 6
    SOIL = 7
    SAND = 8
    ROCK = 9
    ASPHALT = 10
    CONCRETE = 11
    TILE = 12
    SLATE = 13
    METAL = 14
    WATER = 15
    SILTY_WATER = 16


@dataclass(frozen=True, slots=True)
class Properties:
    """How one material looks.

    Attributes:
        kind: What its variation within a scene follows: vigour, moisture, weathering or ripples.
        visible: Reflectance in blue (0.48 um), green (0.56 um) and red (0.66 um), 0..1.
        infrared: Reflectance in the near infrared (0.85 um), 0..1.
        warmth_k: Apparent temperature above the air's in full sun, in kelvin.
        backscatter_db: Radar backscatter sigma nought in dB.
        dry: The same five to six numbers at the end of the season, for plants.
    """

    kind: Kind
    visible: tuple[float, float, float]
    infrared: float
    warmth_k: float
    backscatter_db: float
    dry: tuple[float, float, float, float, float, float] | None = None

    def row(self) -> tuple[float, ...]:
        """Blue, green, red, near infrared, warmth, backscatter."""
        return (*self.visible, self.infrared, self.warmth_k, self.backscatter_db)


TABLE: dict[Material, Properties] = {
    Material.CONIFER: Properties("plant", (0.020, 0.036, 0.026), 0.25, 1.0, -9.5),
    Material.BROADLEAF: Properties(
        "plant", (0.026, 0.058, 0.036), 0.42, 1.0, -8.5, (0.04, 0.09, 0.11, 0.28, 3.5, -10.0)
    ),
    Material.SHRUB: Properties(
        "plant", (0.032, 0.052, 0.048), 0.25, 4.0, -11.0, (0.05, 0.065, 0.085, 0.21, 7.0, -12.0)
    ),
    Material.GRASS: Properties("plant", (0.036, 0.078, 0.050), 0.40, 3.5, -13.0, (0.08, 0.13, 0.16, 0.30, 9.0, -14.5)),
    Material.CROP: Properties("plant", (0.030, 0.072, 0.040), 0.48, 2.0, -11.5, (0.08, 0.13, 0.15, 0.34, 6.0, -13.0)),
    Material.REED: Properties("plant", (0.042, 0.070, 0.062), 0.30, 2.0, -8.0, (0.08, 0.12, 0.16, 0.26, 5.0, -9.0)),
    Material.STUBBLE: Properties("ground", (0.090, 0.130, 0.180), 0.29, 10.0, -14.0),
    Material.SOIL: Properties("ground", (0.080, 0.115, 0.160), 0.23, 12.0, -13.0),
    Material.SAND: Properties("ground", (0.200, 0.270, 0.330), 0.41, 14.0, -18.5),
    Material.ROCK: Properties("ground", (0.150, 0.170, 0.190), 0.23, 12.0, -11.0),
    Material.ASPHALT: Properties("sealed", (0.080, 0.088, 0.095), 0.115, 16.0, -19.0),
    Material.CONCRETE: Properties("sealed", (0.210, 0.240, 0.260), 0.29, 12.0, -15.0),
    Material.TILE: Properties("sealed", (0.080, 0.120, 0.230), 0.31, 14.0, -8.0),
    Material.SLATE: Properties("sealed", (0.085, 0.090, 0.092), 0.11, 19.0, -8.0),
    Material.METAL: Properties("sealed", (0.360, 0.390, 0.410), 0.43, -3.0, -6.0),
    Material.WATER: Properties("water", (0.052, 0.050, 0.028), 0.012, -3.0, -22.0),
    Material.SILTY_WATER: Properties("water", (0.080, 0.110, 0.100), 0.045, -2.0, -21.0),
}

BLUE, GREEN, RED, INFRARED, WARMTH, BACKSCATTER = range(6)

# Change per unit of a material's own variation field: visible and infrared as shares, warmth in K, backscatter in dB.
# Vigour deepens the red, lifts the infrared and cools; moisture darkens, cools and makes soil scatter more.
_SLOPES: dict[Kind, tuple[float, float, float, float, float, float]] = {
    "plant": (-0.10, -0.08, -0.16, 0.12, -1.2, 0.5),
    "ground": (-0.13, -0.14, -0.15, -0.14, -1.8, 1.1),
    "sealed": (0.10, 0.10, 0.10, 0.10, -0.8, 0.6),
    "water": (0.10, 0.12, 0.14, 0.15, 0.15, 1.2),
}


def properties(season: float) -> NDArray[np.float32]:
    """All materials at one time of the year: (materials, 6), columns as in `Properties.row`.

    Args:
        season: 0 (lush) to 1 (dry).
    """
    table = []
    for material in Material:
        entry = TABLE[material]
        fresh = np.array(entry.row())
        dry = fresh if entry.dry is None else np.array(entry.dry)
        table.append((1.0 - season) * fresh + season * dry)
    return np.array(table, dtype=np.float32)


def slopes() -> NDArray[np.float32]:
    """Change of every material per unit of variation: (materials, 6), columns as in `Properties.row`."""
    return np.array([_SLOPES[TABLE[material].kind] for material in Material], dtype=np.float32)
