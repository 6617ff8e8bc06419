"""The answer of a plan: one document with the choice, how sure it is, and what it costs."""

from __future__ import annotations

import msgspec

from isoflop import __version__
from isoflop.plan.budget import Budget
from isoflop.samples import Estimate

SCHEMA = "isoflop.plan/1"

Interval = tuple[float | None, float | None]


class Bound(msgspec.Struct, frozen=True):
    """A bound: its value, where it is from (empty if it was given), whether the choice is on it."""

    value: float
    reason: str
    reached: bool


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What to train.

    Args:
        N: parameters (active ones of a sparse model); D: tokens processed.
        C: training FLOPs, 6ND.
        tokens_per_parameter: D / N.
        epochs: D over the unique tokens; None without a limit on them.
        batch: tokens a step; learning_rate: peak; steps: D over the batch; all by `rule`.
    """

    N: float
    D: float
    C: float
    tokens_per_parameter: float
    epochs: float | None = None
    batch: float | None = None
    learning_rate: float | None = None
    steps: float | None = None


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """A cost in every unit that is known; None where a price, device or intensity is not."""

    flops: float
    device_hours: float | None = None
    days: float | None = None
    dollars: float | None = None
    kwh: float | None = None
    kg_co2e: float | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the choice costs, split.

    Args:
        train, serve, total: amounts; `serve` is None where nothing is served.
        how: how they were counted.
        worth: training FLOPs that training and serving are worth together, serving weighted by
            its utilisation and price: what other sizes, the curve and the frontier are held to.
    """

    train: Amount
    serve: Amount | None
    total: Amount
    how: str
    worth: float


class Regret(msgspec.Struct, frozen=True, kw_only=True):
    """What it costs to train another size (or this one) with the same money.

    Args:
        N: the size; D: tokens that the budget leaves for it, None if there are none.
        loss: loss above the best one of the budget by the fitted law; of the samples, above each
            one's own best, which lies off by the law's own misses where these are known (`holds`).
        flops: compute beyond the budget that reaches the best loss with this size; None where it
            never does.
        dollars: the same in USD; None without a price.
    """

    N: float
    D: float | None
    loss: Estimate | None
    flops: Estimate | None
    dollars: Estimate | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The plan beside the one that ignores serving, at the same loss.

    Args:
        tokens: served over the life.
        N: size that is cheapest to train to this loss; D: its tokens.
        size: the chosen N over it; data: the chosen D over its D.
        training: training cost of the choice over that of the other, minus 1.
        lifetime: lifetime cost saved by the choice, as a share of the other's.
    """

    tokens: float
    N: float
    D: float
    size: float
    data: float
    training: float
    lifetime: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a frontier or sweep: the best N, D and loss, with intervals from the samples.

    Args:
        value: what was varied (of a frontier: the cost in training FLOPs, as `Cost.worth`).
    """

    value: float
    N: Estimate
    D: Estimate
    loss: Estimate | None


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Plans over a range of one thing.

    Args:
        over: what was varied: "budget" (FLOPs), "loss", "serve" and "unique_tokens" (tokens), or
            an input of the law.
        objective: what was made least, in words; held: what stays the same, by option as given.
        law: the law; constants_from: where its constants are from; loss_unit: of the losses.
        level: of intervals.
        rows: one a value.
        warnings: what must be said next to the rows: those outside the fitted range, and what
            every plan of this law says.
    """

    over: str
    objective: str
    held: dict[str, str]
    law: str
    constants_from: str
    loss_unit: str
    level: float
    rows: list[Row]
    warnings: list[str]

    def __repr__(self) -> str:
        from isoflop.plan.text import sweep_text

        return sweep_text(self)

    def _repr_html_(self) -> str:
        from isoflop.plan.text import html

        return html(text=repr(self))


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Where batch and learning rate are from."""

    name: str
    source: str
    note: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to train, how sure that is, and what it costs.

    Args:
        objective: what was made least, in words.
        law: the law; constants_from: where its constants are from; constants: their values.
        inputs: values of the law's further inputs.
        convention: what N, D, C and the loss count.
        budget: what may be spent, or None; target: the loss to reach, or None.
        bounds: on N, D and C that the plan keeps, with where each is from.
        choice: what to train.
        loss: of the choice, in `loss_unit`; None if the law gives none.
        accuracy: through the link, or None.
        intervals: central interval by quantity, or None without samples: N, D, C, tokens per
            parameter (and batch, learning rate, steps) of the optimum, loss of the choice.
        holds: by quantity, what its interval holds; sampling: the intervals with the law taken as
            right, where they differ.
        level, samples: of the intervals.
        flat: range of N whose loss at the same cost is within 0.1 % and 1 % of the best.
        regret: of half the size ("0.5x"), the choice ("1x") and twice the size ("2x").
        frontier: best plan of other budgets; with serving they pay for training and serving.
        curve: loss over N at the same cost: N, D, loss, low, high (None where open).
        cost: split into training and serving.
        serving: the plan beside one that ignores serving, or None.
        implied_serving: tokens that must be served for this N and D to be the cheapest way to
            their loss: 0 at the training optimum, more beyond it, None before it.
        rule: of batch and learning rate, or None.
        distance: how many times N, D, ... lie beyond the fitted range; 1 is inside.
        warnings: what must be said next to the plan.
    """

    objective: str
    law: str
    constants_from: str
    constants: dict[str, float]
    inputs: dict[str, float | str]
    convention: dict[str, str]
    budget: Budget | None
    target: float | None
    bounds: dict[str, Bound]
    choice: Choice
    loss: float | None
    loss_unit: str
    accuracy: Estimate | None
    link: str
    intervals: dict[str, Interval] | None
    level: float
    samples: int
    flat: dict[str, tuple[float, float]]
    regret: dict[str, Regret]
    frontier: list[Row]
    curve: dict[str, list[float | None]]
    cost: Cost
    serving: Comparison | None
    implied_serving: float | None
    rule: Rule | None
    distance: dict[str, float]
    warnings: list[str]
    holds: dict[str, str] = {}
    sampling: dict[str, Interval] = {}
    version: str = __version__
    schema: str = SCHEMA

    @property
    def equal_cost(self) -> str:
        """What other sizes cost beside the choice; a cap on D leaves some money unspent."""
        return "at no more cost" if self.bounds.keys() & {"max_D", "max_C"} else "at the same cost"

    def __repr__(self) -> str:
        from isoflop.plan.text import text

        return text(self)

    def _repr_html_(self) -> str:
        from isoflop.plan.text import html

        return html(text=repr(self))
