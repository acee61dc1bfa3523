"""What an epoch costs beside the bare forwards and backwards it is made of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.benchmark.made_up import CLASSES, HELD_OUT, MadeUp
from bandbridge.engine.benchmark.measure import Measurement, of_rounds, ratios
from bandbridge.engine.methods.table import STAGES
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.passes import PASS_BATCH
from bandbridge.engine.worker.compute import device_words
from bandbridge.engine.worker.course import streams_of
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.watch import Evidence, Gallery, GapWatch, Onlooker, RunWatcher, StagePlace
from torch import Tensor, nn
from torch.optim import SGD

BATCH = RunConfig(sources=(), target="", run="").batch_size
EPOCHS = 3
PROMISE = 1.15


class EpochBenchmark:
    """A method's epoch on made-up images, against the same network passes on tensors already in memory.

    Args:
        method: Key of the method.
        made_up: Model and images.
    """

    def __init__(self, method: str, made_up: MadeUp) -> None:
        self.method = method
        self._made_up, self._images, self._device = made_up, made_up.images, made_up.device

    def whole(self, folder: Path) -> Callable[[], object]:
        """Some epochs of the program's own loop with everything a run does in it.

        Pseudo-labels, evaluation of all images, modality gap, record, events and checkpoint are all included.
        """
        control = Control()
        ground = self._made_up.ground(self.method, control)
        untouched = ground.look()
        gap = GapWatch(ground, control)
        (stage,) = STAGES[self.method](ground)
        config = RunConfig(sources=(), target="", run=str(folder), method=self.method)
        streams = streams_of(ground, config)
        optimisers = build_optimisers(stage)
        record = RunFolder(config, resume=False)
        record.mark("running")
        steps_per_epoch = streams["target"].steps_per_epoch()
        names = tuple(str(number) for number in range(CLASSES))

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
            self._made_up.wait()

        return epoch

    def bare(self) -> Callable[[], object]:
        """The same forwards and backwards: two training batches a step, and the passes over all images.

        One pass more than there are epochs, because the loop looks once before the first and once after each.
        """
        network = self._made_up.twin()
        head = self._made_up.head
        optimiser = SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-3)
        batch = self._resident(BATCH)
        passes = self._resident(PASS_BATCH)
        labels = torch.zeros(BATCH, dtype=torch.int64, device=self._device)
        steps = -(-self._images // BATCH)
        uses_pairs = method_info(self.method).learns_from_pairs

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
            self._made_up.wait()

        return epoch

    def _resident(self, count: int) -> Tensor:
        side = self._made_up.size_px
        return torch.randn(count, 3, side, side, device=self._device).contiguous(memory_format=torch.channels_last)


def epoch_ratio(method: str, made_up: MadeUp, *, rounds: int = 5) -> Measurement:
    """Time of a whole epoch over time of the bare passes."""
    benchmark = EpochBenchmark(method, made_up)
    with tempfile.TemporaryDirectory() as folder:
        found = ratios(benchmark.whole(Path(folder) / "run"), benchmark.bare(), rounds)
    network = f"{made_up.architecture}, {made_up.size_px} px"
    what = f"an epoch of {method} ({network}, {made_up.images} images) over its bare network passes"
    return of_rounds(f"epoch/{method}/{made_up.architecture}-{made_up.size_px}", what, found, "x", at_most=PROMISE)
