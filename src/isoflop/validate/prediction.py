"""A prediction whose interval was tested: samples, distance, nominal and observed coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.document import decode_array, encode_array
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.samples import interval
from isoflop.validate.domain import Domain, reach
from isoflop.validate.ensemble import Ensemble, as_ensemble, ensemble, folds_of, own
from isoflop.validate.forms import forms_for
from isoflop.validate.past import FAR, Coverage, kind_of, past_coverage, prior
from isoflop.validate.rolling import How
from isoflop.validate.split import usable, with_compute
from isoflop.validate.widening import learn, middle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.validate.widening import Prior, Widening

SCHEMA = "isoflop.prediction/1"


class Prediction(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What laws say of points, how far these lie outside the runs, and what that was worth before.

    Args:
        inputs: by name, flattened to [point].
        point: the laws at their estimates, [*shape].
        mean: samples of the expected loss, with the form's own error, [sample, *shape].
        samples: samples of a single new run, [sample, *shape].
        plain: samples of the laws alone, without run noise or widening [sample, *shape].
        distance: decades outside the runs, in the farthest direction, [*shape]; 0 is inside.
        reach: what the laws move between the edge of the runs and the point, by their slope at
            the edge (of logarithms, unless residuals are of the output itself), [*shape].
        scale: median of the factor on the fit's own uncertainty.
        kappa: median share of the law's reach that is added as error of the form over the first
            decade; growth: power of the decades that this error grows with.
        folds: rolling origins in the runs that both were learned from, next to the prior.
        weights: by law; level: of `interval` unless another is asked for.
        coverage: by point, how often past predictions of this kind and distance were covered.
        unit: of the output; convention: what N, D, C and loss count.
        notes: what has to be said with it.
    """

    inputs: dict[str, list[Any]]
    point: np.ndarray
    mean: np.ndarray
    samples: np.ndarray
    plain: np.ndarray
    distance: np.ndarray
    reach: np.ndarray
    scale: float
    kappa: float
    growth: float = 1.0
    folds: int
    weights: dict[str, float]
    level: float
    coverage: list[Coverage]
    unit: str = ""
    convention: dict[str, str] = {}
    notes: list[str] = []
    schema: str = SCHEMA

    def interval(
        self, level: float | None = None, *, of: str = "run"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends [*shape] of the central interval.

        Args:
            level: probability; the prediction's own if None.
            of: "run" (a single new run), "mean" (its expectation) or "plain" (the fit's samples
                alone, which is narrower than past predictions bear out).
        """
        known = {"run": self.samples, "mean": self.mean, "plain": self.plain}
        if of not in known:
            raise InputError(f"`{of}` is none of {', '.join(known)}.")
        return interval(known[of], self.level if level is None else level)

    def to_json(self) -> str:
        """Return the prediction as one JSON document, samples included."""
        return msgspec.json.encode(self, enc_hook=encode_array).decode()

    @classmethod
    def from_json(cls, document: bytes | str) -> Prediction:
        """Read a prediction from `to_json`.

        Raises:
            InputError: if the document is not a prediction.
        """
        try:
            return msgspec.json.decode(document, type=cls, dec_hook=decode_array)
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"this is not a prediction: {error}.") from error


def predict(
    source: Fit | Ensemble | RunTable,
    table: RunTable | None = None,
    *,
    laws: Sequence[Law | str] = (),
    how: How | None = None,
    level: float | None = None,
    before: Prior | None = None,
    widening: Widening | None = None,
    **inputs: Any,
) -> Prediction:
    """Predict runs with intervals that widen with distance as past predictions needed it.

    Args:
        source: a fit with samples, an ensemble, or runs to fit laws to.
        table: the runs a fit was fitted on. With them the widening is learned from their
            rolling origins and the distance in C is known; without them the prior alone widens,
            and distance is that of each input for itself.
        laws: fitted to `source` if it is runs, and weighed by their rolling origins; those of
            `isoflop.validate.forms` if none is given.
        how: noise, samples, seed, if `source` is runs.
        level: of the intervals; the fit's if None.
        before: prior of scale and kappa; the shipped one if None.
        widening: what `calibrate` learned, if it was asked before.
        **inputs: numbers or arrays that broadcast to one shape, by name.

    Raises:
        InputError: if an input is missing or not positive where it must be, or the fit has no
            samples.
        NotIdentified: if no law could be fitted to the runs.
    """
    if isinstance(source, RunTable):
        together, table = fitted_to(source, laws, how or How())
    else:
        together = as_ensemble(source)
        table = None if table is None else _same_runs(together, table)
    settings = How.of(together.fits[0])
    arrays = _points(together, inputs)
    span, away = _reaches(together, table, arrays, settings.logs)
    width = widening or calibrate(together, table, before=before)
    plain, run = (together.predict(new_run=new, **arrays) for new in (False, True))
    centre = middle(plain)
    drawn = {"logs": settings.logs, "seed": settings.seed}
    level = settings.level if level is None else level
    kind, method = kind_of(together.fits[0].law), method_of(together, width)
    return Prediction(
        inputs={name: np.ravel(x).tolist() for name, x in arrays.items()},
        point=together.point(**arrays),
        mean=width.widen(plain, centre, span, away, **drawn),
        samples=width.widen(run, centre, span, away, **drawn),
        plain=plain,
        distance=away,
        reach=span,
        scale=width.scale,
        kappa=width.kappa,
        growth=width.growth,
        folds=width.folds,
        weights=together.weights,
        level=level,
        coverage=[past_coverage(kind, float(d), level, method) for d in np.ravel(away)],
        unit=_unit(together, table),
        convention=together.fits[0].convention,
        notes=_notes(together, table, width, away),
    )


def fitted_to(table: RunTable, laws: Sequence[Law | str], how: How) -> tuple[Ensemble, RunTable]:
    """Fit laws to the usable runs of a table; C is counted as 6ND where there is none.

    Returns:
        The ensemble, and the runs it was fitted on.
    """
    table, _ = with_compute(table)
    names = tuple(table.columns)
    declared = [resolve(x, columns=names) if isinstance(x, str) else x for x in laws]
    declared = declared or forms_for(table)
    table, _ = usable(table, declared, how.output, logs=how.logs)
    return ensemble(table, declared, how=how), table


def method_of(together: Ensemble, width: Widening) -> str:
    """Return which of `isoflop.validate.past.METHODS` an interval is made by."""
    if width.folds == 0:
        return "prior only"
    return "widened" if len(together.fits) > 1 else "widened, one law"


def _same_runs(together: Ensemble, table: RunTable) -> RunTable:
    """Return the usable runs of the table that fits were fitted on.

    Raises:
        InputError: if their number is not that of the fits.
    """
    settings = How.of(together.fits[0])
    table, _ = with_compute(table)
    laws = [f.law for f in together.fits]
    table, _ = usable(table, laws, settings.output, logs=settings.logs)
    weighted = together.fits[0].settings.weight is not None
    if len(table) != together.fits[0].runs and not weighted:
        raise InputError(
            f"the fit has {together.fits[0].runs} runs and the table {len(table)}.",
            "Distance and past misses must be of the runs that were fitted.",
            "Give the same runs:  --runs runs.csv --where '...'",
        )
    return table


def _reaches(
    together: Ensemble, table: RunTable | None, arrays: dict[str, Any], logs: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return reach (root mean square over the laws) and distance (the largest), [*shape]."""
    spans, away = [], []
    for fitted in together.fits:
        inside = Domain(fitted.ranges) if table is None else Domain.of(fitted.law, table)
        given = own(fitted, arrays)
        spans.append(reach(fitted.point, inside, given, logs=logs))
        away.append(inside.distance(given))
    shares = np.array(list(together.weights.values()))
    return np.asarray(np.sqrt(np.tensordot(shares, np.square(spans), 1))), np.max(away, axis=0)


def calibrate(
    fit: Fit | Ensemble, table: RunTable | None, *, before: Prior | None = None
) -> Widening:
    """Learn how much wider than its samples a fit's predictions must be.

    Args:
        fit: a fit or an ensemble; table: the runs it was fitted on, or None for the prior alone.
        before: prior of scale and kappa; the shipped one if None.
    """
    together = as_ensemble(fit)
    before = before or prior(kind_of(together.fits[0].law))
    if table is None:
        return learn(before, [], together.weights)
    folds = folds_of(table, [f.law for f in together.fits], How.of(together.fits[0]))
    return learn(before, folds, together.weights)


def _points(together: Ensemble, inputs: dict[str, Any]) -> dict[str, Any]:
    names = {name for f in together.fits for name in f.law.input_names}
    text = {x.name for f in together.fits for x in f.law.inputs if x.dimension.text}
    unknown = sorted(inputs.keys() - names)
    if unknown:
        raise InputError(
            f"the law has no input {', '.join(unknown)}; it has {', '.join(sorted(names))}.",
            do="Leave it out.",
        )
    for fitted in together.fits:
        own(fitted, inputs)
    arrays = np.broadcast_arrays(*(np.asarray(x) for x in inputs.values()))
    found = dict(zip(inputs, arrays, strict=True))
    for name in names - text:
        if found[name].dtype.kind not in "biuf":
            raise InputError(f"{name} = {np.ravel(found[name])[0]} is not a number.")
        values = np.asarray(found[name], dtype=float)
        positive = all(f.ranges[name][0] > 0 for f in together.fits if name in f.ranges)
        if not np.all(np.isfinite(values)) or (positive and np.any(values <= 0)):
            raise InputError(f"{name} = {np.ravel(values)[0]:g} is not a positive number.")
        found[name] = values
    return found


def _unit(together: Ensemble, table: RunTable | None) -> str:
    """Return the output's unit as the runs state it, else as the law declares it."""
    first = together.fits[0]
    stated = "" if table is None else table.units.get(first.settings.output, "")
    return stated or first.law.output.unit


def _notes(
    together: Ensemble, table: RunTable | None, width: Widening, away: np.ndarray
) -> list[str]:
    notes = []
    if np.any(away > FAR):
        notes.append(
            f"A point lies {np.max(away):.1f} decades outside the runs; few past predictions went"
            " that far, and no interval knows what changes on the way."
        )
    if table is None:
        notes.append(
            "The runs are not known, only the fit: the interval widens by what past predictions"
            " on other tables needed, and the distance does not count C. Give the runs to improve"
            " both."
        )
    elif width.folds == 0:
        notes.append(
            "The runs have too few sizes for a rolling origin of their own: the interval widens by"
            " what past predictions on other tables needed."
        )
    if len(together.fits) == 1:
        notes.append(
            "One law was asked, so the difference between laws is not in the samples; the widening"
            " stands for it."
        )
    return notes
