"""A replay as a page and as text: self-contained, escaped, and honest about what is missing."""

from __future__ import annotations

import re

import msgspec
import pytest

from isoflop.protocols.replay import replay
from isoflop.protocols.replay.result import Axis, Picture, Series
from isoflop.report.figures.picture import draw
from isoflop.report.replay import facts, render_replay, replay_text, tally, verdict, write_replay

pytest.importorskip("plotly")
pytest.importorskip("jinja2")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The saga where no public table is to be had: a third of its steps are computed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_DATA", str(tmp_path_factory.mktemp("empty")))
        return replay("kaplan-chinchilla", samples=20)


@pytest.fixture(scope="module")
def page(result):
    return render_replay(result)


def without_script(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_the_page_needs_nothing_but_itself(page):
    assert not re.search(r"(src|href)=\"(?!#|data:)", without_script(page))
    assert "default-src 'none'" in page


def test_every_part_and_step_is_on_the_page(page, result):
    for part in result.parts:
        assert f'<section id="{part.name}"' in page
    for step in result.steps:
        assert page.count(f'id="step-{step.name.replace(".", "-")}"') == 1


def test_what_is_missing_is_said_once_a_part(page, result):
    lacking = [part for part in result.parts if part.missing]
    assert len(lacking) == 8
    assert page.count("Not computed here:") == len(lacking)
    assert "ISOFLOP_DATA" in page


def test_figures_are_numbered_in_order(page, result):
    found = re.findall(r"<b>Figure (\d+)\.</b>", page)
    assert found == [str(k) for k in range(1, len(result.pictures) + 1)]
    assert len(result.pictures) == 2  # those that need no data


def test_text_is_escaped(result):
    bad = '<img src=x onerror="alert(1)">'
    step = msgspec.structs.replace(result.parts[0].steps[0], title=bad, text=bad)
    picture = Picture(
        name="x",
        title=bad,
        caption=bad,
        x=Axis(title=bad, kind="category", labels=(bad,)),
        y=Axis(title=bad),
        series=(Series(name=bad, role="accent", x=(0.0,), y=(1.0,), mode="markers"),),
    )
    part = msgspec.structs.replace(result.parts[0], steps=(step,), pictures=(picture,))
    page = render_replay(msgspec.structs.replace(result, title=bad, parts=(part,)))
    assert "<img" not in without_script(page)


def test_words_of_a_label_stay_whole_and_sizes_start_at_zero():
    figure = draw(
        Picture(
            name="x",
            title="t",
            caption="c",
            x=Axis(title="", kind="category", labels=("as Kaplan", "RefinedWeb")),
            y=Axis(title="error, %", kind="from zero"),
            series=(Series(name="", role="accent", x=(0.0, 1.0), y=(4.0, 1.0), mode="markers"),),
        )
    )
    assert list(figure.layout.xaxis.ticktext) == ["as<br>Kaplan", "RefinedWeb"]
    assert figure.layout.yaxis.range[0] <= 0


def test_a_leading_picture_comes_first(result):
    leading = msgspec.structs.replace(result, leading="bias")
    page = render_replay(leading)
    assert page.index('id="figure-bias"') < page.index('id="kaplan"')
    assert page.count('id="figure-bias"') == 1


def test_text_for_a_terminal(result):
    text = replay_text(result)
    assert max(map(len, text.splitlines())) <= 96
    assert "Kaplan's own constants" in text
    assert "46 steps could not be computed here" in " ".join(text.split())
    assert all(c.isprintable() or c == "\n" for c in text)


def test_verdicts_and_facts(result):
    step = next(step for step in result.steps if step.name == "kaplan.exponent")
    assert verdict(step) == ("good", "agrees")
    assert [name for name, _ in facts(step)] == ["computed", "published", "agreement"]
    wrong = msgspec.structs.replace(step, agrees=False)
    assert verdict(wrong) == ("bad", "differs")
    assert verdict(msgspec.structs.replace(wrong, expected=False)).grade == "caution"
    assert verdict(msgspec.structs.replace(step, expected=False)).grade == "bad"
    part = msgspec.structs.replace(result.parts[0], steps=(wrong,))
    whole = msgspec.structs.replace(result, parts=(part,))
    assert "kaplan.exponent" in tally(whole)
    assert '<p class="flag bad">' in render_replay(whole)


def test_without_any_table_nothing_is_compared(monkeypatch, tmp_path):
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    found = replay("openclip")
    assert tally(found).startswith("Nothing could be compared with print; 7 steps")
    text = replay_text(found)
    assert "0 of 0" not in text
    assert ": :" not in text


def test_error_bars_are_drawn():
    series = Series(
        name="a", role="accent", x=(1.0, 2.0), y=(3.0, 4.0), low=(2.5, 3.0), high=(3.5, 6.0)
    )
    picture = Picture(
        name="x",
        title="",
        caption="",
        x=Axis(title="x", kind="count"),
        y=Axis(title="y"),
        series=(series,),
    )
    (trace,) = draw(picture).data
    assert list(trace.error_y.array) == [0.5, 2.0]
    assert list(trace.error_y.arrayminus) == [0.5, 1.0]


def test_the_file_is_written_whole(result, tmp_path):
    path = write_replay(result, tmp_path / "deep" / "saga.html")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
