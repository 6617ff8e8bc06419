"""A sweep: which models to train, with how many tokens, and what it costs in all."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import msgspec

from isoflop.design import rules
from isoflop.design.architecture import Architecture
from isoflop.design.spec import Role, RunSpec, Setup
from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA = "isoflop.sweep/1"

#: Expected optimum before anything was run: N* (matrices + head) = 22e3 (C / 5e10)^0.48, from the
#: reference sweep of an earlier recipe at 5e10 to 1.5e12 FLOPs (docs/tutorial/study.md has today's
#: minima). It only says where to look first: a study adds sizes where the minimum turns out to be.
EXPECTED_N, EXPECTED_C, EXPECTED_EXPONENT = 22e3, 5e10, 0.48

#: The shape whose width a sweep varies, unless it is given one.
TEMPLATE = Architecture(width=8)

#: Two neighbouring sizes of a budget differ by about this factor in N.
RATIO = 1.75


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Runs to be made, each a spec; equal sweeps have equal ids.

    Args:
        specs: the runs, without repeated setups.
        name: what the sweep is.
    """

    specs: tuple[RunSpec, ...]
    name: str = "isoflop"
    schema: str = SCHEMA

    @property
    def cost(self) -> float:
        """Exact training FLOPs of all runs together."""
        return sum(spec.setup.flops for spec in self.specs)

    @property
    def id(self) -> str:
        """First 16 hex digits of the sha256 of the sorted run ids with their labels."""
        rows = sorted(f"{spec.id} {spec.role} {spec.budget!r}" for spec in self.specs)
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]

    def with_role(self, *roles: Role) -> list[RunSpec]:
        """Return the runs with one of the roles."""
        return [spec for spec in self.specs if spec.role in roles]

    def __add__(self, other: Sweep) -> Sweep:
        """Join two sweeps; a setup that is in both keeps its first labels."""
        return Sweep(specs=unique([*self.specs, *other.specs]), name=self.name)


def unique(specs: Iterable[RunSpec]) -> tuple[RunSpec, ...]:
    """Drop repeated setups, keeping the first label of each."""
    return tuple({spec.id: spec for spec in reversed(list(specs))}.values())[::-1]


def expected_optimum(C: float) -> float:
    """Return where to look for N* (matrices + head) at C FLOPs before anything was run."""
    return EXPECTED_N * (C / EXPECTED_C) ** EXPECTED_EXPONENT


def widths_around(
    N: float, sizes: int, *, template: Architecture, ratio: float = RATIO
) -> list[int]:
    """Choose model widths whose N is evenly spaced in log N around an expected optimum.

    Args:
        N: expected optimum, parameters (matrices + head).
        sizes: number of widths, at least 5, so that two lie on each side of the minimum.
        template: the architecture whose width is varied.
        ratio: wanted factor between neighbours; where the ladder of widths (multiples of the
            head dimension) is too coarse for it, the next free widths are taken.

    Raises:
        InputError: fewer than five sizes.
    """
    if sizes < 5:
        raise InputError(
            f"{sizes} sizes a budget are too few.",
            "A parabola needs at least two sizes on each side of its minimum.",
            "Ask for --sizes 5 or more.",
        )
    half = (sizes - 1) / 2
    ladder = _ladder(template, N * ratio**half, spare=sizes)
    counts = [math.log(_parameters(template, width)) for width in ladder]
    chosen: list[int] = []
    for k in range(sizes):
        target = math.log(N) + (k - half) * math.log(ratio)
        free = [i for i in range(len(ladder)) if not chosen or i > chosen[-1]]
        chosen.append(min(free, key=lambda i: abs(counts[i] - target)))
    return [ladder[i] for i in chosen]


def heldout(
    budget: float, *, corpus: str, template: Architecture | None = None, seed: int = 0
) -> Sweep:
    """Design two held-out runs at a larger budget, on both sides of the expected optimum."""
    base = template or TEMPLATE
    N = expected_optimum(budget)
    ladder = _ladder(base, N * RATIO)
    near = [
        min(ladder, key=lambda w: abs(math.log(_parameters(base, w) / N) - shift))
        for shift in (-math.log(RATIO) / 2, math.log(RATIO) / 2)
    ]
    return isoflop([budget], corpus=corpus, widths=near, template=base, seed=seed, role="heldout")


