"""The page of a plan in a real browser, offline: drawn, within the screen, quiet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from browser import MARKS, open_page

from isoflop.plan.ask import ask
from isoflop.plan.budget import read
from isoflop.plan.decide import decide
from isoflop.plan.lifetime import Serving
from isoflop.plan.question import Question
from isoflop.plan.source import surface
from isoflop.report.plan_page import write_plan

pytestmark = MARKS


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = surface("chinchilla", constants="epoch")
    rng = np.random.default_rng(0)
    point = np.array([found.constants[name] for name in found.law.parameter_names])
    found = replace(found, samples=point * np.exp(0.01 * rng.standard_normal((60, 5))))
    budget, machine = read("64 H100 for 3 weeks at 40% MFU")
    plan = decide(found, Question(budget=budget, serving=Serving(output=2e12), machine=machine))
    return write_plan([plan], tmp_path_factory.mktemp("plan") / "plan.html")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_figures_are_drawn_and_fit_the_screen(chromium, path, width, scheme):
    page = open_page(chromium, path, width, scheme)
    assert page.locator(".plot .main-svg").count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.noise == []
    page.context.close()


def test_a_long_name_of_a_law_breaks_on_a_phone(chromium, tmp_path):
    plan = ask("chinchilla", constants="muennighoff", unique_tokens=50e9)
    assert len(plan.law) > 40
    page = open_page(chromium, write_plan([plan], tmp_path / "plan.html"), 375, "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.context.close()
