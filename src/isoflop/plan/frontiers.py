"""Published allocations: laws that give N or D for a budget without a loss to minimise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from isoflop.errors import InputError
from isoflop.laws import kaplan_frontier
from isoflop.laws.kaplan import FLOP_PER_PETAFLOP_DAY
from isoflop.laws.published import choose
from isoflop.laws.registry import get
from isoflop.plan import money
from isoflop.plan.answer import Choice, Plan, Row, Rule
from isoflop.plan.cautions import times, too_large
from isoflop.plan.constants import Constants, described
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.plan.limits import checked_size
from isoflop.plan.recipe import recipe
from isoflop.samples import Estimate
from isoflop.units import format_flops

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.plan.question import Question


class Allocation(NamedTuple):
    """N, D and the loss (None where the law has none) of one budget."""

    N: float
    D: float
    loss: float | None


class Frontier(NamedTuple):
    """A published allocation.

    Args:
        allocate: budget in FLOPs and constants -> allocation.
        note: what to know about it.
    """

    allocate: Callable[[float, dict[str, float]], Allocation]
    note: str


def _kaplan_fitted(C: float, k: dict[str, float]) -> Allocation:
    days = C / FLOP_PER_PETAFLOP_DAY
    N = float(get("kaplan_optimal_parameters")(days, **k))
    loss = get("kaplan_compute_min")
    return Allocation(N, C / (TRAIN_FLOPS * N), float(loss(days, **loss.constants())))


def _kaplan_closed(C: float, k: dict[str, float]) -> Allocation:
    batch = get("kaplan_critical_batch").constants()
    N, S, B, L = kaplan_frontier.optimum(C / FLOP_PER_PETAFLOP_DAY, **k, **batch)
    return Allocation(float(N), float(S * B), float(L))


def _deepseek(C: float, k: dict[str, float]) -> Allocation:
    M = float(get("deepseek_model")(C, **k))
    return Allocation(M / TRAIN_FLOPS, C / M, None)


def _llama(C: float, k: dict[str, float]) -> Allocation:
    D = float(get("llama3_tokens")(C, **k))
    return Allocation(C / (TRAIN_FLOPS * D), D, None)


FRONTIERS: dict[str, Frontier] = {
    "kaplan_optimal_parameters": Frontier(
        _kaplan_fitted,
        "N without embeddings, C the least compute (batch far below critical); D is C / 6N, where"
        " the paper's own fit gives twice as much; the loss is of L(C_min), a separate fit.",
    ),
    "kaplan_steps": Frontier(
        _kaplan_closed,
        "Closed form at the critical batch, N without embeddings, 6 N B S_min = C; training at"
        " that batch takes twice the steps and twice the compute.",
    ),
    "deepseek_model": Frontier(
        _deepseek, "N stands for M / 6, a sixth of the FLOPs a token without embeddings; C = M D."
    ),
    "llama3_tokens": Frontier(
        _llama, "D is the law's, N is C / 6D; under that count the paper's 402B come out as 389B."
    ),
}
#: Kaplan's L(N, D) is of early-stopped runs on D unique tokens: 6ND is not their compute.
ALIASES = {"kaplan": "kaplan_optimal_parameters", "llama3": "llama3_tokens"}
ALIASES["deepseek"] = "deepseek_model"


def is_frontier(name: str) -> bool:
    """Return whether a name stands for a published allocation."""
    return ALIASES.get(name, name) in FRONTIERS


def _training_alone(name: str, question: Question) -> float:
    """Return the FLOPs of a question that asks for nothing but training."""
    bounded = question.limits != type(question.limits)()
    if question.budget is None or question.serving.tokens or bounded:
        raise InputError(
            f"`{name}` gives N and D for a training budget and nothing else.",
            "Serving, bounds and a loss to reach need the loss of every N and D.",
            "Use a law of N and D:  --law chinchilla",
        )
    return question.budget.flops


def decide(name: str, constants: str, question: Question) -> Plan:
    """Return the plan of a published allocation: N and D for a budget, and no more.

    Args:
        name: of the law, or an alias.
        constants: name of a published set, or key of a paper; the first one if empty.
        question: a budget without serving or bounds.

    Raises:
        InputError: the question needs a loss over N and D.
    """
    name = ALIASES.get(name, name)
    C = _training_alone(name, question)
    chosen, record = choose(name, constants)
    found = FRONTIERS[name].allocate(C, dict(record.constants))
    checked_size(found.N, found.D)
    choice, rule = _choice(found, question.rule)
    return Plan(
        objective="the published allocation of a training budget",
        law=name,
        constants_from=described(Constants({}, {name: chosen}, record)),
        constants=dict(record.constants),
        inputs={},
        convention={**record.convention, "plan": "C = 6 N D"},
        budget=question.budget,
        target=None,
        bounds={},
        choice=choice,
        loss=found.loss,
        loss_unit="nats/token" if found.loss is not None else "",
        accuracy=None,
        link="",
        intervals=None,
        level=0.9,
        samples=0,
        flat={},
        regret={},
        frontier=[],
        curve={},
        cost=money.split(found.N, found.D, question.serving, question.machine),
        serving=None,
        implied_serving=None,
        rule=rule,
        distance=_distance(record.range, C),
        warnings=[
            *_far(record.range, C),
            FRONTIERS[name].note,
            *question.machine.assumed(),
            *too_large(question.machine, found.N),
        ],
    )


def _choice(found: Allocation, name: str) -> tuple[Choice, Rule | None]:
    """Return what to train, with batch and learning rate by a rule if one is named."""
    rule, numbers = None, {}
    if name:
        rule, drawn = recipe(name, found.N, found.D)
        numbers = {key: float(value) for key, value in drawn.items()}
    choice = Choice(
        N=found.N,
        D=found.D,
        C=TRAIN_FLOPS * found.N * found.D,
        tokens_per_parameter=found.D / found.N,
        **numbers,
    )
    return choice, rule


def row(plan: Plan, value: float) -> Row:
    """Return a plan as one line of a sweep."""
    loss = None if plan.loss is None else Estimate(plan.loss)
    return Row(value=float(value), N=Estimate(plan.choice.N), D=Estimate(plan.choice.D), loss=loss)


def _distance(ranges: dict[str, tuple[float, float]], C: float) -> dict[str, float]:
    if "C" not in ranges:
        return {}
    low, high = ranges["C"]
    return {"C": max(low / C, C / high, 1.0)}


def _far(ranges: dict[str, tuple[float, float]], C: float) -> list[str]:
    factor = _distance(ranges, C).get("C")
    if factor is None:
        return ["The range these constants were fitted on is not recorded."]
    if factor <= 1:
        return []
    low, high = ranges["C"]
    return [
        f"C lies {times(factor)} beyond the range fitted ({format_flops(low)} to"
        f" {format_flops(high)} FLOPs)."
    ]
