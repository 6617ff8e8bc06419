"""A decoder-only transformer as numbers: parameters by group and exact training FLOPs."""

from __future__ import annotations

from typing import Literal

import msgspec

from isoflop.errors import InputError
from isoflop.runs.decoder import Decoder


class Architecture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape of one model: pre-norm decoder, rotary positions, RMSNorm, untied head by default.

    Args:
        width: residual width d, a multiple of `head_dim`.
        layers: number of blocks.
        head_dim: width of one attention head.
        mlp_ratio: hidden width of the MLP over `width` (for SwiGLU, of each of its two branches).
        activation: "gelu" or "swiglu".
        tied: whether the head shares the embedding's weights.
        vocab: number of token ids.
        context: tokens of a training sequence.
    """

    width: int
    layers: int = 2
    head_dim: int = 8
    mlp_ratio: float = 4.0
    activation: Literal["gelu", "swiglu"] = "gelu"
    tied: bool = False
    vocab: int = 512
    context: int = 64

    def __post_init__(self) -> None:
        for name in ("width", "layers", "head_dim", "mlp_ratio", "vocab", "context"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} = {getattr(self, name)} is not positive.")
        if self.width % self.head_dim:
            raise InputError(
                f"width {self.width} is not a multiple of head_dim {self.head_dim}.",
                "Attention splits the width into whole heads.",
            )

    @property
    def heads(self) -> int:
        """Number of attention heads of a block."""
        return self.width // self.head_dim

    @property
    def hidden(self) -> int:
        """Hidden width of the MLP."""
        return int(self.mlp_ratio * self.width)

    @property
    def decoder(self) -> Decoder:
        """The shape as it is counted."""
        return Decoder(
            width=self.width,
            layers=self.layers,
            vocab=self.vocab,
            heads=self.heads,
            kv_heads=self.heads,
            head_dim=self.head_dim,
            hidden=self.hidden,
            gated=self.activation == "swiglu",
            tied=self.tied,
        )

    def groups(self) -> dict[str, int]:
        """Count parameters by group: embedding, head, matrices, gains (`Decoder.groups`)."""
        return self.decoder.groups()

    def parameters(self, convention: str = "matrices+head") -> int:
        """Count parameters under a convention of `CONVENTIONS` (`Decoder.parameters`)."""
        return self.decoder.parameters(convention)

    def flops_per_token(self) -> float:
        """Return training FLOPs a token (`Decoder.training_flops`)."""
        return self.decoder.training_flops(self.context)
