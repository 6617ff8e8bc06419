"""Invariants of test-time compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.plan.sampling.exchange import exchange
from isoflop.plan.sampling.rebase import rebase, rebase_shares
from isoflop.plan.sampling.verifier import Scorer

REWARDS = st.lists(st.floats(-5, 5), min_size=1, max_size=40)


@given(rewards=REWARDS, width=st.integers(1, 500), temperature=st.floats(0.05, 10))
def test_rebase_spends_the_width(rewards, width, temperature):
    found = rebase(rewards, width, temperature=temperature)
    assert sum(found) == width
    assert all(x >= 0 for x in found)
    assert sum(rebase_shares(rewards, temperature)) == pytest.approx(1.0)


@given(rewards=REWARDS, width=st.integers(1, 500))
def test_rounding_is_off_by_half_a_sample_a_node_at_most(rewards, width):
    found = rebase(rewards, width, rounding="round")
    shares = np.array(rebase_shares(rewards)) * width
    assert np.abs(np.array(found) - shares).max() <= 0.5 + 1e-9


@given(rewards=REWARDS, width=st.integers(1, 100))
def test_a_better_node_never_gets_fewer(rewards, width):
    order = np.argsort(-np.array(rewards), kind="stable")
    rounded = np.array(rebase(rewards, width, rounding="round"))[order]
    assert np.all(np.diff(rounded) <= 0)


@given(scale=st.floats(1.01, 1e3), ratio=st.floats(1e-3, 1e3))
def test_the_exchange_is_worth_at_least_the_scale(scale, ratio):
    assert exchange(scale, ratio) > scale
    assert exchange(scale, ratio) > exchange(scale, ratio * 1.1)


@given(p=st.floats(0.01, 0.99), auc=st.floats(0.5, 0.99), n=st.integers(1, 200))
def test_a_verifier_above_chance_helps_and_stays_below_coverage(p, auc, n):
    found = float(Scorer(auc=auc).accuracy(p, n))
    assert p - 1e-6 <= found <= 1 - (1 - p) ** n + 1e-6
