"""N* and D* at a target, and the lines of the sensitivity table that count N otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import EPOCH, isoflop_runs

from isoflop.errors import InputError
from isoflop.fit import Fit, fit
from isoflop.laws.chinchilla import optimum
from isoflop.runs.table import RunTable
from isoflop.samples import MISSES, SAMPLING
from isoflop.units import format_count


@pytest.fixture(scope="module")
def table():
    """Runs whose head, of 2e6 parameters, is counted in one column and not in another."""
    runs = isoflop_runs(noise=0.002, sizes=9)
    return {**runs, "N_matrices_head": runs["N"], "N_matrices": runs["N"] - 2e6, "N_all": runs["N"]}


@pytest.fixture(scope="module")
def fitted(table):
    return fit(table, "chinchilla", bootstrap=80, sensitivity=True)


def test_the_default_target_is_ten_times_the_largest_budget(fitted):
    best = fitted.optimum
    np.testing.assert_allclose(best.C, 1e21)
    assert (best.times, best.cost) == (pytest.approx(10.0), "6ND")
    N, D, loss = optimum(1e21, **fitted.estimate)
    assert best.N.estimate == pytest.approx(N, rel=1e-6)
    assert best.D.estimate == pytest.approx(D, rel=1e-6)
    assert best.loss.estimate == pytest.approx(loss, rel=1e-12)
    columns = {name: fitted.samples[:, k] for k, name in enumerate(fitted.parameters)}
    low, high = np.quantile(optimum(1e21, **columns)[0], [0.05, 0.95])
    np.testing.assert_allclose(best.sampling["N"], (low, high), rtol=1e-6)
    assert best.N.interval[0] < low < high < best.N.interval[1]
    assert (best.N.holds, best.loss.holds) == (MISSES, SAMPLING)


def test_every_line_moves_the_optimum(fitted):
    for line in fitted.sensitivity:
        if line.kind != "convention":
            values = {name: line.estimate[name] for name in fitted.parameters}
            np.testing.assert_allclose([line.N, line.D], optimum(1e21, **values)[:2], rtol=1e-6)


def test_each_other_count_of_N_is_a_line_of_its_own(table, fitted):
    lines = [line for line in fitted.sensitivity if line.kind == "convention"]
    # N_all and N_matrices_head are the fitted N itself.
    assert [line.choice for line in lines] == ["N counted as matrices"]
    again = fit({**table, "N": table["N_matrices"]}, "chinchilla")
    for name, value in again.estimate.items():
        assert lines[0].estimate[name] == pytest.approx(value, rel=1e-5), name
    assert abs(lines[0].estimate["a"] - fitted.derived("a").estimate) > 1e-3
    values = {name: lines[0].estimate[name] for name in fitted.parameters}
    D = lines[0].D * (6 * lines[0].N)
    np.testing.assert_allclose(D, 1e21, rtol=0.02)  # the same C, by the runs' own cost
    assert abs(lines[0].N / fitted.optimum.N.estimate - 1) > 1e-3
    np.testing.assert_allclose(lines[0].N, optimum(1e21, **values)[0], rtol=0.02)


def test_a_run_table_counts_N_otherwise_too(table):
    found = fit(RunTable.from_columns(table), "chinchilla", sensitivity=True)
    assert [x.choice for x in found.sensitivity if x.kind == "convention"] == [
        "N counted as matrices"
    ]


def test_a_count_with_gaps_is_left_out(table):
    gaps = np.where(np.arange(27) == 3, np.nan, table["N_matrices"])
    found = fit({**table, "N_matrices": gaps}, "chinchilla", sensitivity=True)
    assert not [x for x in found.sensitivity if x.kind == "convention"]


def test_the_runs_own_cost_decides_where_it_differs():
    runs = isoflop_runs(noise=0.002, sizes=9)
    runs["C"] = runs["D"] * (6 * runs["N"] + 1e9)
    best = fit(runs, "chinchilla").optimum
    assert best.cost == "as the runs' C"
    np.testing.assert_allclose(best.C, 10 * runs["C"].max())
    C = best.D.estimate * (6 * best.N.estimate + 1e9)
    np.testing.assert_allclose(C, best.C, rtol=0.02)  # the cost is interpolated between the sizes
    runs["C"] = runs["C"] * np.random.default_rng(0).uniform(0.8, 1.2, 27)
    runs["N"] = np.round(runs["N"], -9) + 1e9
    assert "not a function" in fit(runs, "chinchilla").optimum.cost


def test_a_target_is_given_with_the_further_inputs_of_the_law():
    table = isoflop_runs(noise=0.0, sizes=9)
    table["U"] = np.full(27, 1e15)
    law = "chinchilla[D=repeated_tokens]"
    assert fit(table, law, profile=False).optimum is None
    plenty = fit(table, law, target={"C": 1e21, "U": 1e15}, profile=False)
    assert plenty.optimum.N.estimate == pytest.approx(optimum(1e21, **EPOCH)[0], rel=1e-3)
    assert plenty.optimum.others == {"U": 1e15}
    for wrong, word in (({"C": 1e21}, "lacks U"), ({"C": 1e21, "U": 1.0, "x": 1.0}, "no use for")):
        with pytest.raises(InputError, match=word):
            fit(table, law, target=wrong, profile=False)


def test_a_label_is_an_input_too():
    web, code = isoflop_runs(sizes=9), isoflop_runs(sizes=9, A=250)
    table = {k: np.concatenate([web[k], code[k]]) for k in web}
    table["data"] = np.array(["web"] * 27 + ["code"] * 27)
    from isoflop.laws import get

    law = get("chinchilla").by("data", "A")
    found = [fit(table, law, target={"C": 1e21, "data": x}).optimum for x in ("web", "code")]
    expected = [optimum(1e21, **{**EPOCH, "A": A})[0] for A in (EPOCH["A"], 250)]
    np.testing.assert_allclose([x.N.estimate for x in found], expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("law", "target", "word"),
    [("E + B/D^beta", {"C": 1e20}, "no compute-optimal"), ("chinchilla", {"C": 0.0}, "positive")],
)
def test_targets_without_an_answer_are_refused(law, target, word):
    with pytest.raises(InputError, match=word):
        fit(isoflop_runs(), law, target=target)


def test_no_interior_optimum_is_no_number():
    """A loss that tokens do not lower wants the smallest D at every budget."""
    table = isoflop_runs(noise=0.0, sizes=9)
    table["loss"] = 1.7 + 400 / table["N"] ** 0.3
    flat = fit(table, "1.7 + A/N^alpha + 0*D", profile=False, sensitivity=True)
    assert flat.optimum is None
    assert all(line.N is None for line in flat.sensitivity)


def test_documents_keep_the_optimum_and_tables_show_it(fitted):
    again = Fit.from_json(fitted.to_json())
    assert again.optimum == fitted.optimum
    assert again.sensitivity == fitted.sensitivity
    shown, html = str(fitted), fitted._repr_html_()
    for word in ("N*", "D*", "10 x the largest C", "N counted as matrices", "this fit"):
        assert word in shown
        assert word in html
    lines = {line.split("  ")[0]: line.split() for line in shown.splitlines()}
    assert lines["90 % interval, lower end"][-2:] == [
        format_count(fitted.optimum.N.interval[0]),
        format_count(fitted.optimum.D.interval[0]),
    ]
