"""`isoflop plan` with a law or a fit: what it prints, and what it says to wrong input."""

import json
from pathlib import Path

import numpy as np
import pytest

from isoflop.cli.main import run
from isoflop.fit import fit
from isoflop.fit.result import Fit
from isoflop.laws.chinchilla import chinchilla

TEX = ["plan", "--law", "chinchilla", "--constants", "hoffmann2022"]
H100 = ["--device", "H100", "--count", "64", "--mfu", "0.4"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> str:
    """A fit with 200 samples of 48 runs of Chinchilla's law with 0.5 % noise."""
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 3e11, 6)))
    noise = np.exp(np.random.default_rng(0).normal(0.0, 5e-3, N.size))
    loss = chinchilla(N, D, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28) * noise
    found = fit({"N": N, "D": D, "loss": loss}, "chinchilla", bootstrap=200)
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    found.save(path)
    return str(path)


@pytest.fixture
def answer(capsys):
    """Run a command and read its JSON."""

    def ask(*arguments: str, code: int = 0) -> dict:
        assert run([*arguments, "--json"]) == code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return ask


def fails(capsys, arguments: list[str], *words: str, code: int = 2):
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err, captured.err


# Acceptance ---------------------------------------------------------------------------------------
def test_gophers_budget_with_published_constants(answer):
    plan = answer(*TEX, "--budget", "5.76e23")
    assert plan["choice"]["N"] == pytest.approx(4.0361e10, rel=1e-4)
    assert plan["choice"]["D"] == pytest.approx(2.3785e12, rel=1e-4)
    assert plan["choice"]["C"] == pytest.approx(5.76e23)
    assert plan["loss"] == pytest.approx(1.9184, abs=6e-5)
    assert plan["intervals"] is None
    assert set(plan["flat"]) == {"0.1%", "1%"}
    assert plan["flat"]["0.1%"][0] < plan["choice"]["N"] < plan["flat"]["0.1%"][1]
    assert {"0.5x", "1x", "2x"} == set(plan["regret"])
    assert any("beyond the range" in warning for warning in plan["warnings"])
    assert plan["cost"]["train"]["flops"] == pytest.approx(5.76e23)
    assert "tex" in plan["constants_from"]


def test_a_fit_fills_the_intervals(answer, fitted):
    plan = answer("plan", "--fit", fitted, "--budget", "5.76e23")
    for name in ("N", "D", "loss", "tokens_per_parameter", "batch", "learning_rate", "steps"):
        low, high = plan["intervals"][name]
        point = plan["loss"] if name == "loss" else plan["choice"][name]
        assert low < point < high
    assert plan["regret"]["1x"]["loss"]["interval"][1] > 0
    assert plan["samples"] == 200
    assert all(row["N"]["interval"] for row in plan["frontier"])
    assert plan["distance"]["N"] > 1


@pytest.mark.parametrize("source", ["law", "fit"])
def test_serving_moves_to_a_smaller_model_trained_longer(answer, fitted, source):
    base = TEX if source == "law" else ["plan", "--fit", fitted]
    alone = answer(*base, "--budget", "5.76e23")
    served = answer(*base, "--budget", "5.76e23", "--serve", "2T")
    assert served["choice"]["N"] < alone["choice"]["N"]
    assert served["choice"]["D"] > alone["choice"]["D"]
    assert served["serving"]["size"] < 1 < served["serving"]["data"]
    assert served["serving"]["lifetime"] > 0
    assert served["cost"]["serve"]["flops"] == pytest.approx(2 * 2e12 * served["choice"]["N"])
    assert served["loss"] == pytest.approx(alone["loss"], rel=1e-9)
    longer = answer(*base, "--budget", "5.76e23", "--serve", "1T tokens/year for 2 years")
    assert longer["choice"]["N"] == pytest.approx(served["choice"]["N"])
    within = answer(*base, "--budget", "5.76e23", "--serve", "2T", "--lifetime")
    assert within["cost"]["total"]["flops"] == pytest.approx(5.76e23)
    assert within["loss"] > alone["loss"]


