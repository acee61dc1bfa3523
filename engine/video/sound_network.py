"""The network for sound: a convolutional one on log-mel rows, small beside CNN14 and of the same make.

Kong et al., PANNs: Large-Scale Pretrained Audio Neural Networks, 2020 (arXiv 1912.10211), trained here on the person's
own clips: four blocks of two convolutions instead of six, and the features are the mean over time alone.
"""

from __future__ import annotations

from torch import Tensor, nn

BLOCKS = 4


class SoundNetwork(nn.Module):
    """Windows of sound (B, 1, T, 64) -> features (B, 8 width).

    Tokens are moments: T / 16 of them, 8 width wide, the mean over all pitches.

    Args:
        width: Channels of the first block; every further one has twice as many.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for block in range(BLOCKS):
            wide = width * 2**block
            for entering in (channels, wide):
                layers += [nn.Conv2d(entering, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU(True)]
            layers.append(nn.AvgPool2d(2))
            channels = wide
        self.blocks = nn.Sequential(*layers)
        self.feature_width = channels

    def forward(self, rows: Tensor) -> Tensor:
        """(B, 8 width)."""
        return self.tokens(rows).mean(dim=1)

    def tokens(self, rows: Tensor) -> Tensor:
        """(B, T / 16, 8 width)."""
        moments: Tensor = self.blocks(rows)  # (B, D, T / 16, 4)
        return moments.mean(dim=3).transpose(1, 2)
