"""Predictions of a study: held-out runs first, then the larger run nobody has trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit.misses import STUDIES, held
from isoflop.plan.around import FLAT
from isoflop.plan.optimum import SizeChoice, best_size, flat_range
from isoflop.protocols.approach2 import open_ends
from isoflop.protocols.approaches import point_size
from isoflop.protocols.form_error import form_error
from isoflop.protocols.result import Cell, Heldout, PlanAnswer
from isoflop.samples import MISSES, RUN, SAMPLING, Estimate, concatenate, interval, summarise
from isoflop.validate.holdout import baselines, covered
from isoflop.validate.scores import errors, skill
from isoflop.validate.validation import TOGETHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from isoflop.fit.records import Interval
    from isoflop.protocols.data import RunData
    from isoflop.protocols.models import Fitted, Model, Settings


def predict_heldout(fitted: Fitted, heldout: RunData, settings: Settings) -> Heldout:
    """Predict every held-out run with the models fitted on the smaller budgets.

    The prediction is the mean of the models' estimates. The interval is of all their samples
    together, with run noise, widened as past predictions needed it (`protocols.form_error`): it
    covers what the runs leave open, which model is right, and that none may be.

    Raises:
        NotIdentified: no model could be fitted on the smaller budgets.
    """
    models = fitted.models()
    if not models:
        why = " ".join(fitted.reasons.values())
        raise NotIdentified(f"no model could be fitted on the smaller budgets: {why}")
    rng = settings.rng(4)
    points = {name: model.point(heldout.N, heldout.D) for name, model in models.items()}
    drawn = {name: model.sample(heldout.N, heldout.D) for name, model in models.items()}
    mixed = concatenate(list(drawn.values()), size=2 * settings.samples, seed=settings.seed)
    mixed = mixed + rng.normal(0.0, fitted.noise, mixed.shape)
    form, at = form_error(fitted, settings), {"N": heldout.N, "D": heldout.D}
    mixed = form.add(mixed, heldout.N, heldout.D)
    cells = [_cell(i, fitted, heldout, points, drawn, mixed, settings) for i in range(len(heldout))]
    best = cells[int(np.argmin(heldout.loss))]
    data = fitted.data
    told = {TOGETHER: np.mean(list(points.values()), axis=0), **points}
    naive = {k: np.array([cell.baselines[k] for cell in cells]) for k in cells[0].baselines}
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
        errors={name: errors(x, heldout.loss) for name, x in told.items()},
        skill={name: skill(x, heldout.loss, naive) for name, x in told.items()},
        notes=[
            "Predicted from the smaller budgets only; run noise of"
            f" {fitted.noise:.3f} nats per token is part of the interval.",
            form.sentence(settings.level, float(np.max(form.domain.distance(at)))),
            *list(fitted.reasons.values()),
            *open_ends(fitted, settings.level),
        ],
    )


def _cell(
    i: int,
    fitted: Fitted,
    heldout: RunData,
    points: dict[str, np.ndarray],
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
        predicted=float(np.mean([values[i] for values in points.values()])),
        interval=(low if np.isfinite(low) else None, high if np.isfinite(high) else None),
        covered=covered((low, high), observed),
        by_model={
            name: summarise(float(points[name][i]), values[:, i], settings.level)
            for name, values in drawn.items()
        },
        baselines=baselines(
            {"N": data.N},
            data.C,
            data.loss,
            at={"N": float(heldout.N[i])},
            at_size=float(heldout.C[i]),
        ),
    )


def plan_run(fitted: Fitted, C: float, settings: Settings) -> PlanAnswer:
    """Choose N and D for a budget of C FLOPs, with intervals over samples and models.

    N is where the mean of the models' estimates is lowest. Its interval, and that of D, is of
    the optima of all samples, widened by how far each model misses the minima of its own runs
    (`isoflop.fit.misses`); that of the loss is of a run with the chosen N, noise included and
    widened as past predictions needed it.

    Raises:
        NotIdentified: no model has a compute-optimal size at C.
    """
    models, choices, notes = choices_at(fitted, C)
    cost, level = fitted.data.cost, settings.level

    def mix(values: Iterable[np.ndarray]) -> np.ndarray:
        return concatenate(list(values), size=2 * settings.samples, seed=settings.seed)

    def mean(N: np.ndarray, D: np.ndarray) -> np.ndarray:
        return np.mean([model.point(N, D) for model in models.values()], axis=0)[None]

    best = best_size(mean, cost, C, around=fitted.around(C))
    N, D = best.N[:1], best.D[:1]
    chosen, alone = _chosen(fitted, choices, (N, D), C, mix, level)
    run = _run(fitted, mix(model.sample(N, D)[:, 0] for model in models.values()), N, D, settings)
    decades = float(np.log10(C / fitted.data.C.max()))
    return PlanAnswer(
        C=C,
        decades=decades,
        level=level,
        convention=fitted.data.convention,
        **chosen,
        loss=summarise(float(best.loss[0]), run, level, RUN),
        sampling=alone,
        by_model={
            name: _by_model(model, name, choices[name], fitted, C, level)
            for name, model in models.items()
        },
        flat={name: flat_range(best.grid, best.profile[0], share) for name, share in FLAT.items()},
        curve=_profile_curve(best, mix(c.profile for c in choices.values()), level),
        warnings=[
            *_warnings(fitted, float(N[0]), decades),
            *_widened(fitted, choices, C),
            *notes,
            *open_ends(fitted, level),
        ],
    )


def _run(
    fitted: Fitted, mean: np.ndarray, N: np.ndarray, D: np.ndarray, settings: Settings
) -> np.ndarray:
    """Return samples of a run's loss from those of its mean: noise, and the error of the form."""
    noisy = mean + settings.rng(5).normal(0.0, fitted.noise, mean.shape)
    return form_error(fitted, settings).add(noisy[:, None], N, D)[:, 0]


