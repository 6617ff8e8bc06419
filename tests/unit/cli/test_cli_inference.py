"""`isoflop inference`: documents, text and wrong input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop.cli.main import run


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    rows = ["model,task,passed"]
    for model, alpha in (("small", 0.4), ("large", 1.2)):
        for problem, p in enumerate(np.random.default_rng(3).beta(alpha, 2.0, size=40)):
            rows += [f"{model},t{problem},{int(rng.random() < p)}" for _ in range(12)]
    place = tmp_path_factory.mktemp("attempts") / "attempts.csv"
    place.write_text("\n".join(rows) + "\n")
    return place


def ask(path, *flags):
    named = ["--column", "problem=task", "--column", "correct=passed", "--by", "model"]
    return run(["inference", str(path), *named, "--bootstrap", "100", *flags])


def document(capsys):
    return json.loads(capsys.readouterr().out)


def test_document(path, capsys):
    flags = ["--k", "1,12,100", "--cost", "small=1e12,large=1e13", "--budget", "1e14", "--json"]
    assert ask(path, *flags) == 0
    answer = document(capsys)
    assert [model["name"] for model in answer["models"]] == ["small", "large"]
    for model in answer["models"]:
        assert [point["k"] for point in model["points"]] == [1, 12, 100]
        low, high = model["points"][2]["predicted"]["interval"]
        assert 0 < low < high <= 1
    options = {option["model"]: option for option in answer["choice"]["options"]}
    assert (options["small"]["k"], options["large"]["k"]) == (100, 10)


def test_costs_in_dollars_say_their_unit(path, capsys):
    """As typed; `--unit USD` with plain numbers is the same question."""
    typed = ["--cost", "small=$0.002,large=$0.02", "--prompt-cost", "$0.001", "--budget", "$0.1"]
    plain = ["--cost", "small=0.002,large=0.02", "--prompt-cost", "0.001", "--budget", "0.1"]
    assert ask(path, *typed, "--json") == 0
    one = document(capsys)
    assert one["choice"]["unit"] == "USD"
    assert ask(path, *plain, "--unit", "USD", "--json") == 0
    assert document(capsys) == one


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--cost", "$0.002", "--budget", "1e12", "--unit", "FLOP"], "in FLOP and in USD"),
        (["--cost", "2 h", "--budget", "1"], "2 h"),
        (["--cost", "$", "--budget", "1"], "$"),
        (["--cost", "5k", "--budget", "$-1"], "$-1"),
    ],
)
def test_costs_of_no_unit(path, capsys, flags, words):
    assert ask(path, *flags) == 2
    assert words in capsys.readouterr().err


def test_text(path, capsys):
    flags = ["--reach", "0.9", "--verifier", "auc=0.8", "--cost", "1", "--budget", "5"]
    assert ask(path, "--unit", "USD", *flags) == 0
    said = capsys.readouterr().out
    for words in ("coverage (observed)", "with the verifier", "beta_unsolvable", "USD a problem"):
        assert words in said
    assert "by the stated verifier" in said


def test_published_constants(capsys):
    assert run(["inference", "--law", "coverage_power", "--reach", "0.95", "--json"]) == 0
    assert len(document(capsys)["models"]) > 10
    assert (
        run(
            ["inference", "--law", "coverage_power", "--constants", "monkeys-8b-math", "--k", "100"]
        )
        == 0
    )
    assert "83.2 %" in capsys.readouterr().out


def test_parts(capsys):
    assert run(["inference", "vote", "--p", "0.40,0.35,0.25", "--n", "11", "--json"]) == 0
    assert document(capsys)["accuracy"][0]["accuracy"] == pytest.approx(0.4933123391)
    assert (
        run(["inference", "rebase", "--rewards", "0.9,0.7,0.5,0.3", "--width", "16", "--json"]) == 0
    )
    assert document(capsys)["continuations"] == [11, 4, 1, 0]
    assert run(["inference", "exchange", "--scale", "14", "--ratio", "22", "--json"]) == 0
    assert document(capsys)["multiple"] == pytest.approx(15.7727273)
    flags = ["--scale", "14", "--trained", "1T", "--generated", "0.16T"]
    assert run(["inference", "exchange", *flags]) == 0
    assert "257.8x" in capsys.readouterr().out
    votes = ["--p", "0.35,0.40,0.25", "--n", "11", "--weights", "0.2:0.8,0.6:0.4,0.6:0.4"]
    assert run(["inference", "vote", *votes]) == 0
    assert "limit: 100 %" in capsys.readouterr().out


def test_exchange_of_two_models(path, capsys):
    named = ["--column", "problem=task", "--column", "correct=passed", "--by", "model"]
    models = ["--small", "small", "--large", "large", "--scale", "10", "--ratio", "1"]
    asked = ["inference", "exchange", str(path), *named, *models, "--bootstrap", "50"]
    assert run([*asked, "--json"]) == 0
    found = document(capsys)
    assert found["samples"] == 37
    assert found["small_accuracy"]["estimate"] > 0.4
    assert run(asked) == 0
    assert "37 samples" in capsys.readouterr().out
    assert run([*asked, "--select", "majority"]) == 2
    assert "not extrapolated" in capsys.readouterr().err
    sets = ["--small", "monkeys-8b-math", "--large", "monkeys-70b-math"]
    law = ["--law", "coverage_power", *sets, "--scale", "1.5", "--ratio", "1"]
    assert run(["inference", "exchange", *law]) == 0
    assert "even at" in capsys.readouterr().out
    assert run(["inference", "exchange", "--law", "coverage_power", *law[-4:]]) == 2
    assert "name both models" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either a table"),
        (["nowhere.csv"], "nowhere.csv"),
        (["--law", "coverage_power", "--constants", "none-such"], "none-such"),
        (["--law", "chinchilla"], "no law of coverage"),
        (["vote", "--p", "0.5,0.4", "--n", "3"], "add up to 0.9"),
        (["vote", "--p", "0.5,0.5", "--n", "1.5"], "whole positive"),
        (["vote", "--p", "0.5,0.5", "--n", "3", "--weights", "0:1,1"], "as many weights"),
        (["rebase", "--rewards", "good", "--width", "3"], "numbers joined by commas"),
        (["rebase", "--rewards", "1,2", "--width", "0"], "at least one"),
        (["exchange", "--scale", "14"], "--trained"),
        (["exchange", "--scale", "0.5", "--ratio", "1"], "must be larger"),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_wrong_input(capsys, arguments, words):
    assert run(["inference", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--verifier", "skill=0.8"], "auc, or by tpr and fpr"),
        (["--verifier", "auc=1.5"], "between 0 and 1"),
        (["--cost", "1,2"], "twice"),
        (["--cost", "1,small=2"], "mixes"),
        (["--cost", "tiny=1"], "no model `tiny`"),
        (["--cost", "small=1", "--prompt-cost", "large=1"], "no sample's"),
        (["--cost", "small=1", "--budget", "10"], "names each model once"),
        (["--cost", "5", "--budget", "1"], "buys no sample"),
        (["--cost", "5", "--budget", "10", "--select", "majority"], "answers"),
        (["--k", "0"], "whole positive"),
    ],
)
def test_wrong_questions_about_a_table(path, capsys, flags, words):
    assert ask(path, *flags) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err


def test_a_table_without_the_columns_names_those_it_has(path, capsys):
    assert run(["inference", str(path)]) == 2
    said = capsys.readouterr().err
    assert "model, task, passed" in said
    assert "--column" in said


def test_votes_weighted_by_scores_stop_at_the_attempts(tmp_path, capsys):
    """Right answers score higher: the weighted vote beats the majority, both end at 6 attempts."""
    rng = np.random.default_rng(0)
    rows = ["problem,correct,answer,score"]
    for problem in range(30):
        for _ in range(6):
            right = rng.random() < 0.35
            said = "ok" if right else f"w{rng.integers(2)}"
            rows.append(
                f"{problem},{int(right)},{said},{rng.normal(0.8 if right else 0.3, 0.1):.4f}"
            )
    path = tmp_path / "attempts.csv"
    path.write_text("\n".join(rows))
    flags = ["--k", "1,6", "--cost", "1", "--budget", "50", "--select", "weighted"]
    assert run(["inference", str(path), *flags, "--bootstrap", "50", "--json"]) == 0
    answer = document(capsys)
    one, six = answer["models"][0]["points"]
    assert one["weighted"]["estimate"] == pytest.approx(one["observed"]["estimate"])
    assert six["majority"]["estimate"] < six["weighted"]["estimate"] <= six["observed"]["estimate"]
    option = answer["choice"]["options"][0]
    assert option["k"] == 6
    assert option["accuracy"]["estimate"] == pytest.approx(six["weighted"]["estimate"])
    assert run(["inference", str(path), *flags[:2], "--bootstrap", "0"]) == 0
    assert "weighted vote" in capsys.readouterr().out
