"""Files of other tools, recognised by their columns: nanochat's results, levanter's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.runs.convention import Convention
from isoflop.runs.guess import Source
from isoflop.runs.table import RunTable

if TYPE_CHECKING:
    from collections.abc import Callable


def recognised(raw: RunTable) -> RunTable | None:
    """Return the table with its columns mapped if a known tool wrote it, else None."""
    for signature, reader in _SCHEMAS:
        if signature <= set(raw.columns):
            return reader(raw)
    return None


def _nanochat(raw: RunTable) -> RunTable:
    """`results.csv` of nanochat's scaling_laws.sh.

    N is the transformer's matrices and the head, which its author found to give the cleanest
    laws; C is the budget that the run was made for (the last step rounds it).
    """
    convention = Convention(N="matrices+head", D="processed", C="nominal", loss="bits/byte")
    return _mapped(
        raw,
        convention,
        N="params_transformer + params_lm_head",
        D="tokens_trained",
        C="flops_budget",
        loss="val_bpb",
        budget="flops_budget",
        steps="num_iterations",
        bits_per_byte="val_bpb",
        N_matrices="params_transformer",
        N_matrices_head="params_transformer + params_lm_head",
        N_all="params_total",
    )


def _levanter(raw: RunTable) -> RunTable:
    """`tracker_metrics.jsonl` of levanter, one object a run with `config` and `summary`."""
    names = {
        "N": "summary.parameter_count",
        "D": "summary.throughput/total_tokens",
        "C": "`summary.throughput/total_gflops` * 1e9",
        "loss": "summary.eval/paloma/c4_en/bpb",
        "bits_per_byte": "summary.eval/paloma/c4_en/bpb",
        "N_all": "summary.parameter_count",
        "width": "config.model.hidden_dim",
        "layers": "config.model.num_layers",
        "batch": "config.trainer.train_batch_size",
        "run": "run_path",
    }
    here = {k: v for k, v in names.items() if v in raw or v.startswith("`")}
    convention = Convention(N="all", D="processed", loss="bits/byte")
    return _mapped(raw, convention, **here)


def _mapped(raw: RunTable, convention: Convention, **names: str) -> RunTable:
    """Add the standard columns; `load` reads them from `origin`."""
    origin = {standard: Source(name) for standard, name in names.items()}
    return RunTable(raw.columns, convention, raw.source, raw.licence, origin)


_SCHEMAS: tuple[tuple[set[str], Callable[[RunTable], RunTable]], ...] = (
    (
        {"flops_budget", "params_transformer", "params_lm_head", "tokens_trained", "val_bpb"},
        _nanochat,
    ),
    (
        {
            "summary.throughput/total_tokens",
            "summary.throughput/total_gflops",
            "summary.eval/paloma/c4_en/bpb",
        },
        _levanter,
    ),
)
