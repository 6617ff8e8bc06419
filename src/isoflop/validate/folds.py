"""Parts of the training rows that are predicted from the others, within each group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.samples import median
from isoflop.validate.split import groups_of, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable

#: Largest sizes of a group that are each predicted from the smaller ones, and random parts.
ORIGINS, RANDOM = 3, 5
#: Sizes that a rolling origin needs (two are fitted, one is predicted), and bins of values that
#: are not told apart by their ratio.
FEWEST_SIZES, BINS = 3, 8
KINDS = ("rolling", "random")


@dataclass(frozen=True)
class Part:
    """Rows that are fitted and rows that are predicted, masks [run] within one group."""

    train: np.ndarray
    test: np.ndarray


def labels_of(table: RunTable, group: str) -> np.ndarray:
    """Return each run's label as text, [run]; "" for all without a column of labels."""
    if not group:
        return np.full(len(table), "", dtype=object)
    return np.asarray(table[group]).astype(str).astype(object)


def rank_correlation(x: np.ndarray, y: np.ndarray, labels: np.ndarray) -> float:
    """Return the correlation of ranks of two columns [run] within groups, the median of them.

    Equal values have one rank; runs without a number are left out; 0 where nothing varies.
    """
    found = []
    for label in dict.fromkeys(labels):
        mine = (labels == label) & np.isfinite(x) & np.isfinite(y)
        a, b = (np.unique(z[mine], return_inverse=True)[1] for z in (x, y))
        if mine.any() and min(a.max(), b.max()) > 0:
            a, b = a - a.mean(), b - b.mean()
            found.append(float(a @ b / np.sqrt((a @ a) * (b @ b))))
    return median(np.array(found)) if found else 0.0


def parts_of(
    rows: RunTable, laws: Sequence[Law], *, group: str, along: str, folds: str, seed: int
) -> tuple[list[Part], str]:
    """Return the parts of all groups and the column along which they lie ("" if random).

    Where there is one part along the column alone, it would be predicted from two sizes, which
    cannot tell a bend from a slope; then parts are drawn at random.

    Args:
        rows: training rows; laws: whose parameters must find enough runs in what is fitted.
        group, along, folds, seed: see `isoflop.validate.select.select`.

    Raises:
        InputError: if `folds` is not known, sizes are not positive, or no part can be made.
    """
    if folds not in KINDS:
        raise InputError(f"`{folds}` is not a kind of folds.", do=f"Choose {' or '.join(KINDS)}.")
    labels = labels_of(rows, group)
    masks = [labels == label for label in dict.fromkeys(labels)]
    # One run more than parameters: with as many, every law fits exactly.
    least = max(len(law.parameters) for law in laws) + 1
    values = np.zeros(len(rows))
    if folds == "random":
        column, found = "", [x for k, m in enumerate(masks) for x in _random(m, [seed, 17, k])]
    else:
        column, values = _sizes(rows, laws, along)
        found = [x for mask in masks for x in _rolling(mask, values)]
        if len(found) == 1:
            column, found = "", list(_random(masks[0], [seed, 17, 0]))
    found = [part for part in found if part.train.sum() >= least]
    if not found and folds == "rolling":
        most = max(len(np.unique(_steps(values[mask]))) for mask in masks)
        if most < FEWEST_SIZES:
            raise InputError(
                f"`{column}` has {most} sizes in the training rows of a group, and no more.",
                f"A rolling origin fits two and predicts the next: it needs {FEWEST_SIZES}.",
                "Roll along another column (along='D', --along D), or take random folds.",
            )
    if not found:
        raise InputError(
            f"no part of {len(rows)} runs in {len(masks)} groups leaves the {least} runs that the"
            " laws need.",
            "Laws are compared on training rows that they were not fitted to.",
            "Take laws with fewer parameters, or folds='random' if sizes are few.",
        )
    return found, column


def _sizes(rows: RunTable, laws: Sequence[Law], along: str) -> tuple[str, np.ndarray]:
    if not along:
        size = size_of(rows, laws)
        along, values = size.name, size.values
    else:
        rows.require(along)
        values = np.asarray(rows[along], dtype=float)
    if not along:
        raise InputError(
            "no input is positive in every run.",
            "A rolling origin needs runs that are larger than others.",
            "Name the column that is extended (along='D'), or take folds='random'.",
        )
    if not np.all(np.isfinite(values)):
        raise InputError(f"`{along}` is not a number in every run.", do="Leave these runs out.")
    return along, values


def _rolling(mask: np.ndarray, values: np.ndarray) -> Iterator[Part]:
    """Yield the last origins of a group: at least two sizes are fitted, the next is predicted."""
    rows = np.flatnonzero(mask)
    size = np.full(len(mask), -1)
    size[rows] = _steps(values[rows])
    for k in np.unique(size[rows])[2:][-ORIGINS:]:
        yield Part(mask & (size < k), mask & (size == k))


def _steps(values: np.ndarray) -> np.ndarray:
    """Return the number of each run's size, ascending, [run].

    Sizes as `groups_of` tells them; where it tells fewer than three apart, since the values are
    logarithms already or span little, those that differ, or eight equal bins of them.
    """
    found = groups_of(values) if np.all(values > 0) else np.zeros(len(values), dtype=int)
    if len(np.unique(found)) >= FEWEST_SIZES:
        return found
    distinct, found = np.unique(values, return_inverse=True)
    if len(distinct) <= BINS:
        return found
    edges = np.linspace(values.min(), values.max(), BINS + 1)[1:-1]
    return np.unique(np.digitize(values, edges), return_inverse=True)[1]


def _random(mask: np.ndarray, seed: Sequence[int]) -> Iterator[Part]:
    rows = np.flatnonzero(mask)
    order = np.random.default_rng(list(seed)).permutation(rows)
    for chosen in np.array_split(order, min(RANDOM, len(order))):
        test = np.isin(np.arange(len(mask)), chosen)
        yield Part(mask & ~test, test)
