"""Card 11: compressibility, filtered pools, mixtures."""

from __future__ import annotations

import random

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.data_quality import compressibility, filtered_pool, mixture_utility, utility
from isoflop.laws.mixing import data_mixing, mixing_of

GZIP = laws.get("gzip_dependent")
FLAT = dict.fromkeys(("m_E", "m_A", "m_alpha", "m_B", "m_beta"), 0.0)


def test_form_without_slopes_is_chinchilla():
    chinchilla = laws.get("chinchilla")
    tex = chinchilla.constants("tex")
    offsets = {f"n_{name}": value for name, value in tex.items()}
    for H in (0.1, 0.9):
        assert GZIP(7e10, 1.4e12, H, **FLAT, **offsets) == pytest.approx(
            chinchilla(7e10, 1.4e12, **tex), rel=1e-14
        )


def test_each_constant_is_a_line_in_H_and_the_exponents_cross_where_derived():
    values = {**FLAT, "n_E": 1.0, "n_A": 300.0, "n_B": 500.0}
    values |= {"m_alpha": -0.4, "n_alpha": 0.4, "m_beta": 0.3, "n_beta": 0.211}
    H = GZIP.derived["H_crossing"](m_alpha=-0.4, n_alpha=0.4, m_beta=0.3, n_beta=0.211)
    assert pytest.approx(0.27) == H
    alpha = beta = 0.4 - 0.4 * H
    expected = 1.0 + 300 / 1e8**alpha + 500 / 1e9**beta
    assert GZIP(1e8, 1e9, H, **values) == pytest.approx(expected)
    assert not GZIP.published  # the regression is published as a figure only


def test_compressibility_is_the_median_ratio_and_larger_for_noise():
    noise = random.Random(0).randbytes(4000)
    text = b"the cat sat on the mat. " * 160
    assert compressibility([noise]) > 1.0  # gzip only adds its header
    assert compressibility([text]) < 0.05
    assert compressibility([text, noise, noise]) == compressibility([noise])
    with pytest.raises(InputError, match="not empty"):
        compressibility([text, b""])


def test_filtered_pool_gives_the_worked_check():
    assert filtered_pool(1e6, 4.0, a=2, b=-0.2, d=0.5, tau=4) == pytest.approx(0.602481, abs=6e-7)


def test_filtered_pool_is_the_product_over_passes():
    U, a, b, tau, d = 1e6, 2.0, -0.2, 4.0, 0.5
    product = U**b
    for j in (2, 3, 4):
        product *= (j / (j - 1)) ** utility(j, b=b, tau=tau)
    assert filtered_pool(U, 4.0, a=a, b=b, tau=tau, d=d) == pytest.approx(a * product + d)
    half = (2.5 / 2) ** utility(3, b=b, tau=tau) * 2 ** utility(2, b=b, tau=tau) * U**b
    assert filtered_pool(U, 2.5, a=a, b=b, tau=tau, d=d) == pytest.approx(a * half + d)
    with pytest.raises(InputError, match="1000"):
        filtered_pool(U, 1e6, a=a, b=b, tau=tau, d=d)


def test_utility_halves_every_tau_passes_and_repetition_helps_less_than_new_data():
    assert utility(5, b=-0.2, tau=4) == pytest.approx(-0.1)
    values = {"a": 2.0, "b": -0.2, "tau": 4.0, "d": 0.5}
    assert filtered_pool(4e6, 1.0, **values) < filtered_pool(1e6, 4.0, **values)
    errors = filtered_pool(1e6, np.arange(1.0, 9.0), **values)
    assert np.all(np.diff(errors) < 0)


def test_mixing_pools_stretches_their_half_lives():
    one = utility(5, b=-0.2, tau=8.0)
    assert mixture_utility(5, b=[-0.2, -0.2], tau=[4.0, 4.0]) == pytest.approx(one)
    assert mixture_utility(1, b=[-0.1, -0.3], tau=[1.0, 9.0]) == pytest.approx(-0.2)


def test_mixing_gives_the_toy_check_and_the_sign_of_t_says_what_helps():
    assert data_mixing(0.3, 0.7, c=1.5, k=0.8, t1=-1.2, t2=0.4) == pytest.approx(2.238493, abs=6e-7)
    more = data_mixing(0.8, 0.2, c=1.5, k=0.8, t1=-1.2, t2=0.4)
    assert more < data_mixing(0.3, 0.7, c=1.5, k=0.8, t1=-1.2, t2=0.4)


def test_mixing_of_more_domains_and_its_unidentified_direction():
    law = mixing_of(3)
    given = {"r1": 0.2, "r2": 0.3, "r3": 0.5}
    loss = law(**given, c=1.0, k=2.0, t1=-1.0, t2=0.5, t3=0.1)
    assert loss == pytest.approx(1 + 2 * np.exp(-0.2 + 0.15 + 0.05))
    shifted = law(**given, c=1.0, k=2.0 * np.exp(-0.7), t1=-0.3, t2=1.2, t3=0.8)
    assert shifted == pytest.approx(loss)
    assert laws.get("data_mixing3").parameter_names == law.parameter_names
