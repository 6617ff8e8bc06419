"""Shapes of transformers: what memory, attention and the key-value cache depend on besides N."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from isoflop.errors import InputError
from isoflop.plan.hardware import find
from isoflop.units import format_count

FILE = Path(__file__).with_name("shapes.toml")
#: Width over depth of an assumed shape; Llama 3 has 102 to 130.
ASPECT = 128
#: Width of a head of an assumed shape, and its heads of keys and values, as in Llama 3.
HEAD_DIM, KV_HEADS = 128, 8


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decoder-only transformer.

    Args:
        name: of the model, or what was assumed.
        N: all parameters; active: those that one token passes through (N if 0).
        layers: depth; width: of the residual stream.
        heads: query heads; head_dim: their width; kv_heads: heads of keys and values.
        latent: numbers a layer and token that multi-head latent attention caches besides its
            rotary part; rope: that part; both 0 where keys and values are cached.
        experts: routed experts a layer (0: dense); routed: how many a token passes through.
        source: where it is from; assumed: whether it was made up from N alone.
    """

    name: str
    N: float
    active: float = 0.0
    layers: int
    width: int
    heads: int
    head_dim: int
    kv_heads: int
    latent: int = 0
    rope: int = 0
    experts: int = 0
    routed: int = 0
    source: str = ""
    assumed: bool = False

    def __post_init__(self) -> None:
        counts = ("N", "layers", "width", "heads", "head_dim", "kv_heads")
        for what in counts:
            value = getattr(self, what)
            if not 0 < value < math.inf:
                raise InputError(f"{self.name}: {what} = {value:g} is not positive and finite.")
        if self.kv_heads > self.heads or self.heads % self.kv_heads:
            raise InputError(
                f"{self.name}: {self.heads} query heads cannot share {self.kv_heads} of keys.",
                do="kv_heads divides heads: equal for multi-head, 1 for multi-query attention.",
            )
        if not 0 <= self.active <= self.N:
            raise InputError(
                f"{self.name}: {format_count(self.active)} active of {format_count(self.N)} "
                "parameters is not possible.",
                do="The active parameters are some of all.",
            )
        if self.experts and not self.active:
            raise InputError(
                f"{self.name}: {self.experts} experts, and the active parameters are not known.",
                "Reading the weights and computing with them then cost differently.",
                "Give them: --active 12.9B",
            )
        if self.experts < 0 or not 0 <= self.routed <= self.experts or self.latent < 0:
            raise InputError(
                f"{self.name}: {self.routed} of {self.experts} experts is not possible."
            )

    @property
    def N_active(self) -> float:
        """Parameters that one token passes through."""
        return self.active or self.N

    @property
    def attention(self) -> str:
        """MHA, GQA, MQA or MLA."""
        if self.latent:
            return "MLA"
        if self.kv_heads == self.heads:
            return "MHA"
        return "MQA" if self.kv_heads == 1 else "GQA"

    @property
    def cached(self) -> int:
        """Numbers that the key-value cache holds a token.

        Source: DeepSeek-V2 (arXiv:2405.04434), Table 1.
        """
        if self.latent:
            return self.layers * (self.latent + self.rope)
        return 2 * self.layers * self.kv_heads * self.head_dim

    def weights_read(self, batch: float) -> float:
        """Return the parameters that a batch of tokens touches.

        All of a dense model. Of experts, those that at least one token is routed to, if each
        token's are drawn evenly: a share 1 - (1 - routed / experts)^batch. Without the number of
        experts all are counted as touched.

        Source: derived; shared weights follow from N and N_active.
        """
        if self.N_active == self.N:
            return self.N
        if not self.experts:
            return self.N if batch > 1 else self.N_active
        share = self.routed / self.experts
        if share == 1:
            return self.N
        in_experts = (self.N - self.N_active) / (1 - share)
        return self.N - in_experts * (1 - share) ** batch


def shapes() -> dict[str, Shape]:
    """Return the shapes of published models by name."""
    return dict(_read())


def shape(name: str | float | Shape) -> Shape:
    """Return the shape of a published model; case and punctuation do not matter.

    A number of parameters gives an `assumed_shape`, and a `Shape` itself.

    Raises:
        InputError: there is none, with the nearest names.
    """
    if isinstance(name, Shape):
        return name
    if isinstance(name, int | float) and not isinstance(name, bool):
        return assumed_shape(name)
    if not isinstance(name, str):
        raise InputError(f"a model is a name, a number or a Shape, not {type(name).__name__}.")
    return find(name, shapes(), "model", "Give its shape: --N 70B --layers 80 --heads 64 ...")


def assumed_shape(N: float, **known: Any) -> Shape:
    """Return a shape for a number of parameters; what is not given is assumed and says so.

    A decoder of N = 12 layers width^2 (of experts the active parameters), 128 times as wide as
    deep, heads of 128 with 8 heads of keys and values (as Llama 3, whose models have 102 to 130).

    Args:
        N: parameters; known: fields of `Shape` that are known (None counts as unknown).
    """
    if not 0 < N < math.inf:
        raise InputError(f"N = {N:g} is not a number of parameters.", do="Write 70B or 7e10.")
    given = {name: value for name, value in known.items() if value is not None}
    size, layers = given.get("active", N), given.get("layers")
    if layers is None:
        width = given.get("width")
        depth = (size / (12 * ASPECT**2)) ** (1 / 3) if width is None else size / (12 * width**2)
        layers = max(1, round(depth))
    head_dim = given.get("head_dim", HEAD_DIM)
    width = given.get("width") or _multiple(math.sqrt(size / (12 * layers)), head_dim)
    if "width" not in given and width > head_dim * KV_HEADS:
        width = _multiple(width, head_dim * KV_HEADS)
    heads = given.get("heads") or max(1, width // head_dim)
    kv_heads = given.get("kv_heads") or math.gcd(KV_HEADS, heads)
    filled = {"layers": layers, "width": width, "head_dim": head_dim}
    filled |= {"heads": heads, "kv_heads": kv_heads}
    unknown = [name for name in filled if name not in given]
    return Shape(
        **{
            "name": f"{format_count(N)} parameters",
            "source": f"assumed: {', '.join(unknown)}" if unknown else "as given",
            **filled,
            **given,
            "N": float(N),
            "assumed": bool(unknown),
        }
    )


def _multiple(value: float, of: int) -> int:
    return max(1, round(value / of)) * of


@cache
def _read() -> dict[str, Shape]:
    import tomllib

    raw: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: msgspec.convert({"name": name, **entry}, Shape) for name, entry in raw.items()}
