"""Numbers as a reader sees them; the filters of the page and the summary come from here."""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING, Any

from isoflop.units import format_count, format_duration, format_flops, format_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.samples import Estimate

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

#: Convention of N -> what it counts.
N_COUNTS = {
    "matrices": "weights of the blocks' matrices, without head, embedding and gains",
    "matrices+head": "weights of the blocks' matrices and the output head, "
    "without embedding and gains",
    "all": "every weight: matrices, head, embedding and gains",
}


def flops(value: float, digits: int = 3) -> str:
    """Print FLOPs as a power of ten: 5×10¹³, 10¹², 1.44×10²³."""
    text = format_flops(value, digits)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = "10" + exponent.translate(_SUPERSCRIPT)
    return power if mantissa == "1" else f"{mantissa}×{power}"


def exponent(value: float) -> str:
    """Print an exponent with three decimals and a true minus sign."""
    return f"{value:.3f}".replace("-", "−")


def power(base: str, value: float) -> str:
    """Print a power with a raised exponent: C⁰·⁴⁸¹."""
    return base + f"{value:.3f}".replace(".", "·").translate(_SUPERSCRIPT)


def general(value: float) -> str:
    """Print a number of unknown kind with four significant digits, large ones with a suffix."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 1e4:
        return format_count(value, 4)
    if 0 < abs(value) < 1e-3:
        return flops(value)
    return f"{value:.4g}".replace("-", "−")


def percent(share: float, digits: int = 0) -> str:
    """Print a share as a percentage with a space that does not break: 90 %."""
    return f"{100 * share:.{digits}f}\u00a0%"


def convention(name: str) -> str:
    """Print the name of a convention of N with spaces: matrices + head."""
    return name.replace("+", " + ")


def interval(ends: Any, write: Callable[[float], str]) -> str:
    """Print an interval as `low to high`; an open end (None) is said in words."""
    if ends is None:
        return "no interval"
    low, high = ends
    if low is None and high is None:
        return "unbounded"
    if low is None:
        return f"up to {write(high)}"
    return f"{write(low)} or more" if high is None else f"{write(low)} to {write(high)}"


def estimate(value: Estimate | None, write: Callable[[float], str]) -> str:
    """Print an estimate with its interval: `116k (107k to 121k)`; an em dash for None."""
    if value is None:
        return "—"
    point = write(value.estimate)
    return point if value.interval is None else f"{point} ({interval(value.interval, write)})"


def cost(name: str) -> str:
    """Print a share of the loss as the document writes it ("0.1%") like `percent`."""
    return f"{name.rstrip('% ')}\u00a0%"


def factor(decades: float) -> str:
    """Print decades as a factor: 10x, 3.3x."""
    return f"{10**decades:.3g}×"


def decades(value: float) -> str:
    """Print a distance in decades: 1 decade, 0.52 decades."""
    shown = f"{value:.2g}"
    return f"{shown} decade" if shown == "1" else f"{shown} decades"


def plural(count: int, word: str) -> str:
    """Print a count with its noun: 1 warning, 2 warnings."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def plain(text: str) -> str:
    """Undo `escape`: a figure's label as page text (which the page escapes itself)."""
    return html.unescape(text)


def estimate_exponent(value: Estimate) -> str:
    """Print an exponent with its interval."""
    return estimate(value, exponent)


def tight(text: str) -> str:
    """Keep `N*(C)` on one line: a word joiner between the star and the parenthesis."""
    return text.replace("*(", "*\u2060(")


def escape(text: object) -> str:
    """Escape text that goes into a figure, where plotly reads a little HTML."""
    return html.escape(str(text))


def sentence(text: str) -> str:
    """Write a message of the analysis for a reader: approach 2, 5×10¹², a capital at the start.

    Only numbers printed by a program (`5e+12`) are rewritten: `5e12` may be part of a command.
    """
    spaced = re.sub(r"\bapproach([123])\b", r"approach \1", text)
    powers = re.sub(r"\b\d+(\.\d+)?e\+\d+\b", lambda found: flops(float(found[0])), spaced)
    return powers[:1].upper() + powers[1:]


def cell(value: object) -> str:
    """Print a value of settings, provenance or corpus: lists joined, numbers plain."""
    if value is None or value in ("", [], ()):
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if abs(value) >= 1e9:
            return flops(value)
        return f"{value:,.0f}" if value.is_integer() else f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {cell(item)}" for key, item in value.items())
    return str(value)


#: Name -> function, for the page's templates.
FILTERS: dict[str, Callable[..., str]] = {
    "count": format_count,
    "flops": flops,
    "loss": format_loss,
    "exponent": exponent,
    "general": general,
    "percent": percent,
    "duration": format_duration,
    "convention": convention,
    "factor": factor,
    "cell": cell,
    "plain": plain,
    "tight": tight,
    "sentence": sentence,
    "plural": plural,
    "estimate_exponent": estimate_exponent,
}
