"""Cards A1 to A3: pass@k, exponentiated power law, beta-binomial coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.coverage import (
    beta_binomial_log_likelihood,
    coverage_beta,
    coverage_gap,
    coverage_power,
    from_brown,
    pass_at_k,
    samples_for,
)
from isoflop.laws.scaled_coverage import (
    coverage_kumaraswamy,
    coverage_scaled_beta,
    kumaraswamy_gap,
)


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [
        (10, 3, 1, 0.3),
        (10, 3, 5, 0.9166666667),
        (200, 1, 100, 0.5),
        (10000, 3, 100, 0.0297039408),
        (5, 4, 2, 1.0),
    ],
)
def test_pass_at_k(n, c, k, expected):
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=6e-11)
    exact = 1 - math.comb(n - c, k) / math.comb(n, k)
    assert pass_at_k(n, c, k) == pytest.approx(exact, rel=1e-12)


def test_pass_at_k_is_exactly_one_where_too_few_attempts_fail():
    assert pass_at_k(5, 4, 2) == 1.0
    assert pass_at_k(5, 0, 5) == 0.0


def test_pass_at_k_is_above_the_biased_plug_in():
    assert pytest.approx(0.83193) == 1 - (1 - 3 / 10) ** 5
    assert pass_at_k(10, 3, 5) > 0.83193


def test_pass_at_k_is_unbiased():
    """The mean over all binomial outcomes of n attempts is 1 - (1 - p)^k."""
    n, k, p = 12, 5, 0.17
    c = np.arange(n + 1)
    weights = [math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in c]
    assert np.dot(weights, pass_at_k(n, c, k)) == pytest.approx(1 - (1 - p) ** k)


def test_pass_at_k_refuses_more_samples_than_attempts():
    with pytest.raises(InputError, match="pass@6 from 5 attempts"):
        pass_at_k([10, 5], [1, 1], 6)
    with pytest.raises(InputError, match="successes"):
        pass_at_k(5, 6, 2)


K = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("monkeys-8b-math", [0.264477, 0.610094, 0.832276, 0.934064, 0.974976]),
        ("monkeys-8b-codecontests", [0.020651, 0.049201, 0.096527, 0.162868, 0.244450]),
        ("monkeys-gemma-2b-codecontests", [0.000195, 0.002057, 0.011312, 0.038898, 0.095168]),
    ],
)
def test_coverage_of_large_language_monkeys(name, expected):
    np.testing.assert_allclose(
        coverage_power(K, **coverage_power.constants(name)), expected, atol=6e-7
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("schaeffer-pythia-12b-math", [0.01635862, 0.47310262, 0.87267312]),
        ("schaeffer-pythia-70m-math", [0.00032685, 0.03745084, 0.26071976]),
        ("schaeffer-claude-35-sonnet-jailbreaking", [0.03219320, 0.44189529, 0.82356538]),
    ],
)
def test_coverage_of_schaeffer(name, expected):
    np.testing.assert_allclose(
        coverage_power(K[[0, 2, 4]], **coverage_power.constants(name)), expected, atol=6e-9
    )


def test_sign_conventions_of_two_papers_and_two_versions():
    assert from_brown(-1.33, -0.43) == coverage_power.constants("monkeys-8b-math")
    for a, b in ((1.33, -0.43), (-1.33, 0.43)):
        with pytest.raises(InputError, match="not both negative"):
            from_brown(a, b)
    for name in coverage_power.published:
        assert coverage_power(1e6, **coverage_power.constants(name)) > coverage_power(
            1.0, **coverage_power.constants(name)
        )


def test_samples_for_a_coverage():
    values = from_brown(-1.33, -0.43)
    k = samples_for(0.95, **values)
    assert k == pytest.approx(1940.38, abs=6e-3)
    assert coverage_power(k, **values) == pytest.approx(0.95)


def test_beta_coverage():
    k = np.array([1, 10, 1000, 1e5])
    expected = [0.1304347826, 0.4414918714, 0.8531923030, 0.9631055127]
    np.testing.assert_allclose(coverage_beta(k, alpha=0.3, beta=2.0), expected, atol=1e-10)
    assert coverage_beta(1.0, alpha=0.3, beta=2.0) == pytest.approx(0.3 / 2.3)
    assert coverage_beta(9.0, alpha=1.0, beta=1.0) == pytest.approx(0.9, rel=1e-14)
    minus_log = -np.log(coverage_beta(1e5, alpha=0.3, beta=2.0))
    assert minus_log == pytest.approx(0.03759231, abs=6e-9)
    assert coverage_gap(1e5, alpha=0.3, beta=2.0) == pytest.approx(0.03689467, abs=6e-9)


def test_scaled_beta_coverage():
    k = np.array([1, 100, 1e4])
    expected = [0.0041095890, 0.1908476738, 0.5799644898]
    values = {"alpha": 0.15, "beta": 3.5, "c": 0.1}
    np.testing.assert_allclose(coverage_scaled_beta(k, **values), expected, atol=6e-11)
    assert coverage_gap(1e4, **values) == pytest.approx(0.4201965527, abs=6e-11)
    assert coverage_scaled_beta(100.0, **values) == pytest.approx(expected[1], abs=6e-11)


def test_kumaraswamy_coverage():
    k = np.array([1, 100, 1e4])
    expected = [0.0026830977, 0.1418729628, 0.6248775518]
    values = {"alpha": 0.3, "beta": 5.0, "c": 0.2}
    np.testing.assert_allclose(coverage_kumaraswamy(k, **values), expected, atol=1e-8)
    # The mean of a Kumaraswamy variable in closed form: c beta B(1 + 1 / alpha, beta).
    log_beta = math.lgamma(1 + 1 / 0.3) + math.lgamma(5.0) - math.lgamma(6 + 1 / 0.3)
    one = coverage_kumaraswamy(1.0, **values)
    assert one == pytest.approx(0.2 * 5 * math.exp(log_beta), rel=1e-12)
    far = 1 - coverage_kumaraswamy(1e9, **values)
    assert far == pytest.approx(kumaraswamy_gap(1e9, **values), rel=1e-2)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 1.0, 4.0])
def test_families_agree_where_they_meet(alpha):
    """c = 1 is the Beta itself; with one shape equal to 1 Beta and Kumaraswamy are one."""
    k = np.array([1, 7, 300, 1e5])
    whole = coverage_scaled_beta(k, alpha=alpha, beta=2.0, c=1.0)
    np.testing.assert_allclose(whole, coverage_beta(k, alpha=alpha, beta=2.0), atol=2e-10)
    one = coverage_scaled_beta(k, alpha=alpha, beta=1.0, c=0.4)
    np.testing.assert_allclose(
        coverage_kumaraswamy(k, alpha=alpha, beta=1.0, c=0.4), one, atol=1e-11
    )


def test_local_exponent_of_the_gap_is_alpha():
    k = np.array([1e6, 1e8])
    gap = 1 - coverage_beta(k, alpha=0.3, beta=2.0)
    assert np.log(gap[0] / gap[1]) / np.log(100) == pytest.approx(0.3, abs=1e-5)


def test_likelihood_is_a_distribution_over_counts():
    c = np.arange(21)
    total = np.sum(np.exp(beta_binomial_log_likelihood(c, 20, alpha=0.3, beta=2.0)))
    assert total == pytest.approx(1.0, rel=1e-12)
    at_zero = beta_binomial_log_likelihood(0, 20, alpha=0.3, beta=2.0)
    assert np.exp(at_zero) == pytest.approx(1 - coverage_beta(20.0, alpha=0.3, beta=2.0))


def test_likelihood_finds_the_exponent_from_few_samples():
    """2000 problems, 20 attempts each: alpha of coverage at any k."""
    rng = np.random.default_rng(1)
    counts = rng.binomial(20, rng.beta(0.3, 2.0, size=2000))
    grid = np.linspace(0.1, 0.6, 51)[:, None]
    beta = np.linspace(0.5, 5.0, 46)[:, None, None]
    score = beta_binomial_log_likelihood(counts, 20, alpha=grid, beta=beta).sum(axis=-1)
    _, best = np.unravel_index(np.argmax(score), score.shape)
    assert grid[best, 0] == pytest.approx(0.3, abs=0.04)


def test_laws_are_listed_by_one_question():
    names = ("coverage_power", "coverage_beta", "coverage_scaled_beta", "coverage_kumaraswamy")
    assert len({laws.get(name).question for name in names}) == 1
