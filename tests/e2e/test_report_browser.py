"""The report in a real browser, offline: drawn, within the screen, in both schemes, quiet."""

import json
import re

import pytest
import synthetic_study
from browser import MARKS, open_page, until

from isoflop.report import write_report
from isoflop.units import format_count, format_loss

WIDTHS = (375, 1280)

pytestmark = MARKS


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {
        name: write_report(getattr(synthetic_study, name)(), folder / f"{name}.html")
        for name in ("study", "troubled", "empty")
    }


@pytest.fixture(scope="module")
def look(chromium, reports):
    """Pages that tests only look at, opened once each."""
    pages = {}

    def find(name="study", width=1280, scheme="light"):
        wanted = (name, width, scheme)
        if wanted not in pages:
            pages[wanted] = open_page(chromium, reports[name], width, scheme)
        return pages[wanted]

    yield find
    for page in pages.values():
        page.context.close()


@pytest.fixture
def touch(chromium, reports):
    """A page of its own, for a test that changes it."""
    pages = []

    def find(name="study", width=1280, scheme="light"):
        pages.append(open_page(chromium, reports[name], width, scheme))
        return pages[-1]

    yield find
    for page in pages:
        page.context.close()


def drawings(page):
    """Size and number of marks of every figure."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.plot')].map(plot => {
            const box = plot.querySelector('svg.main-svg').getBoundingClientRect();
            return {width: box.width, height: box.height, right: box.right,
                    marks: plot.querySelectorAll('.trace path, .trace use').length,
                    boxed: plot.getBoundingClientRect().right};
        })"""
    )


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def colours(page):
    """Background of the page, colours of the text in its figures, and of its own text."""
    return page.evaluate(
        """() => {
            const style = element => getComputedStyle(element);
            const texts = [...document.querySelectorAll('.plot text')];
            return {background: style(document.body).backgroundColor,
                    figure: [...new Set(texts.map(text => style(text).fill))],
                    text: style(document.body).color};
        }"""
    )


def luminance(colour):
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["study", "troubled", "empty"])
@pytest.mark.parametrize("width", WIDTHS)
def test_quiet_and_no_wider_than_the_screen(look, name, width):
    page = look(name, width)
    assert overflow(page) <= 0
    page.mouse.wheel(0, 4000)
    until(page, "window.scrollY > 0 || document.documentElement.scrollHeight <= innerHeight")
    assert page.noise == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_is_drawn_inside_its_box(look, width):
    found = drawings(look(width=width))
    assert len(found) == 9
    for drawing in found:
        assert drawing["width"] >= min(250, 0.6 * width)
        assert drawing["height"] >= 200
        assert drawing["marks"] > 3
        assert drawing["right"] <= drawing["boxed"] + 1 <= width + 1


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_a_figure_is_cut_off(look, width):
    cut = look(width=width).evaluate(
        """() => [...document.querySelectorAll('.plot')].flatMap(plot => {
            const box = plot.getBoundingClientRect();
            return [...plot.querySelectorAll('text')].filter(text => {
                const inner = text.getBoundingClientRect();
                return inner.width && (inner.left < box.left - 1 || inner.right > box.right + 1
                    || inner.top < box.top - 1 || inner.bottom > box.bottom + 1);
            }).map(text => text.textContent);
        })"""
    )
    assert cut == []


def test_tick_labels_do_not_overlap_on_a_phone(look):
    overlapping = look(width=375).evaluate(
        """() => [...document.querySelectorAll('.plot')].flatMap(plot => {
            const boxes = [...plot.querySelectorAll('.xtick text')]
                .map(text => text.getBoundingClientRect()).sort((a, b) => a.left - b.left);
            return boxes.slice(1).filter((box, k) => box.left < boxes[k].right);
        })"""
    )
    assert overlapping == []


