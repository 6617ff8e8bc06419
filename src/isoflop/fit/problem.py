"""The objective of a fit with exact derivatives, batched over starts or resamples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.noise import Noise, terms
from isoflop.laws.linear import evaluate, parameter_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.laws.law import Law

#: Elements of a temporary array [rows, runs]: about 64 KiB, so that a chunk's temporaries
#: stay in the second-level cache.
CHUNK = 8192
#: Chunks taken at once by each kernel: the compiled one has fewer temporaries.
CHUNKS = {"numpy": 1, "numba": 4}

Kernel = Literal["numpy", "numba"]

_LIMIT = 690.0  # |log| of a parameter on a log scale; exp of it is still finite


@dataclass(frozen=True)
class Problem:
    """A law, the runs it is fitted to, and the noise between them.

    The search runs over free coordinates u: the logarithm of a parameter on a log scale, the
    parameter itself otherwise.

    Args:
        law: a law without open groups.
        inputs: arrays [runs] by input.
        target: observed output [runs], or its logarithm if the noise is of logs; [batch, runs]
            if each row has its own (residual bootstrap).
        noise: the objective.
        weights: weight of each run [runs].
        precision: 1 / known noise of each run [runs], or None; residuals are multiplied by it.
        kernel: what sums over runs: "numpy", or "numba" (extra `fast`).
    """

    law: Law
    inputs: dict[str, np.ndarray]
    target: np.ndarray
    noise: Noise
    weights: np.ndarray
    precision: np.ndarray | None = None
    kernel: Kernel = "numpy"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameters in order."""
        return self.law.parameter_names

    @cached_property
    def logs(self) -> np.ndarray:
        """Mask [parameters] of those on a log scale."""
        return np.array([p.scale == "log" for p in self.law.parameters], dtype=bool)

    @cached_property
    def observed(self) -> np.ndarray:
        """Observed output, like `target`."""
        return np.exp(self.target) if self.noise.logs else self.target

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and upper bounds of u, each [parameters]."""
        lower = [self._free(p.lower, p.scale) for p in self.law.parameters]
        upper = [self._free(p.upper, p.scale) for p in self.law.parameters]
        return np.array(lower), np.array(upper)

    @staticmethod
    def _free(bound: float, scale: str) -> float:
        if scale == "linear":
            return bound
        return -_LIMIT if bound <= 0 else min(float(np.log(bound)), _LIMIT)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return the range of starting values by parameter."""
        return parameter_ranges(self.law, self.inputs, float(np.min(np.abs(self.observed))))

    def theta(self, u: np.ndarray) -> np.ndarray:
        """Return parameters from free coordinates, both [..., parameters]."""
        return np.where(self.logs, np.exp(np.where(self.logs, u, 0.0)), u)

    def free(self, theta: np.ndarray) -> np.ndarray:
        """Return free coordinates from parameters, both [..., parameters]."""
        logs = self.logs
        return np.where(logs, np.log(np.where(logs, np.maximum(theta, 1e-299), 1.0)), theta)

    def taking(self, rows: np.ndarray) -> Problem:
        """Return the problem restricted to some runs (indices)."""
        return replace(
            self,
            inputs={name: x[rows] for name, x in self.inputs.items()},
            target=self.target[..., rows],
            weights=self.weights[rows],
            precision=None if self.precision is None else self.precision[rows],
        )

    def columns(self, u: np.ndarray) -> dict[str, np.ndarray]:
        """Return parameters as columns [batch, 1] by name, for calling the law."""
        theta = self.theta(u)
        return {name: theta[:, k : k + 1] for k, name in enumerate(self.names)}

    def residuals(self, u: np.ndarray, target: np.ndarray | None = None) -> np.ndarray:
        """Return residuals [batch, runs] at u [batch, parameters]; NaN where undefined."""
        target = self.target if target is None else target
        out = np.empty((len(u), target.shape[-1]))
        with np.errstate(all="ignore"):
            for part in chunks(len(u), target.shape[-1]):
                value = self.law.function(**self.inputs, **self.columns(u[part]))
                fitted = np.log(value) if self.noise.logs else value
                out[part] = fitted - rows_of(target, part)
        return out if self.precision is None else out * self.precision


@dataclass
class Derivatives:
    """Objective and derivatives by u of each row.

    Args:
        objective: [batch]; infinite where the law is undefined.
        gradient: [batch, parameters].
        hessian: [batch, parameters, parameters].
        majoriser: Gram matrix of the residuals' derivatives with weights psi(r)/r: a positive
            bound on the curvature, the metric of the damping.
    """

    objective: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    majoriser: np.ndarray

    def assign(self, rows: np.ndarray, other: Derivatives, taken: np.ndarray) -> None:
        """Overwrite `rows` with the rows `taken` of another set."""
        for name in ("objective", "gradient", "hessian", "majoriser"):
            getattr(self, name)[rows] = getattr(other, name)[taken]

    def take(self, rows: np.ndarray | slice) -> Derivatives:
        """Return the given rows."""
        return Derivatives(
            self.objective[rows], self.gradient[rows], self.hessian[rows], self.majoriser[rows]
        )


