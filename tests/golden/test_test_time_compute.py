"""Cards A4 and A5: majority voting, REBASE allocation, exchange of training and inference."""

from __future__ import annotations

import pytest

from isoflop.plan.sampling.exchange import exchange, training_share
from isoflop.plan.sampling.rebase import rebase, rebase_shares
from isoflop.plan.sampling.voting import vote, vote_limit, vote_rate

RIGHT, WRONG = (0.40, 0.35, 0.25), (0.35, 0.40, 0.25)


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, 0.4),
        (3, 0.422),
        (5, 0.44344),
        (11, 0.4933123391),
        (51, 0.6355956602),
        (201, 0.7929049469),
    ],
)
def test_majority_of_a_right_mode(n, expected):
    # The card's value at n = 51 is 6.8e-11 above the sum in exact fractions, 0.63559566013201.
    assert vote(RIGHT, n) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("n", "expected"), [(1, 0.35), (11, 0.3560076082), (101, 0.2763581832)])
def test_majority_of_a_wrong_mode(n, expected):
    """Not monotone in n, and without a chance in the limit."""
    assert vote(WRONG, n) == pytest.approx(expected, abs=6e-11)
    assert vote_limit(WRONG) == 0


def test_limits_and_rate():
    assert vote_limit(RIGHT) == 1
    assert vote_limit((0.4, 0.4, 0.2)) == 0.5
    assert vote_limit(WRONG, mean_weights=(0.9, 0.5, 0.5)) == 1
    assert vote_rate(RIGHT) == pytest.approx(1.00167, abs=6e-6)
    for n in (11, 51, 201):
        assert 1 - vote((0.6, 0.4), n) <= vote_rate((0.6, 0.4)) ** -n


REWARDS = (0.9, 0.7, 0.5, 0.3)


def test_rebase():
    expected = (0.64391426, 0.23688282, 0.08714432, 0.03205860)
    assert rebase_shares(REWARDS) == pytest.approx(expected, abs=6e-9)
    assert rebase(REWARDS, 16, rounding="round") == [10, 4, 1, 1]
    assert rebase(REWARDS, 16) == [11, 4, 1, 0]
    assert rebase((0.5, 0.5, 0.5), 4, rounding="round") == [1, 1, 1]
    assert rebase((0.5, 0.5, 0.5), 4) == [2, 1, 1]


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.16, 257.75), (0.79, 63.3670886), (22, 15.7727273)]
)
def test_exchange_of_training_and_inference(ratio, expected):
    assert exchange(14, ratio) == pytest.approx(expected, abs=6e-8)


def test_exchange_balances_the_flops():
    """Small model with more inference costs what the large one costs in all."""
    N, scale, trained, generated = 1e9, 14.0, 2e10, 5e9
    more = exchange(scale, generated / trained)
    small = 6 * N * trained + 2 * N * generated * more
    assert small == pytest.approx(scale * (6 * N * trained + 2 * N * generated))


def test_training_share():
    assert training_share(1.0, 1.0) == 0.5
    assert training_share(1.0, 3.0) == 0.75
