"""How long a sweep takes: a queue of the longest first, at a measured speed."""

from hypothesis import given
from hypothesis import strategies as st

from isoflop.design.sweep import isoflop
from isoflop.protocols import expect as module
from isoflop.protocols.expect import Speed, expect, makespan


def test_makespan_of_a_known_queue():
    assert makespan([5, 4, 3, 2], 2) == 7
    assert makespan([5], 4) == 5


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=30), st.integers(1, 8))
def test_makespan_lies_between_its_bounds(costs, workers):
    end = makespan(costs, workers)
    assert end >= max(*costs, sum(costs) / workers) - 1e-9
    assert end <= sum(costs) / workers + max(costs) + 1e-9


def test_seconds_of_a_run_are_overhead_plus_products():
    spec = isoflop([5e10], corpus="x", widths=[16]).specs[0]
    assert Speed(1e-3, 1e10).seconds(spec) == 2649 * 1e-3 + spec.setup.flops / 1e10


def test_expectation_counts_what_is_not_done(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "measure", lambda: Speed(1e-3, 1e10))
    sweep = isoflop([5e10], corpus="x")
    expected = expect(sweep.specs, tmp_path / "none", workers=2)
    assert expected.todo == 5
    assert set(expected.costs) == {spec.id for spec in sweep.specs}
    assert expected.seconds > sum(expected.costs.values()) / 2
