from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isoflop.design.architecture import Architecture
from isoflop.design.spec import Rates, RunSpec, Setup
from isoflop.runs.run import Point, Run
from isoflop.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def make_spec() -> Callable[..., RunSpec]:
    def make(seed: int = 0, **labels: object) -> RunSpec:
        rates = Rates(hidden=6e-3, head=6e-3, embedding=5e-2, gains=5e-2)
        shape = Architecture(width=16)
        setup = Setup(
            architecture=shape, batch=4, steps=10, rates=rates, corpus="c" * 64, seed=seed
        )
        return RunSpec(**{"setup": setup, "budget": 1e9, **labels})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_run() -> Callable[..., Run]:
    def make(spec: RunSpec, **changes: object) -> Run:
        fields = {
            "id": spec.id,
            "status": "finished",
            "N": {"matrices": 6144.0, "matrices+head": 14336.0, "all": 22608.0},
            "D": 2560.0,
            "U": 2560.0,
            "C": 1e9,
            "C_6ND": 9e8,
            "loss": 3.25,
            "bits_per_byte": 1.75,
            "budget": spec.budget,
            "role": spec.role,
            "family": "mini-1",
            "seed": spec.setup.seed,
            "corpus": spec.setup.corpus,
            "setup": {"architecture": {"width": 16, "layers": 2}, "batch": 4},
            "measured": {"seconds": 1.5},
        }
        return Run(**{**fields, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_point() -> Callable[..., Point]:
    def make(step: int, **changes: object) -> Point:
        fields = {"step": step, "tokens": 256 * step, "flops": 1e6 * step, "seconds": 0.1 * step}
        return Point(**{**fields, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "study")
