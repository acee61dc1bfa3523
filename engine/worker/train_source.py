"""Training a source model from class folders of RGB images, from configuration to model file."""

from __future__ import annotations

import difflib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import timm
import torch
from bandbridge.engine.api.config import TrainSourceConfig
from bandbridge.engine.api.control import Control
from bandbridge.engine.api.errors import ImageError, ModelError, Stopped, UsageError
from bandbridge.engine.api.events import Event, Notice
from bandbridge.engine.api.jobs import TrainSource
from bandbridge.engine.api.reports import Finding, TrainSourceReport
from bandbridge.engine.imagery.decoded import DecodedSet, decode_images
from bandbridge.engine.imagery.folder import usable_images
from bandbridge.engine.imagery.labels import class_of
from bandbridge.engine.imagery.reader import read_header
from bandbridge.engine.imagery.stretch import Stretch, measure_stretch
from bandbridge.engine.methods.supervised import Supervised
from bandbridge.engine.models.network import NetworkSpec, build, is_size_fixed, probe
from bandbridge.engine.models.source import SourceModel, open_source
from bandbridge.engine.training.loop import build_optimisers, train
from bandbridge.engine.training.seeding import generator
from bandbridge.engine.training.streams import ImageBank, ImageStream
from bandbridge.engine.validation.scores import measure_scores
from bandbridge.engine.worker.adapt import choose_device, device_words
from bandbridge.engine.worker.train_watch import TrainWatcher
from numpy.typing import NDArray
from torch import nn

Emit = Callable[[Event], None]

RGB_BANDS = (1, 2, 3)
DEFAULT_ARCHITECTURE = "resnet18"
SIZE_STEP_PX = 32
"""Own sizes are rounded to this: most networks halve the image five times."""
