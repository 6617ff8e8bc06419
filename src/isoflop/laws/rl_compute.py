"""Khatri et al. 2025 (ScaleRL): pass rate as a sigmoid in the logarithm of RL compute."""

from typing import Annotated, Any

from isoflop.laws.dimensions import Accuracy, Exponent, GpuHours, Kind, scale_of
from isoflop.laws.law import law

Start = Annotated[Any, Kind("pass rate before RL", 0.0, 1.0, "linear", (0.05, 0.45))]
Asymptote = Annotated[Any, Kind("pass rate in the limit", 0.0, 1.0, "linear", (0.45, 0.95))]
Midpoint = Annotated[Any, scale_of("C", (1e-2, 1e2))]


def tail_coefficient(*, R_0: Any, A: Any, C_mid: Any, B: Any) -> Any:
    """Return D of R = A - D / C^B at large C: (A - R_0) C_mid^B.

    Source: Khatri et al. 2025 (arXiv:2510.13786), Eq. 1.
    """
    return (A - R_0) * C_mid**B


@law(
    source="khatri2025",
    equation="1",
    question="what does more RL compute buy?",
    derived={"D_tail": tail_coefficient},
)
def rl_compute(C: GpuHours, *, R_0: Start, A: Asymptote, C_mid: Midpoint, B: Exponent) -> Accuracy:
    r"""Mean pass rate on held-out prompts after RL with some compute.

    $$R_C = R_0 + \frac{A - R_0}{1 + (C_{mid} / C)^B}$$

    C is in GB200 GPU-hours, not FLOP. A is the asymptote, B the efficiency, C_mid the compute
    of half the gain. R is a pass rate, not the training reward of +-1. The 8B run of 100,000
    GPU-hours has A = 0.645, B = 1.70 (fitted on 1.5k to 50k GPU-hours) or A = 0.655, B = 1.56
    (all of it), A within 0.02 by seed; its C_mid and R_0 are published as a figure only, so
    there is no complete set of constants. To compare two recipes, refit both with one A.

    Wrong before about one epoch (1,500 GPU-hours there), for a run that has not passed C_mid
    (A is then not identified), out of distribution, and for unstable recipes.
    """
    return R_0 + (A - R_0) / (1 + (C_mid / C) ** B)
