"""The same optimum as scipy's best of random starts, on every public table of N, D and loss."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from oracle import lowest

from isoflop.fit import fit

DATA = Path(__file__).parents[2] / "../shared/data"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.exists(), reason="the public tables are not here"),
]

#: name -> file, columns of N, D and loss, and the rows taken.
TABLES = {
    "epoch": ("chinchilla-epoch-svg", ("params_N", "tokens_D", "loss"), {}),
    "epoch without outliers": (
        "chinchilla-epoch-svg",
        ("params_N", "tokens_D", "loss"),
        {"epoch_outlier": "0"},
    ),
    "kyo-takano": ("kyotakano-chinchilla-example", ("params_N", "tokens_D", "loss"), {}),
    "gadre c4": (
        "gadre-overtraining",
        ("params_N", "tokens_D", "loss_c4_val"),
        {"train_dataset": "c4_original"},
    ),
    "ml-scalefit": (
        "openathena-isoflops",
        ("params_N", "tokens_D", "loss"),
        {"source": "ml_scalefit"},
    ),
    "misfitting": (
        "openathena-isoflops",
        ("params_N", "tokens_D", "loss"),
        {"source": "misfitting"},
    ),
    "open-athena epoch": (
        "openathena-isoflops",
        ("params_N", "tokens_D", "loss"),
        {"source": "epochai_chinchilla"},
    ),
    "cpu sweep": (
        "cpu_mini_sweep",
        ("N_nonembed_plus_head", "D_tokens", "val_loss_nats_per_token"),
        {"recipe": "tuned", "use": "isoflop"},
    ),
    "porian": (
        "porian-isoflop-points",
        ("params_N", "tokens_D", "loss"),
        {"label": "rw/base/long/kaplan/kaplan/train"},
    ),
}

#: Further tables, compared with two hundred starts only.
FURTHER = {
    "gadre redpajama": (
        "gadre-overtraining",
        ("params_N", "tokens_D", "loss_c4_val"),
        {"train_dataset": "rpj"},
    ),
    "gadre refinedweb": (
        "gadre-overtraining",
        ("params_N", "tokens_D", "loss_c4_val"),
        {"train_dataset": "rw_original"},
    ),
    "misfitting, last checkpoints": (
        "misfitting-checkpoints",
        ("params_N", "tokens_D", "loss"),
        {"last_checkpoint": "1"},
    ),
    "misfitting, dense": (
        "misfitting-dense-moe",
        ("params_N", "tokens_D", "loss_c4"),
        {"router": "dense"},
    ),
    **{
        f"porian {label}": (
            "porian-isoflop-points",
            ("params_N", "tokens_D", "loss"),
            {"label": label},
        )
        for label in (
            "owt2/tuned/short/const/standard/val",
            "rw/base/short/chinchilla/attention/train",
            "rw/tuned/short/const/attention/train",
        )
    },
}


def read(name):
    file, columns, where = (TABLES | FURTHER)[name]
    with (DATA / f"{file}.csv").open() as lines:
        rows = [r for r in csv.DictReader(lines) if all(r[k] == v for k, v in where.items())]
    rows = [row for row in rows if all(row[c] for c in columns)]
    assert len(rows) >= 10, name
    return {
        k: np.array([float(row[c]) for row in rows])
        for k, c in zip(("N", "D", "loss"), columns, strict=True)
    }


@pytest.mark.parametrize("noise", ["huber:1e-3", "squared"])
@pytest.mark.parametrize("name", TABLES)
def test_no_start_of_scipy_finds_a_lower_objective(name, noise):
    table = read(name)
    found = fit(table, "chinchilla", noise=noise)
    oracle = lowest(table, 12, noise)
    assert found.objective <= oracle * (1 + 1e-9)
    if all(found.identified.values()):
        assert found.objective == pytest.approx(oracle, rel=1e-4)
        assert found.starts.agree >= 4


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*TABLES, *FURTHER])
def test_nor_do_two_hundred_starts(name):
    table = read(name)
    found = fit(table, "chinchilla")
    assert found.objective <= lowest(table, 200, seed=1) * (1 + 1e-9)


def test_variable_projection_of_raw_losses():
    """vpnls's optimum on ml-scalefit, Huber 1e-3 of raw residuals with 0.01 resolution."""
    found = fit(read("ml-scalefit"), "chinchilla", noise="raw-huber:1e-3").estimate
    assert found["alpha"] == pytest.approx(0.36, abs=0.01)
    assert found["beta"] == pytest.approx(0.40, abs=0.01)
    assert found["E"] == pytest.approx(1.8608, abs=0.02)
    squared = fit(read("ml-scalefit"), "chinchilla", noise="raw-squared").estimate
    assert squared["alpha"] == pytest.approx(0.389, abs=6e-4)
    assert squared["beta"] == pytest.approx(0.433, abs=6e-4)
