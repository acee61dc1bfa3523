"""The network for moving pictures: R(2+1)D, three-dimensional convolutions taken apart into space and time.

Tran, Wang, Torresani, Ray, LeCun and Paluri, A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR
2018 (arXiv 1711.11248). Width 64 and one residual block a stage are those of MNF + CSC (arXiv 2304.07775).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

STAGES = 4


class PictureNetwork(nn.Module):
    """Windows of pictures (B, 3, T, S, S) -> features (B, 8 width).

    The last map's places are tokens: 16 pictures of 112 x 112 give 2 x 7 x 7 = 98 of them, 512 wide at width 64. The
    features are their mean.

    Args:
        width: Channels of the first stage; every further one has twice as many. 64 as published.
        blocks: Residual blocks a stage; 1 as published, 2 is R(2+1)D-18.
    """

    def __init__(self, width: int = 64, blocks: int = 1) -> None:
        super().__init__()
        middle = max(round(45 * width / 64), 1)
        self.stem = nn.Sequential(
            nn.Conv3d(3, middle, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            _OverTime(middle, width, 1),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )
        layers: list[nn.Module] = []
        channels = width
        for stage in range(STAGES):
            wide = width * 2**stage
            for block in range(blocks):
                layers.append(_Residual(channels, wide, 2 if stage > 0 and block == 0 else 1))
                channels = wide
        self.stages = nn.Sequential(*layers)
        self.feature_width = channels

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 8 width)."""
        return self.tokens(pictures).mean(dim=1)

    def tokens(self, pictures: Tensor) -> Tensor:
        """(B, N, 8 width), one token a place of the last map."""
        places: Tensor = self.stages(self.stem(pictures))  # (B, D, T', S', S')
        return places.flatten(2).transpose(1, 2)


class _Residual(nn.Module):
    """Two factored convolutions and a way past them."""

    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.first = _factored(channels, wide, stride)
        self.first_norm = nn.BatchNorm3d(wide)
        self.second = _factored(wide, wide, 1)
        self.second_norm = nn.BatchNorm3d(wide)
        self.past: nn.Module = nn.Identity()
        if stride != 1 or channels != wide:
            self.past = nn.Sequential(nn.Conv3d(channels, wide, 1, stride=stride, bias=False), nn.BatchNorm3d(wide))

    def forward(self, values: Tensor) -> Tensor:
        """(B, channels, T, H, W) -> (B, wide, T / stride, ...)."""
        inner = functional.relu(self.first_norm(self.first(values)))
        return functional.relu(self.second_norm(self.second(inner)) + self.past(values))


def _factored(channels: int, wide: int, stride: int) -> nn.Sequential:
    """A 1 x 3 x 3 and a 3 x 1 x 1 convolution, together as many weights as one of 3 x 3 x 3 (eq. 1 of the paper)."""
    middle = (3 * 3 * 3 * channels * wide) // (3 * 3 * channels + 3 * wide)
    return nn.Sequential(
        nn.Conv3d(channels, middle, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False),
        nn.BatchNorm3d(middle),
        nn.ReLU(inplace=True),
        _OverTime(middle, wide, stride),
    )


class _OverTime(nn.Module):
    """A 3 x 1 x 1 convolution, done as one of two dimensions: time, and all places of a picture in a row.

    Processors take an eighth of the time for it.
    """

    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, wide, (3, 1), stride=(stride, 1), padding=(1, 0), bias=False)

    def forward(self, values: Tensor) -> Tensor:
        """(B, channels, T, H, W) -> (B, wide, T / stride, H, W)."""
        found: Tensor = self.convolution(values.flatten(3)).unflatten(3, values.shape[3:])
        return found
