"""Accuracy against samples, its intervals, and what to run for a budget."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import InputError
from isoflop.laws.coverage import coverage_beta, coverage_power
from isoflop.plan.sampling.answer import Inference
from isoflop.plan.sampling.choice import Cost
from isoflop.plan.sampling.power import fit_power
from isoflop.plan.sampling.verifier import Checker, Scorer

ALPHA, BETA = 0.5, 2.0


def table(problems=200, n=40, seed=0, alpha=ALPHA, beta=BETA, never=0.0):
    rng = np.random.default_rng(seed)
    p = rng.beta(alpha, beta, size=problems) * (rng.random(problems) >= never)
    return {
        "problem": [f"p{k}" for k in range(problems)],
        "n": np.full(problems, n),
        "c": rng.binomial(n, p),
    }


@pytest.fixture(scope="module")
def answer():
    return iso.inference(table(), k=(1, 10, 40, 1000), reach=0.9, bootstrap=400)


def test_observed_up_to_the_attempts_and_predicted_beyond(answer):
    points = {point.k: point for point in answer.models[0].points}
    assert points[40].observed is not None
    assert points[1000].observed is None
    for k, point in points.items():
        low, high = point.predicted.interval
        assert low < coverage_beta(float(k), alpha=ALPHA, beta=BETA) < high
    assert points[40].predicted.estimate == pytest.approx(points[40].observed.estimate, abs=0.02)


def test_coverage_rises_with_k():
    found = iso.inference(table(), k=range(1, 41), bootstrap=0)
    for name in ("observed", "predicted", "power"):
        values = [getattr(point, name).estimate for point in found.models[0].points]
        assert np.all(np.diff(values) > 0)


def test_intervals_over_problems_cover():
    """90 % intervals over 40 tables; four hits fewer than expected are 2.1 deviations."""
    hits = np.zeros(2)
    for seed in range(40):
        found = iso.inference(table(100, 20, seed), k=(10, 500), bootstrap=100, seed=seed)
        first, last = found.models[0].points
        for column, (point, name) in enumerate(((first, "observed"), (last, "predicted"))):
            low, high = getattr(point, name).interval
            hits[column] += low <= coverage_beta(float(point.k), alpha=ALPHA, beta=BETA) <= high
    assert np.all(hits >= 32), hits


def test_samples_for_a_coverage(answer):
    reach = answer.models[0].reach
    low, high = reach.interval
    k = reach.k
    assert low < k < (high or np.inf)
    again = iso.inference(table(), k=(int(k), int(k) + 2), bootstrap=0).models[0].points
    assert again[0].predicted.estimate <= 0.9 <= again[1].predicted.estimate


def test_a_coverage_that_is_not_reached_says_what_is():
    found = iso.inference(table(never=0.5, alpha=2.0), reach=0.95, bootstrap=0).models[0]
    assert found.reach.k is None
    assert 0.4 < found.reach.highest < 0.6
    assert found.families["beta_unsolvable"]["unsolvable"].estimate == pytest.approx(0.5, abs=0.1)


def test_equal_questions_have_equal_answers(answer):
    again = iso.inference(table(), k=(1, 10, 40, 1000), reach=0.9, bootstrap=400)
    assert msgspec.json.encode(again) == msgspec.json.encode(answer)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Inference) == answer


def test_verifiers_of_stated_quality_lie_between_one_sample_and_coverage():
    ks = (1, 4, 16)
    for verifier in (Scorer(auc=0.8), Checker(tpr=0.9, fpr=0.05)):
        points = iso.inference(table(), k=ks, verifier=verifier, bootstrap=0).models[0].points
        assert points[0].verified.estimate == pytest.approx(points[0].predicted.estimate, abs=1e-6)
        for point in points[1:]:
            assert points[0].predicted.estimate < point.verified.estimate
            assert point.verified.estimate < point.predicted.estimate


def test_a_perfect_checker_gives_the_closed_form_of_coverage():
    """The quadrature over success rates against the beta function, wide tails included."""
    for alpha, beta in ((0.05, 0.05), (0.3, 2.0), (3.0, 0.2)):
        found = iso.inference(
            table(300, 30, 1, alpha, beta),
            k=(1, 7, 300),
            bootstrap=0,
            verifier=Checker(tpr=1, fpr=0),
        )
        for point in found.models[0].points:
            assert point.verified.estimate == pytest.approx(point.predicted.estimate, abs=2e-4)


def test_power_law_is_recovered_from_its_own_curve():
    k = np.geomspace(1, 1000, 20)
    curve = coverage_power(k, A=1.33, B=0.43)
    found = fit_power(k, np.stack([curve, np.zeros(20)]))
    assert (found.A[0], found.B[0]) == (
        pytest.approx(1.33, rel=1e-6),
        pytest.approx(0.43, rel=1e-6),
    )
    assert np.isnan(found.A[1])


def test_published_constants_have_no_interval():
    found = iso.inference(law="coverage_power", constants=["monkeys-8b-math"], reach=0.95)
    model = found.models[0]
    assert model.points[2].predicted.estimate == pytest.approx(0.832276, abs=6e-7)
    assert model.points[2].predicted.interval is None
    assert model.reach.k == pytest.approx(1940.38, abs=6e-3)
    assert model.reach.interval is None


# What to run --------------------------------------------------------------------------------------
def two(small=0.3, large=1.0, problems=150):
    one, other = table(problems, 30, 1, alpha=small), table(problems, 30, 2, alpha=large)
    joined = {name: np.concatenate([one[name], other[name]]) for name in one}
    return joined | {"model": np.repeat(["small", "large"], problems)}


COSTS = {"small": Cost(sample=1.0), "large": Cost(sample=8.0, prompt=2.0)}


def test_choice_is_the_best_of_what_the_budget_buys():
    found = iso.inference(two(), by="model", costs=COSTS, budget=42.0, bootstrap=200)
    options = {option.model: option for option in found.choice.options}
    assert (options["small"].k, options["large"].k) == (42, 5)
    assert all(option.cost <= 42.0 for option in options.values())
    best = found.choice.options[0]
    assert best.accuracy.estimate == max(o.accuracy.estimate for o in options.values())
    assert sum(o.best_share for o in options.values()) == pytest.approx(1.0)
    points = {m.name: m.points for m in iso.inference(two(), by="model", k=(5, 42)).models}
    assert options["large"].accuracy.estimate == points["large"][0].observed.estimate
    assert options["small"].accuracy.estimate == points["small"][1].predicted.estimate


def test_frontier_never_falls_and_ends_at_the_budget():
    found = iso.inference(two(), by="model", costs=COSTS, budget=1e4, bootstrap=0)
    steps = found.choice.frontier
    assert steps[0].model == "small"
    accuracies = [step.accuracy for step in steps]
    assert accuracies == sorted(accuracies)
    assert steps[-1].budget == pytest.approx(1e4)


def test_changes_of_the_best_model_are_where_enumeration_finds_them():
    """At every whole budget: the costs are whole numbers, so nothing changes in between."""
    table = two()
    costs = {"small": Cost(sample=1.0), "large": Cost(sample=11.0)}
    found = iso.inference(table, by="model", costs=costs, budget=60.0, bootstrap=0)
    ks = list(range(1, 61))
    accuracy = {
        model.name: [(p.observed or p.predicted).estimate for p in model.points]
        for model in iso.inference(table, by="model", k=ks, bootstrap=0).models
    }
    changes = []
    for budget in range(1, 61):
        bought = {name: cost.buys(budget) for name, cost in costs.items()}
        best = max((n for n in bought if bought[n]), key=lambda n: accuracy[n][bought[n] - 1])
        if not changes or changes[-1][1] != best:
            changes.append((budget, best))
    steps = [(step.budget, step.model) for step in found.choice.frontier]
    steps = steps[:-1] if steps[-1][1] == steps[-2][1] else steps
    assert len(changes) >= 3
    assert [name for _, name in steps] == [name for _, name in changes]
    assert [budget for budget, _ in steps] == pytest.approx([b for b, _ in changes])


def test_a_number_is_the_cost_of_a_sample():
    numbers = {"small": 1.0, "large": 8.0}
    costs = {name: Cost(sample=value) for name, value in numbers.items()}
    assert iso.inference(two(), by="model", costs=numbers, budget=42.0, bootstrap=0) == (
        iso.inference(two(), by="model", costs=costs, budget=42.0, bootstrap=0)
    )


def test_votes_are_not_extrapolated():
    rows = {"problem": [], "correct": [], "answer": []}
    rng = np.random.default_rng(0)
    for problem in range(40):
        for _ in range(9):
            right = bool(rng.random() < 0.6)
            rows["problem"].append(problem)
            rows["correct"].append(right)
            rows["answer"].append("r" if right else f"w{rng.integers(3)}")
    found = iso.inference(
        rows, costs={"": Cost(sample=1.0)}, budget=100, selector="majority", k=(1, 9, 20)
    )
    assert found.choice.options[0].k == 9
    assert found.models[0].points[2].majority is None
    assert found.models[0].points[1].majority.estimate > found.models[0].points[0].majority.estimate


def test_models_with_the_same_problems_are_compared_in_pairs():
    """A model that is right once more on every problem is better in every resample."""
    base = table(60, 30, 3)
    better = base | {"c": np.minimum(base["c"] + 1, 30)}
    joined = {name: np.concatenate([base[name], better[name][::-1]]) for name in ("n", "c")}
    joined["problem"] = np.concatenate([base["problem"], base["problem"][::-1]])
    joined["model"] = np.repeat(["base", "better"], 60)
    found = iso.inference(joined, by="model", costs={"": Cost(sample=1.0)}, budget=5)
    assert found.choice.options[0].model == "better"
    assert found.choice.options[0].best_share == 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": ()}, "whole numbers"),
        ({"k": (0,)}, "whole numbers"),
        ({"reach": 1.0}, "between 0 and 1"),
        ({"bootstrap": -1}, "at least none"),
        ({"law": "coverage_power"}, "either a table"),
        ({"budget": 10.0}, "no model"),
        ({"budget": 0.5, "costs": {"": Cost(sample=1.0)}}, "buys no sample"),
        ({"budget": float("nan"), "costs": {"": Cost(sample=1.0)}}, "buys no sample"),
        ({"budget": 5.0, "costs": {"": Cost(sample=1.0)}, "selector": "majority"}, "answers"),
        ({"budget": 5.0, "costs": {"": Cost(sample=1.0)}, "selector": "verifier"}, "no verifier"),
        ({"costs": {"large": Cost(sample=1.0)}}, "no model `large`"),
    ],
)
def test_bad_questions(options, words):
    with pytest.raises(InputError, match=words):
        iso.inference(table(30, 5), **({"bootstrap": 0} | options))


def test_bad_laws_and_costs():
    with pytest.raises(InputError, match="no law of coverage"):
        iso.inference(law="chinchilla")
    with pytest.raises(InputError, match="no published constants"):
        iso.inference(law="coverage_beta")
    with pytest.raises(InputError, match="either a table"):
        iso.inference()
    with pytest.raises(InputError, match="costs more than nothing"):
        Cost(sample=0.0)


def test_tables_that_say_little_are_warned_of():
    nothing = iso.inference({"problem": ["a", "b"], "n": [5, 5], "c": [0, 0]}, bootstrap=20)
    said = " ".join(nothing.warnings)
    assert "0 of 10 attempts succeeded" in said
    assert "2 problems are few" in said
    assert nothing.models[0].points[0].observed.estimate == 0.0
    assert nothing.models[0].points[0].predicted is None
    far = iso.inference(table(), k=(10_000,), bootstrap=0)
    assert "250x the attempts" in " ".join(far.warnings)
