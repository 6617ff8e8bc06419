"""Distance outside the runs, and what a law moves on the way there."""

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.laws import get
from isoflop.validate.domain import Domain, reach

LAW = get("chinchilla")
TRUTH = LAW.constants("epoch")


@pytest.fixture
def domain():
    return Domain.of(LAW, isoflop_runs())


def point(**inputs):
    return LAW(**inputs, **TRUTH)


def test_runs_themselves_are_inside(domain):
    runs = isoflop_runs()
    at = {"N": runs["N"], "D": runs["D"]}
    assert domain.distance(at) == pytest.approx(0.0, abs=1e-12)
    assert reach(point, domain, at, logs=True) == pytest.approx(0.0, abs=1e-9)


def test_a_larger_budget_is_outside_though_its_N_and_D_were_seen(domain):
    """N and D each within the range of the runs, but C ten times the largest."""
    N, D = 0.1 * 1e21**0.5, 1e21 / (0.6 * 1e21**0.5)
    assert domain.ranges["N"][0] < N < domain.ranges["N"][1]
    assert domain.ranges["D"][0] < D < domain.ranges["D"][1]
    assert domain.distance({"N": N, "D": D}) == pytest.approx(1.0)


def test_distance_is_of_the_farthest_direction(domain):
    high = domain.ranges["N"][1]
    D = domain.compute[1] / (6 * 100 * high)
    far = domain.distance({"N": 100 * high, "D": D})
    assert far == pytest.approx(2.0)


def test_smaller_runs_are_outside_as_well(domain):
    assert domain.distance({"N": domain.ranges["N"][0] / 10, "D": 1e9}) >= 1.0


def test_edge_keeps_the_ratio_and_is_inside(domain):
    at = {"N": np.array([3e10]), "D": np.array([6e11])}
    edge = domain.edge(at)
    assert domain.distance(edge) == pytest.approx(0.0, abs=1e-12)
    assert edge["D"] / edge["N"] == pytest.approx(20.0)


def test_reach_grows_with_the_logarithm_of_the_distance(domain):
    C = 1e20 * np.array([10.0, 100.0, 1000.0])
    at = {"N": 0.1 * C**0.5, "D": C / (0.6 * C**0.5)}
    moved = reach(point, domain, at, logs=True)
    assert moved / moved[0] == pytest.approx([1.0, 2.0, 3.0], rel=1e-3)
    # d ln L / d ln C along the ray, at the edge.
    N, D = 0.1 * 1e20**0.5, 1e20 / (0.6 * 1e20**0.5)
    slope = 0.5 * (
        TRUTH["alpha"] * TRUTH["A"] * N ** -TRUTH["alpha"]
        + TRUTH["beta"] * TRUTH["B"] * D ** -TRUTH["beta"]
    )
    assert moved[0] == pytest.approx(slope / point(N=N, D=D) * np.log(10), rel=2e-3)


def test_values_without_a_logarithm_have_no_distance_inside_and_are_infinitely_far_outside():
    law = get("chinchilla")
    zero = Domain.of(law, {"N": np.array([0.0, 1.0]), "D": np.array([1.0, 10.0])})
    assert "N" not in zero.measured
    positive = Domain({"x": (1.0, 10.0)})
    assert positive.distance({"x": np.array([-1.0])}) == np.inf
