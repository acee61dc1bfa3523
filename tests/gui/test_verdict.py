"""Nobody has to guess whether a run helped: it is said, and never more than the numbers bear."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bandbridge.engine.api.reports import Trial
from bandbridge.gui.verdict import judge, takeover
from made_up_runs import AFTER, BEFORE, adapt_report, scores


def test_a_clear_gain_is_called_better() -> None:
    verdict = judge(adapt_report(changed=9))
    assert verdict.tone == "good"
    assert "60" in verdict.headline
    assert "87" in verdict.headline
    assert "8 more images of 30 right" in verdict.explanation


def test_a_gain_on_labels_does_not_hide_a_loss_on_pairs() -> None:
    verdict = judge(adapt_report(changed=9, agreement_before=0.7, agreement_after=0.35))
    assert verdict.tone == "good"
    assert "agreement with RGB fell from 70" in verdict.explanation


def test_a_loss_is_said_plainly_with_what_to_do() -> None:
    verdict = judge(adapt_report(before=scores(AFTER), after=scores(BEFORE), changed=9))
    assert verdict.tone == "error"
    assert verdict.headline.startswith("This run made the model worse on your labelled images")
    assert "Keep the source model as it is" in verdict.headline


def test_no_change_is_not_sold_as_a_result() -> None:
    verdict = judge(adapt_report(after=scores(BEFORE)))
    assert verdict.tone == "warning"
    assert "no better than doing nothing" in verdict.headline


@pytest.mark.parametrize(("changed", "tone"), [(25, "neutral"), (9, "good")])
def test_a_gain_among_many_changes_may_be_chance(changed: int, tone: str) -> None:
    assert judge(adapt_report(changed=changed)).tone == tone


def test_without_labels_the_held_out_pairs_decide() -> None:
    unlabelled = {"before": None, "after": None}
    better = judge(adapt_report(**unlabelled))
    assert better.tone == "good"
    assert "not a proof" in better.explanation
    assert judge(adapt_report(**unlabelled, agreement_after=0.3)).tone == "warning"
    assert judge(adapt_report(**unlabelled, agreement_after=0.46)).tone == "neutral"
    assert "no better than doing nothing" in judge(adapt_report(**unlabelled, agreement_after=0.41)).headline
    nothing = judge(adapt_report(**unlabelled, agreement_before=None, agreement_after=None))
    assert "nobody can say" in nothing.headline


def test_a_collapse_is_an_error_whatever_the_agreement() -> None:
    collapsed = {"field": 29, "forest": 1, "water": 0}
    verdict = judge(adapt_report(before=None, after=None, predicted_after=collapsed))
    assert verdict.tone == "error"
    assert "one class take over" in verdict.headline


def test_the_source_model_is_not_judged_against_itself() -> None:
    assert judge(adapt_report(method="source-only", after=scores(BEFORE))).tone == "neutral"


def test_takeover_waits_for_enough_images_and_knows_two_class_tasks() -> None:
    assert takeover({"a": 85, "b": 10, "c": 5}) is not None
    assert takeover({"a": 85, "b": 15}) is None
    assert takeover({"a": 5, "b": 0, "c": 0}) is None
    assert takeover({"a": 100}) is None


def test_a_choice_is_told_in_a_sentence_and_keeping_the_source_model_is_no_failure() -> None:
    names = ("Source model as it is", "Normalisation only")
    trials = tuple(Trial(name=name, reliability=0.3, balanced_agreement=0.4, ruled_out=False) for name in names)
    kept = judge(adapt_report(method="auto", changed=9, trials=(trials[0], replace(trials[1], chosen=True))))
    assert kept.tone == "good"
    assert kept.explanation.endswith("Kept: Normalisation only.")
    untouched = (replace(trials[0], chosen=True), replace(trials[1], ruled_out=True))
    nothing = judge(adapt_report(method="auto", after=scores(BEFORE), changed=0, trials=untouched))
    assert nothing.tone == "neutral"
    assert "the source model as it is, so this was kept" in nothing.headline
