"""Which column is which: names matched against the common ones, and what they say."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from isoflop.runs import phrases
from isoflop.runs.columns import KNOWN
from isoflop.runs.names import plain
from isoflop.units import COUNT_SUFFIXES, COUNT_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: A multiplier in a column's name: a capital, as in `Model Size (B)`, `params_M`, `D in T`; ...
_LETTER = re.compile(r"(?:[(\[]\s*([kKMBT])\s*[)\]]|(?:_|[_ ]in[_ ])([MBT]))\s*$")
#: ... a power of ten, as in `FLOPs (1E21)`, `FLOPs (10^21)`; ...
_POWER = re.compile(r"[(\[]\s*[x×]?\s*1(?:[eE]|0\^)(\d{1,2})\s*[)\]]\s*$")
#: ... or a word, as in `tokens_billions`, `Tokens (in billion)`, `million_params`.
_NUMERAL = r"(thousand|million|billion|trillion|mn|bn)s?"
_WORD = re.compile(
    rf"[(\[_ ]\s*(?:in[_ ])?{_NUMERAL}\s*[)\]]?\s*$|^{_NUMERAL}[_ ](?:of[_ ])?", re.IGNORECASE
)

#: The unit of a loss in brackets, as in `val loss (bits/token)`, `loss [nats]`.
_LOSS_UNIT = re.compile(
    r"[(\[]\s*(?:nats?|bits?)(?:\s*(?:/|per)\s*(?:token|tok|byte))?\s*[)\]]\s*$", re.IGNORECASE
)

#: Sections of a nested name, as trackers write them: `model.n_params`, `train/tokens_seen`.
_SECTION = re.compile(r"[/.]")

#: What a unit of loss is multiplied by to be nats per token.
NATS = {"bits/token": math.log(2)}

#: Words of a column's name that state a convention: field -> ((words, what they say), ...).
_STATED = {
    "N": (
        ("plus_head", "matrices+head"),
        ("matrices_head", "matrices+head"),
        ("n_matrices", "matrices"),
        ("active", "active"),
        ("total", "all"),
        ("n_all", "all"),
    ),
    "loss": (
        ("bpb", "bits/byte"),
        ("bits_per_byte", "bits/byte"),
        ("bits_byte", "bits/byte"),
        ("nats_per_token", "nats/token"),
        ("nats_token", "nats/token"),
        ("bits_per_token", "bits/token"),
        ("bits_token", "bits/token"),
    ),
    "C": (("6nd", "6ND"),),
}

#: Standard columns of kinds of runs: a column of numbers called `data` is no name of a corpus.
_KINDS = {"corpus", "tokenizer", "recipe", "family"}


class Source(msgspec.Struct, frozen=True):
    """Where a standard column comes from.

    Args:
        expression: the file's column, or an expression over its columns.
        factor: what the values are multiplied by (1e9 for `Model Size (B)`).
        others: other columns that could have been meant.
        given: whether the user said so; otherwise it is a guess from the name.
    """

    expression: str
    factor: float = 1.0
    others: tuple[str, ...] = ()
    given: bool = False

    def __str__(self) -> str:
        scale = "" if self.factor == 1 else f"{self.factor:g} x "
        others = f" (also there: {', '.join(self.others)})" if self.others else ""
        return f"{scale}{self.expression}{others}"


def guess(names: Sequence[str], words: Collection[str] = ()) -> dict[str, Source]:
    """Match column names against the standard columns.

    A standard name that is there under its own name is that column. Otherwise the first of
    its common names that occurs is taken, in the order of preference of `columns.KNOWN`:
    for N, matrices plus head before a plain total. Case and separators do not matter. Names that
    say it in words come after them (`phrases`), a training loss after these; where nothing
    matches, the end of a nested name does (`model.n_params`) if it is the only one.

    Args:
        names: the columns of the file.
        words: those of them that hold words, which cannot be a number's column.

    Returns:
        Standard name -> where it comes from, with the other candidates; a standard column
        that nothing matches is absent.
    """
    whole, ends = _by_plain(names)
    found: dict[str, Source] = {}
    for standard, known in KNOWN.items():
        aliases = list(dict.fromkeys([plain(standard), *known.names]))
        matches = [name for alias in aliases for name in whole.get(alias, ())]
        matches = _with_phrases(standard, matches, names)
        if not matches:
            # A single letter (`model.d`) may be anything; two ends (`a/loss`, `b/loss`), either.
            nested = {name: 1 for a in aliases if len(a) > 1 for name in ends.get(a, ())}
            matches = list(nested) if len(nested) == 1 else []
        if standard in names:
            matches = [standard, *(name for name in matches if name != standard)]
        if not known.text:
            matches = [name for name in matches if name not in words]
        elif standard in _KINDS:
            matches = [name for name in matches if name in (*words, standard)]
        if matches:
            found[standard] = Source(matches[0], factor_of(matches[0]), tuple(matches[1:]))
    return found


def _by_plain(names: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the names by their plain form, and by that of each end of a nested one."""
    whole: dict[str, list[str]] = {}
    ends: dict[str, list[str]] = {}
    for name in names:
        bare = _bare(name)
        whole.setdefault(plain(bare), []).append(name)
        parts = _SECTION.split(bare)
        for k in range(1, len(parts)):
            ends.setdefault(plain(" ".join(parts[k:])), []).append(name)
    return whole, ends


def _with_phrases(standard: str, matches: list[str], names: Sequence[str]) -> list[str]:
    """Add the names that say it in words; a training loss stays behind a held-out one."""
    stems = {_bare(name): name for name in names}
    said = [stems[stem] for stem in phrases.matches(standard, list(stems))]
    if standard == "loss":
        train = [name for name in matches if plain(name) == "train_loss"]
        matches = [name for name in matches if name not in train]
        said = [*said, *train]
    return list(dict.fromkeys([*matches, *said]))


def _bare(name: str) -> str:
    """Return a column's name without its multiplier and its unit."""
    return _LOSS_UNIT.sub("", _split(name)[0])


def factor_of(name: str) -> float:
    """Return the multiplier that a column's name states: 1e9 for `Model Size (B)`, else 1."""
    return _split(name)[1]


def _split(name: str) -> tuple[str, float]:
    """Return a column's name without its multiplier, and the multiplier."""
    if found := _POWER.search(name):
        return _POWER.sub("", name), float(f"1e{found[1]}")
    for pattern in (_LETTER, _WORD):
        if found := pattern.search(name):
            word = (found[1] or found[2]).lower()
            word = {"mn": "million", "bn": "billion"}.get(word, word)
            return pattern.sub("", name), (COUNT_SUFFIXES | COUNT_WORDS)[word]
    return name, 1.0


def stated(field: str, name: str) -> str | None:
    """Return the convention that a column's name states for a field, if any.

    `N_nonembed_plus_head` says "matrices+head"; `non_embedding_params` does not say whether
    the head counts, so it says nothing.
    """
    if field == "C" and name.replace(" ", "") == "6*N*D":
        return "6ND"
    words = f"_{plain(name)}_"
    for words_of, convention in _STATED.get(field, ()):
        if f"_{words_of}_" in words:
            return convention
    return None
