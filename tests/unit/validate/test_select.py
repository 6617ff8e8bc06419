"""A law chosen from training rows alone."""

import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import InputError, NotIdentified
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.validate.candidates import Candidate
from isoflop.validate.folds import ORIGINS, parts_of
from isoflop.validate.select import Selection

POWER, FLOOR, LINE = "A/D^alpha", "E + A/D^alpha", "c + k*log(D)"
LAWS = (POWER, FLOOR, LINE)


def curves(law: str, *, noise: float = 0.002, seed: int = 0) -> dict[str, np.ndarray]:
    """Four curves of ten sizes; the two largest sizes of each are test rows."""
    D = np.tile(np.geomspace(1e3, 1e6, 10), 4)
    k = np.repeat(np.arange(4), 10)
    value = {
        POWER: (8 + k) / D**0.2,
        FLOOR: 1 + 0.2 * k + (60 + 10 * k) / D**0.5,
        LINE: 6 - 0.2 * np.log(D) + 0.3 * k,
    }[law]
    rng = np.random.default_rng(seed)
    return {
        "D": D,
        "loss": value * np.exp(noise * rng.standard_normal(len(D))),
        "model": np.array([f"m{x}" for x in k], dtype=object),
        "split": np.where(np.tile(np.arange(10), 4) < 8, "train", "test").astype(object),
    }


def chosen(table: dict[str, np.ndarray], laws=LAWS, **more) -> Selection:
    return iso.select(table, laws, group="model", train="split == 'train'", along="D", **more)


@pytest.mark.parametrize("law", LAWS)
def test_the_law_that_made_the_runs_is_chosen(law):
    table = curves(law)
    found = chosen(table)
    assert found.chosen == law
    assert (found.parts, found.unit, found.noise) == (4 * ORIGINS, "part", "squared")
    test = {k: v[table["split"] == "test"] for k, v in table.items()}
    assert found.predict(test)[:, 0] == pytest.approx(test["loss"], rel=0.02)


def test_test_rows_change_nothing():
    table = curves(FLOOR)
    scrambled = {k: v.copy() for k, v in table.items()}
    test = table["split"] == "test"
    scrambled["loss"][test] = np.random.default_rng(1).uniform(-1e6, 1e6, test.sum())
    scrambled["D"][test] = 7.0
    assert chosen(scrambled).to_json() == chosen(table).to_json()


def test_training_rows_do_change_it():
    table = curves(FLOOR)
    other = table | {"loss": curves(LINE)["loss"]}
    assert chosen(other).chosen != chosen(table).chosen


def test_a_law_written_in_two_ways_is_a_tie_for_fewer_parameters():
    wide = "E + A*B/D^alpha"
    found = chosen(curves(FLOOR), (wide, FLOOR))
    assert found.chosen == FLOOR
    assert all(c.close for c in found.candidates)


def test_a_needless_parameter_is_not_chosen_where_it_cannot_be_told():
    found = chosen(curves(POWER, noise=0.02, seed=3), (FLOOR, POWER))
    assert found.chosen == POWER


def test_a_law_that_is_clearly_worse_is_not_chosen_for_being_small():
    found = chosen(curves(FLOOR), (POWER, FLOOR))
    power = next(c for c in found.candidates if c.law == POWER)
    assert not power.close
    assert power.excess > 5 * power.error


def test_negative_outputs_are_scored_as_they_are():
    table = curves(LINE)
    table["loss"] = table["loss"] - 6
    assert chosen(table).noise == "raw-squared"
    assert chosen(table).chosen == LINE


def test_two_outputs_share_the_law_and_not_the_constants():
    table = curves(FLOOR) | {"other": 2 * curves(FLOOR, seed=5)["loss"]}
    found = chosen(table, output=("loss", "other"))
    first, second = found.fits["m0"]
    assert found.chosen == FLOOR
    assert second.estimate["E"] == pytest.approx(2 * first.estimate["E"], rel=0.05)


def test_random_parts_hold_each_run_once():
    table = RunTable.from_columns(curves(FLOOR))
    parts, along = parts_of(
        table, [resolve(FLOOR)], group="model", along="", folds="random", seed=0
    )
    assert along == ""
    assert np.sum([part.test for part in parts], axis=0).tolist() == [1] * len(table)
    for part in parts:
        together = table["model"][part.test | part.train]
        assert len(set(together)) == 1
        assert not np.any(part.test & part.train)


def test_runs_without_a_value_are_left_out_and_counted():
    table = curves(FLOOR)
    gaps = table | {"loss": table["loss"].copy()}
    gaps["loss"][[0, 13]] = np.nan
    found = chosen(gaps)
    assert (found.chosen, found.noise, found.runs) == (FLOOR, "squared", 30)
    assert found.note.startswith("2 of 32 runs are left out")
    with pytest.raises(InputError, match="no column"):
        chosen(table, ("chinchilla",))


def test_json_both_ways():
    found = chosen(curves(FLOOR), bootstrap=20)
    again = Selection.from_json(found.to_json())
    at = {"D": np.array([1e7, 1e7]), "model": np.array(["m1", "m3"], dtype=object)}
    assert again.candidates == found.candidates
    assert np.array_equal(again.predict(at), found.predict(at))
    assert again.fits["m1"][0].samples.shape == (20, 3)
    with pytest.raises(InputError, match="not a selection"):
        Selection.from_json("[]")


def test_what_cannot_be_done_is_said():
    table = curves(FLOOR)
    with pytest.raises(InputError, match="1 laws are to be compared on 0 outputs"):
        chosen(table, (POWER,), output=())
    with pytest.raises(InputError, match="more than 1 parameters; the smallest has 2"):
        chosen(table, most=1)
    with pytest.raises(InputError, match="kind of folds"):
        chosen(table, folds="loo")
    with pytest.raises(InputError, match="none of 40"):
        iso.select(table, LAWS, train="split == 'dev'")
    with pytest.raises(InputError, match="leaves the 14 runs"):
        chosen(table, ("+".join(f"A{i}/D^a{i}" for i in range(6)) + "+c",))
    with pytest.raises(InputError, match="positive in every run"):
        iso.select(table | {"D": table["D"] - 1e3}, LAWS)
    with pytest.raises(InputError, match="model m9"):
        chosen(table).predict({"D": [1e3], "model": ["m9"]})


def test_a_law_that_fails_is_listed_with_its_reason():
    found = chosen(curves(FLOOR), (FLOOR, "log(0 - D/B)"))
    last = found.candidates[-1]
    assert found.chosen == FLOOR
    assert last.score is None
    assert last.reason
    assert not last.close
    with pytest.raises(NotIdentified):
        chosen(curves(FLOOR), ("log(0 - D/B)",))


def test_close_counts_rounding_as_equal():
    same = Candidate(law="x", parameters=2, score=1.0, excess=1e-9, error=1e-12)
    worse = Candidate(law="x", parameters=2, score=1.0, excess=1e-3, error=1e-4)
    assert same.close
    assert not worse.close


def test_a_score_that_rises_is_told_that_forms_fall():
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 5)))
    error = 0.1 + 40 / N**0.3 + 20 / D**0.25
    table = {"N": N, "D": D, "accuracy": 1 - error, "error": error}
    rising = iso.select(table, inputs=["N", "D"], output="accuracy", most=3)
    assert '"error=1-accuracy" --output error' in rising.note
    assert "rises" not in iso.select(table, inputs=["N", "D"], output="error", most=3).note
    assert "rises" not in iso.select(table, ["A/N^alpha"], output="accuracy").note
