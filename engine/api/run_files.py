"""What a run leaves in its folder, by name.

run.json                 configuration and state, written first and last
losses.csv               every sampled step, appended; losses-1.csv ... where a method has several stages
gap.csv                  the modality gap, a line an epoch, appended
epochs.csv               predicted class counts, confidence and label-free measures, a line an epoch, appended
checkpoint.safetensors   everything needed to go on, replaced in one step
model.safetensors        the adapted model
translator.safetensors   what turns sensor images into RGB-like ones, where the method trains it
predictions.csv          every target image before and after
signs.csv                of clips: the signs by which MNF + CSC tells sound that does not belong
pair_trust.csv           how far each pair was trusted, the least trusted first, where a method weighs single pairs
set_aside.csv            files left out and why
report.json, report.html the result
"""

from __future__ import annotations

RUN_FILE = "run.json"
GAP_FILE = "gap.csv"
EPOCHS_FILE = "epochs.csv"
CHECKPOINT_FILE = "checkpoint.safetensors"
MODEL_FILE = "model.safetensors"
TRANSLATOR_FILE = "translator.safetensors"
PREDICTIONS_FILE = "predictions.csv"
SIGNS_FILE = "signs.csv"
PAIR_TRUST_FILE = "pair_trust.csv"
SET_ASIDE_FILE = "set_aside.csv"
REPORT_FILE = "report.json"
REPORT_PAGE = "report.html"


def losses_file(stage: int, stages: int) -> str:
    """Where a stage's losses stand.

    Args:
        stage: Which, from 0.
        stages: How many the method has.
    """
    return "losses.csv" if stages == 1 else f"losses-{stage + 1}.csv"
