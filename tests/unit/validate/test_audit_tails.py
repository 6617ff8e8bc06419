"""Tail probabilities against scipy's."""

import pytest
from scipy import stats

from isoflop.validate.audit.tails import f_tail, t_tail


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 4000])
@pytest.mark.parametrize("t", [0.0, 0.3, -2.0, 6.0, 40.0])
def test_student(t, freedom):
    assert t_tail(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-9)


@pytest.mark.parametrize("freedom", [(1, 3), (2, 20), (5, 240), (40, 4000)])
@pytest.mark.parametrize("f", [0.0, 0.4, 1.0, 3.7, 25.0])
def test_fisher(f, freedom):
    assert f_tail(f, *freedom) == pytest.approx(stats.f.sf(f, *freedom), rel=1e-9)
