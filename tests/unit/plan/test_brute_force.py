"""Closed forms and the general search against brute force, for each objective and bound."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from isoflop import laws
from isoflop.errors import InputError, NotIdentified
from isoflop.plan.ask import ask
from isoflop.plan.limits import Limits
from isoflop.plan.optimise import lowest_cost, lowest_loss, lowest_reachable
from isoflop.plan.source import surface

TEX = laws.get("chinchilla").constants("tex")
E, A, ALPHA, B, BETA = (TEX[name] for name in ("E", "A", "alpha", "B", "beta"))
C = 5.76e23
#: Bounds that change nothing but send the law through the general search.
GENERAL = Limits(max_D=1e30)
FREE = Limits()


def loss(N, D):
    return E + A / N**ALPHA + B / D**BETA


def slope(N, D, b):
    """First-order condition, in logs: zero at the optimum of N (6 D + b)."""
    return ALPHA * A / N**ALPHA - BETA * B / D**BETA * (1 + b / (6 * D))


def tex(rows=0, seed=0):
    found = surface("chinchilla", constants="tex")
    if not rows:
        return found
    rng = np.random.default_rng(seed)
    point = np.array([TEX[name] for name in found.law.parameter_names])
    samples = point * np.exp(0.02 * rng.standard_normal((rows, 5)))
    return type(found)(**{**found.__dict__, "samples": samples})


@pytest.mark.parametrize("limits", [FREE, GENERAL], ids=["closed", "search"])
@pytest.mark.parametrize("b", [0.0, 4e12, 1e14])
def test_lowest_loss_of_a_budget(limits, b):
    def at(x):
        return slope(np.exp(x), (C * np.exp(-x) - b) / 6, b)

    highest = np.log(C / b) - 1e-9 if b else np.log(1e13)
    N = np.exp(brentq(at, np.log(1e6), highest, xtol=1e-14, rtol=1e-14))
    found = lowest_loss(tex(), C, serving=b, limits=limits)
    assert found.N[0] == pytest.approx(N, rel=1e-9 if limits is FREE else 1e-7)
    assert found.loss[0] == pytest.approx(loss(N, (C / N - b) / 6), rel=1e-12)
    assert found.cost[0] == pytest.approx(C, rel=1e-12)


@pytest.mark.parametrize("limits", [FREE, GENERAL], ids=["closed", "search"])
@pytest.mark.parametrize("b", [0.0, 4e12, 1e14])
@pytest.mark.parametrize("target", [1.8, 2.1, 3.0])
def test_lowest_cost_of_a_loss(limits, b, target):
    def tokens(N):
        return (B / (target - E - A / N**ALPHA)) ** (1 / BETA)

    least = (A / (target - E)) ** (1 / ALPHA)

    def at(x):
        N = np.exp(x)
        return slope(N, tokens(N), b)

    N = np.exp(brentq(at, np.log(least * (1 + 1e-7)), np.log(least * 1e4), xtol=1e-14, rtol=1e-14))
    found = lowest_cost(tex(), target, serving=b, limits=limits)
    assert found.N[0] == pytest.approx(N, rel=1e-9 if limits is FREE else 2e-7)
    assert found.cost[0] == pytest.approx(N * (6 * tokens(N) + b), rel=1e-9)
    assert found.loss[0] == pytest.approx(target, rel=1e-12)


BOUNDS = [
    Limits(max_N=2e10),
    Limits(min_N=9e10),
    Limits(max_D=1e12),
    Limits(min_D=5e12),
    Limits(max_C=4e23),
    Limits(max_C=1e23, max_D=3e11),
    Limits(min_N=1e10, max_N=1e10),
    Limits(min_D=4e12, max_N=3e10),
]


@pytest.mark.parametrize("b", [0.0, 4e12])
@pytest.mark.parametrize("limits", BOUNDS)
def test_a_budget_within_bounds(limits, b):
    """Brute force: the best of half a million sizes on the budget, D cut to its bounds."""
    N = np.geomspace(max(limits.min_N, 1e8), min(limits.max_N, 1e13), 500_001)
    D = (C / N - b) / 6
    D = np.minimum(D, np.minimum(limits.max_D, limits.max_C / (6 * N)))
    with np.errstate(invalid="ignore"):
        values = np.where((D > 0) & (limits.min_D <= D), loss(N, np.abs(D)), np.inf)
    found = lowest_loss(tex(), C, serving=b, limits=limits)
    assert found.loss[0] <= values.min() * (1 + 1e-12)
    assert found.loss[0] == pytest.approx(values.min(), rel=1e-7)  # the grid's step
    _keeps(found, limits)
    assert found.cost[0] <= C * (1 + 1e-9)


@pytest.mark.parametrize("b", [0.0, 4e12])
@pytest.mark.parametrize("limits", [*BOUNDS[:5], Limits(min_N=1e10, max_N=1e10)])
def test_a_loss_within_bounds(limits, b):
    target = 2.0
    N = np.geomspace(max(limits.min_N, 1e8), min(limits.max_N, 1e13), 500_001)
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = target - E - A / N**ALPHA
        D = np.where(rest > 0, (B / np.abs(rest)) ** (1 / BETA), np.inf)
        D = np.maximum(D, limits.min_D)
        allowed = (limits.max_D >= D) & (limits.max_C >= 6 * N * D)
        values = np.where(allowed, N * (6 * D + b), np.inf)
    found = lowest_cost(tex(), target, serving=b, limits=limits)
    assert found.cost[0] == pytest.approx(values.min(), rel=1e-5)  # the grid's step at a bound
    assert found.cost[0] <= values.min() * (1 + 1e-9)
    _keeps(found, limits)


def _keeps(found, limits):
    assert limits.min_N * (1 - 1e-9) <= found.N[0] <= limits.max_N * (1 + 1e-9)
    assert limits.min_D * (1 - 1e-9) <= found.D[0] <= limits.max_D * (1 + 1e-9)
    assert 6 * found.N[0] * found.D[0] <= limits.max_C * (1 + 1e-9)


def test_every_sample_is_its_own_problem():
    many = tex(rows=40)
    for limits, b in ((FREE, 0.0), (FREE, 1e13), (GENERAL, 1e13)):
        whole = lowest_loss(many, C, serving=b, limits=limits)
        cheap = lowest_cost(many, 2.0, serving=b, limits=limits)
        for k in (0, 7, 39):
            constants = dict(zip(many.law.parameter_names, many.samples[k].tolist(), strict=True))
            one = surface("chinchilla", constants=constants)
            alone = lowest_loss(one, C, serving=b, limits=limits)
            assert whole.N[k + 1] == pytest.approx(alone.N[0], rel=1e-7)
            least = lowest_cost(one, 2.0, serving=b, limits=limits)
            assert cheap.cost[k + 1] == pytest.approx(least.cost[0], rel=1e-9)


@pytest.mark.parametrize(
    ("law", "inputs", "bits"),
    [
        ("joint_moe", {"E": 8.0}, None),
        ("krajewski", {"G": 8.0}, None),
        ("abnar", {"S": 0.5}, None),
        ("chinchilla[N=precision_parameters]", {"P_w": 8.0, "P_a": 8.0, "P_kv": 8.0}, None),
        ("chinchilla", {}, 6.0),
        ("gadre", {}, 6.0),
        ("chinchilla", {"U": 25e9}, None),
        ("E + A/N^0.3 + B/D^0.4 + 1e3/(N*D)^0.1", None, None),
    ],
)
@pytest.mark.parametrize("b", [0.0, 1e13])
def test_other_laws_agree_with_scipy(law, inputs, bits, b):
    given = dict(inputs or {})
    unique = given.pop("U", None)
    constants = "E=1.5,A=300,B=900" if inputs is None else ""
    found = surface(law, constants=constants, inputs=given, unique_tokens=unique, serve_bits=bits)
    K = 1e22
    best = lowest_loss(found, K, serving=b, limits=FREE)

    def at(x):
        N = np.exp(x)
        D = (K / N - b) / 6
        return float(found.loss(np.array([[N]]), np.array([[D]]))[0, 0]) if D > 0 else 1e9

    grid = np.linspace(np.log(1e6), np.log(1e13), 3001)
    k = int(np.argmin([at(x) for x in grid]))
    oracle = minimize_scalar(
        at, bounds=(grid[k - 1], grid[k + 1]), method="bounded", options={"xatol": 1e-11}
    )
    assert best.loss[0] == pytest.approx(oracle.fun, rel=1e-12)
    assert best.N[0] == pytest.approx(np.exp(oracle.x), rel=1e-5)
    back = lowest_cost(found, float(best.loss[0]), serving=b, limits=FREE)
    assert back.cost[0] == pytest.approx(K, rel=1e-7)


@pytest.mark.parametrize(("bits", "target"), [(3.0, 2.1), (3.0, 2.3), (4.0, 2.1), (8.0, 2.1)])
@pytest.mark.parametrize("b", [0.0, 4e12])
def test_quantised_models_lose_by_more_tokens_and_every_size_is_searched(bits, target, b):
    """Few bits make the loss rise again with D: a size reaches a loss in a window of tokens."""
    found = surface("chinchilla", constants="tex", serve_bits=bits)
    N = np.geomspace(3e8, 3e11, 1500)[:, None]
    D = np.geomspace(1e10, 1e14, 4000)[None]
    within = np.stack([found.loss(np.array([[n]]), D)[0] for n in N[:, 0]]) <= target
    fewest = np.where(within.any(axis=1), D[0, np.argmax(within, axis=1)], np.inf)
    cost = N[:, 0] * (6 * fewest + b)
    best = lowest_cost(found, target, serving=b, limits=FREE)
    assert best.cost[0] == pytest.approx(cost.min(), rel=6e-3)  # the grid's step in D is 0.23 %
    assert best.cost[0] <= cost.min() * (1 + 1e-9)
    assert best.loss[0] <= target * (1 + 1e-9)


# Refusals -----------------------------------------------------------------------------------------
def test_laws_in_compute_and_ratio_are_quantised_as_those_in_size_and_tokens():
    """Gadre's law is Chinchilla's with other inputs, so its quantised models lose the same."""
    eta = laws.get("gadre").constants("c4")["eta"]
    E_, a, b_ = (laws.get("gadre").constants("c4")[x] for x in ("E", "a", "b"))
    same = {"E": E_, "A": a / 6**eta, "alpha": 2 * eta, "B": b_ / 6**eta, "beta": 2 * eta}
    one = surface("gadre", constants="c4", serve_bits=4.0)
    other = surface("chinchilla", constants=same, serve_bits=4.0)
    N, D = np.array([[1e9, 7e9]]), np.array([[1e11, 2e12]])
    assert one.loss(N, D) == pytest.approx(other.loss(N, D), rel=1e-12)


def test_few_bits_of_a_mixture_are_refused():
    with pytest.raises(InputError, match="counts N_act"):
        surface("joint_moe", inputs={"E": 8.0}, serve_bits=4.0)


@pytest.mark.parametrize("budget", ["1e40 tokens", 1e60])
def test_beyond_any_model_is_said(budget):
    with pytest.raises(InputError, match="Nothing is looked for beyond"):
        ask("chinchilla", budget, serve="2T")


def test_a_loss_below_the_floor_has_no_plan_and_the_floor_is_told():
    assert np.isnan(lowest_cost(tex(), 1.69, limits=FREE).N[0])
    assert lowest_reachable(tex(), limits=FREE) == pytest.approx(E, rel=1e-7)
    bounded = Limits(max_N=1e9, max_D=2e10)
    assert lowest_reachable(tex(), limits=bounded) == pytest.approx(loss(1e9, 2e10))
    assert np.isnan(lowest_cost(tex(), loss(1e9, 2e10) * 0.999, limits=bounded).N[0])
    assert lowest_cost(tex(), loss(1e9, 2e10) * 1.001, limits=bounded).N[0] <= 1e9


def test_bounds_that_cost_more_than_the_budget_are_refused():
    with pytest.raises(InputError, match="more than the budget"):
        lowest_loss(tex(), 1e20, limits=Limits(min_N=1e11, min_D=1e12))
    with pytest.raises(InputError, match="No model is both"):
        Limits(min_N=2e9, max_N=1e9)
    with pytest.raises(InputError, match="at most"):
        Limits(min_N=1e10, min_D=1e12, max_C=1e21)


def test_a_law_that_only_falls_is_not_identified():
    found = surface("1 + A/N^0.3 + 0*D", constants="A=10")
    with pytest.raises(NotIdentified, match="max-N"):
        lowest_loss(found, 1e22, limits=FREE)
    assert lowest_loss(found, 1e22, limits=Limits(max_N=1e9)).N[0] == pytest.approx(1e9)


def test_samples_without_a_plan_are_nan_and_the_others_stay():
    found = tex(rows=3)
    found.samples[1, list(found.law.parameter_names).index("E")] = 2.5
    best = lowest_cost(found, 2.1, limits=FREE)
    assert np.isfinite(best.N[[0, 1, 3]]).all()
    assert np.isnan(best.N[2])


@pytest.mark.parametrize("room", [1.0001, 1.003, 1.02, 1.2, 3.0])
@pytest.mark.parametrize("limits", [FREE, GENERAL], ids=["closed", "search"])
def test_the_cheapest_life_within_a_training_budget(room, limits):
    """The feasible sizes may be a sliver around the training optimum."""
    target, b = 2.0, 4e13
    training = lowest_cost(tex(), target, limits=FREE)
    most = room * 6 * training.N[0] * training.D[0]
    bounded = type(limits)(max_D=limits.max_D, max_C=most)
    found = lowest_cost(tex(), target, serving=b, limits=bounded)
    N = training.N[0] * np.exp(np.linspace(-3.0, 0.5, 400_001))
    rest = target - E - A / N**ALPHA
    D = np.where(rest > 0, (B / np.abs(rest)) ** (1 / BETA), np.inf)
    values = np.where(most >= 6 * N * D, N * (6 * D + b), np.inf)
    assert found.cost[0] == pytest.approx(values.min(), rel=1e-4)  # the grid's step
    assert found.cost[0] <= values.min() * (1 + 1e-9)
    assert 6 * found.N[0] * found.D[0] <= most * (1 + 1e-9)
    assert np.isnan(
        lowest_cost(tex(), target, serving=b, limits=Limits(max_C=0.99 * most / room)).N[0]
    )
