"""A small model sampled often against a larger one sampled once."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.laws.coverage import coverage_power, samples_for
from isoflop.plan.sampling.trade import trade
from isoflop.plan.sampling.verifier import Scorer

SETS = {"small": "monkeys-8b-math", "large": "monkeys-70b-math"}


def published(scale=8.8, ratio=1.0):
    return trade(
        law="coverage_power", constants=list(SETS.values()), scale=scale, ratio=ratio, **SETS
    )


def test_published_curves():
    found = published()
    constants = {key: coverage_power.constants(name) for key, name in SETS.items()}
    assert found.multiple == pytest.approx(8.8 + 3 * 7.8)
    assert found.samples == 32
    assert found.small_accuracy.estimate == pytest.approx(
        coverage_power(32.0, **constants["small"])
    )
    one = coverage_power(1.0, **constants["large"])
    assert found.large_accuracy.estimate == pytest.approx(one)
    needed = samples_for(one, **constants["small"])
    assert needed < 8.8  # fewer samples than the scale: better whatever the ratio
    assert found.even_ratio is None
    assert found.small_share is None


def test_even_ratio_is_where_the_two_are_alike():
    found = published(scale=1.5, ratio=5.0)
    again = published(scale=1.5, ratio=found.even_ratio)
    needed = samples_for(
        found.large_accuracy.estimate, **coverage_power.constants("monkeys-8b-math")
    )
    assert again.multiple == pytest.approx(needed, rel=1e-9)
    assert again.samples == int(needed)


def table():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 2.0, size=80)
    c = np.concatenate([rng.binomial(20, p), rng.binomial(20, p**0.3)])
    names = [f"p{k}" for k in range(80)]
    return {"problem": names * 2, "n": np.full(160, 20), "c": c, "model": np.repeat(["S", "L"], 80)}


def test_a_table_gives_intervals_and_a_share():
    options = {"small": "S", "large": "L", "by": "model", "bootstrap": 100}
    rare = trade(table(), scale=4, ratio=0.1, **options)
    often = trade(table(), scale=4, ratio=100, **options)
    assert rare.samples > often.samples >= 4
    assert rare.small_accuracy.estimate > often.small_accuracy.estimate
    assert rare.small_share >= often.small_share
    judged = trade(
        table(), scale=4, ratio=0.1, selector="verifier", verifier=Scorer(auc=0.7), **options
    )
    assert judged.small_accuracy.estimate < rare.small_accuracy.estimate
    assert judged.even_ratio is None


def test_an_unknown_model():
    with pytest.raises(InputError, match="no model `XL`; there is S, L"):
        trade(table(), scale=4, ratio=1, small="S", large="XL", by="model")
