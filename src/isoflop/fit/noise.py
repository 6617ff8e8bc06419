"""How runs scatter about a law: the objective of a fit, always a sum over runs.

Averaging over runs instead would scale gradients by 1/n and stop an optimiser with an absolute
tolerance at its start, which is how the published constants of Hoffmann et al. 2022 came about
(Besiroglu et al. 2024, section 5).
"""

from __future__ import annotations

from math import inf, log, pi, sqrt
from typing import Any, Literal

import msgspec
import numpy as np

from isoflop.errors import InputError

Family = Literal["huber", "squared", "absolute", "student"]

#: Width of the quadratic zone, in units of the mean absolute residual, at which a sum of
#: absolute values counts as reached; the objective is then exact to about this share.
SHARP = 1e-6

_LEAST = 1e-100  # of delta and degrees of freedom: products of smaller ones are rounded to zero
EXAMPLES = "huber:1e-3, huber:free, squared, absolute, student:4 (raw- before it: not of logs)"


class Noise(msgspec.Struct, frozen=True):
    """An objective: sum over runs of rho(residual).

    Args:
        family: "huber" (quadratic within delta, absolute outside), "squared" (half the square),
            "absolute", or "student" (negative log-likelihood of Student's t).
        delta: for "huber": the width of its quadratic zone; in units of the free scale if `free`.
        free: for "huber": whether the scale is estimated with the law (Besiroglu et al. 2024,
            code: a likelihood of 6 parameters; with delta 1e-3 it is least absolute deviations).
        dof: for "student": degrees of freedom; its scale is always estimated.
        logs: whether residuals are log fit - log observed; otherwise fit - observed.
    """

    family: Family = "huber"
    delta: float = 1e-3
    free: bool = False
    dof: float = 4.0
    logs: bool = True

    @property
    def text(self) -> str:
        """The noise as it is written ("huber:1e-3")."""
        detail = {
            "huber": ":free" if self.free else f":{self.delta:g}",
            "student": f":{self.dof:g}",
        }
        return ("" if self.logs else "raw-") + self.family + detail.get(self.family, "")

    @property
    def scaled(self) -> bool:
        """Whether a scale is estimated with the parameters of the law."""
        return self.free or self.family == "student"

    @property
    def staged(self) -> bool:
        """Whether the objective is approached in stages (`next_tuning`)."""
        return self.scaled or self.family == "absolute"


def parse_noise(text: str | Noise) -> Noise:
    """Return the noise that a text such as "huber:1e-3" describes.

    Raises:
        InputError: if it describes none.
    """
    if isinstance(text, Noise):
        return text
    raw, body = text.startswith("raw-"), text.removeprefix("raw-")
    name, _, detail = body.partition(":")
    try:
        if name == "huber":
            free = detail == "free"
            noise = Noise("huber", 1e-3 if free else float(detail or 1e-3), free, logs=not raw)
        elif name == "student":
            noise = Noise("student", dof=float(detail or 4), logs=not raw)
        elif name in ("squared", "absolute") and not detail:
            noise = Noise(name, logs=not raw)
        else:
            raise ValueError
    except ValueError:
        raise InputError(f"`{text}` is not a noise model.", do=f"Known: {EXAMPLES}.") from None
    if not (_LEAST < noise.delta < inf and _LEAST < noise.dof < inf):
        raise InputError(f"`{text}`: delta and degrees of freedom are numbers above {_LEAST:g}.")
    return noise


def initial_tuning(noise: Noise, residual: np.ndarray) -> np.ndarray:
    """Return the tuning that the search starts with, from residuals [batch, runs]: [batch, 1].

    The tuning is the delta of Huber's function, or the scale of Student's t.
    """
    if noise.family == "huber" and not noise.free:
        return np.full((len(residual), 1), noise.delta)
    if noise.family == "squared":
        return np.full((len(residual), 1), inf)
    spread = np.mean(np.abs(residual), axis=1, keepdims=True)
    return np.maximum(spread, 1e-12) * (1.0 if noise.family == "student" else 0.3)


def terms(noise: Noise, r: np.ndarray, tuning: Any) -> tuple[np.ndarray, ...]:
    """Return rho, its first and second derivative and the weight psi(r) / r, each like `r`.

    Args:
        noise: the objective.
        r: residuals [batch, runs].
        tuning: [batch, 1]; for the absolute value, of the Huber function that approaches it.
    """
    return FORMULAS[noise.family](r, tuning, noise.dof)


# Arithmetic that takes arrays and single numbers alike: also compiled (`isoflop.fit.compiled`).
def _squared(r: Any, tuning: Any, dof: float) -> tuple[Any, Any, Any, Any]:
    one = 0.0 * r + 1.0
    return 0.5 * r * r, r, one, one


def _student(r: Any, tuning: Any, dof: float) -> tuple[Any, Any, Any, Any]:
    total = dof * tuning**2 + r * r
    weight = (dof + 1) / total
    rho = 0.5 * (dof + 1) * np.log1p(r * r / (dof * tuning**2))
    return rho, weight * r, weight * (1 - 2 * r * r / total), weight


