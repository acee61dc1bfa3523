"""What an epoch costs beside the bare forwards and backwards it is made of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.benchmark.measure import Measurement, of_rounds, ratios
from bandbridge.engine.methods.ground import Ground, Member
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.models.network import NetworkSpec, build
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.passes import PASS_BATCH
from bandbridge.engine.training.streams import ImageBank, ImageStream
from bandbridge.engine.worker.compute import device_words, placed
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import Evidence, Gallery, GapWatch, Onlooker, RunWatcher, StagePlace
from torch import Tensor, nn
from torch.optim import SGD

BATCH = 32
EPOCHS = 3
HELD_OUT = 64
PROMISE = 1.15


class EpochBenchmark:
    """A method's epoch on made-up images, against the same network passes on tensors already in memory.

    Args:
        method: Key of the method.
        architecture: Name in timm's catalogue.
        size_px: Side of the images.
        images: Target images; there are as many pairs, and some more that are held out.
        device: Where to compute.
    """

    def __init__(self, method: str, architecture: str, size_px: int, images: int, device: torch.device) -> None:
        self.method, self.architecture, self.size_px = method, architecture, size_px
        self._images, self._device = images, device
        spec = NetworkSpec(kind="timm", name=architecture, classes=10)
        torch.manual_seed(0)
        source, head = build(spec)
        self._spec, self._head = spec, head.to(device)
        self._source = placed(source, device)
        random = np.random.default_rng(0)
        self._target = self._bank(random, images)
        self._rgb = self._bank(random, images + HELD_OUT)
        self._pairs = self._bank(random, images + HELD_OUT)

    def _bank(self, random: np.random.Generator, count: int) -> ImageBank:
        shape = (count, self.size_px, self.size_px, 3)
        pixels = random.integers(0, 65536, shape, dtype=np.uint16).transpose(0, 3, 1, 2)
        return ImageBank(pixels, (0.5,) * 3, (0.25,) * 3, self._device)

    def _twin(self) -> nn.Module:
        twin, _ = build(self._spec)
        twin.load_state_dict(self._source.state_dict())
        return placed(twin, self._device)

    def whole(self, folder: Path) -> Callable[[], object]:
        """Some epochs of the program's own loop with everything a run does in it.

        Pseudo-labels, evaluation of all images, modality gap, record, events and checkpoint are all included.
        """
        info = method_info(self.method)
        control = Control()
        ground = Ground(
            [Member("source", self._source, self._twin(), self._head, self._rgb)],
            self._target,
            pairs=self._pairs,
            training_pairs=np.arange(self._images),
            held_out_pairs=np.arange(self._images, self._images + HELD_OUT),
            settings=info.resolve({}),
            learning_rate=1e-3,
            control=control,
        )
        untouched = ground.look()
        gap = GapWatch(ground, control)
        (stage,) = STAGES[self.method](ground)
        streams = {
            name: ImageStream(name, bank, chosen=chosen, batch_size=BATCH, augment="flip-shift", shift=shift, seed=0)
            for name, bank, chosen, shift in (
                ("target", self._target, None, True),
                ("pairs", self._pairs, ground.training_pairs, False),
            )
        }
        optimisers = build_optimisers(stage)
        config = RunConfig(sources=(), target="", run=str(folder), method=self.method)
        record = RunFolder(config, resume=False)
        record.mark("running")
        steps_per_epoch = streams["target"].steps_per_epoch()
        names = tuple(str(number) for number in range(10))

        def epoch() -> None:
            watcher = RunWatcher(
                stage=stage,
                place=StagePlace(steps=EPOCHS * steps_per_epoch, steps_per_epoch=steps_per_epoch),
                ground=ground,
                folder=record,
                emit=lambda event: None,
                control=control,
                onlooker=Onlooker(Gallery((), names), gap, Evidence(untouched, gap, names), names),
                device_words=device_words(self._device),
            )
            train(
                stage,
                streams,
                epochs=EPOCHS,
                seed=0,
                optimisers=optimisers,
                watcher=watcher,
                control=control,
                device=self._device,
            )
            self._wait()

        return epoch

    def bare(self) -> Callable[[], object]:
        """The same forwards and backwards: two training batches a step, and the passes over all images.

        One pass more than there are epochs, because the loop looks once before the first and once after each.
        """
        network = self._twin()
        head = self._head
        optimiser = SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-3)
        batch = self._resident(BATCH)
        passes = self._resident(PASS_BATCH)
        labels = torch.zeros(BATCH, dtype=torch.int64, device=self._device)
        steps = -(-self._images // BATCH)
        uses_pairs = method_info(self.method).needs_pairs

        def epoch() -> None:
            network.train()
            for _ in range(EPOCHS * steps):
                optimiser.zero_grad(set_to_none=True)
                loss = nn.functional.cross_entropy(head(network(batch)), labels)
                if uses_pairs:
                    loss = loss + network(batch).square().mean()
                torch.autograd.backward(loss)
                optimiser.step()
            network.eval()
            with torch.inference_mode():
                for _ in range(EPOCHS + 1):
                    for first in range(0, self._images, PASS_BATCH):
                        network(passes[: min(PASS_BATCH, self._images - first)])
                    network(passes[:HELD_OUT])
            self._wait()

        return epoch

    def _resident(self, count: int) -> Tensor:
        images = torch.randn(count, 3, self.size_px, self.size_px, device=self._device)
        return images.contiguous(memory_format=torch.channels_last)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()


def epoch_ratio(
    method: str, architecture: str, size_px: int, images: int, device: torch.device, *, rounds: int = 5
) -> Measurement:
    """Time of a whole epoch over time of the bare passes."""
    benchmark = EpochBenchmark(method, architecture, size_px, images, device)
    with tempfile.TemporaryDirectory() as folder:
        found = ratios(benchmark.whole(Path(folder) / "run"), benchmark.bare(), rounds)
    what = f"an epoch of {method} ({architecture}, {size_px} px, {images} images) over its bare network passes"
    return of_rounds(f"epoch/{method}/{architecture}-{size_px}", what, found, "x", at_most=PROMISE)
