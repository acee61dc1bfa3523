"""The worked example "Add a method in 30 minutes" must be a working method, word for word."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from bandbridge.engine.api import catalogue
from bandbridge.engine.api.control import Control
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
        "nn": nn, "torch": torch,
    }  # fmt: skip
    exec(f"methods = ({entry})", names)
    exec(stage, names)
    (info,) = names["methods"]  # type: ignore[misc]
    return info, names["BatchNuclearNorm"]  # type: ignore[return-value]


def test_the_example_trains_what_it_says_and_nothing_else(project: Path, make_ground, make_streams):
    info, nuclear_norm = example(project)
    assert info.resolve({})["augment"] == "flip-shift"
    ground = make_ground("shot")
    stage = nuclear_norm(ground)
    member = ground.members[0]
    before = {name: p.detach().clone() for name, p in member.encoder.named_parameters()}
    head = member.head.weight.detach().clone()
    watcher = Quiet()
    optimisers = build_optimisers(stage)
    train(stage, make_streams(ground), epochs=6, seed=0, optimisers=optimisers, watcher=watcher, control=Control())
    assert not any(p.equal(before[name]) for name, p in member.encoder.named_parameters()), "the whole encoder learns"
    assert member.head.weight.equal(head)
    assert watcher.losses[-1] < watcher.losses[0]
