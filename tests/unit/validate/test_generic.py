"""Where no law is named: general forms, and a choice among them that predicts."""

import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import InputError
from isoflop.laws import get
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.validate.generic import generic, numeric
from isoflop.validate.scores import r_squared

RNG = np.random.default_rng(0)


def grid(**values):
    meshed = np.meshgrid(*values.values(), indexing="ij")
    return {name: x.ravel() for name, x in zip(values, meshed, strict=True)}


def mixture_of_experts():
    c = grid(params=np.geomspace(1e7, 1e9, 7), experts=2.0 ** np.arange(8))
    c["loss"] = np.exp(
        2.6
        - 0.08 * np.log(c["params"])
        - 0.1 * np.log(c["experts"])
        + 0.004 * np.log(c["params"]) * np.log(c["experts"])
    )
    return c, c["params"] > 4e8, {"along": "params"}


def rate_and_batch():
    """The step law: a bowl in ln lr and ln batch whose bottom moves with N and D."""
    n = 220
    N, D = RNG.choice([6e7, 2e8, 5e8, 1e9], n), RNG.choice([2e9, 4e9, 8e9, 2e10], n)
    lr, batch = 2.0 ** RNG.uniform(-12, -7, n), 2.0 ** RNG.uniform(15, 21, n)
    best = get("step_law_learning_rate"), get("step_law_batch")
    off_lr = np.log(lr / best[0](N, D, **best[0].constants("li2025")))
    off_batch = np.log(batch / best[1](D, **best[1].constants("li2025")))
    loss = 1.8 + 406 / N**0.34 + 410 / D**0.28 + 0.03 * off_lr**2 + 0.02 * off_batch**2
    named = {"size": N, "text": D, "rate": lr, "bsz": batch, "loss": loss}
    return named, D > 1e10, {"along": "text"}


def repeated_data():
    c = grid(N=np.geomspace(1e7, 3e9, 6), D=np.geomspace(1e8, 1e11, 6), U=[1e8, 1e9, 1e10])
    c = {name: x[c["D"] >= c["U"]] for name, x in c.items()}
    law = resolve("chinchilla[D=repeated_tokens]")
    known = {"E": 1.87, "A": 521.0, "alpha": 0.35, "B": 1488.0, "beta": 0.35, "R_D": 15.4}
    c["loss"] = np.asarray(law(c["N"], c["D"], c["U"], **known))
    return c, c["N"] > 1e9, {"along": "N"}


def vocabulary():
    """Losses below zero, as those normalised by a unigram model are."""
    c = grid(N=np.geomspace(3e7, 1e9, 6), V=np.geomspace(4e3, 1e5, 8), D=np.geomspace(1e8, 1e11, 8))
    c["loss"] = -6 + 80 / c["N"] ** 0.3 + 30 * c["V"] ** 0.1 / c["D"] ** 0.2
    return c, c["V"] > 6e4, {"along": "V"}


def parallel():
    c = grid(num_params=np.geomspace(5e8, 4.5e9, 6), streams=[1.0, 2.0, 4.0, 8.0])
    c["loss"] = 1 + (1.9e8 / (c["num_params"] * (0.35 * np.log(c["streams"]) + 1))) ** 0.2
    return c, c["streams"] == 8, {"along": "streams"}


def mixture():
    shares = RNG.dirichlet(np.ones(4), 60)
    loss = 2.2 + np.exp(0.3 + shares @ [-1, -0.4, 0.2, 0.8])
    c = {f"web {i}": shares[:, i] for i in range(4)}
    return c | {"loss": loss}, np.arange(60) > 45, {"folds": "random"}


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (mixture_of_experts, 0.97),
        pytest.param(rate_and_batch, 0.99, marks=pytest.mark.slow),
        pytest.param(repeated_data, 0.95, marks=pytest.mark.slow),
        pytest.param(vocabulary, 0.99, marks=pytest.mark.slow),
        (parallel, 0.99),
        (mixture, 0.99),
    ],
)
def test_general_forms_predict_tasks_in_other_variables(make, least):
    """0.3 % noise; R2 of test rows by the benchmark's definition."""
    columns, held, how = make()
    inputs = [name for name in columns if name != "loss"]
    noise = 0.003 * np.std(columns["loss"]) * RNG.standard_normal(len(held))
    table = RunTable.from_columns({**columns, "loss": columns["loss"] + noise})
    found = iso.select(table.where(~held), inputs=inputs, noise="raw-squared", **how)
    test = table.where(held)
    assert r_squared(test["loss"][:, None], found.predict(test)) > least


def test_inputs_that_are_logarithms_already_have_sizes():
    """Sizes 18, 18.2, ... differ by a percent each and would be taken for one."""
    x = np.linspace(18, 22, 21)
    table = {"log_flops": x, "loss": 0.2 + 0.03 * (x - 20.5) ** 2}
    found = iso.select(table, inputs=["log_flops"], along="log_flops")
    assert found.chosen == "c0 + k0*log(log_flops/20) + q0*log(log_flops/20)^2"
    assert found.parts == 3


def test_too_few_sizes_are_told_with_their_number():
    c, _, _ = repeated_data()
    table = {name: x[c["U"] < 1e10] for name, x in c.items()}
    with pytest.raises(InputError, match=r"`U` has 2 sizes"):
        iso.select(table, inputs=["N", "D", "U"], along="U")


def test_forms_follow_what_the_inputs_are():
    c, _, _ = repeated_data()
    rows = RunTable.from_columns(c)
    names = [law.name for law in generic(rows, ["N", "D", "U"], smallest=len(rows))]
    assert {"chinchilla", "chinchilla[D=repeated_tokens]"} <= set(names)
    assert len(names) == len(set(names))
    few = generic(rows, ["N", "D", "U"], smallest=10)
    assert few
    assert all(len(law.parameters) <= 5 for law in few)
    signed = RunTable.from_columns({"x": np.linspace(-1, 1, 9), "loss": np.arange(9.0)})
    assert [law.name for law in generic(signed, ["x"], smallest=9)] == [
        "c0 + t0*x",
        "c0 + t0*x + v0*x^2",
    ]


def test_every_number_that_varies_is_an_input_unless_some_are_named():
    rows = RunTable.from_columns(
        {
            "a": np.arange(3.0) + 1,
            "same": np.ones(3),
            "seed": np.arange(3.0),
            "kind": np.array(["x", "y", "z"], dtype=object),
            "loss": np.arange(3.0),
        }
    )
    assert numeric(rows, {"loss", ""}) == ("a",)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (["kind"], "is text"),
        (["same"], "does not vary"),
        (["A0"], "is also what general forms call"),
        ([f"x{i}" for i in range(7)], "7 inputs"),
    ],
)
def test_inputs_that_cannot_be_used_are_told(inputs, said):
    many = {f"x{i}": RNG.uniform(1, 9, 30) for i in range(7)}
    kind = np.array(["a", "b"] * 15, dtype=object)
    rows = RunTable.from_columns(
        {"kind": kind, "same": np.ones(30), "A0": np.arange(30.0) + 1, **many}
    )
    with pytest.raises(InputError, match=said):
        generic(rows, inputs, smallest=30)
