"""Curves of one run inform each other, by their training rows only."""

from typing import Any

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.fit.forecast import forecast, forecast_table
from isoflop.fit.forecast.kin import TrainingRows, drift_of, forecast_beside_kin
from isoflop.fit.forecast.priors import PRIORS
from isoflop.runs.table import RunTable

LAST = 1e8
NEAR = np.geomspace(1e6, LAST, 20)
BEYOND = np.geomspace(1.05 * LAST, 2 * LAST, 6)
LONG = np.concatenate([NEAR, BEYOND])


def law(x, floor=0.2):
    return floor + 200 * x**-0.4


def kin_of(turn: float, name: str = "kin", rows=LONG):
    """A curve that leaves its law by a power of x beyond LAST."""
    return TrainingRows(name, rows, law(rows, 0.3) * np.maximum(rows / LAST, 1.0) ** turn)


def test_a_turn_beyond_the_last_row_is_measured():
    for turn in (-0.2, 0.0, 0.1):
        found = drift_of([kin_of(turn)], LAST, 2 * LAST, PRIORS)
        assert found is not None
        # The forecast of the law itself misses by up to two per cent over ln 2: 0.03.
        assert found.slope == pytest.approx(turn, abs=0.03)
        assert found.until == pytest.approx(np.log(2))
        assert found.names == ("kin",)


def test_a_share_of_the_turn_is_added_to_samples_and_curves_and_said():
    curve = TrainingRows("short", NEAR, law(NEAR))
    alone = forecast(NEAR, law(NEAR), BEYOND, samples=200)
    beside = forecast_beside_kin(curve, BEYOND, [kin_of(-0.2)], samples=200)
    drift = drift_of([kin_of(-0.2)], alone.last, float(BEYOND.max()), PRIORS)
    assert drift is not None
    change = PRIORS.kin_share * drift.slope * np.log(BEYOND / LAST)
    np.testing.assert_allclose(beside.samples, alone.samples * np.exp(change), rtol=1e-12)
    np.testing.assert_allclose(beside.median(), alone.median() * np.exp(change), rtol=1e-12)
    assert "kin" in beside.notes[-1]
    assert "% at the farthest x" in beside.notes[-1]


def test_it_is_carried_no_farther_than_it_was_seen():
    curve = TrainingRows("short", NEAR, law(NEAR))
    at = np.array([2 * LAST, 2.2 * LAST])
    alone = forecast(NEAR, law(NEAR), at, samples=200).median()
    moved = forecast_beside_kin(curve, at, [kin_of(-0.2)], samples=200).median() / alone
    assert moved[0] < 1
    assert moved[1] == pytest.approx(moved[0], rel=1e-12)


@pytest.mark.parametrize(
    "kin",
    [
        [],
        [kin_of(-0.2, rows=NEAR)],  # ends where the curve ends
        [kin_of(-0.2, rows=LONG[:-2])],  # ends well before the farthest place
        [kin_of(-0.2, rows=LONG[17:])],  # three rows before, too few for a forecast
        [TrainingRows("bad", LONG, np.where(LONG > LAST, -1.0, law(LONG)))],
    ],
)
def test_kin_that_cannot_tell_change_nothing(kin):
    curve = TrainingRows("short", NEAR, law(NEAR))
    found = forecast_beside_kin(curve, BEYOND, kin, samples=200)
    np.testing.assert_array_equal(
        found.samples, forecast(NEAR, law(NEAR), BEYOND, samples=200).samples
    )
    assert not any("of this run" in note for note in found.notes)


def table(run: str = "model", hidden: float = 1.0, runs: tuple[str, str] = ("r", "r")) -> RunTable:
    """A short curve and a longer one; of both the test rows are multiplied by `hidden`."""
    kin = kin_of(-0.2)
    x = np.concatenate([LONG[:-1], LONG])
    train = x <= np.repeat([LAST, BEYOND[-2]], [25, 26])
    y = np.concatenate([law(LONG[:-1]), kin.y])
    return RunTable.from_columns(
        {
            "curve": np.repeat(["short", "long"], [25, 26]),
            run: np.repeat(runs, [25, 26]),
            "x": x,
            "y": np.where(train, y, hidden * y),
            "split": np.where(train, "train", "test"),
        }
    )


def medians(found) -> list[list[float]]:
    return [[p.median for p in curve.predictions] for curve in found]


COLUMNS: Any = {"x": "x", "y": "y", "group": "curve", "train": "split == 'train'"}


def test_a_table_says_which_curves_are_of_one_run():
    plain = medians(forecast_table(table(), run="", **COLUMNS))
    for found in (
        forecast_table(table(), **COLUMNS),
        forecast_table(table("run"), **COLUMNS),
        forecast_table(table("who"), run="who", **COLUMNS),
    ):
        short, far = medians(found)
        assert np.all(np.array(short) < plain[0])
        assert far == plain[1]
        assert "`long`" in found[0].notes[-1]
    for apart in (table("who"), table(runs=("r", "s")), table(runs=("", ""))):
        assert medians(forecast_table(apart, **COLUMNS)) == plain


def test_test_rows_of_kin_have_no_influence():
    plain = forecast_table(table(), **COLUMNS)
    assert medians(forecast_table(table(hidden=7.0), **COLUMNS)) == medians(plain)
    assert "`long`" in plain[0].notes[-1]


def test_a_column_that_differs_along_a_curve_is_refused_where_it_was_named():
    with pytest.raises(InputError, match="`split` has 4 values over 2 curves"):
        forecast_table(table(), run="split", **COLUMNS)
