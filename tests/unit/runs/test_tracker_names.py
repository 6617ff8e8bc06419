"""Names as trackers and people write them: nested, with a unit of loss; what a table counts."""

import math

import numpy as np
import pytest

from isoflop.protocols.sources import open_table
from isoflop.runs.checks import check
from isoflop.runs.convention import Convention
from isoflop.runs.guess import guess
from isoflop.runs.io import load
from isoflop.runs.table import RunTable


@pytest.mark.parametrize(
    ("names", "standard", "column"),
    [
        (["model.n_params", "train/tokens_seen"], "N", "model.n_params"),
        (["model.n_params", "train/tokens_seen"], "D", "train/tokens_seen"),
        (["config.optimizer.lr"], "lr", "config.optimizer.lr"),
        (["model.size.params (M)"], "N", "model.size.params (M)"),
        (["summary.val.loss", "summary.aux"], "loss", "summary.val.loss"),
    ],
)
def test_the_end_of_a_nested_name(names, standard, column):
    assert guess(names)[standard].expression == column


@pytest.mark.parametrize(
    ("names", "standard"),
    [
        (["a/loss", "b/loss"], "loss"),  # either may be meant
        (["model.d", "model.n"], "D"),  # a width, a number of layers, anything
        (["model.d", "model.n"], "N"),
        (["loss_at_0.5"], "loss"),
    ],
)
def test_what_a_nested_name_does_not_say(names, standard):
    assert standard not in guess(names)


def test_a_whole_name_wins_over_the_end_of_another():
    assert guess(["ema/params", "params"])["N"].expression == "params"


@pytest.mark.parametrize(
    ("name", "factor", "counted"),
    [
        ("val loss (bits/token)", math.log(2), "nats/token"),
        ("loss_bits_per_token", math.log(2), "nats/token"),
        ("val_loss [bits per token]", math.log(2), "nats/token"),
        ("val loss (nats/token)", 1.0, "nats/token"),
        ("val loss (bits/byte)", 1.0, "bits/byte"),
        ("eval_loss", 1.0, "unstated"),
        ("loss (bits)", 1.0, "unstated"),  # per token or per byte?
    ],
)
def test_a_unit_of_loss_in_a_name(tmp_path, name, factor, counted):
    path = tmp_path / "runs.csv"
    path.write_text(f"N,D,{name}\n1e6,1e8,5.0\n2e6,2e8,4.0\n")
    table = load(path)
    assert np.allclose(table["loss"], factor * np.array([5.0, 4.0]), rtol=1e-15)
    assert table.convention.loss == counted


def test_bits_that_only_the_user_knows_of(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N,D,loss\n1e6,1e8,5.0\n2e6,2e8,4.0\n")
    plain, said = load(path), load(path, convention=Convention(loss="bits/token"))
    assert np.allclose(said["loss"], math.log(2) * plain["loss"], rtol=1e-15)
    assert said.convention.loss == "nats/token"
    assert str(said.origin["loss"]) == "0.693147 x loss"
    # Read again it is nats already.
    assert load(said)["loss"].tolist() == said["loss"].tolist()


def test_a_named_column_keeps_its_unit(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N,D,CE (bits/token)\n1e6,1e8,5.0\n")
    assert load(path, columns={"loss": "CE (bits/token)"})["loss"][0] == 5.0 * math.log(2)


def test_state_says_what_names_do_not(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N,D,loss\n1e6,1e8,5.0\n")
    table = open_table(path, state={"N": "all", "loss": "bits/byte"})
    assert (table.convention.N, table.convention.loss) == ("all", "bits/byte")


def test_the_unstated_are_named_with_their_own_reason():
    table = RunTable.from_columns({"loss": [3.0], "N": [1e6]}, convention=Convention(N="all"))
    finding = next(f for f in check(table) if f.code == "unstated")
    assert finding.message == "the table does not say how it counts loss."
    assert "weights" not in finding.why
    assert finding.remedy == "Say it:  --state loss=nats/token"


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (["finished", "crashed"], "status == 'finished'"),
        (["finished", "finished"], "loss > 0 and loss < 1e30"),  # the status does not tell
    ],
)
def test_failed_runs_are_left_out_by_their_status(status, kept):
    table = RunTable.from_columns(
        {"N": [1e6, 2e6], "D": [1e8, 2e8], "loss": [3.0, np.nan], "status": status}
    )
    finding = next(f for f in check(table) if f.code == "not-finite")
    assert finding.remedy == f'Leave them out:  --where "{kept}"'
