"""Pearce and Song 2024: Chinchilla's law in Kaplan's variables, parameters without embeddings."""

from math import inf
from typing import Annotated, Any

import numpy as np

from isoflop.laws.dimensions import Kind, Parameters
from isoflop.laws.law import law

EmbeddingScale = Annotated[Any, Kind("embedding scale", 0.0, inf, "log", (1e3, 1e6))]


@law(source="pearce2024", question="which parameters are counted?")
def total_parameters(N_nonembedding: Parameters, *, omega: EmbeddingScale) -> Parameters:
    r"""Parameters with embeddings, from those without.

    $$N_T = N_{\setminus E} + \omega N_{\setminus E}^{1/3}$$

    As a transform it writes a law in Kaplan's variable: `chinchilla.replace(N=total_parameters)`.
    Wrong unless width over depth stays the same at all sizes (see `embedding_scale`).
    """
    return N_nonembedding + omega * N_nonembedding ** (1 / 3)


def embedding_scale(vocabulary: Any, aspect_ratio: Any) -> Any:
    """Return omega = V (A_r / 12)^(1/3) of `total_parameters`.

    Args:
        vocabulary: number of tokens in the vocabulary.
        aspect_ratio: width over depth, d_model / n_layer; 12 n_layer d_model^2 parameters a model.

    Source: Pearce and Song 2024.
    """
    return vocabulary * (aspect_ratio / 12) ** (1 / 3)


def frontier_compute(N: Any, *, A: Any, alpha: Any, B: Any, beta: Any, omega: Any) -> Any:
    """Return the compute C = 6 N D at which N parameters without embeddings are the best size.

    Args:
        N: parameters without embeddings, any shape.
        A: scale of the parameter term of `chinchilla`.
        alpha: exponent of the parameter term.
        B: scale of the data term.
        beta: exponent of the data term.
        omega: of `total_parameters`.

    Returns:
        FLOPs without those of the embeddings.

    Source: Pearce and Song 2024.
    """
    root = N ** (1 / 3)
    slope, total = N + omega / 3 * root, N + omega * root
    tokens = slope ** (-1 / beta) * total ** ((1 + alpha) / beta)
    return 6 * N * tokens * (beta * B / (alpha * A)) ** (1 / beta)


def local_exponent(N: Any, *, alpha: Any, beta: Any, omega: Any) -> Any:
    """Return g = d ln N_opt / d ln C on the frontier of `frontier_compute`.

    Its limits are beta / (alpha/3 + beta) for small N and beta / (alpha + beta) for large N, but
    it is not monotone between them: embeddings make it overshoot to 0.96 near 1e6 parameters.

    Args:
        N: parameters without embeddings, any shape.
        alpha: exponent of the parameter term of `chinchilla`.
        beta: exponent of the data term.
        omega: of `total_parameters`.

    Source: Pearce and Song 2024.
    """
    square = N ** (2 / 3)
    middle = square + omega / 3
    first = (square + omega / 9) / middle / beta
    return 1 / (1 - first + (1 + alpha) / beta * middle / (square + omega))


def optimum(C: Any, *, A: Any, alpha: Any, B: Any, beta: Any, omega: Any) -> tuple[Any, Any]:
    """Return N_opt without embeddings and D_opt for a budget of C = 6 N D.

    Newton's method on `frontier_compute` in logarithms, whose slope `local_exponent` is known.

    Args:
        C: FLOPs without those of the embeddings, any shape.
        A: scale of the parameter term of `chinchilla`.
        alpha: exponent of the parameter term.
        B: scale of the data term.
        beta: exponent of the data term.
        omega: of `total_parameters`.

    Returns:
        Parameters without embeddings, and tokens.
    """
    log_C = np.log(np.asarray(C, dtype=float))
    log_N = log_C / 2
    for _ in range(50):
        N = np.exp(log_N)
        reached = np.log(frontier_compute(N, A=A, alpha=alpha, B=B, beta=beta, omega=omega))
        step = local_exponent(N, alpha=alpha, beta=beta, omega=omega) * (log_C - reached)
        log_N = log_N + step
        if np.all(np.abs(step) < 1e-14 * np.abs(log_N)):
            break
    N = np.exp(log_N)
    return N[()], (np.exp(log_C) / (6 * N))[()]
