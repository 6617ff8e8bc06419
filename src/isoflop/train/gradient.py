"""The loss of `model.Transformer` with its gradient written by hand.

At widths up to 64 a training step is mostly bookkeeping around small kernels. Written out, with
buffers and views made once, and products left to the faster library (`products`), it takes a
fraction of autograd's time (docs/decisions/0001-trainer-speed.md); tests hold it to autograd's
numbers.

Each branch of the model is an object with `forward` and `backward`. Rows are tokens,
[batch * time, channel]; `d_x` is the gradient of the loss by `x`. `backward` adds the branch's
share to `d_x` in place, as the residual stream does, and overwrites its parameters' `.grad`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from isoflop.train.model import EPSILON
from isoflop.train.products import linear, value_and_gradient

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


class Attention:
    """x + out(softmax(q k^T / sqrt(head_dim)) v), causal, with q and k turned by position."""

    def __init__(self, block: Block, turns: Tensor, scratch: Tensor) -> None:
        time, heads, channels = len(turns), block.heads, block.head_dim
        batch = len(scratch) // heads
        rows = batch * time
        self.norm = Norm(block.attention_norm, rows)
        self.qkv, self.out = linear(block.qkv, rows), linear(block.out, rows)
        # q, k, v of each token, and the same sorted by head: one complex product sorts them,
        # turns q and k, and divides the scores by sqrt(head_dim).
        half = turns * channels**-0.25
        self.turns = torch.cat((half, half, torch.ones_like(half)), dim=1)
        self.turns_back = self.turns.conj().resolve_conj()
        by_head = torch.empty(3, batch, heads, time, channels)
        self.tokens = (batch, time, 3, heads, channels // 2, 2)
        self.by_head = pairs(by_head).permute(1, 3, 0, 2, 4)
        self.qkv_by_head = by_head.view(3, batch * heads, time, channels)
        self.q, self.k, self.v = self.qkv_by_head
        self.qt, self.kt, self.vt = self.qkv_by_head.transpose(2, 3)
        self.future = torch.full((time, time), -torch.inf).triu(1)
        self.p = torch.empty(batch * heads, time, time)
        self.scratch = scratch
        self.pt = self.p.transpose(1, 2)
        self.mixed = torch.empty(rows, heads * channels)
        # Products with a side as short as a head's channels are three times faster with the
        # long side last: [channel, time].
        self.d_qkv = torch.empty(3, batch * heads, channels, time)
        self.mixed_by_head = torch.empty(batch * heads, channels, time)
        self.sorted = self.mixed_by_head.view(batch, heads, channels, time).permute(0, 3, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Add to x the attention of its normalised copy."""
        self.h = self.qkv.forward(self.norm.forward(x))
        self.by_token = torch.view_as_complex(self.h.view(self.tokens))
        torch.mul(self.by_token, self.turns, out=self.by_head)
        scores = torch.bmm(self.q, self.kt, out=self.p).add_(self.future)
        torch.softmax(scores, -1, out=self.p)  # in place: each row is read before it is written
        torch.bmm(self.vt, self.pt, out=self.mixed_by_head)
        self.mixed.view(self.sorted.shape).copy_(self.sorted)
        return self.out.add_to(x, self.mixed)

    def backward(self, d_x: Tensor) -> None:
        """Add to d_x; mixed, q, k, v and h make room for their own gradients."""
        self.sorted.copy_(self.out.backward(d_x, self.mixed).view(self.sorted.shape))
        d_mixed = self.mixed_by_head
        d_q, d_k, d_v = self.d_qkv
        d_p = torch.bmm(d_mixed.transpose(1, 2), self.vt, out=self.scratch)
        d_scores = aten._softmax_backward_data.out(d_p, self.p, -1, torch.float32, grad_input=d_p)
        torch.bmm(self.kt, d_scores.transpose(1, 2), out=d_q)
        torch.bmm(self.qt, d_scores, out=d_k)
        torch.bmm(d_mixed, self.p, out=d_v)
        self.qkv_by_head.copy_(self.d_qkv.transpose(2, 3))
        torch.mul(self.by_head, self.turns_back, out=self.by_token)
        self.norm.backward(self.qkv.backward(self.h, self.norm.y), d_x)


class MLP:
    """x + down(activation(up(y)))."""

    def __init__(self, block: Block, rows: int) -> None:
        self.norm = Norm(block.mlp_norm, rows)
        self.up, self.down = linear(block.up, rows), linear(block.down, rows)
        self.swiglu = block.swiglu
        self.a = torch.empty(rows, block.down.in_features)

    def forward(self, x: Tensor) -> Tensor:
        """Add to x the MLP of its normalised copy."""
        self.h = self.up.forward(self.norm.forward(x))
        if self.swiglu:
            gate, value = self.h.chunk(2, dim=1)
            torch.mul(aten.silu(gate), value, out=self.a)
        else:
            aten.gelu.out(self.h, out=self.a)
        return self.down.add_to(x, self.a)

    def backward(self, d_x: Tensor) -> None:
        """Add to d_x."""
        d_a = self.down.backward(d_x, self.a)
        if self.swiglu:
            gate, value = self.h.chunk(2, dim=1)
            d_gate = aten.silu_backward(d_a * value, gate)
            d_h = torch.cat((d_gate, d_a * aten.silu(gate)), dim=1)
        else:
            d_h = aten.gelu_backward.grad_input(d_a, self.h, grad_input=d_a)
        self.norm.backward(self.up.backward(d_h, self.norm.y), d_x)


class Head:
    """Mean of -log softmax(scale * y W^T)[target], in blocks of rows."""

    def __init__(self, model: Transformer, rows: int) -> None:
        self.norm = Norm(model.norm, rows)
        self.linear = linear(model.head, min(HEAD_ROWS, rows))
        self.rows, self.scale = rows, model.output_scale
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
            z = self.linear.forward(y)
            z.sub_(z.amax(1, keepdim=True))
            if self.scale != 1.0:
                z.mul_(self.scale)
            at_target = z.gather(1, target)
            total = z.exp_().sum(1, keepdim=True)
            loss.add_((total.log() - at_target).sum(), alpha=1 / self.rows)
            # z becomes total * (p - onehot); the missing factor is small enough to apply to y.
            z.scatter_(1, target, at_target.exp_().sub_(total))
            factor = total.reciprocal_().mul_(self.scale / self.rows)
            torch.mul(self.linear.input_gradient(z, d_y), factor, out=d_y)
            self.linear.weight_gradient(z, y * factor, add=index > 0)
        d_x = torch.zeros_like(x)
        self.norm.backward(self.d_y, d_x)
        return loss, d_x


def pairs(x: Tensor) -> Tensor:
    """View neighbouring channels as complex numbers, as `model.rotate` does."""
    return torch.view_as_complex(x.unflatten(-1, (-1, 2)))
