"""Published allocations, reproduced by the plan as a user asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import isoflop as iso
from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws import chinchilla as chinchilla_laws
from isoflop.laws.kaplan import FLOP_PER_PETAFLOP_DAY
from isoflop.plan.ask import ask, compare, sweep

TEX = laws.get("chinchilla").constants("tex")
#: The rounding that card F5 computed its vectors with.
ROUNDED = "E=1.6934,A=406.4,B=410.7,alpha=0.3392,beta=0.2849"


# Hoffmann et al. 2022 -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("constants", "C", "N", "D", "ratio", "loss"),
    [
        ("hoffmann2022", 1e21, 2.2170e9, 7.5178e10, 33.91, 2.29549),
        ("hoffmann2022", 5.76e23, 4.0361e10, 2.3785e12, 58.93, 1.9184),
        ("tex", 3.8e25, 2.7324e11, 2.3179e13, 84.83, 1.8110),
        ("printed", 1e21, 1.8242e9, 9.1363e10, 50.08, 2.3289),
        ("printed", 5.76e23, 3.2190e10, 2.9823e12, 92.65, 1.9307),
        ("besiroglu2024", 1e21, 2.7785e9, 5.9985e10, 21.59, 2.30553),
        ("epoch", 5.76e23, 7.2249e10, 1.3287e12, 18.39, 1.9744),
        ("epoch", 3.8e25, 6.1867e11, 1.0237e13, 16.55, 1.8917),
    ],
)
def test_optima_of_the_card(constants, C, N, D, ratio, loss):
    plan = iso.plan("chinchilla", C, constants=constants)
    assert pytest.approx(N, rel=5e-5) == plan.choice.N
    assert pytest.approx(D, rel=5e-5) == plan.choice.D
    assert pytest.approx(C, rel=1e-12) == plan.choice.C
    assert plan.choice.tokens_per_parameter == pytest.approx(ratio, rel=2e-4)
    assert plan.loss == pytest.approx(loss, abs=6e-5)
    assert plan.intervals is None


def test_gophers_budget_gives_40_billion_only_with_the_full_constants():
    sizes = {
        name: ask("chinchilla", 5.76e23, constants=name).choice.N for name in ("tex", "printed")
    }
    assert round(sizes["tex"] / 1e9) == 40
    assert round(sizes["printed"] / 1e9) == 32


#: Table A3, approach 3: N, FLOPs, tokens as printed; 175B with its slip.
TABLE_A3 = [
    (400e6, 2.21e19, 9.2e9),
    (1e9, 1.62e20, 27.1e9),
    (10e9, 2.46e22, 410.1e9),
    (67e9, 1.71e24, 4.1e12),
    (175e9, 1.26e24, 12.0e12),
    (280e9, 3.52e25, 20.1e12),
    (520e9, 1.36e26, 43.5e12),
    (1e12, 5.65e26, 94.1e12),
    (10e12, 8.55e28, 1425.5e12),
]
#: Table 3, approach 1.
TABLE_3 = [
    (400e6, 1.92e19, 8.0e9),
    (1e9, 1.21e20, 20.2e9),
    (10e9, 1.23e22, 205.1e9),
    (67e9, 5.76e23, 1.5e12),
    (175e9, 3.85e24, 3.7e12),
    (280e9, 9.90e24, 5.9e12),
    (520e9, 3.43e25, 11.0e12),
    (1e12, 1.27e26, 21.2e12),
    (10e12, 1.30e28, 216.2e12),
]


@pytest.mark.parametrize(("N", "C", "D"), [*TABLE_3, *TABLE_A3])
def test_rows_of_the_tables_are_6ND_but_for_one_slip(N, C, D):
    """Within 5 %: two printed digits of tokens, and 4.2 % in A3's row of 280B."""
    plan = ask("chinchilla", constants="tex", N=N, D=D)
    slip = (N, C) == (175e9, 1.26e24)
    assert pytest.approx(10 * C if slip else C, rel=0.05) == plan.choice.C


