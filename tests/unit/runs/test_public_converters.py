"""Converters on files of the upstream form, made from the rows of ../shared/data.

Upstream's own files are not here. Those of the tables that are here whole were converted once
and gave the registered digests; of four tables only a part could be looked at.
"""

from __future__ import annotations

import csv
import lzma
import pickle
from importlib import import_module
from pathlib import Path

import msgspec
import numpy as np
import pytest

from isoflop.runs.public import converters, show
from isoflop.runs.readers import read_csv
from isoflop.runs.table import RunTable

DATA = Path(__file__).parents[3].parent / "shared" / "data"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public tables ../shared/data are absent"),
]


def rows_of(name):
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def converted(name, folder):
    """The table that the registered converter makes of the registered files of a folder."""
    entry = show(name)
    module, _, function = entry.converter.partition(":")
    convert = getattr(import_module(f"{converters.__name__}.{module}"), function)
    return RunTable(convert({file.name: folder / file.name for file in entry.files}))


def same(table, name):
    wanted = RunTable(read_csv(DATA / f"{name}.csv"))
    assert list(table) == list(wanted)
    assert len(table) == len(wanted)
    for column in wanted:
        np.testing.assert_array_equal(table[column], wanted[column], err_msg=column)


def test_points_of_a_colour_scale(tmp_path):
    rows = rows_of("chinchilla-epoch-svg")
    header = ["x", "y", "color", "Model Size", "Training FLOP", "hex_color", "loss"]
    keys = ["svg_x", "svg_y", "hex_color", "params_N", "flops_C", "hex_color", "loss"]
    path = tmp_path / "svg_extracted_data.csv"
    write(path, header, ([row[key] for key in keys] for row in rows))
    same(converted("chinchilla-epoch-svg", tmp_path), "chinchilla-epoch-svg")


def test_learning_curves(tmp_path):
    header = ["Domain", "Task", "Model", "Seen Examples", "Loss", "Training"]
    lang = {"NMT", "LM", "BB"}
    for field in ("vision", "lang"):
        rows = (
            [*(r[k] for k in ("domain", "task", "model", "seen_examples", "loss")), trains]
            for r in rows_of("alabdulmohsin-nsl92")
            if (r["domain"] in lang) == (field == "lang")
            for trains in (int(r["split"] == "train"),)
        )
        write(tmp_path / f"benchmark.{field}.csv", header, rows)
    same(converted("alabdulmohsin-nsl92", tmp_path), "alabdulmohsin-nsl92")


def test_isoflop_collection(tmp_path):
    text = (DATA / "openathena-isoflops.csv").read_text(encoding="utf-8")
    head, _, body = text.partition("\n")
    for ours, theirs in (("tokens_D", "tokens"), ("params_N", "params"), ("flops_C", "budget")):
        head = head.replace(ours, theirs)
    (tmp_path / "isoflops.csv").write_text(f"{head}\n{body}", encoding="utf-8")
    same(converted("openathena-isoflops", tmp_path), "openathena-isoflops")


def test_ladder(tmp_path):
    rows = rows_of("olmo-ladder-checkpoints")
    added = ("label", "run", "N", "flops_per_token", "mode", "split")
    names = [name for name in rows[0] if name not in added and "_mc_5shot" not in name]
    files = [
        file.name for file in show("olmo-ladder-checkpoints").files if "peteish" not in file.path
    ]
    for file in files:
        part = [row for row in rows if f"{row['run']}.csv" == file]
        header = [*names, "eval/pile-validation/CrossEntropyLoss"]
        write(tmp_path / file, header, ([*(row[name] for name in names), 3.0] for row in part))
    convert = import_module(f"{converters.__name__}.assembled").ladder
    table = RunTable(convert({file: tmp_path / file for file in files}))
    wanted = RunTable(read_csv(DATA / "olmo-ladder-checkpoints.csv"))
    assert set(table) == {name for name in wanted if "_mc_5shot" not in name}
    first = {run: i for i, run in reversed(list(enumerate(wanted["run"])))}
    order = sorted(range(len(wanted)), key=lambda i: (files.index(f"{wanted['run'][i]}.csv"), i))
    assert len(first) == 16
    for name in table:
        np.testing.assert_array_equal(table[name], wanted[name][order], err_msg=name)


