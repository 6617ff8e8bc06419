"""Ye et al. 2024: loss on a domain as a function of the mixture it was trained on."""

from typing import Annotated, Any

from isoflop.laws.dimensions import Dimension, Irreducible, Kind, NatsPerToken, Positive
from isoflop.laws.functions import exp
from isoflop.laws.law import Input, Law, Parameter, law
from isoflop.laws.registry import register

Share = Annotated[Any, Dimension("share of the mixture", "1", (0.05, 0.95))]
#: Negative where a domain helps, positive where it harms.
Transfer = Annotated[Any, Kind("transfer", -50.0, 50.0, "linear", (-3.0, 3.0))]


@law(source="ye2024", equation="L_i(r)", question="which mixture of data is best?")
def data_mixing(
    r1: Share, r2: Share, *, c: Irreducible, k: Positive, t1: Transfer, t2: Transfer
) -> NatsPerToken:
    r"""Loss on one validation domain after training on a mixture r of domains.

    $$L_i(r) = c_i + k_i \exp\Big(\sum_j t_{ij} r_j\Big)$$

    Shares are non-negative and sum to one. t_ij < 0: domain j helps domain i; t_ij > 0: it
    harms. `data_mixing` has two training domains, `data_mixing3` to `data_mixing5` more;
    `mixing_of` gives any number. The loss on several validation domains is the weighted sum of
    theirs.

    Wrong at another size or number of steps than the one fitted (the paper nests it with power
    laws in both), and not identified from mixtures alone: with shares that sum to one, a
    constant added to every t_ij only rescales k_i.
    """
    return c + k * exp(t1 * r1 + t2 * r2)


def mixing_of(domains: int) -> Law:
    """Return the mixing law for a number of training domains, with inputs r1, r2, ...

    Args:
        domains: number of training domains, at least two; two gives `data_mixing` itself.
    """
    if domains == 2:
        return data_mixing
    count = range(1, domains + 1)

    def function(*, c: Any, k: Any, **given: Any) -> Any:
        total: Any = 0.0
        for j in count:
            total = total + given[f"t{j}"] * given[f"r{j}"]
        return c + k * exp(total)

    share, transfer = data_mixing.inputs[0].dimension, data_mixing.parameters[2].kind
    return Law(
        name=f"data_mixing{domains}",
        inputs=tuple(Input(f"r{j}", share) for j in count),
        parameters=(
            *data_mixing.parameters[:2],
            *(Parameter(f"t{j}", transfer) for j in count),
        ),
        output=data_mixing.output,
        function=function,
        doc=data_mixing.doc,
        source=data_mixing.source,
        equation=data_mixing.equation,
        question=data_mixing.question,
        recipe={"law": f"data_mixing{domains}"},
    )


for _domains in (3, 4, 5):
    register(mixing_of(_domains))
