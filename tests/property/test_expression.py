"""Nothing is executed, nothing hangs: the parsers of conditions and formulas under fuzzing."""

import math
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws.formula import formula
from isoflop.runs.table import RunTable
from isoflop.runs.where import mask_of, values_of
from isoflop.units import format_count, format_duration, parse_count, parse_duration

TABLE = RunTable.from_columns(
    {"N": [1e6, 2e9, math.nan], "D": [3.0, -4.0, 0.5], "name": ["a", "b", ""]}
)
#: Seconds a single text may take: generous, to hold on a busy machine.
LIMIT = 2.0

_events: list[str] = []
_listening = False
_thread = threading.get_ident()


def _hook(event, _arguments):
    if _listening and threading.get_ident() == _thread:  # another thread may do what it likes
        _events.append(event)


sys.addaudithook(_hook)

WORDS = (
    "alpha beta name lambda and or not in is if else for True False None exp log where minimum "
    "__import__ eval exec open os system __class__ __globals__ ** // == <= >= != := -> 1e9 1e999 "
    "9^9^9 f' b' 0x 1_0 é α ² ０ \u2028 \0"
)
PIECES = st.sampled_from(
    [*"NDEAB+-*/^()<>=!.,;:'\"`[]{}\\#@&|~%$ \n\t0123456789eEjxkKMBT_", *WORDS.split(" ")]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(PIECES, max_size=30).map(" ".join),
)


def outcome(read, text):
    """Return what reading gives or "refused"; fail if it executed anything or took long."""
    global _listening
    _events.clear()
    start = time.process_time()
    _listening = True
    try:
        result = read(text)
    except InputError:
        result = "refused"
    finally:
        _listening = False
    assert time.process_time() - start < LIMIT
    dangerous = {"exec", "import", "open", "os.system", "subprocess.Popen", "socket.connect"}
    assert not dangerous & set(_events)
    return result


@pytest.fixture(autouse=True, scope="module")
def warm():
    """Import lazily loaded modules before anything is watched."""
    mask_of("N > 1 and name == 'a'", TABLE)
    formula("where(N < 1, E, A/N^alpha); alpha in [0, 1]; A from [1, 2]")
    for text in ("N +", "é", "'"):
        with pytest.raises(InputError):
            formula(text)


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_any_text_is_a_condition_or_refused(text):
    result = outcome(lambda x: mask_of(x, TABLE), text)
    if not isinstance(result, str):
        assert result.dtype == bool
        assert result.shape == (3,)


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_any_text_is_a_formula_or_refused(text):
    law = outcome(formula, text)
    if isinstance(law, str):
        return
    arrays = {name: np.array([0.5, 1e9]) for name in law.input_names}
    values = {p.name: np.array([[0.3]]) for p in law.parameters}
    with np.errstate(all="ignore"):
        result = np.asarray(outcome(lambda _: law(**arrays, **values), text))
    assert result.dtype.kind in "fi"


NUMBERS = st.floats(0.01, 100, allow_nan=False).map(lambda x: round(x, 3))


def combine(children):
    pair = st.tuples(children, children)
    return st.one_of(
        pair.map(lambda p: (f"({p[0][0]}+{p[1][0]})", lambda v: p[0][1](v) + p[1][1](v))),
        pair.map(lambda p: (f"({p[0][0]} - {p[1][0]})", lambda v: p[0][1](v) - p[1][1](v))),
        pair.map(lambda p: (f"({p[0][0]}*{p[1][0]})", lambda v: p[0][1](v) * p[1][1](v))),
        pair.map(lambda p: (f"({p[0][0]}/{p[1][0]})", lambda v: p[0][1](v) / p[1][1](v))),
        children.map(lambda c: (f"(-{c[0]})", lambda v: -c[1](v))),
        children.map(lambda c: (f"exp(minimum({c[0]}, 5))", lambda v: np.exp(min(c[1](v), 5)))),
        children.map(lambda c: (f"abs({c[0]})^1.5", lambda v: abs(c[1](v)) ** 1.5)),
    )


#: (text, what it computes), built without the parser.
ARITHMETIC = st.recursive(
    st.one_of(
        NUMBERS.map(lambda x: (repr(x), lambda _: x)),
        st.sampled_from("ND").map(lambda name: (name, lambda v: v[name])),
    ),
    combine,
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(ARITHMETIC, NUMBERS, NUMBERS)
def test_formulas_and_columns_compute_what_is_written(tree, n, d):
    text, compute = tree
    assume("N" in text or "D" in text)
    values = {"N": np.float64(n), "D": np.float64(d)}
    with np.errstate(all="ignore"):
        expected = float(compute(values))
        assume(math.isfinite(expected))
        law = outcome(formula, text)
        assume(law != "refused")  # a constant part such as 1/(2-2)
        found = float(law(**{name: values[name] for name in law.input_names}))
        table = RunTable.from_columns({"N": [n], "D": [d]})
        column = float(values_of(text, table)[0])
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert column == pytest.approx(expected, rel=1e-9, abs=1e-9)


def comparisons():
    column = st.sampled_from(["N", "D"])
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    numpy_sign = {
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }
    return st.tuples(column, signs, st.sampled_from([-4.0, 0.5, 3.0, 1e6, 2e9])).map(
        lambda c: (f"{c[0]} {c[1]} {c[2]!r}", numpy_sign[c[1]](TABLE[c[0]], c[2]))
    )


def joined(children):
    pair = st.tuples(children, children)
    return st.one_of(
        children.map(lambda c: (f"not ({c[0]})", ~c[1])),
        pair.map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", p[0][1] & p[1][1])),
        pair.map(lambda p: (f"(({p[0][0]}) or ({p[1][0]}))", p[0][1] | p[1][1])),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(comparisons(), joined, max_leaves=10))
def test_conditions_select_what_is_written(tree):
    text, expected = tree
    assert mask_of(text, TABLE).tolist() == expected.tolist()


@given(st.floats(1e-2, 9.9e14))
def test_counts_read_back_as_printed(value):
    assert parse_count(format_count(value)) == pytest.approx(value, rel=6e-3)


@given(st.floats(1e-6, 1e12))
def test_durations_read_back_as_printed(seconds):
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=6e-3)


@given(st.text(max_size=30))
def test_any_text_is_a_count_or_refused(text):
    result = outcome(parse_count, text)
    assert result == "refused" or (math.isfinite(result) and result >= 0)
