"""Mixtures of experts for a budget: how many experts, what they save, and the memory they take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from isoflop.entry import worded
from isoflop.errors import InputError
from isoflop.laws import chinchilla as dense_law
from isoflop.laws import get
from isoflop.laws.experts import best_granularity
from isoflop.laws.joint_moe import at_experts, parameter_counts
from isoflop.plan import hardware
from isoflop.plan.hardware import BYTES, Device, checked_precision, checked_share
from isoflop.plan.lifetime import SERVE_FLOPS, TRAIN_FLOPS
from isoflop.plan.memory import USABLE
from isoflop.plan.roofline import critical_batch
from isoflop.units import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPERTS = (1, 2, 4, 8, 16, 32)
#: Tokens in the vocabulary of the law's runs (GPT-2's), and width over depth of their models.
VOCABULARY, ASPECT = 50257, 64
#: Most active and most total parameters of the law's runs, from its abstract, and tokens per
#: active parameter beyond which it is not to be trusted ("a few hundred").
MOST_ACTIVE, MOST_TOTAL, MOST_TOKENS = 2.7e9, 5e9, 300.0


class Mixture(msgspec.Struct, frozen=True, kw_only=True):
    """The best model with a number of experts for a budget.

    Args:
        experts: number of them, one active; sparsity: share that is not active.
        N_active, N_total: parameters, embedding and unembedding included; D: tokens.
        loss: nats per token.
        width, layers: of a model of that size (64 times as wide as deep).
        weight_bytes: of all parameters; flops_per_token: of decoding at a short context.
        limited: whether memory, not compute, decides its size.
        saving: compute of the best dense model of equal loss over this budget; above 1 is better.
        devices, critical_batch: fewest devices that hold the weights, and the batch from which
            decoding is compute-bound; None without a device.
    """

    experts: int
    sparsity: float
    N_active: float
    N_total: float
    D: float
    loss: float
    width: float
    layers: float
    weight_bytes: float
    flops_per_token: float
    limited: bool
    saving: float
    devices: int | None = None
    critical_batch: float | None = None


class MixturePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Mixtures for a budget, and which is best.

    Args:
        C: training FLOPs, 6 N_active D; memory: bytes that the weights may take; None if any.
        precision: of the weights.
        mixtures: one for each number of experts; best: the one of lowest loss; dense: one expert.
        granularity: by which experts are narrower than the dense layer, where the law of
            efficiency leverage is best; leverage: what that law gives for `best`.
        source: of the laws and constants; warnings.
    """

    C: float
    memory: float | None
    precision: str
    mixtures: tuple[Mixture, ...]
    best: Mixture
    dense: Mixture
    granularity: float
    leverage: float
    source: str
    warnings: tuple[str, ...] = ()


@worded(budget="FLOP", memory="B", count="count", usable="share")
def plan_mixture(
    budget: float,
    *,
    experts: Sequence[int] = EXPERTS,
    memory: float | None = None,
    device: str | Device | None = None,
    count: int = 1,
    precision: str = "bf16",
    usable: float = USABLE,
) -> MixturePlan:
    """Return the best mixtures of experts for a training budget, under a limit on memory.

    For each number of experts the law of Ludziejewski et al. is Chinchilla's, so that size and
    tokens follow in closed form. With a limit on memory a mixture whose weights do not fit is made
    smaller and trained on more tokens instead.

    Args:
        budget: training FLOPs, 6 N_active D.
        experts: numbers to compare; one, the dense model, is always among them.
        memory: bytes that the weights may take.
        device, count: accelerators instead, of whose memory the weights may take `usable`.
        precision: of the weights when served.

    Numbers may be text: `budget="1e22"`, `memory="72 GB"`.

    Raises:
        InputError: the budget is not positive, or no model fits.

    Source: Ludziejewski et al. 2025 (arXiv:2502.05172); granularity: Ling 2025 (arXiv:2507.17702).
    """
    C = budget
    if not 0 < C < math.inf:
        raise InputError(f"a budget of {C:g} FLOPs is not positive and finite.")
    if memory is not None and device is not None:
        raise InputError("give the memory in bytes or devices that have it, not both.")
    where = hardware.device(device) if device is not None else None
    checked_share("usable", usable)
    limit = usable * count * where.memory if where else memory
    if limit is not None and not 0 < limit < math.inf:
        raise InputError(f"a memory of {limit:g} bytes is not positive and finite.")
    numbers = sorted({1, *experts})
    if numbers[0] < 1:
        raise InputError(f"{numbers[0]} experts are not possible.", do="Give 1 or more.")
    mixtures = [_mixture(C, E, limit, where, precision, usable) for E in numbers]
    best = min(mixtures, key=lambda x: x.loss)
    ling = get("ling").constants()
    granularity = float(best_granularity(gamma=ling["gamma"], beta=ling["beta"]))
    return MixturePlan(
        C=C,
        memory=limit,
        precision=precision,
        mixtures=tuple(mixtures),
        best=best,
        dense=mixtures[0],
        granularity=granularity,
        leverage=float(get("ling")(1 / best.experts, granularity, C, **ling)),
        source="arXiv:2502.05172 (`joint_moe`), arXiv:2507.17702 (`ling`)",
        warnings=_warnings(mixtures, best),
    )


