import numpy as np
import pytest

from isoflop.errors import ConventionError, InputError
from isoflop.runs.run import Run
from isoflop.runs.table import RunTable


def run(name="a", **changes):
    fields = {
        "id": name,
        "status": "finished",
        "N": {"matrices": 1536.0, "matrices+head": 5632.0, "all": 9768.0},
        "D": 1252032.0,
        "U": 1252032.0,
        "C": 50001149952.0,
        "C_6ND": 6 * 5632.0 * 1252032.0,
        "loss": 3.9956,
        "bits_per_byte": 2.6926,
        "budget": 5e10,
        "role": "isoflop",
        "family": "mini-1",
        "seed": 0,
        "corpus": "c0ffee",
        "setup": {
            "architecture": {"width": 8, "layers": 2, "activation": "gelu"},
            "rates": {"hidden": 0.04, "embedding": 0.05},
            "batch": 3,
            "steps": 6521,
            "betas": [0.9, 0.99],
            "recipe": "mini-1",
            "seed": 0,
        },
        "measured": {"seconds": 39.5},
    }
    return Run(**{**fields, **changes})


def test_runs_become_columns():
    runs = RunTable.from_runs([run(), run("b", seed=1, measured={"joules": 2.0})])
    assert runs["N"].tolist() == [5632.0] * 2
    assert [runs[f"N_{c}"][0] for c in ("matrices", "matrices_head", "all")] == [1536, 5632, 9768]
    assert runs["id"].tolist() == ["a", "b"]
    for name in ("D", "U", "C", "C_6ND", "loss", "bits_per_byte", "budget", "seed"):
        assert runs[name][0] == getattr(run(), name)
    assert (runs["width"][0], runs["layers"][0], runs["batch"][0], runs["steps"][0]) == (
        8,
        2,
        3,
        6521,
    )
    assert (runs["lr_hidden"][0], runs["lr_embedding"][0]) == (0.04, 0.05)
    assert runs["activation"][0] == "gelu"
    assert runs["seconds"][0] == 39.5
    assert np.isnan(runs["seconds"][1])
    assert "betas" not in runs
    said = runs.convention
    assert (said.N, said.D, said.C, said.loss) == (
        "matrices+head",
        "processed",
        "exact",
        "nats/token",
    )
    assert RunTable.from_runs([run()], N="all")["N"][0] == 9768


def test_a_failed_run_has_no_loss():
    runs = RunTable.from_runs([run(), run("b", status="failed", loss=None, reason="diverged")])
    assert np.isnan(runs["loss"][1])
    assert runs.where("status == 'finished'")["id"].tolist() == ["a"]
    assert runs["reason"].tolist() == ["", "diverged"]


def test_runs_on_different_text_or_recipes_do_not_fit_together():
    runs = RunTable.from_runs([run(), run("b", corpus="beef", family="mini-2")])
    for name in ("corpus", "family"):
        with pytest.raises(ConventionError, match="2 different"):
            runs.require_one(name)
    assert runs.where("id == 'a'").require_one("corpus") == "c0ffee"


def test_runs_without_the_asked_count_are_refused():
    with pytest.raises(InputError, match="has matrices"):
        RunTable.from_runs([run()], N="active")
    with pytest.raises(InputError, match="no runs"):
        RunTable.from_runs([])