def test_unique_tokens_hardware_and_a_loss(answer, fitted):
    repeated = answer(*TEX, "--budget", "5.76e23", "--unique-tokens", "25e9")
    assert repeated["choice"]["epochs"] > 1
    assert repeated["loss"] > 1.9184
    own = answer("plan", "--fit", fitted, "--budget", "1e22", "--unique-tokens", "25e9")
    assert own["intervals"]["epochs"][0] > 1
    capped = answer(*TEX, "--budget", "1e23", "--unique-tokens", "25e9", "--max-epochs", "4")
    assert capped["choice"]["D"] <= 1e11 * (1 + 1e-9)
    hours = answer(*TEX, "--budget", "5.76e23", *H100, "--price", "2.5")
    assert hours["cost"]["train"]["device_hours"] == pytest.approx(5.76e23 / (989e12 * 0.4 * 3600))
    assert hours["cost"]["train"]["days"] == pytest.approx(
        hours["cost"]["train"]["device_hours"] / 64 / 24
    )
    assert hours["regret"]["2x"]["dollars"]["estimate"] > 0
    time = answer(*TEX, *H100, "--days", "21")
    text = answer(*TEX, "--budget", "64 H100 for 3 weeks at 40% MFU")
    assert time["choice"]["N"] == pytest.approx(text["choice"]["N"])
    cheap = answer(*TEX, "--loss", "2.1")
    assert cheap["loss"] == pytest.approx(2.1)
    back = answer(*TEX, "--budget", repr(cheap["choice"]["C"]))
    assert back["choice"]["N"] == pytest.approx(cheap["choice"]["N"], rel=1e-9)


def test_memory_latency_and_deadline_bound_the_size(answer):
    held = answer(*TEX, "--budget", "5.76e23", "--serve-on", "1 H100")
    assert held["bounds"]["max_N"]["value"] == pytest.approx(0.9 * 80e9 / 2)
    assert held["choice"]["N"] == pytest.approx(0.9 * 80e9 / 2)
    assert held["bounds"]["max_N"]["reached"]
    slow = answer(*TEX, "--budget", "5.76e23", "--serve-on", "1 H100", "--latency", "10 ms")
    assert slow["choice"]["N"] == pytest.approx(10e-3 * 3.35e12 / 2)
    late = answer(*TEX, "--budget", "5.76e23", *H100, "--deadline", "3 weeks")
    assert late["choice"]["C"] == pytest.approx(64 * 21 * 86400 * 989e12 * 0.4)
    assert any("unspent" in warning for warning in late["warnings"])


def test_energy_and_carbon_of_gpt3s_compute(answer):
    plan = answer(*TEX, "--budget", "3.15e23", "--device", "V100", "--mfu", "0.4",
                  "--precision", "fp16", "--pue", "1.1", "--intensity", "0.429")  # fmt: skip
    train = plan["cost"]["train"]
    assert train["kwh"] == pytest.approx(train["device_hours"] * 0.3 * 1.1)
    assert train["kg_co2e"] == pytest.approx(0.429 * train["kwh"])


def test_side_by_side_and_swept(answer, fitted):
    plans = answer(*TEX, "--budget", "1e24", "--compare", f"kaplan,epoch,{fitted}")["plans"]
    assert [plan["law"] for plan in plans] == [
        "chinchilla", "kaplan_optimal_parameters", "chinchilla", "chinchilla",
    ]  # fmt: skip
    assert plans[3]["intervals"]
    swept = answer(*TEX, "--sweep", "budget=1e20:1e26")
    assert len(swept["rows"]) == 13
    assert swept["over"] == "budget"
    assert "beyond the range" in swept["warnings"][0]
    losses = [row["loss"]["estimate"] for row in swept["rows"]]
    assert losses == sorted(losses, reverse=True)
    served = answer(*TEX, "--budget", "1e23", "--sweep", "serve=1e11:1e14:4")["rows"]
    sizes = [row["N"]["estimate"] for row in served]
    assert sizes == sorted(sizes, reverse=True)


def test_a_sweep_says_what_is_made_least_and_what_stays(answer, capsys):
    swept = answer(*TEX, "--loss", "2.2", "--rule", "step_law", "--sweep", "serve=1e11:1e14:4")
    assert swept["objective"] == "lowest lifetime cost (training and serving) for a loss"
    assert swept["held"] == {"loss": "2.2", "rule": "step_law"}
    counted = answer(
        "plan", "--law", "joint_moe", "--budget", "1e22", "--max-N", "20B", "--sweep", "E=1:32:6"
    )
    assert counted["held"] == {"budget": "1e22", "max_N": "20B"}
    assert run([*TEX, "--sweep", "unique_tokens=1e9:1e10:2"]) == 0
    assert "Compute-optimal run of each number of unique tokens." in capsys.readouterr().out


