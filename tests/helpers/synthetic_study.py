"""A study result computed from a known law, so that every number in it agrees with the others.

The law, the sizes and the budgets resemble the default study's; noise is 0.009 nats per token.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from synthetic_law import (
    HELDOUT,
    PLAN,
    WIDTHS,
    approach1,
    approach2,
    approach3,
    best,
    curve,
    flops_per_token,
    law,
    rows,
)

from isoflop.protocols.result import (
    Approach,
    Cell,
    Finding,
    Heldout,
    Optimum,
    PlanAnswer,
    StudyResult,
)
from isoflop.samples import Estimate


def _heldout(drawn: list[dict[str, Any]]) -> Heldout:
    cells = []
    for row in (r for r in drawn if r["role"] == "heldout"):
        mean = float(law(row["N"], row["D"]))
        cells.append(
            Cell(
                id=row["id"],
                N=row["N"],
                D=row["D"],
                C=row["C"],
                observed=row["loss"],
                predicted=mean,
                interval=(mean - 0.06, mean + 0.05),
                covered=mean - 0.06 <= row["loss"] <= mean + 0.05,
                by_model={
                    "approach2": Estimate(mean - 0.03, (mean - 0.06, mean - 0.005), 0.9, 200),
                    "approach3": Estimate(mean + 0.02, (mean - 0.01, mean + 0.05), 0.9, 200),
                },
                baselines={
                    "loss of the nearest smaller run": mean + 0.21,
                    "straight line through two budgets": mean - 0.05,
                },
            )
        )
    first = min(cells, key=lambda cell: cell.observed)
    return Heldout(
        budget=HELDOUT,
        level=0.9,
        predicted=first.predicted,
        interval=first.interval,
        observed=first.observed,
        covered=first.covered,
        fitted_budgets=list(WIDTHS),
        decades=float(np.log10(HELDOUT / max(WIDTHS))),
        cells=cells,
        coverage=sum(cell.covered for cell in cells) / len(cells),
    )


def _plan() -> PlanAnswer:
    """Between the law's own floor (approach 3) and no floor at all (approach 2)."""
    n, d, loss = best(PLAN)
    grid = np.geomspace(n / 12, n * 12, 61)
    median = law(grid, PLAN / flops_per_token(grid)) - 0.1
    loss -= 0.1
    width = 0.13 + 0.03 * np.log(grid / n) ** 2 / 4

    def flat(share: float) -> tuple[float, float]:
        inside = grid[median <= loss * (1 + share)]
        return float(inside[0]), float(inside[-1])

    return PlanAnswer(
        C=PLAN,
        decades=1.0,
        level=0.9,
        convention="matrices+head",
        N=Estimate(n, (n * 0.78, n * 1.34), 0.9, 400),
        D=Estimate(d, (d * 0.75, d * 1.27), 0.9, 400),
        loss=Estimate(loss, (loss - 0.13, loss + 0.12), 0.9, 400),
        tokens_per_parameter=Estimate(d / n, (d / n * 0.6, d / n * 1.5), 0.9, 400),
        by_model={
            "approach2": {
                "N": Estimate(n * 1.05, (n * 0.9, n * 1.34), 0.9, 200),
                "loss": Estimate(loss - 0.1, (loss - 0.13, loss - 0.07), 0.9, 200),
            },
            "approach3": {
                "N": Estimate(n * 0.93, (n * 0.78, n * 1.1), 0.9, 200),
                "loss": Estimate(loss + 0.1, (loss + 0.06, loss + 0.12), 0.9, 200),
            },
        },
        flat={"0.1%": flat(1e-3), "1%": flat(1e-2)},
        curve={
            "N": grid.tolist(),
            "median": median.tolist(),
            "low": (median - width).tolist(),
            "high": (median + width * 0.8).tolist(),
        },
        warnings=["The repeated-data penalty beyond 4 epochs is not modelled."],
    )


FINDINGS = [
    Finding(
        code="local_slope",
        severity="ok",
        message="The local slope of L(C) does not steepen: -0.084, -0.080, -0.077.",
        why="A steepening slope says that small runs are limited by optimisation, not by size.",
        numbers={"steepest": -0.084, "last": -0.077},
    ),
    Finding(
        code="tokens_per_parameter",
        severity="ok",
        message="Tokens per parameter at the minima lie between 15 and 19.",
        why="Far from 20, the recipe or the count of N is usually at fault.",
    ),
    Finding(
        code="floor",
        severity="note",
        message="The irreducible loss E is not identified by 30x in compute.",
        why="Approach 3 extrapolates too high when E is too high.",
        remedy="isoflop study --budgets 5e10,1.5e11,5e11,1.5e12,5e12",
    ),
    Finding(
        code="rate_probe",
        severity="warning",
        message="Halving the learning rate at width 80 lowers the loss by 0.012 nats per token.",
        why="A rate far from its best at one end of the widths tilts the parabola.",
        remedy="isoflop study --rate 5e-3",
        numbers={"gain": 0.012},
    ),
]


