"""Schaeffer et al. 2025: coverage if success rates reach only up to c, by quadrature."""

from typing import Annotated, Any

import numpy as np

from isoflop.laws.coverage import Shape
from isoflop.laws.dimensions import Accuracy, Count, Kind
from isoflop.laws.duals import Dual
from isoflop.laws.functions import exp, expm1, gammaln, log, log1p
from isoflop.laws.law import law
from isoflop.laws.sums import segment_sums

_QUESTION = "how often does one of k samples succeed?"
Ceiling = Annotated[Any, Kind("largest success rate", 0.0, 1.0, "linear", (0.05, 0.95))]

# Nodes of a trapezoid rule in the logit q of u = p / c, denser around zero: q = 20 sinh(t),
# -340 < q < 340. Beyond, squares of 1 - u are below the smallest double.
_T = np.linspace(-3.527, 3.527, 500)
_Q = 20.0 * np.sinh(_T)
_WEIGHT = 20.0 * np.cosh(_T) * (_T[1] - _T[0])
_LOG_U, _LOG_REST = -np.logaddexp(0.0, -_Q), -np.logaddexp(0.0, _Q)
#: u below 1 by at least one bit, so that log(1 - u) is finite for c = 1.
_U = np.minimum(np.exp(_LOG_U), np.nextafter(1.0, 0.0))


def _covered(k: Any, c: Any, log_density: Any) -> Any:
    """Return 1 - the mean of (1 - c u)^k over u, for each k.

    Args:
        k: [runs] numbers of samples.
        c: largest success rate.
        log_density: log of the density of q at the nodes, repeated for each k.
    """
    samples = np.repeat(np.ravel(k), len(_Q))
    runs = np.size(k)
    missed = exp(samples * log1p(-(c * np.tile(_U, runs))) + log_density)
    starts = len(_Q) * np.arange(runs)
    coverage = 1.0 - segment_sums(missed * np.tile(_WEIGHT, runs), starts, len(samples))
    return coverage if np.ndim(k) or isinstance(coverage, Dual) else coverage[..., 0]


@law(source="schaeffer2025", equation="11", question=_QUESTION)
def coverage_scaled_beta(k: Count, *, alpha: Shape, beta: Shape, c: Ceiling) -> Accuracy:
    r"""Coverage if success rates are c times a Beta variable.

    $$c(k) = 1 - \int_0^1 (1 - c u)^k f(u)\, du, \quad
    f(u) = \frac{u^{\alpha - 1} (1 - u)^{\beta - 1}}{B(\alpha, \beta)}$$

    c = 1 is `coverage_beta`. For large k the gap to 1 is `coverage_gap`. By a trapezoid rule of
    500 points in the logit of u; to ten digits for shapes of 0.1 and more.

    Wrong where `coverage_beta` is.
    """
    k = np.asarray(k, dtype=float)
    u, rest = np.tile(_LOG_U, np.size(k)), np.tile(_LOG_REST, np.size(k))
    norm = gammaln(alpha + beta) - gammaln(alpha) - gammaln(beta)
    return _covered(k, c, alpha * u + beta * rest + norm)


@law(source="schaeffer2025", equation="11", question=_QUESTION)
def coverage_kumaraswamy(k: Count, *, alpha: Shape, beta: Shape, c: Ceiling) -> Accuracy:
    r"""Coverage if success rates are c times a Kumaraswamy variable.

    $$c(k) = 1 - \int_0^1 (1 - c u)^k f(u)\, du, \quad
    f(u) = \alpha \beta u^{\alpha - 1} (1 - u^{\alpha})^{\beta - 1}$$

    The paper names both this family and the scaled Beta for the same figure; both are offered.
    For large k the gap to 1 is alpha beta Gamma(alpha) (c k)^-alpha. Computed as
    `coverage_scaled_beta` is.

    Wrong where `coverage_beta` is.
    """
    k = np.asarray(k, dtype=float)
    u, rest = np.tile(_LOG_U, np.size(k)), np.tile(_LOG_REST, np.size(k))
    # log(1 - u^alpha), exact near u = 1.
    other = log(-expm1(alpha * u))
    return _covered(k, c, log(alpha * beta) + alpha * u + (beta - 1) * other + rest)


def kumaraswamy_gap(k: Any, *, alpha: Any, beta: Any, c: Any = 1.0) -> Any:
    """Return 1 - coverage for large k: alpha beta Gamma(alpha) (c k)^-alpha.

    Args:
        k: samples.
        alpha: first shape.
        beta: second shape.
        c: largest success rate.

    Source: Schaeffer et al. 2025 (arXiv:2502.17578).
    """
    return alpha * beta * np.exp(gammaln(alpha)) * (c * np.asarray(k)) ** (-alpha)
