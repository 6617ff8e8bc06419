"""The order of the data: a pure function of seed and step, the same for every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Steps whose tokens are gathered at once, so that a step itself only takes a slice.
BLOCK = 64


class Batches:
    """Sequences of a corpus in a shuffled order that reads every token once an epoch.

    An epoch cuts the tokens into windows of `context`, from an offset of its own, and permutes
    them; sequence number s of a run is window s of that order, whatever the model.

    Args:
        tokens: uint16 [tokens].
        context: tokens of a sequence.
        batch: sequences a step.
        seed: of offsets and permutations.
    """

    def __init__(self, tokens: np.ndarray, context: int, batch: int, seed: int) -> None:
        self.tokens, self.context, self.batch, self.seed = tokens, context, batch, seed
        self.windows = (len(tokens) - context) // context
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def steps(self, first: int, last: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (step, tokens, targets) for steps `first` to `last`, both included, from 1.

        Tokens and targets are int64 [batch, context]; a target is the token that follows.
        """
        for start in range(first, last + 1, BLOCK):
            count = min(BLOCK, last + 1 - start)
            rows = self._gather((start - 1) * self.batch, count * self.batch)
            rows = rows.view(count, self.batch, self.context + 1)
            inputs, targets = rows[..., :-1].contiguous(), rows[..., 1:].contiguous()
            for i in range(count):
                yield start + i, inputs[i], targets[i]

    def _gather(self, first: int, count: int) -> Tensor:
        """Return sequences `first` to `first + count` of the run, [count, context + 1]."""
        starts = []
        while count:
            epoch, at = divmod(first, self.windows)
            taken = self._starts(epoch)[at : at + count]
            starts.append(taken)
            first, count = first + len(taken), count - len(taken)
        places = np.concatenate(starts)[:, None] + np.arange(self.context + 1)
        return torch.from_numpy(self.tokens[places].astype(np.int64))

    def _starts(self, epoch: int) -> np.ndarray:
        if self._order[0] != epoch:
            random = np.random.default_rng([self.seed, epoch])
            offset = int(random.integers(self.context))
            self._order = epoch, random.permutation(self.windows) * self.context + offset
        return self._order[1]


def part(tokens: np.ndarray, context: int, count: int) -> list[tuple[Tensor, Tensor]]:
    """Return about `count` held-out tokens as (inputs, targets) batches, always the same ones.

    They are whole sequences, one at least, spread evenly over the validation part: its files
    differ more from each other than within.
    """
    windows = (len(tokens) - 1) // context
    if windows < 1:
        return validation(tokens, context)
    taken = np.unique(np.linspace(0, windows - 1, max(1, count // context)).round().astype(int))
    places = taken[:, None] * context + np.arange(context + 1)
    rows = torch.from_numpy(np.asarray(tokens)[places].astype(np.int64))
    size = max(1, VALIDATION_TOKENS // context)
    inputs, targets = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
    return list(zip(inputs.split(size), targets.split(size), strict=True))


def validation(tokens: np.ndarray, context: int) -> list[tuple[Tensor, Tensor]]:
    """Cut held-out tokens into (inputs, targets) batches that predict each token but the first."""
    ids = torch.from_numpy(np.asarray(tokens).astype(np.int64))
    whole = (len(ids) - 1) // context * context
    inputs, targets = ids[:whole].view(-1, context), ids[1 : whole + 1].view(-1, context)
    size = max(1, VALIDATION_TOKENS // context)
    # Of fewer tokens than a sequence there is no whole one: an empty batch has no mean loss.
    batches = list(zip(inputs.split(size), targets.split(size), strict=True)) if whole else []
    if whole < len(ids) - 1:
        batches.append((ids[None, whole:-1], ids[None, whole + 1 :]))
    return batches


#: Tokens of a validation batch: enough to hide overhead, few enough to stay in the cache.
VALIDATION_TOKENS = 2048
