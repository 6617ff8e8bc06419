"""Hernandez et al. 2021: data that pretraining is worth, counted in characters."""

from typing import Annotated, Any

from isoflop.laws.dimensions import Characters, Kind, Parameters, Positive, Scale, Tokens
from isoflop.laws.law import law

#: Kinds of their own: these exponents must not be shared with the law they are put into.
TransferExponent = Annotated[Any, Kind("transfer exponent", 0.0, 1.0, "linear", (0.03, 0.5))]
SizeExponent = Annotated[Any, Kind("size exponent", 0.0, 5.0, "linear", (0.1, 1.0))]


@law(source="hernandez2021", question="what does pretraining transfer?")
def transferred_data(
    D_F: Characters,
    N: Parameters,
    *,
    k: Scale,
    alpha: TransferExponent,
    beta: SizeExponent,
) -> Characters:
    r"""Characters of fine-tuning data that pretraining is worth.

    $$D_T = k D_F^\alpha N^\beta$$

    D_F and D_T are characters, not tokens; N leaves out embeddings. A smaller alpha means closer
    distributions. Wrong beyond a tenth of the data with which a model from scratch is within 1 %
    of unlimited data: there pretraining can hurt small models.
    """
    return k * D_F**alpha * N**beta


@law(source="hernandez2021", question="what does pretraining transfer?")
def effective_data(
    D_F: Characters,
    N: Parameters,
    *,
    k: Scale,
    alpha: TransferExponent,
    beta: SizeExponent,
) -> Characters:
    r"""Characters from scratch that fine-tuning a pretrained model on D_F is worth.

    $$D_E = D_F + D_T$$

    To put it into a law of tokens, link it first:
    `kaplan.replace(D=effective_data.then(characters_to_tokens))`. Wrong where `transferred_data`
    is.
    """
    return D_F + transferred_data(D_F, N, k=k, alpha=alpha, beta=beta)


@law(source="hernandez2021", question="which unit are data in?")
def characters_to_tokens(X: Characters, *, characters_per_token: Positive) -> Tokens:
    r"""Tokens in a number of characters.

    $$D = X / r$$

    The rate depends on tokenizer and text. Wrong across corpora: code has fewer characters a
    token than prose under a tokenizer made for prose.
    """
    return X / characters_per_token


def multiplier(D_F: Any, N: Any, *, k: Any, alpha: Any, beta: Any) -> Any:
    """Return by what factor pretraining multiplies the fine-tuning data, D_E / D_F.

    Args:
        D_F: characters of fine-tuning data.
        N: parameters without embeddings.
        k: scale of `transferred_data`.
        alpha: exponent of the data there.
        beta: exponent of the parameters there.

    Source: Hernandez et al. 2021.
    """
    return effective_data(D_F, N, k=k, alpha=alpha, beta=beta) / D_F
