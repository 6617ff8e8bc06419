"""Weighted votes of recorded attempts: exact where all draws are counted, unbiased elsewhere."""

from itertools import combinations

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.plan.sampling.attempts import read_attempts
from isoflop.plan.sampling.voting import vote, vote_of_counts
from isoflop.plan.sampling.weighted import DRAWN, MOST, weighted_vote


def by_hand(answers, weights, k):
    """Return the share of all draws of k that answer 0 wins, ties split."""
    won = []
    for draw in combinations(range(len(answers)), k):
        score = {}
        for i in draw:
            score[answers[i]] = score.get(answers[i], 0.0) + weights[i]
        best = [a for a, s in score.items() if s == max(score.values())]
        won.append((0 in best) / len(best))
    return np.mean(won)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_every_draw_is_counted(k):
    answers = np.array([0, 1, 1, 2, 0, 2])
    weights = np.array([0.5, 0.25, 0.25, 0.5, 0.0, 1.0])  # ties and a vote without weight
    assert weighted_vote(answers, weights, k, 0) == pytest.approx(by_hand(answers, weights, k))


@pytest.mark.parametrize("k", [1, 3, 8, 12])
def test_equal_weights_are_a_majority(k):
    answers = np.repeat([0, 1, 2], [4, 5, 3])
    expected = vote_of_counts([4, 5, 3], k)
    assert weighted_vote(answers, np.full(12, 0.7), k, 0) == pytest.approx(expected, rel=1e-12)


def test_drawn_at_random_it_is_unbiased():
    """Tables of 20 attempts from known chances: their mean is the exact vote of 10 samples."""
    masses, levels = [0.35, 0.4, 0.25], [[0.2, 0.2, 0.6], [0.5, 0.4, 0.1], [0.6, 0.2, 0.2]]
    exact = vote(masses, 10, weights=levels)
    rng = np.random.default_rng(1)
    found = []
    for table in range(400):
        answers = rng.choice(3, size=20, p=masses)
        weights = np.array([rng.choice(3, p=levels[a]) for a in answers], dtype=float)
        found.append(weighted_vote(answers, weights, 10, [0, table]))
    assert abs(np.mean(found) - exact) < 4 * np.std(found) / 20
    assert exact - vote(masses, 10) > 0.2  # weights that know something, or nothing is tested


def test_more_draws_than_are_counted_stay_within_their_error():
    """19 of 20 draws of 4 lie near the exact value; all of them near each other for one seed."""
    rng = np.random.default_rng(2)
    answers, weights = rng.choice(4, size=14), rng.random(14)
    exact = by_hand(answers, weights, 5)  # 2,002 draws, above the limit
    assert MOST < 2002
    found = np.array([weighted_vote(answers, weights, 5, seed) for seed in range(40)])
    error = np.sqrt(exact * (1 - exact) / DRAWN)
    assert abs(found.mean() - exact) < 4 * error / np.sqrt(40)
    assert found[3] == weighted_vote(answers, weights, 5, 3)


def test_a_table_with_answers_and_scores():
    rows = {
        "problem": ["a"] * 4 + ["b"] * 3,
        "correct": [1, 0, 0, 0, 1, 1, 0],
        "answer": ["4", "5", "5", "6", "x", "y", "z"],
        "score": [0.9, 0.3, 0.3, 0.2, 0.1, 0.1, 0.9],
    }
    table = read_attempts(rows)[""]
    first = read_attempts({name: values[:4] for name, values in rows.items()})[""]
    assert first.weighted(4, 0) == 1.0  # 0.9 beats 0.6, where a majority is wrong
    assert first.majority(4) == 0.0
    with pytest.raises(InputError, match="4 samples out of 3"):
        table.weighted(4, 0)
    assert table.weighted(3, 0).tolist() == [
        pytest.approx(by_hand([0, 1, 1, 2], rows["score"][:4], 3)),
        0.0,
    ]
    negative = read_attempts({**rows, "score": [-1.0, *rows["score"][1:]]})[""]
    with pytest.raises(InputError, match="-1, the lowest score"):
        negative.weighted(1, 0)
    plain = read_attempts({name: rows[name] for name in ("problem", "correct", "answer")})[""]
    with pytest.raises(InputError, match="answers and the scores"):
        plain.weighted(1, 0)
