"""Tables that upstream keeps as CSV files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.runs.readers import read_csv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Files = Mapping[str, Path]
    Columns = dict[str, Any]


def epoch(files: Files) -> Columns:
    """Epoch AI's points: D = C/(6N), and a mark at the five highest losses."""
    raw = read_csv(files["svg_extracted_data.csv"])
    N, C, loss = (raw[name] for name in ("Model Size", "Training FLOP", "loss"))
    outlier = np.zeros(len(loss))
    outlier[np.argsort(-loss, kind="stable")[:5]] = 1.0
    return {
        "params_N": N,
        "tokens_D": C / (6 * N),
        "flops_C": C,
        "loss": loss,
        "epoch_outlier": outlier,
        "svg_x": raw["x"],
        "svg_y": raw["y"],
        "hex_color": raw["hex_color"],
    }


def as_is(files: Files) -> Columns:
    """A single file whose columns keep their names."""
    (path,) = files.values()
    return dict(read_csv(path))


def kyotakano(files: Files) -> Columns:
    """The example of the package `chinchilla`."""
    names = {"params_N": "N", "tokens_D": "D", "flops_C": "C", "loss": "loss"}
    return renamed(read_csv(files["df.csv"]), names)


def evo(files: Files) -> Columns:
    """Optima of DNA models."""
    raw = read_csv(files["evo_scaling_data.csv"])
    return {("flops_C" if name == "flops" else name): raw[name] for name in raw}


def openathena(files: Files) -> Columns:
    """IsoFLOP experiments in one schema."""
    raw = read_csv(files["isoflops.csv"])
    names = {"tokens": "tokens_D", "params": "params_N", "budget": "flops_C"}
    return {names.get(name, name): column for name, column in raw.items()}


def misfitting_checkpoints(files: Files) -> Columns:
    """Checkpoints, with a mark at those that the file of finished runs also has."""
    raw, last = (read_csv(files[f"scaling_results{part}.csv"]) for part in ("", "_last_ckpt_only"))
    finished = set(zip(*(last[name].tolist() for name in last), strict=True))
    rows = zip(*(raw[name].tolist() for name in last), strict=True)
    names = {
        "loss": "loss",
        "params_N": "N",
        "params_non_embedding": "N_no_emb",
        "tokens_D": "D",
        "flops_C": "C",
        "flops_non_embedding": "C_no_emb",
        "portion_steps_elapsed": "portion_steps_elapsed",
        "model": "model",
        "train_tokens": "train_tokens",
        "total_steps": "total_steps",
        "current_steps": "current_steps",
        "total_epochs": "total_epochs",
        "current_epoch": "current_epoch",
        "lr": "peak_lr",
        "sweep": "sweep",
    }
    marks = np.array([float(row in finished) for row in rows])
    return {**renamed(raw, names), "last_checkpoint": marks}


def openclip(files: Files) -> Columns:
    """Evaluations with each model's size and learning rate; errors are 1 - metric."""
    raw = read_csv(files["zeroshot_results.csv"])
    sizes = _lookup(read_csv(files["arch_info.csv"]), "model", "mparams")
    rates = _lookup(read_csv(files["trained_models_info.csv"]), "name", "lr")
    return {
        **raw,
        "params_M": [sizes.get(arch, np.nan) for arch in raw["arch"]],
        "error_top1": 1.0 - raw["acc1"],
        "error_retrieval_r5_image": 1.0 - raw["image_retrieval_recall@5"],
        "lr": [rates.get(name, np.nan) for name in raw["name"]],
    }


def obsscaling(files: Files) -> Columns:
    """Base models' benchmarks, with the emergent tasks of those that have them."""
    raw = read_csv(files["base_llm_benchmark_eval.csv"])
    more = read_csv(files["base_llm_emergent_capability_eval.csv"])
    joined = {
        name: [values.get(model, np.nan) for model in raw["Model"]]
        for name in more
        if name != "Model"
        for values in (_lookup(more, "Model", name),)
    }
    return {**raw, **joined}