def width_of(N: float, experts: int = 1, *, total: bool = False) -> float:
    """Return the width of the law's models that have N parameters; depth is width / 64.

    Args:
        N: active parameters, or all if `total`; experts: number of them.

    The count is a cubic in the width with one positive root.
    """
    a = ((4 + 9 * experts) if total else 13) / ASPECT
    p, q = 2 * VOCABULARY / a, N / a
    # d^3 + p d = q with p > 0; in this form nothing cancels.
    return 2 * math.sqrt(p / 3) * math.sinh(math.asinh(1.5 * q / p * math.sqrt(3 / p)) / 3)


def _mixture(
    C: float, E: int, limit: float | None, where: Device | None, precision: str, usable: float
) -> Mixture:
    law = get("joint_moe")
    constants = law.constants()
    N, D, loss = map(float, dense_law.optimum(C, **at_experts(E, **constants)))
    width = width_of(N)
    total = _total(width, E)
    each = BYTES[checked_precision(precision)]
    limited = limit is not None and total * each > limit
    if limit is not None and limited:
        width = width_of(limit / each, E, total=True)
        N, total = _active(width), _total(width, E)
        D = C / (TRAIN_FLOPS * N)
        loss = float(law(N, D, E, **constants))
    fits = None if where is None else math.ceil(total * each / (usable * where.memory) - 1e-9)
    return Mixture(
        experts=E,
        sparsity=1 - 1 / E,
        N_active=N,
        N_total=total,
        D=D,
        loss=loss,
        width=width,
        layers=width / ASPECT,
        weight_bytes=total * each,
        flops_per_token=SERVE_FLOPS * N,
        limited=limited,
        saving=float(_dense_compute(loss, constants) / C),
        devices=fits and max(1, fits),
        critical_batch=None if where is None else critical_batch(where, precision, None, total / N),
    )


def _active(width: float) -> float:
    return parameter_counts(width, width / ASPECT, 1, VOCABULARY)[0]


def _total(width: float, E: int) -> float:
    return parameter_counts(width, width / ASPECT, E, VOCABULARY)[1]


def _dense_compute(loss: float, constants: dict[str, float]) -> float:
    """Return the compute at which the best dense model has a loss (its frontier is a power law)."""
    fixed = at_experts(1, **constants)
    _, _, reference = dense_law.optimum(1e20, **fixed)
    gamma = dense_law.exponent_loss(alpha=fixed["alpha"], beta=fixed["beta"])
    floor = fixed["E"]
    return 1e20 * ((reference - floor) / (loss - floor)) ** (1 / gamma)


def _warnings(mixtures: list[Mixture], best: Mixture) -> tuple[str, ...]:
    most = max(x.experts for x in mixtures)
    known = next(iter(get("joint_moe").published.values())).range["E"][1]
    limits = (
        ("experts", most, known),
        ("active parameters", best.N_active, MOST_ACTIVE),
        ("parameters in all", best.N_total, MOST_TOTAL),
        ("tokens per active parameter", best.D / best.N_active, MOST_TOKENS),
    )
    found = [
        f"{format_count(value)} {name}: {value / limit:.3g}x the most of the law's runs "
        f"({format_count(limit)}), extrapolated"
        for name, value, limit in limits
        if value > limit
    ]
    if best.experts == mixtures[-1].experts > 1:
        found.append(
            f"the loss still falls at {best.experts} experts, the most compared: the best number "
            "may be larger"
        )
    if best.limited:
        found.append("memory decides the size of the best mixture: compute alone would take more")
    return tuple(found)