def test_headings_are_there_and_in_order(look):
    page = look()
    assert page.locator("h1").all_inner_texts() == [synthetic_study.study().question]
    assert page.locator("h2").all_inner_texts() == [
        "Answer",
        "Figures",
        "Three approaches side by side",
        "What the study found out about itself",
        "Runs",
        "Conventions",
        "Provenance",
    ]
    assert page.title() == synthetic_study.study().question


def test_numbers_of_the_answer_are_the_documents(look):
    page, plan = look(), synthetic_study.study().plan
    shown = page.evaluate(
        """() => [...document.querySelectorAll('data')]
            .map(data => [data.dataset.symbol, data.value, data.innerText])"""
    )
    assert [(symbol, float(value), text) for symbol, value, text in shown[:3]] == [
        ("N*", plan.N.estimate, format_count(plan.N.estimate)),
        ("D*", plan.D.estimate, format_count(plan.D.estimate)),
        ("L", plan.loss.estimate, format_loss(plan.loss.estimate)),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_scheme_and_can_be_read(look, scheme):
    page = look(scheme=scheme)
    found = colours(page)
    assert (luminance(found["background"]) < 0.05) == (scheme == "dark")
    assert contrast(found["text"], found["background"]) > 12
    assert len(found["figure"]) >= 5
    for colour in found["figure"]:
        assert contrast(colour, found["background"]) >= 3, colour
    assert page.noise == []


def test_figures_follow_when_the_scheme_changes(touch):
    page = touch(scheme="light")
    light = colours(page)["figure"]
    page.emulate_media(color_scheme="dark")
    until(page, "getComputedStyle(document.body).backgroundColor === 'rgb(21, 23, 27)'")
    changed = "![...document.querySelectorAll('.plot text')]"
    changed += f".some(text => {json.dumps(light)}.includes(getComputedStyle(text).fill))"
    until(page, changed)
    found = colours(page)
    assert min(contrast(c, found["background"]) for c in found["figure"]) >= 3
    assert page.noise == []


def test_figures_follow_the_width(touch):
    page = touch(width=1280)
    page.set_viewport_size({"width": 375, "height": 900})
    until(
        page,
        "[...document.querySelectorAll('.plot svg.main-svg')]"
        ".every(svg => svg.getBoundingClientRect().width <= 375)",
    )
    assert overflow(page) <= 0
    assert page.noise == []


def test_paper_is_light_and_figures_fit_on_it(touch):
    page = touch(scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    widest = "Math.max(...[...document.querySelectorAll('.plot svg.main-svg')]"
    widest += ".map(svg => svg.getBoundingClientRect().width))"
    until(page, f"{widest} <= 680")
    found = colours(page)
    assert all(contrast(c, "rgb(255, 255, 255)") >= 3 for c in found["figure"])
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    until(page, f"{widest} > 680")
    assert page.noise == []


def test_run_table_sorts_by_a_heading(touch):
    page = touch()
    column = page.locator(".sortable th").all_inner_texts().index("loss\nnats/token")
    losses = sorted(synthetic_study.study().table["loss"])
    button = page.locator(".sortable th").nth(column).get_by_role("button")
    for expected in (losses, losses[::-1]):
        button.click()
        cells = page.locator(f".sortable tbody td:nth-child({column + 1})")
        shown = [float(c.get_attribute("data-value") or "nan") for c in cells.all()]
        assert shown == expected
    assert page.locator(".sortable th[aria-sort=descending]").count() == 1


def test_a_figure_answers_the_pointer(touch):
    page = touch()
    plot = page.locator("#figure-parabolas .plot")
    plot.scroll_into_view_if_needed()
    plot.locator(".scatterlayer .points path").nth(2).hover(force=True)
    page.wait_for_selector("#figure-parabolas .hoverlayer .hovertext")
    assert "nats/token" in page.locator("#figure-parabolas .hovertext").first.text_content()
    assert page.noise == []


def test_without_scripts_the_numbers_are_still_there(chromium, reports):
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(reports["study"].as_uri())
    assert page.locator("noscript").is_visible()
    assert "574k" in page.locator("#answer").inner_text()
    context.close()
