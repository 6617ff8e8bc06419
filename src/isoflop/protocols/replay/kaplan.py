"""Parts that need no data: Kaplan's constants, Pearce and Song's conversion, approach 2's bias."""

from __future__ import annotations

import numpy as np

from isoflop import laws
from isoflop.fit.isoflop import parabola_bias
from isoflop.fit.shapes import profile_bias
from isoflop.laws import chinchilla, kaplan_frontier, pearce
from isoflop.laws.kaplan import petaflop_days
from isoflop.protocols.replay.part import Context, Found, Outcome
from isoflop.protocols.replay.result import Axis, Picture, Series

#: FLOPs of Chinchilla: 6 times 70e9 parameters times 1.4e12 tokens.
CHINCHILLA = 6 * 70e9 * 1.4e12

#: Kaplan's sizes without embeddings and their compute, as Pearce and Song simulate them (log10).
_SIZES, _COMPUTE = (2.9, 9.2, 20), (12.95, 20.7, 100)

#: Ratios by which the grids of approach 2 reach beyond their centre, and their budgets.
_WIDTHS = (2.0, 4.0, 8.0, 16.0)
_BUDGETS = np.array([1e17, 1e18, 1e19, 1e20, 1e21])
_RUNS = 15
_FAR = 1e24  # FLOPs at which the bias is read


def constants(_: Context) -> Outcome:
    """Kaplan's own exponent, as fitted and by its own closed form; N at Chinchilla's budget."""
    optimal = laws.get("kaplan_optimal_parameters")
    fitted = optimal.constants()
    days = petaflop_days(np.array([CHINCHILLA / 10, CHINCHILLA]))
    small, large = optimal(days, **fitted)
    steps = laws.get("kaplan_steps").constants()
    batch = laws.get("kaplan_critical_batch").constants()
    alpha_C = kaplan_frontier.exponent_compute(
        alpha_N=steps["alpha_N"], alpha_S=steps["alpha_S"], alpha_B=batch["alpha_B"]
    )
    return Outcome(
        {
            "kaplan.exponent": Found(float(np.log10(large / small))),
            "kaplan.closed-form": Found(alpha_C / steps["alpha_N"]),
            "kaplan.size": Found(float(large)),
        }
    )


def conversion(_: Context) -> Outcome:
    """Chinchilla's law in Kaplan's variables: no new data, another slope."""
    total = laws.get("total_parameters")
    omega = total.constants()["omega"]
    found = {
        "pearce.total": Found(float(total(1e6, omega=omega))),
        "pearce.slope-epoch": Found(_simulated("epoch", omega)),
        "pearce.slope-tex": Found(_simulated("tex", omega)),
        "pearce.limit": Found(_local(np.array([1e30]), omega)[0]),
    }
    N = np.geomspace(1e3, 1e12, 121)
    lines = (
        _line("local exponent", "approach3", N, _local(N, omega)),
        _line(f"Kaplan, {exponent():.2f}", "approach1", N, np.full(len(N), exponent()), "dash"),
        _line(
            "its limit, with embeddings counted",
            "neutral",
            N,
            np.full(len(N), found["pearce.limit"].value),
            "dot",
        ),
    )
    picture = Picture(
        name="pearce",
        title="The slope of Chinchilla's law, seen through Kaplan's N",
        caption=(
            "Local exponent of the best size over compute when embeddings are left out of both, "
            "for the Chinchilla law as Epoch refitted it. Kaplan et al.'s models have 10³ to 10⁹ "
            "parameters without embeddings: over most of that range the slope is far above its "
            "limit."
        ),
        x=Axis(title="N without embeddings (log scale)", kind="count"),
        y=Axis(title="local exponent d ln N* / d ln C"),
        series=lines,
    )
    return Outcome(found, (picture,))


def exponent() -> float:
    """Return Kaplan et al.'s exponent of the best size over compute, as fitted."""
    return laws.get("kaplan_optimal_parameters").constants()["p_N"]


