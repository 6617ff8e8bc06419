"""Chen et al. 2025: parallel streams of one model in place of more parameters."""

from typing import Annotated, Any

from isoflop.laws.dimensions import Dimension, Exponent, Irreducible, Kind, NatsPerToken, Parameters
from isoflop.laws.functions import log
from isoflop.laws.law import law

Streams = Annotated[Any, Dimension("parallel streams", "streams", (1.0, 16.0))]
Billions = Annotated[Any, Kind("billions of parameters", 0.0, float("inf"), "log", (1e-3, 10.0))]
Gain = Annotated[Any, Kind("gain per log stream", 0.0, float("inf"), "log", (0.05, 2.0))]


@law(source="chen2025", equation="L(N, P)", question="what do parallel streams buy?")
def parscale(
    N: Parameters, P: Streams, *, E: Irreducible, A: Billions, alpha: Exponent, k: Gain
) -> NatsPerToken:
    r"""Loss of a model whose P streams are computed in parallel and combined.

    $$L = E + \Big(\frac{10^9 A}{N (k \ln P + 1)}\Big)^{\alpha}$$

    N counts non-embedding parameters, A is in billions of them; natural logarithm. P streams
    are worth a factor k ln P + 1 in parameters.

    Wrong for any other number of training tokens than the authors' own: there is no term in D.
    """
    return E + (1e9 * A / (N * (k * log(P) + 1))) ** alpha
