"""An adaptation run from configuration to report."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from bandbridge.engine.api.catalogue import MethodInfo, method_info
from bandbridge.engine.api.config import RunConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ModelError, UsageError
from bandbridge.engine.api.events import Event, Notice, SamplePrediction
from bandbridge.engine.api.jobs import Adapt
from bandbridge.engine.api.reports import AdaptReport
from bandbridge.engine.api.run_files import PAIR_TRUST_FILE, PREDICTIONS_FILE, REPORT_FILE
from bandbridge.engine.imagery.picture import picture
from bandbridge.engine.methods.ground import Ground, Member, Survey
from bandbridge.engine.methods.table import STAGES, stage_names
from bandbridge.engine.models.adapter import adapter_of, describe, sensor_encoder
from bandbridge.engine.models.input_spec import InputSpec
from bandbridge.engine.models.model_file import save_sensor_model
from bandbridge.engine.models.sensor_model import SensorModel
from bandbridge.engine.models.source import SourceModel, open_source
from bandbridge.engine.models.translator_file import ImageTranslator, save_translator
from bandbridge.engine.training.seeding import generator
from bandbridge.engine.training.stage import Stage
from bandbridge.engine.training.streams import FULL_SCALE, ImageBank
from bandbridge.engine.validation.scores import measure_scores
from bandbridge.engine.worker.bridge_sight import BridgeSight
from bandbridge.engine.worker.compute import choose_device, device_words, placed
from bandbridge.engine.worker.course import Course, streams_of
from bandbridge.engine.worker.gather import Images, gather_images
from bandbridge.engine.worker.peak_memory import forget_peak, peak_gpu_memory_mb, peak_memory_mb
from bandbridge.engine.worker.report import write_report
from bandbridge.engine.worker.run_folder import RunFolder
from bandbridge.engine.worker.sensor_reading import settled
from bandbridge.engine.worker.watch import Evidence, Gallery, GapWatch, Onlooker, RunWatcher, StagePlace
from numpy.typing import NDArray

Emit = Callable[[Event], None]

GALLERY_TARGETS = 12
GALLERY_PAIRS = 4
VERSIONED = ("bandbridge", "torch", "timm", "numpy", "rasterio", "opencv-python-headless", "scikit-learn")


def adapt(job: Adapt, emit: Emit, control: Control) -> AdaptReport:
    """Run an adaptation; see `run_folder` for what it writes.

    Raises:
        BandbridgeError: In words; whatever was saved before is intact.
        Stopped: Without a result to keep.
    """
    config = job.config
    info = method_info(config.method)
    settings = info.resolve(config.settings)
    check(config, info)
    config = settled(config, emit, control)
    folder = RunFolder(config, resume=job.resume)
    device = choose_device(config.device)
    began = time.perf_counter()
    forget_peak(device)
    sources = open_sources(config.sources, config.class_names)
    images = gather_images(
        config,
        [source.inputs for source in sources],
        sources[0].class_names,
        with_pairs=bool(config.pairs),
        emit=emit,
        control=control,
    )
    for finding in images.findings:
        emit(Notice.about(finding))
    with folder.at_work():
        ground, adapter = lay_ground(config, info, settings, sources, images, device, control)
        run = _Run(config, info, folder, sources, images, ground, adapter, device, emit, control)
        report = run.carry_out(resume=job.resume, began=began)
    folder.mark("kept" if report.stopped_early else "completed")
    return report


def check(config: RunConfig, info: MethodInfo) -> None:
    """Refuse what cannot work before anything is read.

    Raises:
        UsageError: The method does not fit what is given, or a number is out of range.
    """
    if not config.sources:
        raise UsageError("No source model was given.", "", "Choose the RGB classifier to start from.")
    if len(config.sources) > 1 and not info.several_sources:
        raise UsageError(
            f"{info.title} works with one source model; {len(config.sources)} were given.",
            "",
            "Choose one, or a method that mixes several.",
        )
    if info.needs_pairs and not config.pairs:
        raise UsageError(
            f"{info.title} needs pairs.",
            "It learns from images of the same scenes seen by both sensors.",
            "Add folders of pairs, or choose a method that does without.",
        )
    if info.trains and config.epochs < 1:
        raise UsageError("The number of epochs must be at least 1.", "", "Choose a larger number.")
    if config.batch_size < 2:
        raise UsageError("The batch size must be at least 2.", "Batch statistics need two images.", "Choose 2 or more.")
    if not 0.0 <= config.held_out <= 0.5:
        raise UsageError("The share of pairs kept aside must lie between 0 and 0.5.", "", "Choose 0.2, for example.")


def open_sources(paths: Sequence[str], class_names: tuple[str, ...] = ()) -> list[SourceModel]:
    """Open the source models of a run.

    Args:
        paths: Model files.
        class_names: Names a person gave, or () for those in the files.

    Raises:
        ModelError: One cannot be used, or they do not go together.
    """
    sources = [open_source(path) for path in paths]
    if class_names:
        sources = [_named(path, source, class_names) for path, source in zip(paths, sources, strict=True)]
    first = sources[0]
    for path, source in zip(paths, sources, strict=True):
        if source.class_names != first.class_names:
            raise ModelError(
                f"'{Path(path).name}' does not know the same classes as '{Path(paths[0]).name}'.",
                f"It has {len(source.class_names)} classes, the first {len(first.class_names)}, or other names.",
                "Use models of the same classes, or give them one list of class names.",
            )
        if source.inputs.size_px != first.inputs.size_px:
            raise ModelError(
                f"'{Path(path).name}' takes images of another size than '{Path(paths[0]).name}'.",
                f"{source.inputs.size_px} against {first.inputs.size_px} pixels.",
                "Use models of one input size.",
            )
    return sources


def _named(path: str, source: SourceModel, class_names: tuple[str, ...]) -> SourceModel:
    if len(source.class_names) != len(class_names):
        raise ModelError(
            f"The list of class names does not fit '{Path(path).name}'.",
            f"The model has {len(source.class_names)} classes, the list {len(class_names)} names.",
            "Give one name for each of the model's classes, in the order of its outputs.",
        )
    return dataclasses.replace(source, class_names=class_names)


def lay_ground(
    config: RunConfig,
    info: MethodInfo,
    settings: Mapping[str, object],
    sources: Sequence[SourceModel],
    images: Images,
    device: torch.device,
    control: Control,
) -> tuple[Ground, str]:
    """Models and images as the methods take them, and how the bands enter the network, in words."""
    bands = images.target.decoded.pixels.shape[1]
    adapter = ""
    members: list[Member] = []
    torch.manual_seed(int(generator(config.seed, "new parts").initial_seed()) % 2**63)
    for number, source in enumerate(sources):
        twin, adapter = sensor_encoder(source, bands, config.adapter)
        rgb = None
        if images.pairs is not None:
            rgb = ImageBank(images.pairs.rgb[number], source.inputs.mean, source.inputs.std, device)
        members.append(
            Member(
                name=Path(config.sources[number]).name,
                source=placed(source.encoder, device),
                encoder=placed(twin, device),
                head=source.head.to(device),
                rgb=rgb,
            )
        )
    pairs = images.pairs
    ground = Ground(
        members,
        ImageBank(images.target.decoded.pixels, images.stretch.mean, images.stretch.std, device),
        pairs=None if pairs is None else ImageBank(pairs.sensor, pairs.sensor_mean, pairs.sensor_std, device),
        training_pairs=None if pairs is None else pairs.training,
        held_out_pairs=None if pairs is None else pairs.held_out,
        settings=settings,  # type: ignore[arg-type]
        learning_rate=config.learning_rate if config.learning_rate is not None else info.learning_rate,
        control=control,
        precision=torch.bfloat16 if config.precision == "bfloat16" else torch.float32,
        seed=config.seed,
    )
    return ground, adapter


@dataclass(frozen=True, slots=True)
class _Look:
    """What a model makes of the target and of the held-out pairs, as arrays."""

    probabilities: NDArray[np.float32]
    label_free: Mapping[str, float]

    @property
    def classes(self) -> NDArray[np.int64]:
        """(N,) predicted classes."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) highest probability."""
        return np.asarray(self.probabilities.max(axis=1))

    def counts(self, names: Sequence[str]) -> dict[str, int]:
        """Class name -> images predicted."""
        return dict(zip(names, np.bincount(self.classes, minlength=len(names)).tolist(), strict=True))