def test_mixtures(tmp_path):
    rows = rows_of("regmix")
    weights = [name for name in rows[0] if name.startswith("train_the")]
    losses = [name for name in rows[0] if name.startswith("metric/")]
    for split, scale in (("train", "1m"), ("test", "1m"), ("test", "60m"), ("test", "1B")):
        part = [r for r in rows if (r["scale"].lower(), r["split"]) == (scale.lower(), split)]
        if not part:  # sealed: any numbers will do
            part = [{**rows[0], "index": "1"}]
        for kind, names in (("mixture", weights), ("pile_loss", losses)):
            path = tmp_path / f"{split}_{kind}_{scale}.csv"
            write(path, ["index", *names], ([r["index"], *(r[n] for n in names)] for r in part))
    table = converted("regmix", tmp_path)
    assert (table["scale"] == "1B").sum() == 1
    same(table.where("scale != '1B'"), "regmix")


def test_fine_tuning(tmp_path):
    rows = rows_of("sldbench-sft")
    sizes = list(dict.fromkeys(row["sft_data_size"] for row in rows))
    for dataset in ("flan", "gigaword", "wikiword"):
        losses: dict[str, list[str]] = {}
        for row in rows:
            if row["dataset"] == dataset:
                losses.setdefault(row["model"], ["4.5"]).append(row["sft_loss"])
        body = ([model, *values] for model, values in losses.items())
        write(tmp_path / f"{dataset}.csv", ["model", "0", *sizes], body)
    same(converted("sldbench-sft", tmp_path), "sldbench-sft")


def test_arrays(tmp_path):
    table = read_csv(DATA / "nslpfn-nano.csv")
    curves = table["y"].reshape(2, 12, 7)
    for short, array in zip(("min", "final"), curves, strict=True):
        np.save(tmp_path / f"{short}_val_loss_over_n_embd.npy", array)
    same(converted("nslpfn-nano", tmp_path), "nslpfn-nano")


def test_domain_mixtures(tmp_path):
    models: dict[str, dict[str, list]] = {}
    for row in rows_of("sldbench-domain-mixture"):
        split = "train" if row["split"] == "train" else "eval"
        run = {
            "proportions": [float(row[f"proportion_domain_{i}"]) for i in range(1, 6)],
            "loss": [float(row[f"loss_domain_{i}"]) for i in range(1, 6)],
        }
        models.setdefault(row["group"], {"train": [], "eval": []})[split].append(run)
    (tmp_path / "all_models_data.json").write_bytes(msgspec.json.encode(models))
    same(converted("sldbench-domain-mixture", tmp_path), "sldbench-domain-mixture")


def objects(frame):
    """The frame with its names as the objects that they were when upstream pickled."""
    frame.columns = frame.columns.astype(object)
    return frame


def test_pickled_frames(tmp_path):
    pd = pytest.importorskip("pandas")
    keys = ("dataset", "hparams", "warmup", "decay", "param_count", "val")
    studies: dict[str, dict] = {}
    for row in rows_of("porian-isoflop-points"):
        study = tuple(row[key] for key in keys)
        budgets = studies.setdefault(row["source_file"], {}).setdefault(study, {})
        point = [float(row[name]) for name in ("params_N", "tokens_D", "loss")]
        budgets.setdefault(float(row["flops_C"]), []).append(point)
    for file in show("porian-isoflop-points").files:
        frames = []
        for study, budgets in studies[file.name.removesuffix(".pickle.xz")].items():
            points = [np.array(part).T for part in budgets.values()]
            pairs = {"flops": np.array(list(budgets))}
            for name, k in (("n_vals", 0), ("t_vals", 1)):
                pairs[name] = pd.Series([part[k] for part in points])
            pairs["loss_vals"] = pd.Series([pd.Series(part[2]) for part in points])
            labels = dict(zip(keys, study, strict=True))
            frames.append({**labels, "optimal_pairs": objects(pd.DataFrame(pairs))})
        data = pickle.dumps(objects(pd.DataFrame(frames).astype(object)), protocol=5)
        (tmp_path / file.name).write_bytes(lzma.compress(data, preset=0))
    same(converted("porian-isoflop-points", tmp_path), "porian-isoflop-points")
