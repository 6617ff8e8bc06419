"""Several laws for the same runs, weighted by how well each predicted larger runs from smaller.

Which form is right is a part of what is not known; samples of the laws together carry it on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError, IsoflopError, NotIdentified
from isoflop.fit.result import Fit
from isoflop.samples import concatenate
from isoflop.validate.rolling import How, backtest
from isoflop.validate.split import rolling_splits, size_of, with_compute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable
    from isoflop.validate.rolling import Fold, Member

SCHEMA = "isoflop.ensemble/1"


class Ensemble(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Fits of several laws to the same runs, with weights that sum to one.

    Args:
        fits: one a law.
        weights: by name of the law, in the order of `fits`.
        scores: mean log score (natural log of the density given to what was observed) over the
            rolling origins, by law; None where no origin could be used.
        folds: number of rolling origins the weights come from; with none they are equal.
        reasons: laws that were left out, and why.
        seed: decides which samples of a fit are taken.
    """

    fits: tuple[Fit, ...]
    weights: dict[str, float]
    scores: dict[str, float | None] = {}
    folds: int = 0
    reasons: dict[str, str] = {}
    seed: int = 0
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        names = [f.law.name for f in self.fits]
        total = sum(self.weights.values())
        if not names or list(self.weights) != names or abs(total - 1.0) > 1e-9:
            raise InputError(
                f"{len(names)} fits do not go with weights {self.weights}.",
                "An ensemble has one weight a law; they sum to one.",
            )

    def predict(self, *, new_run: bool = False, size: int | None = None, **inputs: Any) -> Any:
        """Return samples [sample, *shape] of all laws, in proportion to their weights.

        Args:
            new_run: add the scatter of a single run; without it, samples are of the mean.
            size: number of samples; as many as the largest fit has if None.
            **inputs: by name; a law takes those it has.

        Raises:
            InputError: if an input of a law is missing, or a fit has no samples.
        """
        parts = [samples_of(fitted, new_run, inputs) for fitted in self.fits]
        shares = list(self.weights.values())
        return concatenate(parts, shares, size=size, seed=self.seed)

    def point(self, **inputs: Any) -> np.ndarray:
        """Return the weighted mean of the laws at their estimates, [*shape]."""
        shares = self.weights.values()
        values = [w * f.point(**own(f, inputs)) for f, w in zip(self.fits, shares, strict=True)]
        return np.sum(values, axis=0)

    def to_json(self) -> str:
        """Return the ensemble as one JSON document, samples included."""
        stored = msgspec.structs.asdict(self) | {
            "fits": [msgspec.Raw(f.to_json().encode()) for f in self.fits]
        }
        return msgspec.json.encode(stored).decode()

    @classmethod
    def from_json(cls, document: bytes | str) -> Ensemble:
        """Read an ensemble from `to_json`.

        Raises:
            InputError: if the document is not an ensemble.
        """
        try:
            stored = msgspec.json.decode(document)
            if stored.get("schema") != SCHEMA:
                raise InputError(f"this has schema {stored.get('schema')}, not {SCHEMA}.")
            fits = tuple(Fit.from_json(msgspec.json.encode(x)) for x in stored.pop("fits"))
            return cls(fits=fits, **stored)
        except (msgspec.MsgspecError, AttributeError, KeyError, TypeError) as error:
            raise InputError(f"this is not an ensemble: {error}.") from error


