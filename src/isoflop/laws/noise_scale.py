"""McCandlish et al. 2018: gradient noise scale, and what a batch size costs."""

from collections.abc import Sequence
from math import inf
from typing import Annotated, Any

import msgspec

from isoflop.errors import InputError, NotIdentified
from isoflop.laws.dimensions import Dimension, Examples, Kind, LearningRate, Steps, scale_of
from isoflop.laws.law import law

Batch = Annotated[Any, Dimension("batch", "examples/batch", (1.0, 1e6))]
SquaredNorm = Annotated[Any, Dimension("squared gradient norm", "1", (1e-4, 1e4))]
#: A noise scale or critical batch size, in units of the batch.
CriticalBatch = Annotated[Any, scale_of("B", (1e-2, 1e2))]
Size = Annotated[Any, Kind("size", 0.0, inf, "log", (1e-3, 1e6))]

_QUESTION = "how large may a batch be?"


class NoiseScale(msgspec.Struct, frozen=True):
    """Estimates from mean gradients of a small and a large batch.

    Args:
        squared_norm: unbiased estimate of |G|^2, the squared norm of the true gradient; it may
            be negative.
        trace: unbiased estimate of tr(Sigma), the variance of one example's gradient.
    """

    squared_norm: float
    trace: float

    @property
    def B_simple(self) -> float:
        """tr(Sigma) / |G|^2 in examples (tokens, if gradients are means over tokens).

        Raises:
            NotIdentified: if the estimate of |G|^2 is not positive.
        """
        if self.squared_norm <= 0:
            raise NotIdentified(
                f"the estimate of |G|^2 is {self.squared_norm:.3g}, not positive.",
                "Noise exceeds the gradient at these batch sizes.",
                "Average more pairs first (average_noise), or use a larger large batch.",
            )
        return self.trace / self.squared_norm


def two_batch_noise(B_small: float, small: float, B_big: float, big: float) -> NoiseScale:
    """Estimate |G|^2 and tr(Sigma) from squared gradient norms at two batch sizes.

    E|G_B|^2 = |G|^2 + tr(Sigma) / B at both sizes, solved for the two unknowns.

    Args:
        B_small: small batch, examples.
        small: squared norm of its mean gradient.
        B_big: large batch, examples.
        big: squared norm of its mean gradient.

    Raises:
        InputError: if the batches are not 0 < B_small < B_big.

    Source: McCandlish et al. 2018 (arXiv:1812.06162), appendix on the noise scale.
    """
    if not 0 < B_small < B_big:
        raise InputError(f"batches must be 0 < small < big, not {B_small:g} and {B_big:g}.")
    return NoiseScale(
        squared_norm=(B_big * big - B_small * small) / (B_big - B_small),
        trace=(small - big) / (1 / B_small - 1 / B_big),
    )


def average_noise(estimates: Sequence[NoiseScale]) -> NoiseScale:
    """Average numerators and denominators apart; a mean of ratios would be biased.

    Raises:
        InputError: if there is no estimate.
    """
    if not estimates:
        raise InputError("no estimates of the noise scale to average.")
    count = len(estimates)
    return NoiseScale(
        squared_norm=sum(x.squared_norm for x in estimates) / count,
        trace=sum(x.trace for x in estimates) / count,
    )


@law(source="mccandlish2018", equation="E|G_B|^2", question=_QUESTION)
def gradient_norm(B: Batch, *, G2: Size, trace: Size) -> SquaredNorm:
    r"""Expected squared norm of a batch's mean gradient.

    $$E|G_B|^2 = |G|^2 + \mathrm{tr}(\Sigma) / B$$

    Wrong if gradients are sums instead of means, or examples of a batch are not independent.
    """
    return G2 + trace / B


@law(source="mccandlish2018", equation="eps_opt(B)", question="which learning rate?")
def batch_learning_rate(B: Batch, *, eps_max: Size, B_noise: CriticalBatch) -> LearningRate:
    r"""Best step size of SGD at a batch size.

    $$\epsilon_{opt}(B) = \epsilon_{max} / (1 + B_{noise} / B)$$

    The best decrease of the loss in one step has the same form. Derived for SGD; wrong
    for optimisers that rescale the gradient.
    """
    return eps_max / (1 + B_noise / B)


@law(source="mccandlish2018", equation="S/S_min", question="what does a batch size cost?")
def batch_steps(B: Batch, *, S_min: Size, B_crit: CriticalBatch) -> Steps:
    r"""Steps to a loss at a batch size.

    $$S = S_{min} (1 + B_{crit} / B)$$

    At B = B_crit twice the fewest steps and twice the fewest examples are spent; always
    (S/S_min - 1)(E/E_min - 1) = 1. Wrong if the learning rate is not retuned for each batch.
    """
    return S_min * (1 + B_crit / B)


@law(source="mccandlish2018", equation="E/E_min", question="what does a batch size cost?")
def batch_examples(B: Batch, *, E_min: Size, B_crit: CriticalBatch) -> Examples:
    r"""Examples to a loss at a batch size: E = B S.

    $$E = E_{min} (1 + B / B_{crit})$$

    Wrong where `batch_steps` is.
    """
    return E_min * (1 + B / B_crit)