@dataclass(slots=True)
class _Run:
    """One run at work."""

    config: RunConfig
    info: MethodInfo
    folder: RunFolder
    sources: Sequence[SourceModel]
    images: Images
    ground: Ground
    adapter: str
    device: torch.device
    emit: Emit
    control: Control

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.sources[0].class_names

    def carry_out(self, *, resume: bool, began: float) -> AdaptReport:
        """Look, train, look again, write everything down."""
        untouched = self.ground.look()
        gap = GapWatch(self.ground, self.control) if GapWatch.possible(self.ground) else None
        gap_before = gap.measure(untouched, 0).measures if gap else {}
        sight = BridgeSight(self.ground, self.sources[0].inputs)
        evidence = Evidence(untouched, gap, self.class_names, sight)
        before = self._take(untouched, evidence)
        gallery = self._gallery(untouched, sight)
        course = self._course(Onlooker(gallery, gap, evidence, self.class_names))
        course.run(resume=resume)
        before = dataclasses.replace(before, label_free={**before.label_free, **sight.likeness_untranslated()})
        for trial in self.ground.trials:
            if trial.chosen:
                self.emit(Notice(level="info", text=f"Of what was tried, '{trial.name}' is kept."))
        survey = self.ground.look()
        if self.ground.trials:  # what is kept need not be what was tried last
            self.emit(gallery.show(course.steps_done, self.ground, survey))
        after = self._take(survey, evidence)
        gap_after = gap.measure(survey, course.steps_done).measures if gap else {}
        alarms = evidence.alarms(survey, course.steps_done)
        if isinstance(course.watcher, RunWatcher):
            course.watcher.settle_alarms(alarms, course.steps_done)
        self.adapter = self._adapter()
        self._save_model()
        self._save_translator()
        self._write_predictions(before, after)
        self._write_pair_trust()
        truth = self.images.target.truth
        pairs = self.images.pairs
        report = AdaptReport(
            run=str(self.folder.path),
            model=str(self.folder.model),
            method=self.config.method,
            seed=self.config.seed,
            epochs_done=course.epochs_done,
            steps_done=course.steps_done,
            seconds=time.perf_counter() - began - self.control.paused_s,
            images_per_second=course.images / course.training_s if course.training_s > 0 else 0.0,
            before=measure_scores(truth, before.classes, self.class_names),
            after=measure_scores(truth, after.classes, self.class_names),
            gap_before=gap_before,
            gap_after=gap_after,
            predicted_before=before.counts(self.class_names),
            predicted_after=after.counts(self.class_names),
            mean_confidence_before=float(before.confidence.mean()),
            mean_confidence_after=float(after.confidence.mean()),
            agreement_before=before.label_free.get("agreement"),
            agreement_after=after.label_free.get("agreement"),
            changed=int((before.classes != after.classes).sum()),
            target_images=len(truth),
            pairs_used=len(pairs.training) if pairs is not None and "pairs" in course.saw else 0,
            pairs_held_out=0 if pairs is None else len(pairs.held_out),
            pairs_moved=0 if pairs is None else pairs.moved,
            set_aside=self.images.findings,
            mixing=dict(zip(self.config.sources, self.ground.mixing().detach().cpu().tolist(), strict=True)),
            adapter=self.adapter,
            device=device_words(self.device),
            versions={name: importlib.metadata.version(name) for name in VERSIONED},
            stopped_early=course.stopped_early,
            stages=course.names,
            trials=self.ground.trials,
            resumed=resume,
            label_free_before=before.label_free,
            label_free_after=after.label_free,
            alarms=alarms,
            peak_memory_mb=peak_memory_mb(),
            peak_gpu_memory_mb=peak_gpu_memory_mb(self.device),
        )
        self.folder.write_set_aside(self.images.findings)
        self.folder.write_json(REPORT_FILE, report)
        write_report(self.folder.path, report, self.config, self.info)
        return report

    def _course(self, onlooker: Onlooker) -> Course:
        """The way through the method's stages."""

        def watch(stage: Stage, place: StagePlace) -> RunWatcher:
            return RunWatcher(
                stage=stage,
                place=place,
                ground=self.ground,
                folder=self.folder,
                emit=self.emit,
                control=self.control,
                onlooker=onlooker,
                device_words=device_words(self.device),
            )

        def keep() -> None:
            self.ground.control = Control()  # what remains to be done is the result the person asked for

        return Course(
            folder=self.folder,
            build=lambda: STAGES[self.config.method](self.ground),
            names=stage_names(self.info, self.ground),
            streams=streams_of(self.ground, self.config),
            epochs=self.config.epochs,
            seed=self.config.seed,
            watch=watch,
            counted="target",
            device=self.device,
            precision=self.ground.precision,
            control=self.control,
            on_keep=keep,
        )

    def _take(self, survey: Survey, evidence: Evidence) -> _Look:
        return _Look(survey.probabilities.cpu().numpy(), evidence.measure(survey))

    def _picture(self, pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """(C, S, S) as a person sees it, under the run's stretch."""
        values = pixels.astype(np.float32)
        return picture(values, low=[0.0] * len(values), high=[FULL_SCALE] * len(values), size_px=values.shape[-1])

    def _gallery(self, untouched: Survey, sight: BridgeSight) -> Gallery:
        """A few target images, spread over the predicted classes, and a few held-out pairs."""
        target = self.images.target
        probabilities = untouched.probabilities.cpu().numpy()
        random = np.random.default_rng(int(generator(self.config.seed, "gallery").initial_seed()))
        items: list[tuple[SamplePrediction, int]] = []
        for index in random.permutation(len(target.truth))[:GALLERY_TARGETS].tolist():
            truth = int(target.truth[index])
            item = SamplePrediction(
                key=target.decoded.names[index],
                kind="target",
                picture=self._picture(target.decoded.pixels[index]),
                partner=None,
                before=probabilities[index],
                after=probabilities[index],
                truth=truth if truth >= 0 else None,
            )
            items.append((item, index))
        pairs = self.images.pairs
        if pairs is not None and untouched.pair_logits is not None:
            pair_probabilities = untouched.pair_logits.softmax(dim=1).cpu().numpy()
            for row, index in enumerate(pairs.held_out[:GALLERY_PAIRS].tolist()):
                item = SamplePrediction(
                    key=pairs.names[index],
                    kind="pair",
                    picture=self._picture(pairs.sensor[index]),
                    partner=self._picture(pairs.rgb[0][index]),
                    before=pair_probabilities[row],
                    after=pair_probabilities[row],
                )
                items.append((item, index))
        return Gallery(items, self.class_names, sight)

    def _adapter(self) -> str:
        """How the bands enter the finished model, in words; a method may have put a translator before it."""
        channels = self.sources[0].spec.input_channels
        adapter = adapter_of(self.ground.members[0].encoder, channels)
        return describe(adapter, channels, self.images.target.decoded.pixels.shape[1])

    def _provenance(self) -> dict[str, str]:
        """Where model and translator come from."""
        facts = {"method": self.config.method, "seed": str(self.config.seed), "run": self.folder.fingerprint}
        return {**facts, "sensor": self.config.sensor} if self.config.sensor else facts

    def _save_model(self) -> None:
        """Write the adapted model."""
        model = SensorModel.adapted(
            sources=self.sources,
            encoders=[member.encoder for member in self.ground.members],
            mixing=self.ground.mixing().detach(),
            stretch=self.images.stretch,
            bands=self.images.bands,
            dtype=self.images.target.depth,
            no_data=self.images.no_data,
            adapter=self.adapter,
            provenance=self._provenance(),
        )
        save_sensor_model(self.folder.model, model)

    def _save_translator(self) -> None:
        """Write the translator, if the method trained one."""
        network = self.ground.translator
        if network is None:
            return
        source = self.sources[0].inputs
        inputs = InputSpec(
            size_px=source.size_px,
            mean=self.images.stretch.mean,
            std=self.images.stretch.std,
            bands=self.images.bands,
            stretch=self.images.stretch,
            dtype=self.images.target.depth,
            no_data=self.images.no_data,
        )
        provenance = self._provenance()
        save_translator(self.folder.translator, ImageTranslator(network, inputs, source.mean, source.std, provenance))

    def _write_pair_trust(self) -> None:
        """One line a pair that was trained on, the least trusted first; nothing where all are trusted alike."""
        trust, pairs = self.ground.pair_trust, self.images.pairs
        if trust is None or pairs is None:
            return
        met = sorted((value, pairs.names[index]) for index, value in enumerate(trust.tolist()) if value == value)
        rows = [(name, f"{value:.6f}") for value, name in met]
        self.folder.write_table(PAIR_TRUST_FILE, ("pair", "trust"), rows)

    def _write_predictions(self, before: _Look, after: _Look) -> None:
        """One line a target image, in the order of names."""
        names = self.images.target.decoded.names
        truth = self.images.target.truth
        rows = [
            (
                names[i],
                self.class_names[truth[i]] if truth[i] >= 0 else "",
                self.class_names[before.classes[i]],
                f"{before.confidence[i]:.6f}",
                self.class_names[after.classes[i]],
                f"{after.confidence[i]:.6f}",
            )
            for i in sorted(range(len(names)), key=lambda index: names[index])
        ]
        columns = ("file", "truth", "before", "before_confidence", "after", "after_confidence")
        self.folder.write_table(PREDICTIONS_FILE, columns, rows)
