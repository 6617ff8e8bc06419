"""`iso.plan(...)`: its sources, its other tables, and what `help` and a notebook show."""

import inspect
import pydoc

import numpy as np
import pytest

import isoflop as iso
from isoflop.cli.main import run
from isoflop.errors import InputError
from isoflop.laws.chinchilla import chinchilla
from isoflop.protocols import question

FORMULA = "E + A/N^alpha + B/D^beta"
VALUES = "E=1.7,A=400,B=400,alpha=0.3,beta=0.3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs, and a fit of them."""
    path = tmp_path_factory.mktemp("files")
    C, x = (z.ravel() for z in np.meshgrid((1e18, 1e19, 1e20), np.linspace(-1.5, 1.5, 7)))
    N = 0.2 * np.sqrt(C / 6) * np.exp(x)
    loss = chinchilla(N, C / 6 / N, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28)
    loss = loss * np.exp(1e-3 * np.random.default_rng(0).standard_normal(C.size))
    rows = np.stack([N, C / 6 / N, C, loss], axis=1)
    np.savetxt(path / "runs.csv", rows, delimiter=",", header="N,D,C,loss", comments="")
    found = iso.fit(iso.load(path / "runs.csv"), "chinchilla", bootstrap=50)
    found.save(path / "fit.json")
    return path


def test_a_law_or_a_fit_may_be_said_by_name(folder):
    plan = iso.plan("chinchilla", 1e22)
    assert iso.plan(law="chinchilla", budget=1e22) == plan
    fit = iso.fit.Fit.load(folder / "fit.json")
    own = iso.plan(fit, 1e22)
    for given in (folder / "fit.json", str(folder / "fit.json"), fit):
        assert iso.plan(fit=given, budget=1e22) == own
        assert iso.plan(given, 1e22) == own


def test_runs_may_be_a_path(folder):
    found = iso.plan(str(folder / "runs.csv"), 1e21)
    assert found == iso.plan(iso.load(folder / "runs.csv"), 1e21)


def test_a_law_is_a_law_even_beside_a_file_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chinchilla").write_text("x")
    assert iso.plan("chinchilla", 1e22).law == "chinchilla"
    assert iso.plan(FORMULA, 1e22, constants=VALUES).choice.N > 1e9


def test_sweeps_and_comparisons_are_those_of_the_command_line(folder, capsys):
    swept = iso.plan("chinchilla", sweep="budget=1e20:1e22:3")
    assert run(["plan", "--law", "chinchilla", "--sweep", "budget=1e20:1e22:3"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == repr(swept)
    plans = iso.plan("chinchilla", 1e24, compare="kaplan,epoch")
    assert [x.law for x in plans] == ["chinchilla", "kaplan_optimal_parameters", "chinchilla"]
    assert iso.plan(budget=1e24, compare=["kaplan", "epoch"]) == plans[1:]


def test_what_is_printed_is_what_the_command_prints(capsys):
    plan = iso.plan("chinchilla", 1e23, serve="2T")
    assert run(["plan", "--law", "chinchilla", "--budget", "1e23", "--serve", "2T"]) == 0
    # The command's budget is text, the call's a number; they are written alike.
    assert capsys.readouterr().out.rstrip("\n") == str(plan)
    assert plan._repr_html_().startswith("<pre>Train ")
    assert "<script>" not in iso.plan("chinchilla", 1e23, constants=VALUES)._repr_html_()


@pytest.mark.parametrize("verb", ["plan", "fit", "design", "report", "validate"])
def test_help_and_notebooks_show_the_function(verb):
    package = getattr(iso, verb)
    module, _, name = package.__verb__.partition(":")
    function = getattr(__import__(module, fromlist=[name]), name)
    assert inspect.signature(package) == inspect.signature(function)
    assert inspect.getdoc(package) == inspect.getdoc(function)
    first = (inspect.getdoc(function) or "").splitlines()[0]
    assert first in pydoc.plain(pydoc.render_doc(package))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"budget": 1e22}, "nothing to plan with"),
        ({"source": "chinchilla", "law": "kaplan", "budget": 1e22}, "source and law are given"),
        ({"source": "nowhere.csv", "budget": 1e22}, "nowhere.csv does not exist"),
        ({"source": "nowhere.json", "budget": 1e22}, "nowhere.json: No such file"),
        ({"fit": "nowhere.json", "budget": 1e22}, "nowhere.json: No such file"),
        ({"source": "chinchilla", "sweep": "E=1:2", "compare": "epoch"}, "two tables"),
        ({"source": 7, "budget": 1e22}, "not int"),
    ],
)
def test_wrong_sources_are_one_clear_error(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        question.plan(**arguments)


def test_runs_are_asked_for_a_budget_alone(folder):
    with pytest.raises(InputError, match="a budget alone, not sweep"):
        iso.plan(folder / "runs.csv", 1e21, sweep="budget=1e20:1e22")
