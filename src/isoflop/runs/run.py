"""What was observed: one training run and the points of its curve."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SCHEMA = "isoflop.run/1"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a training curve.

    Args:
        step: optimiser steps done.
        tokens: training tokens processed.
        flops: exact training FLOPs spent.
        seconds: seconds of training so far (wall clock, evaluation excluded).
        train_loss: mean training loss since the previous point, nats per token; None where
            only the validation loss was taken.
        val_loss: loss on held-out text, nats per token, where it was taken.
        val_tokens: held-out tokens of that loss: of the whole validation part at the last step,
            of a fixed part of it before the end of a small run. None in records without it:
            the whole.
        rate: multiple of the peak learning rate at this step.
    """

    step: int
    tokens: int
    flops: float
    seconds: float
    train_loss: float | None = None
    val_loss: float | None = None
    val_tokens: int | None = None
    rate: float | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One training run, finished or failed. A finished run never changes.

    Args:
        id: hash of the setup, not of the outcome.
        status: "finished" or "failed".
        reason: why a failed run failed; empty otherwise.
        N: parameters by convention ("matrices", "matrices+head", "all").
        D: tokens processed.
        U: unique training tokens seen at most (D, or the corpus if smaller).
        C: exact training FLOPs.
        C_6ND: 6 N D with N = matrices+head, for comparison with tables that count so.
        loss: validation cross-entropy, nats per token; None if the run failed before it.
        bits_per_byte: the same loss per byte of text; None as above.
        budget, role: labels of the sweep that asked for the run.
        family: recipe; runs of different families do not fit together.
        seed: seed of weights and data order.
        corpus: digest of text, split and tokenizer.
        setup: the resolved setup, as JSON types.
        measured: seconds, cpu_seconds, tokens_per_second, peak_share, val_tokens, ...
        provenance: versions, machine, started, finished.
    """

    id: str
    status: Literal["finished", "failed"]
    N: dict[str, float]
    D: float
    U: float
    C: float
    C_6ND: float
    loss: float | None
    bits_per_byte: float | None
    budget: float
    role: str
    family: str
    seed: int
    corpus: str
    reason: str = ""
    setup: dict[str, Any] = {}
    measured: dict[str, float] = {}
    provenance: dict[str, str] = {}
    schema: str = SCHEMA
