"""One training run to be made: everything that decides its outcome, and nothing else."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from isoflop.design.architecture import Architecture

Role = Literal["isoflop", "heldout", "lr_probe", "seed"]


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Peak AdamW learning rates by parameter group, already scaled for width and batch."""

    hidden: float
    head: float
    embedding: float
    gains: float


class Setup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The resolved setup of a run; its hash is the run's identity.

    Args:
        architecture: shape of the model.
        batch: sequences a step.
        steps: optimiser steps; the schedule's horizon is exactly this.
        rates: peak learning rates by group.
        corpus: digest of the tokens (text, split and tokenizer).
        seed: seeds the initial weights and the order of the data.
        recipe: name and version of the training code's choices; a change of any choice that
            is not a field here must change this name, so that old and new runs never mix.
    """

    architecture: Architecture
    batch: int
    steps: int
    rates: Rates
    corpus: str
    seed: int = 0
    warmup: float = 0.05
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    clip: float = 1.0
    recipe: str = "mini-1"

    @property
    def tokens(self) -> int:
        """Training tokens processed, D."""
        return self.steps * self.batch * self.architecture.context

    @property
    def flops(self) -> float:
        """Exact training FLOPs (float64: 6ND overflows int64 at scale)."""
        return self.architecture.flops_per_token() * float(self.tokens)

    @property
    def id(self) -> str:
        """First 16 hex digits of the sha256 of the setup's canonical JSON."""
        document = msgspec.json.encode(self, order="deterministic")
        return hashlib.sha256(document).hexdigest()[:16]


class RunSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A setup with its labels in a sweep: nominal budget (FLOPs) and role.

    Labels are not part of the identity: the same setup in two sweeps is one run.
    """

    setup: Setup
    budget: float
    role: Role = "isoflop"

    @property
    def id(self) -> str:
        """Identity of the setup."""
        return self.setup.id
