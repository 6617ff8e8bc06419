"""Porian et al. 2024: from Kaplan's exponent to Chinchilla's, one correction after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from isoflop.fit.surface import IsoflopSurface, fit_surface
from isoflop.protocols.replay.kaplan import CHINCHILLA, exponent
from isoflop.protocols.replay.part import Context, Found, Outcome
from isoflop.protocols.replay.result import Axis, Picture, Series
from isoflop.runs.cost import CostCurve
from isoflop.samples import interval

if TYPE_CHECKING:
    from isoflop.runs.table import RunTable

POINTS = "porian-isoflop-points"

#: Exponent of Hoffmann et al.'s approach 1 (2022, Table 2).
HOFFMANN = 0.50

#: Noise between seeds that Porian et al. inject into the losses, nats per token.
NOISE = {"rw": 0.002, "owt2": 0.01}
CORPORA = {"rw": "RefinedWeb", "owt2": "OpenWebText2"}


class Correction(NamedTuple):
    """A configuration on the way: its label in a figure and its keys in the table."""

    label: str
    hparams: str
    warmup: str
    decay: str
    param_count: str
    val: str


STORY = {
    "as-kaplan": Correction("as Kaplan", "base", "long", "kaplan", "kaplan", "train"),
    "head": Correction("head", "base", "long", "kaplan", "standard", "val"),
    "warmup": Correction("warmup", "base", "short", "kaplan", "standard", "val"),
    "decay": Correction("decay", "base", "short", "chinchilla", "standard", "val"),
    "tuned": Correction("tuned", "tuned", "short", "const", "standard", "val"),
}


def refined_web(context: Context) -> Outcome:
    """The five configurations on RefinedWeb, and both data sets in one figure."""
    both = {corpus: _surfaces(context, corpus) for corpus in CORPORA}
    pictures = (_exponents(context, both), _sizes(both["rw"]))
    return Outcome(_numbers(context, "rw", both["rw"]), pictures)


def open_web_text(context: Context) -> Outcome:
    """The same on OpenWebText2."""
    return Outcome(_numbers(context, "owt2", _surfaces(context, "owt2")))


def _surfaces(context: Context, corpus: str) -> dict[str, IsoflopSurface]:
    return {
        name: _surface(context, _runs(context, corpus, step), NOISE[corpus])
        for name, step in STORY.items()
    }


def _runs(context: Context, corpus: str, step: Correction) -> RunTable:
    keys = [f"corpus == '{corpus}'"]
    keys += [f"{name} == '{value}'" for name, value in step._asdict().items() if name != "label"]
    return context.table(POINTS, " and ".join(keys))


def _surface(context: Context, runs: RunTable, noise: float) -> IsoflopSurface:
    N, C, D, loss = (runs[name] for name in ("N", "C", "D", "loss"))
    return fit_surface(
        N,
        C,
        loss,
        C,
        cost=CostCurve.from_runs(N, D, C),
        seed_noise=noise,
        samples=context.samples,
        rng=np.random.default_rng(context.seed),
        profile="akima",
        window=np.inf,
    )


def _numbers(
    context: Context, corpus: str, surfaces: dict[str, IsoflopSurface]
) -> dict[str, Found]:
    found = {}
    for name, surface in surfaces.items():
        line = surface.N_opt
        found[f"{corpus}.{name}"] = context.found(line.exponent, line.exponents)
        size, drawn = float(line.point(CHINCHILLA)), line.sample(CHINCHILLA)
        found[f"{corpus}.{name}.size"] = context.found(size, drawn)
    return found


def _exponents(context: Context, both: dict[str, dict[str, IsoflopSurface]]) -> Picture:
    """Both data sets' exponents over the corrections, between Kaplan's and Chinchilla's."""
    places = tuple(float(k) for k in range(len(STORY)))
    series = []
    for (corpus, title), role, shift, symbol in zip(
        CORPORA.items(),
        ("approach2", "approach3"),
        (-0.06, 0.06),
        ("circle", "diamond"),
        strict=True,
    ):
        lines = [surface.N_opt for surface in both[corpus].values()]
        ends = [interval(line.exponents, context.level) for line in lines]
        series.append(
            Series(
                name=title,
                role=role,
                x=tuple(place + shift for place in places),
                y=tuple(line.exponent for line in lines),
                low=tuple(float(low) for low, _ in ends),
                high=tuple(float(high) for _, high in ends),
                mode="lines+markers",
                symbol=symbol,
            )
        )
    edge = (-0.35, len(STORY) - 0.65)
    for name, value, dash in (
        ("Kaplan et al.", exponent(), "dash"),
        ("Hoffmann et al.", HOFFMANN, "dot"),
    ):
        label = f"{name}, {value:.2f}"
        series.append(Series(name=label, role="neutral", x=edge, y=(value, value), dash=dash))
    return Picture(
        name="exponents",
        title="How fast the best model grows with compute, one correction after another",
        caption=(
            "The exponent a in N* ∝ Cᵃ, from the same kind of runs under five ways of counting "
            f"and training, with {100 * context.level:g} % intervals. Left: everything as Kaplan "
            "et al. did it; then the head is counted, the warmup shortened, the decay matched to "
            "the run; last, the optimiser is tuned for each size, with no decay at all."
        ),
        x=Axis(title="", kind="category", labels=tuple(step.label for step in STORY.values())),
        y=Axis(title="exponent a of the best size"),
        series=tuple(series),
        height=430,
    )


def _sizes(surfaces: dict[str, IsoflopSurface]) -> Picture:
    """Minima on RefinedWeb and the lines through them, up to Chinchilla's budget."""
    looks = (
        ("bad", "solid"),
        ("approach3", "dash"),
        ("neutral", "dot"),
        ("approach1", "dash"),
        ("approach2", "solid"),
    )
    series = []
    for (name, surface), (role, dash) in zip(surfaces.items(), looks, strict=True):
        minima = [(p.C, p.N) for p in surface.usable]
        C = np.geomspace(minima[0][0], CHINCHILLA, 40)
        line = surface.N_opt.point(C)
        label = STORY[name].label
        x, y = zip(*minima, strict=True)
        ends, drawn = tuple(C.tolist()), tuple(line.tolist())
        series.append(Series(name=label, role=role, dash=dash, x=ends, y=drawn))
        series.append(Series(name="", role=role, x=x, y=y, mode="markers"))
    return Picture(
        name="sizes",
        title="The same runs' best sizes (RefinedWeb), drawn on to Chinchilla's budget",
        caption=(
            "Points are minima of isoFLOP curves, N and C by each one's own count; lines are the "
            "power laws through them. Over four "
            "decades of extrapolation the choice of what to count and how to train moves the best "
            "size at 5.88×10²³ FLOPs from three trillion parameters to 77 billion."
        ),
        x=Axis(title="compute C, FLOPs (log scale)", kind="flops"),
        y=Axis(title="best size N*, parameters (log scale)", kind="count"),
        series=tuple(series),
        height=460,
    )
