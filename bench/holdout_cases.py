"""Public run tables with a natural hold-out, read from a folder of converted CSV files.

Which tables, which hold-out and which laws is fixed here, before any held-out row is predicted.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.table import RunTable
from isoflop.validate.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Rows = list[dict[str, str]]
COMPUTE = ("largest-budget", "largest-N", "longest-D")


@dataclass(frozen=True)
class Case:
    """A table and how it is held out.

    Args:
        name: of the table or curve; family: tables that share runs or makers.
        table: all rows; holdout: rule or condition; laws: of the ensemble, the usual one first.
    """

    name: str
    family: str
    table: RunTable
    holdout: str
    laws: tuple[str, ...]


def cases(folder: Path) -> Iterator[Case]:
    """Return every case of the tables in a folder."""
    for read in (_chinchilla, _open_athena, _porian, _gadre, _mini_sweep, _ladder):
        yield from read(folder)
    for read in (_curves, _fine_tuning, _parallel, _mixtures):
        yield from read(folder)


def _rows(folder: Path, name: str) -> Rows:
    with (folder / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _table(rows: Rows, **columns: str) -> RunTable:
    """Return a table of some columns; text stays text, rows without a number are left out."""
    numbers = {
        name: np.array([_number(row[column]) for row in rows])
        for name, column in columns.items()
        if name != "split"
    }
    keep = np.all([np.isfinite(x) for x in numbers.values()], axis=0)
    text = {"split": np.array([row["split"] for row in rows])} if "split" in columns else {}
    return RunTable.from_columns({k: x[keep] for k, x in (numbers | text).items()})


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")


def _all(name: str, family: str, table: RunTable, holdouts: tuple[str, ...]) -> Iterator[Case]:
    for holdout in holdouts:
        yield Case(name, family, table, holdout, FORMS["N, D"])


def _chinchilla(folder: Path) -> Iterator[Case]:
    names = {"N": "params_N", "D": "tokens_D", "C": "flops_C", "loss": "loss"}
    epoch = [r for r in _rows(folder, "chinchilla-epoch-svg") if r["epoch_outlier"] == "0"]
    holdouts = ("C > 1e21", "largest-N", "longest-D")
    yield from _all("chinchilla-epoch-svg", "chinchilla", _table(epoch, **names), holdouts)
    other = _rows(folder, "kyotakano-chinchilla-example")
    yield from _all("kyotakano-chinchilla", "chinchilla", _table(other, **names), holdouts)


def _open_athena(folder: Path) -> Iterator[Case]:
    names = {"N": "params_N", "D": "tokens_D", "C": "flops_C", "loss": "loss"}
    for experiment, rows in _grouped(_rows(folder, "openathena-isoflops"), "experiment"):
        once = [r for r in rows if r["reason"] != "exact_duplicate"]
        family = "misfitting" if experiment.startswith("misfitting") else "chinchilla"
        yield from _all(f"openathena {experiment}", family, _table(once, **names), COMPUTE)


def _porian(folder: Path) -> Iterator[Case]:
    names = {"N": "params_N", "D": "tokens_D", "C": "flops_C", "loss": "loss"}
    for label, rows in _grouped(_rows(folder, "porian-isoflop-points"), "label"):
        yield from _all(f"porian {label}", "porian", _table(rows, **names), COMPUTE)


def _gadre(folder: Path) -> Iterator[Case]:
    for corpus, rows in _grouped(_rows(folder, "gadre-overtraining"), "train_dataset"):
        for loss in ("loss_c4_val", "loss_openlm"):
            table = _table(rows, N="params_N", D="tokens_D", C="flops_C", loss=loss)
            name = f"gadre {corpus} {loss.removeprefix('loss_')}"
            yield from _all(name, "gadre", table, ("C > 1e21", "largest-N", "longest-D"))


def _mini_sweep(folder: Path) -> Iterator[Case]:
    names = {"D": "D_tokens", "C": "flops", "budget": "budget_flops"}
    for recipe, rows in _grouped(_rows(folder, "cpu_mini_sweep"), "recipe"):
        used = [r for r in rows if r["use"] in {"isoflop", "holdout"}]
        for count in ("N_nonembed", "N_nonembed_plus_head", "N_total"):
            table = _table(used, N=count, loss="val_loss_nats_per_token", **names)
            yield from _all(f"cpu_mini_sweep {recipe} {count}", "mini sweep", table, COMPUTE[:1])


def _ladder(folder: Path) -> Iterator[Case]:
    last: dict[str, dict[str, str]] = {}
    for row in _rows(folder, "olmo-ladder-checkpoints"):
        if row["run"] not in last or float(row["_step"]) > float(last[row["run"]]["_step"]):
            last[row["run"]] = row
    for loss in (
        "eval/c4_en-validation/CrossEntropyLoss",
        "eval/downstream_bpb/mmlu_stem_val_rc_5shot_bpb",
        "eval/downstream_bpb/mmlu_humanities_val_rc_5shot_bpb",
    ):
        table = _table(list(last.values()), N="N", D="throughput/total_tokens", loss=loss)
        yield from _all(f"olmo-ladder {loss.split('/')[-1]}", "olmo ladder", table, COMPUTE)


def _curves(folder: Path) -> Iterator[Case]:
    held = "split == 'test'"
    for curve, rows in _grouped(_rows(folder, "alabdulmohsin-nsl92"), "curve_id"):
        once = list({(r["seen_examples"], r["loss"], r["split"]): r for r in rows}.values())
        table = _table(once, x="seen_examples", loss="loss", split="split")
        family = "nsl92 " + curve.split("|")[0]
        yield Case(f"nsl92 {curve}", family, table, held, FORMS["x"])
    for curve, rows in _grouped(_rows(folder, "nslpfn-nano"), "curve_id"):
        yield Case(
            f"nano {curve}", "nano", _table(rows, x="x", loss="y", split="split"), held, FORMS["x"]
        )
    rows = _rows(folder, "bnsl-4digit-addition")
    table = _table(rows, x="train_set_size", loss="test_cross_entropy", split="split")
    yield Case("bnsl 4-digit addition", "bnsl", table, held, FORMS["x"])


def _fine_tuning(folder: Path) -> Iterator[Case]:
    for group, rows in _grouped(_rows(folder, "sldbench-sft"), "group"):
        table = _table(rows, x="sft_data_size", loss="sft_loss", split="split")
        yield Case(f"sft {group}", "sldbench sft", table, "split == 'test'", FORMS["x"])


def _parallel(folder: Path) -> Iterator[Case]:
    for group, rows in _grouped(_rows(folder, "sldbench-parallel"), "group"):
        table = _table(rows, N="num_params", P="parallel_size", loss="loss", split="split")
        laws = ("parscale", "E + A/(N*P^k)^alpha")
        yield Case(f"parallel {group}", "sldbench parallel", table, "split == 'test'", laws)


def _mixtures(folder: Path) -> Iterator[Case]:
    rows = _rows(folder, "sldbench-domain-mixture")
    shares = {f"r{i}": f"proportion_domain_{i}" for i in range(1, 6)}
    form = "c + exp(k0 + " + " + ".join(f"t{i}*r{i}" for i in range(1, 5)) + ")"
    for size, group in _grouped(rows, "group"):
        for domain in range(1, 6):
            table = _table(group, loss=f"loss_domain_{domain}", split="split", **shares)
            laws = (form, "exp(k0 + " + form.split("k0 + ")[1])
            name = f"mixture {size} domain {domain}"
            yield Case(name, "sldbench mixture", table, "split == 'test'", laws)


def _grouped(rows: Rows, column: str) -> list[tuple[str, Rows]]:
    found: dict[str, Rows] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return list(found.items())
