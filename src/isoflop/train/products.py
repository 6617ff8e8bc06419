"""Matrix products of the written gradient, by the library that is faster on this processor.

PyTorch multiplies float32 matrices with MKL, which takes its AVX2 kernels on processors that are
not Intel's even where they have AVX-512; oneDNN, which comes with PyTorch too, takes AVX-512
wherever it is. On such a processor its products are up to twice as fast from a few million
multiplications on, and slower below, for its set-up (docs/decisions/0001-trainer-speed.md).
The choice follows from processor and shape alone, never from a clock: a resumed run must end with
the same bits as an undisturbed one.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from isoflop.train import processor

#: Multiplications in a product from which oneDNN pays where MKL has no AVX-512.
ONEDNN_PRODUCT = 3_000_000


class Linear:
    """h = y W^T and its gradients, by PyTorch's own product (MKL), without allocating.

    Args:
        weight: W, [out, in].
        d_weight: where its gradient is written.
        rows: of y, at most.
    """

    def __init__(self, weight: Tensor, d_weight: Tensor, rows: int) -> None:
        self.w, self.d_w = weight, d_weight
        self.wt = weight.t()
        self.h = torch.empty(rows, len(weight))

    def forward(self, y: Tensor) -> Tensor:
        """Return h, which stays as it is until the next call."""
        room = self.h if len(y) == len(self.h) else self.h[: len(y)]
        return torch.mm(y, self.wt, out=room)

    def add_to(self, x: Tensor, y: Tensor) -> Tensor:
        """Return x + h, perhaps in x's place."""
        return torch.addmm(x, y, self.wt, out=x)

    def backward(self, d_h: Tensor, y: Tensor) -> Tensor:
        """Write the weight's gradient; return d_y, perhaps in y's place."""
        self.weight_gradient(d_h, y)
        return self.input_gradient(d_h, y)

    def weight_gradient(self, d_h: Tensor, y: Tensor, *, add: bool = False) -> None:
        """Write (or add) the weight's gradient."""
        torch.addmm(self.d_w, d_h.t(), y, beta=float(add), out=self.d_w)

    def input_gradient(self, d_h: Tensor, room: Tensor) -> Tensor:
        """Return d_y, perhaps in `room`."""
        return torch.mm(d_h, self.w, out=room)


class OneDNNLinear(Linear):
    """The same by oneDNN, which returns new memory."""

    def forward(self, y: Tensor) -> Tensor:
        """Return h."""
        return onednn(y, self.w)

    def add_to(self, x: Tensor, y: Tensor) -> Tensor:
        """Return x + h."""
        return torch.ops.mkldnn._linear_pointwise.binary(y, x, self.w, None, "add")

    def weight_gradient(self, d_h: Tensor, y: Tensor, *, add: bool = False) -> None:
        """Write (or add) the weight's gradient, computed with its longer side last (faster)."""
        outs, ins = self.w.shape
        d_w = onednn(d_h.t(), y.t()) if outs <= ins else onednn(y.t(), d_h.t()).t()
        if add:
            self.d_w.add_(d_w)
        else:
            self.d_w.copy_(d_w)

    def input_gradient(self, d_h: Tensor, room: Tensor) -> Tensor:
        """Return d_y."""
        return onednn(d_h, self.wt)


def onednn(a: Tensor, b: Tensor) -> Tensor:
    """Return a b^T."""
    return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")


def linear(module: nn.Module, rows: int) -> Linear:
    """Return the products of a linear layer whose weight has a gradient buffer."""
    weight, d_weight = value_and_gradient(module)
    return library(rows * weight.numel())(weight, d_weight, rows)


def library(multiplications: int) -> type[Linear]:
    """Return the faster library for a product of so many multiplications."""
    onednn_pays = multiplications >= ONEDNN_PRODUCT and onednn_is_faster()
    return OneDNNLinear if onednn_pays else Linear


@functools.lru_cache(maxsize=1)
def onednn_is_faster() -> bool:
    """Return whether the processor has AVX-512 that MKL would leave unused."""
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and torch.backends.mkl.is_available()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "AuthenticAMD" in processor.vendor()
    )


def value_and_gradient(module: nn.Module) -> tuple[Tensor, Tensor]:
    """Return a module's weight, free of autograd, and the buffer of its gradient."""
    weight = module.weight
    if not isinstance(weight, nn.Parameter) or weight.grad is None:
        raise TypeError("the weight has no gradient buffer")
    return weight.detach(), weight.grad
