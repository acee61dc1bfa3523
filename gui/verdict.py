"""What the numbers of a run mean, in plain sentences: nobody should have to guess whether a run helped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bandbridge.engine.api.catalogue import method_info
from bandbridge.engine.api.reports import AdaptReport, Scores
from bandbridge.gui.quantities import count, counted, percent

Tone = Literal["good", "neutral", "warning", "error"]
_SOURCE_ONLY = "source-only"
_MUCH_LESS_AGREEMENT = 0.1
_KEEP = "Keep the source model as it is, or try another method."


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement of a run.

    Attributes:
        tone: How it should look.
        headline: One sentence that can be repeated to a supervisor.
        explanation: What it rests on, and what to do.
    """

    tone: Tone
    headline: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """One class that swallows nearly all images."""

    class_name: str
    share: float

    @property
    def sentence(self) -> str:
        """The warning in words."""
        return (
            f"{percent(self.share)} of the images are now called “{self.class_name}”. Unless your images really are "
            "that one-sided, the model is losing the other classes."
        )


def takeover(counts: Mapping[str, int]) -> Takeover | None:
    """The class that takes over, if one does.

    Args:
        counts: Class name -> images given this class.
    """
    images = sum(counts.values())
    if images < 10 or len(counts) < 2:
        return None
    name = max(counts, key=lambda key: counts[key])
    share = counts[name] / images
    return Takeover(name, share) if share >= (0.95 if len(counts) == 2 else 0.8) else None


def judge(report: AdaptReport) -> Verdict:
    """Say whether a run was worth it: by labels where they exist, else by the held-out pairs."""
    if report.method == _SOURCE_ONLY:
        return _judge_source(report)
    kept = next((trial.name for trial in report.trials if trial.chosen), "")
    if kept == method_info(_SOURCE_ONLY).title:
        return _judge_untouched(report)
    verdict = _judge(report)
    if not kept:
        return verdict
    return replace(verdict, explanation=f"{verdict.explanation} Kept: {kept}.")


def _judge(report: AdaptReport) -> Verdict:
    if report.before is not None and report.after is not None:
        return _judge_labelled(report, report.before, report.after)
    return _judge_unlabelled(report)


def _judge_source(report: AdaptReport) -> Verdict:
    headline = "This is the source model as it is, without any adaptation."
    if report.after is None:
        return Verdict("neutral", headline, "Run a method to see whether it does better.")
    right = f"It names {percent(report.after.accuracy)} of {counted(report.after.images, 'labelled image')} right."
    return Verdict("neutral", headline, f"{right} Every method has to beat this number.")


def _judge_untouched(report: AdaptReport) -> Verdict:
    headline = "Nothing that was tried looked more reliable than the source model as it is, so this was kept."
    right = ""
    if report.after is not None:
        right = f"It names {percent(report.after.accuracy)} of {counted(report.after.images, 'labelled image')} right. "
    return Verdict("neutral", headline, f"{right}Pairs that resemble your images more may help, or another method.")


def _judge_labelled(report: AdaptReport, before: Scores, after: Scores) -> Verdict:
    numbers = f"{percent(before.accuracy)} → {percent(after.accuracy)}"
    gained = round(after.accuracy * after.images) - round(before.accuracy * before.images)
    # Only images whose class changed can have become right or wrong: the sign of their sum is a coin's when the
    # run did nothing, and the sum stays within two standard deviations then.
    chance = abs(gained) <= 2 * math.sqrt(max(report.changed, abs(gained)))
    basis = f"Measured on {counted(after.images, 'labelled image')}; labels were never used for training."
    fallen = (report.agreement_before or 0.0) - (report.agreement_after or 0.0)
    if gained > 0 and report.agreement_after is not None and fallen >= _MUCH_LESS_AGREEMENT:
        agreements = f"{percent(report.agreement_before or 0.0)} to {percent(report.agreement_after)}"
        basis += f" On the held-out pairs, though, agreement with RGB fell from {agreements}."
    if gained < 0:
        hedge = " The difference is small enough to be chance." if chance else ""
        headline = f"This run made the model worse on your labelled images: {numbers}. {_KEEP}"
        return Verdict("warning" if chance else "error", headline, basis + hedge)
    if gained == 0:
        headline = f"This run did no better than doing nothing: {numbers}. {_KEEP}"
        return Verdict("warning", headline, basis)
    more = f"{counted(gained, 'more image')} of {count(after.images)} right"
    if chance:
        headline = f"A little better on your labelled images: {numbers}."
        return Verdict("neutral", headline, f"{more}: few enough to be chance. {basis}")
    return Verdict("good", f"The adapted model is better on your labelled images: {numbers}.", f"{more}. {basis}")


def _judge_unlabelled(report: AdaptReport) -> Verdict:
    swallowed = takeover(report.predicted_after)
    if swallowed is not None and takeover(report.predicted_before) is None:
        return Verdict("error", f"This run made one class take over. {_KEEP}", swallowed.sentence)
    if report.agreement_before is None or report.agreement_after is None:
        return Verdict(
            "neutral",
            "Without labels or held-out pairs nobody can say whether this run helped.",
            f"The class of {counted(report.changed, 'image')} of {count(report.target_images)} changed. Look through "
            "them in the gallery, or put some images into class folders and run again.",
        )
    numbers = f"{percent(report.agreement_before)} → {percent(report.agreement_after)}"
    basis = (
        f"Agreement: how often the sensor image of a held-out pair gets the class the source model gives its RGB "
        f"partner, on {counted(report.pairs_held_out, 'pair')}. Without labels this is a sign, not a proof."
    )
    pairs = report.pairs_held_out
    gained = round((report.agreement_after - report.agreement_before) * pairs)
    middle = (report.agreement_after + report.agreement_before) / 2
    # Two standard deviations of a difference of two shares, as if the pairs had been drawn twice: rather too careful.
    chance = abs(gained) <= 2 * math.sqrt(2 * pairs * middle * (1 - middle))
    if gained < 0:
        return Verdict("warning", f"The adapted model agrees less with RGB than before: {numbers}. {_KEEP}", basis)
    if gained == 0:
        return Verdict("warning", f"This run did no better than doing nothing: {numbers} agreement. {_KEEP}", basis)
    if chance:
        headline = f"The adapted model agrees a little more with RGB than before: {numbers}."
        return Verdict("neutral", headline, f"Few enough pairs to be chance. {basis}")
    return Verdict("good", f"The adapted model agrees more with RGB than before: {numbers}.", basis)
