"""Validation as one document: laws fitted on small runs and scored on large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.laws.resolve import resolve
from isoflop.validate import scores
from isoflop.validate.ensemble import as_ensemble, ensemble, folds_of
from isoflop.validate.holdout import baselines
from isoflop.validate.past import kind_of, prior
from isoflop.validate.prediction import predict
from isoflop.validate.ranking import Place, rank
from isoflop.validate.rolling import How, inputs_of
from isoflop.validate.scores import Errors, Growth, LevelCoverage, Outcome
from isoflop.validate.split import size_of, splits, usable, with_compute
from isoflop.validate.widening import learn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable
    from isoflop.validate.ensemble import Ensemble
    from isoflop.validate.split import Size, Split

SCHEMA = "isoflop.validation/1"
#: Name of all laws together, next to their own names.
TOGETHER = "ensemble"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One held-out run: what was observed, and what was predicted from one origin.

    Args:
        row: of the table of usable runs; origin: largest size fitted; size: of the run.
        distance: decades outside the fitted runs.
        observed: the output; predicted, interval: by law; baselines: by name.
    """

    row: int
    origin: float
    size: float
    distance: float
    observed: float
    predicted: dict[str, float]
    interval: dict[str, tuple[float | None, float | None]]
    baselines: dict[str, float]


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """What laws, fitted on smaller runs, said of larger ones.

    Args:
        holdout: rule or condition; laws: as given.
        size: the quantity that larger means; empty if no input orders the runs.
        fitted: runs fitted (at the last origin); heldout: predictions made.
        level: of the intervals; output, unit: what was predicted.
        errors, coverage, growth: by law (and "ensemble", if there are several).
        skill: by law and baseline: 1 - rms error of the law / rms error of the baseline.
        ranking: laws, best first; tested_by: what the paired test permuted.
        weights: of the ensemble, from rolling origins in the training rows of the last origin.
        predictions: every single one.
        reasons: laws that could not be fitted, and why; notes: what has to be said with it.
        settings: how laws were fitted.
    """

    holdout: str
    laws: tuple[str, ...]
    size: str
    fitted: int
    heldout: int
    level: float
    output: str
    unit: str
    errors: dict[str, Errors]
    skill: dict[str, dict[str, float]]
    coverage: dict[str, list[LevelCoverage]]
    growth: dict[str, Growth]
    ranking: list[Place]
    tested_by: str
    weights: dict[str, float]
    predictions: list[Call]
    settings: How
    reasons: dict[str, str] = {}
    notes: list[str] = []
    schema: str = SCHEMA

    @property
    def useful(self) -> bool:
        """Whether some law beats some baseline."""
        return any(value > 0 for by in self.skill.values() for value in by.values())

    def ensemble(self, table: RunTable) -> Ensemble:
        """Return the laws fitted to all runs of a table and weighted by their rolling origins.

        All these rows are training rows of what is predicted next.

        Raises:
            NotIdentified: if no law could be fitted.
        """
        table, _ = with_compute(table)
        laws = [resolve(name, columns=tuple(table.columns)) for name in self.laws]
        table, _ = usable(table, laws, self.settings.output, logs=self.settings.logs)
        return ensemble(table, laws, how=self.settings)


def validate(
    table: RunTable, laws: Sequence[Law], *, holdout: str = "largest-budget", how: How | None = None
) -> Validation:
    """Fit laws on the smaller runs and predict the larger ones.

    Args:
        table: the runs; C is counted as 6ND where there is none.
        laws: of the same output; at least one.
        holdout: see `isoflop.validate.split.splits`.
        how: noise, samples, seed, level.

    Raises:
        InputError: if nothing is held out, or two laws have one name.
        NotIdentified: if no law could be fitted on the smaller runs.
    """
    how = how or How()
    _told_apart(laws)
    table, derived = with_compute(table)
    table, dropped = usable(table, laws, how.output, logs=how.logs)
    size = size_of(table, laws)
    least = max(len(law.parameters) for law in laws) + 1
    parts = splits(table, size, holdout, least=least)
    outcomes, weights, reasons = _outcomes(table, laws, size, parts, how)
    joined = scores.join(outcomes)
    notes = [text for text in (derived, dropped, size.note) if text]
    names, seen = list(joined.point), joined.observed
    missed = {n: scores.misses(x, seen) for n, x in joined.point.items() if n != TOGETHER}
    places, tested_by = rank(missed, joined.cluster, joined.rows, seed=how.seed)
    return Validation(
        holdout=holdout,
        laws=tuple(law.name for law in laws),
        size=size.name,
        fitted=int(parts[-1].train.sum()),
        heldout=len(joined.observed),
        level=how.level,
        output=how.output,
        unit=table.units.get(how.output) or laws[0].output.unit,
        errors={name: scores.errors(joined.point[name], seen) for name in names},
        skill={name: scores.skill(joined.point[name], seen, joined.naive) for name in names},
        coverage={name: scores.coverage(joined, name, how.level) for name in names},
        growth={name: scores.growth(joined, name) for name in names},
        ranking=places,
        tested_by=tested_by,
        weights=weights,
        predictions=_calls(joined),
        settings=how,
        reasons=reasons,
        notes=[*notes, *_notes(outcomes, tested_by, len(places))],
    )


