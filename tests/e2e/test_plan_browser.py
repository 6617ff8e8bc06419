"""The page of a plan in a real browser, offline: drawn, within the screen, quiet."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from isoflop.plan.budget import read
from isoflop.plan.decide import decide
from isoflop.plan.lifetime import Serving
from isoflop.plan.question import Question
from isoflop.plan.source import surface
from isoflop.report.plan_page import write_plan

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine's PATH"),
]


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
def test_figures_are_drawn_and_fit_the_screen(path, width, scheme):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        page, noise = context.new_page(), []
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("console", lambda message: noise.append(message.text))
        page.on("requestfailed", lambda request: noise.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=60_000)
        assert page.locator(".plot .main-svg").count() >= 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert noise == []
        browser.close()
