"""Replays without data, their scripts, and the optimiser that stops early."""

from __future__ import annotations

from importlib import import_module

import msgspec
import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.protocols import replay as package
from isoflop.protocols.replay import Replay, names, replay
from isoflop.protocols.replay.descent import bfgs
from isoflop.protocols.replay.part import Found
from isoflop.protocols.replay.script import ScriptStep, script
from isoflop.runs import public


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """The saga where no table is to be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_DATA", str(tmp_path_factory.mktemp("empty")))
        return replay("kaplan-chinchilla", samples=20)


def test_steps_without_their_table_say_what_to_do(without):
    missing = [step for step in without.steps if step.missing]
    computed = [step for step in without.steps if step.computed is not None]
    assert len(missing) + len(computed) == len(without.steps)
    for step in missing:
        assert step.agrees is None
        assert "ISOFLOP_DATA" in step.missing
        assert "isoflop data show" in step.missing
    assert {step.name.split(".")[0] for step in computed} == {
        "kaplan",
        "pearce",
        "bias",
        "rounded",
        "tex",
    }
    assert not without.surprises
    assert without.sources == {}


def test_a_missing_table_is_looked_for_once(monkeypatch, tmp_path):
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    told: list[str] = []
    replay("gadre-overtraining", tell=told.append)
    assert told == ["gadre-overtraining"]


def test_a_replay_is_a_document(without):
    again = msgspec.json.decode(msgspec.json.encode(without), type=Replay)
    assert again == without


@pytest.mark.parametrize("name", names())
def test_scripts_and_code_have_the_same_parts(name):
    written = script(name)
    code = import_module(f"{package.__name__}.{written.module}").PARTS
    assert [part.name for part in written.parts] == sorted(
        code, key=[p.name for p in written.parts].index
    )
    every = [step.name for part in written.parts for step in part.steps]
    assert len(set(every)) == len(every)
    assert {table for part in written.parts for table in part.data} <= set(public.names())
    for part in written.parts:
        for step in part.steps:
            rules = [step.interval is not None, step.within is not None, step.own]
            assert sum(rules) == (step.published is not None), step.name
            assert step.source or step.published is None, step.name


def test_unknown_names_and_levels_are_refused():
    with pytest.raises(InputError, match="kaplan-chinchilla"):
        replay("kaplan")
    with pytest.raises(InputError, match="level"):
        replay(level=1.5)


# What agreement is --------------------------------------------------------------------------------
def step(**rules):
    return ScriptStep(name="x", title="x", text="x", **rules)


@pytest.mark.parametrize(
    ("rules", "value", "agrees"),
    [
        ({"published": 1.0, "within": 0.1}, 1.09, True),
        ({"published": 1.0, "within": 0.1}, 1.11, False),
        ({"published": 1.0, "interval": (0.5, 1.2)}, 0.6, True),
        ({"published": 1.0, "interval": (0.5, 1.2)}, 1.3, False),
        ({"published": 1.0, "own": True}, 1.4, True),
        ({"published": 2.0, "own": True}, 1.4, False),
        ({}, 1.0, None),
    ],
)
def test_agreement(rules, value, agrees):
    filled = step(**rules).filled(Found(value, (1.3, 1.4), (0.9, 1.5)))
    assert filled.agrees is agrees
    assert filled.surprising is (agrees is False)


def test_a_published_number_without_a_rule_is_an_error():
    with pytest.raises(InputError, match="what agreement is"):
        step(published=1.0).filled(Found(1.0))


def test_nothing_computed_agrees_with_nothing():
    filled = step(published=1.0, within=0.1).filled(None, "no table")
    assert (filled.computed, filled.agrees, filled.missing) == (None, None, "no table")


# The optimiser ------------------------------------------------------------------------------------
def rosenbrock(x):
    value = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    inner = x[1] - x[0] ** 2
    return value, np.array([-400 * x[0] * inner - 2 * (1 - x[0]), 200 * inner])


def test_bfgs_finds_a_minimum():
    found = bfgs(rosenbrock, np.array([-1.2, 1.0]))
    np.testing.assert_allclose(found.path[-1], [1.0, 1.0], atol=1e-4)
    assert found.gradient <= 1e-5
    assert all(b <= a for a, b in zip(found.values, found.values[1:], strict=False))


def test_bfgs_stops_early_on_a_divided_objective():
    def divided(x):
        value, slope = rosenbrock(x)
        return value / 1e6, slope / 1e6

    near = bfgs(rosenbrock, np.array([-1.2, 1.0])).path[-1]
    early = bfgs(divided, np.array([-1.2, 1.0])).path[-1]
    assert np.linalg.norm(early - 1) > 100 * np.linalg.norm(near - 1)