def _told_apart(laws: Sequence[Law]) -> None:
    names = [law.name for law in laws]
    if not names or len(set(names)) < len(names):
        raise InputError(
            f"{len(names)} laws are given, {len(set(names))} of them different.",
            "Laws are told apart by their names.",
            "Give each once:  --law chinchilla --law kaplan",
        )


def _outcomes(
    table: RunTable, laws: Sequence[Law], size: Size, parts: Sequence[Split], how: How
) -> tuple[list[Outcome], dict[str, float], dict[str, str]]:
    """Return what was predicted from each origin, the weights at the last one, and who failed.

    Raises:
        NotIdentified: no law could be fitted at every origin that had any.
    """
    outcomes: list[Outcome] = []
    reasons: dict[str, str] = {}
    weights: dict[str, float] = {}
    for part in parts:
        try:
            outcome, together = _predicted(table, laws, size, part, how)
        except NotIdentified as error:
            reasons |= dict.fromkeys((law.name for law in laws), error.why)
            continue
        outcomes.append(outcome)
        weights, reasons = together.weights, reasons | together.reasons
    if not outcomes or not scores.join(outcomes).point:
        raise NotIdentified(
            "no law could be fitted on the smaller runs.",
            " ".join(f"{name}: {why}" for name, why in reasons.items()),
            "Hold out fewer runs, or take a law with fewer parameters.",
        )
    return outcomes, weights, reasons


def _predicted(
    table: RunTable, laws: Sequence[Law], size: Size, part: Split, how: How
) -> tuple[Outcome, Ensemble]:
    """Predict the held-out runs of one split. Their outputs are read last."""
    train = table.take(np.flatnonzero(part.train))
    rows = np.flatnonzero(part.test)
    test = table.take(rows)
    folds = folds_of(train, laws, how)
    together = ensemble(train, laws, how=how, folds=folds)
    members = {f.law.name: as_ensemble(f) for f in together.fits}
    if len(members) > 1:
        members[TOGETHER] = together
    inputs = {name: x for law in laws for name, x in inputs_of(law, test).items()}
    told = {}
    for name, member in members.items():
        width = learn(prior(kind_of(laws[0])), folds, member.weights)
        own: dict[str, Any] = {key: inputs[key] for f in member.fits for key in f.law.input_names}
        told[name] = predict(member, train, level=how.level, widening=width, **own)
    observed = np.asarray(test[how.output], dtype=float)
    ends = {name: p.interval() for name, p in told.items()}
    return Outcome(
        rows=rows,
        origin=np.full(len(rows), part.origin),
        size=size.values[rows],
        cluster=size.group[rows],
        distance=np.max([p.distance for p in told.values()], axis=0),
        observed=observed,
        point={name: p.point for name, p in told.items()},
        low={name: low for name, (low, _) in ends.items()},
        high={name: high for name, (_, high) in ends.items()},
        inside={n: scores.counted(p, observed, "run", how.level) for n, p in told.items()},
        plainly={n: scores.counted(p, observed, "plain", how.level) for n, p in told.items()},
        naive=_naive(train, inputs, size, part, rows, how.output),
    ), together


def _naive(
    train: RunTable,
    inputs: dict[str, np.ndarray],
    size: Size,
    part: Split,
    rows: np.ndarray,
    output: str,
) -> dict[str, np.ndarray]:
    numeric = {k: x for k, x in inputs.items() if x.dtype != object}
    places = {k: np.asarray(train[k], dtype=float) for k in numeric}
    loss = np.asarray(train[output], dtype=float)
    own = size.values[part.train]
    each = [
        baselines(
            places,
            own,
            loss,
            at={k: float(x[i]) for k, x in numeric.items()},
            at_size=float(size.values[row]),
        )
        for i, row in enumerate(rows)
    ]
    return {name: np.array([e[name] for e in each]) for name in each[0]}


def _calls(o: Outcome) -> list[Call]:
    def end(x: float) -> float | None:
        return float(x) if np.isfinite(x) else None

    return [
        Call(
            row=int(o.rows[i]),
            origin=float(o.origin[i]),
            size=float(o.size[i]),
            distance=float(o.distance[i]),
            observed=float(o.observed[i]),
            predicted={name: float(x[i]) for name, x in o.point.items()},
            interval={name: (end(o.low[name][i]), end(o.high[name][i])) for name in o.point},
            baselines={name: float(x[i]) for name, x in o.naive.items()},
        )
        for i in range(len(o.rows))
    ]


def _notes(outcomes: Sequence[Outcome], tested_by: str, laws: int) -> list[str]:
    notes = []
    if laws > 1 and tested_by == "run":
        notes.append(
            "Fewer than six budgets are held out: the test of the ranking takes their runs as"
            " independent, which makes differences look surer than they are."
        )
    if len(outcomes) > 1:
        notes.append(
            f"{len(outcomes)} origins predict some runs several times; the predictions are not"
            " independent."
        )
    return notes