def test_table_a3_does_not_follow_from_the_constants():
    """Errata 2 of the card: 451.8B tokens at 10B, where the table has 410.1B; slope 1.190."""
    D = {}
    for N in (1e9, 10e9):
        a, G = (laws.get("chinchilla").derived[k] for k in ("a", "G"))
        split = {k: v for k, v in TEX.items() if k != "E"}
        exponent = a(alpha=TEX["alpha"], beta=TEX["beta"])
        plan = ask("chinchilla", 6 * (N / G(**split)) ** (1 / exponent), constants="tex")
        assert pytest.approx(N, rel=1e-9) == plan.choice.N
        D[N] = plan.choice.D
    assert D[10e9] == pytest.approx(451.8e9, rel=2e-4)
    assert np.log10(D[10e9] / D[1e9]) == pytest.approx(1.190, abs=6e-4)
    printed = {N: tokens for N, _, tokens in TABLE_A3}
    assert np.log10(printed[10e9] / printed[1e9]) == pytest.approx(1.180, abs=6e-4)


# Kaplan, Pearce and Song --------------------------------------------------------------------------
def test_kaplans_empirical_and_closed_forms_at_one_petaflop_day():
    fitted = ask("kaplan", "1 PF-day")
    assert fitted.law == "kaplan_optimal_parameters"
    assert pytest.approx(1.3e9) == fitted.choice.N
    assert fitted.loss == pytest.approx(2.658080, abs=6e-7)
    closed = ask("kaplan_steps", "1 PF-day")
    assert pytest.approx(5.84408e8, rel=2e-6) == closed.choice.N
    assert closed.loss == pytest.approx(2.694443, abs=6e-7)
    assert pytest.approx(13160.7 * 1.87226e6, rel=1e-5) == closed.choice.D
    assert pytest.approx(FLOP_PER_PETAFLOP_DAY, rel=1e-12) == closed.choice.C


def test_kaplans_exponents_over_ten_decades():
    for name, exponent in (("kaplan", 0.73), ("kaplan_steps", 0.68121)):
        rows = sweep(name, "budget=1e15:1e25:2").rows
        slope = np.log10(rows[1].N.estimate / rows[0].N.estimate) / 10
        assert slope == pytest.approx(exponent, abs=6e-6)


def test_pearce_and_songs_exponent_between_its_limits():
    def slope(C: float) -> float:
        sizes = [
            ask("chinchilla[N=total_parameters]", C * 10**h, constants="epoch").choice.N
            for h in (-0.02, 0.02)
        ]
        return float(np.log10(sizes[1] / sizes[0]) / 0.04)

    for C, g in ((8.994e15, 0.9628), (1.028e17, 0.8532), (2.618e18, 0.6128), (1.251e22, 0.5176)):
        assert slope(C) == pytest.approx(g, abs=1e-3)
    assert slope(1e32) == pytest.approx(0.51261, abs=1e-4)


# Llama 3, DeepSeek --------------------------------------------------------------------------------
def test_llama_3_from_the_constants_of_the_figure():
    """1.629e13 tokens. The printed 402B lie 0.3 % beyond what the rounding of both leaves."""
    plan = ask("llama3", 3.8e25)
    assert pytest.approx(1.629e13, rel=3e-4) == plan.choice.D
    assert pytest.approx(3.888e11, rel=3e-4) == plan.choice.N
    text = ask("llama3", 3.8e25, constants="text")
    assert pytest.approx(1.046e13, rel=5e-4) == text.choice.D
    fewest = 0.2985 * 3.8e25**0.5365
    assert 3.8e25 / (6 * fewest) == pytest.approx(402e9, rel=3e-3)
    most = 0.2995 * 3.8e25**0.5375
    assert fewest < 16.55e12 < most


def test_deepseeks_allocation_spends_the_budget():
    plan = ask("deepseek", 1e20)
    assert pytest.approx(5.25127e9, rel=2e-5) == 6 * plan.choice.N
    assert pytest.approx(1.90453e10, rel=2e-4) == plan.choice.D


# Muennighoff et al. 2023 --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("C", "N", "D", "loss"),
    [(1e22, 7.02e9, 2.37e11, None), (9.3e21, 6.8152e9, 2.27434e11, 2.2250888)],
)
def test_allocation_under_unique_tokens(C, N, D, loss):
    plan = ask("chinchilla", C, constants="muennighoff", unique_tokens=25e9)
    digits = 1.5e-3 if loss is None else 1e-5
    assert pytest.approx(N, rel=digits) == plan.choice.N
    assert pytest.approx(D, rel=digits) == plan.choice.D
    assert plan.choice.epochs == pytest.approx(plan.choice.D / 25e9)
    if loss is not None:
        assert plan.loss == pytest.approx(loss, abs=6e-8)


