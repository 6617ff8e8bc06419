"""Votes: against enumeration of every outcome, and without bias from counts."""

from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.plan.sampling.voting import vote, vote_limit, vote_of_counts


def winner(scores, votes):
    """Chance that answer 0 wins: an even share among the best of those with a vote."""
    best = max(s for s, v in zip(scores, votes, strict=True) if v)
    tied = [a for a, (s, v) in enumerate(zip(scores, votes, strict=True)) if v and s == best]
    return (0 in tied) / len(tied)


def by_enumeration(masses, n, weights=None):
    """Sum over every sequence of n votes and their weights."""
    levels = weights or [[0.0, 1.0]] * len(masses)
    single = [
        (answer, level, mass * chance)
        for answer, mass in enumerate(masses)
        for level, chance in enumerate(levels[answer])
        if chance
    ]
    total = 0.0
    for outcome in product(single, repeat=n):
        scores, votes = [0] * len(masses), [0] * len(masses)
        for answer, level, _ in outcome:
            scores[answer] += level
            votes[answer] += 1
        total += np.prod([chance for *_, chance in outcome]) * winner(scores, votes)
    return total


@settings(max_examples=25)
@given(
    raw=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4).filter(lambda x: sum(x) > 0.1),
    n=st.integers(1, 6),
)
def test_majority_equals_enumeration(raw, n):
    masses = (np.array(raw) / sum(raw)).tolist()
    assert vote(masses, n) == pytest.approx(by_enumeration(masses, n), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_weighted_vote_equals_enumeration(n):
    masses = (0.35, 0.4, 0.25)
    weights = [[0.1, 0.3, 0.6], [0.5, 0.4, 0.1], [0.4, 0.2, 0.4]]
    assert vote(masses, n, weights=weights) == pytest.approx(
        by_enumeration(masses, n, weights), abs=1e-12
    )


def test_equal_weights_are_a_majority():
    doubled = [[0.0, 0.0, 1.0]] * 3
    assert vote((0.4, 0.35, 0.25), 9, weights=doubled) == pytest.approx(
        vote((0.4, 0.35, 0.25), 9), abs=1e-12
    )


def test_a_reward_that_knows_better_lifts_the_limit():
    masses, weights = (0.35, 0.4, 0.25), [[0.2, 0.8], [0.6, 0.4], [0.6, 0.4]]
    assert vote_limit(masses) == 0
    assert vote_limit(masses, mean_weights=(0.8, 0.4, 0.4)) == 1
    values = [vote(masses, n, weights=weights) for n in (1, 11, 51)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.35)


@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(lambda x: sum(x) > 0),
    data=st.data(),
)
def test_vote_of_counts_equals_all_subsets(counts, data):
    n = data.draw(st.integers(1, sum(counts)))
    pool = [answer for answer, count in enumerate(counts) for _ in range(count)]
    subsets = list(combinations(range(len(pool)), n))
    total = 0.0
    for rows in subsets:
        votes = np.bincount([pool[row] for row in rows], minlength=len(counts))
        total += winner(votes, votes)
    assert vote_of_counts(counts, n) == pytest.approx(total / len(subsets), abs=1e-12)


def test_vote_of_counts_is_unbiased():
    """Its mean over all multinomial outcomes is the accuracy of a vote of fresh samples."""
    p, m, n = (0.5, 0.3, 0.2), 7, 4
    mean = 0.0
    for a in range(m + 1):
        for b in range(m + 1 - a):
            counts = (a, b, m - a - b)
            chance = comb(m, a) * comb(m - a, b) * np.prod(np.power(p, counts))
            mean += chance * vote_of_counts(counts, n)
    assert mean == pytest.approx(vote(p, n), abs=1e-12)


def test_certain_and_impossible_answers():
    assert vote((1.0,), 5) == pytest.approx(1.0)
    assert vote((1.0, 0.0), 5) == pytest.approx(1.0)
    assert vote((0.0, 1.0), 5) == 0.0
    assert vote_of_counts((0, 3), 2) == 0.0
    assert vote_of_counts((3, 0, 0), 2) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("masses", "n", "weights", "words"),
    [
        ((0.5, 0.4), 3, None, "add up to 0.9"),
        ((1.5, -0.5), 3, None, "zero and more"),
        ((), 3, None, "zero and more"),
        ((0.5, 0.5), 0, None, "at least one"),
        ((0.5, 0.5), 3, [[0.0, 1.0]], "for 2 answers"),
        ((0.5, 0.5), 3, [[0.5, 0.6], [0.0, 1.0]], "add up to 1.1"),
    ],
)
def test_bad_votes(masses, n, weights, words):
    with pytest.raises(InputError, match=words):
        vote(masses, n, weights=weights)


@pytest.mark.parametrize("n", [0, 5])
def test_no_more_votes_than_samples(n):
    with pytest.raises(InputError, match="out of 4"):
        vote_of_counts((2, 2), n)
