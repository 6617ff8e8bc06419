"""Runs of a study that were computed from a known law instead of trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.protocols.study import design_study
from isoflop.runs.decoder import CONVENTIONS
from isoflop.runs.run import Point, Run

if TYPE_CHECKING:
    from isoflop.design.spec import RunSpec
    from isoflop.protocols.settings import StudySettings

#: Near the parametric fit of the reference CPU sweep.
LAW = {"E": 1.9, "A": 120.0, "alpha": 0.45, "B": 330.0, "beta": 0.42}


def loss_of(N: float, D: float) -> float:
    return LAW["E"] + LAW["A"] / N ** LAW["alpha"] + LAW["B"] / D ** LAW["beta"]


def make_run(spec: RunSpec, noise: float, rng: np.random.Generator) -> Run:
    setup, shape = spec.setup, spec.setup.architecture
    N = {name: float(shape.parameters(name)) for name in CONVENTIONS}
    multiple = np.log(setup.rates.hidden / (6e-3 * 64 / shape.width * np.sqrt(setup.batch / 4)))
    loss = loss_of(N["matrices+head"], setup.tokens) + 0.1 * multiple**2 + rng.normal(0, noise)
    return Run(
        id=spec.id,
        status="finished",
        N=N,
        D=float(setup.tokens),
        U=float(min(setup.tokens, 5e6)),
        C=setup.flops,
        C_6ND=6 * N["matrices+head"] * setup.tokens,
        loss=float(loss),
        bits_per_byte=float(loss) / 1.5,
        budget=spec.budget,
        role=spec.role,
        family=setup.recipe,
        seed=setup.seed,
        corpus=setup.corpus,
        setup=msgspec.to_builtins(setup),
        measured={"cpu_seconds": 1.0, "eval_cpu_seconds": 0.1},
    )


def make_points(spec: RunSpec) -> list[Point]:
    N = spec.setup.architecture.parameters()
    return [
        Point(
            step=step,
            tokens=step * spec.setup.batch * 64,
            flops=spec.setup.flops * step / spec.setup.steps,
            seconds=0.0,
            train_loss=loss_of(N, step * spec.setup.batch * 64),
            val_loss=None,
        )
        for step in np.unique(np.geomspace(1, spec.setup.steps, 40).astype(int)).tolist()
    ]


def make_study(
    settings: StudySettings, *, noise: float = 0.005, seed: int = 0
) -> tuple[list[Run], dict[str, list[Point]]]:
    sweep = design_study(settings, "corpus")
    rng = np.random.default_rng(seed)
    runs = [make_run(spec, noise, rng) for spec in sweep.specs]
    return runs, {spec.id: make_points(spec) for spec in sweep.specs}
