"""Repeated sampling: pass@k without bias, and how coverage grows with k."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.dimensions import Accuracy, Count, Exponent, Kind, Positive
from isoflop.laws.functions import exp, expm1, gammaln
from isoflop.laws.law import law

_QUESTION = "how often does one of k samples succeed?"
Shape = Annotated[Any, Kind("shape", 0.0, np.inf, "log", (0.1, 10.0))]


def pass_at_k(n: Any, c: Any, k: int) -> Any:
    """Return the unbiased estimate of pass@k of each problem.

    1 - C(n - c, k) / C(n, k): the chance that k of the n attempts, drawn without replacement,
    contain a success. The mean over problems is the coverage. (1 - c/n)^k in its place is
    biased.

    Args:
        n: [problem] attempts.
        c: [problem] successes among them.
        k: samples, at most the fewest attempts.

    Returns:
        [problem] estimates in [0, 1].

    Raises:
        InputError: if k is below 1 or above an n (no unbiased estimate exists), or c is not
            between 0 and n.

    Source: Chen et al. 2021 (arXiv:2107.03374).
    """
    attempts, right = np.broadcast_arrays(np.asarray(n), np.asarray(c))
    if k < 1 or np.any(attempts < k):
        raise InputError(
            f"pass@{k} from {np.min(attempts)} attempts.",
            "No unbiased estimate exists for more samples than attempts.",
            "Lower k, sample more, or extrapolate with a law (isoflop laws show coverage_beta).",
        )
    if np.any(right < 0) or np.any(right > attempts):
        raise InputError("successes must be between zero and the number of attempts.")
    wrong = attempts - right
    # prod (wrong - i) / (n - i) over i < k: zero as soon as fewer than k attempts are wrong.
    i = np.arange(k)
    factors = np.maximum(wrong[..., None] - i, 0) / (attempts[..., None] - i)
    return (1.0 - np.prod(factors, axis=-1))[()]


@law(source="brown2024", equation="3", question=_QUESTION)
def coverage_power(k: Count, *, A: Positive, B: Exponent) -> Accuracy:
    r"""Coverage as an exponentiated power law.

    $$c(k) = \exp(-A k^{-B}), \quad A, B > 0$$

    One form for two conventions: Brown et al. print exp(a k^b) with a, b < 0 (their first
    version exp(a k^-b)), so A = -a and B = -b (`from_brown`); Schaeffer et al. print
    -log c = a k^-b with a, b > 0.

    Wrong if some problems cannot be solved at all: it goes to 1. On the same data two papers
    get 7.59, 0.18 and 8.026, 0.194; objective and choice of k matter.
    """
    return exp(-A * k ** (-B))


def from_brown(a: float, b: float) -> dict[str, float]:
    """Return A and B of `coverage_power` for a and b of exp(a k^b), both negative.

    Raises:
        InputError: if a or b is not negative: the other sign convention was used.
    """
    if a >= 0 or b >= 0:
        raise InputError(
            f"a = {a:g} and b = {b:g} are not both negative.",
            "Brown et al. fit c = exp(a k^b); with positive b their first version is meant.",
            "Flip the sign of b if the source writes exp(a k^-b).",
        )
    return {"A": -a, "B": -b}


def samples_for(coverage: Any, *, A: Any, B: Any) -> Any:
    """Return the k at which `coverage_power` reaches a coverage in (0, 1)."""
    return (-np.log(coverage) / A) ** (-1 / B)


@law(source="schaeffer2025", equation="10", question=_QUESTION)
def coverage_beta(k: Count, *, alpha: Shape, beta: Shape) -> Accuracy:
    r"""Coverage if success rates of problems follow a Beta distribution (beta-binomial).

    $$c(k) = 1 - \frac{B(\alpha, \beta + k)}{B(\alpha, \beta)} \sim
    1 - \frac{\Gamma(\alpha + \beta)}{\Gamma(\beta)} k^{-\alpha}$$

    Each problem converges exponentially in k; the power law comes from the hard problems near
    p = 0. Fit alpha and beta to counts of successes (`beta_binomial_log_likelihood`), not to
    the curve.

    Wrong if some problems have p = 0 exactly (then coverage stops below 1), or if hard
    problems are not scarce in this way (Llama-3-8B-IT jailbreaking falls faster than any power).
    """
    left = gammaln(beta + k) - gammaln(alpha + beta + k)
    return -expm1(left + gammaln(alpha + beta) - gammaln(beta))


def coverage_gap(k: Any, *, alpha: Any, beta: Any, c: Any = 1.0) -> Any:
    """Return 1 - coverage for large k: Gamma(alpha + beta) / Gamma(beta) (c k)^-alpha.

    Args:
        k: samples.
        alpha: first shape.
        beta: second shape.
        c: largest success rate, for the scaled Beta.

    Source: Schaeffer et al. 2025 (arXiv:2502.17578).
    """
    return np.exp(gammaln(alpha + beta) - gammaln(beta)) * (c * k) ** (-alpha)


def beta_binomial_log_likelihood(
    counts: Sequence[int] | Any, attempts: Sequence[int] | Any, *, alpha: Any, beta: Any
) -> Any:
    """Return the log likelihood of each problem's successes under Beta success rates.

    log C(n, c) + log B(alpha + c, beta + n - c) - log B(alpha, beta); alpha and beta may be
    dual numbers. Its maximum over problems estimates the exponent alpha of coverage.

    Args:
        counts: [problem] successes.
        attempts: [problem] attempts.
        alpha: first shape.
        beta: second shape.

    Source: Schaeffer et al. 2025 (arXiv:2502.17578), section 5, without scaling.
    """
    c, n = np.asarray(counts, dtype=float), np.asarray(attempts, dtype=float)
    choices = gammaln(n + 1) - gammaln(c + 1) - gammaln(n - c + 1)
    seen = gammaln(alpha + c) + gammaln(beta + (n - c)) - gammaln(alpha + beta + n)
    return choices + seen - (gammaln(alpha) + gammaln(beta) - gammaln(alpha + beta))
