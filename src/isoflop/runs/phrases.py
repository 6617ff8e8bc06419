"""Names of columns that say what they hold in words: `trainable_param_count`, `val/dclm_loss`.

The common names of `columns.KNOWN` come first; these rules find the names that nobody listed. A
name is split into words; it must have a word of what it holds, and no word that is not known to
leave the quantity what it is: `expert_params`, `flops_per_step` and `aux_loss` are others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from isoflop.runs.names import plain

if TYPE_CHECKING:
    from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Phrase(NamedTuple):
    """Words that name a quantity, and words that may stand beside them."""

    core: frozenset[str]
    beside: frozenset[str]


_COUNTED = "n num number of no count counts total sum all the"
_TRAINED = "train training trained pretrain pretraining pretrained"
_SEEN = "val valid validation eval evaluation test heldout held out holdout"
_EMBEDDING = _words("embedding embeddings embed emb embd")
_WITHOUT = _words("non no not without wo w o excl excluding except minus nonembedding nonembed")
PHRASES = {
    "N": Phrase(
        _words("param params parameter parameters nparams"),
        _words(
            f"{_COUNTED} model llm network dense active activated trainable learnable precise"
            " exact nonembedding nonembed non without wo w o excl excluding except minus"
            " embedding embeddings embed emb embd incl including with"
        ),
    ),
    "D": Phrase(
        _words("token tokens ntokens"),
        _words(f"{_COUNTED} {_TRAINED} seen processed consumed used data llm"),
    ),
    "C": Phrase(
        _words("flop flops"),
        _words(f"{_COUNTED} {_TRAINED} exact used estimated compute"),
    ),
    "loss": Phrase(
        _words("loss losses xent nll crossentropy"),
        _words(
            f"{_SEEN} final last end best min lowest smooth smoothed ema avg average"
            " mean ce cross entropy nll lm language model text token"
        ),
    ),
}
_HELD_OUT = _words(_SEEN)
_LOSS = _words("loss crossentropy crossentropyloss xent nll")
#: Words that make a loss another quantity, whatever else its name says.
OTHER = _words("std stderr sd var variance se min max ratio delta init initial scale aux step z")


def matches(standard: str, names: Sequence[str]) -> list[str]:
    """Return the names that say in words that they hold a standard column, likeliest first.

    A held-out loss comes before one of no set; one of a named set (`val/dclm_loss`) counts if it
    is the only one. A training loss is not guessed.
    """
    if standard not in PHRASES:
        return []
    found = [name for name in names if _holds(PHRASES[standard], _parts(name))]
    if standard != "loss":
        return found
    if not any(_HELD_OUT & set(_parts(name)) for name in found):
        named = [name for name in names if name not in found and _named_set(_parts(name))]
        found += named if len(named) == 1 else []
    return sorted(found, key=lambda name: not _HELD_OUT & set(_parts(name)))


def _parts(name: str) -> list[str]:
    # CrossEntropyLoss and numParams are words too; flops and GFLOPs are not taken apart.
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name)
    return plain(spaced).split("_")


def _holds(phrase: Phrase, parts: list[str]) -> bool:
    words = set(parts)
    if not words & phrase.core or not words <= phrase.core | phrase.beside:
        return False
    # Parameters of the embedding alone are not the model's.
    return not words & _EMBEDDING or bool(words & (_WITHOUT | {"incl", "including", "with"}))


def _named_set(parts: list[str]) -> bool:
    words = set(parts)
    return bool(words & _LOSS and words & _HELD_OUT and not words & OTHER)
