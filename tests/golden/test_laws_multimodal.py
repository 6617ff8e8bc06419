"""Cards K3 and K4: OpenCLIP, ParScale."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws

CLIP, PARSCALE = laws.get("openclip"), laws.get("parscale")


def test_openclip_on_imagenet():
    C = np.array([1e11, 1e12, 6.6315e12])
    errors = CLIP(C, **CLIP.constants("laion-imagenet"))
    np.testing.assert_allclose(errors, [0.3486236, 0.2697471, 0.2184888], rtol=5e-4)
    assert errors[2] == pytest.approx(0.22028, abs=2e-3)  # measured: ViT-H/14, 34B samples


def test_openclip_counts_multiply_accumulates_not_flops():
    assert CLIP.inputs[0].dimension.unit == "GMAC"
    constants = CLIP.constants("laion-imagenet")
    halved = CLIP(2e12, **constants) / CLIP(1e12, **constants)
    assert halved == pytest.approx(2**-0.1114)


def test_every_openclip_exponent_is_negative():
    assert len(CLIP.published) == 8
    assert all(x.constants["alpha"] < 0 for x in CLIP.published.values())


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("stack", [1.0840453, 1.0409864, 1.0151165, 0.9796843]),
        ("pile", [1.9541738, 1.8868599, 1.8335285, 1.7785453]),
    ],
)
def test_parscale(corpus, expected):
    N = np.array([1571472384.0, 1595669000.0, 4353203200.0, 4414502408.0])
    P = np.array([1.0, 8.0, 1.0, 8.0])
    loss = PARSCALE(N, P, **PARSCALE.constants(corpus))
    np.testing.assert_allclose(loss, expected, atol=1e-6)
    if corpus == "stack":
        np.testing.assert_allclose(loss, [1.0817, 1.0383, 1.0213, 0.9794], atol=7e-3)


def test_streams_are_worth_parameters_by_the_natural_logarithm_and_A_is_in_billions():
    constants = PARSCALE.constants("stack")
    factor = constants["k"] * np.log(8.0) + 1
    assert PARSCALE(1e9, 8.0, **constants) == pytest.approx(
        PARSCALE(1e9 * factor, 1.0, **constants)
    )
    one = constants["E"] + constants["A"] ** constants["alpha"]
    assert PARSCALE(1e9, 1.0, **constants) == pytest.approx(one)
    assert PARSCALE.input_names == ("N", "P")  # no tokens: one training budget only
