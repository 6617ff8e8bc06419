"""Test-time compute from a table of attempts or from published constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.registry import get
from isoflop.plan.sampling.answer import Inference, Model, Point, Reach
from isoflop.plan.sampling.attempts import Attempts, read_attempts
from isoflop.plan.sampling.choice import Cost, choose_model
from isoflop.plan.sampling.curve import Observed, Selector, Stated
from isoflop.samples import Estimate, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.plan.sampling.verifier import Verifier

#: Laws of coverage in the number of samples.
LAWS = ("coverage_power", "coverage_beta", "coverage_scaled_beta", "coverage_kumaraswamy")
#: Predictions for more than this many times the attempts get a warning.
_FAR = 100
_FEW_PROBLEMS = 30


def inference(
    source: Any = None,
    *,
    k: Sequence[int] = (1, 10, 100, 1000),
    columns: Mapping[str, str] | None = None,
    by: str | None = None,
    law: str = "",
    constants: Sequence[str] = (),
    reach: float | None = None,
    costs: Mapping[str, Cost | float] | None = None,
    budget: float | None = None,
    unit: str = "FLOP",
    selector: Selector = "coverage",
    verifier: Verifier | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> Inference:
    """Say how accuracy grows with samples a problem, and what to sample for a budget.

    Coverage is unbiased (pass@k) up to the attempts that each problem has; beyond, it follows from
    a Beta distribution of success rates, with and without a share of problems that are never
    solved, mixed by Akaike weight. Intervals are over problems drawn again; attempts at a
    problem stay as they are.

    Args:
        source: path of a CSV or JSON lines file, or a mapping of columns (`read_attempts`); None
            for published constants.
        k: samples a problem to report.
        columns: name in the table by the name used here.
        by: column whose labels tell models apart.
        law: a registered law of coverage, in place of a table.
        constants: its published sets, each a model; all if empty.
        reach: coverage whose number of samples is asked for.
        costs: cost of a sample by model, a `Cost` where the prompt costs too; "" is for all.
        budget: for one problem, in the unit of the costs.
        unit: of costs and budget, for the record.
        selector: how one answer is chosen from the samples: "coverage", "majority",
            "weighted" (a vote by scores), "best", "verifier".
        verifier: a `Scorer` or `Checker` of stated quality.
        bootstrap: number of resamples of problems; 0 for estimates alone.
        seed: of the resamples.
        level: of the intervals.

    Raises:
        InputError: bad table, k, law or costs; neither or both of table and law.
    """
    ks = _checked(k, bootstrap, reach)
    curves = open_curves(source, columns, by, law, constants, bootstrap, seed)
    prices = _prices(costs, curves)
    models = tuple(
        _model(name, curve, ks, prices.get(name), verifier, reach, level)
        for name, curve in curves.items()
    )
    choice = None
    if budget is not None:
        choice = choose_model(
            curves, prices, budget, how=selector, verifier=verifier, unit=unit, level=level
        )
    return Inference(
        models=models,
        choice=choice,
        level=level,
        samples=bootstrap if source is not None else 0,
        seed=seed,
        warnings=tuple(_warnings(curves, max(ks))),
    )


def _checked(k: Sequence[int], bootstrap: int, reach: float | None) -> list[int]:
    if not len(k) or any(x != int(x) or x < 1 for x in k):
        raise InputError(f"k = {list(k)} are not whole numbers of samples.", do="--k 1,10,100")
    if bootstrap < 0:
        raise InputError(f"{bootstrap} resamples; at least none.")
    if reach is not None and not 0 < reach < 1:
        raise InputError(f"a coverage of {reach:g} is not between 0 and 1.", do="--reach 0.95")
    return sorted({int(x) for x in k})


def open_curves(
    source: Any,
    columns: Mapping[str, str] | None,
    by: str | None,
    law: str,
    constants: Sequence[str],
    bootstrap: int,
    seed: int,
) -> dict[str, Observed | Stated]:
    """Return each model's accuracy against samples, from a table or published constants.

    Args:
        source, columns, by, law, constants, bootstrap, seed: see `inference`.

    Raises:
        InputError: neither or both of table and law are given, or one is bad.
    """
    if (source is None) == (not law):
        raise InputError(
            "give either a table of attempts or a law with published constants.",
            do="isoflop inference attempts.csv, or"
            " isoflop inference --law coverage_power --constants monkeys-8b-math",
        )
    if source is None:
        if law not in LAWS:
            raise InputError(f"`{law}` is no law of coverage.", do=f"Known: {', '.join(LAWS)}.")
        found = get(law)
        sets = list(constants) or list(found.published)
        if not sets:
            raise InputError(f"`{law}` has no published constants.", do="--law coverage_power")
        return {name: Stated(found, found.constants(name)) for name in sets}
    tables = read_attempts(source, columns=columns, by=by)
    return {
        name: Observed(table, _resamples(table, bootstrap, seed), seed)
        for name, table in tables.items()
    }


def _resamples(table: Attempts, bootstrap: int, seed: int) -> np.ndarray:
    """How often each problem counts [1 + sample, problem].

    Problems are drawn in the order of their names, so that models with the same problems share
    their resamples and compare in pairs.
    """
    count = len(table.problems)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=bootstrap).astype(float)
    place = np.empty(count, dtype=int)
    place[np.argsort(np.array(table.problems), kind="stable")] = np.arange(count)
    return np.concatenate([np.ones((1, count)), drawn[:, place]])


def _prices(
    costs: Mapping[str, Cost | float] | None, curves: Mapping[str, Observed | Stated]
) -> dict[str, Cost]:
    given = {
        name: cost if isinstance(cost, Cost) else Cost(sample=float(cost))
        for name, cost in (costs or {}).items()
    }
    if set(given) == {""}:
        return dict.fromkeys(curves, given[""])
    unknown = sorted(set(given) - set(curves))
    if unknown:
        raise InputError(
            f"there is no model `{unknown[0]}`; there is {', '.join(curves) or 'none'}.",
            do="Name the column that tells models apart:  --by model",
        )
    return given


def _model(
    name: str,
    curve: Observed | Stated,
    ks: list[int],
    cost: Cost | None,
    verifier: Verifier | None,
    reach: float | None,
    level: float,
) -> Model:
    def read(values: np.ndarray) -> Estimate | None:
        return None if np.isnan(values[0]) else summarise(float(values[0]), values[1:], level)

    points = tuple(_point(curve, k, cost, verifier, read) for k in ks)
    needed = None if reach is None else _reach(curve, reach, level)
    told = _told(curve) if isinstance(curve, Stated) else _fitted(curve, level)
    return Model(name=name, points=points, reach=needed, **told)


def _told(curve: Stated) -> dict[str, Any]:
    """Return what is known of published constants: they are the family, nothing was counted."""
    name = curve.law.name
    return {
        "problems": None,
        "solved": None,
        "attempts": None,
        "families": {name: {x: Estimate(v) for x, v in curve.constants.items()}},
        "family_weights": {name: 1.0},
        "power": None,
    }


def _fitted(curve: Observed, level: float) -> dict[str, Any]:
    """Return the counts of a table, and what was fitted to them."""

    def parameters(**values: np.ndarray) -> dict[str, Estimate]:
        return {key: summarise(float(x[0]), x[1:], level) for key, x in values.items()}

    families = {
        rates.family: parameters(alpha=rates.alpha, beta=rates.beta)
        | (parameters(unsolvable=rates.unsolvable) if rates.family != "beta" else {})
        for rates in curve.rates
    }
    weights = curve.family_weights.tolist() if curve.rates else []
    power, table = curve.power, curve.attempts
    return {
        "problems": len(table.problems),
        "solved": int(np.count_nonzero(table.c)),
        "attempts": (table.fewest, int(table.n.max())),
        "families": families,
        "family_weights": dict(zip(families, weights, strict=True)),
        "power": None if power is None else parameters(A=power.A, B=power.B),
    }


def _point(
    curve: Observed | Stated, k: int, cost: Cost | None, verifier: Verifier | None, read: Any
) -> Point:
    price = None if cost is None else cost.of(k)
    if isinstance(curve, Stated):
        return Point(k=k, cost=price, predicted=read(curve.predicted(k)))
    table, within = curve.attempts, k <= curve.attempts.fewest
    power = curve.power
    return Point(
        k=k,
        cost=price,
        observed=read(curve.accuracy(k, "coverage")) if within else None,
        predicted=read(curve.predicted(k)),
        power=None if power is None else read(power.coverage(k)),
        majority=read(curve.accuracy(k, "majority")) if within and table.answers else None,
        weighted=read(curve.accuracy(k, "weighted")) if within and not table.votes else None,
        best=read(curve.accuracy(k, "best")) if within and table.ranked else None,
        verified=None if verifier is None else read(curve.accuracy(k, "verifier", verifier)),
    )


def _reach(curve: Observed | Stated, wanted: float, level: float) -> Reach:
    needed = curve.reach(wanted)
    summary = summarise(float(needed[0]), needed[1:], level)
    return Reach(
        coverage=wanted,
        k=float(needed[0]) if np.isfinite(needed[0]) else None,
        interval=summary.interval,
        highest=float(curve.predicted(1e12)[0]),
    )


def _warnings(curves: Mapping[str, Observed | Stated], most: int) -> list[str]:
    found = []
    for name, curve in curves.items():
        if isinstance(curve, Stated):
            continue
        said = f"{name}: " if name else ""
        table = curve.attempts
        if not curve.rates:
            found.append(
                f"{said}{int(table.c.sum())} of {int(table.n.sum())} attempts succeeded, so there"
                " is nothing to extrapolate coverage from."
            )
        elif any(rates.at_bound and rates.family == "beta" for rates in curve.rates):
            found.append(
                f"{said}the success rates of problems do not differ measurably; the Beta"
                " distribution is at a bound and its tail is not measured."
            )
        if len(table.problems) < _FEW_PROBLEMS:
            found.append(
                f"{said}{len(table.problems)} problems are few: intervals are over problems, and"
                " the tail of hard ones is hardly seen."
            )
        if curve.rates and most > _FAR * table.fewest:
            found.append(
                f"{said}k = {most} is {most / table.fewest:.3g}x the attempts at a problem; the"
                " prediction rests on the assumed distribution near rate zero."
            )
    return found
