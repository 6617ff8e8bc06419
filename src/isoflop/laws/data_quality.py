"""Data enter the law: compressibility, repeated filtered pools, mixtures."""

import gzip
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Annotated, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.dimensions import (
    Coefficient,
    ErrorRate,
    Examples,
    Irreducible,
    Kind,
    NatsPerToken,
    Parameters,
    Passes,
    Ratio,
    Repetitions,
    Scale,
    Tokens,
)
from isoflop.laws.functions import exp
from isoflop.laws.law import law

Slope = Annotated[Any, Kind("slope of an exponent", -5.0, 5.0, "linear", (-0.5, 0.5))]
Offset = Annotated[Any, Kind("offset of an exponent", -5.0, 5.0, "linear", (0.03, 1.5))]
#: Utility of a pass: negative, since error falls.
Utility = Annotated[Any, Kind("utility", -5.0, 0.0, "linear", (-0.5, -0.02))]

_MOST_PASSES = 1000


def compressibility(samples: Iterable[bytes]) -> float:
    """Return H, the median over samples of gzip-compressed size over raw size.

    Larger is less compressible. Use samples of a few kilobytes: gzip's header weighs on short
    ones.

    Args:
        samples: raw samples, none of them empty; the paper takes 1000 token sequences.

    Raises:
        InputError: if there is no sample or one is empty.

    Source: Pandey 2024 (arXiv:2405.16684).
    """
    ratios = [len(gzip.compress(x, mtime=0)) / len(x) if x else None for x in samples]
    if not ratios or None in ratios:
        raise InputError("compressibility needs samples that are not empty.")
    return median(x for x in ratios if x is not None)


def crossing(*, m_alpha: Any, n_alpha: Any, m_beta: Any, n_beta: Any) -> Any:
    """Return the H at which alpha(H) = beta(H)."""
    return (n_beta - n_alpha) / (m_alpha - m_beta)


@law(
    source="pandey2024",
    equation="L(N, D; H)",
    question="how do the data change the law?",
    derived={"H_crossing": crossing},
)
def gzip_dependent(
    N: Parameters,
    D: Tokens,
    H: Ratio,
    *,
    m_E: Coefficient,
    n_E: Coefficient,
    m_A: Coefficient,
    n_A: Coefficient,
    m_alpha: Slope,
    n_alpha: Offset,
    m_B: Coefficient,
    n_B: Coefficient,
    m_beta: Slope,
    n_beta: Offset,
) -> NatsPerToken:
    r"""Chinchilla's form with every constant linear in the compressibility H of the data.

    $$L(N, D; H) = E(H) + A(H) N^{-\alpha(H)} + B(H) D^{-\beta(H)}, \quad x(H) = m_x H + n_x$$

    H is `compressibility`: larger is less compressible. The regression values are published as
    a figure only, so there are no constants here; they come from grammars (PCFG), not from web
    text, with models of 4.2M to 1.4B parameters.

    Wrong outside the range of H it was fitted on: a line in H turns negative somewhere. A form
    with a separate term in a density, L = A/N^a + B/D^b + C/rho^g + E, circulates under this
    paper's name and is not in it.
    """
    parameters = (m_A * H + n_A) / N ** (m_alpha * H + n_alpha)
    data = (m_B * H + n_B) / D ** (m_beta * H + n_beta)
    return m_E * H + n_E + parameters + data


def utility(k: Any, *, b: Any, tau: Any) -> Any:
    """Return b_k = b 2^(-(k - 1) / tau), the exponent of the k-th pass over a pool.

    Args:
        k: number of the pass, from 1.
        b: utility of the first pass (negative).
        tau: half-life in passes.

    Source: Goyal et al. 2024 (arXiv:2404.07177).
    """
    return b * 0.5 ** ((np.asarray(k) - 1.0) / tau)


def mixture_utility(k: Any, *, b: Sequence[float], tau: Sequence[float]) -> Any:
    """Return the exponent of the k-th pass over p pools mixed evenly.

    The half-life of each pool becomes p tau, since a pass over the mixture shows less of it.

    Args:
        k: number of the pass, from 1.
        b: [pool] utilities.
        tau: [pool] half-lives in passes over the pool alone.

    Raises:
        InputError: if b and tau differ in length or are empty.

    Source: Goyal et al. 2024 (arXiv:2404.07177).
    """
    if len(b) != len(tau) or not b:
        raise InputError(f"{len(b)} utilities and {len(tau)} half-lives of pools.")
    pools = zip(b, tau, strict=True)
    return sum(utility(k, b=x, tau=len(b) * half) for x, half in pools) / len(b)


@law(source="goyal2024", equation="y_k", question="what does repetition cost?")
def filtered_pool(
    U: Examples, passes: Passes, *, a: Scale, b: Utility, tau: Repetitions, d: Irreducible
) -> ErrorRate:
    r"""Error after several passes over a pool whose utility halves every tau passes.

    $$y_k = a\, n_1^{b_1} \prod_{j=2}^{k} (n_j / n_{j-1})^{b_j} + d, \quad
    b_j = b\, 2^{-(j-1)/\tau}$$

    n_j is the number of samples seen after pass j: n_j = j U for a pool of U samples. `passes`
    may be fractional: within a pass, n grows from n_{j-1} on.

    Wrong for pools of mixed quality taken as one: mix them by `mixture_utility`. The constants
    of each pool are specific to it, and none are shipped.
    """
    seen = np.asarray(passes, dtype=float)
    last = int(np.ceil(np.max(seen)))
    if last > _MOST_PASSES:
        raise InputError(f"{last} passes over one pool; utilities are summed up to 1000.")
    exponent: Any = np.log(U * np.minimum(seen, 1.0))
    for j in range(2, last + 1):
        grown = np.log(np.clip(seen, j - 1, j) / (j - 1))
        exponent = exponent + grown * exp(-(np.log(2.0) * (j - 1)) / tau)
    return a * exp(b * exponent) + d