def test_unique_tokens_alone_are_muennighoffs_best_size_for_them():
    """N = 0.051 U, 19.6 tokens a parameter, as the paper prints."""
    plan = ask("chinchilla", constants="muennighoff", unique_tokens=25e9)
    assert pytest.approx(0.0509865, rel=1e-6) == plan.choice.N / 25e9
    assert plan.choice.tokens_per_parameter == pytest.approx(19.6130, rel=1e-5)


@pytest.mark.parametrize(("N", "D"), [(30e9, 1.671e12), (70e9, 4.581e12)])
def test_tokens_for_a_size_with_the_full_constants(N, D):
    assert (
        pytest.approx(D, rel=3e-4)
        == ask("chinchilla", f"{N:g} parameters", constants="tex").choice.D
    )


# Serving ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("quality", "served", "N", "D", "saving"),
    [
        (30e9, 5e12, 1.678e10, 3.397e12, 0.152),
        (70e9, 1e13, 4.246e10, 8.282e12, 0.110),
        (7e9, 1e11, 6.055e9, None, None),
    ],
)
def test_sardana_with_the_full_constants(quality, served, N, D, saving):
    split = {k: v for k, v in TEX.items() if k != "E"}
    # D for which the size is compute-optimal, from alpha A N^-alpha = beta B D^-beta.
    best = (split["beta"] * split["B"] / (split["alpha"] * split["A"])) ** (1 / split["beta"])
    best *= quality ** (split["alpha"] / split["beta"])
    plan = ask("chinchilla", 6 * quality * best, constants="tex", serve=served)
    assert pytest.approx(N, rel=5e-4) == plan.choice.N
    assert pytest.approx(quality, rel=1e-9) == plan.serving.N
    if D is None:
        assert plan.serving.data == pytest.approx(1.164, abs=6e-4)
    else:
        assert pytest.approx(D, rel=5e-4) == plan.choice.D
        assert plan.serving.lifetime == pytest.approx(saving, abs=6e-4)


def test_seven_instead_of_thirteen_billion_at_two_trillion_tokens():
    loss = chinchilla_laws.chinchilla(
        13e9, 6.1902e11, E=1.6934, A=406.4, B=410.7, alpha=0.3392, beta=0.2849
    )
    plan = ask("chinchilla", constants=ROUNDED, loss=float(loss), serve="2T")
    assert pytest.approx(7.125e9, rel=5e-4) == plan.choice.N
    assert pytest.approx(1.2971e12, rel=5e-4) == plan.choice.D
    assert plan.cost.total.flops == pytest.approx(8.3956e22, rel=1e-4)
    assert plan.serving.lifetime == pytest.approx(0.163, abs=6e-4)


def test_slow_writing_moves_the_optimum_further():
    loss = chinchilla_laws.chinchilla(
        13e9, 6.1902e11, E=1.6934, A=406.4, B=410.7, alpha=0.3392, beta=0.2849
    )
    options = {"device": "H100", "mfu": 0.5, "serve_mfu": 0.01}
    plan = ask("chinchilla", constants=ROUNDED, loss=float(loss), serve="200B", **options)
    assert pytest.approx(4.648e9, rel=1e-3) == plan.choice.N
    assert pytest.approx(2.818e12, rel=1e-3) == plan.choice.D


@pytest.mark.parametrize(
    ("constants", "size", "data", "overhead"),
    [
        ("printed", 0.75, 1.371, 0.028),
        ("printed", 0.5, 2.416, 0.208),
        ("printed", 0.3, 6.851, 1.055),
        ("printed", 0.2, 26.35, 4.27),
        ("epoch", 0.75, None, 0.034),
        ("epoch", 0.5, None, 0.259),
        ("epoch", 0.3, None, 1.61),
    ],
)
def test_overhead_of_a_smaller_model_at_equal_loss(constants, size, data, overhead):
    best = ask("chinchilla", 1e23, constants=constants)
    small = ask("chinchilla", constants=constants, loss=best.loss, N=size * best.choice.N)
    if data is not None:
        assert pytest.approx(data, rel=5e-4) == small.choice.D / best.choice.D
    assert pytest.approx(overhead, rel=0.02) == small.choice.C / best.choice.C - 1


