"""The loss of `model.Transformer` with its gradient written by hand.

At widths up to 64 a training step is mostly bookkeeping around small kernels. Written out, with
buffers and views made once, it takes 0.4 of autograd's time at width 16 and 0.8 at width 64
(docs/decisions/0001-trainer-speed.md); tests hold it to autograd's numbers.

Each branch of the model is an object with `forward` and `backward`. Rows are tokens,
[batch * time, channel]; `d_x` is the gradient of the loss by `x`. `backward` adds the branch's
share to `d_x` in place, as the residual stream does, and overwrites its parameters' `.grad`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from isoflop.train.model import EPSILON

if TYPE_CHECKING:
    from isoflop.train.model import Block, Gain, Transformer

aten = torch.ops.aten
#: Rows of logits held at once: 256 x 512 floats stay in a core's cache.
HEAD_ROWS = 256
#: All scores are kept for the backward pass; past this context autograd's attention is faster.
LONGEST_CONTEXT = 256
#: Hidden activations above which oneDNN's GELU pays for its set-up of 45 microseconds a call.
ONEDNN_FROM = 65_536


class Gradient:
    """Computes loss and gradient of one model on batches of one size.

    Args:
        model: every parameter's `.grad` must be set; it is overwritten, not added to.
        batch: sequences a step.
    """

    def __init__(self, model: Transformer, batch: int) -> None:
        shape = model.shape
        rows = batch * shape.context
        torch.backends.mkldnn.set_flags(rows * shape.hidden >= ONEDNN_FROM)
        self.embedding, self.d_embedding = value_and_gradient(model.embedding)
        self.tied = shape.tied
        scores = torch.empty(batch * shape.heads, shape.context, shape.context)
        self.branches: list[Attention | MLP] = []
        for block in model.layers:
            self.branches += [Attention(block, model.turns, scores), MLP(block, rows)]
        self.head = Head(model, rows)

    @torch.no_grad()
    def __call__(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of [batch, time] tokens; leave its gradient in `.grad`."""
        ids = tokens.reshape(-1)
        x = self.embedding.index_select(0, ids)
        for branch in self.branches:
            x = branch.forward(x)
        loss, d_x = self.head.forward_backward(x, targets.reshape(-1, 1))
        for branch in reversed(self.branches):
            branch.backward(d_x)
        if not self.tied:  # tied: the head has just written its share
            self.d_embedding.zero_()
        self.d_embedding.index_add_(0, ids, d_x)
        return loss


class Autograd:
    """The same by autograd, for what `Gradient` does not cover: long contexts, and bfloat16.

    Args:
        model: as above.
        dtype: of matrix products; weights, their gradients and the loss stay float32.
    """

    def __init__(self, model: Transformer, dtype: torch.dtype = torch.float32) -> None:
        self.model, self.dtype = model, dtype
        torch.backends.mkldnn.set_flags(True)

    def __call__(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """As `Gradient` does."""
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad.zero_()
        with torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32):
            loss = self.model.loss(tokens, targets)
        loss.backward()
        return loss.detach()