def test_text_says_the_numbers_and_the_warnings(capsys, fitted):
    assert run([*TEX, "--budget", "5.76e23", "--serve", "2T", *H100, "--price", "2.5"]) == 0
    out = capsys.readouterr().out
    for words in ("30.3B parameters", "warning: N lies 1.9 times", "serving", "$", "kWh", "days"):
        assert words in out
    assert run(["plan", "--fit", fitted, "--budget", "1e23"]) == 0
    assert "90 % interval" in capsys.readouterr().out
    assert run(["plan", "--budget", "1e24", "--compare", "kaplan,epoch"]) == 0
    assert "N differs by" in capsys.readouterr().out
    assert run([*TEX, "--sweep", "loss=2.6:2.0:3"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[3].startswith("2 ")
    assert "warning: D of 1 of 3 rows" in out


def test_a_plan_is_written_whole(tmp_path, capsys):
    path = tmp_path / "plan.json"
    assert run([*TEX, "--budget", "1e22", "--out", str(path)]) == 0
    assert json.loads(path.read_text())["schema"] == "isoflop.plan/1"
    assert str(path) in capsys.readouterr().err


# Wrong input --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "-1e23"], ["negative"]),
        (["--budget", "0"], ["not positive"]),
        (["--budget", "cheap"], ["cheap", "Known are"]),
        (["--budget", "64 Q100 for 3 weeks"], ["Q100", "Did you mean"]),
        (["--budget", "64 H100"], ["how much", "3 weeks"]),
        (["--budget", "1e6 $"], ["price", "--price"]),
        (["--budget", "$1M on H100"], ["price", "--price"]),
        (["--budget", "64 L40S for 3 weeks"], ["--mfu"]),
        (["--budget", "64 H100 for 3 weeks at 140% MFU"], ["140"]),
        (["--budget", "32 H100 for 1 day", "--count", "64"], ["given twice", "64", "32"]),
        (["--device", "H100", "--days", "3"], ["--count"]),
        ([], ["neither a budget nor a loss", "--unique-tokens 50B"]),
        (["--budget", "1e23", "--loss", "2"], ["budget and loss"]),
        (["--loss", "1.6"], ["cannot be reached", "1.69337", "--loss 1.73"]),
        (["--loss", "1.8", "--max-N", "1B"], ["closest", "2.05347"]),
        (["--loss", "-1"], ["not positive"]),
        (["--budget", "1e20", "--min-N", "1T", "--min-D", "1T"], ["contradict"]),
        (["--budget", "1e23", "--min-N", "2B", "--max-N", "1B"], ["No model is both"]),
        (["--budget", "1e23", "--max-epochs", "4"], ["--unique-tokens"]),
        (["--budget", "1e23", "--latency", "20 ms"], ["--serve-on"]),
        (["--budget", "1e23", "--serve", "5T tokens/year"], ["rate without a duration"]),
        (["--budget", "1e23", "--serve", "lots"], ["lots"]),
        (["--budget", "1e23", "--serve-mfu", "0.1"], ["--serve 2T"]),
        (["--budget", "1e23", "--unique-tokens", "0"], ["0 unique tokens"]),
        (["--budget", "1e23", "--serve-bits", "0"], ["0 bits"]),
        (["--budget", "1e23", "--device", "H100", "--count", "0"], ["count = 0"]),
        (["--budget", "70B tokens on H100"], ["70B tokens", "--unique-tokens", "--serve"]),
        (["--budget", "7B output tokens"], ["7B output tokens", "--serve"]),
        (["--budget", "5 kg"], ["`kg` in a budget is no unit"]),
        (["--budget", "nan"], ["`nan` is no amount"]),
        (["--budget", ""], ["no amount"]),
        (["--budget", "64 H100 for 3 weeks at -40% MFU"], ["-40% MFU", "negative"]),
        (["--budget", "1e-10"], ["no model", "larger budget"]),
        (["--loss", "1e9"], ["no model", "lower loss"]),
        (
            ["--budget", "1e22", "--serve", "1e12", "--serve-price", "-1", *H100, "--price", "2"],
            ["-1 USD"],
        ),
        (["--budget", "1e22", "--unique-tokens", "25e9", "--max-epochs", "0"], ["0 epochs of 25B"]),
        (["--budget", "1e22", "--lifetime"], ["--serve 2T"]),
        (
            ["--budget", "1e22", "--lifetime", "--serve", "1e30"],
            ["1 parameters", "serving", "2e30"],
        ),
        (["--loss", "1.5", "--serve-bits", "4"], ["its floor of 1.69337"]),
        (["--sweep", "budget=1e20:1e22", "--budget", "1e23"], ["given as well", "--budget"]),
        (["--sweep", "serve=1e9:1e12", "--budget", "1e23", "--serve", "1T"], ["given as well"]),
        (["--budget", "1e23", "--max-N", "0"], ["max_N = 0"]),
        (["--budget", "1e23", "--lifetime", "--loss", "2"], ["budget and loss"]),
        (["--loss", "2", "--lifetime"], ["--lifetime"]),
        (["--budget", "1e23", "--N", "seventy"], ["--N 70B"]),
        (["--budget", "1e23", "--N", "all"], ["--N 70B"]),
        (["--budget", "1e23", "--input", "E=8"], ["no input E"]),
        (["--budget", "1e23", "--rule", "guess"], ["step_law"]),
        (["--budget", "1e25", "--rule", "kaplan"], ["learning rate", "--rule step_law"]),
        (["--accuracy", "0.6"], ["--link"]),
        (["--budget", "1e23", "--link", "sigmoid_accuracy"], ["bits/byte", "nats/token"]),
        (["--accuracy", "1.2", "--link", "exponential_error"], ["never 1.2", "0.2411 and 1"]),
        (["--accuracy", "0.1", "--link", "exponential_error"], ["never 0.1", "0.2411 and 1"]),
        (
            ["--accuracy", "0.9", "--link", "exponential_error"],
            ["an accuracy of 0.9", "1.69337", "an accuracy of 0.4894", "--accuracy 0.48"],
        ),
        (["--sweep", "N=1:2"], ["budget=1e20:1e26"]),
        (["--budget", "1e23", "--column", "N=x"], ["--column"]),
        (["--budget", "1e23", "--compare", "no_such_law"], ["no_such_law"]),
        (["--budget", "1e23", "--out", "plan.txt"], ["plan.txt"]),
    ],
)
def test_wrong_input_is_one_clear_error(capsys, arguments, words):
    fails(capsys, [*TEX, *arguments], *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "1e23"], ["nothing to plan with"]),
        (["--law", "chinchilla", "--fit", "x", "--budget", "1e23"], ["law and fit"]),
        (["--fit", "nowhere.json", "--budget", "1e23"], ["nowhere.json"]),
        (["--law", "chinchila", "--budget", "1e23"], ["Did you mean chinchilla"]),
        (["--law", "chinchilla", "--constants", "x", "--budget", "1"], ["tex", "hoffmann2022"]),
        (["--law", "chinchilla", "--constants", "E=1.7", "--budget", "1e20", "--loss", "2"], []),
        (["--law", "kaplan_data", "--budget", "1e23"], ["parameters N and tokens D"]),
        (["--law", "joint_moe", "--budget", "1e23"], ["--input E="]),
        (["--law", "joint_moe", "--budget", "1e23", "--input", "E=0"], ["E = 0 experts"]),
        (["--law", "chinchilla", "--budget", "1e23", "--constants", "E=nan"], ["E = nan"]),
        (["--law", "chinchilla", "--budget", "1e23", "--constants", "E=-5"], ["E = -5", "0 and"]),
        (["--law", "chinchilla", "--budget", "1e23", "--constants", "A=inf"], ["A = inf"]),
        (["--law", "kaplan", "--budget", "1"], ["no model"]),
        (["--fit", ".", "--budget", "1e23"], ["isoflop fit runs.csv"]),
        (["--law", "chinchilla", "--compare", "no.json", "--budget", "1e23"], ["no.json"]),
        (["--law", "kaplan", "--loss", "2"], ["training budget"]),
        (["--law", "kaplan", "--budget", "1e23", "--serve", "1T"], ["--law chinchilla"]),
        (["--law", "E + A/N^", "--budget", "1e23"], ["^"]),
    ],
)
def test_wrong_sources(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    fails(capsys, ["plan", *arguments], *words)


def test_a_fit_has_its_own_constants(capsys, fitted, tmp_path):
    fails(capsys, ["plan", "--fit", fitted, "--constants", "tex", "--budget", "1e20"], "--law")
    other = tmp_path / "other.json"
    other.write_text('{"schema": "isoflop.fit/1"}')
    fails(capsys, ["plan", "--fit", str(other), "--budget", "1e20"], "not a fit", "other.json",
          "isoflop fit runs.csv --out")  # fmt: skip
    document = json.loads(Path(fitted).read_text())
    document["samples"]["shape"] = [250, 4]
    other.write_text(json.dumps(document))
    fails(capsys, ["plan", "--fit", str(other), "--budget", "1e20"], "(250, 4)", "5 parameters")
    document = json.loads(Path(fitted).read_text())
    del document["estimate"]["beta"]
    other.write_text(json.dumps(document))
    fails(capsys, ["plan", "--fit", str(other), "--budget", "1e20"], "no estimate of beta")


def test_runs_answer_a_budget_alone(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N,D,C,loss\n1e8,1e9,6e17,3.0\n")
    fails(capsys, ["plan", str(path), "--loss", "2"], "isoflop fit", "--loss")
    fails(capsys, ["plan", str(path)], "no --budget")
    fails(capsys, ["plan", str(path), "--budget", "1e20", "--N", "7B"], "--N")


def test_a_budget_that_training_must_keep_leaves_no_room_for_longer_training(answer):
    """At the largest compute that is allowed only one size reaches its loss."""
    kept = answer(*TEX, "--budget", "1e23", "--serve", "2T", "--max-C", "1e23")
    alone = answer(*TEX, "--budget", "1e23")
    assert kept["choice"]["N"] == pytest.approx(alone["choice"]["N"], rel=1e-5)
    assert kept["choice"]["C"] <= 1e23 * (1 + 1e-9)
    late = answer(*TEX, "--budget", "1e23", "--serve", "2T", *H100, "--deadline", "3 weeks")
    assert late["choice"]["C"] == pytest.approx(64 * 21 * 86400 * 989e12 * 0.4)
    room = answer(*TEX, "--budget", "1e23", "--serve", "2T", "--max-C", "1.01e23")
    assert room["choice"]["N"] < alone["choice"]["N"]
    assert room["choice"]["C"] == pytest.approx(1.01e23)


def test_serving_at_its_own_price_takes_the_hours_and_energy_it_takes(answer):
    """A price changes dollars, not device-hours: the arithmetic is done in the same time."""
    plan = answer(*TEX, "--loss", "2.1", "--serve", "3T input + 1T output", *H100, "--price", "2.5",
                  "--prompt-mfu", "0.5", "--serve-mfu", "0.01", "--serve-price", "2",
                  "--intensity", "0.4")  # fmt: skip
    serve, N = plan["cost"]["serve"], plan["choice"]["N"]
    hours = 2 * N * (3e12 / 0.5 + 1e12 / 0.01) / 989e12 / 3600
    assert serve["device_hours"] == pytest.approx(hours, rel=1e-12)
    assert serve["dollars"] == pytest.approx(2 * hours, rel=1e-12)
    assert serve["kwh"] == pytest.approx(0.7 * hours, rel=1e-12)
    assert serve["kg_co2e"] == pytest.approx(0.4 * 0.7 * hours, rel=1e-12)
    cheap = answer(*TEX, "--loss", "2.1", "--serve", "4T", *H100, "--price", "2.5",
                   "--serve-price", "2.5")  # fmt: skip
    assert "at the training's MFU and price" in cheap["cost"]["how"]


def test_capped_tokens_leave_parameters_that_hardly_help(answer):
    """100B tokens at most: the law still prefers any parameter to none, so say what they do."""
    options = ["--unique-tokens", "25e9", "--max-epochs", "4"]
    capped = answer(*TEX, "--budget", "1e24", *options)
    small, share = capped["flat"]["0.1%"][0], capped["flat"]["0.1%"][0] / capped["choice"]["N"]
    said = next(w for w in capped["warnings"] if "hardly help" in w)
    assert f"{100 * share:.2g} % of this plan" in said
    alone = answer(*TEX, "--N", repr(small), "--D", "1e11", "--unique-tokens", "25e9")
    assert alone["loss"] == pytest.approx(1.001 * capped["loss"], rel=1e-6)
    assert alone["choice"]["C"] == pytest.approx(share * capped["choice"]["C"])
    free = answer(*TEX, "--budget", "1e22", *options)
    assert free["flat"]["0.1%"][0] < 0.9 * free["choice"]["N"]
    enough = answer(*TEX, "--budget", "1e21", *options)
    assert not any("hardly help" in w for w in enough["warnings"])


def test_samples_whose_floor_is_too_high_need_endless_compute(answer, fitted):
    """Towards its floor a law's best N, D and C grow without end: only the upper end is open."""
    document = json.loads(Path(fitted).read_text())
    floors = Fit.load(fitted).samples[:, 0]
    target = float(np.quantile(floors, 0.8)) + 1e-4
    assert target > document["estimate"]["E"]
    plan = answer("plan", "--fit", fitted, "--loss", f"{target:.8g}")
    for name in ("N", "D", "C"):
        low, high = plan["intervals"][name]
        assert high is None
        assert 0 < low < plan["choice"][name]
    assert plan["intervals"]["tokens_per_parameter"] == [None, None]
    assert any("endless N, D and C" in w for w in plan["warnings"])
    bounded = answer("plan", "--fit", fitted, "--loss", f"{target:.8g}", "--max-N", "1e20")
    assert bounded["intervals"]["C"] == [None, None]