@pytest.mark.parametrize(("constants", "floor"), [("printed", 0.0965), ("epoch", 0.1464)])
def test_no_amount_of_data_helps_below_the_smallest_size(constants, floor):
    best = ask("chinchilla", 1e23, constants=constants)
    ask("chinchilla", constants=constants, loss=best.loss, N=1.001 * floor * best.choice.N)
    with pytest.raises(InputError, match="closest"):
        ask("chinchilla", constants=constants, loss=best.loss, N=0.998 * floor * best.choice.N)


def test_a_ratio_of_a_thousand_tells_how_much_it_was_made_to_serve():
    """Llama 3 8B on 15T tokens: the implied serving, put back in, gives N and D again."""
    plan = ask("chinchilla", constants="epoch", N=8.03e9, D=15e12)
    served = plan.implied_serving
    again = ask("chinchilla", constants="epoch", loss=plan.loss, serve=served)
    assert pytest.approx(8.03e9, rel=1e-5) == again.choice.N
    assert pytest.approx(15e12, rel=1e-5) == again.choice.D
    assert served > 1e14


# Mixtures of experts, links -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("experts", "C", "N", "D"),
    [
        (1, 1e20, 1.727e9, 9.65e9),
        (1, 1e22, 18.88e9, 88.3e9),
        (8, 1e20, 990e6, 16.84e9),
        (8, 1e22, 14.48e9, 115.1e9),
        (32, 1e20, 674e6, 24.7e9),
        (32, 1e22, 12.28e9, 135.7e9),
    ],
)
def test_joint_moe_optima(experts, C, N, D):
    plan = ask("joint_moe", C, inputs={"E": experts})
    assert pytest.approx(N, rel=1e-3) == plan.choice.N
    assert pytest.approx(D, rel=1.5e-3) == plan.choice.D


def test_best_accuracy_through_a_link_and_back():
    plan = ask("gadre", 1e22, constants="redpajama", link="exponential_error",
               link_constants="redpajama-17")  # fmt: skip
    link = laws.get("exponential_error")
    error = link(plan.loss, **link.constants("redpajama-17"))
    assert plan.accuracy.estimate == pytest.approx(1 - float(error), rel=1e-12)
    back = ask("gadre", constants="redpajama", accuracy=plan.accuracy.estimate,
               link="exponential_error", link_constants="redpajama-17")  # fmt: skip
    assert pytest.approx(1e22, rel=1e-6) == back.choice.C


def test_quantising_for_serving_costs_kumars_penalty():
    """Card 13a: 0.008705 nats at 26e9 tokens, 1.7e9 parameters and 4 bits."""
    options = {"constants": "tex", "N": 1.7e9, "D": 26e9}
    plain, few = (ask("chinchilla", **options, serve_bits=bits) for bits in (None, 4.0))
    assert few.loss - plain.loss == pytest.approx(0.008705, abs=6e-7)
    sizes = [ask("chinchilla", 1e23, constants="tex", serve_bits=b).choice.N for b in (3.0, 16.0)]
    assert sizes[0] > sizes[1]  # few bits hurt small models trained long


def test_laws_side_by_side():
    plans = compare(["kaplan", "epoch", "chinchilla:tex", "llama3"], 1e24)
    sizes = [plan.choice.N for plan in plans]
    assert sizes[1:3] == pytest.approx([9.59e10, 5.19e10], rel=3e-3)
    assert sizes[0] > 10 * max(sizes[1:])


POINTS = Path(__file__).parents[2] / "../shared/data/chinchilla-epoch-svg.csv"


@pytest.mark.data
@pytest.mark.skipif(not POINTS.exists(), reason="the public tables are not here")
def test_epochs_points_give_their_plan_with_intervals():
    """The numbers of docs/concepts/plans.md, and Epoch's printed optimum inside them."""
    table = iso.load(POINTS, columns={"N": "params_N", "D": "tokens_D"}, where="epoch_outlier == 0")
    plan = iso.plan(iso.fit(table, "chinchilla", bootstrap=1000), 5.76e23)
    assert pytest.approx(7.32e10, rel=2e-3) == plan.choice.N
    low, high = plan.intervals["N"]
    assert low == pytest.approx(2.8e10, rel=0.08)
    assert high == pytest.approx(1.84e11, rel=0.08)
    assert low < 7.2249e10 < high
    assert plan.flat["0.1%"] == pytest.approx((4.69e10, 1.14e11), rel=0.01)
    assert plan.regret["1x"].loss.interval[1] == pytest.approx(0.0126, rel=0.1)