def _huber(r: Any, tuning: Any, dof: float) -> tuple[Any, Any, Any, Any]:
    psi = np.minimum(np.maximum(r, -tuning), tuning)
    rho = psi * (r - 0.5 * psi)
    size = np.maximum(np.abs(r), tuning)
    return rho, psi, 1.0 * (psi == r), tuning / size


#: Family -> rho, psi, psi' and psi / r of residuals, the tuning and the degrees of freedom.
FORMULAS = {"squared": _squared, "student": _student, "huber": _huber, "absolute": _huber}


def next_tuning(
    noise: Noise, r: np.ndarray, weights: np.ndarray, tuning: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tuning of the next stage [batch, 1] and its relative change [batch].

    Stages shrink Huber's delta towards the sum of absolute values or towards delta times the
    free scale, or iterate the scale of Student's t; each starts from the optimum before it.
    """
    if not noise.staged:
        return tuning, np.zeros(len(r))
    if noise.family == "student":
        target = student_scale(noise.dof, r, weights, tuning)
    elif noise.free:
        target = noise.delta * huber_scale(noise.delta, r, weights)
    else:
        target = SHARP * _mean(np.abs(r), weights)
    following = target if noise.family == "student" else np.maximum(target, 0.1 * tuning)
    following = np.maximum(following, 1e-300)
    return following, np.abs(following / tuning - 1)[:, 0]


def final_tuning(noise: Noise, r: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the tuning that belongs to residuals [batch, runs] at an optimum: [batch, 1]."""
    tuning = initial_tuning(noise, r)
    for _ in range(200 if noise.staged else 0):
        tuning, change = next_tuning(noise, r, weights, tuning)
        if np.all(change < 1e-12):
            break
    return tuning


def huber_scale(delta: float, r: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the maximum-likelihood scale s of Huber's density of r / s: [batch, 1].

    Solves sum w psi(r/s) r/s = sum w: a quadratic in 1/s once it is known which runs lie within
    delta s, which is iterated.
    """
    size = np.abs(r)
    weights = np.broadcast_to(weights, r.shape)
    total = np.sum(weights, axis=1, keepdims=True)
    scale = np.maximum(delta * _mean(size, weights), 1e-300)
    for _ in range(50):
        inside = size <= delta * scale
        square = np.sum(np.where(inside, weights * size * size, 0.0), axis=1, keepdims=True)
        line = delta * np.sum(np.where(inside, 0.0, weights * size), axis=1, keepdims=True)
        before, root = scale, np.sqrt(line * line + 4 * square * total)
        scale = np.maximum((line + root) / (2 * total), 1e-300)
        if np.all(np.abs(scale / before - 1) < 1e-13):
            break
    return scale


def student_scale(dof: float, r: np.ndarray, weights: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the maximum-likelihood scale of Student's t given residuals: [batch, 1]."""
    s2 = scale**2
    for _ in range(50):
        following = _mean((dof + 1) / (dof + r * r / s2) * r * r, weights)
        s2, before = np.maximum(following, 1e-300), s2
        if np.all(np.abs(s2 / before - 1) < 1e-12):
            break
    return np.sqrt(s2)


def reported(noise: Noise, r: np.ndarray, weights: np.ndarray, tuning: np.ndarray) -> np.ndarray:
    """Return the objective as it is reported, [batch]: a sum over runs.

    For noise with a free scale it is the negative log-likelihood at the best scale.
    """
    if noise.family == "absolute":
        return np.sum(weights * np.abs(r), axis=1)
    if not noise.scaled:
        return np.sum(weights * terms(noise, r, tuning)[0], axis=1)
    total = np.sum(np.broadcast_to(weights, r.shape), axis=1)
    if noise.family == "student":
        rho = np.sum(weights * terms(noise, r, tuning)[0], axis=1)
        return rho + total * (np.log(tuning[:, 0]) + _log_student(noise.dof))
    scale = huber_scale(noise.delta, r, weights)
    unit = Noise("huber", noise.delta)
    rho = np.sum(weights * terms(unit, r / scale, noise.delta)[0], axis=1)
    return rho + total * (np.log(scale[:, 0]) + log(_huber_mass(noise.delta)))


def _huber_mass(delta: float) -> float:
    """Integral of exp(-rho) for Huber's rho: the normalisation of its density."""
    from math import erf, exp

    return sqrt(2 * pi) * erf(delta / sqrt(2)) + 2 * exp(-0.5 * delta**2) / delta


def _log_student(dof: float) -> float:
    from math import lgamma

    return lgamma(dof / 2) - lgamma((dof + 1) / 2) + 0.5 * log(dof * pi)


def _mean(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    full = np.broadcast_to(weights, x.shape)
    return np.sum(full * x, axis=1, keepdims=True) / np.sum(full, axis=1, keepdims=True)