def _simulated(constants_of: str, omega: float) -> float:
    """Return the slope of one power law through the best of Kaplan's sizes at each compute."""
    law = laws.get("chinchilla").replace(N=laws.get("total_parameters"))
    N, C = np.logspace(*_SIZES), np.logspace(*_COMPUTE)
    given = {**laws.get("chinchilla").constants(constants_of), "omega": omega}
    loss = law(N, C[:, None] / (6 * N), **given)
    best = N[np.argmin(loss, axis=1)]
    return float(np.polyfit(np.log(C), np.log(best), 1)[0])


def _local(N: np.ndarray, omega: float) -> np.ndarray:
    epoch = laws.get("chinchilla").constants("epoch")
    return pearce.local_exponent(N, alpha=epoch["alpha"], beta=epoch["beta"], omega=omega)


# Approach 2's bias --------------------------------------------------------------------------------
def bias(_: Context) -> Outcome:
    """What a parabola does to D* at 1e24 FLOPs on a surface that is known."""
    printed = laws.get("chinchilla").constants("printed")
    surface = (printed["alpha"], printed["beta"])
    found = {
        f"bias.{width:g}": Found(_percent(parabola_bias(*surface, _grid(width))))
        for width in _WIDTHS
    }
    drift = np.log(3) * np.linspace(0, 1, len(_BUDGETS))
    found["bias.drift-2"] = Found(_drifting(surface, 2.0, drift))
    found["bias.drift-16"] = Found(_drifting(surface, 16.0, drift))
    found["bias.corrected"] = Found(_drifting(surface, 16.0, drift, "corrected"))
    centred = [found[f"bias.{width:g}"].value for width in _WIDTHS]
    drifting, corrected = (
        [_drifting(surface, width, drift, profile) for width in _WIDTHS]
        for profile in ("parabola", "corrected")
    )
    series = (
        _joined("grid in the middle", "approach2", centred),
        _joined("grid drifts to three times too large a D", "approach3", drifting),
        _joined("drifts, corrected profile", "good", corrected),
    )
    return Outcome(found, (_errors(series),))


def _errors(series: tuple[Series, ...]) -> Picture:
    return Picture(
        name="bias",
        title="Error of D* at 10²⁴ FLOPs from parabolas on exact losses",
        caption=(
            "No noise at all: 15 sizes a budget on the printed Chinchilla law. A parabola is "
            "symmetric and the profile is not, so the minimum shifts, more on wider grids; a grid "
            "that drifts off centre bends the slope too. The corrected profile has neither."
        ),
        x=Axis(
            title="sizes from 1/k to k times the middle",
            kind="category",
            labels=tuple(f"k = {width:g}" for width in _WIDTHS),
        ),
        y=Axis(title="error of D*, %"),
        series=series,
    )


def _grid(width: float, centre: float = 0.0) -> np.ndarray:
    """Return ln(N / N*) of a grid; a centre high in D is low in N."""
    return np.linspace(-np.log(width), np.log(width), _RUNS) - centre


def _percent(N_bias: float) -> float:
    """Return the error of D* in percent where N* is off by this share."""
    return 100 * (1 / (1 + N_bias) - 1)


def _drifting(
    surface: tuple[float, float], width: float, centres: np.ndarray, profile: str = "parabola"
) -> float:
    """Return the error of D* at 1e24, percent, extrapolated from budgets with these centres."""
    errors = [np.log1p(profile_bias(profile, *surface, _grid(width, c))) for c in centres]
    line = np.polyfit(np.log10(_BUDGETS), errors, 1)
    return _percent(float(np.expm1(np.polyval(line, np.log10(_FAR)))))


def _line(name: str, role: str, x: np.ndarray, y: np.ndarray, dash: str = "solid") -> Series:
    return Series(name=name, role=role, x=tuple(x.tolist()), y=tuple(y.tolist()), dash=dash)


def _joined(name: str, role: str, values: list[float]) -> Series:
    places = tuple(float(k) for k in range(len(values)))
    return Series(name=name, role=role, x=places, y=tuple(values), mode="lines+markers")


# Rounded constants --------------------------------------------------------------------------------
def size_at(constants_of: str, C: float) -> tuple[float, float]:
    """Return N and D of a published Chinchilla law at a budget of C = 6ND."""
    N, D, _ = chinchilla.optimum(C, **laws.get("chinchilla").constants(constants_of))
    return float(N), float(D)
