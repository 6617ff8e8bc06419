"""Simulated studies: the chosen runs leave a smaller true error at the target than the grid."""

from __future__ import annotations

import numpy as np
import pytest
from next_study import study


def errors(studies, noise):
    found = [study(noise=noise, seed=seed) for seed in range(studies)]
    values = np.array([[e["now"], e["after"], e["grid"]] for _, e in found])
    sd = np.array([d.expected.deviations["after"] for d, _ in found])
    return np.sqrt(np.mean(values**2, axis=0)), values, sd


def test_chosen_runs_help_more_than_the_grid_on_average():
    """Eight studies: both designs better than none; the chosen one not behind."""
    (now, after, grid), _, _ = errors(8, 0.003)
    assert after < 0.8 * now
    assert after < 1.1 * grid


@pytest.mark.exhaustive
@pytest.mark.parametrize("noise", [0.001, 0.003])
def test_chosen_runs_give_a_smaller_true_error_over_200_studies(noise, capsys):
    (now, after, grid), values, sd = errors(200, noise)
    with capsys.disabled():
        print(f"\nnoise {noise}: rms {now:.5f} now, {after:.5f} chosen, {grid:.5f} grid")  # noqa: T201
    assert after < 0.9 * grid < now
    # Expected and true spread agree within a third.
    assert np.sqrt(np.mean(values[:, 1] ** 2)) == pytest.approx(np.median(sd), rel=0.34)
