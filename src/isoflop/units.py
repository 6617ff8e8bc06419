"""Quantities as people write them (`70B`, `5.76e23`, `24 h`, `64 H100`), read and printed.

Counts are plain numbers; everything else is converted to one unit per dimension: seconds,
FLOP, FLOP/s, J, W, B (bytes) and USD. Numbers are floats throughout: 6ND passes the largest
64-bit integer at 9.2e18.
"""

from __future__ import annotations

import math
import re

import msgspec

from isoflop.errors import InputError

#: Suffix of a count -> factor; its case does not matter.
COUNT_SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
COUNT_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}

#: Unit word (lower case, singular) -> (unit it is converted to, factor).
UNITS: dict[str, tuple[str, float]] = {
    "us": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "s": ("s", 1.0),
    "sec": ("s", 1.0),
    "second": ("s", 1.0),
    "min": ("s", 60.0),
    "minute": ("s", 60.0),
    "h": ("s", 3600.0),
    "hr": ("s", 3600.0),
    "hour": ("s", 3600.0),
    "d": ("s", 86400.0),
    "day": ("s", 86400.0),
    "wk": ("s", 604800.0),
    "week": ("s", 604800.0),
    "month": ("s", 2629800.0),  # a twelfth of a year of 365.25 days
    "year": ("s", 31557600.0),
    "$": ("USD", 1.0),
    "usd": ("USD", 1.0),
    "dollar": ("USD", 1.0),
    "pf-day": ("FLOP", 8.64e19),  # Kaplan et al. 2020: 1e15 x 24 x 3600
    "wh": ("J", 3600.0),
    "j": ("J", 1.0),
    "w": ("W", 1.0),
    "flop": ("FLOP", 1.0),
    "flop/s": ("FLOP/s", 1.0),
    "byte": ("B", 1.0),
}
_PREFIXES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_PREFIXED = ("flop", "flop/s", "wh", "j", "w", "byte")
_ALIASES = {"flops": "flop", "flops/s": "flop/s", "kb": "kbyte", "mb": "mbyte", "gb": "gbyte"}
_ALIASES |= {"tb": "tbyte", "pb": "pbyte", "petaflop/s-day": "pf-day", "pflop/s-day": "pf-day"}

_NUMBER = re.compile(
    r"(?P<dollar>\$\s*)?"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?:\.\d*)?|\.\d+)"
    r"(?:[eE](?P<exponent>[+-]?\d{1,4})(?![0-9]))?"
    r"(?:\s*[x*×]\s*10\s*(?:\^|\*\*)\s*(?P<power>[+-]?\d{1,4})(?!\d))?",
)
_POWER = re.compile(r"10\s*(?:\^|\*\*)\s*(?P<power>[+-]?\d{1,4})(?!\d)")
_LONGEST = 100


class Quantity(msgspec.Struct, frozen=True):
    """A number with its unit.

    Args:
        value: the number, in `unit`.
        unit: "" for a count, "s", "FLOP", "FLOP/s", "J", "W", "B" (bytes), "USD", or the word
            as it was typed where it is no unit ("H100").
    """

    value: float
    unit: str = ""


def caret(text: str, position: int, width: int = 1) -> str:
    """Return `text` with a line of carets below the `width` characters at `position`.

    Both lines are indented by four spaces; only the 60 characters around the place are shown.
    """
    position = min(max(position, 0), len(text))
    start = max(0, position - 40)
    shown = "".join(c if c.isprintable() else " " for c in text[start : start + 60])
    marks = "^" * max(1, min(width, len(shown) - (position - start)))
    return f"    {shown}\n    {' ' * (position - start)}{marks}"


