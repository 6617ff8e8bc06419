"""`isoflop validate` explains its columns, and an open interval is not praised for holding."""

from isoflop.cli.validate import text
from isoflop.protocols.result import Cell, Heldout


def heldout(*intervals):
    cells = [
        Cell(
            id=str(i),
            N=1e8,
            D=1e9,
            C=6e17,
            observed=3.0,
            predicted=3.0,
            interval=ends,
            covered=None in ends or ends[0] < 3.0 < ends[1],
        )
        for i, ends in enumerate(intervals)
    ]
    return Heldout(
        budget=6e17,
        level=0.9,
        predicted=3.0,
        interval=intervals[0],
        observed=3.0,
        covered=True,
        fitted_budgets=[1e17],
        decades=0.8,
        cells=cells,
        coverage=1.0,
    )


def test_open_intervals_are_told_from_those_that_hold():
    both = text(heldout((2.9, 3.1), (None, None)))
    assert "covered: 100 % of 2 runs, of which 1 by an open interval, which says nothing" in both
    assert text(heldout((2.9, 3.1))).endswith("covered: 100 % of 1 runs")
