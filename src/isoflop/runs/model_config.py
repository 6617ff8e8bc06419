"""A model's `config.json`, as Hugging Face's transformers writes it, as a decoder to count.

Norms and biases are counted as Llama, Mixtral and GPT-2 have them; what other families have besides
(norms of queries and keys, biases of some matrices) is left out of `all`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from isoflop.errors import InputError
from isoflop.runs.decoder import Decoder

#: Field of a decoder -> names it has in configurations.
_NAMES = {
    "width": ("hidden_size", "n_embd", "d_model", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "vocab": ("vocab_size",),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_kv_heads"),
    "head_dim": ("head_dim",),
    "hidden": ("moe_intermediate_size", "intermediate_size", "n_inner", "ffn_dim", "d_ff"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
    "routed": ("num_experts_per_tok",),
    "shared": ("shared_expert_intermediate_size",),
    "tied": ("tie_word_embeddings",),
}
#: Families whose MLP has two branches in, and those whose has one.
_GATED = frozenset({"llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe"}) | {
    "gemma",
    "gemma2",
    "phi3",
    "olmo",
    "olmo2",
    "olmoe",
    "smollm3",
}
_PLAIN = frozenset({"gpt2", "gpt_neox", "opt", "phi", "starcoder2", "bloom", "falcon"})
#: What a family has besides: learned positions and biases; a head that is tied unless it says not.
_POSITIONS = {"gpt2": ("n_positions", "n_ctx"), "opt": ("max_position_embeddings",)}
_BIASES = frozenset({"gpt2", "gpt_neox", "opt", "bloom", "phi", "starcoder2"})
_TIED = frozenset({"gpt2", "opt", "bloom", "gemma", "gemma2", "falcon"})
#: Field of a decoder -> its type.
_FIELDS = {x.name: x.type for x in msgspec.structs.fields(Decoder)}


def read_config(path: str | Path, **known: Any) -> Decoder:
    """Read the shape of a model from its `config.json`.

    Args:
        path: the file.
        **known: fields of the decoder that are said otherwise, or that the file does not tell.

    Raises:
        InputError: the file is missing or no configuration, a size is not in it, its attention
            is latent, or whether its MLP is gated is not known.
    """
    place = Path(path).expanduser()
    try:
        config = msgspec.json.decode(place.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise InputError(f"there is no file `{path}`.", do="Check the path:  ls -l") from None
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"`{path}` is no configuration of a model: {error}.") from None
    if config.get("kv_lora_rank"):
        raise InputError(
            f"`{path}` has latent attention (kv_lora_rank), whose weights are not counted here.",
            do="Give the shape by flags, or use its published numbers.",
        )
    return decoder_of({**_fields(config), **known})


def decoder_of(found: dict[str, Any]) -> Decoder:
    """Return a decoder, with what follows from other fields where it is not said.

    Raises:
        InputError: a size is missing or no whole number, or whether the MLP is gated.
    """
    found = {name: value for name, value in found.items() if value is not None}
    for name, value in found.items():
        if name not in _FIELDS or type(value) is not _FIELDS[name]:
            kind = "no size of a decoder" if name not in _FIELDS else f"not {value!r}"
            raise InputError(f"{name} of a model is {kind}.", do=f"Known: {', '.join(_FIELDS)}")
    lost = [name for name in ("width", "layers", "vocab", "heads") if name not in found]
    if lost:
        raise InputError(
            f"not known of the model: {', '.join(lost)}.",
            do="Give " + " ".join(f"--{name} NUMBER" for name in lost),
        )
    if "gated" not in found:
        raise InputError(
            "whether the MLP has two branches in (SwiGLU) is not known.",
            "It decides half of its weights.",
            "Say it:  --gated  or  --plain",
        )
    found.setdefault("kv_heads", found["heads"])
    found.setdefault("head_dim", found["width"] // max(1, found["heads"]))
    found.setdefault("hidden", 4 * found["width"])
    return Decoder(**found)


def _fields(config: dict[str, Any]) -> dict[str, Any]:
    """Return the decoder's fields that a configuration tells."""
    family = str(config.get("model_type", ""))
    found: dict[str, Any] = {
        field: next((config[n] for n in names if config.get(n) is not None), None)
        for field, names in _NAMES.items()
    }
    if config.get("multi_query") and found["kv_heads"] is None:
        found["kv_heads"] = 1
    if found["tied"] is None:
        found["tied"] = family in _TIED
    if family in _GATED | _PLAIN:
        found["gated"] = family in _GATED
    if family in _POSITIONS:
        found["positions"] = next((config[n] for n in _POSITIONS[family] if n in config), 0)
    found["biases"] = family in _BIASES
    return found