def parse_count(text: str | float) -> float:
    """Read a count: `70B`, `1.4T`, `116k`, `5.76e23`, `1,000,000`, `3 x 10^19`, `70 billion`.

    Args:
        text: the count as typed; a number is checked and passed through.

    Returns:
        The count as a float, finite and not negative.

    Raises:
        InputError: with a caret under the part that cannot be read.
    """
    quantity = _parse(text, "kKmMbBgGtT")
    if quantity.unit:
        raise InputError(
            f"`{text}` is not a count: it ends in a unit.\n{_under(str(text), quantity.unit)}",
            "A count is a number with at most one suffix.",
            "Write it as 116k, 70B, 1.4T or 5.76e23.",
        )
    return quantity.value


def parse_quantity(text: str | float, unit: str | None = None) -> Quantity:
    """Read a number with an optional suffix (k, M, B, T) and an optional unit or word.

    `24 h` -> 86400 s, `1e19 FLOP`, `3 weeks`, `989 TFLOP/s`, `10 PF-days`, `$2.5M`, and
    `64 H100`, where a word that is no unit is kept as it is.

    Args:
        text: the quantity as typed; a plain number is a count, or in `unit` if that is given.
        unit: the unit that is asked for ("s", "FLOP", ...); a bare number is taken to be in
            it, and any other unit is refused.

    Raises:
        InputError: with a caret under the part that cannot be read.
    """
    # `70m` may be million or minutes, so here it is neither.
    found = _parse(text, "kKMBbGTt")
    if unit is not None and found.unit not in {unit, ""}:
        raise InputError(
            f"`{text}` is in {found.unit}, and {unit} is asked for.\n"
            f"{_under(str(text), found.unit)}"
        )
    return Quantity(found.value, found.unit or unit or "")


def parse_duration(text: str | float) -> float:
    """Read a duration (`24 h`, `90 min`, `3 weeks`; a bare number is seconds) as seconds."""
    return parse_quantity(text, "s").value


def parse_flops(text: str | float) -> float:
    """Read an amount of compute (`1e19`, `1e19 FLOP`, `10 PF-days`) as FLOP."""
    return parse_quantity(text, "FLOP").value


def parse_share(text: str | float) -> float:
    """Read a share, `40%` or `0.4`, as a number of which 1 is all.

    Raises:
        InputError: it cannot be read, or is below 0 or above 1.
    """
    written = str(text).strip()
    number = parse_count(written.removesuffix("%").strip())
    share = number / 100 if written.endswith("%") else number
    if not 0 <= share <= 1:
        raise InputError(
            f"`{text}` is a share of {share:g}, which is above 1.", do="Write 40% or 0.4."
        )
    return share


def format_count(value: float, digits: int = 3) -> str:
    """Print a count with a suffix: 116k, 1.4T; `digits` are significant digits."""
    if not math.isfinite(value):
        return str(value)
    rounded = float(f"{value:.{digits - 1}e}")
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if factor <= abs(rounded) < factor * 1e3:
            return f"{_plain(rounded / factor, digits)}{suffix}"
    return _plain(rounded, digits) if 1e-3 <= abs(rounded) < 1e3 else format_flops(value, digits)


