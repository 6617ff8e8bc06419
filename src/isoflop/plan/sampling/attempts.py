"""A table of problems and attempts: how often each problem was solved, and by which answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.coverage import pass_at_k
from isoflop.plan.sampling.voting import vote_of_counts
from isoflop.plan.sampling.weighted import weighted_vote

_YES = {"1", "1.0", "true", "yes", "t", "y", "correct", "right"}
_NO = {"0", "0.0", "false", "no", "f", "n", "wrong", "incorrect"}
#: What each column is called unless `columns` says otherwise.
NAMES = ("problem", "correct", "n", "c", "answer", "score")


@dataclass(frozen=True)
class Attempts:
    """Attempts at problems by one model.

    Args:
        problems: names [problem].
        n: attempts at each [problem]; c: successes among them [problem].
        answers: for each problem, attempts by answer, those that are right added up first
            [answer]; None if answers were not recorded.
        ranked: for each problem, whether each attempt is right, and its score [attempt, 2];
            None if scores were not recorded.
        said: for each problem, the answer of each attempt, 0 for what is right [attempt]; None
            if answers were not recorded.
    """

    problems: tuple[str, ...]
    n: np.ndarray
    c: np.ndarray
    answers: tuple[np.ndarray, ...] | None = None
    ranked: tuple[np.ndarray, ...] | None = None
    said: tuple[np.ndarray, ...] | None = None

    @cached_property
    def fewest(self) -> int:
        """Attempts at the problem with the fewest; estimates without bias end there."""
        return int(self.n.min())

    def coverage(self, k: int) -> np.ndarray:
        """Return unbiased pass@k of each problem [problem]."""
        return np.asarray(pass_at_k(self.n, self.c, k))

    def majority(self, k: int) -> np.ndarray:
        """Return the unbiased accuracy of a majority vote of k attempts at each problem.

        Raises:
            InputError: answers were not recorded.
        """
        if self.answers is None:
            raise InputError("votes need the answers.", do="Add a column `answer`.")
        return np.array([vote_of_counts(counts, k) for counts in self.answers])

    def best(self, k: int) -> np.ndarray:
        """Return the unbiased accuracy of the best-scored of k attempts at each problem.

        Raises:
            InputError: scores were not recorded.
        """
        if self.ranked is None:
            raise InputError("best-of-n needs scores.", do="Add a column `score`.")
        return np.array([_best_of(rows, k) for rows in self.ranked])

    @cached_property
    def votes(self) -> str:
        """Why scores cannot weigh votes; empty if they can."""
        if self.said is None or self.ranked is None:
            return "weighted votes need the answers and the scores"
        lowest = min(float(rows[:, 1].min()) for rows in self.ranked)
        return f"a vote cannot weigh {lowest:g}, the lowest score" if lowest < 0 else ""

    def weighted(self, k: int, seed: int) -> np.ndarray:
        """Return the unbiased accuracy of a vote of k attempts weighted by their scores.

        Args:
            k: attempts that vote; seed: of the draws (`weighted_vote`).

        Raises:
            InputError: answers or scores were not recorded, or a score is negative.
        """
        if self.votes or self.said is None or self.ranked is None:
            raise InputError(
                f"{self.votes}.", do="Give columns `answer` and `score`, scores of zero or more."
            )
        pairs = enumerate(zip(self.said, self.ranked, strict=True))
        return np.array(
            [weighted_vote(said, rows[:, 1], k, [seed, p]) for p, (said, rows) in pairs]
        )


def read_attempts(
    source: Any, *, columns: Mapping[str, str] | None = None, by: str | None = None
) -> dict[str, Attempts]:
    """Read attempts from a table.

    Either one row an attempt (`problem`, `correct`, and if recorded `answer` and `score`), or
    one row a problem (`problem`, `n` attempts, `c` successes).

    Args:
        source: path of a CSV or JSON lines file, or a mapping of columns.
        columns: name in the table by the name used here.
        by: column whose labels tell models apart.

    Returns:
        Attempts by label of `by`, in the order of the table; one entry "" without `by`.

    Raises:
        InputError: a column is missing or holds what it cannot mean.
    """
    if isinstance(source, str | Path):
        from isoflop.runs.readers import read

        source = read(source)
    if not isinstance(source, Mapping):
        raise InputError(
            f"attempts come as a file or a mapping of columns, not {type(source).__name__}."
        )
    table = {str(name): np.asarray(values) for name, values in source.items()}
    given = dict(columns or {})
    for name, column in given.items():
        if name not in NAMES or column not in table:
            raise _no_column(column if name in NAMES else name, table)
    found = {name: table[given.get(name, name)] for name in NAMES if given.get(name, name) in table}
    if by is not None and by not in table:
        raise _no_column(by, table)
    if "problem" not in found or not ("correct" in found or {"n", "c"} <= found.keys()):
        raise InputError(
            f"the table has columns {', '.join(table)}.",
            "It needs problem and correct (a row an attempt), or problem, n and c.",
            "Name them:  --column problem=task_id --column correct=passed",
        )
    labels = np.array([""] * len(found["problem"])) if by is None else table[by].astype(str)
    build = _from_rows if "correct" in found else _from_counts
    return {
        str(label): build({name: values[labels == label] for name, values in found.items()})
        for label in dict.fromkeys(labels.tolist())
    }


def _from_counts(table: dict[str, np.ndarray]) -> Attempts:
    problems = table["problem"].astype(str)
    names, rows = np.unique(problems, return_counts=True)
    if rows.max(initial=0) > 1:
        raise InputError(
            f"problem `{names[np.argmax(rows)]}` has more than one row with n and c.",
            "It is unclear whether they are the same attempts.",
            "Add them up, or name the column that tells models apart:  --by model",
        )
    n, c = (_whole(table[name], name) for name in ("n", "c"))
    wrong = np.flatnonzero((n < 1) | (c < 0) | (c > n))
    if len(wrong):
        k = wrong[0]
        raise InputError(
            f"problem `{problems[k]}` has {c[k]} successes in {n[k]} attempts.",
            "Successes lie between zero and the attempts, of which there is at least one.",
        )
    return Attempts(tuple(problems.tolist()), n, c)


def _from_rows(table: dict[str, np.ndarray]) -> Attempts:
    problems = table["problem"].astype(str)
    names = list(dict.fromkeys(problems.tolist()))
    place = {name: k for k, name in enumerate(names)}
    index = np.array([place[name] for name in problems])
    right = _truth(table["correct"])
    n = np.bincount(index, minlength=len(names))
    c = np.bincount(index, weights=right, minlength=len(names)).astype(int)
    rows = np.split(np.argsort(index, kind="stable"), np.cumsum(n)[:-1])
    answers = ranked = said = None
    if "answer" in table:
        words = table["answer"].astype(str)
        said = tuple(_said(words[row], right[row], names[k]) for k, row in enumerate(rows))
        answers = tuple(np.bincount(codes, minlength=1) for codes in said)
    if "score" in table:
        scores = _numbers(table["score"], "score")
        ranked = tuple(np.column_stack([right[row], scores[row]]) for row in rows)
    return Attempts(tuple(names), n, c, answers, ranked, said)


def _said(words: np.ndarray, right: np.ndarray, problem: str) -> np.ndarray:
    """Return each attempt's answer as a number, 0 for what is right however it is spelled."""
    wrong = words[~right]
    both = set(wrong.tolist()) & set(words[right].tolist())
    if both:
        raise InputError(
            f"answer `{min(both)}` of problem `{problem}` is right in one row, wrong in another.",
            "A vote cannot tell them apart.",
        )
    codes = np.zeros(len(words), dtype=int)
    codes[~right] = 1 + np.unique(wrong, return_inverse=True)[1]
    return codes


