"""How a miss is carried to another budget, and by what samples move for it."""

import numpy as np
import pytest

from isoflop.fit.misses import factors, rms_miss, spread
from isoflop.fit.records import Minimum


def test_a_miss_grows_beyond_the_budgets_as_a_slope_would():
    minima = [Minimum(C=1e18, N=2e8, law=1e8), Minimum(C=1e20, N=1e9, law=2e9)]
    assert rms_miss(minima) == pytest.approx(np.log(2))
    assert spread(minima, 1e19) == pytest.approx(np.log(2))
    assert spread(minima, 1e22) == pytest.approx(2 * np.log(2))
    assert spread(minima, 1e16) == pytest.approx(2 * np.log(2))
    assert spread(minima[:1], 1e19) is None
    assert spread([minima[0]] * 2, 1e19) is None


def test_coefficients_fitted_to_the_minima_are_no_evidence():
    """A line through three minima leaves one residual's worth of freedom; through two, none."""
    minima = [
        Minimum(C=10.0**k, N=np.exp(x), law=1.0) for k, x in ((18, 0.1), (19, -0.2), (20, 0.1))
    ]
    assert rms_miss(minima, 2) == pytest.approx(np.sqrt(0.06))
    assert spread(minima, 1e20, 2) == pytest.approx(np.sqrt(3) * spread(minima, 1e20))
    assert spread(minima[:2], 1e20, 2) is None


def test_factors_are_normal_in_the_logarithm_and_equal_for_equal_seeds():
    drawn = np.log(factors(20_000, 0.3, seed=4))
    assert drawn.std() == pytest.approx(0.3, rel=0.02)
    assert drawn.mean() == pytest.approx(0.0, abs=0.01)
    np.testing.assert_allclose(np.log(factors(20_000, 0.6, seed=4)), 2 * drawn)
    assert np.all(factors(5, None, seed=4) == 1.0)
