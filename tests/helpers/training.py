"""A small corpus and setups for the trainer's tests."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isoflop.design.architecture import Architecture
from isoflop.design.spec import Rates, RunSpec, Setup
from isoflop.train.corpus import Corpus
from isoflop.train.products import Linear, OneDNNLinear

VOCAB = 32
#: Both libraries that multiply matrices.
LIBRARIES = [
    Linear,
    pytest.param(
        OneDNNLinear,
        marks=pytest.mark.skipif(
            not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN"
        ),
    ),
]


def small_corpus(*, tokens: int = 20_000, seed: int = 0) -> Corpus:
    """Tokens with structure: each is a noisy function of the one before it."""
    random = np.random.default_rng(seed)
    noise = random.random(tokens) < 0.3
    ids = np.zeros(tokens, dtype=np.uint16)
    for i in range(1, tokens):
        ids[i] = random.integers(VOCAB) if noise[i] else (5 * ids[i - 1] + 3) % VOCAB
    cut = tokens * 9 // 10
    return Corpus(
        name="small",
        train=ids[:cut],
        val=ids[cut:],
        vocab=VOCAB,
        train_bytes=3 * cut,
        val_bytes=3 * (tokens - cut),
        text_digest="t",
        digest="c" * 64,
    )


def architecture(**changes: object) -> Architecture:
    """A model of two narrow layers."""
    shape = {"width": 16, "layers": 2, "vocab": VOCAB, "context": 16} | changes
    return Architecture(**shape)  # pyright: ignore[reportArgumentType]


def spec(*, steps: int = 60, rate: float = 0.02, seed: int = 0, **changes: object) -> RunSpec:
    """A run of `steps` steps with one rate everywhere."""
    setup = Setup(
        architecture=architecture(**changes),
        batch=4,
        steps=steps,
        rates=Rates(hidden=rate, head=rate, embedding=rate, gains=rate),
        corpus="c" * 64,
        seed=seed,
    )
    return RunSpec(setup=setup, budget=setup.flops)
