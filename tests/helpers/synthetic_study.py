"""A study result computed from a known law, so that every number in it agrees with the others.

The law, the sizes and the budgets resemble the default study's; noise is 0.009 nats per token.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from isoflop.design.architecture import Architecture
from isoflop.protocols.result import (
    Approach,
    Cell,
    Finding,
    Heldout,
    Optimum,
    PlanAnswer,
    PowerLawFit,
    StudyResult,
)
from isoflop.samples import Estimate, summarise

E, ALPHA, BETA = 1.88, 0.45, 0.39
A = 0.822 * 22e3**ALPHA
B = 0.948 * 0.34e6**BETA
NOISE = 0.009
SAMPLES = 200
WIDTHS = {
    5e10: (8, 16, 24, 32, 48),
    1.5e11: (16, 24, 32, 48, 64),
    5e11: (16, 24, 32, 48, 64, 80),
    1.5e12: (24, 32, 40, 48, 64, 96),
}
HELDOUT, HELDOUT_WIDTHS = 5e12, (48, 64, 96)
PLAN = 5e13


def flops_per_token(n: Any) -> Any:
    """Exact training FLOPs a token of the two-layer model with n matrix and head weights."""
    width = (-512 + np.sqrt(512**2 + 96 * np.asarray(n))) / 48
    return 6 * np.asarray(n) + 768 * width


def law(n: Any, d: Any, parameters: Any = (E, A, ALPHA, B, BETA)) -> Any:
    e, a, alpha, b, beta = parameters
    return e + a / n**alpha + b / d**beta


def best(c: float, parameters: Any = (E, A, ALPHA, B, BETA)) -> tuple[float, float, float]:
    """N*, D* and loss of a budget, on a fine grid."""
    n = np.geomspace(2e3, 1e8, 4001)
    d = c / flops_per_token(n)
    at = int(np.argmin(law(n, d, parameters)))
    return float(n[at]), float(d[at]), float(law(n[at], d[at], parameters))


def _rows(generator: np.random.Generator) -> list[dict[str, Any]]:
    cells = [(c, w, "isoflop") for c, widths in WIDTHS.items() for w in widths]
    cells += [(HELDOUT, w, "heldout") for w in HELDOUT_WIDTHS]
    cells += [(5e11, w, "lr_probe") for w in (16, 80)]
    rows = []
    for index, (budget, width, role) in enumerate(cells):
        shape = Architecture(width=width)
        d = budget / shape.flops_per_token()
        n = shape.parameters()
        loss = law(n, d) + generator.normal(0, NOISE) + (0.06 if role == "lr_probe" else 0)
        rows.append(
            {
                "id": f"{(index + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}",
                "role": role,
                "status": "finished",
                "budget": budget,
                "N": float(n),
                "N_matrices": float(shape.parameters("matrices")),
                "N_all": float(shape.parameters("all")),
                "D": d,
                "U": min(d, 4.7e6),
                "C": budget,
                "loss": float(loss),
                "bits_per_byte": float(loss) / 1.484,
                "seed": 0.0,
                "seconds": budget / 4e9,
            }
        )
    return rows


def _curve(row: dict[str, Any], generator: np.random.Generator) -> dict[str, list[float]]:
    """Loss above the final law by a term that decays to zero, as a finished schedule's does."""
    share = np.geomspace(2e-3, 1, 120)
    loss = law(row["N"], row["D"] * share) * (1 + 0.04 * (1 - share))
    loss = np.minimum(loss, np.log(512)) + row["loss"] - law(row["N"], row["D"])
    evaluated = share[9::10]
    return {
        "C": list(row["C"] * share),
        "tokens": list(row["D"] * share),
        "train_loss": list(loss + generator.normal(0, 0.02, len(loss))),
        "val_C": list(row["C"] * evaluated),
        "val_loss": [float(x) for x in loss[9::10][:-1]] + [row["loss"]],
    }


def _optimum(
    budget: float, rows: list[dict[str, Any]], generator: np.random.Generator
) -> tuple[Optimum, np.ndarray]:
    """Parabola in log N with the minima of noisy repeats: samples [sample, (N, D, loss)]."""
    used = [r for r in rows if r["budget"] == budget and r["role"] == "isoflop"]
    lowest = min(r["loss"] for r in used)
    used = [r for r in used if r["loss"] < lowest + 0.3]
    x, y = np.log([r["N"] for r in used]), np.array([r["loss"] for r in used])
    samples = []
    for index in range(SAMPLES + 1):
        noise = generator.normal(0, NOISE, len(y)) if index else 0.0
        a, b, c = np.polyfit(x, y + noise, 2)
        n = np.exp(-b / (2 * a))
        samples.append((n, budget / flops_per_token(n), c - b * b / (4 * a)))
    a, b, c = np.polyfit(x, y, 2)
    grid = np.linspace(x.min() - 0.15, x.max() + 0.15, 41)
    values = np.array(samples)
    point, rest = values[0], values[1:]
    estimates = [summarise(p, s) for p, s in zip(point, rest.T, strict=True)]
    found = Optimum(
        budget=budget,
        C=budget,
        status="ok",
        N=estimates[0],
        D=estimates[1],
        loss=estimates[2],
        runs=[r["id"] for r in used],
        curve_N=[float(v) for v in np.exp(grid)],
        curve_loss=[float(v) for v in np.polyval((a, b, c), grid)],
        rms=float(np.sqrt(np.mean((np.polyval((a, b, c), x) - y) ** 2))),
        bias_N=-0.021,
    )
    return found, rest


