"""A decoder-only transformer as numbers: parameters by group and exact training FLOPs."""

from __future__ import annotations

from typing import Literal

import msgspec

from isoflop.errors import InputError

#: Which weights `N` counts. `matrices+head` is the default: it gives the cleanest laws.
CONVENTIONS: dict[str, tuple[str, ...]] = {
    "matrices": ("matrices",),
    "matrices+head": ("matrices", "head"),
    "all": ("matrices", "head", "embedding", "gains"),
}


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

    def groups(self) -> dict[str, int]:
        """Count parameters by group: embedding, head, matrices, gains.

        A tied head has no weights of its own in `head`; its products are still counted in
        `flops_per_token`.
        """
        d = self.width
        mlp = (3 if self.activation == "swiglu" else 2) * d * self.hidden
        return {
            "embedding": self.vocab * d,
            "head": 0 if self.tied else self.vocab * d,
            "matrices": self.layers * (4 * d * d + mlp),
            "gains": (2 * self.layers + 1) * d,
        }

    def parameters(self, convention: str = "matrices+head") -> int:
        """Count parameters under a convention of `CONVENTIONS`.

        Under "matrices+head" a tied head counts as the V*d weights it multiplies with.
        """
        if convention not in CONVENTIONS:
            known = ", ".join(CONVENTIONS)
            raise InputError(f"`{convention}` is not a convention for N; known: {known}.")
        groups = self.groups()
        if self.tied and convention == "matrices+head":
            groups["head"] = groups["embedding"]
        return sum(groups[name] for name in CONVENTIONS[convention])

    def flops_per_token(self) -> float:
        """Return training FLOPs a token: 3 x forward matrix products, causal attention at T/2.

        forward = 2 (matrices + head) + 2 layers T width; embedding look-ups, norms and
        softmax are not counted. Source: Kaplan et al. 2020 Table 1 with the head added and
        attention halved for causality; training = 3 x forward (Hoffmann et al. 2022, App. F).
        """
        products = self.groups()["matrices"] + self.vocab * self.width
        attention = self.layers * self.context * self.width
        return 6.0 * products + 6.0 * attention
