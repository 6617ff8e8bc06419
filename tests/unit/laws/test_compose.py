"""Composition: values, recipes, and refusals that say what to rename."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import ConventionError, InputError
from isoflop.laws.dimensions import (
    Accuracy,
    Exponent,
    Kind,
    NatsPerToken,
    Repetitions,
    Scale,
    Tokens,
    UniqueTokens,
)
from isoflop.laws.functions import exp, sigmoid
from isoflop.laws.law import law
from isoflop.laws.recipe import rebuild

N, D = np.array([1e8, 1e9]), np.array([2e9, 2e10])
CHINCHILLA = laws.get("chinchilla")
TEX = CHINCHILLA.constants("tex")


@law(source="test")
def repeated(D: Tokens, U: UniqueTokens, *, R_D: Repetitions) -> Tokens:
    """Tokens worth a fresh one."""
    return U + U * R_D * (1 - exp(-(D / U - 1) / R_D))


@law(source="test")
def accuracy(
    L: NatsPerToken, *, slope: Annotated[Any, Kind("slope", 0.0, 50.0, "linear", (0.1, 9.0))]
) -> Accuracy:
    """A sigmoid of the loss."""
    return sigmoid(slope * (2.0 - L))


@law(source="test")
def power(D: Tokens, *, B: Scale, beta: Exponent) -> NatsPerToken:
    """One power law."""
    return B / D**beta


def test_fix_and_tie_take_parameters_away():
    fixed = CHINCHILLA.fix(alpha=0.34)
    rest = {k: v for k, v in TEX.items() if k != "alpha"}
    np.testing.assert_allclose(fixed(N, D, **rest), CHINCHILLA(N, D, **{**TEX, "alpha": 0.34}))
    tied = CHINCHILLA.tie(alpha="beta")
    np.testing.assert_allclose(
        tied(N, D, **rest), CHINCHILLA(N, D, **{**TEX, "alpha": TEX["beta"]})
    )
    assert tied.derived["a"](beta=0.3) == pytest.approx(0.5)
    assert fixed.derived["a"](beta=0.34) == pytest.approx(0.5)
    assert fixed.linear == {"E", "A", "B"}


def test_fix_refuses_values_out_of_bounds_and_unknown_names():
    with pytest.raises(InputError, match=r"alpha = -1 is outside \[0, 5\]"):
        CHINCHILLA.fix(alpha=-1)
    with pytest.raises(InputError, match="no parameter gamma; it has E, A"):
        CHINCHILLA.fix(gamma=1)
    with pytest.raises(InputError, match="tied and tied to"):
        CHINCHILLA.tie(A="B", B="E")


def test_rename_reaches_inputs_and_parameters():
    renamed = CHINCHILLA.rename(A="A_code", D="tokens")
    values = {("A_code" if k == "A" else k): v for k, v in TEX.items()}
    np.testing.assert_allclose(renamed(N=N, tokens=D, **values), CHINCHILLA(N, D, **TEX))
    assert renamed.derived["G"](**{k: values[k] for k in ("A_code", "alpha", "B", "beta")}) > 0
    with pytest.raises(InputError, match="two of B"):
        CHINCHILLA.rename(A="B")


def test_replace_adds_inputs_and_parameters_of_the_transform():
    composed = CHINCHILLA.replace(D=repeated)
    assert composed.input_names == ("N", "D", "U")
    assert composed.parameter_names == (*CHINCHILLA.parameter_names, "R_D")
    assert composed.name == "chinchilla[D=repeated]"
    expected = CHINCHILLA(N, repeated(D, 1e9, R_D=15.0), **TEX)
    np.testing.assert_allclose(composed(N, D, 1e9, R_D=15.0, **TEX), expected)
    assert composed.linear == {"E", "A", "B"}
    with pytest.raises(ConventionError, match="gives tokens, but `N`"):
        CHINCHILLA.replace(N=repeated)


def test_transforms_of_one_replacement_see_the_original_inputs():
    swapped = CHINCHILLA.replace(D=repeated, N=_doubled)
    expected = CHINCHILLA(N * D / 1e9, repeated(D, 1e9, R_D=15.0), **TEX)
    np.testing.assert_allclose(swapped(N=N, D=D, U=1e9, R_D=15.0, **TEX), expected)


@law(source="test")
def _doubled(
    N: Annotated[Any, CHINCHILLA.inputs[0].dimension], D: Tokens
) -> Annotated[Any, CHINCHILLA.inputs[0].dimension]:
    """Parameters times billions of tokens, to see which D is used."""
    return N * D / 1e9


def test_link_passes_the_loss_on():
    linked = CHINCHILLA.then(accuracy)
    expected = accuracy(CHINCHILLA(N, D, **TEX), slope=2.0)
    np.testing.assert_allclose(linked(N, D, slope=2.0, **TEX), expected)
    assert linked.output.unit == "fraction"
    with pytest.raises(InputError, match="0 inputs of `repeated` take nats/token"):
        CHINCHILLA.then(repeated)


def test_sum_shares_identical_parameters_and_refuses_others():
    total = CHINCHILLA + power
    assert total.parameter_names == CHINCHILLA.parameter_names
    np.testing.assert_allclose(
        total(N, D, **TEX), CHINCHILLA(N, D, **TEX) + TEX["B"] / D ** TEX["beta"]
    )

    @law(source="test")
    def other(D: Tokens, *, B: Exponent) -> NatsPerToken:
        """Another B."""
        return B / D

    with pytest.raises(InputError, match=r"(?s)`B` is declared differently.*rename\(B='B_2'\)"):
        CHINCHILLA + other
    with pytest.raises(ConventionError, match="in nats/token, `repeated` in tokens"):
        CHINCHILLA + repeated


def test_groups_give_each_label_its_own_value():
    grouped = CHINCHILLA.by("optimizer", "A", "B")
    labels = np.array(["adam", "muon"])
    values = {**TEX, "A": {"adam": 400.0, "muon": 300.0}, "B": {"adam": 410.0, "muon": 390.0}}
    by_hand = [
        CHINCHILLA(N[k], D[k], **{**TEX, "A": values["A"][x], "B": values["B"][x]})
        for k, x in enumerate(labels)
    ]
    np.testing.assert_allclose(grouped(N, D, labels, **values), by_hand)
    opened = grouped.expand(optimizer=("adam", "muon"))
    flat = {"A[adam]": 400.0, "A[muon]": 300.0, "B[adam]": 410.0, "B[muon]": 390.0}
    rest = {k: TEX[k] for k in ("E", "alpha", "beta")}
    np.testing.assert_allclose(opened(N=N, D=D, optimizer=labels, **flat, **rest), by_hand)
    assert opened.linear == {"E", *flat}
    assert grouped.linear == {"E", "A", "B"}
    assert set(grouped.derived) == {"a", "b", "gamma"}
    with pytest.raises(InputError, match="no parameters for sgd; known: adam, muon"):
        opened(N=N, D=D, optimizer=np.array(["sgd", "adam"]), **flat, **rest)


def test_groups_refuse_what_they_cannot_do():
    with pytest.raises(InputError, match="grouped already"):
        CHINCHILLA.by("optimizer", "A").by("data", "A")
    with pytest.raises(InputError, match="`N` is taken"):
        CHINCHILLA.by("N", "A")
    with pytest.raises(InputError, match="names no parameter"):
        CHINCHILLA.by("data")


def test_recipe_rebuilds_the_composition():
    composed = (
        CHINCHILLA.fix(alpha=0.3)
        .rename(B="B_web")
        .by("data", "A")
        .expand(data=("web", "code"))
        .tie(**{"A[web]": "A[code]"})
    )
    again = rebuild(composed.recipe)
    assert again.name == composed.name
    assert again.parameters == composed.parameters
    with pytest.raises(InputError, match="unknown step"):
        rebuild({"op": "burn", "of": {"law": "chinchilla"}})
    with pytest.raises(InputError, match="not a recipe"):
        rebuild(["chinchilla"])


def test_call_says_what_is_missing():
    with pytest.raises(InputError, match=r"D, beta missing; gamma unknown"):
        CHINCHILLA(1e9, E=1.0, A=1.0, B=1.0, alpha=1.0, gamma=2.0)
    with pytest.raises(InputError, match="N given twice"):
        CHINCHILLA(1e9, 1e10, N=2.0, **TEX)
    with pytest.raises(InputError, match="has 2 inputs, not 3"):
        CHINCHILLA(1, 2, 3, **TEX)


def test_declaration_without_unit_is_refused():
    with pytest.raises(InputError, match="`D` of the law `bad` is not annotated with a dimension"):

        @law(source="test")
        def bad(D: float, *, B: Scale) -> NatsPerToken:
            """No unit."""
            return B / D


def test_unknown_law_names_its_neighbours():
    with pytest.raises(InputError, match="Did you mean chinchilla"):
        laws.get("chinchila")
