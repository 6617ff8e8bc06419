"""From training loss to what users see: top-1 error, task accuracy, bits per byte."""

from math import inf, log
from typing import Annotated, Any

from isoflop.laws.chinchilla import chinchilla
from isoflop.laws.dimensions import (
    Accuracy,
    BitsPerByte,
    Dimension,
    ErrorRate,
    Exponent,
    Fraction,
    Irreducible,
    Kind,
    NatsPerToken,
    Parameters,
    Scale,
    Tokens,
)
from isoflop.laws.functions import exp, sigmoid
from isoflop.laws.law import law

TokensPerByte = Annotated[Any, Dimension("tokens per byte", "tokens/byte", (0.15, 0.5))]
Rate = Annotated[Any, Kind("rate per unit of loss", 0.0, inf, "linear", (0.1, 5.0))]
Midpoint = Annotated[Any, Kind("loss at the midpoint", 0.0, inf, "linear", (0.2, 2.0))]
Steepness = Annotated[Any, Kind("steepness", 0.0, inf, "log", (0.5, 20.0))]
#: The change of accuracy from loss 0 up; accuracy falls with loss.
Drop = Annotated[Any, Kind("drop", -1.0, 0.0, "linear", (-0.95, -0.1))]

_LINK = "what accuracy does a loss give?"


def gadre_from_code(*, alpha: float, p: float, beta: float, E: float) -> dict[str, float]:
    """Return the constants of `gadre` for those that the authors' code fits.

    The code fits alpha N^p + beta 6^(p/2) (M N)^p + E with p < 0: its alpha lacks a factor
    6^eta, its beta does not.

    Args:
        alpha: prefactor of N in the code.
        p: exponent in the code, negative.
        beta: prefactor of M N in the code.
        E: irreducible loss.

    Source: Gadre et al. 2024, released code.
    """
    eta = -p / 2
    return {"E": E, "a": alpha * 6**eta, "b": beta, "eta": eta}


@law(source="gadre2024", equation="Err(L)", question=_LINK)
def exponential_error(L: NatsPerToken, *, eps: Fraction, k: Scale, gamma: Rate) -> ErrorRate:
    r"""Average top-1 error of many tasks, from the loss.

    $$Err(L) = \epsilon - k\, e^{-\gamma L}$$

    Constants belong to the tokenizer and to the validation set that gives L (C4 here). Wrong
    for single tasks, which are much noisier, and far below the losses fitted, where it turns
    negative.
    """
    return eps - k * exp(-gamma * L)


@law(source="bhagia2024", equation="step 1", question="how does a task's loss depend on N and D?")
def task_loss(
    N: Parameters, D: Tokens, *, E: Irreducible, A: Scale, alpha: Exponent, B: Scale, beta: Exponent
) -> BitsPerByte:
    r"""Loss on the correct answers of one task, in bits per byte: Chinchilla's form.

    $$L(N, D) = E + A N^{-\alpha} + B D^{-\beta}$$

    Follow it by `sigmoid_accuracy`. Wrong as physics: exponents of 0.66 to 0.79 and an E of
    zero show that single tasks do not identify them.
    """
    return chinchilla(N, D, E=E, A=A, alpha=alpha, B=B, beta=beta)


@law(source="bhagia2024", equation="step 2", question=_LINK)
def sigmoid_accuracy(
    L: BitsPerByte, *, a: Drop, L0: Midpoint, k: Steepness, b: Fraction
) -> Accuracy:
    r"""Accuracy on a task, from the loss on its correct answers.

    $$Acc(L) = \frac{a}{1 + e^{-k (L - L_0)}} + b, \quad -1 \le a \le 0$$

    a is negative: accuracy is b at loss 0 and a + b at high loss. L is in bits per byte of the
    correct answer, not the language-modelling loss.

    Wrong for tasks whose loss jumps between checkpoints: look at its spread over the last ten
    of the largest small model first.
    """
    return a * sigmoid(k * (L - L0)) + b


@law(source="definition", question="how do losses of two tokenizers compare?")
def bits_per_byte(L: NatsPerToken, tokens_per_byte: TokensPerByte) -> BitsPerByte:
    r"""Loss in bits per byte, which does not depend on the tokenizer.

    $$\mathrm{bits/byte} = \frac{L}{\ln 2} \cdot \frac{\mathrm{tokens}}{\mathrm{bytes}}$$

    L is in nats per token (natural logarithm), bytes are of UTF-8 text. Wrong if tokens and
    bytes were counted on another text than the loss.
    """
    return L * tokens_per_byte / log(2.0)
