"""A plan is one document: JSON both ways, and what it keeps of the question."""

import msgspec
import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.fit import fit
from isoflop.laws.resolve import resolve
from isoflop.plan.answer import Plan
from isoflop.plan.ask import ask


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("chinchilla", {"budget": 1e22, "serve": "10T", "device": "H100", "mfu": 0.4}),
        ("chinchilla", {"budget": 1e22, "unique_tokens": 25e9, "max_epochs": 4.0}),
        ("joint_moe", {"loss": 2.2, "inputs": {"E": 8.0}}),
        ("llama3", {"budget": "1e24"}),
    ],
)
def test_a_plan_survives_json(source, options):
    plan = ask(source, options.pop("budget", None), **options)
    written = msgspec.json.encode(plan)
    assert b"NaN" not in written
    assert msgspec.json.decode(written, type=Plan) == plan


def test_bounds_are_kept_and_told():
    plan = ask("chinchilla", 1e24, unique_tokens=25e9, max_epochs=4.0, min_N=1e9)
    assert plan.bounds["max_D"].value == pytest.approx(1e11)
    assert plan.bounds["max_D"].reached
    assert "4 epochs" in plan.bounds["max_D"].reason
    assert not plan.bounds["min_N"].reached


def test_a_law_by_groups_is_planned_for_one_label():
    """Runs of two optimisers; one needs twice the tokens for the same loss."""
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 1e11, 6)))
    label = np.repeat(["adam", "muon"], N.size)
    N, D = np.tile(N, 2), np.tile(D, 2)
    B = np.where(label == "adam", 410.0, 300.0)
    table = {"N": N, "D": D, "optimizer": label, "loss": 1.7 + 400 / N**0.34 + B / D**0.28}
    found = fit(table, resolve("chinchilla").by("optimizer", "B"))
    plans = {name: ask(found, 1e22, inputs={"optimizer": name}) for name in ("adam", "muon")}
    for name, scale in (("adam", 410.0), ("muon", 300.0)):
        alone = ask("chinchilla", 1e22, constants=f"E=1.7,A=400,alpha=0.34,B={scale},beta=0.28")
        assert pytest.approx(alone.choice.N, rel=1e-3) == plans[name].choice.N
    assert plans["adam"].inputs == {"optimizer": "adam"}


def test_numbers_may_be_written_as_people_do():
    written = ask("chinchilla", "1e23", N="7B", unique_tokens="25e9", max_C="1e3 PF-days",
                  device="H100", count="64", mfu="40%", price="2.5", level="0.9")  # fmt: skip
    plain = ask("chinchilla", 1e23, N=7e9, unique_tokens=25e9, max_C=8.64e22, device="H100",
                count=64, mfu=0.4, price=2.5)  # fmt: skip
    assert written.choice == plain.choice
    assert written.cost == plain.cost
    for wrong in (3, [1e22], None):
        with pytest.raises(InputError):
            ask(wrong if wrong != [1e22] else "chinchilla", wrong)
