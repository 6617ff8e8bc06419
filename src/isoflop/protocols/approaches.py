"""Approaches 1 and 3 of Hoffmann et al. 2022, each as one record of a study's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit.envelope import Curve, lower_envelope
from isoflop.fit.powerlaw import PowerLaw
from isoflop.plan.optimum import SizeChoice, best_size
from isoflop.protocols.models import (
    Fitted,
    Miss,
    Model,
    Settings,
    parametric_model,
    reason_of,
)
from isoflop.protocols.result import Approach, PowerLawFit
from isoflop.samples import MISSES, SAMPLING, Estimate, interval, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.fit.result import Fit
    from isoflop.protocols.data import RunData

TITLES = {
    "approach1": "Approach 1: lower envelope of the training curves",
    "approach3": "Approach 3: L(N, D) = E + A/N^alpha + B/D^beta",
}


def approach1(curves: Sequence[Curve], span: tuple[float, float], settings: Settings) -> Approach:
    """Read the lower envelope of the training curves between two values of C (FLOPs)."""
    name, level = "approach1", settings.level
    try:
        envelope = lower_envelope(curves, span=span, rng=settings.rng(1))
    except NotIdentified as error:
        return Approach(name=name, title=TITLES[name], ok=False, notes=[reason_of(error)])

    def law(line: np.ndarray, lines: np.ndarray) -> PowerLaw:
        return PowerLaw(envelope.centre, line[0], line[1], lines[:, 0], lines[:, 1], 0.0)

    N_opt, D_opt = law(envelope.N_line, envelope.N_lines), law(envelope.D_line, envelope.D_lines)
    thin = slice(None, None, max(1, len(envelope.C) // 200))
    late = [
        float(c / curves[w].C[-1])
        for c, w in zip(envelope.C[thin], envelope.winner[thin], strict=True)
    ]
    return Approach(
        name=name,
        title=TITLES[name],
        ok=True,
        N_exponent=summarise(N_opt.exponent, N_opt.exponents, level),
        D_exponent=summarise(D_opt.exponent, D_opt.exponents, level),
        N_opt=power_law_record(N_opt, span, level),
        D_opt=power_law_record(D_opt, span, level),
        envelope={
            "C": envelope.C[thin].tolist(),
            "loss": envelope.loss[thin].tolist(),
            "N": envelope.N[thin].tolist(),
            "share of the run done": late,
        },
        notes=[
            "Between budgets the envelope is made of runs whose learning rate has not decayed"
            f" yet (median {100 * float(np.median(late)):.0f} % of the run done), and N moves in"
            " the steps of the sizes that were run: the least exact of the three.",
            "The interval is from 80 % subsamples of the runs, which are not independent.",
        ],
    )


def approach3(fitted: Fitted, settings: Settings) -> Approach:
    """Report the parametric law and the allocation that follows from it."""
    name, level = "approach3", settings.level
    law = fitted.parametric
    if law is None or law.samples is None:
        reason = fitted.reasons.get(name, "the fit has no samples.")
        return Approach(name=name, title=TITLES[name], ok=False, notes=[reason])
    record = _parametric_record(name, law, law.samples, level)
    data, miss = fitted.data, fitted.misses[name]
    span = (float(data.C.min()), float(data.C.max()))
    model = parametric_model(law)
    try:
        ends = [best_size(model.sample, data.cost, C, around=fitted.around(C)) for C in span]
        point = [point_size(model, data, C, fitted.around(C)) for C in span]
    except NotIdentified as error:
        return msgspec.structs.replace(record, notes=[*record.notes, reason_of(error)])
    N_opt, D_opt = _line(span, ends, point, "N"), _line(span, ends, point, "D")
    predicted = law.point(N=data.N, D=data.D)
    residuals = dict(zip(data.id.tolist(), (data.loss - predicted).tolist(), strict=True))
    slopes = "Exponents are slopes of the optimum under the exact cost C(N, D)."
    return msgspec.structs.replace(
        record,
        ok=True,
        N_exponent=summarise(N_opt.exponent, N_opt.exponents, level),
        D_exponent=summarise(D_opt.exponent, D_opt.exponents, level),
        N_opt=power_law_record(N_opt, span, level, miss),
        D_opt=power_law_record(D_opt, span, level, miss, -1),
        loss_opt=_loss_curve(model, data, fitted.around, level),
        residuals=residuals,
        details=_fit_details(law, residuals),
        notes=[*record.notes, slopes],
    )


def _parametric_record(name: str, law: Fit, samples: np.ndarray, level: float) -> Approach:
    """Return what the fit itself says, before any allocation: parameters, which are identified."""
    parameters = {
        p: summarise(law.estimate[p], samples[:, i], level) for i, p in enumerate(law.parameters)
    }
    identified = {p: ok and is_bounded(parameters[p]) for p, ok in law.identified.items()}
    loose = [p for p, ok in identified.items() if not ok]
    return Approach(
        name=name,
        title=TITLES[name],
        ok=False,
        parameters=parameters,
        identified=identified,
        notes=[f"not identified by these runs: {', '.join(loose)}."] if loose else [],
    )


def is_bounded(estimate: Estimate) -> bool:
    """Say whether an interval of a positive number keeps it within two decades of its estimate.

    A profile can find a parameter identified at its optimum while resamples of the runs put it
    anywhere down to nothing: then the runs do not determine it either.
    """
    low, high = estimate.interval or (None, None)
    if low is None or high is None:
        return False
    return low > 0.01 * estimate.estimate and high < 100 * estimate.estimate


def _fit_details(law: Fit, residuals: dict[str, float]) -> dict[str, object]:
    alpha, beta = law.estimate["alpha"], law.estimate["beta"]
    values = np.array(list(residuals.values()))
    return {
        "objective": law.objective,
        "noise": law.noise,
        "converged": law.converged,
        "starts": msgspec.to_builtins(law.starts),
        "verdict": law.message,
        "rms, nats per token": float(np.sqrt(np.mean(values**2))),
        "N exponent if C were 6ND": beta / (alpha + beta),
    }


def point_size(model: Model, data: RunData, C: float, around: float) -> SizeChoice:
    """Return the best size at C by a model's estimate, as a single sample."""
    return best_size(lambda N, D: model.point(N, D)[None], data.cost, C, around=around)


