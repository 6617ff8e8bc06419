import hashlib

import numpy as np
import pytest

from isoflop.errors import ConventionError, InputError
from isoflop.runs.combine import convert, derive, join
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable

ALL = Convention(N="all", D="processed", C="exact", loss="nats/token")


def table(**columns):
    base = {"N": [1e6, 2e6, 4e6], "D": [1e7, 2e7, 4e7], "loss": [4.0, 3.5, 3.2]}
    return RunTable.from_columns({**base, **columns}, convention=ALL, source="here")


def test_numbers_are_float64_and_text_stays_text():
    runs = table(
        run=[1, 2, 3], name=["1", "2", "3"], flag=[True, False, True], gap=[None, 1, float("nan")]
    )
    assert runs["N"].dtype == np.float64
    assert list(runs["run"]) == ["1", "2", "3"]
    assert list(runs["name"]) == ["1", "2", "3"]
    assert list(runs["flag"]) == [1.0, 0.0, 1.0]
    assert np.isnan(runs["gap"]).tolist() == [True, False, True]
    # Text that looks like numbers stays text when rows go.
    assert list(runs.where("N > 1.5M")["name"]) == ["2", "3"]


def test_flops_do_not_wrap_past_the_largest_integer():
    N = np.array([70_000_000_000], dtype=np.int64)
    D = np.array([1_400_000_000_000], dtype=np.int64)
    with np.errstate(all="ignore"):
        assert (6 * N * D)[0] != 5.88e23  # what numpy's integers make of it
    runs = derive(RunTable.from_columns({"N": N, "D": D, "loss": [1.9]}), "C=6ND")
    assert runs["C"][0] == pytest.approx(5.88e23, rel=1e-15)
    assert runs.convention.C == "6ND"
    big = RunTable.from_columns({"C": [588_000_000_000_000_000_000_000]})
    assert big["C"][0] == pytest.approx(5.88e23, rel=1e-15)


