"""Coordinate check of muP (Yang & Hu et al. 2022, arXiv:2203.03466, Appendix D.1).

After a few steps the mean size of every layer's activations, and of their change since the first
step, must not depend on the width: log-log slopes near 0. With rates that do not fall with the
width (standard parametrisation) they grow, and this test must see it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from training import VOCAB, small_corpus

from isoflop.design import rules
from isoflop.design.architecture import Architecture
from isoflop.design.spec import Rates, Setup
from isoflop.train.trainer import Training

WIDTHS = (32, 64, 128, 256)
STEPS = 5
SEEDS = 3
BATCH = 8


def activations(training: Training, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what each layer gives out: embedding, q k v, branches, stream, logits."""
    seen: dict[str, torch.Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out}))
        for name, module in training.model.named_modules()
        if name and name != "blocks"
    ]
    with torch.no_grad():
        training.model(tokens)
    for hook in hooks:
        hook.remove()
    return seen


def sizes(width: int, seed: int, rates: Rates) -> dict[str, float]:
    """Return the mean size of each layer's activations after `STEPS`, and of their change."""
    setup = Setup(
        architecture=Architecture(width=width, vocab=VOCAB, context=32),
        batch=BATCH,
        steps=STEPS,
        rates=rates,
        corpus="c" * 64,
        seed=seed,
    )
    training = Training(setup, small_corpus())
    probe = torch.from_numpy(np.asarray(training.batches.tokens[:512], dtype=np.int64)).view(-1, 32)
    before = activations(training, probe)
    for _, tokens, targets in training.batches.steps(1, STEPS):
        training.gradient(tokens, targets)
        training.optimizer.step(1.0)
    after = activations(training, probe)
    found = {f"size of {name}": float(x.abs().mean()) for name, x in after.items()}
    change = {f"change of {n}": float((after[n] - before[n]).abs().mean()) for n in after}
    return found | change


def slopes(*, transfer: bool) -> dict[str, float]:
    """Return the log-log slope over width of each size; `transfer` turns the muP rates on."""
    rows = []
    for width in WIDTHS:
        rates = rules.rates(width, BATCH, multiple=0.3)
        if not transfer:
            fixed = rules.rates(WIDTHS[0], BATCH, multiple=0.3)
            rates = msgspec.structs.replace(rates, hidden=fixed.hidden, head=fixed.head)
        found = [sizes(width, seed, rates) for seed in range(SEEDS)]
        rows.append({name: np.mean([one[name] for one in found]) for name in found[0]})
    x = np.log(WIDTHS)
    return {n: float(np.polyfit(x, np.log([row[n] for row in rows]), 1)[0]) for n in rows[0]}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_activations_do_not_depend_on_the_width() -> None:
    found = slopes(transfer=True)
    assert len(found) >= 2 * 15
    worst = max(found, key=lambda name: abs(found[name]))
    # Not exactly 0: what adds up at random instead of in one direction shrinks like width^-1/2.
    assert abs(found[worst]) < 0.3, (worst, found)


def test_standard_rates_fail_the_check() -> None:
    found = slopes(transfer=False)
    for layer in ("blocks.0.out", "blocks.0.down", "blocks.1.out", "blocks.1.down", "head"):
        assert found[f"change of {layer}"] > 0.5, found
