"""Tokens that reach a loss: the first ones, whatever is known of sizes close by."""

from dataclasses import replace

import numpy as np
import pytest

from isoflop.plan.search import tokens_for
from isoflop.plan.source import surface

SIZES = np.geomspace(1e6, 1e14, 33)[None]


def sampled(**options):
    found = surface("chinchilla", **options)
    rng = np.random.default_rng(0)
    point = np.array([found.constants[name] for name in found.law.parameter_names])
    spread = np.exp(0.03 * rng.standard_normal((20, len(point))))
    return replace(found, samples=point * spread)


@pytest.mark.parametrize("options", [{}, {"serve_bits": 3.0}, {"unique_tokens": 1e11}])
@pytest.mark.parametrize("loss", [2.0, 2.4, 3.0])
def test_the_loss_is_reached_and_not_before(options, loss):
    law = sampled(**options)
    D = tokens_for(law, SIZES, loss)
    done = np.isfinite(D)
    assert done.any()
    assert not done.all()
    at = law.loss(SIZES, np.where(done, D, 1e12))
    np.testing.assert_allclose(at[done], loss, rtol=1e-11)
    for share in (0.999, 0.5, 1e-2, 1e-4):
        assert (law.loss(SIZES, np.where(done, D, 1.0) * share)[done] > loss).all()
    scan = law.loss(SIZES[..., None], np.geomspace(1e2, 1e19, 2000)[None, None], {
        name: column[..., None] for name, column in law.columns.items()
    })  # fmt: skip
    assert (scan.min(axis=-1)[~done] > loss - 1e-6).all()


@pytest.mark.parametrize("options", [{}, {"serve_bits": 3.0}, {"unique_tokens": 1e11}])
def test_what_is_known_of_sizes_close_by_changes_nothing(options):
    """Nor does what is wrong about them."""
    law = sampled(**options)
    plain = tokens_for(law, SIZES, 2.4)
    rng = np.random.default_rng(1)
    for spread in (0.0, 0.1, 1.0, 10.0):
        near = plain * np.exp(spread * rng.standard_normal(plain.shape))
        near[rng.random(near.shape) < 0.2] = np.inf
        near[rng.random(near.shape) < 0.1] = 1e11
        np.testing.assert_allclose(tokens_for(law, SIZES, 2.4, near), plain, rtol=1e-10)