def _line(
    span: tuple[float, float], ends: Sequence[SizeChoice], point: Sequence[SizeChoice], name: str
) -> PowerLaw:
    """The power law through the optima at the two ends of the fitted compute."""
    x = np.log(span)
    low, high = (np.log(getattr(choice, name)) for choice in ends)
    at = [float(np.log(getattr(choice, name))[0]) for choice in point]
    width = x[1] - x[0]
    return PowerLaw(
        centre=float(x.mean()),
        level=float(np.mean(at)),
        exponent=(at[1] - at[0]) / width,
        levels=(low + high) / 2,
        exponents=(high - low) / width,
        scatter=0.0,
    )


def power_law_record(
    law: PowerLaw, span: tuple[float, float], level: float, miss: Miss | None = None, sign: int = 1
) -> PowerLawFit:
    """Make the record of a power law, with its band over and beyond the span (FLOPs).

    Args:
        law: of an optimum; span: smallest and largest C; level: of the intervals.
        miss: by which the band, as every interval of the optimum, is widened; None to take the
            law as right, as exponent and coefficient always do.
        sign: 1 for N*, -1 for D*, which moves the other way.
    """
    C = np.geomspace(span[0] / 2, span[1] * 100, 60)
    drawn = law.sample(C)
    if miss is not None:
        drawn = drawn * np.stack([miss.factors(len(drawn), c) for c in C], axis=1) ** sign
    known = miss is not None and miss.deviation(span[1]) is not None
    low, high = interval(drawn, level)
    point, coefficients = law.coefficient()
    return PowerLawFit(
        exponent=summarise(law.exponent, law.exponents, level),
        coefficient=summarise(point, coefficients, level),
        C=C.tolist(),
        median=law.point(C).tolist(),
        low=_finite(low),
        high=_finite(high),
        holds=MISSES if known else SAMPLING,
    )


def _finite(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _loss_curve(
    model: Model, data: RunData, around: Callable[[float], float], level: float
) -> PowerLawFit:
    """The fitted law's lowest loss over C: no power law, for it has a floor.

    Exponent and coefficient are those of the chord over the fitted compute, which the first
    two points of the curve span.
    """
    low, high = float(data.C.min()), float(data.C.max())
    C = np.array([low, high, *np.geomspace(high, high * 100, 7)[1:]])
    cost = data.cost
    drawn = [best_size(model.sample, cost, c, around=around(c)).loss for c in C]
    point = np.array([float(point_size(model, data, c, around(c)).loss[0]) for c in C])
    width = np.log(high / low)
    exponents = np.log(drawn[1] / drawn[0]) / width
    exponent = float(np.log(point[1] / point[0]) / width)
    with np.errstate(over="ignore"):
        coefficients = drawn[0] / low**exponents
    bands = np.array([interval(values, level) for values in drawn])
    return PowerLawFit(
        exponent=summarise(exponent, exponents, level),
        coefficient=summarise(point[0] / low**exponent, coefficients, level),
        C=C.tolist(),
        median=point.tolist(),
        low=_finite(bands[:, 0]),
        high=_finite(bands[:, 1]),
        holds=SAMPLING,
    )