class Norm:
    """y = unit * gain, unit = x / rms(x)."""

    def __init__(self, gain: Gain, rows: int) -> None:
        self.gain, self.d_gain = value_and_gradient(gain)
        width = len(self.gain)
        self.epsilon, self.share = torch.tensor([[EPSILON]]), 1.0 / width
        self.unit, self.y = torch.empty(rows, width), torch.empty(rows, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return y."""
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        self.inverse = torch.addcmul(self.epsilon, length, length, value=self.share).rsqrt_()
        torch.mul(x, self.inverse, out=self.unit)
        return torch.mul(self.unit, self.gain, out=self.y)

    def backward(self, d_y: Tensor, d_x: Tensor) -> None:
        """d_x += (d_unit - unit * mean(d_unit * unit)) / rms(x); overwrites d_y."""
        product = d_y * self.unit
        torch.sum(product, 0, out=self.d_gain)
        along = torch.mv(product, self.gain).unsqueeze_(1)
        d_unit = d_y.mul_(self.gain)
        d_x.addcmul_(d_unit.addcmul_(self.unit, along, value=-self.share), self.inverse)


class Linear:
    """h = y W^T, kept in a buffer."""

    def __init__(self, linear: nn.Linear, rows: int) -> None:
        self.w, self.d_w = value_and_gradient(linear)
        self.wt = self.w.t()
        self.h = torch.empty(rows, len(self.w))

    def forward(self, y: Tensor) -> Tensor:
        """Return h."""
        return torch.mm(y, self.wt, out=self.h)

    def backward(self, d_h: Tensor, y: Tensor) -> Tensor:
        """Return d_y, written over y."""
        torch.mm(d_h.t(), y, out=self.d_w)
        return torch.mm(d_h, self.w, out=y)


class Attention:
    """x + out(softmax(q k^T / sqrt(head_dim)) v), causal, with q and k turned by position."""

    def __init__(self, block: Block, turns: Tensor, scratch: Tensor) -> None:
        time, heads, channels = len(turns), block.heads, block.head_dim
        batch = len(scratch) // heads
        rows = batch * time
        self.norm = Norm(block.attention_norm, rows)
        self.qkv, self.out = Linear(block.qkv, rows), Linear(block.out, rows)
        # q, k, v of each token, and the same sorted by head: one complex product sorts them,
        # turns q and k, and divides the scores by sqrt(head_dim).
        half = turns * channels**-0.25
        self.turns = torch.cat((half, half, torch.ones_like(half)), dim=1)
        self.turns_back = self.turns.conj().resolve_conj()
        by_head = torch.empty(3, batch, heads, time, channels)
        self.by_token = pairs(self.qkv.h.view(batch, time, 3, heads, channels))
        self.by_head = pairs(by_head).permute(1, 3, 0, 2, 4)
        self.q, self.k, self.v = by_head.view(3, batch * heads, time, channels)
        self.kt, self.vt = self.k.transpose(1, 2), self.v.transpose(1, 2)
        self.future = torch.full((time, time), -torch.inf).triu(1)
        self.p = torch.empty(batch * heads, time, time)
        self.scratch = scratch
        self.pt = self.p.transpose(1, 2)
        self.mixed = torch.empty(rows, heads * channels)
        self.mixed_by_head = torch.empty_like(self.q)
        self.sorted = self.mixed_by_head.view(batch, heads, time, channels)
        self.unsorted = self.mixed.view(batch, time, heads, channels).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Add to x the attention of its normalised copy."""
        self.qkv.forward(self.norm.forward(x))
        torch.mul(self.by_token, self.turns, out=self.by_head)
        scores = torch.bmm(self.q, self.kt, out=self.p).add_(self.future)
        torch.softmax(scores, -1, out=self.p)  # in place: each row is read before it is written
        torch.bmm(self.p, self.v, out=self.mixed_by_head)
        self.unsorted.copy_(self.sorted)
        return torch.addmm(x, self.mixed, self.out.wt, out=x)

    def backward(self, d_x: Tensor) -> None:
        """Add to d_x; mixed, q, k, v and h make room for their own gradients."""
        self.out.backward(d_x, self.mixed)
        self.sorted.copy_(self.unsorted)
        d_mixed = self.mixed_by_head
        d_p = torch.bmm(d_mixed, self.vt, out=self.scratch)
        d_scores = aten._softmax_backward_data.out(d_p, self.p, -1, torch.float32, grad_input=d_p)
        d_q = torch.bmm(d_scores, self.k)
        torch.bmm(d_scores.transpose(1, 2), self.q, out=self.k)
        torch.bmm(self.pt, d_mixed, out=self.v)
        self.q.copy_(d_q)
        torch.mul(self.by_head, self.turns_back, out=self.by_token)
        self.norm.backward(self.qkv.backward(self.qkv.h, self.norm.y), d_x)


class MLP:
    """x + down(activation(up(y)))."""

    def __init__(self, block: Block, rows: int) -> None:
        self.norm = Norm(block.mlp_norm, rows)
        self.up, self.down = Linear(block.up, rows), Linear(block.down, rows)
        self.swiglu = block.swiglu
        self.a = torch.empty(rows, block.down.in_features)

    def forward(self, x: Tensor) -> Tensor:
        """Add to x the MLP of its normalised copy."""
        h = self.up.forward(self.norm.forward(x))
        if self.swiglu:
            gate, value = h.chunk(2, dim=1)
            torch.mul(aten.silu(gate), value, out=self.a)
        else:
            aten.gelu.out(h, out=self.a)
        return torch.addmm(x, self.a, self.down.wt, out=x)

    def backward(self, d_x: Tensor) -> None:
        """Add to d_x."""
        d_a = self.down.backward(d_x, self.a)
        if self.swiglu:
            gate, value = self.up.h.chunk(2, dim=1)
            d_gate = aten.silu_backward(d_a * value, gate)
            d_h = torch.cat((d_gate, d_a * aten.silu(gate)), dim=1)
        else:
            d_h = aten.gelu_backward.grad_input(d_a, self.up.h, grad_input=d_a)
        self.norm.backward(self.up.backward(d_h, self.norm.y), d_x)


class Head:
    """Mean of -log softmax(scale * y W^T)[target], in blocks of rows."""

    def __init__(self, model: Transformer, rows: int) -> None:
        self.norm = Norm(model.norm, rows)
        self.w, self.d_w = value_and_gradient(model.head)
        self.rows, self.scale = rows, model.output_scale
        self.logits = torch.empty(min(HEAD_ROWS, rows), len(self.w))
        self.d_y = torch.empty_like(self.norm.y)

    def forward_backward(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and d_x; targets are [rows, 1]."""
        blocks = zip(
            self.norm.forward(x).split(HEAD_ROWS),
            targets.split(HEAD_ROWS),
            self.d_y.split(HEAD_ROWS),
            strict=True,
        )
        loss = torch.zeros(())
        for index, (y, target, d_y) in enumerate(blocks):
            z = self.logits[: len(y)]
            torch.addmm(z, y, self.w.t(), beta=0, alpha=self.scale, out=z)
            z.sub_(z.amax(1, keepdim=True))
            at_target = z.gather(1, target)
            total = z.exp_().sum(1, keepdim=True)
            loss.add_((total.log() - at_target).sum(), alpha=1 / self.rows)
            # z becomes total * (p - onehot); the missing factor is small enough to apply to y.
            z.scatter_(1, target, at_target.exp_().sub_(total))
            factor = total.reciprocal_().mul_(self.scale / self.rows)
            torch.mm(z, self.w, out=d_y).mul_(factor)
            torch.addmm(self.d_w, z.t(), y * factor, beta=float(index > 0), out=self.d_w)
        d_x = torch.zeros_like(x)
        self.norm.backward(self.d_y, d_x)
        return loss, d_x


def value_and_gradient(module: nn.Module) -> tuple[Tensor, Tensor]:
    """Return a module's weight, free of autograd, and the buffer of its gradient."""
    weight = module.weight
    if not isinstance(weight, nn.Parameter) or weight.grad is None:
        raise TypeError("the weight has no gradient buffer")
    return weight.detach(), weight.grad


def pairs(x: Tensor) -> Tensor:
    """View neighbouring channels as complex numbers, as `model.rotate` does."""
    return torch.view_as_complex(x.unflatten(-1, (-1, 2)))
