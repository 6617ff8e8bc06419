"""Sweeps: sizes around the optimum, exact tokens, stable identities, bounded extensions."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.design.architecture import Architecture
from isoflop.design.sweep import (
    Sweep,
    expected_optimum,
    heldout,
    isoflop,
    neighbour,
    rate_probes,
    seed_repeats,
    widths_around,
)
from isoflop.errors import InputError

BUDGETS = (5e10, 1.5e11, 5e11, 1.5e12)


@pytest.mark.parametrize("budget", BUDGETS)
def test_two_sizes_lie_on_each_side_of_the_expected_optimum(budget):
    specs = isoflop([budget], corpus="x").specs
    N = [s.setup.architecture.parameters() for s in specs]
    best = expected_optimum(budget)
    assert sum(n < best for n in N) >= 2
    assert sum(n > best for n in N) >= 2


@pytest.mark.parametrize("budget", BUDGETS)
def test_every_run_spends_its_budget_by_exact_flops(budget):
    for spec in isoflop([budget], corpus="x").specs:
        a_step = spec.setup.flops / spec.setup.steps
        assert abs(spec.setup.flops - budget) <= a_step / 2
        assert spec.setup.steps >= 500


def test_exact_flops_of_the_reference_sweep():
    # width 16 for 508,608 tokens: 49,998,200,832 FLOPs in the measured table.
    setup = isoflop([5e10], corpus="x", widths=[16]).specs[0].setup
    assert (setup.tokens, setup.flops) == (508_608, 49_998_200_832.0)


def test_equal_sweeps_have_equal_ids_and_order_does_not_matter():
    one, other = isoflop(BUDGETS, corpus="x"), isoflop(BUDGETS[::-1], corpus="x")
    assert one.id == other.id
    assert one.id != isoflop(BUDGETS, corpus="y").id
    assert one.id != isoflop(BUDGETS, corpus="x", seed=1).id


def test_total_cost_is_the_sum_of_the_runs():
    sweep = isoflop(BUDGETS, corpus="x")
    assert sweep.cost == pytest.approx(5 * sum(BUDGETS), rel=1e-3)


def test_probes_scale_every_rate_at_both_ends():
    sweep = isoflop(BUDGETS, corpus="x")
    probes = rate_probes(sweep, 5e10).specs
    widths = sorted(s.setup.architecture.width for s in sweep.specs if s.budget == 5e10)
    assert {s.setup.architecture.width for s in probes} == {widths[0], widths[-1]}
    own = {s.setup.architecture.width: s for s in sweep.specs if s.budget == 5e10}
    for probe in probes:
        base = own[probe.setup.architecture.width].setup.rates
        factor = probe.setup.rates.hidden / base.hidden
        assert factor in (0.5, 2.0)
        assert probe.setup.rates.embedding / base.embedding == pytest.approx(factor)
        assert probe.id != own[probe.setup.architecture.width].id


def test_seed_repeats_differ_from_the_run_in_the_seed_only():
    sweep = isoflop(BUDGETS, corpus="x")
    repeats = seed_repeats(sweep, 5e10, (1, 2)).specs
    assert len({s.id for s in (*sweep.specs, *repeats)}) == len(sweep.specs) + 2
    assert {s.setup.seed for s in repeats} == {1, 2}


def test_heldout_runs_stand_on_both_sides_of_the_expected_optimum():
    low, high = (s.setup.architecture.parameters() for s in heldout(5e12, corpus="x").specs)
    assert low < expected_optimum(5e12) < high


@pytest.mark.parametrize("side", ["smaller", "larger"])
def test_a_neighbour_lies_beyond_the_end(side):
    sweep = isoflop([1.5e11], corpus="x")
    N = [s.setup.architecture.parameters() for s in sweep.specs]
    spec = neighbour(sweep, 1.5e11, side)
    assert spec is not None
    more = spec.setup.architecture.parameters()
    assert more < min(N) if side == "smaller" else more > max(N)
    assert spec.setup.flops == pytest.approx(1.5e11, rel=1e-3)


def test_there_is_nothing_smaller_than_one_head():
    sweep = isoflop([5e10], corpus="x", widths=[8, 16, 24])
    assert neighbour(sweep, 5e10, "smaller") is None


def test_joining_sweeps_trains_a_setup_once():
    sweep = isoflop(BUDGETS, corpus="x")
    assert (sweep + sweep).specs == sweep.specs
    assert isinstance(sweep + sweep, Sweep)


@pytest.mark.parametrize("budgets", [[], [0.0], [-1e10], [float("nan")], [float("inf")]])
def test_impossible_budgets_are_refused(budgets):
    with pytest.raises(InputError):
        isoflop(budgets, corpus="x")


def test_too_few_sizes_are_refused():
    with pytest.raises(InputError, match="two sizes on each side"):
        isoflop([5e10], corpus="x", sizes=3)


@given(N=st.floats(1e3, 1e9), sizes=st.integers(5, 9))
def test_widths_are_distinct_and_ascend(N, sizes):
    widths = widths_around(N, sizes, template=Architecture(width=8))
    assert len(widths) == sizes
    assert all(a < b for a, b in pairwise(widths))
    assert all(width % 8 == 0 for width in widths)
