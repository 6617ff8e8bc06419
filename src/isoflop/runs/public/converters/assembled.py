"""Tables put together from many or irregular CSV files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.runs.cells import parse_cells
from isoflop.runs.public.converters.delimited import renamed, stacked
from isoflop.runs.readers import read_csv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Files = Mapping[str, Path]
    Columns = dict[str, Any]

#: Label, parameters and FLOPs a token of the ladder's models, as upstream's configuration says.
_LADDER = {
    "190M": ("190M", 190354176, 1903391232),
    "370M": ("370M", 371262464, 3443922944),
    "760M": ("760M", 758220288, 6373843968),
    "1B": ("1.3B", 1279395840, 10109071360),
}
_TARGETS = {
    "peteish7_eval_anneal": ("7B-4T", 6887575552, 49412071424),
    "peteish13_eval_final": ("13B-5T", 13202396160, 91335915520),
}
_LADDER_COLUMNS = (
    "eval/downstream_bpb/",
    "eval/downstream/",
    "eval/c4_en-validation/",
    "throughput/total_",
    "optim/learning_rate_group0",
    "learning_rate_peak",
    "batch_size_in_tokens",
    "_step",
)


def ladder(files: Files) -> Columns:
    """Checkpoints of the OLMo ladder and its two targets, with label, N and FLOPs a token."""
    tables = []
    for file, path in files.items():
        run = file.removesuffix(".csv")
        target = run in _TARGETS
        label, N, flops = _TARGETS[run] if target else _LADDER[run.split("-")[0]]
        raw = {k: x for k, x in read_csv(path).items() if k.startswith(_LADDER_COLUMNS)}
        count = len(raw["_step"])
        labels = {
            "label": [label] * count,
            "run": [run] * count,
            "N": np.full(count, float(N)),
            "flops_per_token": np.full(count, float(flops)),
            "mode": ["eval" if target else "train"] * count,
            "split": ["test" if target else "train"] * count,
        }
        tables.append({**raw, **labels})
    return stacked(tables)


def mixture_of_experts(files: Files) -> Columns:
    """Runs of two routers as logged, and dense runs from a spreadsheet's rows that hold one."""
    experts = {
        "n_experts": "model.number_of_experts",
        "n_layers": "model.n_layers",
        "top_k": "model.moe_topk_k",
        "moe_every_k": "model.moe_everyk",
        "load_balance": "model.moe_load_balance",
        "lr": "optim.lr",
        "batch_size": "batch_size",
        "steps": "steps",
        "tokens_D": "optim/n_tokens",
        "loss_train_avg": "train/avg_loss_AVG",
        "words_per_second": "train/wps",
        "state": "State",
        "name": "Name",
    }
    tables = []
    for router in ("spm", "gshard"):
        raw = read_csv(files[f"{router}.csv"])
        table: Columns = renamed(raw, experts)
        table["router"] = [router] * len(table["lr"])
        table["model"] = [_after(name, "model-") for name in raw["Name"]]
        for corpus in ("c4", "wikipedia"):
            (column,) = (name for name in raw if name.endswith(f"/{corpus}.jsonl"))
            table[f"ppl_{corpus}"] = raw[column]
            table[f"loss_{corpus}"] = np.log(raw[column])
        tables.append(table)
    joined = stacked([*tables, _dense(files["dense.csv"])])
    order = (
        "router name model n_experts n_layers top_k moe_every_k load_balance lr batch_size steps "
        "tokens_D loss_train_avg ppl_c4 loss_c4 ppl_wikipedia loss_wikipedia words_per_second "
        "state params_non_embedding params_N flops_C flops_non_embedding"
    )
    return {name: joined[name] for name in order.split()}


def _dense(path: Path) -> Columns:
    """Rows of the spreadsheet with a learning rate and a loss; the size is in a row above."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found, model = [], ""
    for row in rows:
        model = row["Params"].strip().lower() or model
        if row["lr"] and row["C4 Eval Loss"]:
            found.append({**row, "model": model})
    names = {
        "lr": "lr",
        "tokens_D": "D",
        "loss_train_avg": "Avg Train Loss",
        "ppl_c4": "C4 Eval PPL",
        "loss_c4": "C4 Eval Loss",
        "ppl_wikipedia": "Wiki Eval PPL",
        "loss_wikipedia": "Wiki Eval Loss",
        "params_non_embedding": "N",
        "params_N": "N_w_emb",
        "flops_C": "Est C",
        "flops_non_embedding": "C",
    }
    numbers = {
        new: parse_cells(new, [row[old].replace(",", "") for row in found])
        for new, old in names.items()
    }
    count = len(found)
    return {
        "router": ["dense"] * count,
        "model": [row["model"] for row in found],
        "n_experts": np.ones(count),
        **numbers,
    }


def _after(text: str, mark: str) -> str:
    """Return what follows a mark, up to the next full stop."""
    return text.partition(mark)[2].partition(".")[0]
