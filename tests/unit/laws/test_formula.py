import math

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.laws import get
from isoflop.laws.duals import seed
from isoflop.laws.formula import formula

END = "end of the text"
CONSTANTS = {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28}
N, D = np.array([1e8, 1e9, 7e10]), np.array([2e9, 2e10, 1.4e12])


def parameter(law, name):
    return next(p for p in law.parameters if p.name == name)


def test_a_formula_is_the_registered_law():
    own, declared = formula("E + A/N^alpha + B/D^beta"), get("chinchilla")
    assert own.input_names == declared.input_names
    assert own.parameter_names == declared.parameter_names
    assert [p.kind for p in own.parameters] == [p.kind for p in declared.parameters]
    assert own.output == declared.output
    assert np.array_equal(own(N, D, **CONSTANTS), declared(N, D, **CONSTANTS))
    assert own.linear == declared.linear == {"E", "A", "B"}
    assert own.formula == declared.formula
    assert own.latex() == declared.latex()


def test_derivatives_are_those_of_the_declared_law():
    values = {name: np.array([[value]]) for name, value in CONSTANTS.items()}
    own = formula("E + A*N^(-alpha) + B*exp(-beta*log(D))").function(N=N, D=D, **seed(values))
    declared = get("chinchilla").function(N=N, D=D, **seed(values))
    for name in CONSTANTS:
        assert np.allclose(own.d[name], declared.d[name], rtol=1e-12)
    assert np.allclose(own.h["alpha", "alpha"], declared.h["alpha", "alpha"], rtol=1e-11)


def test_a_formula_read_from_the_text_of_a_law_is_that_law():
    own = formula(get("chinchilla").formula)
    assert np.array_equal(own(N, D, **CONSTANTS), get("chinchilla")(N, D, **CONSTANTS))


def test_a_recipe_holds_text_and_columns():
    law = formula("E + A/N^alpha + k*lr; alpha <= 1", columns=("lr", "seed"))
    assert law.recipe == {"formula": "E + A/N^alpha + k*lr; alpha <= 1", "columns": ["lr"]}
    again = formula(law.recipe["formula"], columns=law.recipe["columns"])
    assert again.parameters == law.parameters
    assert again.inputs == law.inputs


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("N^2 - D/4 + 1", 4.0 - 2.0 + 1),
        ("-N^2 + 0*D", -4.0),
        ("2^N^D", 2.0**256.0),
        ("N**-1 * D", 4.0),
        ("exp(log(N)) + log10(100) + sqrt(D)", 2.0 + 2.0 + math.sqrt(8)),
        ("minimum(N, D) + max(N, D)", 10.0),
        ("where(N < D, 1, 2) + where(N < 1 or not (D > 3 and N > 1), 10, 20)", 21.0),
        ("where(1 < N <= 2, 5, 6)", 5.0),
        ("abs(N - D)", 6.0),
        ("L = N + D", 10.0),
        ("L(N, D) = N + D", 10.0),
        (" \n N\n + D ", 10.0),
    ],
)
def test_values(text, value):
    law = formula(text)
    known = {"N": 2.0, "D": 8.0}
    inputs = {name: known[name] for name in law.input_names}
    assert float(law(**inputs)) == pytest.approx(value, rel=1e-15)
    arrays = {name: np.full(3, x) for name, x in inputs.items()}
    assert np.allclose(law(**arrays), value, rtol=1e-14)


def test_where_has_derivatives_and_a_printed_form():
    law = formula("where(D < 1e10 and not N > 5e8, E, A/N^alpha)")
    values = {name: np.array([[CONSTANTS[name]]]) for name in ("E", "A", "alpha")}
    found = law.function(N=N, D=D, **seed(values))
    assert np.array_equal(np.broadcast_to(found.d["E"], (1, 3))[0], [1.0, 0.0, 0.0])
    assert "cases" in law.latex()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("E", "irreducible"),
        ("E_code", "irreducible"),
        ("L_inf", "irreducible"),
        ("alpha", "exponent"),
        ("beta_D", "exponent"),
        ("α", "exponent"),
        ("lambda", "exponent"),
        ("A", "scale"),
        ("K1", "scale"),
        ("N_c", "scale of N"),
        ("R_D", "repetitions"),
        ("k", "coefficient"),
    ],
)
def test_names_say_what_a_parameter_may_be(name, kind):
    law = formula(f"N * {name} + D")
    assert parameter(law, name).kind.name == kind
    assert law(N=2.0, D=1.0, **{name: 3.0}) == 7.0


def test_a_lower_case_name_in_exponents_only_is_an_exponent():
    law = formula("k*N^-p + q*D^q")
    kinds = {p.name: p.kind.name for p in law.parameters}
    assert kinds == {"k": "coefficient", "p": "exponent", "q": "coefficient"}


def test_columns_are_inputs():
    law = formula("E + k*lr/batch + alpha*`val/x`", columns=("batch", "lr", "val/x", "unused"))
    assert law.input_names == ("batch", "lr", "val/x")
    assert law.inputs[0].dimension.unit == "sequences"
    assert law.parameter_names == ("E", "k", "alpha")
    assert formula("C + U").input_names == ("C", "U")


