"""The page of a replay in a real browser, offline: drawn, within the screen, quiet."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from isoflop.protocols.replay import replay
from isoflop.report.replay import write_replay

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine's PATH"),
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """The saga without its tables: two figures, and the notes that say what is missing."""
    folder = tmp_path_factory.mktemp("replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_DATA", str(folder))
        return write_replay(replay("kaplan-chinchilla", samples=20), folder / "saga.html")


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_is_drawn_within_the_screen_and_asks_for_nothing(
    chromium, page_file, width, scheme
):
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url))
    page.goto(page_file.as_uri())
    page.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=60_000)
    assert noise == [page_file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".plot svg.main-svg").count() >= 2
    assert page.locator(".flag.caution").count() == 8
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(253, 253, 251)") == (scheme == "light")
    context.close()
