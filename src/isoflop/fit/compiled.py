"""The sums over runs of a fit, compiled by numba (extra `fast`).

The law and its derivatives are still evaluated by numpy, from the one declaration; what is saved
are the temporaries of everything after that. Compiling takes about two seconds a process, so this
pays from some tens of thousands of resamples on. Nothing is cached on disk: numba does not notice
a change of a function that a cached one calls.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import MissingExtra
from isoflop.fit.noise import FORMULAS

try:
    from numba import njit
except ImportError as error:
    raise MissingExtra("numba", "fast", "the compiled kernel") from error

if TYPE_CHECKING:
    from isoflop.fit.noise import Noise
    from isoflop.fit.problem import Derivatives, Local

#: Sums may be taken in any order; NaN and infinities keep their meaning.
OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}


def accumulate(noise: Noise, at: Local, out: Derivatives) -> None:
    """Sum over runs into `out`, as `isoflop.fit.problem.accumulate` does."""
    runs = at.r.shape[1]
    second = np.empty((len(at.second), *at.r.shape))
    for row, curved in enumerate(at.second.values()):
        second[row] = curved
    _sums(noise.family)(
        noise.dof,
        at.r,
        np.ascontiguousarray(np.broadcast_to(at.tuning[:, 0], len(at.r))),
        np.ascontiguousarray(np.broadcast_to(at.weights, at.r.shape)),
        np.ones(runs) if at.precision is None else at.precision,
        at.inverse is not None,
        at.r if at.inverse is None else at.inverse,
        at.jacobian,
        np.array(list(at.second), dtype=np.int64).reshape(-1, 2),
        second,
        out.objective,
        out.gradient,
        out.hessian,
        out.majoriser,
    )


@njit(**OPTIONS)
def _dot(x: Any, y: Any) -> float:
    total = 0.0
    for n in range(len(x)):
        total += x[n] * y[n]
    return total


@njit(**OPTIONS)
def _products(
    jacobian: Any,
    psi: Any,
    curvature: Any,
    weight: Any,
    gradient: Any,
    hessian: Any,
    majoriser: Any,
) -> None:
    curved, weighted = np.empty_like(psi), np.empty_like(psi)
    for i in range(len(jacobian)):
        row = jacobian[i]
        for n in range(len(row)):
            curved[n], weighted[n] = row[n] * curvature[n], row[n] * weight[n]
        gradient[i] = _dot(row, psi)
        for j in range(i + 1):
            hessian[i, j] = hessian[j, i] = _dot(curved, jacobian[j])
            majoriser[i, j] = majoriser[j, i] = _dot(weighted, jacobian[j])


@cache
def _sums(family: str) -> Any:
    """Return the compiled loop over runs for one family of noise."""
    formula = njit(**OPTIONS)(FORMULAS[family])

    @njit(**OPTIONS)
    def sums(
        dof: float,
        residual: Any,
        tuning: Any,
        weights: Any,
        precision: Any,
        logs: bool,
        inverse: Any,
        jacobian: Any,
        places: Any,
        second: Any,
        objective: Any,
        gradient: Any,
        hessian: Any,
        majoriser: Any,
    ) -> None:
        runs = residual.shape[1]
        psi, curvature, weight = np.empty(runs), np.empty(runs), np.empty(runs)
        for b in range(len(residual)):
            total, width = 0.0, tuning[b]
            for n in range(runs):
                rho, slope, curved, share = formula(residual[b, n], width, dof)
                w, k = weights[b, n], precision[n]
                total += rho * w
                psi[n] = slope * w * k
                weight[n] = share * w * k * k
                curvature[n] = curved * w * k * k
            objective[b] = total
            if logs:
                curvature -= psi
            _products(jacobian[b], psi, curvature, weight, gradient[b], hessian[b], majoriser[b])
            if logs:
                psi *= inverse[b]
            for place in range(len(places)):
                i, j = places[place]
                term = _dot(psi, second[place, b])
                hessian[b, i, j] += term
                if i != j:
                    hessian[b, j, i] += term

    return sums
