"""The worked example "Add a method in 30 minutes" must be a working method, word for word."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from bandbridge.engine.api import catalogue
from bandbridge.engine.api.control import Control
from bandbridge.engine.losses.information import entropy
from bandbridge.engine.methods.ground import Ground
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.stage import Batch, Objective, ParameterGroup, Schedule, Stage, Term
from torch import nn


class Quiet:
    def __init__(self) -> None:
        self.losses: list[float] = []

    def epoch_began(self, epoch: int, step: int) -> None: ...

    def stepped(self, step: int, objectives: Sequence[Objective], images: int) -> None:
        self.losses += [term.value.item() for objective in objectives for term in objective.terms.values()]

    def may_save(self, step: int, epoch_ended: bool, optimisers: object) -> None: ...


def example(project: Path) -> tuple[catalogue.MethodInfo, type[Stage]]:
    text = (project / "CONTRIBUTING.md").read_text(encoding="utf-8")
    entry, stage = (textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)   ```", text, flags=re.DOTALL))
    names: dict[str, object] = {
        **vars(catalogue), "Batch": Batch, "Ground": Ground, "Mapping": Mapping, "Objective": Objective,
        "ParameterGroup": ParameterGroup, "Schedule": Schedule, "Sequence": Sequence, "Term": Term,
        "entropy": entropy, "nn": nn,
    }  # fmt: skip
    exec(f"methods = ({entry})", names)
    exec(stage, names)
    (info,) = names["methods"]  # type: ignore[misc]
    return info, names["Tent"]  # type: ignore[return-value]


def test_the_example_trains_what_it_says_and_nothing_else(project: Path, make_ground, make_streams):
    info, tent = example(project)
    assert info.resolve({})["augment"] == "flip-shift"
    ground = make_ground("shot")
    stage = tent(ground)
    before = {name: p.detach().clone() for name, p in ground.members[0].encoder.named_parameters()}
    watcher = Quiet()
    optimisers = build_optimisers(stage)
    train(stage, make_streams(ground), epochs=6, seed=0, optimisers=optimisers, watcher=watcher, control=Control())
    moved = {name for name, p in ground.members[0].encoder.named_parameters() if not p.equal(before[name])}
    assert moved == {"1.weight", "1.bias", "4.weight", "4.bias"}, "scale and shift of the normalisation layers"
    assert watcher.losses[-1] < watcher.losses[0]
