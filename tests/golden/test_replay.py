"""Replays against print: every published number, by the tolerance that its script states."""

from __future__ import annotations

from pathlib import Path

import pytest

from isoflop.protocols.replay import names, replay
from isoflop.protocols.replay.script import script

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public tables ../shared/data are absent"),
]


@pytest.fixture(scope="module")
def results():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_DATA", str(DATA))
        yield {name: replay(name) for name in names()}


def written(name):
    return [step for part in script(name).parts for step in part.steps]


STEPS = [(name, step.name) for name in names() for step in written(name)]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=lambda x: x)
def test_every_step_comes_out_as_it_should(results, name, step):
    (found,) = (one for one in results[name].steps if one.name == step)
    assert found.missing == ""
    assert found.computed is not None
    assert found.agrees is (None if found.published is None else found.expected)
    if found.computed_interval is not None:
        low, high = found.computed_interval
        assert low is not None
        assert high is not None
        assert low < found.computed < high


#: The paper's printed figures, once more and apart from the script.
PORIAN = {
    "rw": (0.835, 0.706, 0.602, 0.571, 0.497),
    "owt2": (0.864, 0.699, 0.603, 0.574, 0.519),
}


@pytest.mark.parametrize("corpus", PORIAN)
def test_the_printed_exponents_of_both_corpora(results, corpus):
    steps = {step.name: step for step in results["kaplan-chinchilla"].steps}
    for name, printed in zip(
        ("as-kaplan", "head", "warmup", "decay", "tuned"), PORIAN[corpus], strict=True
    ):
        found = steps[f"{corpus}.{name}"]
        assert found.computed == pytest.approx(printed, abs=0.002)
        low, high = found.interval
        assert low < found.computed < high


def test_the_numbers_of_the_issue(results):
    steps = {step.name: step.computed for step in results["kaplan-chinchilla"].steps}
    assert steps["kaplan.exponent"] == pytest.approx(0.73, abs=1e-9)
    assert steps["pearce.slope-epoch"] == pytest.approx(0.7751, abs=5e-5)
    assert steps["pearce.slope-tex"] == pytest.approx(0.7414, abs=5e-5)
    assert steps["rw.tuned.size"] == pytest.approx(76.9e9, rel=0.01)
    assert steps["rw.as-kaplan.size"] == pytest.approx(3.03e12, rel=0.02)


def test_the_mean_stops_where_it_began_and_the_sum_at_the_optimum(results):
    steps = {step.name: step.computed for step in results["kaplan-chinchilla"].steps}
    assert steps["mean.beta"] == pytest.approx(0.2849, abs=2e-4)
    assert steps["sum.beta"] == pytest.approx(0.36717, abs=1e-5)
    assert steps["mean.steps"] < 15 < steps["sum.steps"]


def test_differences_are_the_ones_that_the_story_is_about(results):
    steps = results["kaplan-chinchilla"].steps
    differing = {step.name for step in steps if step.agrees is False}
    assert differing == {"kaplan.closed-form", "approach2", "rounded.size"}


def test_the_leading_picture_falls_from_kaplan_to_chinchilla(results):
    result = results["kaplan-chinchilla"]
    (picture,) = (one for one in result.pictures if one.name == result.leading)
    for series in picture.series[:2]:
        assert list(series.y) == sorted(series.y, reverse=True)
        assert series.y[0] > 0.83
        assert series.y[-1] < 0.53
        assert all(a < y < b for a, y, b in zip(series.low, series.y, series.high, strict=True))


@pytest.mark.parametrize("name", names())
def test_all_tables_read_are_named(results, name):
    wanted = {table for part in script(name).parts for table in part.data}
    assert set(results[name].sources) == wanted
    assert all(key in source for key, source in results[name].sources.items())
