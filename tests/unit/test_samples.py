import msgspec
import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.samples import Estimate, concatenate, interval, median, summarise


def test_interval_is_the_quantiles_of_the_samples():
    values = np.random.default_rng(0).normal(size=1001)
    found = summarise(0.1, values, 0.9)
    assert found.estimate == 0.1
    assert found.interval == pytest.approx(tuple(np.quantile(values, [0.05, 0.95])), rel=1e-14)
    assert (found.level, found.samples) == (0.9, 1001)


def test_without_samples_there_is_no_interval():
    assert summarise(2.0, None) == Estimate(2.0, None, None, 0)


def test_infinite_and_undefined_samples_open_the_interval():
    values = np.arange(100.0)
    values[90:] = np.inf
    assert summarise(1.0, values).interval == (pytest.approx(4.95), None)
    values[90:] = np.nan
    assert summarise(1.0, values).interval == (None, None)


def test_intervals_keep_the_other_axes():
    values = np.random.default_rng(0).normal(size=(50, 3, 2))
    lower, upper = interval(values, 0.5)
    assert lower.shape == upper.shape == (3, 2)
    assert np.allclose(lower, np.quantile(values, 0.25, axis=0))


def test_an_estimate_is_json_both_ways():
    found = Estimate(1.0, (0.5, None), 0.9, 10)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Estimate) == found


@pytest.mark.parametrize("level", [0.0, 1.0, 90, float("nan")])
def test_a_level_is_a_probability(level):
    with pytest.raises(InputError, match="level"):
        summarise(1.0, np.arange(3.0), level)


def test_mixtures_follow_their_weights():
    mixed = concatenate([np.zeros(1000), np.ones(10)], [3, 1], size=100)
    assert mixed.sum() == 25
    values = np.arange(7.0)
    assert sorted(concatenate([values], size=7)) == list(values)
    with pytest.raises(InputError, match="weights"):
        concatenate([values], [0.0])


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_median_is_numpys(count):
    values = np.random.default_rng(count).standard_normal(count)
    assert median(values) == np.median(values)
