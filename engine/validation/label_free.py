"""What can be measured where no label exists: on held-out pairs, on the target's answers, against the untouched model.

None of these is accuracy; the manual's chapter "label-free" says of each where it fails. All take logits, K classes,
and return plain numbers. Memory is at most a few times that of the logits, whatever the number of images.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

NEIGHBOURS_AMONG = 2000
"""Neighbourhood density looks at so many images at most: it compares each with each."""

SND_TEMPERATURE = 0.05
_BLOCK = 4096


def agreement(rgb_logits: Tensor, sensor_logits: Tensor) -> float:
    """(1/P) sum_i [argmax o_i^t = argmax o_i^s]: share of pairs given the same class, 0..1.

    Args:
        rgb_logits: (P, K) of the untouched source model on the RGB images.
        sensor_logits: (P, K) of the model at hand on their partners; row i of both is pair i.
    """
    return float((rgb_logits.argmax(dim=1) == sensor_logits.argmax(dim=1)).double().mean())


def balanced_agreement(rgb_logits: Tensor, sensor_logits: Tensor) -> float:
    """(1/|Y|) sum_{y in Y} agreement among pairs with argmax o^s = y, 0..1: every class counts alike.

    Y are the classes the source model gives at least one RGB image. Shapes as in `agreement`.
    """
    given, same = rgb_logits.argmax(dim=1), rgb_logits.argmax(dim=1) == sensor_logits.argmax(dim=1)
    pairs = torch.bincount(given, minlength=rgb_logits.shape[1])  # (K,)
    agreed = torch.bincount(given[same], minlength=rgb_logits.shape[1])
    known = pairs > 0
    return float((agreed[known].double() / pairs[known]).mean())


def divergence(first_logits: Tensor, second_logits: Tensor) -> float:
    """(1/N) sum_i KL(p_i || q_i) in nats with p, q the softmax of the first and second logits, from 0 upwards.

    Args:
        first_logits: (N, K) of what is taken for true: the source model on RGB, or the untouched model.
        second_logits: (N, K) of the model at hand; row i of both belongs together.
    """
    first, second = first_logits.float().log_softmax(dim=1), second_logits.float().log_softmax(dim=1)
    mean = functional.kl_div(second, first, reduction="batchmean", log_target=True)
    return max(float(mean), 0.0)


def partner_margin(rgb_features: Tensor, sensor_features: Tensor) -> float:
    """(1/P) sum_i [cos(z_i^t, z_i^s) - (1/(P-1)) sum_{j != i} cos(z_i^t, z_j^s)], -2..2; 0 = the scene leaves no trace.

    Needs no (P, P) matrix: the sum over j is a product with the sum of all z^s.

    Args:
        rgb_features: (P, D) of the untouched source model, P >= 2.
        sensor_features: (P, D) of the model at hand; row i of both is pair i.
    """
    rgb, sensor = (functional.normalize(z.float(), dim=1) for z in (rgb_features, sensor_features))
    own = (rgb * sensor).sum(dim=1)  # (P,)
    others = (sensor @ rgb.sum(dim=0) - own) / (len(rgb) - 1)
    return float((own - others).mean())


def mean_entropy(probabilities: Tensor) -> float:
    """(1/N) sum_i H(p_i) in nats, 0 (certain) to log K. (N, K) probabilities."""
    return float(torch.special.entr(probabilities).sum(dim=1).mean())


def class_entropy(probabilities: Tensor) -> float:
    """H((1/N) sum_i p_i) in nats, 0 (one class takes all) to log K (all classes alike). (N, K) probabilities."""
    return float(torch.special.entr(probabilities.mean(dim=0)).sum())


def information(probabilities: Tensor) -> float:
    """Mean entropy minus class entropy in nats, -log K (certain and varied) to 0. (N, K) probabilities.

    Source: information maximisation as of SHOT (arXiv 2002.08546) eq. 3, over all images instead of a batch.
    """
    return mean_entropy(probabilities) - class_entropy(probabilities)


def neighbourhood_density(probabilities: Tensor) -> float:
    """Soft neighbourhood density in nats, 0 to log(M - 1): the entropy of each image's likeness to the others.

    S_ij = cos(p_i, p_j) / 0.05, P_i = softmax over j != i of S_i, SND = (1/M) sum_i H(P_i).

    Source:
        Saito et al., ICCV 2021 (arXiv 2108.10860). Difference: taken over the first M = min(N, 2000) images. The
        program orders target images by their content, so these are as good as drawn by lot, and the same every time.

    Args:
        probabilities: (N, K).
    """
    some = functional.normalize(probabilities[:NEIGHBOURS_AMONG].float(), dim=1)  # (M, K)
    if len(some) < 2:
        return 0.0
    likeness = some @ some.T / SND_TEMPERATURE  # (M, M)
    likeness.fill_diagonal_(-math.inf)
    return float(torch.special.entr(likeness.softmax(dim=1)).sum(dim=1).mean())


def nuclear_norm(probabilities: Tensor) -> float:
    """||P||_* / sqrt(N min(N, K)), above 0 to 1 (certain and all classes alike); 1/sqrt(K) if one class takes all.

    The sum of P's singular values, from the eigenvalues of P'P gathered in blocks of rows (of PP' where N < K).

    Source: batch nuclear-norm maximisation, Cui et al., CVPR 2020 (arXiv 2003.12237); divided by its upper bound.

    Args:
        probabilities: (N, K).
    """
    images, classes = probabilities.shape
    if images < classes:
        rows = probabilities.double()
        gram = rows @ rows.T
    else:
        gram = torch.zeros(classes, classes, dtype=torch.float64, device=probabilities.device)
        for block in torch.split(probabilities, _BLOCK):
            gram += block.double().T @ block.double()
    singular = torch.linalg.eigvalsh(gram).clamp(min=0.0).sqrt()
    return float(singular.sum()) / math.sqrt(images * min(images, classes))


def class_counts(logits: Tensor) -> Tensor:
    """(K,) images given each class. (N, K) logits."""
    return torch.bincount(logits.argmax(dim=1), minlength=logits.shape[1])


def effective_classes(counts: Tensor) -> float:
    """exp(H(c / sum c)), 1 (one class takes all) to K: as many classes of one size would be as varied. (K,) counts."""
    return math.exp(float(torch.special.entr(counts.double() / counts.sum()).sum()))


CERTAINTY_SHARE = 0.3


def reliability(margin: float, information: float) -> float:
    """The one figure that stands for how far a model can be relied on: partner margin - 0.3 information, from -2 up.

    Pairs say whether the model still knows what it sees, certainty and variety whether it can tell the target images
    apart; each alone misleads where the other holds (CONTRIBUTING.md, Decisions). Comparable between models of one
    task only.

    Args:
        margin: `partner_margin` of held-out pairs, 0 without pairs.
        information: `information` of the target's probabilities.
    """
    return margin - CERTAINTY_SHARE * information


def pair_measures(
    rgb_logits: Tensor, sensor_logits: Tensor, rgb_features: Tensor, sensor_features: Tensor
) -> dict[str, float]:
    """Those of `events.LABEL_FREE` that need held-out pairs; shapes as in the functions, P >= 2."""
    return {
        "agreement": agreement(rgb_logits, sensor_logits),
        "balanced_agreement": balanced_agreement(rgb_logits, sensor_logits),
        "pair_divergence": divergence(rgb_logits, sensor_logits),
        "partner_margin": partner_margin(rgb_features, sensor_features),
    }


def target_measures(logits: Tensor, untouched_logits: Tensor) -> dict[str, float]:
    """Those of `events.LABEL_FREE` that the target images alone give.

    Args:
        logits: (N, K) of the model at hand on the target images.
        untouched_logits: (N, K) of the untouched model on the same.
    """
    probabilities = logits.float().softmax(dim=1)
    counts = class_counts(logits)
    certainty, variety = mean_entropy(probabilities), class_entropy(probabilities)
    return {
        "information": certainty - variety,
        "entropy": certainty,
        "class_entropy": variety,
        "density": neighbourhood_density(probabilities),
        "nuclear_norm": nuclear_norm(probabilities),
        "classes_used": effective_classes(counts) / len(counts),
        "largest_share": float(counts.max() / counts.sum()),
        "changed": float((logits.argmax(dim=1) != untouched_logits.argmax(dim=1)).double().mean()),
        "change_divergence": divergence(untouched_logits, logits),
    }
