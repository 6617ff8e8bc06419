import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.runs.table import RunTable
from isoflop.runs.where import mask_of, values_of

END = "end of the text"
RUNS = RunTable.from_columns(
    {
        "N": [1e6, 1e9, 70e9, np.nan],
        "D": [2e7, 2e10, 1.4e12, 1.0],
        "loss": [4.0, 2.5, 1.9, 9.0],
        "outlier": [0, 1, 0, 0],
        "name": ["a", "b", "it's", ""],
        "val/loss": [1.0, 2.0, 3.0, 4.0],
        "lambda": [1.0, 1.0, 2.0, 2.0],
    }
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("outlier == 0", [1, 0, 1, 1]),
        ("not outlier", [1, 0, 1, 1]),
        ("outlier", None),
        ("N > 1B", [0, 0, 1, 0]),
        ("N >= 1e9 and loss < 2", [0, 0, 1, 0]),
        ("N < 2M or name == 'b'", [1, 1, 0, 0]),
        ("not (N < 2M or name == 'b')", [0, 0, 1, 1]),
        ("1M <= N <= 1B", [1, 1, 0, 0]),
        ("name in ('a', \"it's\")", [1, 0, 1, 0]),
        ("name not in ('a',)", [0, 1, 1, 1]),
        ("N in (1M, 70B)", [1, 0, 1, 0]),
        ("D / N > 19", [1, 1, 1, 0]),
        ("6 * N * D < 1e20 and N == N", [1, 0, 0, 0]),
        ("6*N*D <= 1.2 x", None),
        ("N != N", [0, 0, 0, 1]),
        ("log10(N) > 8", [0, 1, 1, 0]),
        ("`val/loss` > 2.5", [0, 0, 1, 1]),
        ("lambda == 2", [0, 0, 1, 1]),
        ("-loss < -3", [1, 0, 0, 1]),
        ("loss^2 > 16", [0, 0, 0, 1]),
        ("outlier == True", [0, 1, 0, 0]),
        ("True == True", [1, 1, 1, 1]),
        ("name == ''", [0, 0, 0, 1]),
    ],
)
def test_conditions(condition, expected):
    if expected is None:
        with pytest.raises(InputError):
            mask_of(condition, RUNS)
    else:
        assert mask_of(condition, RUNS).tolist() == [bool(x) for x in expected]


@pytest.mark.parametrize(
    ("condition", "marked", "message"),
    [
        ("N > 1B and outlyer == 0", "outlyer", "no column `outlyer`"),
        ("N = 3", "=", "=="),
        ("N > 1 & D > 2", "&", "and"),
        ("name > 'a'", "name > 'a'", "not ordered"),
        ("name == 3", "name == 3", "text with numbers"),
        ("N == 'a'", "N == 'a'", "text with numbers"),
        ("name and N > 1", "name and N > 1", "neither true nor false"),
        ("N + 1", "N + 1", "not a condition"),
        ("name + 1 > 2", "name + 1 > 2", "no arithmetic"),
        ("N > 1 and", END, "ends too early"),
        ("N > (1", "(1", "not closed"),
        ("N.size > 1", ".size", "no place"),
        ("N[0] > 1", "[0]", "no place"),
        ("__import__('os')", "__import__", "not a function"),
        ("exec('1')", "exec", "not a function"),
        ("open(name)", "open", "not a function"),
        ("f'{N}' == 'a'", "'{N}'", "cannot be read"),
        ("lambda: 1", ":", "no place"),
        ("[x for x in N]", "[", "no place"),
        ("N if N else D", "if", "cannot be read"),
        ("N := 3", ":", "no place"),
        ("N > 1 # and so on", "#", "no place"),
        ("N > 1; D > 2", ";", "no place"),
        ("name in 'abc'", "'abc'", "list in round brackets"),
        ("N > 1j", "j", "cannot be read"),
        ("exp(N, x=1) > 2", "=", "=="),
        ("exp(*N) > 1", "*", "cannot be"),
        ("9^9^9^9 > N", "9^9 >", "exponent"),
        ("N^2000 > 1", "2000", "exponent"),
        ("1/0 > N", "1/0", "finite"),
        ("(-8)^0.5 > N", "(-8)^0.5", "real"),
        ("1e400 > N", "1e400", "too large"),
        ("", None, "empty"),
        ("   ", None, "empty"),
        ("N > 'a\\n'", "'a", "no place"),
        ("N is D", "is", "cannot be read"),
        ("N > 1 and (D, N)", "(D, N)", "cannot be part"),
        ("(" * 300 + "N" + ")" * 300 + " > 1", None, "nested|cannot be read"),
        ("not " * 450 + "N", None, "nested"),
        ("N" + " + N" * 480 + " > 1", None, "nested"),
        ("-" * 1900 + "N > 1", None, "nested"),
        ("N > 1 " * 400, None, "too long"),
    ],
)
def test_what_is_not_a_condition_gets_a_caret_under_the_mistake(condition, marked, message):
    with pytest.raises(InputError, match=message) as error:
        mask_of(condition, RUNS)
    if marked is not None:
        marks = error.value.what.split("\n")[-1]
        place = marks.index("^") - 4
        assert place == len(condition) if marked == END else condition[place:].startswith(marked)


def test_computed_columns():
    assert values_of("D / N", RUNS)[:3].tolist() == [20.0, 20.0, 20.0]
    assert values_of("2", RUNS).tolist() == [2.0] * 4
    with pytest.raises(InputError, match="text"):
        values_of("name", RUNS)
