"""Clark et al. 2022 and Ling 2025: what routing tokens to experts is worth. Mind the log bases."""

from math import inf
from typing import Annotated, Any

from isoflop.laws.dimensions import (
    Dimension,
    Dimensionless,
    Experts,
    Flops,
    Kind,
    NatsPerToken,
    Parameters,
)
from isoflop.laws.functions import log2, log10
from isoflop.laws.law import law

ActivationRatio = Annotated[Any, Dimension("activation ratio", "1", (0.01, 1.0))]
Granularity = Annotated[Any, Dimension("granularity", "1", (1.0, 32.0))]
Slope = Annotated[Any, Kind("slope in log-log", -inf, inf, "linear", (-0.3, 0.0))]
Interaction = Annotated[Any, Kind("interaction", -inf, inf, "linear", (-0.02, 0.03))]
Intercept = Annotated[Any, Kind("log10 of loss at one", -inf, inf, "linear", (0.5, 2.0))]
FewExperts = Annotated[Any, Kind("experts one expert counts for", 1.0, inf, "log", (1.1, 10.0))]
ManyExperts = Annotated[Any, Kind("experts at saturation", 1.0, inf, "log", (50.0, 2e3))]
FewActive = Annotated[Any, Kind("activation no experts count for", 0.0, inf, "log", (1e-3, 0.1))]
ManyActive = Annotated[Any, Kind("activation at saturation", 0.0, inf, "log", (10.0, 1e6))]


def saturate(excess: Any, start: Any, maximum: Any) -> Any:
    """Return a quantity that starts at `start`, grows linearly, and ends at `maximum`.

    Args:
        excess: how far it has grown, at least 0 (E - 1 for E experts).
        start: value at no excess, above 0 and below the maximum.
        maximum: limit for unlimited excess.

    Source: Clark et al. 2022; used alike by Ludziejewski et al. 2025 and by Ling 2025.
    """
    return 1 / (1 / (excess + 1 / (1 / start - 1 / maximum)) + 1 / maximum)


@law(source="clark2022", question="what do experts buy?")
def clark(
    N: Parameters,
    E: Experts,
    *,
    a: Slope,
    b: Slope,
    c: Interaction,
    d: Intercept,
    E_start: FewExperts,
    E_max: ManyExperts,
) -> NatsPerToken:
    r"""Loss of a routed model in its dense size and number of experts, at fixed data.

    $$\log_{10} L = a \log_{10} N + b \log_{10} \hat E + c \log_{10} N \log_{10} \hat E + d$$

    E experts count for $\hat E$ (`saturate` of E - 1 from E_start to E_max). Logarithms are to
    base 10: with base e the published constants give losses near 0.6. N is the size of the dense
    model that the experts are added to. Wrong for another number of tokens: all runs saw 130B.
    """
    x, y = log10(N), log10(saturate(E - 1, E_start, E_max))
    return 10 ** (a * x + b * y + c * x * y + d)


def dense_equivalent(
    N: Any, E: Any, *, a: Any, b: Any, c: Any, d: Any, E_start: Any, E_max: Any
) -> Any:
    """Return the size of the model of one expert that has the loss of N parameters, E experts.

    Args:
        N: parameters of the dense part.
        E: experts.
        a: slope in log10 N of `clark`.
        b: slope in the log10 of effective experts.
        c: their interaction.
        d: intercept.
        E_start: effective experts of one expert.
        E_max: effective experts at saturation.

    Source: Clark et al. 2022, effective parameter count.
    """
    del d  # cancels; named so that one set of constants fits all functions
    x, y = log10(N), log10(saturate(E - 1, E_start, E_max))
    one = log10(E_start)
    return 10 ** ((a * x + b * (y - one) + c * x * y) / (a + c * one))


def cutoff(*, b: Any, c: Any) -> Any:
    """Return N beyond which `clark` sees no use in routing: 10^(-b/c).

    Only from unrounded constants: the rounded c of two published routers is off by half the
    answer (the paper prints 937B for S-BASE, 85B for RL-R, 83B for HASH).

    Source: Clark et al. 2022.
    """
    return 10 ** (-b / c)


@law(source="ling2025", question="what do experts buy?")
def ling(
    A: ActivationRatio,
    G: Granularity,
    C: Flops,
    *,
    a: Annotated[Any, Kind("leverage exponent", -inf, inf, "linear", (0.0, 2.0))],
    d: Annotated[Any, Kind("leverage per decade", -inf, inf, "linear", (-0.1, 0.0))],
    gamma: Annotated[Any, Kind("curvature in granularity", -inf, inf, "linear", (0.0, 0.05))],
    beta: Annotated[Any, Kind("slope in granularity", -inf, inf, "linear", (-0.3, 0.0))],
    A_start: FewActive,
    A_max: ManyActive,
) -> Dimensionless:
    r"""Efficiency leverage: compute of a dense model over that of a sparse one of equal loss.

    $$EL = \hat A^{\,a + d \log_{10} C + \gamma (\log_2 G)^2 + \beta \log_2 G}$$

    A is the ratio of activated experts ($\hat A$: `saturate`), G the granularity, C compute in
    FLOPs. The paper writes log for both; base 10 for C and 2 for G is inferred: it alone gives
    the leverage above 7 at A = 3.1 %, G = 12, C = 1e22 and the best G of 8 to 12 that the paper
    states. Unsure above a leverage of 6: those points were held out of the fit. Wrong below the
    compute of its runs.
    """
    y = log2(G)
    return saturate(A, A_start, A_max) ** (a + d * log10(C) + gamma * y * y + beta * y)


def best_granularity(*, gamma: Any, beta: Any) -> Any:
    """Return the granularity of most leverage in `ling`: 2^(-beta / (2 gamma)).

    Source: derived from the formula.
    """
    return 2 ** (-beta / (2 * gamma))
