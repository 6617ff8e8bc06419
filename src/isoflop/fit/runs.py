"""From a table and settings to the problem that is solved."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.noise import parse_noise
from isoflop.fit.problem import Problem, known_kernel
from isoflop.runs.cells import not_numeric
from isoflop.runs.columns import missing_column
from isoflop.runs.duplicates import rows_of

if TYPE_CHECKING:
    from isoflop.fit.records import Settings
    from isoflop.laws.law import Law


def build_problem(table: Any, law: Law, settings: Settings) -> Problem:
    """Return the problem of fitting a law to a table of runs.

    Args:
        table: a `RunTable` or a mapping of columns.
        law: the law; open groups are filled in from the labels in the table.
        settings: noise, and the columns of output, weight and known noise.

    Raises:
        InputError: if a column is missing or holds values the law cannot take.
        NotIdentified: if there are fewer runs than parameters.
    """
    if not law.parameters:
        raise InputError(f"`{law.name}` has no parameters to fit.", do="Evaluate it: law(...).")
    if settings.output in law.input_names:
        raise InputError(
            f"`{law.name}` takes `{settings.output}`, the column it is to explain.",
            do="Name another column to explain:  --output COLUMN",
        )
    if law.groups:
        groups = dict.fromkeys(law.groups.values())
        law = law.expand(**{k: tuple(np.unique(column(table, k).astype(str))) for k in groups})
    inputs = {
        x.name: column(table, x.name).astype(str).astype(object)
        if x.dimension.text
        else numbers(table, x.name)
        for x in law.inputs
    }
    noise = parse_noise(settings.noise)
    observed = numbers(table, settings.output)
    if noise.logs:
        _check(observed > 0, settings.output, "is not positive", "Residuals are of its logarithm.")
    weights = np.ones(len(observed))
    if settings.weight is not None:
        weights = numbers(table, settings.weight)
        why = "A weight multiplies a run's term."
        _check(weights >= 0, settings.weight, "is negative", why, "{} >= 0")
    used = int(np.count_nonzero(weights))
    if used < max(len(law.parameters), 1):
        raise NotIdentified(
            f"{used} runs cannot determine the {len(law.parameters)} parameters of `{law.name}`.",
            "Each parameter takes at least one run, and more for an interval.",
            "Add runs, or fix parameters: law.fix(...).",
        )
    return Problem(
        law=law,
        inputs=inputs,
        target=np.log(observed) if noise.logs else observed,
        noise=noise,
        weights=weights,
        precision=_precision(table, settings.sigma, len(observed)),
        kernel=known_kernel(settings.kernel),
    )


def column(table: Any, name: str) -> np.ndarray:
    """Return a column of a table as an array.

    Raises:
        InputError: if there is none of that name.
    """
    try:
        return np.asarray(table[name])
    except InputError:
        raise
    except Exception as error:  # every library of dataframes has its own
        names = list(map(str, getattr(table, "columns", table)))
        if name in names:
            raise
        raise missing_column(name, names) from error


def numbers(table: Any, name: str) -> np.ndarray:
    """Return a column as finite doubles.

    Raises:
        InputError: if values are missing, infinite, or not numbers.
    """
    raw = column(table, name)
    try:
        values = raw.astype(float)
    except (TypeError, ValueError) as error:
        raise not_numeric(name, raw) from error
    why = "The objective would be undefined."
    _check(np.isfinite(values), name, "is missing or infinite", why, "abs({}) < 1e300")
    return values


def _check(good: np.ndarray, name: str, what: str, why: str, keep: str = "{} > 0") -> None:
    """Raise InputError unless all runs are good; `keep` is the condition of those that are."""
    if not good.all():
        condition = keep.format(name if name.isidentifier() else f"`{name}`")
        raise InputError(
            f"`{name}` {what} in {rows_of(~good)}.", why, f"Leave them out:  --where '{condition}'"
        )


def _precision(table: Any, sigma: str | float | None, runs: int) -> np.ndarray | None:
    if sigma is None:
        return None
    why = "Residuals are divided by the known noise."
    if not isinstance(sigma, str):
        if not 0 < sigma < np.inf:
            raise InputError(f"sigma = {sigma:g} is not a positive number.", why)
        return np.full(runs, 1.0 / sigma)
    noise = numbers(table, sigma)
    _check(noise > 0, sigma, "is not positive", why)
    return 1.0 / noise


def digest(table: Any, problem: Problem) -> str:
    """Return the table's own digest, or one of the columns used."""
    own = getattr(table, "digest", None)
    if isinstance(own, str):
        return own
    total = sha256()
    for name in sorted(problem.inputs):
        values = problem.inputs[name]
        total.update(name.encode())
        total.update(values.tobytes() if values.dtype != object else "\0".join(values).encode())
    total.update(problem.target.tobytes())
    return total.hexdigest()


def ranges(problem: Problem) -> dict[str, tuple[float, float]]:
    """Return the smallest and largest value of each numeric input."""
    return {
        name: (float(x.min()), float(x.max()))
        for name, x in problem.inputs.items()
        if x.dtype != object
    }
