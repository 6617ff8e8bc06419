"""How far off a fitted law's best N and D, and its loss there, may be beyond its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.fit import misses
from isoflop.plan.limits import Limits
from isoflop.samples import RUN, SAMPLING

if TYPE_CHECKING:
    from isoflop.plan.optimise import Optimum
    from isoflop.plan.question import Question
    from isoflop.plan.surface import Surface
    from isoflop.validate.prediction import Prediction

Rows = np.ndarray


def off(surface: Surface, question: Question) -> float | None:
    """Return the standard deviation of ln N by which the law's answer is off, where it is known.

    That is at the training optimum of a budget, without bounds: nothing else was compared with
    runs.
    """
    if question.budget is None or not unbounded(question):
        return None
    return deviation_at(surface, question.budget.flops)


def unbounded(question: Question) -> bool:
    """Say whether the question is of training alone, without bounds on N, D or C."""
    return not question.serving.tokens and question.limits == Limits()


def deviation_at(surface: Surface, budget: float) -> float | None:
    """Return the same at a budget in FLOPs; None without samples to widen."""
    return misses.spread(surface.minima, budget) if surface.rows > 1 else None


def factors(surface: Surface, deviation: float | None) -> Rows:
    """Return the factors [row] by which N moves; that of the estimate is one."""
    seed = 0 if surface.fit is None else surface.fit.settings.seed
    return np.append(1.0, misses.factors(surface.rows - 1, deviation, seed))


def moved(surface: Surface, best: Optimum, deviation: float | None) -> tuple[Rows, Rows]:
    """Return N and D [row] of an optimum with the law's own misses added to the samples.

    ln N of each sample moves by a normal draw, ln D by its opposite, so that the cost stays.

    Args:
        surface: the law; best: its optimum; deviation: of ln N, None for none.
    """
    factor = factors(surface, deviation)
    return best.N * factor, best.D / factor


def predicted(surface: Surface, N: float, D: float) -> Prediction | None:
    """Return what `isoflop predict` says of a run; None without a fit and its samples.

    Of the fit alone: its runs are not known here.
    """
    if surface.fit is None or surface.rows < 2 or not np.isfinite([N, D]).all():
        return None
    from isoflop.validate.prediction import predict

    fitted = msgspec.structs.replace(surface.fit, samples=surface.samples)
    return predict(fitted, level=surface.level, **surface.inputs(np.array([N]), np.array([D])))


def run_loss(surface: Surface, told: Prediction | None, mean: Rows) -> tuple[Rows, str]:
    """Return the loss [row] of a run, and what its interval holds.

    Args:
        surface: the law; told: of the run, or None; mean: the law's loss there [row].
    """
    if told is None:
        return mean, SAMPLING if surface.rows > 1 else ""
    return np.append(mean[0], told.samples[:, 0]), RUN


def caution(surface: Surface, question: Question) -> list[str]:
    """Return what must be said of the intervals of N and D of a fit with samples."""
    limits = question.limits
    if surface.rows < 2 or limits.min_N == limits.max_N:
        return []
    return [misses.caution(surface.minima, known=off(surface, question) is not None)]


def loss_caution(surface: Surface, told: Prediction | None) -> list[str]:
    """Return what must be said of the interval of the loss of a fit with samples."""
    if surface.rows < 2:
        return []
    if told is None:
        return [f"The interval of the loss is of the law's mean: {SAMPLING}."]
    return [
        "The interval of the loss is that of one run, widened by what past predictions on public"
        f" tables needed ({told.coverage[0]}). isoflop predict --runs learns it from your runs too."
    ]
