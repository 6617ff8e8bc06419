"""Hernandez et al. 2021: data transferred, in characters."""

from __future__ import annotations

import pytest

from isoflop import laws
from isoflop.errors import ConventionError, InputError
from isoflop.laws.hernandez import multiplier

TRANSFER = laws.get("transferred_data")
EFFECTIVE = laws.get("effective_data")
KAPLAN = laws.get("kaplan")


@pytest.mark.parametrize(
    ("name", "D_F", "N", "expected"),
    [
        ("text", 3e5, 1e9, 4.837661e8),
        ("text-and-code", 3e5, 1e9, 1.853630e9),
        ("text", 3e5, 4e7, 1.423699e8),
        ("text", 1.0, 175e9, 3.557e8),
        ("text-and-code", 1.0, 175e9, 3.932e9),
    ],
)
def test_transferred_characters(name, D_F, N, expected):
    precise = 1e-6 if D_F > 1 else 5e-4
    assert TRANSFER(D_F, N, **TRANSFER.constants(name)) == pytest.approx(expected, rel=precise)


def test_multiplier():
    text = TRANSFER.constants("text")
    assert multiplier(3e5, 1e9, **text) == pytest.approx(1613.55, abs=6e-3)
    assert multiplier(3e5, 4e7, **text) == pytest.approx(475.6, abs=0.06)
    whole = EFFECTIVE(3e5, 1e9, **EFFECTIVE.constants("text"))
    assert whole == pytest.approx(3e5 + 4.837661e8, rel=1e-6)


@pytest.mark.parametrize(("name", "expected"), [("text", 2.79), ("text-and-code", 1.73)])
def test_three_hundred_times_the_data(name, expected):
    c = TRANSFER.constants(name)
    assert TRANSFER(300.0, 1e9, **c) / TRANSFER(1.0, 1e9, **c) == pytest.approx(expected, abs=5e-3)


# Traps --------------------------------------------------------------------------------------------
def test_characters_do_not_go_into_a_law_of_tokens():
    with pytest.raises(ConventionError, match="characters"):
        KAPLAN.replace(D=EFFECTIVE)


def test_unified_law_of_transfer():
    tokens = laws.get("characters_to_tokens")
    law = KAPLAN.replace(D=TRANSFER.then(tokens))
    k, t = KAPLAN.constants(), TRANSFER.constants("text")
    N, D_F, rate = 1e8, 1e6, 3.5
    loss = law(N=N, D_F=D_F, **k, **t, characters_per_token=rate)
    D_T = t["k"] * D_F ** t["alpha"] * N ** t["beta"]
    a_N, a_D = k["alpha_N"], k["alpha_D"]
    expected = ((k["N_c"] / N) ** (a_N / a_D) + k["D_c"] * rate / D_T) ** a_D
    assert loss == pytest.approx(expected, rel=1e-13)


def test_exponents_are_not_mistaken_for_chinchillas():
    law = TRANSFER.then(laws.get("characters_to_tokens"))
    with pytest.raises(InputError, match="Rename"):
        laws.get("chinchilla").replace(D=law)
