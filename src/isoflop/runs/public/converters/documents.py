"""Tables that upstream keeps in JSON, arrays, notebooks, logs or programs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Files = Mapping[str, Path]
    Columns = dict[str, Any]

#: The 17 tasks of Gadre et al.'s average: those whose small models beat chance.
_AVERAGED = """
    bigbench_operators pubmed_qa_labeled hellaswag_zeroshot boolq arc_easy coqa
    bigbench_dyck_languages lambada_openai bigbench_novel_concepts winograd
    bigbench_cs_algorithms commonsense_qa bigbench_qa_wikidata hellaswag copa squad piqa
"""


def gadre(files: Files) -> Columns:
    """Runs with losses on 8 sets and errors (1 - accuracy) on 46 tasks; C = 6 N D, M = 20 x."""
    rows = []
    for file, path in files.items():
        if file.startswith("evaluation_"):
            continue
        model = msgspec.json.decode(path.read_bytes())
        stem = file.removesuffix(".json")
        evaluated = msgspec.json.decode(files[f"evaluation_{stem}_heavy.json"].read_bytes())
        rows.append({**_setup(model), **_losses(model), **_errors(evaluated)})
    rows.sort(key=lambda row: (row["train_dataset"], row["flops_C"]))
    return {name: [row[name] for row in rows] for name in rows[0]}


def _setup(model: dict[str, Any]) -> dict[str, Any]:
    h = model["hyperparameters"]
    return {
        "name": model["name"],
        "train_dataset": model["dataset_name"],
        "architecture": h["model"].split("/")[-1].removesuffix(".json"),
        "params_N": h["params"],
        "params_non_embedding": h["params_no_embed"],
        "tokens_D": h["tokens"],
        "chinchilla_multiplier": h["chinchilla_multiplier"],
        "tokens_per_param": 20 * h["chinchilla_multiplier"],
        "flops_C": 6.0 * h["params"] * h["tokens"],
        "lr": h["lr"],
        "weight_decay": h["wd"],
        "warmup_steps": h["warmup"],
        "global_batch_size": h["global_bs"],
        "cooldown_lr": h["cd"],
        "z_loss": h["z_loss"],
    }


def _losses(model: dict[str, Any]) -> dict[str, float]:
    found = {}
    for result in model["results"]:
        folder, file = result["val_data"][0].split("/")[-2:]
        name = file.split(".")[0] if "de-en" in folder else folder
        found[f"loss_{name}"] = result["loss"]
        found[f"loss_{name}_lo95"] = result["loss_sequences_lower_95"]
        found[f"loss_{name}_hi95"] = result["loss_sequences_upper_95"]
    return found


def _errors(evaluated: dict[str, Any]) -> dict[str, float]:
    errors = {task: 1.0 - x for task, x in sorted(evaluated["eval_metrics"]["icl"].items())}
    averaged = [error for task, error in errors.items() if task in _AVERAGED.split()]
    return {
        "err_avg_46": float(np.mean(list(errors.values()))),
        "err_avg_17": float(np.mean(averaged)),
        "n_downstream": float(len(errors)),
        **{f"err_{task}": error for task, error in errors.items()},
    }


def domain_mixture(files: Files) -> Columns:
    """Losses and proportions of five domains, by model size; upstream calls the test `eval`."""
    sizes = msgspec.json.decode(files["all_models_data.json"].read_bytes())
    rows = [
        (size, *run["proportions"], *run["loss"], split)
        for size, splits in sizes.items()
        for split, theirs in (("train", "train"), ("test", "eval"))
        for run in splits[theirs]
    ]
    fields = [f"{kind}_domain_{i}" for kind in ("proportion", "loss") for i in range(1, 6)]
    names = ["group", *fields, "split"]
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def nano(files: Files) -> Columns:
    """Width curves of nanoGPT: arrays [setting, width] of validation losses."""
    widths = [6.0 * 2.0**k for k in range(7)]
    rows = []
    for short in ("min", "final"):
        losses = np.load(files[f"{short}_val_loss_over_n_embd.npy"], allow_pickle=False)
        for setting, curve in enumerate(losses):
            for width, y in zip(widths, curve, strict=True):
                split = "test" if width == widths[-1] else "train"
                rows.append((f"{short}val_hyp{setting}", width, float(y), split))
    names = ("curve_id", "x", "y", "split")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def addition(files: Files) -> Columns:
    """The 17 points in the script of the broken power law; the last three are the test."""
    (path,) = files.values()
    arrays = _assigned(path)
    x, y = arrays["x"], arrays["y"]
    split = ["train"] * 14 + ["test"] * (len(x) - 14)
    return {"train_set_size": x, "test_cross_entropy": y, "split": split}


def parallel(files: Files) -> Columns:
    """ParScale's losses in its fitting script: streams by size, two corpora; test is P = 8."""
    values = _assigned(files["parametric_fit.py"])
    streams = (1, 2, 4, 8)
    rows = [
        (corpus, size, P, loss, "test" if P == 8 else "train")
        for corpus in ("stack", "pile")
        for P, sizes, losses in zip(
            streams, values["params"], values[f"{corpus}_loss"], strict=True
        )
        for size, loss in zip(sizes, losses, strict=True)
    ]
    names = ("group", "num_params", "parallel_size", "loss", "split")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def nanochat(files: Files) -> Columns:
    """Three tables of optima in nanochat's log, one a way of counting parameters.

    The log rounds its budgets to one digit; the true ones are those of its sweep script.
    """
    text = files["LOG.md"].read_text(encoding="utf-8")
    heads = {
        "Kaplan-style": "matmul_with_head",
        "Chinchilla-style": "all_parameters",
        "Transformer-only-style": "transformer_only",
    }
    true = {1e18: 1e18, 2e18: 2.15e18, 5e18: 4.64e18, 1e19: 1e19}
    row = re.compile(r"^(\de\+\d\d)\s+([\d,]+)\s+([\d,]+)\s+([\d.]+)\s+([\d.]+)$")
    rows, convention = [], ""
    for line in text.splitlines():
        convention = heads.get(line.split(" ")[0], convention)
        match = row.match(line.strip())
        if match and convention:
            C, *numbers = (float(cell.replace(",", "")) for cell in match.groups())
            rows.append((convention, C, *numbers, true[C]))
    names = "param_convention flops_C params_N tokens_D tokens_per_param val_bpb flops_C_run_script"
    return dict(zip(names.split(), map(list, zip(*rows, strict=True)), strict=True))


