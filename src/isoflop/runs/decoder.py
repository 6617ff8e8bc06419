"""A decoder-only transformer counted: weights by group, N by convention, FLOPs a token."""

from __future__ import annotations

import msgspec

from isoflop.errors import InputError

#: Which groups of weights `N` counts. `matrices+head` is the default: it gives the cleanest laws.
CONVENTIONS: dict[str, tuple[str, ...]] = {
    "matrices": ("matrices",),
    "matrices+head": ("matrices", "head"),
    "all": ("matrices", "head", "embedding", "gains"),
}


class Decoder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape of a pre-norm decoder.

    Args:
        width: of the residual stream, d; layers: number of blocks; vocab: number of token ids.
        heads: query heads; kv_heads: heads of keys and values; head_dim: width of a head.
        hidden: width of the MLP (of each branch if gated; of one expert); gated: whether it has
            two branches in (SwiGLU, GeGLU).
        tied: whether the head shares the embedding's weights.
        experts: routed experts a layer, 0 for a dense MLP; routed: how many a token passes
            through; shared: width of an MLP that every token passes through besides.
        positions: learned positions; biases: whether matrices and norms have biases.
    """

    width: int
    layers: int
    vocab: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    gated: bool = True
    tied: bool = False
    experts: int = 0
    routed: int = 0
    shared: int = 0
    positions: int = 0
    biases: bool = False

    def __post_init__(self) -> None:
        for name in ("width", "layers", "vocab", "heads", "kv_heads", "head_dim", "hidden"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} = {getattr(self, name)} is not positive.")
        if self.heads % self.kv_heads:
            raise InputError(
                f"{self.heads} query heads cannot share {self.kv_heads} of keys and values.",
                do="kv_heads divides heads: equal for multi-head, 1 for multi-query attention.",
            )
        if not 0 <= self.routed <= self.experts or (self.experts and not self.routed):
            raise InputError(f"{self.routed} of {self.experts} experts is not possible.")
        if min(self.shared, self.positions) < 0:
            raise InputError("shared and positions cannot be negative.")

    @property
    def attention(self) -> int:
        """Weights of a block's attention: queries and output, keys and values."""
        return 2 * self.width * self.head_dim * (self.heads + self.kv_heads)

    def _mlp(self, hidden: int) -> int:
        return (3 if self.gated else 2) * self.width * hidden

    def matrices(self, *, active: bool = False) -> int:
        """Weights of the blocks' matrices; of those that one token passes through if `active`."""
        taken = (self.routed if active else self.experts) or 1
        mlp = taken * self._mlp(self.hidden) + self._mlp(self.shared)
        return self.layers * (self.attention + mlp + self.experts * self.width)

    def groups(self) -> dict[str, int]:
        """Count weights by group: embedding, head, matrices (all experts and routers), gains.

        A tied head has no weights of its own in `head`; its products are still counted in
        `training_flops`. Gains are those of two norms a block and one at the end, and biases.
        """
        return {
            "embedding": (self.vocab + self.positions) * self.width,
            "head": 0 if self.tied else self.vocab * self.width,
            "matrices": self.matrices(),
            "gains": (2 * self.layers + 1) * self.width + (self._biases() if self.biases else 0),
        }

    def _biases(self) -> int:
        hidden = (self.experts or 1) * (2 if self.gated else 1) * self.hidden
        attention = self.head_dim * (self.heads + 2 * self.kv_heads) + self.width
        norms = (2 * self.layers + 1) * self.width
        return self.layers * (attention + hidden + (self.experts or 1) * self.width) + norms

    def parameters(self, convention: str = "matrices+head") -> int:
        """Count parameters under a convention of `CONVENTIONS`, all experts included.

        Under "matrices+head" a tied head counts as the V*d weights it multiplies with.

        Raises:
            InputError: it is not a convention.
        """
        if convention not in CONVENTIONS:
            known = ", ".join(CONVENTIONS)
            raise InputError(f"`{convention}` is not a convention for N; known: {known}.")
        groups = self.groups()
        if self.tied and convention == "matrices+head":
            groups["head"] = self.vocab * self.width
        return sum(groups[name] for name in CONVENTIONS[convention])

    @property
    def multiplied(self) -> int:
        """Weights that a token is multiplied with: active matrices and the head."""
        return self.matrices(active=True) + self.vocab * self.width

    def attention_flops(self, seen: float) -> float:
        """Return the forward FLOPs of one token that attends to `seen` tokens."""
        return 4.0 * self.layers * self.heads * self.head_dim * seen

    def forward_flops(self, seen: float) -> float:
        """Return the forward FLOPs of one token: 2 a weight, and attention."""
        return 2.0 * self.multiplied + self.attention_flops(seen)

    def training_flops(self, context: float) -> float:
        """Return training FLOPs a token: 3 x forward matrix products, causal attention at T/2.

        Embedding look-ups, norms and softmax are not counted.

        Args:
            context: tokens of a training sequence, T.

        Source: Kaplan et al. 2020 Table 1 with the head added and attention halved for
        causality; training = 3 x forward (Hoffmann et al. 2022, App. F).
        """
        return 3.0 * self.forward_flops(context / 2)
