"""Public tables from outside the registry, read from checkouts of their repositories.

CHECKOUTS holds one folder a repository, `owner/name`, at the commits of `docs/benchmarks.md`. Which
rows, hold-outs and laws is fixed here, before any held-out row is predicted.
"""

from __future__ import annotations

import ast
import csv
import gzip
import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from holdout_cases import COMPUTE, Case
from isoflop.runs.public.converters import inert
from isoflop.runs.table import RunTable
from isoflop.validate.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

Rows = list[dict[str, Any]]
#: Parameters of the Pythia models, from their model cards; tokens of a step.
PYTHIA = {
    "70m": 70_426_624,
    "160m": 162_322_944,
    "410m": 405_334_016,
    "1b": 1_011_781_632,
    "1.4b": 1_414_647_808,
    "2.8b": 2_775_208_960,
    "6.9b": 6_857_302_016,
    "12b": 11_846_072_320,
}
PYTHIA_STEP = 2_097_152
#: Tokens of a step of the routed models: a constant factor of D, which no error depends on.
ROUTED_STEP = 524_288
REPEATED = ("chinchilla[D=repeated_tokens,N=excess_parameters]", "chinchilla[D=repeated_tokens]")


def cases(folder: Path) -> Iterator[Case]:
    """Return every case of the tables in N and D."""
    readers = (_loss_to_loss, _xlstm, _gemstones, _data_constrained, _routed, _students)
    for read in (*readers, _pythia, _step_law):
        yield from read(folder)


def table_of(rows: Rows, **columns: Callable[[dict[str, Any]], Any]) -> RunTable:
    """Return a table; rows without a positive number somewhere are left out."""
    runs = {k: np.array([f(r) for r in rows], dtype=object) for k, f in columns.items()}
    text = runs.pop("run", None)
    numbers = {k: np.array([_number(x) for x in values]) for k, values in runs.items()}
    keep = np.all([np.isfinite(x) & (x > 0) for x in numbers.values()], axis=0)
    known = {k: x[keep] for k, x in numbers.items()}
    return RunTable.from_columns(known if text is None else {**known, "run": text[keep]})


def rows_of(path: Path) -> Rows:
    """Return the rows of a CSV file, also gzipped, or of JSON lines."""
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in lines]
    return list(csv.DictReader(lines))


def grouped(rows: Rows, *names: str) -> list[tuple[str, Rows]]:
    """Return rows by their labels."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[" ".join(str(row[name]) for name in names)].append(row)
    return list(found.items())


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def _all(
    name: str, family: str, table: RunTable, laws: Sequence[str] = FORMS["N, D"]
) -> Iterator[Case]:
    for holdout in COMPUTE:
        yield Case(name, family, table, holdout, tuple(laws))


def _loss_to_loss(folder: Path) -> Iterator[Case]:
    rows = rows_of(folder / "KempnerInstitute/loss-to-loss-notebooks/data/sweep.csv")
    for corpus, own in grouped(rows, "data"):
        table = table_of(
            own,
            N=lambda r: r["params"],
            D=lambda r: r["tokens"],
            C=lambda r: 6 * float(r["params"]) * float(r["tokens"]),
            budget=lambda r: r["iso_flop"],
            loss=lambda r: r["val_loss"],
        )
        yield from _all(f"loss-to-loss {corpus}", "loss-to-loss", table)


def _xlstm(folder: Path) -> Iterator[Case]:
    place = folder / "NX-AI/xlstm_scaling_laws/data"
    rows, seen = [], set()
    for name in ("llama_ctx2048", "llama_ctx8192", "llama_ctx16384", "mlstm_ctx16384"):
        rows += _exported(place / f"isoflop_{name}_wandb_data.pkl", name, seen)
    last = "mlstm_ctx8192_large_gbs256"
    rows += _exported(place / f"isoflop_{last}_wandb_data.pkl", "mlstm_ctx8192", seen)
    for label, own in grouped(rows, "label"):
        table = table_of(own, N=lambda r: r["N"], D=lambda r: r["D"], loss=lambda r: r["loss"])
        yield from _all(f"xlstm {label}", "xlstm", table)


def _exported(path: Path, label: str, seen: set[str]) -> Rows:
    """Return the runs of one export, once each, without running what the pickle asks for."""
    rows: Rows = []
    context = int(label.rpartition("ctx")[2])
    for runs in inert.read(path.read_bytes()).values():
        for run in (node.state for node in runs):
            if not run.get("summary") or run["id"] in seen:
                continue
            seen.add(run["id"])
            summary = run["summary"]
            tokens = _inside(summary, "dataset/", "global_batch_size") * context
            rows.append(
                {
                    "label": label,
                    "N": _inside(summary, "model/", "num_params"),
                    "D": tokens * _number(summary.get("_step")),
                    "loss": _inside(summary, "val/", "dclm_loss"),
                }
            )
    return rows


def _inside(summary: dict[str, Any], section: str, key: str) -> float:
    found = re.search(rf"'{key}': ([0-9.eE+-]+)", str(summary.get(section, "")))
    return float(found[1]) if found else float("nan")


def _gemstones(folder: Path) -> Iterator[Case]:
    name = "wandb_dfs/wandb_df_for_fitting_hot_100b+_477.jsonl"
    rows = rows_of(folder / "mcleish7/gemstone-scaling-laws" / name)
    table = table_of(
        [r for r in rows if r["step"] % (20 * 477) == 0],
        N=lambda r: r["params_active_precise"],
        D=lambda r: r["tokens"],
        loss=lambda r: r["final_loss"],
        run=lambda r: r["run_name"],
    )
    yield from _all("gemstones", "gemstones", table)


def _data_constrained(folder: Path) -> Iterator[Case]:
    rows = constrained(folder / "huggingface/datablations/plotstables/return.ipynb")
    once = [r for r in rows if r["U"] >= 0.99 * r["D"] and not r["oscar"]]
    names = {k: (lambda r, k=k: r[k]) for k in ("N", "D", "U", "loss")}
    without = {k: f for k, f in names.items() if k != "U"}
    yield from _all("datablations once", "datablations", table_of(once, **without))
    yield from _all("datablations", "datablations", table_of(rows, **names), REPEATED)


def constrained(notebook: Path) -> Rows:
    """Return the runs that a notebook lists by name: size, tokens, unique tokens, as `2b855b9b`."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = next(x for c in cells if "NAMES_TO_VAL_LOSSES" in (x := "".join(c["source"])))
    known: dict[str, dict[str, float]] = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = ast.literal_eval(node.value)
    found = [
        {"N": size, "D": D, "U": U, "loss": loss, "oscar": "oscar" in name}
        for name, loss in known["NAMES_TO_VAL_LOSSES"].items()
        for size, D, U in _named(name, known["PARAMS_MAP"], known["TOKENS_MAP"])
    ]
    return [r for r in found if r["loss"] > 0 and r["D"] <= 2e11]


