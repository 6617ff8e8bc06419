"""One suite over every registered law: derivatives, linear parameters, constants, printing."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.derived import keywords
from isoflop.laws.dimensions import OUTPUT
from isoflop.laws.linear import evaluate, generic_inputs, generic_parameters
from isoflop.laws.recipe import rebuild

LAWS = laws.names()


def generic(law, count=5, seed=3):
    inputs = generic_inputs(law, 7, seed)
    return inputs, generic_parameters(law, inputs, count, seed)


@pytest.mark.parametrize("name", LAWS)
def test_gradient_and_hessian_agree_with_central_differences(name):
    law = laws.get(name)
    inputs, values = generic(law)
    exact = evaluate(law, inputs, values)
    shape = np.shape(exact.value)
    # Positive parameters can be of any magnitude; others may be zero.
    smallest = {p.name: 0.0 if p.scale == "log" else 1e-3 for p in law.parameters}
    for p in law.parameter_names:
        magnitude = np.maximum(np.abs(values[p]), smallest[p])
        step = 1e-5 * magnitude
        up, down = ({**values, p: values[p] + sign * step} for sign in (1, -1))
        high, low = evaluate(law, inputs, up, False), evaluate(law, inputs, down, False)
        size = np.abs(exact.value) / magnitude
        slope = np.broadcast_to(exact.d.get(p, 0.0), shape)
        error = np.abs(slope - (high.value - low.value) / (2 * step))
        assert np.all(error <= 1e-5 * (np.abs(slope) + size) + 1e-300), p
        for q in law.parameter_names:
            curved = np.broadcast_to(exact.h.get((min(p, q), max(p, q)), 0.0), shape)
            numeric = (high.d.get(q, 0.0) - low.d.get(q, 0.0)) / (2 * step)
            scale = np.abs(exact.d.get(q, 0.0)) / magnitude
            bound = 1e-4 * (np.abs(curved) + scale) + 1e-12 * size
            assert np.all(np.abs(curved - numeric) <= bound), (p, q)


@pytest.mark.parametrize("name", LAWS)
def test_law_is_affine_in_its_linear_parameters_and_in_no_further_one(name):
    law = laws.get(name)
    inputs, values = generic(law)
    exact = evaluate(law, inputs, values)
    pairs = [(p, q) for p in law.linear for q in law.linear if p <= q]
    for pair in pairs:
        assert np.all(np.abs(exact.h.get(pair, 0.0)) <= 1e-9 * np.abs(exact.value))


@pytest.mark.parametrize("name", LAWS)
def test_published_constants_fit_the_declaration(name):
    law = laws.get(name)
    kinds = {p.name: p for p in law.parameters}
    for label, published in law.published.items():
        assert published.constants.keys() == kinds.keys(), label
        for p, value in published.constants.items():
            assert kinds[p].lower <= value <= kinds[p].upper, (label, p)
        assert published.evidence
        assert set(published.evidence) <= set("PCRND")
        assert published.range.keys() <= set(law.input_names)
        inputs = {
            x: np.array(published.range[x]) if x in published.range else points
            for x, points in generic_inputs(law, 2).items()
        }
        assert np.all(np.isfinite(law(**inputs, **published.constants)))


@pytest.mark.parametrize("name", LAWS)
def test_declaration_is_complete(name):
    law = laws.get(name)
    assert law.doc.strip()
    assert law.source
    for p in law.parameters:
        low, high = p.start
        assert low < high
        assert p.scale == "linear" or (low > 0 and p.lower >= 0)
        assert p.kind.relative_to in ("", OUTPUT, *law.input_names)
    for derived in law.derived.values():
        assert set(keywords(derived)) <= set(law.parameter_names)
    assert rebuild(law.recipe) is law


@pytest.mark.parametrize("name", LAWS)
def test_sympy_expression_gives_the_same_numbers(name):
    law = laws.get(name)
    if not law.formula:
        pytest.skip("the law is not a closed formula")
    inputs, values = generic(law, count=1)
    point = {k: float(np.ravel(v)[0]) for k, v in {**inputs, **values}.items()}
    import sympy

    symbolic = sympy.lambdify(list(law.sympy().free_symbols), law.sympy(), "math")
    given = [point[str(s)] for s in law.sympy().free_symbols]
    assert float(symbolic(*given)) == pytest.approx(float(law(**point)), rel=1e-9)
