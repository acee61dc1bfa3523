"""Learning a teacher's features."""

from __future__ import annotations

from torch import Tensor


def hint_distance(regressed: Tensor, teacher: Tensor) -> Tensor:
    """Mean over clips and dimensions of (r(f_i) - t_i)^2 / 2.

    Args:
        regressed: (B, D) student features brought to the teacher's width.
        teacher: (B, D).

    Returns:
        Scalar >= 0.

    Source:
        FitNets: Romero et al., ICLR 2015 (arXiv 1412.6550), eq. 3; averaged over dimensions, so that its size does not
        depend on the teacher's width.
    """
    return (regressed - teacher).square().mean() / 2.0