def _named(name: str, sizes: dict[str, float], counts: dict[str, float]) -> list[tuple[float, ...]]:
    """Return size, tokens and unique tokens of a name, or nothing where it cannot be split."""
    stem = re.sub(r"(c4|oscar|opt|v\d).*$", "", re.sub(r"seed\d+$", "", name))
    size = max((key for key in sizes if stem.startswith(key)), key=len, default="")
    rest = stem[len(size) :]
    pairs = [(_count(rest[:i], counts), _count(rest[i:], counts)) for i in range(1, len(rest))]
    ways = [(D[1] + U[1], D[0], U[0]) for D, U in pairs if D and U and U[0] <= 1.001 * D[0]]
    return [(sizes[size], *min(ways)[1:])] if size and ways else []


def _count(text: str, known: dict[str, float]) -> tuple[float, int] | None:
    """Return a count such as 1b25, and whether a decimal part had to be supposed."""
    if text in known:
        return 1e9 * known[text], 0
    found = re.fullmatch(r"(\d+)([bm])(\d*)", text)
    if not found:
        return None
    value = float(f"{found[1]}.{found[3] or 0}")
    return value * (1e9 if found[2] == "b" else 1e6), int(bool(found[3]))


def _routed(folder: Path) -> Iterator[Case]:
    rows = rows_of(folder / "google-deepmind/scaling_laws_for_routing/data/curves.csv.gz")
    dense = [
        r
        for r in rows
        if r["router_type"] == "Dense"
        and r["total_parameter_count"] == r["dense_parameter_count"]
        and int(r["step"]) >= 20_000
        and r["seed"] == "42"
    ]
    table = table_of(
        dense,
        N=lambda r: r["dense_parameter_count"],
        D=lambda r: ROUTED_STEP * float(r["step"]),
        loss=lambda r: r["loss_validation"],
        run=lambda r: r["hyper_id"],
    )
    yield from _all("routed, dense", "routed", table)


def _students(folder: Path) -> Iterator[Case]:
    for name in ("sweep_cosine", "sweep_cosine_L1"):
        rows = rows_of(folder / f"mvigl/scaling-laws-demo/results/{name}.csv")
        table = table_of(rows, N=lambda r: r["N"], D=lambda r: r["D"], loss=lambda r: r["val_loss"])
        yield from _all(f"students {name}", "students", table)


def _pythia(folder: Path) -> Iterator[Case]:
    rows = pythia(folder)
    for deduped in (True, False):
        table = table_of(
            [r for r in rows if ("deduped" in r["model"]) is deduped and r["step"] >= 3000],
            N=lambda r: PYTHIA[r["model"].split("-")[1]],
            D=lambda r: PYTHIA_STEP * r["step"],
            loss=lambda r: np.log(r["lambada_openai/ppl"]),
            run=lambda r: r["model"],
        )
        yield from _all(f"pythia deduped {deduped}", "pythia", table)


def pythia(folder: Path) -> Rows:
    """Return the zero-shot evaluations of the Pythia checkpoints, a row a checkpoint."""
    rows: Rows = []
    for path in sorted((folder / "EleutherAI/pythia/evals/pythia-v1").glob("*/zero-shot/*.json")):
        step = re.search(r"step(\d+)", path.name)
        if step is None:
            continue
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        row: dict[str, Any] = {"model": path.parts[-3], "step": float(step[1])}
        for task in ("lambada_openai", "sciq", "piqa"):
            row |= {f"{task}/{key}": value for key, value in results[task].items()}
        rows.append(row)
    return rows


def _step_law(folder: Path) -> Iterator[Case]:
    rows = rows_of(folder / "step-law/steplaw/data/dense_lr_bs_loss.csv")
    best = [
        min(own, key=lambda r: float(r["smooth loss"]))
        for _, own in grouped([r for r in rows if _number(r["loss"]) > 0], "N", "D")
    ]
    table = table_of(best, N=lambda r: r["N"], D=lambda r: r["D"], loss=lambda r: r["smooth loss"])
    yield from _all("step law, best rates", "step law", table)
