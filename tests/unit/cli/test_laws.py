"""`isoflop laws` and `isoflop cite`."""

from __future__ import annotations

import json
import math
import shlex

import pytest

from isoflop import laws
from isoflop.cli.cite import command as cite
from isoflop.cli.laws import command
from isoflop.errors import InputError


def run(verb, capsys, *arguments):
    code = verb.main(args=list(arguments), prog_name="isoflop", standalone_mode=False)
    return code, capsys.readouterr().out


def test_laws_are_listed_by_question(capsys):
    code, text = run(command, capsys)
    assert code == 0
    for question in ("How does loss depend on N and D?", "What does repetition cost?"):
        assert question in text.splitlines()
    listed = {line.split()[0] for line in text.splitlines() if line.startswith("  ")}
    assert listed == set(laws.names())
    assert max(map(len, text.splitlines())) <= 100


def test_list_as_json(capsys):
    _, text = run(command, capsys, "--json")
    rows = {row["name"]: row for row in json.loads(text)}
    assert rows.keys() == set(laws.names())
    assert rows["chinchilla"]["formula"] == "E + A / N**alpha + B / D**beta"
    assert rows["chinchilla"]["published"][0] == "tex"


def test_show_says_all_that_is_asked_of_it(capsys):
    _, text = run(command, capsys, "show", "chinchilla")
    for part in (
        "Hoffmann et al. 2022 (arXiv:2203.15556), Eq. 10",
        r"L(N, D) = E + A N^{-\alpha} + B D^{-\beta}",
        "loss, nats/token",
        "alpha  exponent     0 to 5",
        f"A = {laws.get('chinchilla').constants('tex')['A']!r}",
        "fitted on N 44M to 16.2B, D 5B to 500B",
        "reproduced",
        "When it is wrong",
        "isoflop laws show chinchilla --N",
        "isoflop cite chinchilla",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 100


def test_constants_are_shown_in_full(capsys):
    _, text = run(command, capsys, "show", "bnsl")
    for name, value in laws.get("bnsl").constants("addition").items():
        assert f"{name} = {value!r}" in text


def test_show_one_set(capsys):
    _, text = run(command, capsys, "show", "chinchilla", "--set", "epoch")
    assert "2085.43" in text
    assert "406.4" not in text


@pytest.mark.parametrize("name", laws.names())
def test_every_law_is_shown_and_its_example_runs(name, capsys):
    _, text = run(command, capsys, "show", name)
    lines = text.splitlines()
    example = shlex.split(lines[lines.index("Example") + 1])
    assert example[:2] == ["isoflop", "laws"]
    code, out = run(command, capsys, *example[2:], "--json")
    values = json.loads(out)["values"]
    assert code == 0
    assert [x["constants_from"] for x in values] == (list(laws.get(name).published) or ["given"])
    assert all(math.isfinite(v) for x in values for v in x["values"])


def test_values_for_each_published_set(capsys):
    _, text = run(command, capsys, "show", "chinchilla", "--N", "70B", "--D", "1.4T")
    law = laws.get("chinchilla")
    for name in law.published:
        loss = law(70e9, 1.4e12, **law.constants(name))
        assert f"{loss:.7g}" in next(x for x in text.splitlines() if f"  {name}  " in x)
    assert "beyond the fitted N, D" in text
    assert "corpus" in text.splitlines()[-1]  # losses of two corpora are not compared


def test_lists_parameters_and_flops_as_people_write_them(capsys):
    flags = ["--N", "7B,70B", "--D", "140B", "--set", "tex", "--E", "0", "--json"]
    _, text = run(command, capsys, "show", "chinchilla", *flags)
    found = json.loads(text)
    assert found["inputs"] == {"N": [7e9, 70e9], "D": [140e9]}
    (values,) = found["values"]
    assert values["constants"]["E"] == 0.0
    assert values["outside"] == [[], ["N"]]
    assert len(values["values"]) == 2
    _, text = run(command, capsys, "show", "deepseek_batch", "--C", "1 PF-day", "--json")
    assert json.loads(text)["inputs"]["C"] == [8.64e19]


def test_rows_of_a_schedule_are_its_steps(capsys):
    flags = ["--eta", "3e-4,3e-4,1e-4", "--S_W", "0.3", "--set", "25M", "--json"]
    _, text = run(command, capsys, "show", "multi_power", *flags)
    (values,) = json.loads(text)["values"]
    assert len(values["values"]) == 3


def test_a_law_without_constants_takes_them_as_flags(capsys):
    _, text = run(command, capsys, "show", "rl_reward", "--d", "2", "--alpha", "1", "--beta", ".3")
    assert "1.584112" in text
    assert "given" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "chinchila"], "Did you mean chinchilla"),
        (["show", "chinchilla", "--N", "70B"], "D missing"),
        (["show", "chinchilla", "--N", "70 blue", "--D", "1T"], "blue"),
        (["show", "chinchilla", "--set", "nine"], "no published constants `nine`"),
        (["show", "rl_reward", "--d", "2"], "alpha, beta missing"),
    ],
)
def test_mistakes_are_explained(arguments, message, capsys):
    with pytest.raises(InputError, match=message):
        run(command, capsys, *arguments)


def test_help_lists_the_flags_of_a_law(capsys):
    _, text = run(command, capsys, "show", "chinchilla", "--help")
    for flag in ("--N", "--D", "--alpha", "--set", "--json"):
        assert flag in text
    _, text = run(command, capsys, "show", "--help")
    assert "chinchilla" in text


def test_cite(capsys):
    _, text = run(cite, capsys, "chinchilla", "hoffmann2022")
    assert text.count("@misc{hoffmann2022,") == 1
    assert "@misc{besiroglu2024," in text
    _, text = run(cite, capsys, "rl_reward", "--json")
    (paper,) = json.loads(text)
    assert paper["key"] == "gao2022"
    assert paper["paper"]["arxiv"] == "2210.10760"
    _, text = run(cite, capsys, "--all")
    assert text.count("@misc{") > 30


def test_cite_refuses(capsys):
    with pytest.raises(InputError, match="which law"):
        run(cite, capsys)
    with pytest.raises(InputError, match="definition"):
        run(cite, capsys, "bits_per_byte")
    with pytest.raises(InputError, match="no law is named"):
        run(cite, capsys, "nothing")


def test_a_point_outside_a_laws_domain_is_said_in_words(capsys, recwarn):
    point = ("--N", "1e9", "--D", "1e9", "--S", "5")
    assert "undefined" in run(command, capsys, "show", "abnar", *point)[1]
    point = ("--N", "0", "--D", "1T")
    assert "infinite" in run(command, capsys, "show", "chinchilla", *point)[1]
    assert not recwarn.list
