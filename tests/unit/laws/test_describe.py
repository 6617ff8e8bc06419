"""What is said of a law, and its values under each published set."""

from __future__ import annotations

import msgspec
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.describe import describe, evaluate_sets, example

CHINCHILLA = laws.get("chinchilla")


@pytest.mark.parametrize("name", laws.names())
def test_every_law_says_what_it_is_and_goes_to_json(name):
    law = laws.get(name)
    found = describe(law)
    assert found.summary.endswith(".")
    assert found.latex
    assert found.question.endswith("?")
    assert found.wrong.startswith("Wrong ")
    assert [x["name"] for x in found.inputs] == list(law.input_names)
    assert msgspec.json.decode(msgspec.json.encode(found))["name"] == name


def test_docstring_is_split_into_sentence_formula_notes_and_warning():
    found = describe(laws.get("iterated_rl_reward"))
    assert found.summary == "Gold reward of RL in k rounds, the proxy retrained after each."
    assert found.latex == (r"R_{RL}(d) = d (\alpha - \beta \ln d + \beta \ln k)",)
    assert found.notes[0].startswith("One round is `rl_reward`")
    assert found.wrong == "Wrong where retraining changes the proxy's quality."
    assert describe(CHINCHILLA).derived["epoch"]["a"] == pytest.approx(0.512612, abs=1e-6)


def test_values_under_each_set_and_what_lies_beyond_its_range():
    found = evaluate_sets(CHINCHILLA, {"N": [7e9, 70e9], "D": 1e11})
    assert [x.constants_from for x in found] == list(CHINCHILLA.published)
    tex = found[0]
    expected = CHINCHILLA(7e9, 1e11, **CHINCHILLA.constants("tex"))
    assert tex.values[0] == pytest.approx(expected)
    assert tex.outside == ((), ("N",))


def test_given_parameters_replace_published_ones_or_stand_alone():
    replaced = evaluate_sets(CHINCHILLA, {"N": 1e9, "D": 1e10}, {"E": 0.0}, "tex")[0]
    tex = CHINCHILLA.constants("tex")
    assert replaced.values[0] == pytest.approx(CHINCHILLA(1e9, 1e10, **{**tex, "E": 0.0}))
    alone = evaluate_sets(CHINCHILLA, {"N": 1e9, "D": 1e10}, tex)
    assert [x.constants_from for x in alone] == ["given"]
    link = evaluate_sets(laws.get("bits_per_byte"), {"L": 2.0, "tokens_per_byte": 0.25})
    assert link[0].values[0] == pytest.approx(0.7213475)


@pytest.mark.parametrize(
    ("inputs", "parameters", "message"),
    [
        ({"N": 1e9}, {}, "D missing"),
        ({"N": [1e9, 2e9], "D": [1.0, 2.0, 3.0]}, {}, "unequal length: N 2, D 3"),
        ({"N": 1e9, "D": 1e10}, {"alpha": -0.3}, r"alpha = -0.3 is outside \[0, 5\]"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(inputs, parameters, message):
    with pytest.raises(InputError, match=message):
        evaluate_sets(CHINCHILLA, inputs, parameters)


def test_a_law_without_constants_names_the_missing_ones():
    with pytest.raises(InputError, match="beta missing"):
        evaluate_sets(laws.get("rl_reward"), {"d": 1.0}, {"alpha": 1.0})
    with pytest.raises(InputError, match="no published constants `nine`"):
        evaluate_sets(CHINCHILLA, {"N": 1e9, "D": 1e10}, {}, "nine")


@pytest.mark.parametrize("name", laws.names())
def test_every_law_has_latex(name):
    written = laws.get(name).latex()
    assert "=" in written or r"\ge" in written
    assert written.count("{") == written.count("}")


def test_a_law_that_is_no_formula_says_so():
    law = laws.get("m4")
    assert law.latex() == describe(law).latex[0]
    with pytest.raises(InputError, match="`m4` is computed by an algorithm"):
        law.sympy()


def test_an_example_tells_start_and_asymptote_apart():
    flags = dict(part.split() for part in example(laws.get("rl_compute")).split("--")[1:])
    assert float(flags["R_0"]) < float(flags["A"])
