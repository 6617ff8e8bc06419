"""The page of a replay in a real browser, offline: drawn, within the screen, quiet."""

from __future__ import annotations

import pytest
from browser import MARKS, open_page

from isoflop.protocols.replay import replay
from isoflop.report.replay import write_replay

pytestmark = MARKS


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """The saga without its tables: two figures, and the notes that say what is missing."""
    folder = tmp_path_factory.mktemp("replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_DATA", str(folder))
        return write_replay(replay("kaplan-chinchilla", samples=20), folder / "saga.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_is_drawn_within_the_screen_and_asks_for_nothing(
    chromium, page_file, width, scheme
):
    page = open_page(chromium, page_file, width, scheme)
    assert page.noise == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".plot svg.main-svg").count() >= 2
    assert page.locator(".flag.caution").count() == 8
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(253, 253, 251)") == (scheme == "light")
    page.context.close()
