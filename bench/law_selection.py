"""Laws in several variables, chosen from training rows alone and scored once on the test rows.

    python bench/law_selection.py [--task sft] [--json] [--train-only]

Four tasks of SLDBench (arXiv:2507.21184), its split and its limit on constants. Candidates are
stated below; the choice sees training rows only (`iso.select`), one law for all groups, constants
per group. R^2 is the benchmark's: 1 minus the mean over outputs of the mean squared error over the
variance of the test rows of all groups together. Published scores: human laws and SLDAgent (GPT-5,
mean of 5) from that paper, NAI (best single search of 9) from ekelab/NAI-experiments @ c0343de.

Tables: the public registry's (`isoflop data fetch`), or a folder named by ISOFLOP_DATA.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

import isoflop as iso
from isoflop.runs.public import load
from isoflop.runs.table import RunTable
from isoflop.validate.scores import r_squared

if TYPE_CHECKING:
    from isoflop.validate.select import Selection


@dataclass(frozen=True)
class Task:
    """One task.

    Args:
        names: column of the table -> name in the laws; outputs: after renaming.
        along: what the test rows extend ("" for new mixtures: interpolation).
        candidates: laws with at most `limit` constants per output.
        published: R^2 of human laws, SLDAgent, NAI.
    """

    name: str
    names: dict[str, str]
    outputs: tuple[str, ...]
    along: str
    limit: int
    candidates: tuple[str, ...]
    published: tuple[float, float, float]


#: Rule, folds and candidates were fixed on training rows. The lists are not blind, though: the
#: mixing law, the rectified law (sft), ParScale and the sum of powers (vocab) are published, with
#: how well they do on these test rows.
TASKS = (
    Task(
        name="parallel",
        names={"parallel_size": "P"},
        outputs=("loss",),
        along="P",
        limit=4,
        candidates=(
            "parscale",
            "E + A/N^alpha",
            "A/(N^alpha*P^beta)",
            "E + A/(N^alpha*P^beta)",
            "A/(N*(k*log(P) + 1))^alpha; k >= 0",
        ),
        published=(1.000, 1.000, 1.000),
    ),
    Task(
        name="vocab",
        names={
            "vocab_size": "V",
            "num_characters": "D",
            "unigram_normalized_loss": "loss",
        },
        outputs=("loss",),
        along="V",
        limit=7,
        candidates=(
            "c + A/N^alpha + F/D^gamma",
            "c + A/N^alpha + B/V^beta + F/D^gamma",
            "c + A/N^alpha + F/D^gamma + k*log(V)",
            "c + A/N^alpha + F/D^gamma + k*log(V) + q*log(V)^2",
            "c + A/N^alpha + F*V^beta/D^gamma + k*log(V)",
            "A/N^alpha + F/D^gamma + c*V^beta",
            "c + A/N^alpha + F*V^beta/D^gamma",
            "c + A*V^delta/N^alpha + F*V^beta/D^gamma",
            "c + (A/N^alpha + F*V^beta/D)^gamma",
            "c + (A/N^alpha + F*V^beta/D)^gamma + k*log(V)",
        ),
        published=(0.966, 0.987, 0.979),
    ),
    Task(
        name="sft",
        names={"sft_data_size": "D", "sft_loss": "loss"},
        outputs=("loss",),
        along="D",
        limit=4,
        candidates=(
            "A/D^alpha",
            "E + A/D^alpha",
            "c + k*log(D)",
            "E + A/(D + H)^alpha; H from [10, 1e6]",
            "E + B/(H + D^beta)",
            "A/(D + K*D^alpha)^beta",
        ),
        published=(0.957, 0.993, 0.989),
    ),
    Task(
        name="domain-mixture",
        names={f"proportion_domain_{j}": f"r{j}" for j in range(1, 6)},
        outputs=tuple(f"loss_domain_{j}" for j in range(1, 6)),
        along="",
        limit=7,
        candidates=(
            "t1*r1 + t2*r2 + t3*r3 + t4*r4 + t5*r5",
            "exp(t1*r1 + t2*r2 + t3*r3 + t4*r4 + t5*r5)",
            "E + exp(t1*r1 + t2*r2 + t3*r3 + t4*r4 + t5*r5)",
            "data_mixing5",
            "E + 1/(W1*r1 + W2*r2 + W3*r3 + W4*r4 + W5*r5)^alpha; W1 from [1e-2, 1e2];"
            " W2 from [1e-2, 1e2]; W3 from [1e-2, 1e2]; W4 from [1e-2, 1e2];"
            " W5 from [1e-2, 1e2]",
        ),
        published=(0.671, 0.988, 0.995),
    ),
)


def table_of(task: Task) -> RunTable:
    """Return the task's table with the names of its laws."""
    raw = load(f"sldbench-{task.name}")
    return RunTable.from_columns({task.names.get(name, name): raw[name] for name in raw})


def choose(task: Task, table: RunTable) -> Selection:
    """Choose among a task's candidates; noise in raw units, since the benchmark's score is."""
    return iso.select(
        table,
        task.candidates,
        output=task.outputs,
        group="group",
        train="split == 'train'",
        along=task.along,
        folds="rolling" if task.along else "random",
        noise="raw-squared",
    )


def test_scores(task: Task, table: RunTable, selection: Selection) -> dict[str, float | None]:
    """Return R^2 and the mean absolute relative error on the test rows."""
    test = table.where("split == 'test'")
    observed = np.stack([test[name] for name in task.outputs], axis=1)
    predicted = selection.predict(test)
    return {
        "r2": r_squared(observed, predicted),
        "relative_error": float(np.mean(np.abs(predicted / observed - 1))),
    }


def scored(task: Task, train_only: bool = False) -> dict[str, Any]:
    """Choose on the training rows, then score once on the test rows."""
    began = time.perf_counter()
    table = table_of(task)
    selection = choose(task, table)
    scores = {} if train_only else test_scores(task, table, selection)
    return {
        "task": task.name,
        "chosen": selection.chosen,
        **scores,
        "published": task.published,
        "parts": selection.parts,
        "unit": selection.unit,
        "seconds": time.perf_counter() - began,
        "candidates": [msgspec.to_builtins(c) for c in selection.candidates],
    }


def show(found: dict[str, Any]) -> None:
    """Print one task: the candidates on training rows, then the row of the table."""
    print(
        f"\n{found['task']}: {found['parts']} parts of the training rows, {found['seconds']:.1f} s"
    )
    for c in found["candidates"]:
        numbers = c["reason"] or f"{c['score']:.3e}  +{c['excess']:.1e} (se {c['error']:.1e})"
        print(f"  {c['parameters']}  {numbers}  {c['law']}")
    if "r2" not in found:
        print(f"  chosen `{found['chosen']}`")
        return
    human, agent, nai = found["published"]
    print(
        f"  R2 {found['r2']:.4f}, relative error {found['relative_error']:.2%} with"
        f" `{found['chosen']}`; human {human:.3f}, SLDAgent {agent:.3f}, NAI {nai:.3f}"
    )


def main() -> None:
    """Choose, score once, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--task", action="append", choices=[task.name for task in TASKS])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--train-only", action="store_true", help="choose, read no test row")
    options = parser.parse_args()
    tasks = [task for task in TASKS if task.name in (options.task or [task.name])]
    found = [scored(task, options.train_only) for task in tasks]
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for one in found:
        show(one)


if __name__ == "__main__":
    main()
