"""Predictions of a study: held-out runs first, then the larger run nobody has trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.plan.optimum import SizeChoice, best_size, flat_range
from isoflop.protocols.result import Cell, Heldout, PlanAnswer
from isoflop.samples import Estimate, concatenate, interval, summarise
from isoflop.validate.holdout import baselines, covered

if TYPE_CHECKING:
    from isoflop.protocols.approaches import Fitted, Settings
    from isoflop.protocols.data import RunData

#: Relative losses that count as no loss at all, and as little.
FLAT = {"0.1%": 0.001, "1%": 0.01}


def predict_heldout(fitted: Fitted, heldout: RunData, settings: Settings) -> Heldout:
    """Predict every held-out run with the models fitted on the smaller budgets.

    The prediction is the median of all models' samples with run noise added, so that its
    interval covers both what the runs leave open and which model is right.

    Raises:
        NotIdentified: no model could be fitted on the smaller budgets.
    """
    models = fitted.surfaces()
    if not models:
        why = " ".join(fitted.reasons.values())
        raise NotIdentified(f"no model could be fitted on the smaller budgets: {why}")
    rng = settings.rng(4)
    drawn = {name: surface(heldout.N, heldout.D) for name, surface in models.items()}
    mixed = concatenate(list(drawn.values()), size=2 * settings.samples, seed=settings.seed)
    mixed = mixed + rng.normal(0.0, fitted.noise, mixed.shape)
    cells = [_cell(i, fitted, heldout, drawn, mixed, settings) for i in range(len(heldout))]
    best = cells[int(np.argmin(heldout.loss))]
    data = fitted.data
    return Heldout(
        budget=float(heldout.budget.max()),
        level=settings.level,
        predicted=best.predicted,
        interval=best.interval,
        observed=best.observed,
        covered=best.covered,
        fitted_budgets=data.budgets.tolist(),
        decades=float(np.log10(heldout.C.max() / data.C.max())),
        cells=cells,
        coverage=float(np.mean([cell.covered for cell in cells])),
        notes=[
            "Predicted from the smaller budgets only; run noise of"
            f" {fitted.noise:.3f} nats per token is part of the interval.",
            *list(fitted.reasons.values()),
        ],
    )


def _cell(
    i: int,
    fitted: Fitted,
    heldout: RunData,
    drawn: dict[str, np.ndarray],
    mixed: np.ndarray,
    settings: Settings,
) -> Cell:
    low, high = (float(end) for end in interval(mixed[:, i], settings.level))
    observed, data = float(heldout.loss[i]), fitted.data
    return Cell(
        id=str(heldout.id[i]),
        N=float(heldout.N[i]),
        D=float(heldout.D[i]),
        C=float(heldout.C[i]),
        observed=observed,
        predicted=float(np.nanmedian(mixed[:, i])),
        interval=(low, high),
        covered=covered((low, high), observed),
        by_model={
            name: summarise(float(np.nanmedian(values[:, i])), values[:, i], settings.level)
            for name, values in drawn.items()
        },
        baselines=baselines(
            data.N, data.C, data.loss, at_N=float(heldout.N[i]), at_C=float(heldout.C[i])
        ),
    )


def plan_run(fitted: Fitted, C: float, settings: Settings) -> PlanAnswer:
    """Choose N and D for a budget of C FLOPs, with intervals over samples and models.

    Raises:
        NotIdentified: no model has a compute-optimal size at C.
    """
    choices: dict[str, SizeChoice] = {}
    notes: list[str] = []
    for name, surface in fitted.surfaces().items():
        try:
            choices[name] = best_size(surface, fitted.data.cost, C, around=fitted.around(C))
        except NotIdentified as error:
            notes.append(f"{name}: {error.what}")
    if not choices:
        reasons = " ".join([*fitted.reasons.values(), *notes])
        raise NotIdentified(f"no model can plan for {C:.3g} FLOPs: {reasons}")
    rng, level = settings.rng(5), settings.level

    def mix(values: list[np.ndarray]) -> np.ndarray:
        return concatenate(values, size=2 * settings.samples, seed=settings.seed)

    N = mix([choice.N for choice in choices.values()])
    D = mix([choice.D for choice in choices.values()])
    loss = mix([choice.loss for choice in choices.values()])
    loss = loss + rng.normal(0.0, fitted.noise, loss.shape)
    grid = next(iter(choices.values())).grid
    profile = mix([choice.profile for choice in choices.values()])
    middle = np.nanmedian(profile, axis=0)
    decades = float(np.log10(C / fitted.data.C.max()))
    return PlanAnswer(
        C=C,
        decades=decades,
        level=level,
        convention=fitted.data.convention,
        N=_middle(N, level),
        D=_middle(D, level),
        loss=_middle(loss, level),
        tokens_per_parameter=_middle(D / N, level),
        by_model={name: _by_model(choice, level) for name, choice in choices.items()},
        flat={name: flat_range(grid, middle, share) for name, share in FLAT.items()},
        curve=_profile_curve(grid, profile, middle, level),
        warnings=_warnings(fitted, N, decades) + notes,
    )


def _middle(samples: np.ndarray, level: float) -> Estimate:
    return summarise(float(np.nanmedian(samples)), samples, level)


def _by_model(choice: SizeChoice, level: float) -> dict[str, Estimate]:
    parts = {"N": choice.N, "D": choice.D, "loss": choice.loss}
    return {name: _middle(values, level) for name, values in parts.items()}


def _profile_curve(
    grid: np.ndarray, profile: np.ndarray, middle: np.ndarray, level: float
) -> dict[str, list[float]]:
    """Loss over N at the budget, where it is within a tenth of the lowest (for a figure)."""
    near = middle <= 1.1 * middle.min()
    low, high = interval(profile[:, near], level)
    keep = np.isfinite(low) & np.isfinite(high)
    rows = {"N": grid[near], "median": middle[near], "low": low, "high": high}
    return {name: values[keep].tolist() for name, values in rows.items()}


def _warnings(fitted: Fitted, N: np.ndarray, decades: float) -> list[str]:
    """What must be said next to the plan, whatever the reader asked for."""
    warnings = []
    if decades > 0:
        warnings.append(
            f"The budget lies {decades:.1f} decades beyond the largest run that was fitted;"
            " no interval here knows what changes on the way."
        )
    largest = fitted.data.N.max()
    if np.nanmedian(N) > largest:
        ratio = float(np.nanmedian(N) / largest)
        warnings.append(f"N is {ratio:.1f} times the largest model that was fitted.")
    if len(fitted.surfaces()) < 2:
        warnings.append("Only one model could be fitted: the interval has no model error in it.")
    return warnings