def ensemble(
    table: RunTable,
    laws: Sequence[Law],
    *,
    how: How | None = None,
    folds: Sequence[Fold] | None = None,
) -> Ensemble:
    """Fit laws to runs and weigh them by how each predicted larger runs from smaller ones.

    Args:
        table: the runs, all of them training rows; laws: of the same output.
        how: noise, samples, seed.
        folds: of `rolling.backtest` on the same rows, if they are there already.

    Raises:
        NotIdentified: if no law could be fitted.
    """
    how = how or How()
    if folds is None:
        folds = folds_of(table, laws, how)
    fits: list[Fit] = []
    reasons: dict[str, str] = {}
    for law in laws:
        try:
            fits.append(how.fit(table, law))
        except IsoflopError as error:
            reasons[law.name] = error.what
    if not fits:
        raise NotIdentified("no law could be fitted.", " ".join(reasons.values()))
    names = [f.law.name for f in fits]
    scores, used = log_scores(folds, names)
    return Ensemble(
        fits=tuple(fits),
        weights=weights_of(scores, used, names),
        scores=scores,
        folds=used,
        reasons=reasons,
        seed=how.seed,
    )


def as_ensemble(fit: Fit | Ensemble) -> Ensemble:
    """Return a fit as an ensemble of one."""
    if isinstance(fit, Ensemble):
        return fit
    return Ensemble(fits=(fit,), weights={fit.law.name: 1.0}, seed=fit.settings.seed)


def folds_of(table: RunTable, laws: Sequence[Law], how: How) -> list[Fold]:
    """Return the rolling origins of a table; none if its sizes or runs are too few."""
    table, _ = with_compute(table)
    size = size_of(table, laws)
    least = max(len(law.parameters) for law in laws) + 1
    return backtest(table, laws, rolling_splits(size.values, size.group, least), how)


def log_scores(folds: Sequence[Fold], names: Sequence[str]) -> tuple[dict[str, float | None], int]:
    """Return each law's mean log score over the folds that all laws could predict, and how many.

    The density is normal, with the variance of the samples, a single run's noise and a tenth of
    the law's reach: without a share of the reach, a law with few parameters would be sure of
    itself wherever it is wrong.
    """
    used = [fold for fold in folds if all(name in fold.members for name in names)]
    if not used:
        return dict.fromkeys(names), 0
    return {
        name: float(np.mean([_log_score(fold.members[name]) for fold in used])) for name in names
    }, len(used)


def _log_score(member: Member) -> float:
    variance = np.diag(member.covariance) + member.noise + (SHARE * member.reach) ** 2
    score = -0.5 * (np.log(2 * np.pi * variance) + member.error**2 / variance)
    return float(np.mean(score))


#: Share of a law's reach that is always counted as unknown when laws are scored.
SHARE = 0.1


def weights_of(
    scores: Mapping[str, float | None], folds: int, names: Sequence[str]
) -> dict[str, float]:
    """Return weights exp(folds x mean log score), normalised; equal without folds.

    A fold counts once and not once for each of its runs: they miss together.
    """
    known = [scores.get(name) for name in names]
    if folds == 0 or any(value is None for value in known):
        return dict.fromkeys(names, 1.0 / len(names))
    total = folds * np.array([float(value) for value in known if value is not None])
    share = np.exp(total - total.max())
    return dict(zip(names, (share / share.sum()).tolist(), strict=True))


def own(fitted: Fit, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some inputs that a law takes.

    Raises:
        InputError: if one is missing.
    """
    missing = [name for name in fitted.law.input_names if name not in inputs]
    if missing:
        raise InputError(
            f"`{fitted.law.name}` needs {', '.join(missing)} as well; given: "
            f"{', '.join(inputs) or 'nothing'}.",
            do=f'Give every input:  --at "{",".join(f"{n}=..." for n in fitted.law.input_names)}"',
        )
    return {name: inputs[name] for name in fitted.law.input_names}


def samples_of(fitted: Fit, new_run: bool, inputs: Mapping[str, Any]) -> np.ndarray:
    """Return a fit's samples [sample, *shape].

    Raises:
        InputError: if it has none.
    """
    if fitted.samples is None:
        raise InputError(
            "the fit has no samples.",
            "An interval is read from samples.",
            "Fit with samples:  isoflop fit runs.csv --bootstrap 1000 --out fit.json",
        )
    return fitted.predict(new_run=new_run, **own(fitted, inputs))
