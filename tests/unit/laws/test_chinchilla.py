"""Test vectors of Chinchilla's law: Hoffmann et al. 2022 and Besiroglu et al. 2024."""

from __future__ import annotations

import subprocess
import sys

import pytest

from isoflop import laws
from isoflop.laws.chinchilla import balance, chinchilla, exponent_loss, optimum


@pytest.mark.parametrize(
    ("constants", "C", "N", "D", "ratio", "loss"),
    [
        ("tex", 1e21, 2.2170e9, 7.5178e10, 33.91, 2.29549),
        ("tex", 5.76e23, 4.0361e10, 2.3785e12, 58.93, 1.9184),
        ("tex", 3.8e25, 2.7324e11, 2.3179e13, 84.83, 1.8110),
        ("printed", 1e21, 1.8242e9, 9.1363e10, 50.08, 2.3289),
        ("printed", 5.76e23, 3.2190e10, 2.9823e12, 92.65, 1.9307),
        ("epoch", 1e21, 2.7785e9, 5.9985e10, 21.59, 2.30553),
        ("epoch", 5.76e23, 7.2249e10, 1.3287e12, 18.39, 1.9744),
        ("epoch", 3.8e25, 6.1867e11, 1.0237e13, 16.55, 1.8917),
    ],
)
def test_optimum(constants, C, N, D, ratio, loss):
    found = optimum(C, **chinchilla.constants(constants))
    assert found[0] == pytest.approx(N, rel=5e-5)
    assert found[1] == pytest.approx(D, rel=5e-5)
    assert found[1] / found[0] == pytest.approx(ratio, rel=2e-4)
    assert found[2] == pytest.approx(loss, rel=3e-5)
    assert 6 * found[0] * found[1] == pytest.approx(C)


def test_rounding_the_exponents_moves_the_optimum():
    """Only the full-precision constants give the paper's 40B for Gopher's budget."""
    N = {key: optimum(5.76e23, **chinchilla.constants(key))[0] for key in ("tex", "printed")}
    assert round(N["tex"] / 1e9) == 40
    assert round(N["printed"] / 1e9) == 32
    assert optimum(1e24, **chinchilla.constants("printed"))[1] == pytest.approx(4.035835e12)


@pytest.mark.parametrize(
    ("constants", "N", "D", "loss"),
    [
        ("printed", 70e9, 1.4e12, 1.936645),
        ("tex", 70e9, 1.4e12, 1.920846),
        ("printed", 1e9, 2e10, 2.580048),
        ("tex", 1e9, 2e10, 2.530668),
        ("epoch", 70e9, 1.4e12, 1.973882),
    ],
)
def test_loss(constants, N, D, loss):
    assert chinchilla(N, D, **chinchilla.constants(constants)) == pytest.approx(loss, abs=6e-7)


@pytest.mark.parametrize(
    ("constants", "gamma", "prefactor"),
    [("tex", 0.15484028, 814.40012), ("epoch", 0.17828649, 1967.8618)],
)
def test_compute_law(constants, gamma, prefactor):
    k = chinchilla.constants(constants)
    G = balance(**{name: k[name] for name in ("A", "alpha", "B", "beta")})
    assert exponent_loss(alpha=k["alpha"], beta=k["beta"]) == pytest.approx(gamma, rel=1e-7)
    found = k["A"] * G ** -k["alpha"] + k["B"] * G ** k["beta"]
    assert found == pytest.approx(prefactor, rel=1e-6)
    if constants == "epoch":
        assert pytest.approx(0.11963, abs=5e-6) == G


def test_both_terms_fall_alike_at_the_optimum():
    k = chinchilla.constants("tex")
    N, D, _ = optimum(1e23, **k)
    assert k["alpha"] * k["A"] * N ** -k["alpha"] == pytest.approx(
        k["beta"] * k["B"] * D ** -k["beta"]
    )


def test_printing():
    assert chinchilla.formula == "E + A / N**alpha + B / D**beta"
    assert chinchilla.latex() == r"L(N, D) = E + A N^{- \alpha} + B D^{- \beta}"
    from isoflop.laws.symbolic import limit, local_exponent

    assert str(limit(chinchilla, "N")) == "B/D**beta + E"
    k = {**chinchilla.constants("tex"), "N": 1e9, "D": 2e10}
    exponent = float(
        local_exponent(chinchilla, "N").subs(
            {s: k[str(s)] for s in local_exponent(chinchilla, "N").free_symbols}
        )
    )
    term = k["A"] / k["N"] ** k["alpha"]
    assert exponent == pytest.approx(k["alpha"] * term / chinchilla(**k))


def test_importing_and_fitting_needs_no_heavy_package():
    code = (
        "import sys, isoflop.laws, isoflop.fit.fitting as f, numpy as np\n"
        "N = np.geomspace(1e7, 1e10, 12); D = N[::-1] * 20\n"
        "k = isoflop.laws.get('chinchilla').constants()\n"
        "loss = isoflop.laws.get('chinchilla')(N, D, **k)\n"
        "f.fit({'N': N, 'D': D, 'loss': loss}, 'chinchilla').to_json()\n"
        "heavy = {'sympy', 'scipy', 'pandas', 'torch', 'plotly', 'narwhals'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_law_is_frozen():
    law = laws.get("chinchilla")
    with pytest.raises(AttributeError):
        law.name = "other"
