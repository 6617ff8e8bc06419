"""Every public table is read; those with a recognisable N, D and loss give them."""

from pathlib import Path

import numpy as np
import pytest

from isoflop.runs.io import load

FOLDER = Path(__file__).parents[3].parent / "shared" / "data"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the public tables ../shared/data are absent"),
]

#: Table -> the columns in which N, D, C and loss are found; "" where there is none to find.
EXPECTED = {
    "chinchilla-epoch-svg": ("params_N", "tokens_D", "flops_C", "loss"),
    "cpu_mini_sweep": ("N_nonembed_plus_head", "D_tokens", "flops", "val_loss_nats_per_token"),
    "gadre-overtraining": ("params_N", "tokens_D", "flops_C", ""),
    "kyotakano-chinchilla-example": ("params_N", "tokens_D", "flops_C", "loss"),
    "misfitting-checkpoints": ("params_N", "tokens_D", "flops_C", "loss"),
    "misfitting-dense-moe": ("params_N", "tokens_D", "flops_C", ""),
    "nanochat-optima": ("params_N", "tokens_D", "flops_C", "val_bpb"),
    "openathena-isoflops": ("params_N", "tokens_D", "flops_C", "loss"),
    "porian-isoflop-points": ("params_N", "tokens_D", "flops_C", "loss"),
    "porian-fits": ("", "", "", ""),
    "sldbench-parallel": ("num_params", "", "", "loss"),
    "sldbench-vocab": ("non_vocab_parameters", "", "flops", ""),
    "obsscaling-base-llms": ("Model Size (B)", "Pretraining Data Size (T)", "FLOPs (1E21)", ""),
}


def paths():
    return sorted(FOLDER.glob("*.csv")) if FOLDER.is_dir() else []


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_every_table_is_read(path):
    runs = load(path)
    with path.open(encoding="utf-8") as file:
        header = file.readline()
    assert len(runs) > 0
    assert len(runs.columns) >= header.count(",") * 0.9
    for name in ("N", "D", "C", "loss"):
        expected = EXPECTED.get(path.stem, (None,) * 4)[["N", "D", "C", "loss"].index(name)]
        if expected is not None:
            assert (runs.origin[name].expression if name in runs.origin else "") == expected
        if name in runs:
            assert runs[name].dtype == np.float64
            assert np.isfinite(runs[name]).mean() > 0.5


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the public tables are absent")
def test_the_reference_table_as_it_is_used():
    path = FOLDER / "chinchilla-epoch-svg.csv"
    runs = load(path, columns={"N": "params_N", "D": "tokens_D"}, where="epoch_outlier == 0")
    assert len(runs) == 240
    # C was plotted and D derived from it as C/6N.
    assert np.allclose(6 * runs["N"] * runs["D"], runs["C"], rtol=1e-12)


def test_headers_in_billions_are_read_as_billions():
    runs = load(FOLDER / "obsscaling-base-llms.csv")
    llama = runs.where("Model == 'meta-llama/Llama-2-7b-hf'")
    assert (llama["N"][0], llama["D"][0], llama["C"][0]) == (7e9, 2e12, 8.4e22)


def test_the_default_sweep_says_which_weights_count():
    runs = load(FOLDER / "cpu_mini_sweep.csv", where="recipe == 'tuned' and use == 'isoflop'")
    assert len(runs) == 22
    assert runs.convention.N == "matrices+head"
    assert runs.convention.loss == "nats/token"
    assert sorted(set(runs["budget"])) == [5e10, 1.5e11, 5e11, 1.5e12]
