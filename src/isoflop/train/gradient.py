"""The loss of `model.Transformer` with its gradient written by hand.

At widths up to 64 a training step is mostly bookkeeping around small kernels. Written out, with
every buffer and view made once, it takes a third of autograd's time
(docs/decisions/0001-trainer-speed.md). Each branch of the model is an object with `forward` and
`backward`; rows are tokens, [batch * time, channel]; `d_x` is the gradient of the loss by `x`,
and `backward` adds the branch's share to it in place, as the residual stream does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isoflop.train.model import EPSILON, Block, Gain, Transformer

aten = torch.ops.aten
#: Rows of logits held at once: 256 x 512 floats stay in a core's cache.
HEAD_ROWS = 256


class Norm:
    """y = x / rms(x) * gain."""

    def __init__(self, gain: Gain, rows: int) -> None:
        self.gain, self.d_gain = value(gain.weight), gradient(gain.weight)
        width = len(self.gain)
        self.unit, self.y = torch.empty(rows, width), torch.empty(rows, width)
        self.epsilon, self.share = torch.tensor([[EPSILON]]), 1.0 / width

    def forward(self, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        self.inverse = torch.addcmul(self.epsilon, length, length, value=self.share).rsqrt_()
        torch.mul(x, self.inverse, out=self.unit)
        return torch.mul(self.unit, self.gain, out=self.y)

    def backward(self, d_y: Tensor, d_x: Tensor) -> None:
        product = d_y * self.unit
        torch.sum(product, 0, out=self.d_gain)
        along = torch.mv(product, self.gain).unsqueeze_(1)
        d_unit = d_y.mul_(self.gain).addcmul_(self.unit, along, value=-self.share)
        d_x.addcmul_(d_unit, self.inverse)


class Linear:
    """h = y W^T."""

    def __init__(self, linear: nn.Linear, rows: int) -> None:
        self.w, self.d_w = value(linear.weight), gradient(linear.weight)
        self.wt = self.w.t()
        self.h = torch.empty(rows, len(self.w))

    def forward(self, y: Tensor) -> Tensor:
        return torch.mm(y, self.wt, out=self.h)

    def backward(self, d_h: Tensor, y: Tensor) -> Tensor:
        torch.mm(d_h.t(), y, out=self.d_w)
        return torch.mm(d_h, self.w)


class Attention:
    """x + out(softmax(q k^T / sqrt(head_dim)) v), causal, with q and k rotated."""

    def __init__(self, block: Block, turns: Tensor, batch: int) -> None:
        time, heads, channels = len(turns), block.heads, block.head_dim
        rows, per_head = batch * time, (batch * heads, time, channels)
        self.norm = Norm(block.attention_norm, rows)
        self.qkv, self.out = Linear(block.qkv, rows), Linear(block.out, rows)
        # One complex product turns q and k, divides the scores by sqrt(head_dim) and sorts q, k
        # and v by head: [batch, time, (q, k, v), head, pair] -> [(q, k, v), batch, head, ...].
        ones = torch.ones_like(turns)
        half = turns * channels**-0.25
        self.turns = torch.cat((half, half, ones), dim=1)
        self.unturns = self.turns.conj().resolve_conj()
        self.by_token = _pairs(self.qkv.h.view(batch, time, 3, heads, channels))
        self.qkv_by_head = torch.empty(3, batch, heads, time, channels)
        self.by_head = _pairs(self.qkv_by_head).permute(1, 3, 0, 2, 4)
        self.q, self.k, self.v = self.qkv_by_head.view(3, *per_head)
        self.kt, self.vt = self.k.transpose(1, 2), self.v.transpose(1, 2)
        self.future = torch.full((time, time), -torch.inf).triu(1)
        self.scores = torch.empty(batch * heads, time, time)
        self.p = torch.empty_like(self.scores)
        self.pt = self.p.transpose(1, 2)
        self.mixed_by_head = torch.empty(per_head)
        self.mixed = torch.empty(rows, heads * channels)
        self.mixed_4d = self.mixed.view(batch, time, heads, channels).transpose(1, 2)
        self.mixed_by_head_4d = self.mixed_by_head.view(batch, heads, time, channels)

    def forward(self, x: Tensor) -> Tensor:
        self.qkv.forward(self.norm.forward(x))
        torch.mul(self.by_token, self.turns, out=self.by_head)
        scores = torch.bmm(self.q, self.kt, out=self.scores).add_(self.future)
        torch.softmax(scores, -1, out=self.p)
        torch.bmm(self.p, self.v, out=self.mixed_by_head)
        self.mixed_4d.copy_(self.mixed_by_head_4d)
        return torch.addmm(x, self.mixed, self.out.wt)

    def backward(self, d_x: Tensor) -> None:
        d_mixed = self.mixed_by_head
        d = self.out.backward(d_x, self.mixed).view(self.mixed_4d.transpose(1, 2).shape)
        self.mixed_by_head_4d.copy_(d.transpose(1, 2))
        d_p = torch.bmm(d_mixed, self.vt, out=self.scores)
        d_scores = aten._softmax_backward_data(d_p, self.p, -1, torch.float32)
        # q, k and v make room for their own gradients.
        torch.bmm(self.pt, d_mixed, out=self.v)
        d_q = torch.bmm(d_scores, self.k)
        torch.bmm(d_scores.transpose(1, 2), self.q, out=self.k)
        self.q.copy_(d_q)
        torch.mul(self.by_head, self.unturns, out=self.by_token)
        self.norm.backward(self.qkv.backward(self.qkv.h, self.norm.y), d_x)


class MLP:
    """x + down(gelu(up(y)))."""

    def __init__(self, block: Block, rows: int) -> None:
        self.norm = Norm(block.mlp_norm, rows)
        self.up, self.down = Linear(block.up, rows), Linear(block.down, rows)
        self.a = torch.empty(rows, block.down.in_features)

    def forward(self, x: Tensor) -> Tensor:
        h = self.up.forward(self.norm.forward(x))
        aten.gelu.out(h, out=self.a)
        return torch.addmm(x, self.a, self.down.wt)

    def backward(self, d_x: Tensor) -> None:
        d_a = self.down.backward(d_x, self.a)
        d_h = aten.gelu_backward.grad_input(d_a, self.up.h, grad_input=d_a)
        self.norm.backward(self.up.backward(d_h, self.norm.y), d_x)


class Head:
    """Mean of -log softmax(y W^T)[target], in blocks of rows whose logits fit the cache."""

    def __init__(self, model: Transformer, rows: int) -> None:
        self.norm = Norm(model.norm, rows)
        self.w, self.d_w = value(model.head.weight), gradient(model.head.weight)
        self.wt = self.w.t()
        self.rows = rows
        self.logits = torch.empty(min(HEAD_ROWS, rows), len(self.w))
        self.d_y = torch.empty_like(self.norm.y)

    def forward_backward(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        self.norm.forward(x)
        loss = torch.zeros(())
        d_y = []
        for i in range(0, self.rows, HEAD_ROWS):
            y, t = self.norm.y[i : i + HEAD_ROWS], targets[i : i + HEAD_ROWS]
            d_y = self.d_y[i : i + HEAD_ROWS]
            z = torch.mm(y, self.wt, out=self.logits[: len(y)])
            z.sub_(z.amax(1, keepdim=True))
            at_target = z.gather(1, t)
            total = z.exp_().sum(1, keepdim=True)
            loss.add_((total.log() - at_target).sum())
            z.scatter_(1, t, at_target.exp_().sub_(total))
            share = (total * self.rows).reciprocal_()
            torch.mm(z, self.w, out=d_y).mul_(share)
            torch.addmm(self.d_w, z.t(), y * share, beta=float(i > 0), out=self.d_w)
        d_x = torch.zeros_like(x)
        self.norm.backward(self.d_y, d_x)
        return loss.div_(self.rows), d_x


class Gradient:
    """Computes loss and gradient of one model on batches of one size.

    Every parameter's `.grad` must be set; it is overwritten, not added to.
    """

    def __init__(self, model: Transformer, batch: int) -> None:
        shape = model.shape
        rows = batch * shape.context
        self.embedding = value(model.embedding.weight)
        self.d_embedding = gradient(model.embedding.weight)
        self.tied = shape.tied
        self.branches = []
        for block in model.blocks:
            self.branches += [Attention(block, model.turns, batch), MLP(block, rows)]
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
        if not self.tied:
            self.d_embedding.zero_()
        self.d_embedding.index_add_(0, ids, d_x)
        return loss


def value(parameter: nn.Parameter) -> Tensor:
    return parameter.detach()


def gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _pairs(x: Tensor) -> Tensor:
    return torch.view_as_complex(x.unflatten(-1, (-1, 2)))
