"""Retrieval and tagging, by orders worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from bandbridge.engine.validation.retrieval import retrieval_measures, separation, tagging_precision

GALLERY = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]], np.float32)


def one_hot(*labels, classes=3):
    return np.eye(classes, dtype=bool)[list(labels)]


def test_retrieval_by_hand():
    """Query (1, 0) of class 0 meets classes 1, 0, 1, 0: hits at 2 and 4, precision (1/2 + 2/4) / 2."""
    found = retrieval_measures(
        np.array([[5.0, 0.0]], np.float32), one_hot(0), GALLERY, one_hot(1, 0, 1, 0), ranks=(1, 2)
    )
    assert found == {"recall_at_1": 0.0, "recall_at_2": 1.0, "retrieval_map": pytest.approx(0.5)}


def test_a_query_without_any_hit_counts_as_zero():
    """Left out, it would have lifted the mean to 1."""
    queries = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    found = retrieval_measures(queries, one_hot(0, 2), GALLERY, one_hot(0, 0, 0, 0))
    assert found["retrieval_map"] == pytest.approx(0.5)
    assert found["recall_at_1"] == pytest.approx(0.5)


def test_lengths_do_not_matter_and_a_zero_vector_does_no_harm():
    queries = np.array([[0.0, 0.0], [0.0, 9.0]], np.float32)
    found = retrieval_measures(queries, one_hot(1, 1), 7 * GALLERY, one_hot(0, 0, 1, 0))
    assert np.isfinite(list(found.values())).all()
    assert found["recall_at_1"] == pytest.approx(0.5)


def test_one_shared_tag_is_a_hit():
    tags = np.array([[True, True, False]])
    found = retrieval_measures(np.array([[1.0, 0.0]], np.float32), tags, GALLERY, one_hot(1, 2, 2, 2))
    assert found["recall_at_1"] == 1.0


def test_tagging_precision_by_hand():
    """Tag 0: clips by score yes, no, yes: (1 + 2/3) / 2. Tag 1: no, yes: 1/2. Tag 2: nobody has it, left out."""
    scores = np.array([[0.9, 0.2, 0.5], [0.5, 0.1, 0.5], [0.1, 0.4, 0.5]], np.float32)
    labels = np.array([[True, True, False], [False, False, False], [True, False, False]])
    mean, each = tagging_precision(scores, labels)
    assert each[:2] == pytest.approx([5 / 6, 1 / 2])
    assert np.isnan(each[2])
    assert mean == pytest.approx((5 / 6 + 1 / 2) / 2)


def test_separation_by_hand():
    values = np.array([0.9, 0.4, 0.5, 0.1], np.float32)
    assert separation(values, np.array([True, True, False, False])) == pytest.approx(0.75)
    assert separation(values, np.ones(4, bool)) is None
