"""Means, spreads, and who leads: the sums behind a comparison's table."""

import pytest
from bandbridge.engine.api.measures import in_order, measure, spread, standings
from bandbridge.engine.api.reports import ComparedMethod, Spread


def method(name, mean, deviation=None, key="accuracy"):
    value = Spread(mean=mean, deviation=deviation, runs=3)
    return ComparedMethod(method=name, state="completed", completed=3, runs=3, values={key: value})


def test_spread_is_that_of_a_sample():
    value = spread([0.1, 0.2, 0.6, float("nan")])
    assert (value.mean, value.deviation, value.runs) == (pytest.approx(0.3), pytest.approx(0.07**0.5), 3)
    assert spread([0.5]) == Spread(mean=0.5, deviation=None, runs=1)
    assert spread([float("nan")]) is None


def test_who_lies_within_the_spread_of_the_best_is_close():
    far, near, best = method("a", 0.70, 0.02), method("b", 0.77, 0.03), method("c", 0.80, 0.02)
    assert standings((far, near, best), "accuracy") == {"a": "", "b": "close", "c": "best"}
    assert standings((far, near, best), "seconds") == {}
    alone = method("b", 0.799)
    assert standings((alone, best), "accuracy")["b"] == "", "one run tells no spread"


def test_less_is_better_where_it_is():
    slow, quick = method("a", 30.0, 1.0, "seconds"), method("b", 20.0, 1.0, "seconds")
    assert standings((slow, quick), "seconds") == {"a": "", "b": "best"}


def test_nobody_leads_where_all_are_equal_or_no_direction_is_good():
    assert set(standings((method("a", 0.5), method("b", 0.5)), "accuracy").values()) == {""}
    pair = (method("a", 0.5, key="changed"), method("b", 0.6, key="changed"))
    assert set(standings(pair, "changed").values()) == {""}


def test_scores_nobody_has_heard_of_stand_among_the_others():
    keys = in_order(["seconds", "label_free.some_score", "accuracy", "agreement"])
    assert keys == ("accuracy", "agreement", "label_free.some_score", "seconds")
    assert measure("label_free.some_score").title == "Some score"
