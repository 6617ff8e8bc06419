"""Text of an expression, translated token by token to Python's grammar, with places kept."""

from __future__ import annotations

import keyword
import math
import re

import msgspec

from isoflop.errors import InputError
from isoflop.units import COUNT_SUFFIXES, caret

LONGEST = 2000

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<text>'[^'\\\n]*'|\"[^\"\\\n]*\")"
    r"|(?P<quoted>`[^`\n]+`)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<suffix>[kKMBT](?!\w))?"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<power>\^|\*\*)"
    r"|(?P<sign><=|>=|==|!=|[-+*/(),<>])"
)
_WORDS = frozenset({"and", "or", "not", "in", "True", "False"})
_HINTS = {
    "=": "Write == to compare.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`, or != to compare.",
    "[": "Use round brackets.",
    "]": "Use round brackets.",
    "%": "Only + - * / ^ are known.",
    "'": "Close the quote; no backslash inside.",
    '"': "Close the quote; no backslash inside.",
    "`": "Close the backquote.",
}


class Source(msgspec.Struct, frozen=True):
    """An expression as typed and as Python's grammar reads it.

    Args:
        text: what was typed.
        python: its translation: ASCII, one line, stand-ins for names that Python would not
            take as names.
        places: index in `python` -> index in `text`; one more than `python` is long.
        names: stand-in -> name as typed.
    """

    text: str
    python: str
    places: list[int]
    names: dict[str, str]

    def error(self, start: int, end: int, what: str, why: str = "", do: str = "") -> InputError:
        """Return an error with carets under `python[start:end]`."""
        last = len(self.places) - 1
        first = self.places[min(max(start, 0), last)]
        width = max(1, self.places[min(max(end, 0), last)] - first)
        # The space after a node belongs to the next one.
        width = max(1, len(self.text[first : first + width].rstrip()))
        return error_at(self.text, first, width, what, why, do)


def translate(text: str, *, suffixes: bool) -> Source:
    """Translate an expression token by token.

    Args:
        text: the expression as typed.
        suffixes: whether 1B means 1e9; if not, it is an error.

    Raises:
        InputError: with a caret, if it is too long, empty, or a character has no place in it.
    """
    if len(text) > LONGEST:
        raise InputError(
            f"an expression of {len(text)} characters is too long; at most {LONGEST} are read."
        )
    pieces: list[str] = []
    places: list[int] = []
    names: dict[str, str] = {}
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _unknown(text, at)
        piece = _piece(text, token, names, suffixes)
        # Two words side by side stay two words: f'...' must not become an f-string.
        if pieces and _is_word(pieces[-1][-1:]) and _is_word(piece[:1]):
            pieces.append(" ")
            places.append(at)
        if pieces or piece != " ":
            pieces.append(piece)
            places += [min(at + i, token.end() - 1) for i in range(len(piece))]
        at = token.end()
    if not "".join(pieces).strip():
        raise InputError("the expression is empty.")
    return Source(text, "".join(pieces), [*places, len(text)], names)


def error_at(
    text: str, first: int, width: int, what: str, why: str = "", do: str = ""
) -> InputError:
    """Return an error with `width` carets under `text` at index `first`."""
    return InputError(f"{what}\n{caret(text, first, width)}", why, do)


def _piece(text: str, token: re.Match[str], names: dict[str, str], suffixes: bool) -> str:
    kind, found = token.lastgroup, token[0]
    if token["number"]:
        return _number(text, token, suffixes)
    if kind == "space":
        return " "
    if kind == "power":
        return "**"
    if kind == "quoted":
        return _stand_in(found[1:-1], names)
    if kind == "name" and found not in _WORDS:
        usual = found.isascii() and not keyword.iskeyword(found) and not found.startswith("_")
        return found if usual else _stand_in(found, names)
    if kind == "text":
        return ascii(found[1:-1])
    return found


def _number(text: str, token: re.Match[str], suffixes: bool) -> str:
    if token["suffix"] and not suffixes:
        raise error_at(
            text,
            token.start(),
            len(token[0]),
            f"`{token[0]}` is neither a number nor a product.",
            do=f"Write {token['number']}*{token['suffix']}, or the number in full.",
        )
    value = float(token["number"])
    value *= COUNT_SUFFIXES[token["suffix"].lower()] if token["suffix"] else 1.0
    if not math.isfinite(value):
        raise error_at(text, token.start(), len(token[0]), "the number is too large.")
    return str(int(value)) if value.is_integer() and value < 2**53 else repr(value)


def _stand_in(name: str, names: dict[str, str]) -> str:
    known = {typed: stand_in for stand_in, typed in names.items()}
    stand_in = known.get(name, f"_{len(names)}")
    names[stand_in] = name
    return stand_in


def _is_word(character: str) -> bool:
    return character.isalnum() or character in {"_", "'", '"', "."}


def _unknown(text: str, at: int) -> InputError:
    character = text[at]
    what = f"`{character}` has no place in an expression."
    return error_at(text, at, 1, what, do=_HINTS.get(character, ""))
