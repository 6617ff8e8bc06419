"""Approach 1: the envelope of synthetic curves follows N*(C)."""

import numpy as np
import pytest

from isoflop.errors import NotIdentified
from isoflop.fit.envelope import Curve, lower_envelope


def curves(sizes, alpha=0.35, beta=0.35):
    made = []
    for i, N in enumerate(sizes):
        C = np.geomspace(1e17, 1e22, 200)
        D = C / (6 * N)
        made.append(Curve(f"r{i}", N, C, D, 1.7 + 400 / N**alpha + 400 / D**beta))
    return made


def test_the_exponent_of_a_symmetric_law_is_one_half():
    envelope = lower_envelope(
        curves(np.geomspace(1e7, 1e10, 25)), span=(1e19, 1e21), rng=np.random.default_rng(0)
    )
    assert envelope.N_line[1] == pytest.approx(0.5, abs=0.02)
    assert envelope.N_line[1] + envelope.D_line[1] == pytest.approx(1.0, abs=1e-6)
    assert envelope.N_lines.shape == (200, 2)
    best = (1e20 / 6) ** 0.5
    at = np.argmin(np.abs(np.log(envelope.C / 1e20)))
    assert envelope.N[at] == pytest.approx(best, rel=0.25)


def test_a_curve_counts_only_where_it_was_measured():
    short = Curve("a", 1e8, np.array([1e18, 1e19]), np.array([1e9, 1e10]), np.array([2.0, 1.9]))
    others = curves([3e8, 1e9, 3e9, 1e10])
    envelope = lower_envelope([short, *others], span=(1e18, 1e21), rng=np.random.default_rng(0))
    short_wins = envelope.winner == 0
    assert short_wins[envelope.C < 0.99e19].all()
    assert not short_wins[envelope.C > 1.01e19].any()


def test_two_sizes_are_no_trend():
    with pytest.raises(NotIdentified, match="2 model size"):
        lower_envelope(curves([1e9, 3e9]), span=(1e18, 1e21), rng=np.random.default_rng(0))
