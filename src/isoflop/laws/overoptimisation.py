"""Gao, Schulman and Hilton 2022: gold reward as a policy moves away from where it started."""

from typing import Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.dimensions import Count, Positive, Reward, RootNats
from isoflop.laws.functions import log
from isoflop.laws.law import law

_QUESTION = "when does optimising a proxy reward go wrong?"


def best_of_n_kl(n: Any) -> Any:
    """Return the KL divergence in nats of best-of-n sampling: log n - (n - 1) / n.

    An upper bound if rewards tie. d of the laws is its square root.

    Raises:
        InputError: if an n is below 1.

    Source: Gao, Schulman and Hilton 2022 (arXiv:2210.10760).
    """
    n = np.asarray(n, dtype=float)
    if np.any(n < 1):
        raise InputError(f"best of {np.min(n):g} samples; n starts at 1.")
    return (np.log(n) - (n - 1) / n)[()]


def regressional_goodhart(
    proxy: Any, *, mean: Any, noise_mean: Any, variance: Any, noise_variance: Any
) -> Any:
    """Return the expected gold reward at a proxy reward = gold + noise, both Gaussian.

    Args:
        proxy: observed proxy reward.
        mean: mean of the gold reward.
        noise_mean: mean of the noise.
        variance: variance of the gold reward.
        noise_variance: variance of the noise.

    Source: Gao, Schulman and Hilton 2022, Eq. 1.
    """
    return mean + (proxy - mean - noise_mean) * variance / (variance + noise_variance)


def best_of_n_peak(*, alpha: Any, beta: Any) -> Any:
    """Return the d of largest reward, alpha / (2 beta)."""
    return alpha / (2 * beta)


def best_of_n_best(*, alpha: Any, beta: Any) -> Any:
    """Return the largest reward, alpha^2 / (4 beta)."""
    return alpha**2 / (4 * beta)


def rl_peak(*, alpha: Any, beta: Any) -> Any:
    """Return the d of largest reward, exp(alpha / beta - 1)."""
    return np.exp(alpha / beta - 1)


def rl_best(*, alpha: Any, beta: Any) -> Any:
    """Return the largest reward, beta exp(alpha / beta - 1)."""
    return beta * rl_peak(alpha=alpha, beta=beta)


def rl_zero(*, alpha: Any, beta: Any) -> Any:
    """Return the d at which nothing is left of the gain, exp(alpha / beta)."""
    return np.exp(alpha / beta)


@law(
    source="gao2022",
    equation="R_bon(d)",
    question=_QUESTION,
    derived={"d_peak": best_of_n_peak, "R_peak": best_of_n_best},
)
def best_of_n_reward(d: RootNats, *, alpha: Positive, beta: Positive) -> Reward:
    r"""Gold reward of best-of-n sampling against a proxy reward model.

    $$R_{bon}(d) = d (\alpha - \beta d), \quad d = \sqrt{KL(\pi \,\|\, \pi_{init})}$$

    R is the gold reward in units of its standard deviation, zero for the initial policy. alpha
    and beta change about logarithmically with the size of the proxy; their values are published
    as figures only, so none are here. d comes from `best_of_n_kl`.

    Wrong for the proxy's own score, which it under-predicts at large KL, and across methods:
    RL spends far more KL for the same gain.
    """
    return d * (alpha - beta * d)


@law(
    source="gao2022",
    equation="R_RL(d)",
    question=_QUESTION,
    derived={"d_peak": rl_peak, "R_peak": rl_best, "d_zero": rl_zero},
)
def rl_reward(d: RootNats, *, alpha: Positive, beta: Positive) -> Reward:
    r"""Gold reward of reinforcement learning against a proxy reward model.

    $$R_{RL}(d) = d (\alpha - \beta \ln d), \quad d = \sqrt{KL(\pi \,\|\, \pi_{init})}$$

    Natural logarithm. alpha may be shared by proxies of all sizes, beta falls with their size;
    values are published as figures only. Fitted to PPO without a KL penalty.

    Wrong near d = 0, where its slope is infinite, and for the proxy's own score.
    """
    return d * (alpha - beta * log(d))


@law(source="gao2022", equation="section 4.3", question=_QUESTION)
def iterated_rl_reward(d: RootNats, rounds: Count, *, alpha: Positive, beta: Positive) -> Reward:
    r"""Gold reward of RL in k rounds, the proxy retrained after each.

    $$R_{RL}(d) = d (\alpha - \beta \ln d + \beta \ln k)$$

    One round is `rl_reward`. It assumes that alpha and beta stay as they are and that d adds
    up over rounds; wrong where retraining changes the proxy's quality.
    """
    return d * (alpha - beta * log(d) + beta * log(rounds))
