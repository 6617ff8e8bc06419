"""AdamW with a rate per group, over parameters that lie side by side in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from isoflop.design.spec import Setup
    from isoflop.train.model import Transformer

#: Name in `Rates` of each parameter group.
RATE_OF = {"matrices": "hidden", "head": "head", "embedding": "embedding", "gains": "gains"}
DECAYED = ("matrices", "head")
EPSILON = 1e-8


class Optimizer:
    """Clip by the global norm, then AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Moves the model's parameters and gradients into two flat buffers, sorted by group, so that
    clipping is one kernel and the update one fused kernel a group, however many layers there are.
    The kernel is called directly: `torch.optim.AdamW` spends more on bookkeeping than it does.

    Args:
        model: its parameters are replaced by views of the flat buffer.
        setup: peak rates, betas, weight decay (of matrices and head only) and clip.
    """

    def __init__(self, model: Transformer, setup: Setup) -> None:
        groups = {name: group for name, group in model.groups().items() if group}
        self.values, self.gradients = _flatten([p for g in groups.values() for p in g])
        self.first, self.second = torch.zeros_like(self.values), torch.zeros_like(self.values)
        self.step_count = torch.zeros(())
        self.clip, self.betas = setup.clip, setup.betas
        self.parts = []
        start = 0
        for name, group in groups.items():
            end = start + sum(p.numel() for p in group)
            buffers = (self.values, self.gradients, self.first, self.second)
            parts = [[buffer[start:end]] for buffer in buffers]
            decay = setup.weight_decay if name in DECAYED else 0.0
            self.parts.append((parts, getattr(setup.rates, RATE_OF[name]), decay))
            start = end

    @torch.no_grad()
    def step(self, multiple: float) -> None:
        """Update every parameter from its gradient, at `multiple` times its peak rate."""
        # The fused kernel divides gradients by this: their norm over the clip, where above 1.
        excess = torch.linalg.vector_norm(self.gradients).div_(self.clip).clamp_(min=1.0)
        self.step_count.add_(1)
        for (values, gradients, first, second), rate, decay in self.parts:
            torch._fused_adamw_(  # pyright: ignore[reportPrivateImportUsage]
                values,
                gradients,
                first,
                second,
                [],
                [self.step_count],
                lr=rate * multiple,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
                grad_scale=excess,
            )

    def state(self) -> dict[str, Tensor]:
        """Return everything a resumed run needs: values, both moments and the step count."""
        return {
            "values": self.values,
            "first": self.first,
            "second": self.second,
            "step_count": self.step_count,
        }

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over a state that `state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


@torch.no_grad()
def _flatten(parameters: list[torch.nn.Parameter]) -> tuple[Tensor, Tensor]:
    """Make every parameter and its gradient a view of one buffer each; return the two buffers."""
    values = torch.cat([p.detach().flatten() for p in parameters])
    gradients = torch.zeros_like(values)
    start = 0
    for p in parameters:
        end = start + p.numel()
        p.data = values[start:end].view(p.shape)
        p.grad = gradients[start:end].view(p.shape)
        start = end
    return values, gradients