def _chosen(
    fitted: Fitted,
    choices: Mapping[str, SizeChoice],
    point: tuple[np.ndarray, np.ndarray],
    C: float,
    mix: Callable[[Iterable[np.ndarray]], np.ndarray],
    level: float,
) -> tuple[dict[str, Any], dict[str, Interval]]:
    """Return N, D and tokens per parameter, widened by what is known of the models' misses.

    And the intervals of the samples alone, where they differ.
    """
    alone = mix(choice.N for choice in choices.values())
    moved = mix(
        choice.N * fitted.misses[name].factors(len(choice.N), C) for name, choice in choices.items()
    )
    known = any(fitted.misses[name].deviation(C) is not None for name in choices)
    tokens, holds = fitted.data.cost.tokens, MISSES if known else SAMPLING
    chosen = _optimum(point, moved, tokens(moved, C), level, holds)
    plain = _optimum(point, alone, tokens(alone, C), level, SAMPLING) if known else {}
    return chosen, {name: x.interval for name, x in plain.items() if x.interval is not None}


def _optimum(
    point: tuple[np.ndarray, np.ndarray],
    N: np.ndarray,
    D: np.ndarray,
    level: float,
    holds: str,
) -> dict[str, Estimate]:
    """Return N, D and tokens per parameter with the intervals of samples [sample]."""
    sizes, tokens = (float(x[0]) for x in point)
    return {
        "N": summarise(sizes, N, level, holds),
        "D": summarise(tokens, D, level, holds),
        "tokens_per_parameter": summarise(tokens / sizes, D / N, level, holds),
    }


def _widened(fitted: Fitted, models: Iterable[str], C: float) -> list[str]:
    """Return what must be said of the intervals of N and D."""
    known, unknown = [], []
    for name in models:
        miss, shown = fitted.misses[name], name.replace("approach", "approach ")
        if miss.deviation(C) is None:
            unknown.append(shown)
        else:
            known.append(f"{shown} by a factor of {miss.factor:.2f} at {len(miss.minima)} budgets")
    return [STUDIES.caution(known, unknown)]


def choices_at(
    fitted: Fitted, C: float
) -> tuple[dict[str, Model], dict[str, SizeChoice], list[str]]:
    """Return the models that have a best size at C, their optima by sample, and why others not."""
    models: dict[str, Model] = {}
    choices: dict[str, SizeChoice] = {}
    notes: list[str] = []
    for name, model in fitted.models().items():
        try:
            point_size(model, fitted.data, C, fitted.around(C))
            choices[name] = best_size(model.sample, fitted.data.cost, C, around=fitted.around(C))
            models[name] = model
        except NotIdentified as error:
            notes.append(f"{name}: {error.what}")
    if not choices:
        reasons = " ".join([*fitted.reasons.values(), *notes])
        raise NotIdentified(f"no model can plan for {C:.3g} FLOPs: {reasons}")
    return models, choices, notes


def _by_model(
    model: Model, name: str, choice: SizeChoice, fitted: Fitted, C: float, level: float
) -> dict[str, Estimate]:
    point = point_size(model, fitted.data, C, fitted.around(C))
    miss, cost = fitted.misses[name], fitted.data.cost
    N = choice.N * miss.factors(len(choice.N), C)
    found = _optimum((point.N, point.D), N, cost.tokens(N, C), level, held(miss.deviation(C)))
    found["loss"] = summarise(float(point.loss[0]), choice.loss, level)
    return {key: found[key] for key in ("N", "D", "loss")}


def _profile_curve(best: SizeChoice, profile: np.ndarray, level: float) -> dict[str, list[float]]:
    """Loss over N at the budget, where it is within a tenth of the lowest (for a figure)."""
    middle = best.profile[0]
    near = middle <= 1.1 * middle.min()
    low, high = interval(profile[:, near], level)
    keep = np.isfinite(low) & np.isfinite(high)
    rows = {"N": best.grid[near], "median": middle[near], "low": low, "high": high}
    return {name: values[keep].tolist() for name, values in rows.items()}


def _warnings(fitted: Fitted, N: float, decades: float) -> list[str]:
    """What must be said next to the plan, whatever the reader asked for."""
    warnings = []
    if decades > 0:
        warnings.append(
            f"The budget lies {decades:.1f} decades beyond the largest run that was fitted;"
            " no interval here knows what changes on the way."
        )
    largest = fitted.data.N.max()
    if largest < N:
        warnings.append(f"N is {N / largest:.1f} times the largest model that was fitted.")
    if len(fitted.models()) < 2:
        warnings.append("Only one model could be fitted: the interval has no model error in it.")
    return warnings