def isoflop(
    budgets: Sequence[float],
    *,
    corpus: str,
    sizes: int = 5,
    widths: Sequence[int] | None = None,
    template: Architecture | None = None,
    seed: int = 0,
    role: Role = "isoflop",
) -> Sweep:
    """Design an isoFLOP sweep: for each budget, sizes around the expected optimum.

    Tokens follow from the exact FLOP count (never 6ND, which is off by up to 2x here), steps
    are whole, batch and learning rates come from `design.rules`.

    Args:
        budgets: exact training FLOPs of one run, each.
        corpus: digest of the corpus.
        sizes: widths a budget.
        widths: the widths themselves, for every budget; replaces `sizes`.
        template: architecture whose width is varied.
        seed: seed of weights and data order, the same for all.
        role: label of the runs.

    Raises:
        InputError: no budgets, a budget that is not positive, or too few sizes.
    """
    if not budgets:
        raise InputError("a sweep needs at least one budget.", do="--budgets 5e10,1.5e11,5e11")
    base = template or TEMPLATE
    specs = []
    for budget in sorted(set(map(float, budgets))):
        if not (math.isfinite(budget) and budget > 0):
            raise InputError(f"a budget of {budget:g} FLOPs is not positive.")
        around = widths or widths_around(expected_optimum(budget), sizes, template=base)
        specs += [
            RunSpec(setup=_setup(base, width, budget, corpus, seed), budget=budget, role=role)
            for width in around
        ]
    return Sweep(specs=unique(specs))


def rate_probes(sweep: Sweep, budget: float, factors: Sequence[float] = (0.5, 2.0)) -> Sweep:
    """Repeat the smallest and largest model of one budget at other learning rates.

    Args:
        sweep: the sweep to probe; budget: one of its budgets.
        factors: multiples of every peak learning rate.
    """
    rows = [s for s in sweep.with_role("isoflop") if s.budget == budget]
    rows.sort(key=lambda s: s.setup.architecture.width)
    specs = []
    for spec in (rows[0], rows[-1]):
        for factor in factors:
            rates = rules.rates(spec.setup.architecture.width, spec.setup.batch, multiple=factor)
            setup = msgspec.structs.replace(spec.setup, rates=rates)
            specs.append(RunSpec(setup=setup, budget=budget, role="lr_probe"))
    return Sweep(specs=tuple(specs), name="lr_probe")


def seed_repeats(sweep: Sweep, budget: float, seeds: Sequence[int]) -> Sweep:
    """Repeat the middle model of one budget with other seeds, to measure the run noise."""
    rows = [s for s in sweep.with_role("isoflop") if s.budget == budget]
    rows.sort(key=lambda s: s.setup.architecture.width)
    middle = rows[len(rows) // 2]
    return Sweep(
        specs=tuple(
            RunSpec(
                setup=msgspec.structs.replace(middle.setup, seed=seed), budget=budget, role="seed"
            )
            for seed in seeds
        ),
        name="seed",
    )


def neighbour(sweep: Sweep, budget: float, side: str) -> RunSpec | None:
    """Return the next size beyond one end of a budget's sizes, or None at the ladder's end.

    Args:
        sweep: the sweep; budget: one of its budgets.
        side: "smaller" or "larger".
    """
    rows = [s for s in sweep.specs if s.budget == budget and s.role in ("isoflop", "heldout")]
    rows.sort(key=lambda s: s.setup.architecture.width)
    end = rows[0 if side == "smaller" else -1]
    base = end.setup.architecture
    sign = 1 if side == "larger" else -1
    for k in range(1, 64):
        width = base.width + sign * k * base.head_dim
        if width < base.head_dim:
            return None
        factor = (_parameters(base, width) / _parameters(base, base.width)) ** sign
        if factor >= 0.95 * RATIO or width == base.head_dim:
            setup = _setup(base, width, budget, end.setup.corpus, end.setup.seed)
            return RunSpec(setup=setup, budget=budget, role=end.role)
    return None


def _ladder(template: Architecture, N: float, spare: int = 1) -> list[int]:
    """Widths that whole heads allow, up to N parameters and `spare` rungs beyond."""
    ladder = [template.head_dim]
    while _parameters(template, ladder[-1]) < N:
        ladder.append(ladder[-1] + template.head_dim)
    return ladder + [ladder[-1] + k * template.head_dim for k in range(1, spare + 1)]


def _parameters(template: Architecture, width: int) -> int:
    return msgspec.structs.replace(template, width=width).parameters("matrices+head")


def _setup(template: Architecture, width: int, budget: float, corpus: str, seed: int) -> Setup:
    architecture = msgspec.structs.replace(template, width=width)
    return rules.setup(architecture, budget, corpus=corpus, seed=seed)
