"""Builds the source model that ships with the sample: `python -m bandbridge.engine.sample.build_source_model`.

Labelled RGB images of the task's classes are simulated from randomness that no sample draws from, and a small network
is trained on them through the same job that people use. It takes some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bandbridge.engine.api.config import TrainSourceConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import WorkerError
from bandbridge.engine.api.events import Finished
from bandbridge.engine.api.jobs import TrainSource
from bandbridge.engine.api.launch import Quit, Submit, start_worker
from bandbridge.engine.api.reports import TrainSourceReport
from bandbridge.engine.sample.make import SOURCE_MODEL, write_labelled_rgb

ARCHITECTURE = "test_resnet"  # the smallest ResNet of timm: 0.37 M weights, BatchNorm throughout
IMAGES_A_CLASS = 300
EPOCHS = 24
SEED = 0


def build_source_model(output: Path) -> TrainSourceReport:
    """Simulate 300 images of each class, train on nine tenths of them, measure on the rest, write the model.

    Args:
        output: Model file to write.

    Raises:
        WorkerError: The training failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "simulated_rgb")
        write_labelled_rgb(images, "training", IMAGES_A_CLASS, SEED, Control())
        config = TrainSourceConfig(
            folder=str(images),
            output=str(output),
            architecture=ARCHITECTURE,
            epochs=EPOCHS,
            learning_rate=3e-3,
            held_out=0.1,
            augment="overhead",
            seed=SEED,
            device="cpu",
        )
        return _trained(TrainSource(config=config))


def _trained(job: TrainSource) -> TrainSourceReport:
    """Let a worker process do it, as the window does: the simulation itself knows no training."""
    process, worker = start_worker()
    worker.send(Submit(job))
    while not isinstance(event := worker.recv(), Finished):
        pass
    worker.send(Quit())
    process.join()
    if not isinstance(event.result, TrainSourceReport):
        raise WorkerError("The source model could not be trained.", str(event.problem or event.outcome))
    return event.result


def main() -> None:
    """Build the model into the project's resources, or where the command line says."""
    parser = argparse.ArgumentParser(description="Build the sample's source model.")
    resources = Path(__file__).resolve().parents[2] / "resources" / "sample"
    parser.add_argument("output", nargs="?", type=Path, default=resources / SOURCE_MODEL)
    report = build_source_model(parser.parse_args().output)
    accuracy = f"{report.held_out.accuracy:.1%}" if report.held_out else "nothing"
    parser.exit(message=f"{report.model}: {accuracy} of images kept aside are right, {report.seconds:.0f} s\n")


if __name__ == "__main__":
    main()