def format_flops(value: float, digits: int = 3) -> str:
    """Print FLOPs in powers of ten: 5e12, 1.44e23."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def format_loss(value: float) -> str:
    """Print a loss with three decimals, the last of which is below seed noise."""
    return f"{value:.3f}"


def format_ratio(value: float) -> str:
    """Print a ratio with three significant digits: 24.5, 140, 1,868."""
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.3g}"


def format_duration(seconds: float) -> str:
    """Print a duration in one unit: 45 s, 11.7 min, 3.4 h, 12 days, 2.1 years."""
    if not math.isfinite(seconds):
        return str(seconds)
    for unit, size in (("years", 31557600.0), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        # Up to two days read better in hours.
        if abs(seconds) >= size * (2 if unit == "days" else 1):
            return f"{_plain(seconds / size, 3)} {unit}"
    return f"{_plain(seconds, 3)} s" if abs(seconds) >= 1e-3 else f"{seconds:.3g} s"


def _parse(text: str | float, suffixes: str) -> Quantity:
    if isinstance(text, int | float):
        return Quantity(_checked(repr(text), float(text)))
    number, end, dollar = _read_number(text)
    rest = text[end:].strip()
    at = text.find(rest, end) if rest else end
    factor, word = _split_suffix(text, rest, at, suffixes)
    found, scale = ("USD", 1.0) if dollar and not word else _read_unit(text, word, at)
    return Quantity(_checked(text, number * factor * scale), found)


def _plain(value: float, digits: int) -> str:
    """Print without an exponent, with `digits` significant digits and no trailing zeros."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _read_number(text: str) -> tuple[float, int, bool]:
    """Return the leading number, where it ends, and whether a dollar sign precedes it."""
    if len(text) > _LONGEST:
        raise InputError(f"a quantity of {len(text)} characters is too long to read.")
    start = len(text) - len(text.lstrip())
    power = _POWER.match(text, start)
    if power:
        return _ten_to(text, power["power"]), power.end(), False
    found = _NUMBER.match(text, start)
    if not found and re.match(r"[-−]\s*[\d.$]", text[start:]):
        raise InputError(
            f"`{text}` is negative.\n{caret(text, start)}", do="Give an amount of zero or more."
        )
    if not found:
        raise InputError(
            f"`{text}` does not start with a number that can be read.\n{caret(text, start)}",
            do="Write it as 70B, 5.76e23, 24 h or 64 H100.",
        )
    digits = found["number"].replace(",", "").replace("_", "")
    number = float(f"{digits}e{found['exponent'] or 0}")
    number *= _ten_to(text, found["power"]) if found["power"] else 1.0
    return number, found.end(), bool(found["dollar"])


def _ten_to(text: str, power: str) -> float:
    return _checked(text, float(f"1e{power}"))


def _split_suffix(text: str, rest: str, at: int, suffixes: str) -> tuple[float, str]:
    """Split `B tokens` into its factor and its word."""
    if re.match(r"[,.\d_^+-]", rest):
        raise InputError(
            f"`{text}` goes on where its number should have ended.\n{caret(text, at)}",
            do="Write decimals with a point and no spaces inside: 1.4T, 1,000,000.",
        )
    if re.match(r"[x×*]\s*[A-Za-z]", rest):  # 8x H100
        rest = rest[1:].lstrip()
    head, _, tail = rest.partition(" ")
    if head.lower() in COUNT_WORDS:
        return COUNT_WORDS[head.lower()], tail.strip()
    if len(head) == 1 and head in suffixes:
        return COUNT_SUFFIXES[head.lower()], tail.strip()
    return 1.0, rest


def _read_unit(text: str, word: str, at: int) -> tuple[str, float]:
    """Return the unit that `word` is converted to, and the factor."""
    if not word or word.lower() in {"token", "tokens", "parameters", "params", "param"}:
        return "", 1.0
    name = word.lower()
    for candidate in (name, name.removesuffix("s")):
        plain = _ALIASES.get(candidate, candidate)
        if plain in UNITS:
            return UNITS[plain]
        if plain[0] in _PREFIXES and plain[1:] in _PREFIXED and word[0] != "m":
            unit, factor = UNITS[plain[1:]]
            return unit, factor * _PREFIXES[plain[0]]
    if word == "m" or not re.fullmatch(r"[A-Za-z][A-Za-z0-9._+-]*( [A-Za-z0-9._+-]+)*", word):
        raise InputError(
            f"`{text}` ends in no known unit.\n{caret(text, at, len(word))}",
            do="Write millions as 70M and minutes as 70 min." if word == "m" else "",
        )
    return word, 1.0


def _checked(text: str, value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise InputError(f"`{text}` is not a finite number of zero or more.\n{caret(text, 0)}")
    return value


def _under(text: str, word: str) -> str:
    """Mark the end of `text`, where its unit stands."""
    stripped = text.rstrip()
    tail = re.search(r"[^\d.,_\s][^\s]*( .*)?$", stripped)
    start = tail.start() if tail else len(stripped) - len(word)
    return caret(text, start, len(stripped) - start)
