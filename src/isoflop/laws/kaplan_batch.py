"""Kaplan et al. 2020: critical batch size, the steps and compute it saves, learning rate."""

from math import inf
from typing import Annotated, Any

from isoflop.errors import InputError
from isoflop.laws.dimensions import (
    BatchTokens,
    Coefficient,
    Kind,
    LearningRate,
    NatsPerToken,
    Parameters,
    PetaflopDays,
    Steps,
)
from isoflop.laws.functions import log
from isoflop.laws.law import law

CriticalAtOne = Annotated[
    Any, Kind("critical batch at a loss of 1 nat", 0.0, inf, "log", (1e6, 1e11))
]
#: 1/alpha_B is an exponent, so alpha_B must stay away from zero.
InverseExponent = Annotated[Any, Kind("inverse exponent", 0.01, 5.0, "linear", (0.1, 0.5))]


@law(source="kaplan2020", equation="1.4", question="how large may a batch be?")
def kaplan_critical_batch(
    L: NatsPerToken, *, B_star: CriticalAtOne, alpha_B: InverseExponent
) -> BatchTokens:
    r"""Critical batch size, in tokens, of a run that has reached a loss.

    $$B_{crit}(L) = B_* / L^{1/\alpha_B}$$

    It doubles when the loss falls by 13 %. L is the loss reached, so the batch should grow in
    training. Wrong for another tokenizer or data set, where L = 1 nat means something else.
    """
    return B_star / L ** (1 / alpha_B)


@law(source="kaplan2020", equation="5.4", question="what does a batch size cost?")
def minimum_steps(
    S: Steps, B: BatchTokens, L: NatsPerToken, *, B_star: CriticalAtOne, alpha_B: InverseExponent
) -> Steps:
    r"""Steps that would have reached the loss L at a batch far above the critical one.

    $$S_{min} = S / (1 + B_{crit}(L) / B)$$

    Wrong if the learning rate was not tuned for the batch.
    """
    return S / (1 + kaplan_critical_batch(L, B_star=B_star, alpha_B=alpha_B) / B)


@law(source="kaplan2020", equation="5.5", question="what does a batch size cost?")
def minimum_compute(
    C: PetaflopDays,
    B: BatchTokens,
    L: NatsPerToken,
    *,
    B_star: CriticalAtOne,
    alpha_B: InverseExponent,
) -> PetaflopDays:
    r"""Compute that would have reached the loss L at a batch far below the critical one.

    $$C_{min} = C / (1 + B / B_{crit}(L))$$

    Wrong if the learning rate was not tuned for the batch.
    """
    return C / (1 + B / kaplan_critical_batch(L, B_star=B_star, alpha_B=alpha_B))


@law(source="kaplan2020", equation="D.1", question="which learning rate?")
def kaplan_learning_rate(
    N: Parameters, *, intercept: Coefficient, slope: Coefficient
) -> LearningRate:
    r"""Peak learning rate of Adam in parameters without embeddings.

    $$\eta(N) = \eta_0 + \eta_1 \ln N$$

    Wrong above 1e10 parameters: the published line is negative beyond 1.2126e10
    (`learning_rate` refuses there).
    """
    return intercept + slope * log(N)


def learning_rate(N: float) -> float:
    """Return the peak learning rate by the published rule, where it holds.

    Args:
        N: parameters without embeddings.

    Raises:
        InputError: above 1e10 parameters, where the rule breaks down.

    Source: Kaplan et al. 2020, Eq. D.1.
    """
    if not 0 < N <= 1e10:
        raise InputError(
            f"Kaplan's learning-rate rule does not hold at {N:.4g} parameters.",
            "It is a line in ln N that turns negative at 1.2126e10 parameters.",
            "Stay at or below 1e10 parameters, or use another rule.",
        )
    return float(kaplan_learning_rate(N, **kaplan_learning_rate.constants()))


def batch_excess(B: Any, critical: Any) -> tuple[Any, Any]:
    """Return what a batch size costs: S / S_min and C / C_min.

    Args:
        B: batch in tokens.
        critical: critical batch in tokens.

    Returns:
        S / S_min = 1 + B_crit / B and C / C_min = E / E_min = 1 + B / B_crit; the product of
        their excesses over one is one.

    Source: Kaplan et al. 2020, Eq. 5.1, 5.4, 5.5.
    """
    return 1 + critical / B, 1 + B / critical
