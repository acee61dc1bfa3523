"""What a run would do, in words, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.video_catalogue import has_teacher, video_method_info
from bandbridge.gui.project import Project, bridge_epochs, obstacle
from bandbridge.gui.quantities import counted, plain
from bandbridge.gui.theme import GRID
from bandbridge.gui.widgets.card import Card
from bandbridge.gui.widgets.labels import text_label
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

_EFFORTS = {"quick": "quick", "standard": "standard", "thorough": "thorough", "own": "your own number"}


def what_is_missing(project: Project) -> list[str]:
    """What must still be chosen before a run can start, each as something to do."""
    if project.kind == "video":
        lacking = "" if project.video.clips else "Choose the clips (step 1)."
        few = project.comparing and len(project.fitting()) < 2
        unfit = "" if project.comparing else obstacle(video_method_info(project.video.method), project)
        return [words for words in (lacking, "Tick two methods or more to compare (step 2)." * few, unfit) if words]
    info = method_info(project.method)
    missing = []
    several = project.comparing
    if not project.sources:
        missing.append("Choose a source model (step 1).")
    if not project.target:
        missing.append("Choose the folder of target images (step 2).")
    if several and len(project.fitting()) < 2:
        missing.append("Tick two methods or more to compare (step 3).")
    if not several and info.needs_pairs and not project.pairs:
        missing.append(f"{info.title} learns from pairs: choose their folders (step 2), or another method (step 3).")
    if not several and len(project.sources) > 1 and not info.several_sources:
        missing.append(f"{info.title} takes one source model: remove the others (step 1), or change the method.")
    return missing


def run_in_words(project: Project) -> list[tuple[str, str, str]]:
    """(name, fact, more) of the run a project would start."""
    if project.kind == "video":
        return _clips_in_words(project)
    info = method_info(project.method)
    sources = ", ".join(Path(path).name for path in project.sources) or "none yet"
    facts = [("Source model" if len(project.sources) < 2 else "Source models", sources, "")]
    if project.target:
        sensor = "all bands" if project.sensor_bands is None else _bands(project.sensor_bands)
        facts.append(("Sensor images", _short(project.target), sensor))
    else:
        facts.append(("Sensor images", "none yet", ""))
    pairs = "; ".join(
        _short(pair.rgb) if pair.rgb == pair.sensor else f"{_short(pair.rgb)} with {_short(pair.sensor)}"
        for pair in project.pairs
    )
    if pairs:
        rgb = "" if project.rgb_bands is None else f"RGB from {_bands(project.rgb_bands)}"
        trained_on = info.learns_from_pairs or project.comparing
        unused = "" if trained_on else "not trained on by this method, only used to measure the modality gap"
        facts.append(("Pairs", pairs, ", ".join(part for part in (rgb, unused) if part)))
    elif info.needs_pairs and not project.comparing:
        facts.append(("Pairs", "none yet", ""))
    elif info.welcomes_pairs and not project.comparing:
        facts.append(("Pairs", "none", f"{info.title} does better with pairs (step 2)"))
    if project.comparing:
        facts.append(_compared_in_words(project))
    else:
        facts.append(("Method", info.title, info.sentence))
    if info.trains or project.comparing:
        effort = f"{counted(project.epochs, 'epoch')} ({_EFFORTS[project.effort]})"
        batches = f"batches of {project.batch_size}"
        bridge = 0 if project.comparing else bridge_epochs(info, project)
        if bridge and len(info.stages) < 2:
            effort = f"{counted(bridge, 'epoch')} of the translator"
        elif bridge:
            batches = f"after {counted(bridge, 'epoch')} of the bridge, in {batches}"
        facts.append(("Effort", effort, batches))
    return facts


def _compared_in_words(project: Project) -> tuple[str, str, str]:
    titles = [one.title for one in project.fitting()]
    runs = counted(len(titles) * project.seeds, "run")
    each = f"{counted(project.seeds, 'seed')} each, {runs} one after the other"
    return "Methods", ", ".join(titles) or "none yet", each


def _clips_in_words(project: Project) -> list[tuple[str, str, str]]:
    video = project.video
    info = video_method_info(video.method)
    out = f"{counted(len(video.exclude), 'clip')} left out" if video.exclude else ""
    facts = [("Clips", _short(video.clips) if video.clips else "none yet", out)]
    sound = video.teacher == "sound"
    if has_teacher(info) or project.comparing:
        teacher = Path(video.teacher_features).name or "trained on the same clips first, then frozen"
        facts.append(
            ("Direction", "Sound teaches pictures" if sound else "Pictures teach sound", f"teacher: {teacher}")
        )
    else:
        facts.append(("Student", "A network for pictures" if sound else "A network for sound", "without a teacher"))
    facts.append(_compared_in_words(project) if project.comparing else ("Method", info.title, info.sentence))
    rate = f"{plain(video.fps)} pictures a second of {video.size_px} pixels, windows of {video.window}"
    facts.append(("Size", f"{video.width} channels", rate))
    epochs = counted(video.epochs, "epoch")
    effort = epochs if video.effort == "own" else f"{epochs} ({_EFFORTS[video.effort]})"
    batches = f"batches of {video.batch_size}"
    if not project.comparing and (taught := video.teacher_epochs):
        batches = f"after {counted(taught, 'epoch')} of the teacher, in {batches}"
    facts.append(("Effort", effort, batches))
    return facts


def _bands(bands: Sequence[int]) -> str:
    return ("band " if len(bands) == 1 else "bands ") + ", ".join(str(band) for band in bands)


def _short(path: str) -> str:
    """The last two parts of a path: enough to know the folder by."""
    return "/".join(Path(path).parts[-2:])


class RunSummary(Card):
    """Card that says what will run and, if it cannot yet, what is missing.

    Args:
        parent: Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What will run", parent)
        self._holder = QWidget()
        self._grid: QGridLayout | None = None
        self.missing = text_label("", "warning")
        self.body.addWidget(self._holder)
        self.body.addWidget(self.missing)

    def show_project(self, project: Project) -> None:
        """Show what this project would run."""
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(GRID + GRID // 2)
        grid.setColumnStretch(1, 1)
        top = Qt.AlignmentFlag.AlignTop
        for row, (name, fact, more) in enumerate(run_in_words(project)):
            grid.addWidget(text_label(name, "help", wrap=False), row, 0, top)
            words = QVBoxLayout()
            words.setSpacing(1)
            words.addWidget(text_label(fact, "strong"))
            if more:
                words.addWidget(text_label(more[0].upper() + more[1:], "small"))
            grid.addLayout(words, row, 1)
        self.body.replaceWidget(self._holder, fresh)
        self._holder.hide()  # it may be painted once more before it goes
        self._holder.deleteLater()
        self._holder = fresh
        missing = what_is_missing(project)
        self.missing.setText("\n".join(missing))
        self.missing.setVisible(bool(missing))