def regmix(files: Files) -> Columns:
    """Mixture weights and losses of the proxy models, one table for all scales and splits."""
    parts = [("1M", "train", "1m"), ("1M", "test", "1m"), ("60M", "test", "60m")]
    tables = []
    for scale, split, suffix in [*parts, ("1B", "test", "1B")]:
        mixture = read_csv(files[f"{split}_mixture_{suffix}.csv"])
        losses = read_csv(files[f"{split}_pile_loss_{suffix}.csv"])
        values = {name: _lookup(losses, "index", name) for name in losses if name != "index"}
        joined = {
            name: [known.get(i, np.nan) for i in mixture["index"]] for name, known in values.items()
        }
        count = len(mixture["index"])
        labels = {"scale": [scale] * count, "split": [split] * count}
        tables.append({**labels, **mixture, **joined})
    return stacked(tables)


def vocabulary(files: Files) -> Columns:
    """Losses by vocabulary; the test rows are those of the largest vocabulary."""
    names = {
        "non_vocab_parameters": "Non_vocab_parameters",
        "vocab_size": "vocab_size",
        "num_characters": "num_characters",
        "flops": "FLOPs",
        "embed_dim": "embed_dim",
        "unigram_normalized_loss": "Lossu",
    }
    columns = renamed(read_csv(files["data.csv"]), names)
    size = columns["vocab_size"]
    split = np.where(size == size.max(), "test", "train")
    return {"group": ["all_data"] * len(size), **columns, "split": split.tolist()}


def fine_tuning(files: Files) -> Columns:
    """Losses by size of the fine-tuning set, one row each; the largest size is the test."""
    rows = []
    for dataset in ("flan", "gigaword", "wikiword"):
        table = read_csv(files[f"{dataset}.csv"])
        sizes = [name for name in table if name not in {"model", "0"}]
        for i, model in enumerate(table["model"]):
            for size in sizes:
                split = "test" if size == sizes[-1] else "train"
                loss = table[size][i]
                rows.append((f"{model}|{dataset}", model, dataset, float(size), loss, split))
    names = ("group", "model", "dataset", "sft_data_size", "sft_loss", "split")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def learning_curves(files: Files) -> Columns:
    """92 learning curves; the split is upstream's `Training` column."""
    raw = stacked([read_csv(files[f"benchmark.{field}.csv"]) for field in ("vision", "lang")])
    parts = [_text(raw[name]) for name in ("Domain", "Task", "Model")]
    return {
        "curve_id": ["|".join(row) for row in zip(*parts, strict=True)],
        "domain": parts[0],
        "task": parts[1],
        "model": parts[2],
        "seen_examples": raw["Seen Examples"],
        "loss": raw["Loss"],
        "split": np.where(np.asarray(raw["Training"]) == 1, "train", "test").tolist(),
    }


def stacked(tables: Sequence[Mapping[str, Any]]) -> Columns:
    """Put tables under each other; a column that one lacks is missing there."""
    names = dict.fromkeys(name for table in tables for name in table)
    stack: Columns = {}
    for name in names:
        cells: list[Any] = []
        for table in tables:
            count = len(next(iter(table.values())))
            cells.extend(np.asarray(table[name]).tolist() if name in table else [None] * count)
        text = any(isinstance(cell, str) for cell in cells)
        stack[name] = cells if text else [np.nan if c is None else float(c) for c in cells]
    return stack


def renamed(raw: Mapping[str, Any], names: Mapping[str, str]) -> Columns:
    """Return the columns named in `names` (new -> old), in that order."""
    return {new: raw[old] for new, old in names.items()}


def _lookup(raw: Mapping[str, Any], key: str, value: str) -> dict[Any, Any]:
    return dict(zip(raw[key].tolist(), raw[value].tolist(), strict=True))


def _text(cells: Sequence[Any]) -> list[str]:
    return [f"{x:g}" if isinstance(x, float) else str(x) for x in cells]
