"""Gadre et al. 2024: loss and error of over-trained models, predicted from five and six runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop import laws
from isoflop.fit import fit
from isoflop.protocols.replay.part import Context, Found, Outcome
from isoflop.protocols.replay.result import Axis, Picture, Series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isoflop.fit.result import Fit
    from isoflop.runs.table import RunTable

TABLE = "gadre-overtraining"
CORPORA = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}

#: Runs by architecture and multiple of 20 tokens a parameter: four sizes, and one over-trained.
_SMALL = ("d=96_l=8_h=4", "d=512_l=8_h=4", "d=576_l=24_h=8", "d=1024_l=24_h=8")
LOSS_RUNS = (*((name, 1.0) for name in _SMALL), (_SMALL[0], 16.0))
ERROR_RUNS = (*LOSS_RUNS, ("open_lm_1b", 1.0))
TARGETS = {"overtrained": ("open_lm_1b", 32.0), "large": ("open_lm_7b", 1.0)}


def headline(context: Context) -> Outcome:
    """The four published relative errors on RedPajama, percent."""
    surface, link = _surface(context, "rpj"), _link(context)
    found = {}
    for name, target in TARGETS.items():
        run = _runs(context, "rpj", [target])
        loss = float(surface.point(C=run["C"][0], M=run["tokens_per_param"][0]))
        error = float(link.point(L=loss))
        found[f"loss.{name}"] = Found(_off(loss, run["loss"][0]))
        found[f"error.{name}"] = Found(_off(error, run["err_avg_17"][0]))
    found["runs"] = Found(float(len(LOSS_RUNS) - len(surface.parameters)))
    return Outcome(found)


def others(context: Context) -> Outcome:
    """The same prediction of the 6.9B model on the two other training sets."""
    off = {corpus: _large(context, corpus) for corpus in CORPORA}
    found = {
        "c4.large": Found(off["c4_original"]),
        "rw.large": Found(off["rw_original"]),
    }
    places = tuple(float(k) for k in range(len(off)))
    bars = Series(name="", role="approach3", x=places, y=tuple(off.values()), mode="markers")
    picture = Picture(
        name="others",
        title="One procedure, three training sets",
        caption=(
            "Relative error of the predicted loss of the 6.9B model. The published one is the "
            "smallest of the three. A point prediction from five runs does not say so."
        ),
        x=Axis(title="training set", kind="category", labels=tuple(CORPORA.values())),
        y=Axis(title="error of the predicted loss, %", kind="from zero"),
        series=(bars,),
        height=320,
    )
    return Outcome(found, (picture,))


def tie(context: Context) -> Outcome:
    """The law in other variables is Chinchilla's with one exponent for both terms."""
    runs = _runs(context, "rpj", LOSS_RUNS)
    surface = _surface(context, "rpj")
    tied = laws.get("chinchilla").tie(beta="alpha")
    chinchilla = fit(runs, tied, noise="raw-squared", profile=False)
    return Outcome(
        {
            "tie.eta": Found(2 * surface.estimate["eta"]),
            "tie.alpha": Found(chinchilla.estimate["alpha"]),
            "tie.ratio": Found(surface.derived("M_opt").estimate),
        }
    )


def _large(context: Context, corpus: str) -> float:
    run = _runs(context, corpus, [TARGETS["large"]])
    predicted = _surface(context, corpus).point(C=run["C"][0], M=run["tokens_per_param"][0])
    return _off(float(predicted), run["loss"][0])


def _runs(context: Context, corpus: str, wanted: Iterable[tuple[str, float]]) -> RunTable:
    """Return the named runs on one training set, in that order."""
    table = context.table(TABLE, f"corpus == '{corpus}'")
    keys = list(zip(table["architecture"], table["chinchilla_multiplier"], strict=True))
    return table.take(np.array([keys.index(run) for run in wanted]))


def _surface(context: Context, corpus: str) -> Fit:
    table = _runs(context, corpus, LOSS_RUNS)
    table = table.with_columns(M=table["tokens_per_param"])
    return fit(table, "gadre", noise="raw-squared", profile=False)


def _link(context: Context) -> Fit:
    table = _runs(context, "rpj", ERROR_RUNS)
    return fit(
        table.with_columns(L=table["loss"]),
        "exponential_error",
        noise="raw-squared",
        output="err_avg_17",
        profile=False,
    )


def _off(predicted: float, observed: float) -> float:
    return 100 * abs(predicted - float(observed)) / float(observed)


PARTS = {"headline": headline, "others": others, "tie": tie}