def study(seed: int = 1) -> StudyResult:
    """A sound study: four budgets, three held-out runs, a plan one decade further."""
    generator = np.random.default_rng(seed)
    drawn = rows(generator)
    parabolas = approach2(drawn, generator)
    result = StudyResult(
        question="How should 5e13 training FLOPs be split between model size and tokens, "
        "judging from runs of at most 5e12?",
        settings={
            "budgets": list(WIDTHS),
            "heldout": HELDOUT,
            "seed": 0,
            "level": 0.9,
            "workers": 2,
            "quick": False,
            "convention": "matrices+head",
        },
        runs={"finished": len(drawn), "failed": 0},
        table={name: [row[name] for row in drawn] for name in drawn[0]},
        curves={row["id"]: curve(row, generator) for row in drawn},
        approach1=approach1(generator),
        approach2=parabolas,
        approach3=approach3(drawn, generator),
        conventions={
            "matrices": Estimate(0.587, (0.55, 0.62), 0.9, 200),
            "matrices+head": parabolas.N_exponent,  # type: ignore
            "all": Estimate(0.432, (0.41, 0.46), 0.9, 200),
        },
        disagreement=[],
        heldout=_heldout(drawn),
        plan=_plan(),
        findings=list(FINDINGS),
        corpus={
            "name": "Python 3.11 standard library",
            "digest": "5e3c0f6d9a17b2c4",
            "train_tokens": 4_705_211,
            "validation_tokens": 110_342,
            "bytes_per_token": 2.14,
            "vocabulary": 512,
        },
        timing={"tokenise": 12.3, "train": 612.0, "evaluate": 21.5, "fit": 9.4, "report": 0.6},
        provenance={
            "isoflop": "0.1.0",
            "python": "3.11.7",
            "torch": "2.13.0+cpu",
            "command": "isoflop study --out study",
            "seed": "0",
            "started": "2026-11-23T03:10:00Z",
            "finished": "2026-11-23T03:21:00Z",
        },
    )
    # As it is read back from result.json: plain floats, lists and tuples.
    document = msgspec.json.encode(result, enc_hook=float)
    return msgspec.json.decode(document, type=StudyResult)


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def troubled(seed: int = 1) -> StudyResult:
    """The same study where much went wrong, with markup in every text that a user controls."""
    sound = study(seed)
    table = {name: list(column) for name, column in sound.table.items()}
    table["id"][0] = HOSTILE
    table["status"][1], table["loss"][1], table["bits_per_byte"][1] = "failed", None, None
    table["reason"] = ["" for _ in table["id"]]
    table["reason"][1] = f"NaN at step 12 {HOSTILE}"
    curves = dict(sound.curves)
    curves[HOSTILE] = curves.pop(sound.table["id"][0])
    curves[table["id"][1]] = {"C": [1e9, 2e9], "tokens": [1e4, 2e4], "train_loss": [6.1, None]}  # type: ignore
    optima = list(sound.approach2.optima)
    optima[0] = Optimum(
        budget=5e10,
        C=5e10,
        status="edge",
        reason=f"the best run is the smallest {HOSTILE}",
        runs=[table["id"][0], *table["id"][2:5]],
    )
    replace = msgspec.structs.replace
    return replace(
        sound,
        question=f"What does {HOSTILE} cost?",
        runs={"finished": len(table["id"]) - 1, "failed": 1},
        table=table,
        curves=curves,
        approach1=Approach(
            name="approach1", title="Approach 1: lower envelope", ok=False, notes=["too few curves"]
        ),
        approach2=replace(sound.approach2, optima=optima),
        disagreement=["Approach 3 puts N* at 5e13 FLOPs 40 % below approach 2."],
        heldout=None,
        plan=None,
        findings=[
            *FINDINGS,
            Finding(
                code="no_plan",
                severity="error",
                message=f"There is no plan: only three budgets have a minimum {HOSTILE}.",
                why="Two points fix a line and leave nothing to check it with.",
                remedy="isoflop study --budgets 5e10,1.5e11,5e11",
            ),
        ],
        corpus={"name": HOSTILE},
        provenance={"command": f"isoflop study --corpus '{HOSTILE}'"},
    )


def empty() -> StudyResult:
    """A study in which every run failed."""
    sound = study()
    count = len(sound.table["id"])
    table = dict(sound.table) | {"status": ["failed"] * count, "loss": [None] * count}
    failed = [
        Approach(name=f"approach{k}", title=f"Approach {k}", ok=False, notes=["no runs"])
        for k in (1, 2, 3)
    ]
    return msgspec.structs.replace(
        sound,
        runs={"finished": 0, "failed": count},
        table=table,
        curves={},
        approach1=failed[0],
        approach2=failed[1],
        approach3=failed[2],
        conventions={},
        heldout=None,
        plan=None,
        findings=[],
        timing={},
    )
