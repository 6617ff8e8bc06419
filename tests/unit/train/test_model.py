"""The model against Architecture's arithmetic, and the written gradient against autograd."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from training import LIBRARIES, VOCAB, architecture, spec

from isoflop.train import products
from isoflop.train.batches import VALIDATION_TOKENS
from isoflop.train.evaluation import Evaluation
from isoflop.train.gradient import Autograd, Gradient
from isoflop.train.model import Transformer, rotate, turns
from isoflop.train.optimizer import Optimizer

SHAPES = [
    {},
    {"activation": "swiglu"},
    {"tied": True},
    {"tied": True, "activation": "swiglu", "layers": 3, "head_dim": 4},
    {"width": 40, "mlp_ratio": 2.5, "context": 24},
]


def scrambled(batch: int = 3, **changes: Any) -> tuple[Transformer, torch.Tensor, torch.Tensor]:
    """Return a model whose every weight matters, with gradient buffers, and a batch."""
    shape = architecture(**changes)
    model = Transformer(shape)
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        std = p.shape[-1] ** -0.5 if p.ndim == 2 else 0.3
        p.data.add_(torch.randn(p.shape, generator=generator) * std)
        p.grad = torch.full_like(p, torch.nan)  # a gradient that is added to would show
    tokens = torch.randint(VOCAB, (batch, shape.context), generator=generator)
    targets = torch.randint(VOCAB, (batch, shape.context), generator=generator)
    return model, tokens, targets


@pytest.mark.parametrize("changes", SHAPES)
def test_parameters_are_those_of_the_architecture(changes: dict[str, Any]) -> None:
    shape = architecture(**changes)
    model = Transformer(shape)
    counted = {name: sum(p.numel() for p in group) for name, group in model.groups().items()}
    assert counted == shape.groups()
    assert sum(p.numel() for p in model.parameters()) == sum(counted.values())
    assert sum(counted.values()) == shape.parameters("all")


@pytest.mark.parametrize("changes", SHAPES)
def test_flops_are_those_that_torch_counts(changes: dict[str, Any]) -> None:
    """Equal on matrices and head; torch counts the masked half of attention too, we do not."""
    model, tokens, targets = scrambled(**changes)
    shape = model.shape
    loss_and_gradient = Gradient(model, len(tokens))
    with FlopCounterMode(display=False) as counter:
        loss_and_gradient(tokens, targets)
    counts = {str(op): n for op, n in counter.get_flop_counts()["Global"].items()}
    attention = counts.pop("aten.bmm")
    ours = 6.0 * shape.layers * shape.context * shape.width * tokens.numel()
    assert attention == 2 * ours
    assert sum(counts.values()) == shape.flops_per_token() * tokens.numel() - ours


@pytest.mark.parametrize("changes", SHAPES)
@pytest.mark.parametrize("batch", [1, 3, 40])  # 40: more rows than one block of the head
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_written_gradient_is_autograds(
    changes: dict[str, Any],
    batch: int,
    library: type[products.Linear],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(products, "library", lambda multiplications: library)
    model, tokens, targets = scrambled(batch, **changes)
    loss = Gradient(model, batch)(tokens, targets)
    written = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    expected = Autograd(model)(tokens, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    for name, p in model.named_parameters():
        assert p.grad is not None
        scale = float(p.grad.abs().max())
        torch.testing.assert_close(written[name], p.grad, rtol=1e-4, atol=2e-5 * scale, msg=name)


@pytest.mark.parametrize("changes", SHAPES)
@pytest.mark.parametrize("batch", [3, None])  # None: as many as a whole validation batch has
def test_the_held_out_loss_is_the_models(changes: dict[str, Any], batch: int | None) -> None:
    context = architecture(**changes).context
    model, tokens, targets = scrambled(batch or VALIDATION_TOKENS // context, **changes)
    evaluation = Evaluation(model)
    assert (tokens.shape == (evaluation.size, context)) == (batch is None)
    for _ in range(2):  # buffers are used again
        expected = model.loss(tokens, targets).item()
        assert evaluation(tokens, targets) == pytest.approx(expected, rel=1e-5)
    assert all(p.grad is not None and p.grad.isnan().all() for p in model.parameters())


def test_the_gradient_is_computed_afresh_each_time() -> None:
    model, tokens, targets = scrambled()
    compute = Gradient(model, len(tokens))
    compute(tokens, targets)
    first = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    compute(targets, tokens)
    compute(tokens, targets)
    for a, p in zip(first, model.parameters(), strict=True):
        assert p.grad is not None
        assert torch.equal(a, p.grad)


def test_extreme_logits_give_the_exact_loss() -> None:
    model, tokens, targets = scrambled()
    model.head.weight.data.mul_(300.0)
    expected = model.loss(tokens, targets).item()
    assert expected > 100
    assert Gradient(model, len(tokens))(tokens, targets).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("tied", [False, True])
def test_an_untrained_model_guesses_uniformly(tied: bool) -> None:
    model = Transformer(architecture(tied=tied, width=64))
    tokens = torch.randint(VOCAB, (8, 16), generator=torch.Generator().manual_seed(0))
    assert model.loss(tokens, tokens.roll(1)).item() == pytest.approx(math.log(VOCAB), abs=0.1)


def test_no_position_sees_the_future() -> None:
    model, tokens, _ = scrambled()
    changed = tokens.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % VOCAB
    with torch.no_grad():
        before, after = model(tokens), model(changed)
    assert torch.equal(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9:], after[:, 9:])


def test_rotary_scores_depend_on_the_distance_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 8, generator=generator)
    everywhere = torch.stack((q, k)).expand(1, 32, 2, 8).unsqueeze(3)
    turned = rotate(everywhere.contiguous(), turns(32, 8))[0, :, :, 0]
    scores = turned[:, 0] @ turned[:, 1].T
    for distance in (0, 3, 17):
        diagonal = scores.diagonal(-distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-5)
    assert scores.std() > 0.1


def test_a_seed_decides_the_weights() -> None:
    def weights(seed: int) -> torch.Tensor:
        return torch.cat(
            [p.detach().flatten() for p in Transformer(architecture(), seed=seed).parameters()]
        )

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_the_optimiser_is_torchs_adamw_with_clipping() -> None:
    run = spec(rate=0.01).setup
    ours, theirs = scrambled()[0], scrambled()[0]
    optimizer = Optimizer(ours, run)
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=run.betas, weight_decay=0.0)
    generator = torch.Generator().manual_seed(2)
    for step in range(20):
        size = 0.01 if step % 2 else 1.0  # below the clip, and above it
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert a.grad is not None
            a.grad.copy_(torch.randn(a.shape, generator=generator) * size)
            b.grad = a.grad.clone()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), run.clip)
        for group in reference.param_groups:
            group["lr"] = 0.01 * (step + 1) / 20
        optimizer.step((step + 1) / 20)
        reference.step()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, msg=name)


def test_rates_and_decay_are_those_of_the_group() -> None:
    run = spec().setup
    model = scrambled()[0]
    before = {name: [p.detach().clone() for p in group] for name, group in model.groups().items()}
    import msgspec

    rates = msgspec.structs.replace(run.rates, hidden=1e-3, head=2e-3, embedding=3e-3, gains=4e-3)
    optimizer = Optimizer(model, msgspec.structs.replace(run, rates=rates, weight_decay=0.5))
    optimizer.gradients.fill_(1.0)
    optimizer.step(1.0)  # AdamW's first step moves each weight by its rate
    for name, rate, decay in (
        ("matrices", 1e-3, 0.5),
        ("head", 2e-3, 0.5),
        ("embedding", 3e-3, 0.0),
        ("gains", 4e-3, 0.0),
    ):
        for p, old in zip(model.groups()[name], before[name], strict=True):
            torch.testing.assert_close(
                p.detach(), old * (1 - rate * decay) - rate, atol=1e-6, rtol=0
            )
