"""Tables of attempts: what is read, what is refused, and unbiased numbers from them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.plan.sampling.attempts import read_attempts

ROWS = {
    "problem": ["a", "a", "a", "b", "b", "b"],
    "correct": ["true", "0", "False", 1, 1, "no"],
    "answer": ["4", "5", "5", "x", "y", "z"],
    "score": [0.3, 0.9, 0.3, 2.0, 1.0, 1.0],
}


def test_rows_become_counts():
    table = read_attempts(ROWS)[""]
    assert table.problems == ("a", "b")
    assert table.n.tolist() == [3, 3]
    assert table.c.tolist() == [1, 2]
    # Right answers count as one: two spellings of it do not split the vote.
    assert [sorted(x.tolist()) for x in table.answers] == [[1, 2], [1, 2]]
    assert table.answers[0][0] == 1
    assert table.answers[1][0] == 2


@pytest.mark.parametrize("k", [1, 2, 3])
def test_best_of_k_equals_all_subsets(k):
    table = read_attempts(ROWS)[""]
    for problem, rows in enumerate(table.ranked):
        total = []
        for subset in combinations(range(3), k):
            scores = rows[list(subset), 1]
            total.append(rows[list(subset), 0][scores == scores.max()].mean())
        assert table.best(k)[problem] == pytest.approx(np.mean(total))


def test_counts_of_two_models():
    table = {
        "task": ["p", "q", "p", "q"],
        "n": [10, 10, 4, 5],
        "c": [3, 0, 4, 1],
        "model": ["small", "small", "large", "large"],
    }
    found = read_attempts(table, columns={"problem": "task"}, by="model")
    assert list(found) == ["small", "large"]
    assert found["large"].c.tolist() == [4, 1]
    assert found["large"].fewest == 4
    assert found["small"].coverage(1) == pytest.approx([0.3, 0.0])


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_files(tmp_path, suffix):
    path = tmp_path / f"attempts.{suffix}"
    if suffix == "csv":
        path.write_text("problem,correct\na,1\na,0\nb,0\n")
    else:
        path.write_text(
            '{"problem": "a", "correct": true}\n{"problem": "a", "correct": false}\n'
            '{"problem": "b", "correct": false}\n'
        )
    table = read_attempts(path)[""]
    assert (table.n.tolist(), table.c.tolist()) == ([2, 1], [1, 0])


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ({"task": ["a"], "correct": [1]}, {}, "columns task, correct"),
        ({"problem": ["a"]}, {}, "needs problem and correct"),
        ({"problem": ["a"], "correct": [0.5]}, {}, "`correct` is `0.5` in row 1"),
        ({"problem": ["a"], "n": [3], "c": [4]}, {}, "4 successes in 3 attempts"),
        ({"problem": ["a"], "n": [0], "c": [0]}, {}, "0 successes in 0 attempts"),
        ({"problem": ["a"], "n": [2.5], "c": [1]}, {}, "not a whole number"),
        ({"problem": ["a"], "n": ["many"], "c": [1]}, {}, "not numbers"),
        ({"problem": ["a", "a"], "n": [3, 3], "c": [1, 1]}, {}, "more than one row"),
        ({"problem": ["a"], "correct": [1]}, {"by": "model"}, "no column `model`"),
        ({"problem": ["a"], "correct": [1]}, {"columns": {"n": "k"}}, "no column `k`"),
        ({"problem": ["a"], "correct": [1]}, {"columns": {"x": "problem"}}, "no column `x`"),
        (
            {"problem": ["a", "a"], "correct": [1, 0], "answer": ["4", "4"]},
            {},
            "right in one row, wrong in another",
        ),
        ({"problem": ["a"], "correct": [1], "score": ["good"]}, {}, "not numbers"),
        (3, {}, "mapping of columns"),
    ],
)
def test_bad_tables(table, options, words):
    with pytest.raises(InputError, match=words):
        read_attempts(table, **options)


def test_votes_and_scores_need_their_columns():
    table = read_attempts({"problem": ["a"], "correct": [1]})[""]
    with pytest.raises(InputError, match="answers"):
        table.majority(1)
    with pytest.raises(InputError, match="scores"):
        table.best(1)