def test_a_table_cannot_be_changed():
    values = np.array([1.0, 2.0])
    runs = RunTable.from_columns({"N": values})
    values[0] = 9.0
    assert runs["N"][0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        runs["N"][0] = 3.0
    with pytest.raises(TypeError):
        runs.columns["D"] = values  # type: ignore[index]
    with pytest.raises(AttributeError):
        runs.source = "there"  # type: ignore[misc]


def test_unequal_lengths_and_cells_that_are_lists_are_refused():
    with pytest.raises(InputError, match="N 2, D 1"):
        RunTable.from_columns({"N": [1, 2], "D": [1]})
    with pytest.raises(InputError, match="lists"):
        RunTable.from_columns({"N": [[1, 2], [3, 4]]})
    with pytest.raises(InputError, match="2 axes"):
        RunTable.from_columns({"N": np.ones((2, 2))})


def test_a_missing_column_names_what_there_is_and_the_flag():
    runs = RunTable.from_columns({"weights_total": [1.0], "tokens_seen_D": [2.0]})
    with pytest.raises(InputError) as error:
        runs["D"]
    assert "weights_total, tokens_seen_D" in error.value.what
    assert "--column D=tokens_seen_D" in error.value.do


def test_a_loss_of_the_optimiser_is_not_offered_as_the_loss():
    runs = RunTable.from_columns({"z_loss": [1e-4], "loss_std": [0.1], "loss_c4_val": [2.5]})
    with pytest.raises(InputError) as error:
        runs["loss"]
    assert "--column loss=loss_c4_val" in error.value.do


def test_a_text_column_is_no_number():
    with pytest.raises(InputError, match="text"):
        table(loss=["low", "3", "2"]).require("N", "loss")
    assert table().require("N", "D") is None


def test_digest_follows_values_names_and_convention_only():
    base = table()
    assert base.digest == table().digest
    swapped = RunTable.from_columns(
        {name: base[name] for name in ("loss", "D", "N")}, convention=ALL, source="elsewhere"
    )
    assert swapped.digest == base.digest
    assert base.with_columns(loss=[4.0, 3.5, 3.2 + 1e-15]).digest != base.digest
    assert base.take(np.array([1, 0, 2])).digest != base.digest
    assert RunTable.from_columns(base.columns).digest != base.digest
    assert len(base.digest) == len(hashlib.sha256().hexdigest())
    zero, negative = (RunTable.from_columns({"x": [z]}) for z in (0.0, -0.0))
    assert zero.digest == negative.digest
    one, other = (RunTable.from_columns({"t": t}) for t in (["a", "bc"], ["ab", "c"]))
    assert one.digest != other.digest


def test_masks_and_rows():
    runs = table(name=["a", "b", "c"])
    assert len(runs.where(runs["N"] > 1.5e6)) == 2
    assert runs.take(np.array([2, 2]))["name"].tolist() == ["c", "c"]
    with pytest.raises(InputError, match="mask of 3"):
        runs.where(np.array([True]))
    assert runs.select("N", "loss").columns.keys() == {"N", "loss"}
    empty = runs.where("N < 0")
    assert len(empty) == 0
    assert empty["name"].dtype == object


def test_one_value_or_an_error_that_says_which_to_take():
    assert table(corpus=["a"] * 3).require_one("corpus") == "a"
    assert table().require_one("corpus") == ""
    with pytest.raises(ConventionError) as error:
        table(corpus=["b", "a", "b"]).require_one("corpus")
    assert "2 different" in error.value.what
    assert "corpus == 'b'" in error.value.do


def test_conventions_are_said_once():
    runs = RunTable.from_columns({"N": [1.0]})
    assert runs.state(N="all").convention.N == "all"
    with pytest.raises(ConventionError, match="N is all"):
        runs.state(N="all").state(N="matrices")
    with pytest.raises(InputError, match="known: matrices"):
        runs.state(N="everything")
    with pytest.raises(InputError, match="no convention"):
        runs.state(width="all")


def test_tables_that_count_differently_do_not_join():
    ours = table(N_matrices=[1.0, 2.0, 3.0])
    theirs = RunTable.from_columns(
        {**table().columns, "N_matrices": [7.0, 8.0, 9.0]},
        convention=ALL.saying(N="matrices+head"),
        source="there",
    )
    with pytest.raises(ConventionError) as error:
        join(ours, theirs)
    assert error.value.what == "N is all in here and matrices+head in there."
    both = join(ours, theirs, convert={"N": "matrices"})
    assert both.convention.N == "matrices"
    assert both["N"].tolist() == [1.0, 2.0, 3.0, 7.0, 8.0, 9.0]
    with pytest.raises(ConventionError, match="does not hold N counted as all"):
        join(ours, theirs, convert={"N": "all"})


def test_tables_that_do_not_say_how_they_count_do_not_join():
    ours, theirs = (RunTable.from_columns({"N": [1.0]}, source=name) for name in "ab")
    with pytest.raises(ConventionError, match="unstated"):
        join(ours, theirs)
    assert len(join(ours.state(N="all"), theirs.state(N="all"))) == 2
    assert len(join(ours, ours)) == 2


def test_joined_columns_are_missing_where_a_table_lacks_them():
    both = join(table(seed=[1, 2, 3]), table(name=["a", "b", "c"]))
    assert np.isnan(both["seed"]).tolist() == [False] * 3 + [True] * 3
    assert both["name"].tolist() == ["", "", "", "a", "b", "c"]
    with pytest.raises(ConventionError, match="text in one table"):
        join(table(x=[1, 2, 3]), table(x=["a", "b", "c"]))


def test_conversions_and_derivations():
    runs = table(bits_per_byte=[2.0, 1.9, 1.8], C=[1.0, 2.0, 3.0])
    assert convert(runs, loss="bits/byte")["loss"].tolist() == [2.0, 1.9, 1.8]
    assert convert(runs, loss="bits/byte").units["loss"] == "bits/byte"
    assert convert(runs, C="6ND")["C"].tolist() == [6e13, 2.4e14, 9.6e14]
    with pytest.raises(InputError, match="already has C"):
        derive(runs, "C=6ND")
    with pytest.raises(InputError, match="not a derivation"):
        derive(runs, "D=20N")
    short = RunTable.from_columns({"N": [2.0], "C": [24.0]})
    assert derive(short, "D = C/6N")["D"].tolist() == [2.0]
    assert derive(short, "D = C/6N").convention.D == "C/6N"


def test_records_and_dict():
    runs = RunTable.from_columns({"N": [1.0, None], "name": ["a", ""]})
    assert runs.records() == [{"N": 1.0, "name": "a"}, {"N": None, "name": ""}]
    assert runs.to_dict()["name"] == ["a", ""]
    assert "2 runs" in repr(runs)
    assert list(runs) == ["N", "name"]
    assert "N" in runs
    assert "D" not in runs
