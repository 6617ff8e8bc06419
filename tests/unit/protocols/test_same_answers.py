"""The verbs on a study's runs repeat the study's own answers: one formula, one noise, one seed."""

import numpy as np
import pytest
from made_study import make_study

from isoflop.protocols.analyse import analyse
from isoflop.protocols.data import seed_noise
from isoflop.protocols.question import plan, validate
from isoflop.protocols.settings import StudySettings
from isoflop.protocols.side_by_side import approaches
from isoflop.runs.table import RunTable

SETTINGS = StudySettings(seed=3, samples=1000)


@pytest.fixture(scope="module")
def study():
    runs, points = make_study(SETTINGS, noise=0.02)
    result = analyse(runs, points, SETTINGS, corpus={}, timing={}, added=[], provenance={})
    return result, RunTable.from_runs(runs), points


@pytest.fixture(scope="module")
def how():
    from isoflop.protocols.models import Settings

    return Settings(seed=3)


def test_the_held_out_runs_are_predicted_as_in_the_study(study, how):
    result, table, _ = study
    assert result.heldout is not None
    assert validate(table, settings=how) == result.heldout


def test_the_plan_is_the_studys(study, how):
    result, table, _ = study
    assert result.plan is not None
    assert plan(table, SETTINGS.target_budget, settings=how) == result.plan


def test_the_approaches_are_the_studys(study, how):
    result, table, points = study
    found = approaches(table, settings=how, points=points)
    assert found == {f"approach{k}": getattr(result, f"approach{k}") for k in (1, 2, 3)}


def test_noise_is_of_seeds_alone(study):
    """Of the finished repeats of one setup: neither probes nor failed runs count."""
    _, table, _ = study
    repeats = table["loss"][np.isin(table["role"], ["seed"])]
    setup = table.where("role == 'seed'")
    same = (
        (table["N"] == setup["N"][0])
        & (table["D"] == setup["D"][0])
        & np.isin(table["role"], ["isoflop", "seed"])
    )
    losses = table["loss"][same]
    assert len(losses) == len(repeats) + 1 == 3
    noise, freedom = seed_noise(table)
    assert freedom == 2
    assert noise == pytest.approx(losses.std(ddof=1))
    failed = RunTable.from_columns(
        {**table.columns, "status": np.where(same, "failed", table["status"].astype(str))}
    )
    assert seed_noise(failed) == (0.0, 0)


def test_a_table_without_seeds_has_no_known_noise():
    N = np.array([1e8, 1e8, 2e8])
    table = RunTable.from_columns({"N": N, "D": 20 * N, "C": 120 * N**2, "loss": [3.0, 3.1, 2.9]})
    assert seed_noise(table) == (0.0, 0)
