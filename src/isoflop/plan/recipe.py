"""Batch size, learning rate and steps of a run, by a published rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.kaplan import FLOP_PER_PETAFLOP_DAY
from isoflop.laws.references import reference
from isoflop.laws.registry import get
from isoflop.plan.answer import Rule
from isoflop.plan.lifetime import TRAIN_FLOPS

if TYPE_CHECKING:
    from collections.abc import Callable

#: Rule -> laws of the batch (tokens) and of the learning rate, and what to know about it.
RULES: dict[str, tuple[str, str, str]] = {
    "step_law": (
        "step_law_batch",
        "step_law_learning_rate",
        "N without the vocabulary; AdamW; batch retuned with D",
    ),
    "deepseek": (
        "deepseek_batch",
        "deepseek_learning_rate",
        "C is DeepSeek's M D, here 6ND; fitted up to 2e19 FLOPs",
    ),
    "kaplan": (
        "kaplan_optimal_batch",
        "kaplan_learning_rate",
        "the batch is the critical one at the end of training; N without embeddings",
    ),
}


def recipe(name: str, N: Any, D: Any) -> tuple[Rule, dict[str, np.ndarray]]:
    """Return batch (tokens), learning rate and steps for N and D, arrays of one shape.

    Raises:
        InputError: no such rule, or it gives no positive learning rate here.
    """
    if name not in RULES:
        raise InputError(f"no rule is named `{name}`.", do=f"Use one of {', '.join(RULES)}.")
    batch_law, rate_law, note = RULES[name]
    with np.errstate(all="ignore"):
        batch, rate = (_value(law, N, D) for law in (batch_law, rate_law))
        found = {"batch": batch, "learning_rate": rate, "steps": D / batch}
    if not np.ravel(rate)[0] > 0:
        raise InputError(
            f"`{rate_law}` gives a learning rate of {np.ravel(rate)[0]:.3g} for"
            f" {np.ravel(N)[0]:.3g} parameters.",
            "It was fitted on far smaller models and crosses zero.",
            f"Use another rule: --rule {next(iter(RULES))}",
        )
    return Rule(name=name, source=reference(get(rate_law).source).short, note=note), found


def _value(name: str, N: Any, D: Any) -> np.ndarray:
    law = get(name)
    C = TRAIN_FLOPS * N * D
    known: dict[str, Callable[[], Any]] = {
        "N": lambda: N,
        "D": lambda: D,
        "C": lambda: C,
        "C_min": lambda: C / FLOP_PER_PETAFLOP_DAY,
    }
    return np.asarray(law(**{x: known[x]() for x in law.input_names}, **law.constants()))
