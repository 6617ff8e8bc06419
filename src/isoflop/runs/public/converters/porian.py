"""Porian et al. 2024: isoFLOP points, optima and exponents out of their result files.

Upstream keeps pickled frames, one row a configuration; `inert` reads them without running them.
"""

from __future__ import annotations

import lzma
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.runs.public.converters.inert import plain, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Files = Mapping[str, Path]
    Columns = dict[str, Any]

_KEYS = ("dataset", "hparams", "warmup", "decay", "param_count", "val")


def points(files: Files) -> Columns:
    """One row a configuration, budget and size: the point taken out of a training curve."""
    rows = []
    for labels, row in _configurations(files):
        key = "/".join(labels[1:])
        for C, pair in _budgets(row):
            sizes, tokens, losses = (
                plain(pair[name]) for name in ("n_vals", "t_vals", "loss_vals")
            )
            for N, D, loss in zip(sizes, tokens, losses, strict=True):
                rows.append((*labels, C, float(N), float(D), float(loss), key))
    return _columns(rows, ("flops_C", "params_N", "tokens_D", "loss", "label"))


def optima(files: Files) -> Columns:
    """One row a configuration and budget: the published optimum; missing where it was refused."""
    names = {
        "N_star": "n",
        "D_star": "t",
        "loss_star": "loss",
        "log_N_star_std": "n_star_std",
        "log_D_star_std": "t_star_std",
        "log_loss_star_std": "loss_star_std",
        "tokens_per_param": "multiplier",
    }
    rows = [
        (*labels, C, *(_number(pair[name]) for name in names.values()))
        for labels, row in _configurations(files)
        for C, pair in _budgets(row)
    ]
    return _columns(rows, ("flops_C", *names))


def fits(files: Files) -> Columns:
    """One row a configuration: published exponents, with the 95 % interval of their draws."""
    found = [(labels, _exponents(row["fit_results"])) for labels, row in _configurations(files)]
    rows = [(*labels, *numbers.values()) for labels, numbers in found]
    return _columns(rows, tuple(found[0][1]))


def _exponents(results: dict[str, Any]) -> dict[str, float]:
    weighted, basic = results["bs_median_weighted"], results["bs_median"]
    exponents = [x["n_exponent"] for x in results["bootstrap_weighted"] if "n_exponent" in x]
    drawn = np.array([_number(x) for x in exponents])
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    numbers = {
        "a_weighted": weighted["n_exponent"],
        "N_coef_weighted": weighted["n_coef"],
        "r2_weighted": weighted["n_r2"],
        "a_ci_lo": low,
        "a_ci_hi": high,
        "n_boot": len(drawn),
        "b_weighted": weighted["t_exponent"],
        "a_unweighted": basic["n_exponent"],
        "b_unweighted": basic["t_exponent"],
        "N_coef_unweighted": basic["n_coef"],
        "loss_A_unweighted": basic["A"],
        "loss_E_unweighted": basic["E"],
        "loss_alpha_unweighted": basic["alpha"],
    }
    return {name: _number(value) for name, value in numbers.items()}


def _configurations(files: Files) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the labels (source file and keys) and the row of every configuration."""
    for file, path in files.items():
        frame = plain(read(lzma.decompress(path.read_bytes())))
        for i in range(len(frame["dataset"])):
            row = {name: column[i] for name, column in frame.items()}
            source = file.removesuffix(".pickle.xz")
            yield (source, *(str(row[key]) for key in _KEYS)), row


def _budgets(row: dict[str, Any]) -> Iterator[tuple[float, dict[str, Any]]]:
    frame = plain(row["optimal_pairs"])
    for i, C in enumerate(frame["flops"]):
        yield float(C), {name: column[i] for name, column in frame.items()}


def _columns(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> Columns:
    labels = ("source_file", *_KEYS)
    return dict(zip((*labels, *names), map(list, zip(*rows, strict=True)), strict=True))


def _number(value: Any) -> float:
    value = plain(value)
    return np.nan if value is None else float(value)