def rows_of(x: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """Return rows of an array [batch, runs]; one [runs] is shared by all rows."""
    return x if x.ndim == 1 else x[rows]


def chunks(rows: int, runs: int, size: int = CHUNK) -> list[slice]:
    """Return slices of rows whose temporaries [rows, runs] have about `size` elements."""
    step = max(1, size // max(runs, 1))
    return [slice(k, min(k + step, rows)) for k in range(0, rows, step)]


@dataclass
class Local:
    """What is summed over runs at some rows: residuals and the law's derivatives.

    Args:
        r: residuals [batch, runs]; tuning: of the objective [batch, 1].
        weights: [runs] or [batch, runs]; precision: [runs], or None.
        inverse: 1 / law [batch, runs] where residuals are of logarithms, else None.
        jacobian: derivatives of the fitted value or its logarithm [batch, parameters, runs].
        second: second derivatives of the law, by places of two parameters.
    """

    r: np.ndarray
    tuning: np.ndarray
    weights: np.ndarray
    precision: np.ndarray | None
    inverse: np.ndarray | None
    jacobian: np.ndarray
    second: dict[tuple[int, int], Any]


def differentiate(
    problem: Problem, u: np.ndarray, weights: np.ndarray, target: np.ndarray, tuning: np.ndarray
) -> Derivatives:
    """Return objective, gradient and Hessian at u [batch, parameters].

    Args:
        problem: the problem.
        u: free coordinates.
        weights: [runs], or [batch, runs] for resamples.
        target: [runs], or [batch, runs].
        tuning: [batch, 1], see `isoflop.fit.noise.terms`.
    """
    rows, count = u.shape
    out = Derivatives(np.empty(rows), np.empty((rows, count)), *np.empty((2, rows, count, count)))
    add = _accumulator(problem.kernel)
    with np.errstate(all="ignore"):
        for part in chunks(rows, target.shape[-1], CHUNK * CHUNKS[problem.kernel]):
            here = _local(
                problem, u[part], rows_of(weights, part), rows_of(target, part), tuning[part]
            )
            view = out.take(part)  # views: a slice copies nothing
            add(problem.noise, here, view)
            _to_free(problem, u[part], view)
    out.objective[~np.isfinite(out.objective)] = np.inf
    return out


def known_kernel(name: str) -> Kernel:
    """Return a kernel by name.

    Raises:
        InputError: there is none of that name.
        MissingExtra: it is not installed.
    """
    if name not in CHUNKS:
        raise InputError(f"`{name}` is not a kernel; known: {', '.join(CHUNKS)}.")
    kernel: Kernel = "numba" if name == "numba" else "numpy"
    _accumulator(kernel)
    return kernel


def _accumulator(kernel: Kernel) -> Callable[[Noise, Local, Derivatives], None]:
    if kernel == "numba":
        from isoflop.fit.compiled import accumulate as compiled

        return compiled
    return accumulate


def _local(problem: Problem, u: np.ndarray, w: Any, target: Any, tuning: Any) -> Local:
    columns = problem.columns(u)
    law = evaluate(problem.law, problem.inputs, columns)
    shape = (len(u), target.shape[-1])
    value = np.broadcast_to(law.value, shape)
    logs, k = problem.noise.logs, problem.precision
    inverse = 1.0 / value if logs else None
    r = (np.log(value) if logs else value) - target
    if k is not None:
        r *= k
    jacobian = np.empty((len(u), len(columns), shape[1]))
    for row, name in enumerate(columns):
        slope = law.d.get(name, 0.0)
        if inverse is None:
            jacobian[:, row] = slope
        else:
            np.multiply(inverse, slope, out=jacobian[:, row])
    place = {name: row for row, name in enumerate(columns)}
    second = {(place[i], place[j]): curved for (i, j), curved in (law.h or {}).items()}
    return Local(r, tuning, w, k, inverse, jacobian, second)


def accumulate(noise: Noise, at: Local, out: Derivatives) -> None:
    """Sum over runs into `out`, by the parameters themselves."""
    w, k = at.weights, at.precision
    rho, psi, curvature, weight = terms(noise, at.r, at.tuning)
    psi, weight = psi * w, weight * w
    curvature = curvature * w  # not in place: of squares, curvature and weight are one array
    if k is not None:
        psi, curvature, weight = psi * k, curvature * (k * k), weight * (k * k)
    if at.inverse is not None:
        curvature -= psi  # second derivative of the logarithm
    np.sum(rho * w, axis=1, out=out.objective)
    transposed = at.jacobian.transpose(0, 2, 1)
    out.gradient[:] = np.matmul(at.jacobian, psi[:, :, None])[:, :, 0]
    np.matmul(at.jacobian * curvature[:, None, :], transposed, out=out.hessian)
    np.matmul(at.jacobian * weight[:, None, :], transposed, out=out.majoriser)
    slope = psi if at.inverse is None else psi * at.inverse
    for (i, j), curved in at.second.items():
        term = np.einsum("bn,bn->b", slope, np.broadcast_to(curved, slope.shape))
        out.hessian[:, i, j] += term
        if i != j:
            out.hessian[:, j, i] += term


def _to_free(problem: Problem, u: np.ndarray, out: Derivatives) -> None:
    """Apply the chain rule from parameters to free coordinates, in place."""
    logs = problem.logs
    if not logs.any():
        return
    factor = np.where(logs, problem.theta(u), 1.0)
    out.gradient *= factor
    square = factor[:, :, None] * factor[:, None, :]
    out.hessian *= square
    out.majoriser *= square
    where = np.flatnonzero(logs)
    out.hessian[:, where, where] += out.gradient[:, where]