def architectures(files: Files) -> Columns:
    """Hoffmann et al.'s Table A9 in nanoGPT's notebook, with that notebook's own count.

    The count has the head once (vocabulary 32,000), relative positions and biases, no input
    embedding, and takes the attention's width to be that of the model.
    """
    notebook = msgspec.json.decode(files["scaling_laws.ipynb"].read_bytes())
    source = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    found = re.search(r"chinchilla_models_txt = '(\[\[.*?\]\])'", source)
    if found is None:
        raise ValueError("the notebook has no table of models")
    table = np.array(msgspec.json.decode(found[1].encode()))
    names = ("params_reported", "d_model", "ffw_size", "kv_size", "n_heads", "n_layers")
    columns: Columns = dict(zip(names, table.T, strict=True))
    d, f, layers = columns["d_model"], columns["ffw_size"], columns["n_layers"]
    layer = 5 * d**2 + 2 * d * f + 3 * d + 2 * d + d + f + d + 4 * d
    computed = layers * layer + 2 * d + 32000 * d
    return {
        **columns,
        "params_computed": computed,
        "ratio": computed / columns["params_reported"],
    }


def _assigned(path: Path) -> dict[str, Any]:
    """Return the lists that a program assigns to names, read without running it."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        value = node.value.args[0] if isinstance(node.value, ast.Call) and node.value.args else None
        try:
            found.setdefault(node.targets[0].id, ast.literal_eval(value or node.value))
        except ValueError:
            continue
    return found
