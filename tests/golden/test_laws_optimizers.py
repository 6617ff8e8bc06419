"""Card 14.3: efficiency factors of optimisers."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws

CHINCHILLA, TOKENS = laws.get("chinchilla"), laws.get("efficient_tokens")
TEX = CHINCHILLA.constants("tex")


def test_factors_multiply_inside_the_power():
    law = CHINCHILLA.replace(N=laws.get("efficient_parameters"), D=TOKENS)
    loss = law(N=1e9, D=3e10, rho_N=1.1, rho_D=2.08, **TEX)
    assert loss == pytest.approx(CHINCHILLA(1.1e9, 2.08 * 3e10, **TEX), rel=1e-14)
    assert law(N=1e9, D=3e10, rho_N=1.0, rho_D=1.0, **TEX) == CHINCHILLA(1e9, 3e10, **TEX)


def test_published_ratios_are_relative_to_adamw():
    ratios = {name: published.constants["rho_D"] for name, published in TOKENS.published.items()}
    assert ratios == {"muon": 2.08, "scion": 1.99, "soap": 2.57}
    assert not laws.get("efficient_parameters").published


def test_one_ratio_alone_cannot_be_told_from_B():
    """Why AdamW's factor is fixed to 1 in a fit by optimiser."""
    law = CHINCHILLA.replace(D=TOKENS)
    D = np.array([1e10, 1e11, 1e12])
    scaled = {**TEX, "B": TEX["B"] * 2.0 ** TEX["beta"]}
    np.testing.assert_allclose(
        law(N=1e9, D=D, rho_D=2.0, **scaled), law(N=1e9, D=D, rho_D=1.0, **TEX), rtol=1e-14
    )


def test_ratio_by_optimizer():
    law = CHINCHILLA.replace(D=TOKENS).by("optimizer", "rho_D").expand(optimizer=("adamw", "muon"))
    loss = law(
        N=1e9,
        D=np.array([1e10, 1e10]),
        optimizer=np.array(["adamw", "muon"], dtype=object),
        **TEX,
        **{"rho_D[adamw]": 1.0, "rho_D[muon]": 2.08},
    )
    expected = [CHINCHILLA(1e9, 1e10, **TEX), CHINCHILLA(1e9, 2.08e10, **TEX)]
    np.testing.assert_allclose(loss, expected, rtol=1e-14)
