"""Approach 2 of Hoffmann et al. 2022 as one record of a study's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit.surface import FINITE, IsoflopSurface, minimum_bias
from isoflop.protocols.approaches import power_law_record
from isoflop.protocols.models import Fitted, Settings, surface_of
from isoflop.protocols.result import Approach, Optimum
from isoflop.samples import Estimate, summarise

if TYPE_CHECKING:
    from isoflop.fit.isoflop import Profile
    from isoflop.protocols.data import RunData

TITLES = {
    "parabola": "Approach 2: isoFLOP parabolas",
    "cubic": "Approach 2: isoFLOP profiles, cubic",
    "akima": "Approach 2: isoFLOP profiles, Akima's interpolation",
    "corrected": "Approach 2: isoFLOP profiles, corrected for asymmetry",
}


def approach2(fitted: Fitted, settings: Settings) -> Approach:
    """Report the budgets' minima and the power laws through them."""
    name, level = "approach2", settings.level
    title = TITLES[settings.profile]
    surface = fitted.surface
    if surface is None:
        return Approach(name=name, title=title, ok=False, notes=[fitted.reasons[name]])
    C = np.array([p.C for p in surface.usable])
    span = (float(C.min()), float(C.max()))
    return Approach(
        name=name,
        title=title,
        ok=True,
        N_exponent=summarise(surface.N_opt.exponent, surface.N_opt.exponents, level),
        D_exponent=summarise(surface.D_opt.exponent, surface.D_opt.exponents, level),
        N_opt=power_law_record(surface.N_opt, span, level, fitted.misses[name]),
        D_opt=power_law_record(surface.D_opt, span, level, fitted.misses[name], -1),
        loss_opt=power_law_record(surface.loss_opt, span, level),
        optima=_optima(fitted, surface, level),
        details={
            "profile": surface.profile,
            "run noise, nats per token": surface.noise,
            "scatter of ln N* about the line": surface.N_opt.scatter,
            "relative curvature of the profile": surface.curvature,
        },
        notes=_notes(fitted, settings),
    )


def _notes(fitted: Fitted, settings: Settings) -> list[str]:
    notes = ["Intervals redraw the run noise; L*(C) has no floor and is too low far out."]
    notes += open_ends(fitted, settings.level)
    if settings.profile == "akima":
        notes.append(
            "Minima are medians over injected noise, weighted by their variance; an interpolation"
            " carries the noise of three runs, a fitted profile that of all."
        )
    if settings.profile == "corrected":
        law, source = fitted.parametric, "given"
        alpha, beta = settings.exponents or (np.nan, np.nan)
        if settings.exponents is None and law is not None:
            alpha, beta = law.estimate["alpha"], law.estimate["beta"]
            source = "of approach 3, whose uncertainty is in the intervals"
        notes.append(f"Minima assume alpha = {alpha:.3g} and beta = {beta:.3g} ({source}).")
    return notes


def open_ends(fitted: Fitted, level: float) -> list[str]:
    """Return what redrawn runs say of budgets that hardly have a minimum, if some do."""
    surface = fitted.surface
    if surface is None:
        return []
    lost = np.isnan(surface.minima[:, :, 0])  # [budget, sample]
    if lost.any(axis=0).mean() <= (1 - level) / 2:
        return []
    shares = lost.mean(axis=1)
    worst = sorted(zip(shares, (p.budget for p in surface.usable), strict=True), reverse=True)[:3]
    listed = ", ".join(
        f"{100 * share:.0f} % at {budget:.3g}" for share, budget in worst if share > 0.005
    )
    return [
        f"Redrawn runs of some budgets have no minimum any more ({listed} FLOPs): approach 2's line"
        " goes through the others there. Repeat or spread these budgets' sizes."
    ]


def _optima(fitted: Fitted, surface: IsoflopSurface, level: float) -> list[Optimum]:
    drawn = iter(surface.minima)
    return [
        _optimum(fitted, surface, p, next(drawn) if p.ok else None, level) for p in surface.profiles
    ]


def _optimum(
    fitted: Fitted, surface: IsoflopSurface, p: Profile, drawn: np.ndarray | None, level: float
) -> Optimum:
    """Make the record of one budget; drawn: samples of (ln N*, loss*, curvature) if usable."""
    data = fitted.isoflop
    rows = np.flatnonzero(data.budget == p.budget)[p.used]
    N = np.geomspace(data.N[rows].min(), data.N[rows].max(), 60)
    record = Optimum(
        budget=p.budget,
        C=p.C,
        status=p.status,
        reason=p.reason,
        runs=data.id[rows].tolist(),
        curve_N=N.tolist(),
        curve_loss=p.curve(N).tolist(),
        rms=float(np.sqrt(np.mean(p.residual**2))) if p.freedom > 0 else None,
    )
    if drawn is None:
        return record
    sizes = np.exp(np.clip(drawn[:, 0], *FINITE))
    tokens = surface.cost.tokens
    return msgspec.structs.replace(
        record,
        N=summarise(p.N, sizes, level),
        D=summarise(float(tokens(p.N, p.C)), tokens(sizes, p.C), level),
        loss=summarise(p.loss, drawn[:, 1], level),
        bias_N=_bias(fitted, surface, p.C, data.N[rows]),
    )


def _bias(fitted: Fitted, surface: IsoflopSurface, C: float, N: np.ndarray) -> float | None:
    """Bias of the profile's N* for these sizes, from approach 3's exponents."""
    law = fitted.parametric
    if law is None:
        return None
    return minimum_bias(surface, C, N, law.estimate["alpha"], law.estimate["beta"])


def exponent_by_convention(columns: dict[str, RunData], settings: Settings) -> dict[str, Estimate]:
    """Return approach 2's exponent of N*(C) under each convention for N.

    Args:
        columns: convention -> the same runs with N counted so.
    """
    answer = {}
    for convention, data in columns.items():
        try:
            law = surface_of(data, settings).N_opt
        except NotIdentified:
            continue
        answer[convention] = summarise(law.exponent, law.exponents, settings.level)
    return answer
