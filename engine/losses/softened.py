"""Learning a teacher's answers."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def softened_answers(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T^2 mean_i KL(softmax(t_i / T) || softmax(s_i / T)).

    Args:
        logits: (B, K) of the student.
        teacher_logits: (B, K).
        temperature: T > 0.

    Returns:
        Scalar >= 0.

    Source:
        KD: Hinton, Vinyals and Dean (arXiv 1503.02531).
    """
    divergence = functional.kl_div(
        (logits / temperature).log_softmax(dim=1),
        (teacher_logits / temperature).log_softmax(dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * divergence


def softened_tags(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T^2 mean_i sum_k KL(Bernoulli(sigmoid(t_ik / T)) || Bernoulli(sigmoid(s_ik / T))), for clips with several labels.

    Args:
        logits: (B, K) of the student.
        teacher_logits: (B, K).
        temperature: T > 0.

    Returns:
        Scalar >= 0.

    Source:
        KD (arXiv 1503.02531), label by label.
    """
    student, teacher = logits / temperature, teacher_logits / temperature
    wanted = teacher.sigmoid()
    yes = wanted * (functional.logsigmoid(teacher) - functional.logsigmoid(student))
    no = (1.0 - wanted) * (functional.logsigmoid(-teacher) - functional.logsigmoid(-student))
    return temperature**2 * (yes + no).sum(dim=1).mean()


def answer_distance(logits: Tensor, others: Tensor) -> Tensor:
    """Jensen-Shannon divergence of two answers: mean_i (KL(p_i || m_i) + KL(q_i || m_i)) / 2, m = (p + q) / 2.

    Args:
        logits: (B, K).
        others: (B, K).

    Returns:
        Scalar between 0 and log 2.

    Source:
        CCL (arXiv 2104.10955) holds answers together by it.
    """
    first, second = logits.log_softmax(dim=1), others.log_softmax(dim=1)
    middle = torch.logaddexp(first, second) - math.log(2.0)
    sides = [functional.kl_div(middle, side, reduction="batchmean", log_target=True) for side in (first, second)]
    return (sides[0] + sides[1]) / 2.0
