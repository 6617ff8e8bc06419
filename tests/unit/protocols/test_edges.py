"""Studies whose minima are not enclosed: extended within bounds, and honest if it fails."""

import numpy as np
import pytest
from made_study import make_run, make_study

from isoflop.design.sweep import Sweep, isoflop
from isoflop.protocols.analyse import analyse
from isoflop.protocols.settings import StudySettings, quick
from isoflop.protocols.study import design_study, extensions


class Done:
    """A store that holds some runs."""

    def __init__(self, runs):
        self._runs = runs

    def runs(self):
        return self._runs


SMALL = quick(widths=(8, 16, 24, 32), probe_budget=None, samples=100)


def finished(sweep):
    rng = np.random.default_rng(0)
    return Done([make_run(spec, 0.0, rng) for spec in sweep.specs])


def test_sizes_are_added_on_the_side_where_they_are_missing():
    sweep = isoflop((5e11,), corpus="corpus", widths=(8, 16, 24, 32))
    more = extensions(sweep, finished(sweep), SMALL)
    assert len(more) == 1
    spec, reason = more[0]
    assert spec.setup.architecture.width > 32
    assert spec.budget == 5e11
    assert "lowest loss" in reason or "larger" in reason


def test_extension_is_bounded_and_ends():
    sweep = isoflop((5e12,), corpus="corpus", widths=(8, 16, 24, 32))
    rounds = 0
    while more := extensions(sweep, finished(sweep), SMALL):
        sweep = Sweep(specs=(*sweep.specs, *(spec for spec, _ in more)))
        rounds += 1
        assert rounds <= SMALL.extensions
    assert rounds == SMALL.extensions


def test_a_study_that_goes_on_finds_the_sizes_it_had_added():
    sweep = isoflop((5e11,), corpus="corpus", widths=(8, 16, 24, 32))
    first = extensions(sweep, finished(sweep), SMALL)
    larger = Sweep(specs=(*sweep.specs, first[0][0]))
    assert extensions(sweep, finished(larger), SMALL) == first


def test_what_was_added_is_said():
    settings = quick(probe_budget=None, samples=50)
    runs, points = make_study(settings)
    kept = {"corpus": {}, "timing": {}, "provenance": {}, "added": ["width 8 at budget 5e10: edge"]}
    result = analyse(runs, points, settings, **kept)
    assert any(f.code == "extended" and "width 8" in f.message for f in result.findings)


def test_an_enclosed_minimum_is_left_alone():
    settings = StudySettings()
    sweep = design_study(settings, "corpus")
    assert extensions(sweep, finished(sweep), settings) == []


def test_a_study_without_minima_says_so_and_still_ends():
    settings = quick(widths=(8, 16, 24, 32), probe_budget=None, samples=100)
    runs, points = make_study(settings)
    far = [run for run in runs if run.budget > 4e11 or run.N["matrices"] < 1e4]
    result = analyse(far, points, settings, corpus={}, timing={}, provenance={})
    assert not result.approach2.ok
    assert result.approach2.notes
    assert any(f.code == "approach2" and f.severity == "warning" for f in result.findings)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_handful_of_runs_gives_reasons_not_a_crash(count):
    settings = quick(probe_budget=None, samples=50)
    runs, points = make_study(settings)
    result = analyse(runs[:count], points, settings, corpus={}, timing={}, provenance={})
    assert not result.approach2.ok
    assert result.plan is None or result.plan.warnings
    assert result.findings
