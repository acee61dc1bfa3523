"""What a translator makes of the images shown and of the held-out pairs, while it is trained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.translator import Translator
from bandbridge.engine.models.translator_file import true_colours
from bandbridge.engine.training.passes import PASS_BATCH
from bandbridge.engine.training.streams import ImageBank
from bandbridge.engine.validation.translation import psnr, ssim
from numpy.typing import NDArray
from torch import Tensor

MOST_COMPARED = 64


class BridgeSight:
    """Looks through a run's translator, once it has one.

    Args:
        ground: Images and models; the first source model reads the translated images.
        source: How that model wants its images.
    """

    def __init__(self, ground: Ground, source: InputSpec) -> None:
        self._ground = ground
        self._source = source

    def show(self, bank: ImageBank, indices: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
        """Translated pictures and what the untouched source model makes of them, None without a translator.

        Args:
            bank: Sensor images.
            indices: (B,) which of them.

        Returns:
            (B, S, S, 3) true colours and (B, K) probabilities.
        """
        translator = self._ground.translator
        if translator is None or len(indices) == 0:
            return None
        translated = self._translate(translator, bank, indices)
        member = self._ground.members[0]
        member.source.eval()
        with torch.inference_mode():
            probabilities = member.head(member.source(translated)).softmax(dim=1)
        levels = (self._colours(translated) * 255.0).round().byte().permute(0, 2, 3, 1)
        return levels.cpu().numpy(), probabilities.float().cpu().numpy()

    def likeness(self) -> dict[str, float]:
        """SSIM and PSNR of translated held-out pairs against their RGB partners; empty without translator or pairs."""
        translator, pairs = self._ground.translator, self._ground.pairs
        if translator is None or pairs is None:
            return {}
        return self._compare(lambda chosen: self._translate(translator, pairs, chosen))

    def likeness_untranslated(self) -> dict[str, float]:
        """The same for the mean of the sensor's bands shown grey: what a translator has to beat."""
        pairs = self._ground.pairs
        if self._ground.translator is None or pairs is None:
            return {}
        return self._compare(lambda chosen: pairs.read(chosen).mean(dim=1, keepdim=True).expand(-1, 3, -1, -1))

    def _compare(self, show: Callable[[NDArray[np.int64]], Tensor]) -> dict[str, float]:
        rgb, chosen = self._ground.members[0].rgb, self._ground.held_out_pairs[:MOST_COMPARED]
        if rgb is None or len(chosen) == 0:
            return {}
        shown = self._colours(show(chosen)).cpu().numpy()
        wanted = self._colours(rgb.read(chosen)).cpu().numpy()
        return {"ssim": ssim(shown, wanted), "psnr": psnr(shown, wanted)}

    def _translate(self, translator: Translator, bank: ImageBank, indices: NDArray[np.int64]) -> Tensor:
        """(B, 3, S, S) in the source model's input space."""
        was_training = translator.training
        translator.eval()
        with torch.inference_mode():
            parts = [translator(bank.read(some)) for some in bank.batches(PASS_BATCH, indices)]
        translator.train(was_training)
        return torch.cat(parts)

    def _colours(self, images: Tensor) -> Tensor:
        return true_colours(images, self._source.mean, self._source.std)