def _best_of(rows: np.ndarray, k: int) -> float:
    """Return the chance that the best-scored of k attempts drawn from these is right.

    The attempt of rank j from below is the best of k with probability C(j - 1, k - 1) / C(n, k);
    equal scores share theirs.
    """
    order = np.argsort(rows[:, 1], kind="stable")
    right, scores = rows[order, 0], rows[order, 1]
    n = len(right)
    # C(j, k) / C(n, k): all k lie among the j lowest.
    share = 1.0 - np.asarray(pass_at_k(n, n - np.arange(n + 1), k))
    lead = np.diff(share)
    _, group = np.unique(scores, return_inverse=True)
    total, size = np.bincount(group, weights=lead), np.bincount(group)
    return float(np.sum(total / size * np.bincount(group, weights=right)))


def _truth(values: np.ndarray) -> np.ndarray:
    texts = [str(value).strip().lower() for value in values.tolist()]
    for row, text in enumerate(texts, start=1):
        if text not in _YES | _NO:
            raise InputError(
                f"`correct` is `{text}` in row {row}.",
                "An attempt is right or wrong.",
                "Write 1 or 0, true or false; for scores use a column `score`.",
            )
    return np.array([text in _YES for text in texts])


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    try:
        found = values.astype(float)
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if not np.isfinite(found).all():
        raise InputError(f"`{name}` holds values that are not numbers.")
    return found


def _whole(values: np.ndarray, name: str) -> np.ndarray:
    found = _numbers(values, name)
    odd = np.flatnonzero(found != np.round(found))
    if len(odd):
        raise InputError(f"`{name}` = {found[odd[0]]:g} is not a whole number.")
    return found.astype(int)


def _no_column(name: str, table: Mapping[str, Any]) -> InputError:
    return InputError(
        f"there is no column `{name}`; the table has {', '.join(table)}.",
        do=f"Columns that can be named: {', '.join(NAMES)}.",
    )
