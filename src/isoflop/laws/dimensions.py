"""Dimensions of inputs and outputs, and kinds of parameters: what an annotation of a law says.

A law's inputs and its result are annotated with a dimension (`Tokens`), its parameters with a
kind (`Exponent`). Both are `typing.Annotated` aliases, so a law of one's own can write
`Annotated[Any, Kind("half-life", lower=0.0, scale="log", start=(1.0, 100.0))]` in place.
"""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Literal

import msgspec

Scaling = Literal["log", "linear"]

#: `Kind.relative_to` of a start range that is a multiple of the smallest observed output.
OUTPUT = "output"


class Dimension(msgspec.Struct, frozen=True):
    """What a number counts.

    Args:
        name: the dimension, compared when laws are composed ("tokens").
        unit: how it is printed ("tokens", "nats/token").
        typical: a plausible range; generic points for tracing and figures are drawn from it.
        text: whether values are labels (a group) instead of numbers.
        least: smallest value that there can be.
    """

    name: str
    unit: str
    typical: tuple[float, float] = (0.1, 10.0)
    text: bool = False
    least: float = 0.0


class Kind(msgspec.Struct, frozen=True):
    """What a parameter may be: bounds, coordinates of the search, and where starts are drawn.

    Args:
        name: the field's word for it ("exponent").
        lower: smallest allowed value.
        upper: largest allowed value.
        scale: "log" if the search runs over its logarithm (it must be positive).
        start: range in which starting values are drawn when it enters nonlinearly.
        relative_to: an input (or "output") in whose units `start` is counted: its geometric mean
            (of the output: its minimum) multiplies the range. Empty for plain numbers.
    """

    name: str
    lower: float = -inf
    upper: float = inf
    scale: Scaling = "linear"
    start: tuple[float, float] = (-1.0, 1.0)
    relative_to: str = ""


def scale_of(name: str, start: tuple[float, float] = (1e-3, 1e9)) -> Kind:
    """Return the kind of a positive parameter counted in units of input `name` (Kaplan's N_c)."""
    return Kind(f"scale of {name}", 0.0, inf, "log", start, name)


def _dimension(name: str, unit: str, low: float, high: float) -> Dimension:
    return Dimension(name, unit, (low, high))


# Inputs and outputs ------------------------------------------------------------------------------
Parameters = Annotated[Any, _dimension("parameters", "parameters", 1e6, 1e11)]
Tokens = Annotated[Any, _dimension("tokens", "tokens", 1e8, 1e12)]
UniqueTokens = Annotated[Any, _dimension("unique tokens", "tokens", 1e8, 1e11)]
Flops = Annotated[Any, _dimension("flops", "FLOP", 1e17, 1e24)]
FlopsPerToken = Annotated[Any, _dimension("flops per token", "FLOP/token", 1e7, 1e12)]
PetaflopDays = Annotated[Any, _dimension("petaflop-days", "PF-days", 1e-3, 1e4)]
Steps = Annotated[Any, _dimension("steps", "optimiser steps", 1e3, 1e6)]
BatchTokens = Annotated[Any, _dimension("batch tokens", "tokens/batch", 1e4, 1e7)]
LearningRate = Annotated[Any, _dimension("learning rate", "1", 1e-5, 1e-2)]
NatsPerToken = Annotated[Any, _dimension("loss", "nats/token", 1.5, 5.0)]
BitsPerByte = Annotated[Any, _dimension("loss in bits per byte", "bits/byte", 0.5, 2.0)]
Accuracy = Annotated[Any, _dimension("accuracy", "fraction", 0.05, 0.95)]
ErrorRate = Annotated[Any, _dimension("error rate", "fraction", 0.05, 0.95)]
Examples = Annotated[Any, _dimension("examples", "examples", 1e2, 1e9)]
Experts = Annotated[Any, Dimension("experts", "experts", (1.0, 512.0), least=1.0)]
Ratio = Annotated[Any, _dimension("ratio", "1", 0.1, 0.9)]
Count = Annotated[Any, _dimension("count", "1", 1.0, 1e4)]
Bits = Annotated[Any, _dimension("bits", "bits", 3.0, 16.0)]
Bytes = Annotated[Any, _dimension("bytes", "bytes", 1e6, 1e13)]
Characters = Annotated[Any, _dimension("characters", "characters", 1e5, 1e9)]
Seconds = Annotated[Any, _dimension("seconds", "s", 1.0, 1e7)]
Dollars = Annotated[Any, _dimension("dollars", "USD", 1.0, 1e9)]
Joules = Annotated[Any, _dimension("joules", "J", 1e3, 1e15)]
Dimensionless = Annotated[Any, _dimension("dimensionless", "1", 0.5, 2.0)]
TokensPerParameter = Annotated[
    Any, _dimension("tokens per parameter", "tokens/parameter", 1.0, 1e3)
]
Passes = Annotated[Any, _dimension("passes", "passes", 1.0, 20.0)]
SummedRate = Annotated[Any, _dimension("summed learning rate", "learning rate x steps", 0.1, 10.0)]
Multiplications = Annotated[Any, _dimension("multiply-accumulates", "GMAC", 1e10, 1e13)]
GpuHours = Annotated[Any, _dimension("RL training compute", "GB200 GPU-hours", 1e2, 1e5)]
RootNats = Annotated[Any, _dimension("square root of KL", "sqrt(nats)", 0.1, 10.0)]
Reward = Annotated[Any, _dimension("gold reward", "sd of the gold reward", 0.1, 3.0)]
Amount = Annotated[Any, _dimension("amount", "data, parameters or compute", 1.0, 1e12)]

#: Names of the outputs of which less is better.
LOSSES = ("loss", "loss in bits per byte", "error rate")

#: Dimension of the labels that `Law.by` adds as an input.
LABEL = Dimension("label", "label", text=True)

# Parameters ---------------------------------------------------------------------------------------
Irreducible = Annotated[Any, Kind("irreducible", 0.0, inf, "linear", (0.05, 0.95), OUTPUT)]
Scale = Annotated[Any, Kind("scale", 0.0, inf, "log", (1e-1, 1e5))]
Exponent = Annotated[Any, Kind("exponent", 0.0, 5.0, "linear", (0.03, 1.5))]
SignedExponent = Annotated[Any, Kind("signed exponent", -5.0, 5.0, "linear", (-1.0, 1.0))]
Coefficient = Annotated[Any, Kind("coefficient", -inf, inf, "linear", (-3.0, 3.0))]
Positive = Annotated[Any, Kind("positive", 0.0, inf, "log", (1e-2, 1e2))]
Fraction = Annotated[Any, Kind("fraction", 0.0, 1.0, "linear", (0.02, 0.98))]
Repetitions = Annotated[Any, Kind("repetitions", 0.0, inf, "log", (1.0, 100.0))]
