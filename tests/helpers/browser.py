"""A real browser for the tests of pages: Debian's Chromium, offline, patient, listening."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: Milliseconds; only against hanging: a busy machine draws many times as slowly.
PATIENCE = 240_000

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine's PATH"),
]


def open_page(chromium: Any, path: Path, width: int, scheme: str) -> Any:
    """Open a page and wait for its figures.

    Whatever the page complains about or asks for, beside itself, lands in `page.noise`.
    """
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    noise = page.noise = []
    page.on("console", lambda message: noise.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: noise.append(f"error: {error}"))
    page.on("dialog", lambda dialog: noise.append(f"dialog: {dialog.message}"))
    page.on("requestfailed", lambda request: noise.append(f"failed: {request.url}"))
    page.on("request", lambda request: noise.append(f"asked: {request.url}"))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-figures=drawn]", state="attached")
    assert noise.pop(0) == f"asked: {path.as_uri()}"  # the file itself, and nothing else
    return page


def until(page: Any, expression: str) -> None:
    """Wait for a JavaScript expression. (Playwright's own wait needs eval, which the page bars.)"""
    for _ in range(PATIENCE // 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")
