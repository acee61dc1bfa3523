"""What a person chooses in a project for video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bandbridge.engine.api.config import DeviceChoice, DistillConfig, Modality, SettingValue, Task
from bandbridge.engine.api.video_catalogue import DEFAULT_VIDEO_METHOD, VIDEO_METHODS, video_method_info

VideoEffort = Literal["quick", "standard", "thorough", "own"]
VIDEO_EPOCHS: Mapping[VideoEffort, int] = {"quick": 20, "standard": 100, "thorough": 200}
"""Effort -> passes of the student over the training clips."""

NETWORK_SIZES: Mapping[str, tuple[int, int]] = {"small": (16, 64), "medium": (32, 96), "published": (64, 112)}
"""Size -> channels of the first stage, side of the pictures in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChoices:
    """Frozen, as the project it belongs to; the seed and the device are the project's own.

    Attributes:
        clips: Folder or list of clips, or "".
        teacher: What teaches: "sound" teaches a network for pictures, "picture" one for sound.
        method: Key of the method.
        task: Whether a clip has one class or any number of tags.
        teacher_features: Features of a teacher trained elsewhere, or "" for one trained on the clips.
        fps: Pictures a second.
        size_px: Side of the square pictures.
        window: Pictures in a window.
        width: Channels of the first stage of both networks.
        blocks: Residual blocks a stage of the network for pictures.
        epochs: Passes of the student over the training clips.
        batch_size: Clips in a step.
        learning_rate: Of the student; None takes the method's own.
        settings: Method key -> its settings that differ from the catalogue's defaults.
        exclude: Clips left out.
    """

    clips: str = ""
    teacher: Modality = "sound"
    method: str = DEFAULT_VIDEO_METHOD
    task: Task = "auto"
    teacher_features: str = ""
    fps: float = 4.0
    size_px: int = NETWORK_SIZES["small"][1]
    window: int = 16
    width: int = NETWORK_SIZES["small"][0]
    blocks: int = 1
    epochs: int = VIDEO_EPOCHS["standard"]
    batch_size: int = 16
    learning_rate: float | None = None
    settings: Mapping[str, Mapping[str, SettingValue]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    @property
    def effort(self) -> VideoEffort:
        """The effort these epochs are."""
        return next((key for key, epochs in VIDEO_EPOCHS.items() if epochs == self.epochs), "own")

    @property
    def size(self) -> str:
        """The size of networks and pictures these numbers are, or "own"."""
        return next((key for key, size in NETWORK_SIZES.items() if size == (self.width, self.size_px)), "own")

    @property
    def teacher_epochs(self) -> int:
        """Passes of the teacher before the student begins; 0 where the method has none."""
        info = video_method_info(self.method)
        setting = next((one for one in info.settings if one.key == "teacher_epochs"), None)
        return int(self.settings.get(self.method, {}).get(setting.key, setting.default)) if setting is not None else 0

    def to_config(self, run: str, *, seed: int, device: DeviceChoice) -> DistillConfig:
        """The frozen configuration of a run with these choices.

        Args:
            run: Folder the run writes into.
            seed: Of everything random.
            device: Where to compute.
        """
        return DistillConfig(
            clips=self.clips,
            run=run,
            teacher=self.teacher,
            method=self.method,
            task=self.task,
            teacher_features=self.teacher_features or None,
            fps=self.fps,
            size_px=self.size_px,
            window=self.window,
            width=self.width,
            blocks=self.blocks,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            settings=dict(self.settings.get(self.method, {})),
            exclude=self.exclude,
            seed=seed,
            device=device,
        )

    def is_sound(self) -> bool:
        """Whether the pages can show it: everything of its kind, and every choice one there is."""
        whole = (self.size_px, self.window, self.width, self.blocks, self.epochs, self.batch_size)
        numbers = (self.fps,) if self.learning_rate is None else (self.fps, self.learning_rate)
        return (
            all(isinstance(text, str) for text in (self.clips, self.teacher_features, *self.exclude))
            and self.teacher in get_args(Modality)
            and self.task in get_args(Task)
            and self.method in {info.key for info in VIDEO_METHODS}
            and all(isinstance(value, int) and not isinstance(value, bool) for value in whole)
            and all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers)
            and isinstance(self.settings, dict)
            and all(isinstance(settings, dict) for settings in self.settings.values())
        )


def video_choices_from(facts: Mapping[str, Any]) -> VideoChoices:
    """From plain values; what this version does not know is passed over.

    Raises:
        TypeError: They are not those of such choices.
    """
    given = {name: facts[name] for name in VideoChoices.__dataclass_fields__ if name in facts}
    given["exclude"] = tuple(given.get("exclude", ()))
    return VideoChoices(**given)
