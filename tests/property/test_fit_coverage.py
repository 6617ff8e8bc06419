"""Coverage of 90 % intervals over simulated studies: three noise levels, two designs."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import EPOCH, isoflop_runs

from isoflop.fit import fit
from isoflop.laws import get
from isoflop.laws.chinchilla import optimum

STUDIES, RESAMPLES, TARGET = 500, 300, 1e22


def grid_runs(noise, seed):
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(5e7, 5e9, 6), np.geomspace(1e9, 1e11, 6)))
    scatter = noise * np.random.default_rng(seed).standard_normal(len(N))
    return {"N": N, "D": D, "loss": get("chinchilla")(N, D, **EPOCH) * np.exp(scatter)}


def isoflop(noise, seed):
    budgets = (1e18, 3e18, 1e19, 3e19, 1e20)
    return isoflop_runs(budgets=budgets, sizes=9, noise=noise, seed=seed)


def uneven(design, noise, seed, slope):
    """Runs of a design whose scatter falls as N**-slope about `noise`."""
    table = DESIGNS[design](0.0, seed)
    z = np.log(table["N"]) - np.mean(np.log(table["N"]))
    drawn = np.random.default_rng(seed).standard_normal(len(z))
    return {**table, "loss": table["loss"] * np.exp(noise * np.exp(-slope * z) * drawn)}


DESIGNS = {"isoFLOP": isoflop, "grid": grid_runs}


def covered(found):
    """Whether each parameter's interval, and that of N*, contains the truth."""
    hits = [
        (low is None or low <= EPOCH[name]) and (high is None or high >= EPOCH[name])
        for name, (low, high) in found.intervals.items()
    ]
    columns = {name: found.samples[:, k] for k, name in enumerate(found.parameters)}
    low, high = np.quantile(optimum(TARGET, **columns)[0], [0.05, 0.95])
    return [*hits, bool(low <= optimum(TARGET, **EPOCH)[0] <= high)]


def coverage(tables, method):
    """Share of the tables whose intervals contain the truth, by number."""
    hits = [
        covered(
            fit(table, "chinchilla", bootstrap=RESAMPLES, method=method, seed=seed, profile=False)
        )
        for seed, table in enumerate(tables)
    ]
    return np.mean(hits, axis=0)


def show(capsys, title, shares):
    names = [*EPOCH, "N*"]
    row = "  ".join(f"{name} {share:.3f}" for name, share in zip(names, shares, strict=True))
    with capsys.disabled():
        print(f"\n{title:32} {row}")  # noqa: T201


def test_coverage_is_near_its_level():
    shares = coverage([isoflop(0.003, seed) for seed in range(60)], "auto")
    assert np.all(shares > 0.8)
    assert np.mean(shares) < 0.97


@pytest.mark.exhaustive
@pytest.mark.parametrize("noise", [0.001, 0.003, 0.01])
@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_cover_ninety_percent(design, noise, capsys):
    shares = coverage([DESIGNS[design](noise, seed) for seed in range(STUDIES)], "auto")
    show(capsys, f"{design} noise {noise:g} auto", shares)
    assert np.all((shares >= 0.87) & (shares <= 0.93)), shares


@pytest.mark.exhaustive
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("slope", "low", "high"), [(0.15, 0.87, 0.94), (0.3, 0.86, 0.96)])
def test_intervals_of_runs_that_scatter_unequally(design, slope, low, high, capsys):
    """Noise that spans a factor of 2 to 10 over the runs: residuals alone would cover too little.

    The method is chosen by a test that misses some of it, so coverage lies between that of
    "residual" (83 to 95 %) and of "case" (92 to 96 %).
    """
    tables = [uneven(design, 0.003, seed, slope) for seed in range(STUDIES)]
    for method in ("residual", "case", "auto"):
        shares = coverage(tables, method)
        show(capsys, f"{design} N^-{slope:g} {method}", shares)
    assert np.all((shares >= low) & (shares <= high)), shares


@pytest.mark.exhaustive
@pytest.mark.parametrize("design", DESIGNS)
def test_case_bootstrap_errs_on_the_wide_side(design, capsys):
    shares = coverage([DESIGNS[design](0.003, seed) for seed in range(STUDIES)], "case")
    show(capsys, f"{design} noise 0.003 case", shares)
    assert np.all(shares >= 0.87), shares
