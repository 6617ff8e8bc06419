"""Kumar et al. 2024: training and quantising at few bits."""

from math import inf
from typing import Annotated, Any

from isoflop.laws.dimensions import (
    Bits,
    Exponent,
    Kind,
    NatsPerToken,
    Parameters,
    Positive,
    Scale,
    Tokens,
)
from isoflop.laws.functions import exp, expm1, maximum
from isoflop.laws.law import law

BitScale = Annotated[Any, Kind("bits", 0.0, inf, "log", (0.2, 10.0))]


def retention(P: Any, g: Any) -> Any:
    """Return 1 - exp(-P / g), the share of parameters that P bits leave.

    Args:
        P: precision, bits.
        g: sensitivity, bits.

    Source: Kumar et al. 2024 (arXiv:2411.04330).
    """
    return -expm1(-P / g)


@law(source="kumar2024", equation="N_eff", question="what does low precision cost?")
def precision_parameters(
    N: Parameters, P_w: Bits, P_a: Bits, P_kv: Bits, *, g_w: BitScale, g_a: BitScale, g_kv: BitScale
) -> Parameters:
    r"""Parameters that a model trained at few bits is worth; replaces N of another law.

    $$N_{eff} = N (1 - e^{-P_w/g_w}) (1 - e^{-P_a/g_a}) (1 - e^{-P_{kv}/g_{kv}})$$

    Precisions of weights, activations and key-value cache in bits. Use it as
    `chinchilla.replace(N=precision_parameters)`; the A, B, alpha, beta, E fitted with it are not
    confirmed by any source and are not shipped.

    Wrong beyond 3 to 16 bits, above 1.7B parameters or 26B tokens.
    """
    return N * retention(P_w, g_w) * retention(P_a, g_a) * retention(P_kv, g_kv)


@law(source="kumar2024", equation="2", question="what does low precision cost?")
def quantisation_loss(
    N: Parameters,
    D: Tokens,
    P_post: Bits,
    *,
    C_T: Scale,
    g_D: Exponent,
    g_N: Exponent,
    g_post: BitScale,
) -> NatsPerToken:
    r"""Loss that quantising the weights after training adds.

    $$\delta_{PTQ} = C_T \frac{D^{\gamma_D}}{N^{\gamma_N}} e^{-P_{post}/\gamma_{post}}$$

    It grows with D: a model trained longer is hurt more. N is the effective number of
    parameters: `quantisation_loss.replace(N=precision_parameters)` if training was at low
    precision; add it to a loss by `law + quantisation_loss`.

    Wrong beyond 26B tokens and 1.7B parameters, and for other ways of quantising.
    """
    return C_T * D**g_D / N**g_N * exp(-P_post / g_post)


@law(source="kumar2024", equation="unified", question="what does low precision cost?")
def trained_quantisation_loss(
    N: Parameters,
    D: Tokens,
    P_post: Bits,
    P_w: Bits,
    P_a: Bits,
    P_kv: Bits,
    *,
    C_T: Scale,
    g_D: Exponent,
    g_N: Exponent,
    g_post: BitScale,
    C_w: Positive,
    C_a: Positive,
    C_kv: Positive,
) -> NatsPerToken:
    r"""Loss that quantising adds to a model already trained at few bits.

    $$\delta_{PTQ} = C_T \frac{D^{\gamma_D}}{N^{\gamma_N}} e^{-P_{post}/\gamma_{post}}
    \prod_{x \in \{w, a, kv\}} \big[1 - e^{-C_x (P_x - P_{post})}\big]$$

    A precision P_x at or below P_post costs nothing more: its factor is zero, not negative.
    The C_x are not confirmed by any source and are not shipped. Wrong where
    `quantisation_loss` is.
    """
    loss = quantisation_loss(N, D, P_post, C_T=C_T, g_D=g_D, g_N=g_N, g_post=g_post)
    for P, C in ((P_w, C_w), (P_a, C_a), (P_kv, C_kv)):
        loss = loss * -expm1(-C * maximum(P - P_post, 0.0))
    return loss
