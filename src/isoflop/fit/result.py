"""The result of a fit: one frozen document with the law, the numbers and the evidence."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop import __version__
from isoflop.errors import InputError
from isoflop.fit.records import Draws, Interval, Minimum, Optimum, Settings, Shift, Starts
from isoflop.fit.verdict import Verdict
from isoflop.laws.derived import keywords
from isoflop.laws.law import Law
from isoflop.samples import Estimate, summarise

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = "isoflop.fit/1"


class Fit(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """A fitted law. Immutable; `to_json` and `from_json` keep all of it.

    Args:
        law: the law, with its groups filled in.
        estimate: value by parameter.
        objective: sum over runs of the noise's rho (or negative log-likelihood if a scale is
            estimated).
        noise: the objective as text.
        verdict: what the fit says about itself; `converged` and `message` follow from it.
        converged: whether the search ended by its criterion.
        identified: by parameter, whether the runs determine it on both sides.
        reasons: a sentence for each parameter that is not identified or at a bound.
        at_bound: parameters at a bound.
        starts: how the optimum was searched for.
        gradient: largest derivative of the objective by a free coordinate.
        condition: condition number of the Gram matrix scaled to unit diagonal; None if singular.
        deviation: standard deviation by parameter from the curvature; None where it has none.
        scale: estimated scale of the noise, if it has one.
        samples: parameters [sample, parameter] in the order of `parameters`, or None.
        intervals: central interval by parameter from the samples, or None.
        profiles: interval by parameter from the profile likelihood, where computed.
        sensitivity: how far the estimate moves under other choices, or None.
        residuals: quantiles of the runs' scatter about the law (of logs unless noise is raw),
            corrected for fitted parameters.
        ranges: smallest and largest value of each numeric input.
        runs: number of runs.
        settings: what `fit` was called with.
        data_digest: digest of the runs.
        convention: what the table's N, D, C and loss count.
        draws: how samples were drawn; None without.
        optimum: N, D and loss of lowest loss at the target; None for a law that has none.
        minima: budgets whose runs have a minimum inside, with the law's beside it; none without
            samples, or for a law of more than N and D.
        version: of the package.
    """

    law: Law
    estimate: dict[str, float]
    objective: float
    noise: str
    verdict: Verdict
    converged: bool
    identified: dict[str, bool]
    reasons: dict[str, str]
    at_bound: tuple[str, ...]
    starts: Starts
    gradient: float
    condition: float | None
    deviation: dict[str, float | None]
    scale: float | None
    samples: np.ndarray | None
    intervals: dict[str, Interval] | None
    profiles: dict[str, Interval] | None
    sensitivity: tuple[Shift, ...] | None
    residuals: np.ndarray
    ranges: dict[str, tuple[float, float]]
    runs: int
    settings: Settings
    data_digest: str
    convention: dict[str, str] = {}
    draws: Draws | None = None
    optimum: Optimum | None = None
    minima: tuple[Minimum, ...] = ()
    version: str = __version__
    schema: str = SCHEMA

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `samples`."""
        return self.law.parameter_names

    @property
    def message(self) -> str:
        """The verdict as sentences, with a reason for each parameter concerned."""
        spans = ", ".join(f"{k} spans {high / low:.3g}x" for k, (low, high) in self.ranges.items())
        known = [f"{spans}."] if self.reasons and spans else []
        return " ".join([self.verdict.message, *known, *self.reasons.values()])

    def columns(self, extra: int = 0) -> dict[str, Any]:
        """Return samples by parameter, [sample, 1, ...] with `extra` trailing axes.

        Without samples these are the estimates, as numbers.
        """
        if self.samples is None:
            return dict(self.estimate)
        shape = (-1,) + (1,) * extra
        return {name: self.samples[:, k].reshape(shape) for k, name in enumerate(self.parameters)}

    def predict(self, *, new_run: bool | float = False, **inputs: Any) -> np.ndarray:
        """Return samples of the law's value at inputs.

        Args:
            new_run: add the scatter of a single run, drawn with the fit's seed: residuals if
                True, normal noise if it is a number (known standard deviation between seeds, of
                the logarithm unless noise is raw). Without it, samples are of the mean.
            **inputs: numbers or arrays that broadcast to one shape, by name.

        Returns:
            [sample, *shape], or [*shape] at the estimate if the fit has no samples (with
            `new_run`: one sample per stored residual).
        """
        arrays = np.broadcast_arrays(*inputs.values())
        given = {name: x[None] for name, x in zip(inputs, arrays, strict=True)}
        shape = arrays[0].shape if arrays else ()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.asarray(self.law(**given, **self.columns(len(shape))))
        if new_run:
            return self._scatter(mean, None if new_run is True else float(new_run))
        return mean if self.samples is not None else mean[0]

    def _scatter(self, mean: np.ndarray, deviation: float | None) -> np.ndarray:
        rng = np.random.default_rng(self.settings.seed + 1)
        count = len(mean) if self.samples is not None else len(self.residuals)
        shape = (count, *mean.shape[1:])
        if deviation is None:
            noise = rng.choice(self.residuals, size=shape)
        else:
            noise = deviation * rng.standard_normal(shape)
        # A residual is fit minus observed.
        return mean - noise if self.noise.startswith("raw-") else mean * np.exp(-noise)

    def point(self, **inputs: Any) -> np.ndarray:
        """Return the law's value at the estimate, [*shape of the inputs]."""
        return np.asarray(self.law(**inputs, **self.estimate))

    def derived(self, what: str | Callable[..., Any], level: float | None = None) -> Estimate:
        """Return a number that follows from the parameters, with its interval.

        Args:
            what: a name in `law.derived` ("a"), or a function of some parameters by keyword
                (`lambda *, alpha, beta: beta / (alpha + beta)`).
            level: of the interval; the fit's if None.

        Raises:
            InputError: if the law has no derived number of that name.
        """
        point, samples = self.derive(what)
        return summarise(float(point), samples, self.settings.level if level is None else level)

    def derive(self, what: str | Callable[..., Any]) -> tuple[Any, np.ndarray | None]:
        """Return a derived number at the estimate and its samples [sample, ...], or None."""
        function = self.law.derived.get(what) if isinstance(what, str) else what
        if function is None:
            known = ", ".join(self.law.derived) or "none"
            raise InputError(f"`{self.law.name}` has no derived number `{what}`; it has {known}.")
        names = keywords(function)
        columns = self.columns()
        with np.errstate(all="ignore"):
            # numpy's floats: Python's raise where a valley's far end overflows.
            point = function(**{name: np.float64(self.estimate[name]) for name in names})
            if self.samples is None:
                return point, None
            return point, np.asarray(function(**{name: columns[name] for name in names}))

    def extrapolation(self, **inputs: Any) -> dict[str, float]:
        """Return how many times an input lies outside the fitted range; 1 means inside."""
        outside: dict[str, float] = {}
        for name, (low, high) in self.ranges.items():
            if name in inputs:
                x = np.asarray(inputs[name], dtype=float)
                outside[name] = float(np.max(np.maximum(np.maximum(low / x, x / high), 1.0)))
        return outside

    def cite(self) -> str:
        """Return BibTeX of the papers that the law and its constants come from."""
        from isoflop.laws.references import bibtex, references, sources

        known = references()
        return "\n\n".join(bibtex(key) for key in sources(self.law) if key in known)

    def plot(self, table: Any = None) -> Any:
        """Return a plotly figure of the fit.

        Without runs (a fit does not keep them): the law over each input within the fitted range,
        with the interval of the mean if the fit has samples. With runs: observed against
        predicted, and the residual of each run.

        Args:
            table: the runs, or others with the same columns.

        Raises:
            InputError: if the table lacks a column the fit needs.
            MissingExtra: if plotly is not installed.
        """
        # By name: figures are drawn in a layer above this one, which is loaded on request only.
        return import_module("isoflop.report.figures.fit").plot(self, table)

    def refit(self, table: Any) -> Fit:
        """Fit the same law with the same settings to a table; the same runs give the same fit."""
        from isoflop.fit.fitting import fit

        return fit(table, self.law, **msgspec.structs.asdict(self.settings))

    # Documents -----------------------------------------------------------------------------------
    def to_json(self) -> str:
        """Return the fit as one JSON document, samples included."""
        from isoflop.fit.document import encode

        return encode(self)

    @classmethod
    def from_json(cls, document: bytes | str) -> Fit:
        """Read a fit from `to_json`.

        Raises:
            InputError: if the document is not a fit.
        """
        from isoflop.fit.document import decode

        return decode(document)

    def save(self, path: str | Path) -> None:
        """Write the fit to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """Read a fit from a file.

        Raises:
            InputError: if there is none, or what is there is not a fit.
        """
        try:
            return cls.from_json(Path(path).read_bytes())
        except (OSError, InputError) as error:
            what = error.what if isinstance(error, InputError) else f"{error.strerror}."
            raise InputError(
                f"{path}: {what}", do="Write one:  isoflop fit runs.csv --out fit.json"
            ) from error

    def __repr__(self) -> str:
        from isoflop.fit.tables import text

        return text(self)

    def _repr_html_(self) -> str:
        from isoflop.fit.tables import html

        return html(self)
