"""What a model costs over its life: training, and serving tokens of input and output.

Everything is counted in training FLOPs: N (train D + b), with b for serving. Serving that runs
at another utilisation or price a FLOP than training is weighted by it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from isoflop.errors import InputError
from isoflop.units import caret, parse_count, parse_duration

#: FLOPs a parameter and token, forward and backward pass (attention over the context left out).
TRAIN_FLOPS = 6.0
#: FLOPs a parameter and token of the forward pass.
SERVE_FLOPS = 2.0


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that a model will serve over its life.

    Args:
        input: tokens read; output: tokens written.
        input_weight: device time of a FLOP of reading over one of training (MFU of training
            over MFU of reading); output_weight: the same of writing.
        price: of a device-hour of serving over one of training.
    """

    input: float = 0.0
    output: float = 0.0
    input_weight: float = 1.0
    output_weight: float = 1.0
    price: float = 1.0

    def __post_init__(self) -> None:
        for name, value in msgspec.structs.asdict(self).items():
            if not 0 <= value < float("inf"):
                raise InputError(f"serving: {name} = {value:g} is not zero or more and finite.")

    @property
    def tokens(self) -> float:
        """Tokens read and written."""
        return self.input + self.output

    @property
    def flops(self) -> float:
        """FLOPs of serving a parameter, unweighted."""
        return SERVE_FLOPS * self.tokens

    @property
    def busy(self) -> float:
        """Training FLOPs that devices could do in the time that serving a parameter takes."""
        both = self.input * self.input_weight + self.output * self.output_weight
        return SERVE_FLOPS * both

    @property
    def weighted(self) -> float:
        """Training FLOPs that serving a parameter is worth: b of N (train D + b)."""
        return self.busy * self.price


_PART = re.compile(
    r"(?P<count>.+?)\s*(?:tokens?)?\s*(?P<kind>input|output|prompt|in|out)?\s*(?:tokens?)?\s*"
    r"(?:(?:/|per|a)\s*(?P<per>second|minute|hour|day|week|month|year)s?)?",
    re.IGNORECASE,
)


def parse_serving(text: Any, **weights: float) -> Serving:
    """Read lifetime tokens: `2T`, `5T tokens/year for 2 years`, `3T input + 1T output`.

    Tokens of unsaid kind count as output; without weights the kinds cost the same.

    Args:
        text: as typed, a number of tokens, or a Serving.
        weights: `input_weight`, `output_weight` and `price` of `Serving`.

    Raises:
        InputError: with a caret, if it cannot be read.
    """
    if isinstance(text, Serving):
        return text
    if isinstance(text, int | float):
        return Serving(output=parse_count(text), **weights)
    amounts, sign, duration = re.sub(r"\s+", " ", str(text)).strip().rpartition(" for ")
    amounts = amounts if sign else duration
    seconds = parse_duration(duration) if sign else None
    totals = {"input": 0.0, "output": 0.0}
    for part in re.split(r"\s*(?:\+|,|\band\b)\s*", amounts):
        found = _PART.fullmatch(part)
        if not found:
            raise _unreadable(str(text))
        kind = (found["kind"] or "output").lower()
        totals["input" if kind in ("input", "prompt", "in") else "output"] += _tokens(
            str(text), found, seconds
        )
    return Serving(**totals, **weights)


def _tokens(text: str, found: re.Match[str], seconds: float | None) -> float:
    count = parse_count(found["count"])
    per = found["per"]
    if (per is None) != (seconds is None):
        raise InputError(
            f"`{text}` gives {'a duration' if seconds else 'a rate'} without"
            f" {'a rate' if seconds else 'a duration'}.",
            "Serving is counted in tokens over the model's life.",
            "Write  --serve 10T  or  --serve '5T tokens/year for 2 years'.",
        )
    return count if per is None else count * (seconds or 0.0) / parse_duration(f"1 {per}")


def _unreadable(text: str) -> InputError:
    return InputError(
        f"`{text}` is no amount of tokens.\n{caret(text, 0, len(text))}",
        do="Write 2T, '3T input + 1T output' or '5T tokens/year for 2 years'.",
    )
