"""Budgets read from a table that does not name them."""

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.protocols.models import Settings
from isoflop.protocols.question import grouped, plan
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable


def table(C: list[float], **more) -> RunTable:
    C = np.array(C)
    N = np.full(len(C), 1e8)
    return RunTable.from_columns({"N": N, "D": C / (6 * N), "C": C, "loss": 3 + 0 * C, **more})


def test_runs_with_nearly_equal_compute_share_a_budget():
    budget = grouped(table([1.0e19, 1.02e19, 0.99e19, 3e19, 3.1e19]))["budget"]
    assert len(np.unique(budget[:3])) == len(np.unique(budget[3:])) == 1
    assert budget[0] == pytest.approx(1e19, rel=0.02)
    assert budget[3] == pytest.approx(3.05e19, rel=0.02)


def test_budgets_that_are_named_are_kept():
    named = grouped(table([1e19, 1.01e19], budget=np.array([1.0, 2.0])))
    assert named["budget"].tolist() == [1.0, 2.0]


def test_a_budget_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="not positive"):
        plan(table([1e19, 3e19]), -1.0)


@pytest.mark.parametrize(("stated", "said"), [("unstated", "unstated"), ("all", "all")])
def test_a_count_that_the_table_does_not_have_is_not_claimed(stated, said):
    """N of a table without a column for matrices + head is what the table says, or unknown."""
    C = np.repeat([1e18, 1e19, 1e20], 5)
    N = np.tile([0.25, 0.5, 1.0, 2.0, 4.0], 3) * 0.1 * C**0.5
    D = C / (6 * N)
    values = {"N": N, "D": D, "C": C, "loss": 1.7 + 400 / N**0.34 + 410 / D**0.28}
    runs = RunTable.from_columns(values, convention=Convention(N=stated))
    assert plan(runs, 1e21, settings=Settings(samples=50)).convention == said
    known = RunTable.from_columns({**values, "N_matrices_head": N})
    assert plan(known, 1e21, settings=Settings(samples=50)).convention == "matrices+head"


def test_a_table_without_flops_counts_them_as_6nd():
    runs = table([1.0e19, 1.02e19, 3e19])
    less = RunTable.from_columns({name: runs[name] for name in ("N", "D", "loss")})
    assert np.allclose(grouped(less)["budget"], grouped(runs)["budget"], rtol=1e-12)


@pytest.mark.parametrize(("noise", "lost"), [(0.002, False), (0.4, True)])
def test_budgets_that_lose_their_minimum_are_told_and_leave_an_interval(noise, lost):
    """Sizes so near to the minimum that redrawn noise takes it away."""
    C = np.repeat([1e18, 1e19, 1e20], 9)
    N = np.tile(np.geomspace(0.4, 2.5, 9), 3) * 0.1 * C**0.5
    D = C / (6 * N)
    loss = 1.7 + 400 / N**0.34 + 410 / D**0.28
    loss = loss + noise * np.tile([1, -1, 0.5, -1, -1, -1, 0.5, -1, 1], 3) / 4
    values = {"N": N, "D": D, "C": C, "loss": loss}
    answer = plan(RunTable.from_columns(values), 1e21, settings=Settings(samples=200))
    low, high = answer.by_model["approach2"]["N"].interval
    assert low < answer.by_model["approach2"]["N"].estimate < high
    assert any("no minimum any more" in text for text in answer.warnings) is lost
