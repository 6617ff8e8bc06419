"""Hestness et al. 2017: error and model size in the number of training samples."""

from typing import Annotated, Any

from isoflop.laws.dimensions import Examples, Exponent, Irreducible, Kind, NatsPerToken, Scale
from isoflop.laws.dimensions import Parameters as ParameterCount
from isoflop.laws.law import law

#: The paper's exponent is negative as printed: the error is alpha m^beta_g.
Slope = Annotated[Any, Kind("slope", -5.0, 0.0, "linear", (-1.0, -0.03))]


@law(source="hestness2017", question="how does loss depend on D?")
def hestness(m: Examples, *, alpha: Scale, beta_g: Slope, gamma: Irreducible) -> NatsPerToken:
    r"""Error of the best model for each number of training samples.

    $$\epsilon(m) = \alpha m^{\beta_g} + \gamma$$

    m counts words, characters or images, and beta_g is negative. The paper finds beta_g of
    -0.066 (word language models), -0.094 (character models, SGD) and -0.095 (Adam), -0.128
    (translation), -0.299 (speech), and on ImageNet -0.309 (top-1 error), -0.488 (top-5) and
    -0.35 (cross-entropy); another architecture moves alpha. Losses and error rates must not be
    compared. Wrong in the small-data plateau near the best guess, where error does not fall yet.
    """
    return alpha * m**beta_g + gamma


@law(source="hestness2017", question="how large a model do the data need?")
def hestness_model_size(m: Examples, *, k: Scale, beta_p: Exponent) -> ParameterCount:
    r"""Parameters of the best-fitting model for a number of training samples.

    $$s(m) = k m^{\beta_p}$$

    The paper finds beta_p of 0.68 to 0.69 for word language models (0.78 with four LSTM layers),
    0.78 (SGD) and 0.92 (Adam) for character models, 0.573 on ImageNet. Wrong as a
    compute-optimal size: compute is not limited here.
    """
    return k * m**beta_p