@pytest.mark.parametrize(
    ("clause", "bounds"),
    [
        ("alpha in [0, 1]", (0.0, 1.0)),
        ("alpha in [-1e-1, inf]", (-0.1, math.inf)),
        ("0.1 < alpha < 0.9", (0.1, 0.9)),
        ("0.1 <= alpha", (0.1, 5.0)),
        ("alpha >= 0.2", (0.2, 5.0)),
        ("alpha <= 2", (0.0, 2.0)),
        ("alpha > 0.2 ; alpha < 0.3", (0.2, 0.3)),
    ],
)
def test_bounds(clause, bounds):
    kind = parameter(formula(f"A/N^alpha; {clause}"), "alpha").kind
    assert (kind.lower, kind.upper) == bounds
    assert kind.lower <= kind.start[0] < kind.start[1] <= kind.upper


def test_bounds_of_scales_and_floors():
    law = formula("E + A/N^alpha + k; E in [1, 2]; A in [10, 20]; k in [-50, 9]; alpha in [2, 3]")
    starts = {p.name: p.start for p in law.parameters}
    assert starts == {"E": (1, 2), "A": (10, 20), "k": (-50, 9), "alpha": (2, 3)}
    assert parameter(law, "E").kind.relative_to == ""
    signed = parameter(formula("A/N; A in [-5, 5]"), "A").kind
    assert (signed.scale, signed.start) == ("linear", (-5, 5))
    small = parameter(formula("A/N; A in [0, 1e-3]"), "A").kind
    assert 0 < small.start[0] < small.start[1] <= 1e-3


def test_starts_fixed_and_tied_parameters():
    law = formula("E + A/N^alpha + B/D^beta; A from [1, 1e4]; E = 1.69; beta = alpha")
    assert parameter(law, "A").start == (1.0, 1e4)
    assert law.parameter_names == ("A", "alpha", "B")
    expected = get("chinchilla")(N, D, **{**CONSTANTS, "beta": 0.34})
    assert np.allclose(law(N, D, A=406.4, alpha=0.34, B=410.7), expected, rtol=1e-15)


def test_outputs():
    assert formula("N").output.unit == "nats/token"
    assert formula("bits_per_byte = N").output.unit == "bits/byte"
    assert formula("D = D*k").output.unit == "tokens"
    assert formula("ratio = N/D").output.unit == "1"


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("E + A/N^alpha + B/D^", END, "ends too early"),
        ("E + + * N", "* N", "cannot be read"),
        ("E + A/(N^alpha", "(N", "not closed"),
        ("E + 2B/D", "2B", "nor a product"),
        ("E + A N^alpha", "N^alpha", "cannot be read"),
        ("E + sin(N)", "sin", "not a function"),
        ("E + exp(N, D)", "exp(N, D)", "takes 1 argument, not 2"),
        ("E + where(N, 1, 2)", "N, 1", "not a condition"),
        ("E + (N < 2)", "N < 2", "cannot be part"),
        ("where(N == 2, 1, 2)", "N == 2", "not known here"),
        ("where(N and D < 1, 1, 2)", "N and", "not a condition"),
        ("where(N in (1, 2), 1, 2)", "N in", "not known here"),
        ("N + 'a'", "'a'", "cannot be part"),
        ("__import__('os').system('ls') + N", ".system", "no place"),
        ("().__class__ + N", ".__class__", "no place"),
        ("N.__class__", ".__class__", "no place"),
        ("(lambda: N)()", ":", "no place"),
        ("N[0]", "[0]", "no place"),
        ("{N}", "{", "no place"),
        ("N @ D", "@", "no place"),
        ("N // D", "N // D", "cannot be part"),
        ("N % D", "% D", "no place"),
        ("9^9^9 * N", "9^9", "exponent"),
        ("N^1e9", "1e9", "exponent"),
        ("exp(exp(exp(9))) + N", "exp(exp(9))", "finite"),
        ("log(-1) * N", "log(-1)", "finite"),
        ("(0-2)^alpha * N", "0-2", "not positive"),
        ("1e200*1e200*N", "1e200*1e200", "finite"),
        ("N; gamma in [0, 1]", "gamma", "not a parameter"),
        ("A*N; A in [1, 0]", "A in [1, 0]", "not below"),
        ("A*N; A in (0, 1)", "A in (0, 1)", "cannot be read"),
        ("A*N; A is small", "A is small", "cannot be read"),
        ("A*N; A = 0-1", "A = 0-1", "cannot be read"),
        ("A*N^alpha; alpha = 9", "alpha = 9", "outside the bounds"),
        ("A*N^alpha; alpha from [0, 9]", "alpha from [0, 9]", "within the bounds"),
        ("A*N; A from [0, 1]", "A from [0, 1]", "above 0"),
        ("A*N; A = Q", "Q", "not a parameter"),
        ("A*N; A = A", "A = A", "itself"),
        ("A*N; N = 3", "N = 3", "not a parameter"),
        ("", None, "empty"),
        ("L =", None, "empty"),
        ("E + A", None, "no input"),
        ("N + " * 600 + "N", None, "too long"),
        ("N" + " + N" * 400, None, "nested"),
        ("(" * 250 + "N" + ")" * 250, None, "nested|cannot be read"),
        ("-" * 1500 + "N", None, "nested"),
    ],
)
def test_a_bad_formula_gets_a_caret_under_the_mistake(text, marked, message):
    with pytest.raises(InputError, match=message) as error:
        formula(text)
    if marked is not None:
        shown, marks = error.value.what.split("\n")[-2:]
        place = marks.index("^")
        assert place == len(shown) if marked == END else shown[place:].startswith(marked)