GRID = np.geomspace(3e10, 1e14, 25)


def _power(c: Any, y: np.ndarray) -> PowerLawFit:
    """Power law through y [sample, budget] at c; the first row is the point estimate."""
    fits = np.array([np.polyfit(np.log(c), np.log(row), 1) for row in y])
    curves = np.exp(fits[:, :1] * np.log(GRID) + fits[:, 1:])
    low, high = np.quantile(curves[1:], (0.05, 0.95), axis=0)
    return PowerLawFit(
        exponent=summarise(fits[0, 0], fits[1:, 0]),
        coefficient=summarise(np.exp(fits[0, 1]), np.exp(fits[1:, 1])),
        C=GRID.tolist(),
        median=curves[0].tolist(),
        low=low.tolist(),
        high=high.tolist(),
    )


def _laws(c: Any, samples: np.ndarray) -> dict[str, Any]:
    """Three power laws from samples [sample, budget, (N, D, loss)]."""
    n, d, loss = (_power(c, samples[:, :, k]) for k in range(3))
    return {
        "N_opt": n,
        "D_opt": d,
        "loss_opt": loss,
        "N_exponent": n.exponent,
        "D_exponent": d.exponent,
    }


def _approach1(generator: np.random.Generator) -> Approach:
    c = np.geomspace(1e10, 1.5e12, 24)
    point = np.array([best(v) for v in c])
    point[:, 0] *= (c / 1e12) ** 0.03
    jitter = generator.normal(0, 0.05, (SAMPLES + 1, len(c), 1))
    drift = generator.normal(0, 0.012, (SAMPLES + 1, 1, 1)) * np.log(c / 1e11)[None, :, None]
    jitter[0], drift[0] = 0, 0
    signs = np.array([1, -1, 0.02])
    samples = point[None] * np.exp((jitter + drift) * signs)
    return Approach(
        name="approach1",
        title="Approach 1: lower envelope",
        ok=True,
        envelope=dict(zip(("C", "N", "D", "loss"), (c.tolist(), *point.T.tolist()), strict=True)),
        **_laws(c, samples),
    )


def _approach2(rows: list[dict[str, Any]], generator: np.random.Generator) -> Approach:
    found = [_optimum(budget, rows, generator) for budget in WIDTHS]
    points = [[o.N.estimate, o.D.estimate, o.loss.estimate] for o, _ in found]  # type: ignore
    samples = np.concatenate([[points], np.stack([s for _, s in found], axis=1)])
    return Approach(
        name="approach2",
        title="Approach 2: isoFLOP parabolas",
        ok=True,
        optima=[o for o, _ in found],
        **_laws(list(WIDTHS), samples),
    )


def _approach3(rows: list[dict[str, Any]], generator: np.random.Generator) -> Approach:
    """Draws keep loss and slopes in the middle of the data and differ in the floor E."""
    truth = np.array([E, A, ALPHA, B, BETA])
    centre, reducible = (5e4, 8e5), np.array([A / 5e4**ALPHA, B / 8e5**BETA])
    draws = [truth]
    for shift in generator.normal(0, 0.12, 40):
        parts = reducible * (1 - shift / reducible.sum())
        powers = np.array([ALPHA, BETA]) * reducible / parts * (1 + generator.normal(0, 0.01, 2))
        a, b = parts * np.array(centre) ** powers
        draws.append(np.array([E + shift, a, powers[0], b, powers[1]]))
    samples = np.array([[best(v, p) for v in GRID] for p in draws])
    laws = _laws(GRID, samples)
    low, high = np.quantile(samples[1:, :, 2], (0.05, 0.95), axis=0)
    laws["loss_opt"] = msgspec.structs.replace(
        laws["loss_opt"], median=samples[0, :, 2].tolist(), low=low.tolist(), high=high.tolist()
    )
    names = ("E", "A", "alpha", "B", "beta")
    values = np.array(draws)
    used = [r for r in rows if r["role"] == "isoflop"]
    return Approach(
        name="approach3",
        title="Approach 3: loss surface",
        ok=True,
        parameters={k: summarise(v[0], v[1:]) for k, v in zip(names, values.T, strict=True)},
        identified=dict.fromkeys(names, True) | {"E": False},
        residuals={r["id"]: float(np.log(r["loss"] / law(r["N"], r["D"]))) for r in used},
        notes=["E is not identified by these runs: its profile is flat from 0 to 2.1."],
        **laws,
    )


def _heldout(rows: list[dict[str, Any]]) -> Heldout:
    cells = []
    for row in (r for r in rows if r["role"] == "heldout"):
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
    rows = _rows(generator)
    parabolas = _approach2(rows, generator)
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
        runs={"finished": len(rows), "failed": 0},
        table={name: [row[name] for row in rows] for name in rows[0]},
        curves={row["id"]: _curve(row, generator) for row in rows},
        approach1=_approach1(generator),
        approach2=parabolas,
        approach3=_approach3(rows, generator),
        conventions={
            "matrices": Estimate(0.587, (0.55, 0.62), 0.9, 200),
            "matrices+head": parabolas.N_exponent,  # type: ignore
            "all": Estimate(0.432, (0.41, 0.46), 0.9, 200),
        },
        disagreement=[],
        heldout=_heldout(rows),
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
